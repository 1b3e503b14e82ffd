"""What we rely on in vLLM, against vLLM itself. The model is random: shapes are asserted, never words."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.casebook import Casebook
from kb.errors import ModelError
from kb.llm import Limits, Message, ModelConfig, ServedModel

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]
ASK = [{"role": "user", "content": "loss is zero"}]
SLOW = Limits(connect=10, first_token=120, pause=60, total=180, tokens=200)
SCHEMA = {
    "type": "object",
    "properties": {
        "sentences": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "text": {"type": "string", "maxLength": 20},
                    "incident": {"type": "string", "enum": ["a-b", "c-d"]},
                    "field": {"type": "string", "enum": ["cause", "fix"]},
                },
                "required": ["text", "incident", "field"],
                "additionalProperties": False,
            },
            "minItems": 1,
            "maxItems": 2,
        }
    },
    "required": ["sentences"],
    "additionalProperties": False,
}


def auth(vllm: Any) -> dict[str, str]:
    """The header that lets us in."""
    return {"Authorization": f"Bearer {vllm.key}"}


def ask(vllm: Any, **body: Any) -> httpx.Response:
    """One request."""
    whole = {"model": vllm.model, "messages": ASK, "max_tokens": 16} | body
    return httpx.post(f"{vllm.url}/chat/completions", json=whole, headers=auth(vllm), timeout=120)


def model(vllm: Any, limits: Limits = SLOW, **config: Any) -> ServedModel:
    """Our seam to it."""
    return ServedModel(ModelConfig(vllm.url, api_key=vllm.key, limits=limits, **config))


def test_the_key_is_asked_for(vllm: Any) -> None:
    assert httpx.get(f"{vllm.url}/models", timeout=10).status_code == 401
    listed = httpx.get(f"{vllm.url}/models", headers=auth(vllm), timeout=10).json()["data"][0]
    assert (listed["id"], listed["max_model_len"]) == (
        vllm.model,
        vllm.context,
    )  # what the budget of the prompt is taken from


def test_it_streams(vllm: Any) -> None:
    body = {"model": vllm.model, "messages": ASK, "max_tokens": 40, "stream": True, "ignore_eos": True}
    events = []
    with httpx.stream("POST", f"{vllm.url}/chat/completions", json=body, headers=auth(vllm), timeout=120) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = [line[6:] for line in response.iter_lines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    deltas = [json.loads(event)["choices"][0] for event in events[:-1] if json.loads(event)["choices"]]
    assert len(deltas) > 5
    assert deltas[-1]["finish_reason"] == "length"


def test_structured_output_has_the_shape_asked_for(vllm: Any) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
    answer = ask(vllm, response_format=form, max_tokens=600, temperature=1.0).json()["choices"][0]
    assert answer["finish_reason"] == "stop"
    for sentence in json.loads(answer["message"]["content"])["sentences"]:
        assert set(sentence) == {"text", "incident", "field"}
        assert sentence["incident"] in ("a-b", "c-d")
        assert sentence["field"] in ("cause", "fix")


def test_thinking_stays_out_of_the_answer(vllm: Any) -> None:
    """What comes before </think> is reasoning; a random model never closes it, so the content stays empty."""
    on = ask(vllm, chat_template_kwargs={"enable_thinking": True}, max_tokens=24, ignore_eos=True).json()
    message: Mapping[str, Any] = on["choices"][0]["message"]
    assert not message.get("content")
    assert message.get("reasoning") or message.get("reasoning_content")
    off = ask(vllm, max_tokens=24, ignore_eos=True).json()["choices"][0]["message"]
    assert off["content"]


def test_too_long_a_prompt_is_refused_and_we_say_so(vllm: Any) -> None:
    long = [Message("user", "out of memory " * 3000)]
    assert ask(vllm, messages=[m._asdict() for m in long]).status_code == 400
    with pytest.raises(ModelError) as caught:
        list(model(vllm).stream(long))
    assert caught.value.reason == "too_long"


def test_our_seam_reads_the_model_and_streams(vllm: Any) -> None:
    served = model(vllm)
    info = served.info()
    assert (info.name, info.context) == (vllm.model, vllm.context)
    messages = [Message("system", "Answer."), Message("user", "显存不足")]
    assert 0 < served.count(messages) < 100
    text = "".join(served.stream(messages, SCHEMA))
    assert json.loads(text)["sentences"]


def test_closing_the_stream_ends_the_servers_work(vllm: Any) -> None:
    """Closing alone does not stop vLLM: the request has to be cancelled."""
    unending = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-z]{3000,3500}$"}},
                "required": ["a"], "additionalProperties": False}  # fmt: skip
    stream = model(vllm, Limits(connect=10, first_token=120, pause=60, total=300, tokens=3800)).stream(
        [Message("user", "a")], unending
    )
    assert next(stream)
    assert vllm.until_running(1)
    started = time.monotonic()
    stream.close()
    assert vllm.until_idle(5), "still running after the stream was closed"
    assert time.monotonic() - started < 6


def test_the_total_limit_ends_the_servers_work(vllm: Any) -> None:
    unending = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-z]{3000,3500}$"}},
                "required": ["a"], "additionalProperties": False}  # fmt: skip
    limits = Limits(connect=10, first_token=60, pause=60, total=3, retries=0, tokens=3800)
    with pytest.raises(ModelError):
        list(model(vllm, limits).stream([Message("user", "a")], unending))
    assert vllm.until_idle(5)


@pytest.mark.timeout(1200)  # embeds the whole base first
def test_a_diagnosis_worded_by_nonsense_is_the_composed_one(vllm: Any, casebook: Casebook, data_folder: Path) -> None:
    """A random model says nothing that holds: the composed answer comes, with a reason, and status 0.

    `casebook` has built the index that the command finds.
    """
    env = os.environ | {
        "CASEBOOK_DATA": str(data_folder), "CASEBOOK_LLM": vllm.url, "CASEBOOK_LLM_API_KEY": vllm.key,
        "CASEBOOK_LLM_FIRST_TOKEN_TIMEOUT": "60", "CASEBOOK_LLM_TIMEOUT": "90", "CASEBOOK_LLM_CONNECT_TIMEOUT": "10",
    }  # fmt: skip
    text = "Full fine-tune of Qwen-7B with DeepSpeed: gradients spike to thousands, then the loss is 0 within 10 steps"
    command = [sys.executable, "-m", "app.main", "diagnose", "--json", "--text", text]
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    diagnosis = json.loads(done.stdout)
    assert diagnosis["writer"]["kind"] == "composed"
    assert diagnosis["writer"]["fallback_reason"]
    assert diagnosis["causes"][0]["cause"] in diagnosis["answer"]
    assert vllm.until_idle(5)
