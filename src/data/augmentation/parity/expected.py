"""Prints expected.json: what Keras makes of a small image for given augmentation parameters.

Run where keras 3.15, scipy, pillow and numpy are installed:
    python expected.py > expected.json
"""

import json

import numpy as np
from keras.src.legacy.preprocessing.image import ImageDataGenerator

SIZE = 8

CASES = {
    "rotation": {"theta": 33.0},
    "rotation beyond a full turn": {"theta": -347.5},
    "shift": {"tx": 1.3, "ty": -0.6},
    "zoom": {"zx": 0.8, "zy": 1.15},
    "channel shift up": {"channel_shift_intensity": 41.7},
    "channel shift down": {"channel_shift_intensity": -23.45},
    "horizontal flip": {"flip_horizontal": True},
    "vertical flip": {"flip_vertical": True},
    "darker": {"brightness": 0.37},
    "brighter": {"brightness": 1.2},
    "everything": {
        "theta": 211.0,
        "tx": -0.7,
        "ty": 0.45,
        "zx": 1.1,
        "zy": 0.9,
        "channel_shift_intensity": -37.25,
        "flip_horizontal": True,
        "flip_vertical": True,
        "brightness": 0.83,
    },
}


def image():
    row, column, channel = np.meshgrid(np.arange(SIZE), np.arange(SIZE), np.arange(3), indexing="ij")
    return (20 + (37 * row + 59 * column + 83 * channel + 7 * row * column) % 200).astype("float32")


generator = ImageDataGenerator()
lines = []
for name, parameters in CASES.items():
    pixels = generator.apply_transform(image(), parameters).ravel()
    case = {"name": name, "parameters": parameters, "pixels": [round(float(value), 4) for value in pixels]}
    lines.append(json.dumps(case))
print("[\n" + ",\n".join(lines) + "\n]")
