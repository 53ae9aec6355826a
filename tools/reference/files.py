"""Weights files as Keras writes them, filled by the formula: the official layout and Keras 3's own."""

import keras

from . import formula
from .networks import APPLICATIONS, backbone


def write(out):
    for network, application in APPLICATIONS.items():
        model = backbone(network, 224)
        formula.set_weights(model, out.seed)
        model.save_weights(out.folder / f"{network}.h5")
        model.save_weights(out.folder / f"{network}.weights.h5")
        model.save(out.folder / f"{network}.keras")
        print(f"  {network}", flush=True)
    # The second Xception of a process: its automatically named layers have other numbers.
    weights = backbone("xception", 224)
    formula.set_weights(weights, out.seed)
    shifted = keras.applications.Xception(include_top=False, weights=None, input_shape=(224, 224, 3))
    shifted.set_weights(weights.get_weights())
    for ending in ("h5", "weights.h5"):
        shifted.save_weights(out.folder / f"xception-shifted.{ending}")
    shifted.save(out.folder / "xception-shifted.keras")
    print("  xception-shifted", flush=True)
