"""Reads the TensorBoard event files of a results folder with TensorBoard itself, and compares them with the histories.

    venv/bin/pip install tensorboard
    venv/bin/python tools/check_tensorboard.py reports/quickstart

Every epoch of every run must be there once, with its values rounded to 32 bits. Run it again after a run was stopped and
went on.
"""

import argparse
import csv
import math
import pathlib
import struct

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

COLUMNS = {
    "loss/train": "train_loss",
    "loss/test": "test_loss",
    "loss/validation": "validation_loss",
    "accuracy/train": "train_accuracy",
    "accuracy/test": "test_accuracy",
    "accuracy/validation": "validation_accuracy",
    "accuracy/test_top5": "test_top5_accuracy",
    "learning_rate": "learning_rate",
    "seconds": "seconds",
}


def expected(history):
    """For each tag the epochs and their values; what was not recorded is left out."""
    with open(history, newline="") as file:
        rows = list(csv.DictReader(file))
    values = {}
    for tag, column in COLUMNS.items():
        recorded = [(int(row["epoch"]), float(row[column])) for row in rows if row.get(column)]
        recorded = [(epoch, value) for epoch, value in recorded if not math.isnan(value)]
        if recorded:
            values[tag] = [(epoch, struct.unpack("f", struct.pack("f", value))[0]) for epoch, value in recorded]
    return values


def check(run):
    """The number of scalars that were compared in a run's folder."""
    accumulator = EventAccumulator(str(run), size_guidance={"scalars": 0})
    accumulator.Reload()
    wanted = expected(run / "history.csv")
    tags = accumulator.Tags()["scalars"]
    assert sorted(tags) == sorted(wanted), f"{run}: {sorted(tags)}, but {sorted(wanted)} were expected"
    for tag, values in wanted.items():
        events = accumulator.Scalars(tag)
        assert [(event.step, event.value) for event in events] == values, f"{run}: {tag} differs"
        times = [event.wall_time for event in events]
        assert times == sorted(times), f"{run}: {tag} goes back in time"
    return sum(map(len, wanted.values()))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("results", type=pathlib.Path, help="folder of an experiment's results")
    runs = sorted(path.parent for path in arguments.parse_args().results.glob("*/history.csv"))
    assert runs, "there is no run in this folder"
    for run in runs:
        print(f"{run.name}: {check(run)} scalars are those of history.csv")


if __name__ == "__main__":
    main()
