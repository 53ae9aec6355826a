"""From decoded pixels to the network's input: resizing, each augmentation for given parameters, all together, and
`preprocess_input`."""

import numpy
from keras.applications.imagenet_utils import preprocess_input
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from PIL import Image

from . import formula

# Width, height, and the size they are brought to; the last three are the paper's data sets'.
RESIZED = [(5, 7, 20), (31, 17, 20), (20, 20, 20), (21, 40, 20), (150, 150, 224), (500, 375, 224), (640, 480, 512)]
SIZE = 20
DRAWN = 12

NEUTRAL = {
    "theta": 0.0,
    "tx": 0.0,
    "ty": 0.0,
    "shear": 0.0,
    "zx": 1.0,
    "zy": 1.0,
    "flip_horizontal": False,
    "flip_vertical": False,
    "channel_shift_intensity": None,
    "brightness": None,
}
SINGLE = [
    {},
    {"theta": 33.0},
    {"theta": -271.5},
    {"tx": 1.7},
    {"ty": -1.3},
    {"zx": 0.85, "zy": 1.15},
    {"channel_shift_intensity": 41.5},
    {"channel_shift_intensity": -50.0},
    {"flip_horizontal": True},
    {"flip_vertical": True},
    {"brightness": 0.0},
    {"brightness": 0.63},
    {"brightness": 1.2},
]


def drawn(seed, number):
    """Everything at once, in the paper's ranges."""
    unit = (formula.noise(seed, f"augmentation {number}", (9,)).astype(numpy.float64) + 1) / 2
    return {
        "theta": -360 + 720 * unit[0],
        "tx": (-0.1 + 0.2 * unit[1]) * SIZE,
        "ty": (-0.1 + 0.2 * unit[2]) * SIZE,
        "zx": 0.8 + 0.4 * unit[3],
        "zy": 0.8 + 0.4 * unit[4],
        "channel_shift_intensity": -50 + 100 * unit[5],
        "flip_horizontal": bool(unit[6] < 0.5),
        "flip_vertical": bool(unit[7] < 0.5),
        "brightness": 1.2 * unit[8],
    }


def write(out):
    arrays = {}
    resized = out.tensors(2000)
    for width, height, size in RESIZED:
        name = f"{width}x{height} to {size}"
        image = Image.fromarray(formula.pixels(out.seed, name, (height, width, 3)))
        resized.add(name, numpy.asarray(image.resize((size, size), Image.NEAREST)))
    arrays |= resized.arrays("resized")
    generator = ImageDataGenerator()
    augmented, preprocessed = out.tensors(SIZE * SIZE * 3), out.tensors(SIZE * SIZE * 3)
    cases = [NEUTRAL | case for case in SINGLE] + [NEUTRAL | drawn(out.seed, number) for number in range(DRAWN)]
    for number, case in enumerate(cases):
        image = formula.pixels(out.seed, f"augmented {number}", (SIZE, SIZE, 3)).astype(numpy.float32)
        changed = generator.apply_transform(image, case)
        augmented.add(str(number), changed)
        preprocessed.add(str(number), preprocess_input(numpy.array(changed)[None])[0])
    arrays |= augmented.arrays("augmented") | preprocessed.arrays("preprocessed")
    out.save("images", arrays, size=SIZE, cases=cases)
