"""Training steps from equal weights, by Keras' own `train_on_batch`, optimizer, schedule and constraint: the losses of
`mini_resnet`, and the weights of a network without kinks.

Where a ReLU's input is near zero, rounding decides whether a gradient passes, and steps later two trainings of Keras
itself differ visibly. So weights are followed to the fourth digit in a network that has no ReLU, at the paper's learning
rate, and losses to a hundredth in one that has many, at a rate at which they fall without jumps."""

import keras
import numpy

from . import formula, heads, networks

MOMENTUM, DECAY, EVERY_EPOCHS = 0.9, 0.94, 2


def smooth(size):
    """A convolution and a batch normalisation, named after the crate's parameters."""
    keras.utils.clear_session()
    image = keras.Input((size, size, 3))
    return keras.Model(image, networks.convolution(image, "backbone", 16, 3, 2, activated=False))


def schedule(learning_rate, images, batch):
    """The notebooks' staircase: it falls after `EVERY_EPOCHS` times the whole batches of an epoch."""
    steps = EVERY_EPOCHS * max(1, images // batch)
    return keras.optimizers.schedules.ExponentialDecay(learning_rate, steps, DECAY, staircase=True)


def step_input(seed, step, size, images, batch):
    """The step's images and labels: the images' brightness tells the class, so that there is something to learn."""
    numbers = [(step * batch + place) % images for place in range(batch)]
    labels = numpy.array([number % heads.CLASSES for number in numbers])
    pixels = numpy.stack([formula.noise(seed, f"image {number}", (size, size, 3)) for number in numbers])
    return pixels + labels.astype(numpy.float32)[:, None, None, None] * numpy.float32(0.25), labels


def train(out, name, base, size, images, batch, steps, learning_rate):
    scores = heads.logits("wise_srnet", base.output)
    network = keras.Model(base.input, keras.layers.Softmax()(scores))
    formula.set_weights(network, out.seed)
    rates = schedule(learning_rate, images, batch)
    network.compile(keras.optimizers.SGD(rates, momentum=MOMENTUM), "categorical_crossentropy")
    losses, weights = [], out.tensors()
    for step in range(steps):
        inputs, labels = step_input(out.seed, step, size, images, batch)
        losses.append(network.train_on_batch(inputs, numpy.eye(heads.CLASSES, dtype=numpy.float32)[labels]))
    for variable in network.weights:
        weights.add(formula.key(variable), variable)
    arrays = weights.arrays("weights") | {"losses": numpy.array(losses, numpy.float32)}
    out.save(
        name,
        arrays,
        size=size,
        images=images,
        batch=batch,
        steps=steps,
        learning_rate=learning_rate,
        momentum=MOMENTUM,
        decay=DECAY,
        every_epochs=EVERY_EPOCHS,
    )


def write(out):
    train(out, "trajectory", smooth(32), size=32, images=40, batch=8, steps=20, learning_rate=0.045)
    train(out, "losses", networks.mini_resnet(64), size=64, images=100, batch=20, steps=30, learning_rate=0.004)
