"""Question and texts → how well each text answers it. The one seam to rerank models, in process or on a server.

In process: a CrossEncoder of sentence-transformers by name or folder, Qwen3-Reranker among them; torch is imported when
the first question comes. On a server: the /rerank route of Jina and Cohere, which vLLM has as well.
"""

import math
import os
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urldefrag

from kb.errors import UnavailableError

CONNECT_S, TOTAL_S = 2.0, 10.0  # a server that is slower holds up the question longer than it helps
# What Qwen3-Reranker was trained with, by its model card. Its own chat template has no roles for query and document.
_QWEN3_TEMPLATE = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
    'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
    "<Instruct>: Given a report of a failure, judge whether the known problem is the one reported\n"
    "<Query>: {{ (messages | selectattr('role', 'eq', 'query') | first).content }}\n"
    "<Document>: {{ (messages | selectattr('role', 'eq', 'document') | first).content }}<|im_end|>\n"
    r"{{ '<|im_start|>assistant\n<think>\n\n</think>\n\n' }}"  # Jinja drops a newline at its very end
)


class Reranker(Protocol):
    """Scores texts against a question."""

    name: str

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """One score in [0, 1] a text, in their order. Raises UnavailableError."""
        ...


def open_reranker(model: str, api_key: str | None = None) -> Reranker:
    """A model's name or folder, or a server's address with its /v1 and, after #, the model; nothing is loaded yet."""
    if model.startswith(("http://", "https://")):
        return _Server(*urldefrag(model), api_key)
    return _InProcess(model)


class _InProcess:
    def __init__(self, model: str) -> None:
        self.name = model
        self._model: Any = None
        self._failed: UnavailableError | None = None  # to load: the hub is asked once, which may take a minute

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """As Reranker.score."""
        if not texts:
            return []
        model = self._loaded()
        from torch.nn import Sigmoid

        pairs = [(question, text) for text in texts]
        try:
            scores = model.predict(pairs, activation_fn=Sigmoid(), show_progress_bar=False)
        except Exception as error:
            raise UnavailableError(f"rerank model {self.name}: fails ({_said(error)}); see CASEBOOK_RERANK") from error
        return [float(score) for score in scores]

    def _loaded(self) -> Any:
        if self._failed:
            raise self._failed
        try:
            if self._model is None:
                self._model = _cross_encoder(self.name)
        except UnavailableError as error:
            self._failed = error
            raise
        except Exception as error:
            # Hub, file and config errors come in a dozen classes of four libraries; all mean the same to the user.
            self._failed = UnavailableError(
                f"rerank model {self.name}: cannot be loaded ({_said(error)}); "
                "set CASEBOOK_RERANK to a folder that holds it, or HF_ENDPOINT to a mirror"
            )
            raise self._failed from error
        return self._model


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"


def _cross_encoder(name: str) -> Any:
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")  # its retries; how it ended is in our line
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from sentence_transformers import CrossEncoder
    from sentence_transformers.cross_encoder.modules import LogitScore
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    model = CrossEncoder(name)
    if model.num_labels != 1:
        raise UnavailableError(
            f"rerank model {name}: has {model.num_labels} labels, not one score; set CASEBOOK_RERANK to a reranker"
        )
    template = model.tokenizer.chat_template
    if template and "document" not in template and any(isinstance(module, LogitScore) for module in model):
        model.tokenizer.chat_template = _QWEN3_TEMPLATE
    return model


class _Server:
    def __init__(self, url: str, model: str, api_key: str | None) -> None:
        self._url, self._model, self._api_key = url.rstrip("/"), model, api_key
        self.name = f"{model} at {self._url}" if model else self._url

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """As Reranker.score; scores outside of [0, 1] are logits, which llama.cpp's server sends."""
        if not texts:
            return []
        import httpx

        # vLLM refuses what is longer than its model reads, unless told to cut it; others pass the word over.
        body = {"query": question, "documents": list(texts), "truncate_prompt_tokens": -1}
        body |= {"model": self._model} if self._model else {}
        headers = {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        try:
            # No proxies and no redirects: what goes out holds the user's words.
            with httpx.Client(timeout=httpx.Timeout(TOTAL_S, connect=CONNECT_S), trust_env=False) as client:
                answer = client.post(f"{self._url}/rerank", json=body, headers=headers)
            if answer.status_code != 200:
                raise UnavailableError(f"rerank server {self._url}: answered {answer.status_code}; see CASEBOOK_RERANK")
            scores = {int(row["index"]): float(row["relevance_score"]) for row in answer.json()["results"]}
            found = [scores[i] for i in range(len(texts))]
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise UnavailableError(f"rerank server {self._url}: no answer ({why}); see CASEBOOK_RERANK") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnavailableError(f"rerank server {self._url}: sent no score for each text; is it /rerank?") from error
        if not all(math.isfinite(score) for score in found):
            raise UnavailableError(f"rerank server {self._url}: sent scores that are no numbers")
        return found if all(0 <= score <= 1 for score in found) else [_sigmoid(score) for score in found]


def _sigmoid(logit: float) -> float:
    return 0.5 * (1 + math.tanh(logit / 2))
