"""Weights files as Keras writes them, filled by the formula: the layout of the official files, and Keras 3's own."""

import h5py
import keras
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from . import formula
from .networks import APPLICATIONS, backbone


def write(out):
    for network in APPLICATIONS:
        model = backbone(network, 224)
        formula.set_weights(model, out.seed)
        save(model, out.folder, network)
    # The second Xception of a process: its automatically named layers have other numbers.
    first = backbone("xception", 224)
    formula.set_weights(first, out.seed)
    second = keras.applications.Xception(include_top=False, weights=None, input_shape=(224, 224, 3))
    second.set_weights(first.get_weights())
    save(second, out.folder, "xception-shifted")


def save(model, folder, name):
    with h5py.File(folder / f"{name}.h5", "w") as file:
        save_weights_to_hdf5_group(file, model)
    model.save_weights(folder / f"{name}.weights.h5")
    model.save(folder / f"{name}.keras")
    print(f"  {name}", flush=True)
