"""Computes with Keras what `cargo test --test keras` compares this crate with.

    python -m venv venv
    venv/bin/pip install tensorflow-cpu scipy pillow pandas
    venv/bin/python tools/keras_reference.py --seed 1 --out reference          # whole arrays, about 3 GB
    KERAS_REFERENCE=reference cargo test --release --test keras

The committed set is made with `--seed 0 --sampled --out tests/keras/golden`: of every large array, values at positions
that the seed gives, and the whole array's mean, root mean square and largest value. What both sides need as input
(weights, images, labels) is never stored: both compute it from the formula in `reference/formula.py`.

`--threads` limits TensorFlow's threads; `compare_references.py` tells how far two sets are apart, which shows how well
Keras agrees with itself.
"""

import argparse
import os
import pathlib

SUBJECTS = ("images", "schedule", "heads", "training", "features", "gradients", "files")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True, help="of all weights, images and labels")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the set")
    parser.add_argument("--sampled", action="store_true", help="store samples of large arrays, and no weights files")
    parser.add_argument("--threads", type=int, default=2, help="threads of one TensorFlow operation")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, default=SUBJECTS, help="compute these subjects alone")
    return parser.parse_args()


def main():
    given = arguments()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(given.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)

    from reference import features, files, golden, gradients, heads, images, schedule, training

    given.out.mkdir(parents=True, exist_ok=True)
    out = golden.Set(given.out, given.seed, given.sampled)
    modules = {
        "images": images,
        "schedule": schedule,
        "heads": heads,
        "training": training,
        "features": features,
        "gradients": gradients,
        "files": files,
    }
    for subject in given.only:
        if subject == "files" and given.sampled:
            continue
        print(f"{subject} …", flush=True)
        modules[subject].write(out)


if __name__ == "__main__":
    main()
