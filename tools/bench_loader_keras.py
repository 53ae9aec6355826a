"""Measures Keras' own input pipeline with the paper's augmentation, on the photographs that `cargo bench --bench loader`
is given: the folder that holds one folder for each class.

    venv/bin/python tools/bench_loader_keras.py intel/seg_train/seg_train

Prints one JSON line: images a second of `ImageDataGenerator.flow_from_directory` at 224 pixels, batches of 70, the median
of several epochs.
"""

import argparse
import json
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from keras.applications.imagenet_utils import preprocess_input
from keras.src.legacy.preprocessing.image import ImageDataGenerator

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder")
parser.add_argument("--epochs", type=int, default=3)
given = parser.parse_args()

generator = ImageDataGenerator(
    rotation_range=360,
    width_shift_range=0.1,
    height_shift_range=0.1,
    zoom_range=0.2,
    channel_shift_range=50,
    brightness_range=(0, 1.2),
    horizontal_flip=True,
    vertical_flip=True,
    fill_mode="nearest",
    preprocessing_function=preprocess_input,
)
images = generator.flow_from_directory(given.folder, target_size=(224, 224), batch_size=70)
speeds = []
for _ in range(given.epochs):
    start, seen = time.perf_counter(), 0
    for _ in range(len(images)):
        seen += len(next(images)[0])
    speeds.append(seen / (time.perf_counter() - start))
print(json.dumps({"images_per_second": round(statistics.median(speeds), 1), "epochs": [round(s, 1) for s in speeds]}))
