"""Learned changes of the embedding model: kept in 8 bits, put onto the layers they name, and nowhere else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from evals.adapter_fit import learn
from kb import adapter
from kb.embedding import PLAIN_MODEL, Embedder, load_embedder, sentence_transformer
from kb.library import BUILT_IN, load_library


def _factors() -> dict[str, tuple[adapter.Matrix, adapter.Matrix]]:
    chance = np.random.default_rng(0)
    return {"layer": (chance.normal(size=(2, 5)).astype(np.float32), chance.normal(size=(3, 2)).astype(np.float32))}


def test_what_is_saved_comes_back_to_a_hundredth(tmp_path: Path) -> None:
    adapter.save(_factors(), tmp_path / "a.npz")
    (a, b), (a2, b2) = _factors()["layer"], adapter.load(tmp_path / "a.npz")["layer"]
    assert np.abs(a - a2).max() < 0.02 and np.abs(b - b2).max() < 0.02


def test_changes_are_added_to_the_layer_they_name() -> None:
    model = torch.nn.Sequential()
    model.add_module("layer", torch.nn.Linear(5, 3))
    before = model.layer.weight.detach().clone().numpy()
    adapter.apply(model, _factors())
    a, b = _factors()["layer"]
    assert np.allclose(model.layer.weight.detach().numpy(), before + b @ a, atol=1e-5)


def test_another_models_changes_are_refused() -> None:
    model = torch.nn.Sequential()
    model.add_module("layer", torch.nn.Linear(4, 3))
    with pytest.raises(RuntimeError):
        adapter.apply(model, _factors())
    with pytest.raises(AttributeError):
        adapter.apply(torch.nn.Sequential(), _factors())


def test_the_default_model_tells_incidents_apart_better_than_the_plain_one(
    embedder: Embedder, data_folder: Path
) -> None:
    question = "ollama answers very slowly and nvidia-smi shows that the card does nothing"
    right, wrong = "ollama runs on the CPU instead of the GPU", "answers of ollama are short and cut off"
    gains = []
    for model in (embedder, load_embedder(PLAIN_MODEL, data_folder)):
        vectors = model.embed([question, right, wrong], "query")
        gains.append(float(vectors[0] @ vectors[1] - vectors[0] @ vectors[2]))
    assert gains[0] > gains[1]


def test_learning_draws_the_phrases_of_an_incident_together() -> None:
    chosen = [*load_library([BUILT_IN]).incidents.values()][:24]
    model = sentence_transformer(PLAIN_MODEL, "cpu")
    texts = [question for incident in chosen for question in incident.asked.en[:2]]
    owners = [n for n, incident in enumerate(chosen) for _ in incident.asked.en[:2]]
    same = np.equal.outer(owners, owners) & ~np.eye(len(owners), dtype=bool)

    def apart() -> float:
        vectors = model.encode(texts, normalize_embeddings=True)
        near = vectors @ vectors.T
        return float(near[same].mean() - near[~same].mean())

    before = apart()
    learn(model, chosen, steps=6)
    assert apart() > before
