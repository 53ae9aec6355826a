"""Trains each network for one step, exports it, loads the file in Keras, and compares: the feature maps, and the loss of
the whole network over a test split.

    cargo build --release
    venv/bin/python tools/check_export.py

The images are random and stored as PNG, so that both sides decode the same pixels.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile

import numpy
from PIL import Image

from reference import formula

PROGRAM = pathlib.Path(__file__).parent.parent / "target/release/wise-srnet"
NETWORKS = ("resnet50", "densenet169", "xception", "nasnet_large")
HEAD = "wise_srnet"
# Relative to the largest value of a map, and to the loss.
TOLERANCE = 1e-4
EXPERIMENT = """Experiment(
    name: "export",
    network: "{network}",
    image_size: {size},
    heads: [{head}],
    epochs: 1,
    batch_size: {batch},
    data: (layout: Folders(train: "train", test: "test"), path: "images"),
    augmentation: (),
)
"""


def write_images(folder, size, classes):
    """One image of each class in either split; the pixels of the test split."""
    for split in ("train", "test"):
        images = []
        for number in range(classes):
            path = folder / split / f"class {number}" / "image.png"
            path.parent.mkdir(parents=True)
            images.append(formula.pixels(0, f"{split} {number}", (size, size, 3)))
            Image.fromarray(images[-1]).save(path)
    return numpy.stack(images)


def differences(network, size, folder):
    """Of the maps and of the loss, from Keras'."""
    import keras

    from reference import heads, networks

    pixels = write_images(folder / "images", size, heads.CLASSES)
    images = keras.applications.imagenet_utils.preprocess_input(pixels.astype(numpy.float32))
    numpy.save(folder / "images.npy", images)
    text = EXPERIMENT.format(network=network, size=size, head=HEAD, batch=heads.CLASSES)
    (folder / "export.ron").write_text(text)

    def run(*arguments):
        return subprocess.run([PROGRAM, *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout

    checkpoint = f"reports/export/{HEAD}-seed0/last.safetensors"
    run("export.ron")
    run("export", "--checkpoint", checkpoint, "--output", "network.h5")
    at_size = ("features", "--network", network, "--size", str(size), "--weights", checkpoint)
    run(*at_size, "--input", "images.npy", "--output", "maps.npy")
    evaluation = json.loads(run("evaluate", "export.ron", "--checkpoint", checkpoint, "--json"))

    base = networks.backbone(network, size)
    model = keras.Model(base.input, [base.output, heads.logits(HEAD, base.output)])
    model.load_weights(folder / "network.h5")
    maps, scores = (numpy.asarray(output) for output in model(images, training=False))
    difference = numpy.abs(maps - numpy.load(folder / "maps.npy")).max() / numpy.abs(maps).max()
    return difference, abs(evaluation["loss"] / float(heads.loss(scores)) - 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--size", type=int, choices=(224, 512), default=224)
    given = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    worst = 0
    for network in given.networks:
        with tempfile.TemporaryDirectory() as folder:
            maps, loss = differences(network, given.size, pathlib.Path(folder))
        print(f"{network:12}  maps {maps:.1e}   loss {loss:.1e}", flush=True)
        worst = max(worst, maps, loss)
    if not worst <= TOLERANCE:
        raise SystemExit(f"more than {TOLERANCE}")


if __name__ == "__main__":
    main()
