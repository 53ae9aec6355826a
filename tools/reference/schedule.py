"""The learning rates of the paper's schedule around its falls."""

import keras
import numpy

CASES = [(14034, 70), (31500, 70), (5360, 15), (40, 70)]


def write(out):
    arrays = {}
    for images, batch in CASES:
        steps_between = 2 * max(1, images // batch)
        schedule = keras.optimizers.schedules.ExponentialDecay(0.045, steps_between, 0.94, staircase=True)
        steps = sorted({max(0, fall * steps_between + offset) for fall in (0, 1, 2, 50) for offset in (-1, 0, 1)})
        arrays[f"{images} {batch}/steps"] = numpy.array(steps, numpy.uint32)
        arrays[f"{images} {batch}/rates"] = numpy.array([float(schedule(step)) for step in steps], numpy.float64)
    out.save("schedule", arrays)
