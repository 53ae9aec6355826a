"""Weights and inputs that Keras and the crate both compute: noise from a counter, so that nothing large is stored.
`tests/keras/formula.rs` is the same in Rust, bit for bit."""

import zlib

import numpy

GOLDEN_RATIO = 0x9E3779B9


def hashes(seed, key, count):
    """`count` 32-bit numbers: MurmurHash3's finalizer over a Weyl sequence that starts at the CRC-32 of seed and key."""
    start = zlib.crc32(f"{seed}/{key}".encode())
    x = (numpy.arange(count, dtype=numpy.uint64) * GOLDEN_RATIO + start).astype(numpy.uint32)
    x ^= x >> numpy.uint32(16)
    x *= numpy.uint32(0x85EBCA6B)
    x ^= x >> numpy.uint32(13)
    x *= numpy.uint32(0xC2B2AE35)
    return x ^ (x >> numpy.uint32(16))


def noise(seed, key, shape):
    """Uniform in [-1, 1), exact in 32-bit floating point."""
    values = (hashes(seed, key, int(numpy.prod(shape))) >> numpy.uint32(8)).astype(numpy.float32)
    return (values * numpy.float32(2.0**-23) - numpy.float32(1)).reshape(shape)


def pixels(seed, key, shape):
    """8-bit values."""
    return (hashes(seed, key, int(numpy.prod(shape))) >> numpy.uint32(24)).astype(numpy.uint8).reshape(shape)


def weight(seed, key, shape, beta=0):
    """A parameter by its name `layer.variable`: kernels within the limits of glorot_uniform, all else near its usual
    start. Shifts of batch normalisations are near `beta`, and near -`beta` in every fourth channel."""
    values = noise(seed, key, shape)
    variable = key.rsplit(".", 1)[1]
    if variable.endswith("kernel"):
        pixels_of_kernel = int(numpy.prod(shape[:-2]))
        fans = pixels_of_kernel * (shape[-2] + shape[-1])
        return values * numpy.float32(numpy.sqrt(6 / fans))
    if variable == "gamma":
        return numpy.float32(1) + numpy.float32(0.1) * values
    if variable == "moving_variance":
        return numpy.float32(1) + numpy.float32(0.2) * values
    if variable == "beta":
        signs = numpy.where(numpy.arange(shape[0]) % 4 == 3, -1, 1).astype(numpy.float32)
        return signs * numpy.float32(beta) + numpy.float32(0.1) * values
    return numpy.float32(0.1) * values


def images(seed, key, shape):
    """Images with the range of preprocessed ones, and like photographs with more contrast between regions than between
    neighbours: cells of 32 and of 8 pixels, and noise. The deeper layers' activations differ from place to place then,
    and no batch normalisation blows rounding up."""
    batch, size = shape[:2]
    total = numpy.zeros(shape, numpy.float32)
    for cell, contrast in ((32, 64), (8, 32), (1, 32)):
        cells = noise(seed, f"{key} {cell}", (batch, size // cell, size // cell, 3))
        total += numpy.float32(contrast) * cells.repeat(cell, 1).repeat(cell, 2)
    return total


def key(variable):
    """A Keras variable's name `layer.variable`, without the scopes around the layer."""
    return ".".join(variable.path.split("/")[-2:])


def set_weights(model, seed, beta=0):
    for variable in model.weights:
        variable.assign(weight(seed, key(variable), tuple(variable.shape), beta))
