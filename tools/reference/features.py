"""Feature maps in inference mode, of all networks at both image sizes."""

import numpy

from . import formula
from .networks import APPLICATIONS, backbone

BATCH = {224: 2, 512: 1}
SAMPLES = 2000


def write(out):
    for network in APPLICATIONS:
        for size, batch in BATCH.items():
            model = backbone(network, size)
            formula.set_weights(model, out.seed)
            images = formula.images(out.seed, f"images {size}", (batch, size, size, 3))
            maps = numpy.asarray(model(images, training=False))
            tensors = out.tensors(SAMPLES)
            tensors.add("maps", maps)
            channels = out.tensors(maps.shape[-1])
            channels.add("means", maps.astype(numpy.float64).mean((0, 1, 2)))
            channels.add("maxima", maps.max((0, 1, 2)))
            arrays = tensors.arrays("maps") | channels.arrays("channels")
            out.save(f"features-{network}-{size}", arrays, network=network, size=size, batch=batch)
