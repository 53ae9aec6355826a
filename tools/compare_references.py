"""Tells how far two sets of `keras_reference.py` are apart: for each tensor the largest difference relative to its
largest value, or to a thousandth of the file's largest where that is more (as `tests/keras` compares gradients: those of
a bias before a batch normalisation are rounding alone); the worst tensor of every file is printed.

    python tools/compare_references.py one two
"""

import argparse
import pathlib

import numpy


def tensors(file):
    """Largest difference scale and values of every tensor in a file."""
    for prefix in sorted({name.rsplit("/", 1)[0] for name in file.files if name.endswith("/values")}):
        names = bytes(file[f"{prefix}/names"]).decode().split("\n")
        parts = numpy.split(file[f"{prefix}/values"], boundaries(file, prefix))
        for name, values, largest in zip(names, parts, file[f"{prefix}/largest"]):
            yield f"{prefix}/{name}", values, largest


def boundaries(file, prefix):
    sizes = file[f"{prefix}/sizes"].astype(int)
    if sizes.sum() != file[f"{prefix}/values"].size:
        raise SystemExit("compare whole sets (without --sampled)")
    return numpy.cumsum(sizes)[:-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("one", type=pathlib.Path)
    parser.add_argument("two", type=pathlib.Path)
    given = parser.parse_args()
    for path in sorted(given.one.glob("*.npz")):
        one, two = numpy.load(path), numpy.load(given.two / path.name)
        smallest = 1e-3 * max((float(largest) for _, _, largest in tensors(one)), default=0)
        worst = (0.0, "")
        for (name, values, largest), (_, others, _) in zip(tensors(one), tensors(two)):
            difference = float(numpy.abs(values - others).max())
            worst = max(worst, (difference / max(float(largest), smallest), name))
        print(f"{path.stem:32} {worst[0]:.1e}  {worst[1]}")
        if "losses" in one.files:
            relative = numpy.abs(one["losses"] / two["losses"] - 1).max()
            print(f"{'':32} {relative:.1e}  losses")


if __name__ == "__main__":
    main()
