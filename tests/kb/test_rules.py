"""Findings: every incident's conditions can be reached from text, operators, versions, both languages."""

import json
from typing import Any

import pytest

from kb.configs import read_configs
from kb.configs.keys import kinds
from kb.evidence import Input
from kb.library import BUILT_IN, load_library
from kb.rules import Rules, findings
from kb.types import ConfigCondition, ConfigRule

LIBRARY = load_library([BUILT_IN])
NO_RULES = Rules((), {})
FILES = {"deepspeed": "ds_config.json", "model": "config.json", "peft": "adapter_config.json"}
PREFIX = {
    "vllm": "vllm serve", "llama-factory": "llamafactory-cli train", "ms-swift": "swift sft", "trl": "trl sft",
    "transformers": "python train.py", "axolotl": "axolotl train x.yml", "docker": "docker run",
    "sglang": "python -m sglang.launch_server", "llama-cpp": "llama-server",
}  # fmt: skip
# A harmless setting of each kind, so that a missing key is seen to be missing.
BESIDE = {
    "deepspeed": {"steps_per_print": 10}, "model": {"vocab_size": 5}, "vllm": {"port": 8000},
    "llama-factory": {"cutoff_len": 10}, "ms-swift": {"lora_rank": 8}, "trl": {"logging_steps": 1},
    "transformers": {"logging_steps": 1}, "axolotl": {"sequence_len": 10}, "env": {"A_B": 1},
    "accelerate": {"num_machines": 1}, "ollama": {"num_thread": 1}, "docker": {"name": "x"},
}  # fmt: skip


def example(condition: ConfigCondition) -> Any:
    """A value that meets the condition; None for one that is met by a missing key."""
    if condition.absent or "is_not" in condition.model_fields_set:
        return None
    if condition.in_ is not None:
        return condition.in_[0]
    if condition.above is not None:
        return condition.above * 2
    if condition.below is not None:
        return condition.below / 2
    return "x" if condition.present else condition.is_


def nested(settings: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in settings.items():
        *outer, last = key.split(".")
        place = out
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    return out


def written(kind: str, settings: dict[str, Any]) -> Input:
    """The settings as their tool has them."""
    settings = settings | BESIDE[kind]
    if kind in FILES:
        return Input(FILES[kind], json.dumps(nested(settings), indent=2))
    if kind == "accelerate":
        lines = ["compute_environment: LOCAL_MACHINE"]
        for key, value in nested(settings).items():
            inner = value if isinstance(value, dict) else None
            lines += [f"{key}:", *(f"  {k}: {v}" for k, v in inner.items())] if inner else [f"{key}: {value}"]
        return Input("accelerate.yaml", "\n".join(lines))
    if kind == "env":
        return Input("text", "\n".join(f"export {key}={value}" for key, value in settings.items()))
    if kind == "ollama":
        return Input("Modelfile", "\n".join(f"PARAMETER {key} {value}" for key, value in settings.items()))
    flags = " ".join(f"--{key}" if value is True else f"--{key} {value}" for key, value in settings.items())
    return Input("run.sh", f"{PREFIX[kind]} {flags}")


def reaching(rule: ConfigRule) -> list[Input]:
    by_kind: dict[str, dict[str, Any]] = {}
    for condition in [*rule.all, *rule.any[:1]]:
        value = example(condition)
        if value is not None:
            by_kind.setdefault(condition.kind, {})[condition.key] = value
        else:
            by_kind.setdefault(condition.kind, {})
    return [written(kind, settings) for kind, settings in by_kind.items()]


CONDITIONS = [(i.id, n, rule) for i in LIBRARY.incidents.values() for n, rule in enumerate(i.config)]


@pytest.mark.parametrize(("incident", "number", "rule"), CONDITIONS, ids=[f"{i}-{n}" for i, n, _ in CONDITIONS])
def test_every_condition_of_an_incident_is_reachable(incident: str, number: int, rule: ConfigRule) -> None:
    assert {c.kind for c in (*rule.all, *rule.any)} <= set(kinds())
    found = findings(read_configs(reaching(rule)), {}, [LIBRARY.incidents[incident]], NO_RULES)
    assert [finding.incident for finding in found] == [incident]
