"""Files of reference values: NumPy `.npz`, one a subject, read by `tests/keras/golden.rs`."""

import json

import keras
import numpy

from . import formula

SAMPLES = 24


class Set:
    """A folder of reference values for one seed."""

    def __init__(self, folder, seed, sampled):
        self.folder = folder
        self.seed = seed
        self.sampled = sampled

    def tensors(self, samples=SAMPLES):
        return Tensors(self.seed, self.sampled, samples)

    def save(self, name, arrays, **facts):
        facts = {"keras": keras.__version__, "seed": self.seed, "sampled": self.sampled, **facts}
        text = json.dumps(facts).encode()
        numpy.savez_compressed(self.folder / f"{name}.npz", facts=numpy.frombuffer(text, numpy.uint8), **arrays)
        print(f"  {name}", flush=True)


class Tensors:
    """Named tensors, whole or sampled, joined to a few arrays."""

    def __init__(self, seed, sampled, samples):
        self.seed, self.sampled, self.samples = seed, sampled, samples
        self.names, self.sizes, self.values, self.means, self.roots, self.largest = [], [], [], [], [], []

    def add(self, name, array):
        flat = numpy.ascontiguousarray(array, numpy.float32).reshape(-1)
        wide = flat.astype(numpy.float64)
        self.names.append(name)
        self.sizes.append(flat.size)
        self.means.append(wide.mean())
        self.roots.append(numpy.sqrt((wide**2).mean()))
        self.largest.append(numpy.abs(wide).max())
        if self.sampled and flat.size > self.samples:
            flat = flat[formula.hashes(self.seed, f"positions/{name}", self.samples) % numpy.uint32(flat.size)]
        self.values.append(flat)

    def arrays(self, prefix):
        return {
            f"{prefix}/names": numpy.frombuffer("\n".join(self.names).encode(), numpy.uint8),
            f"{prefix}/sizes": numpy.array(self.sizes, numpy.uint32),
            f"{prefix}/values": numpy.concatenate(self.values),
            f"{prefix}/means": numpy.array(self.means, numpy.float32),
            f"{prefix}/roots": numpy.array(self.roots, numpy.float32),
            f"{prefix}/largest": numpy.array(self.largest, numpy.float32),
        }
