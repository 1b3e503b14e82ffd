"""Rerank models: a tiny CrossEncoder and a tiny Qwen3-Reranker through the real loader, and a server's route."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from kb.errors import UnavailableError
from kb.rerank import open_reranker

Serve = Callable[[Any], AbstractContextManager[str]]
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] loss is zero gradient spike memory out of cuda".split()


def cross_encoder(folder: Path, labels: int = 1) -> Path:
    """A random Bert with a classifier of so many labels, saved as a hub's folder is."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=64, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, num_labels=labels, initializer_range=1.0,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_cross_encoder_scores_as_its_own_logits_say(tmp_path: Path) -> None:
    import torch
    from transformers import BertForSequenceClassification, BertTokenizerFast

    folder = cross_encoder(tmp_path / "tiny")
    question, texts = "loss is zero", ["gradient spike", "cuda out of memory", "loss zero " * 100]
    scores = open_reranker(str(folder)).score(question, texts)
    tokenizer = BertTokenizerFast.from_pretrained(folder)
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        pair = tokenizer([question], [texts[0]], return_tensors="pt")
        logit = float(model(**pair).logits[0, 0])
    assert scores[0] == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-5)
    assert len(scores) == 3
    assert len({round(score, 6) for score in scores}) == 3
    assert all(0 <= score <= 1 for score in scores)
    assert open_reranker(str(folder)).score(question, []) == []


def test_what_is_no_reranker_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="3 labels, not one score"):
        open_reranker(str(cross_encoder(tmp_path / "nli", labels=3))).score("loss", ["zero"])
    missing = open_reranker(str(tmp_path / "nothing"))
    with pytest.raises(UnavailableError, match=r"rerank model .*nothing: cannot be loaded .*CASEBOOK_RERANK") as failed:
        missing.score("loss", ["zero"])
    assert "\n" not in str(failed.value)
    cross_encoder(tmp_path / "nothing")  # too late: it is not asked for again
    with pytest.raises(UnavailableError, match="cannot be loaded"):
        missing.score("loss", ["zero"])


def _qwen3_reranker(folder: Path) -> Path:
    """A random Qwen3ForCausalLM with a chat template that knows system, user and assistant only."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>", "yes", "no"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(["loss is zero", "梯度归零"] * 5, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<|endoftext|>", eos_token="<|im_end|>")
    fast.chat_template = (
        "{% for message in messages %}{% if message.role in ['system', 'user', 'assistant'] %}"
        "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endif %}{% endfor %}"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(fast), hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, max_position_embeddings=4096, tie_word_embeddings=True,
        initializer_range=0.5,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    return folder


def test_qwen3_reranker_is_asked_as_it_was_trained(tmp_path: Path) -> None:
    """p(yes) against p(no) after the model card's prompt, worked out with transformers alone."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = _qwen3_reranker(tmp_path / "qwen3")
    scores = open_reranker(str(folder)).score("loss is zero", ["梯度归零", "loss"])
    prompt = (
        "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
        'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
        "<Instruct>: Given a report of a failure, judge whether the known problem is the one reported\n"
        "<Query>: loss is zero\n<Document>: 梯度归零<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    yes, no = tokenizer.convert_tokens_to_ids(["yes", "no"])
    with torch.no_grad():
        inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
        last = AutoModelForCausalLM.from_pretrained(folder)(input_ids=inputs["input_ids"]).logits[0, -1]
    assert scores[0] == pytest.approx(float(torch.softmax(last[[no, yes]], 0)[1]), abs=1e-4)
    assert scores[0] != pytest.approx(scores[1], abs=1e-6)


def _rerank_server(asked: list[dict[str, Any]], scores: list[Any], status: int = 200) -> FastAPI:
    """The /rerank route: best first, as Jina's, Cohere's and vLLM's answer."""
    app = FastAPI()

    @app.post("/v1/rerank")
    async def rerank(request: Request) -> JSONResponse:
        asked.append({**await request.json(), "authorization": request.headers.get("authorization")})
        rows = [{"index": i, "document": {"text": "…"}, "relevance_score": s} for i, s in enumerate(scores)]
        ordered = sorted(rows, key=lambda row: str(row["relevance_score"]), reverse=True)
        return JSONResponse({"id": "rerank-1", "results": ordered}, status)

    return app


def test_a_server_is_asked_by_its_route(serve: Serve) -> None:
    asked: list[dict[str, Any]] = []
    with serve(_rerank_server(asked, [0.1, 0.9, 0.4])) as url:
        assert open_reranker(f"{url}/v1#bge", "secret").score("loss", ["a", "b", "c"]) == [0.1, 0.9, 0.4]
        assert open_reranker(f"{url}/v1/").score("loss", ["a", "b", "c"]) == [0.1, 0.9, 0.4]
        assert open_reranker(f"{url}/v1").score("loss", []) == []
    body = {"query": "loss", "documents": ["a", "b", "c"], "truncate_prompt_tokens": -1}
    assert asked == [body | {"model": "bge", "authorization": "Bearer secret"}, body | {"authorization": None}]


def test_a_servers_logits_become_shares(serve: Serve) -> None:
    with serve(_rerank_server([], [0.0, 2.0, -2000.0])) as url:
        scores = open_reranker(f"{url}/v1").score("loss", ["a", "b", "c"])
    assert scores == pytest.approx([0.5, 1 / (1 + math.exp(-2)), 0.0])


@pytest.mark.parametrize(
    ("scores", "status", "said"),
    [([0.5], 200, "no score for each text"), ([None, None], 200, "no score for each text"), ([0.5, 1], 503, "503")],
)
def test_a_server_that_fails_is_one_clear_line(serve: Serve, scores: list[Any], status: int, said: str) -> None:
    with (
        serve(_rerank_server([], scores, status)) as url,
        pytest.raises(UnavailableError, match=f"rerank server {url}/v1: .*{said}"),
    ):
        open_reranker(f"{url}/v1").score("loss", ["a", "b"])


def test_a_server_that_is_gone_is_one_clear_line() -> None:
    with pytest.raises(UnavailableError, match=r"rerank server http://127.0.0.1:9/v1: no answer .*CASEBOOK_RERANK"):
        open_reranker("http://127.0.0.1:9/v1").score("loss", ["a"])
