"""Tells how far the pixels that this crate decodes from photographs are from those of Pillow, which Keras reads with.

    venv/bin/python tools/compare_decoders.py data/intel

Takes every JPEG below the folder. The crate's pixels come from `cargo run --release --example decode`.
"""

import argparse
import pathlib
import subprocess
import tempfile

import numpy
from PIL import Image

ROOT = pathlib.Path(__file__).parent.parent
IMAGES_A_CALL = 500


def decoded_by_the_crate(paths):
    for start in range(0, len(paths), IMAGES_A_CALL):
        chunk = paths[start : start + IMAGES_A_CALL]
        with tempfile.TemporaryDirectory() as folder:
            command = ["cargo", "run", "--quiet", "--release", "--example", "decode", "--", folder, *chunk]
            subprocess.run(command, check=True, cwd=ROOT)
            for number in range(len(chunk)):
                yield numpy.asarray(Image.open(f"{folder}/{number}.png"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=pathlib.Path)
    paths = sorted(path.resolve() for path in parser.parse_args().photographs.rglob("*.jpg"))
    # Of all values (three a pixel): how many differ by 0, 1, 2, … of 255.
    counts = numpy.zeros(256, numpy.int64)
    pixels = differing_pixels = 0
    for path, ours in zip(paths, decoded_by_the_crate(paths), strict=True):
        pillow = numpy.asarray(Image.open(path).convert("RGB"))
        differences = numpy.abs(ours.astype(int) - pillow)
        counts += numpy.bincount(differences.ravel(), minlength=256)
        pixels += differences[..., 0].size
        differing_pixels += int((differences.max(-1) > 0).sum())
    values = numpy.arange(256)
    print(f"{len(paths)} photographs, {pixels} pixels")
    print(f"largest difference  {values[counts > 0].max()} of 255")
    print(f"mean difference     {(values * counts).sum() / counts.sum():.4f} of 255")
    print(f"pixels that differ  {100 * differing_pixels / pixels:.2f} %")
    for difference in values[1:][counts[1:] > 0]:
        print(f"  values by {difference:3}     {100 * counts[difference] / counts.sum():.5f} %")


if __name__ == "__main__":
    main()
