"""Learned low-rank changes to an embedding model: W + B·A for its linear layers (LoRA, Hu et al., 2021).

Those in adapter.npz make the default model tell the casebook's incidents apart; `python -m evals adapter-fit` learns
them from the phrases in which incidents are asked for. Numbers are kept in 8 bits, with a scale a row.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("adapter.npz")
Matrix = np.ndarray[Any, np.dtype[np.float32]]
Factors = Mapping[str, tuple[Matrix, Matrix]]  # layer → A (rank × inputs) and B (outputs × rank)

_LEVELS = 127


@cache
def digest(path: Path = FILE) -> str:
    """Names the content of a file of changes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def save(factors: Factors, path: Path = FILE) -> None:
    """Write the factors, rounded to 8 bits a number."""
    arrays: dict[str, np.ndarray] = {}
    for layer, pair in factors.items():
        for side, matrix in zip("AB", pair, strict=True):
            scale = np.maximum(np.abs(matrix).max(axis=1, keepdims=True), 1e-12) / _LEVELS
            arrays[f"{layer}:{side}"] = np.round(matrix / scale).astype(np.int8)
            arrays[f"{layer}:{side}:scale"] = scale.astype(np.float32)
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # numpy's stub takes allow_pickle for an array


def load(path: Path = FILE) -> dict[str, tuple[Matrix, Matrix]]:
    """The factors that `save` wrote, by layer."""
    with np.load(path, allow_pickle=False) as kept:
        whole = {name: kept[name] * kept[f"{name}:scale"] for name in kept.files if not name.endswith(":scale")}
    layers = sorted({name.rpartition(":")[0] for name in whole})
    return {layer: (whole[f"{layer}:A"], whole[f"{layer}:B"]) for layer in layers}


def apply(model: Any, factors: Factors) -> None:
    """Add the changes to the layers of a torch module, in place.

    Raises AttributeError where it lacks a layer, RuntimeError where one has another shape: another model's changes.
    """
    for layer, (a, b) in factors.items():
        weight = model.get_submodule(layer).weight.data
        weight += weight.new_tensor(b @ a)
