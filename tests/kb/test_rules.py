"""Findings: every incident's conditions can be reached from text, operators, versions, both languages."""

import json
from pathlib import Path
from typing import Any

import pytest

from kb.configs import read_configs
from kb.configs.keys import kinds
from kb.errors import IncidentError
from kb.evidence import Input
from kb.evidence.model import ConfigFinding, VersionSeen
from kb.library import BUILT_IN, load_library
from kb.rules import Rule, Rules, findings, holds, load_rules
from kb.types import ConfigCondition, ConfigRule, Lang, VersionFact

LIBRARY = load_library([BUILT_IN])
NO_RULES = Rules((), {})
FILES = {"deepspeed": "ds_config.json", "model": "config.json", "peft": "adapter_config.json"}
PREFIX = {
    "vllm": "vllm serve", "llama-factory": "llamafactory-cli train", "ms-swift": "swift sft", "trl": "trl sft",
    "transformers": "python train.py", "axolotl": "axolotl train x.yml", "docker": "docker run",
    "sglang": "python -m sglang.launch_server", "llama-cpp": "llama-server",
    "verl": "python -m verl.trainer.main_ppo", "torchrun": "torchrun",
}  # fmt: skip
# A harmless setting of each kind, so that a missing key is seen to be missing.
BESIDE = {
    "deepspeed": {"steps_per_print": 10}, "model": {"vocab_size": 5}, "vllm": {"port": 8000},
    "llama-factory": {"cutoff_len": 10}, "ms-swift": {"lora_rank": 8}, "trl": {"logging_steps": 1},
    "transformers": {"logging_steps": 1}, "axolotl": {"sequence_len": 10}, "env": {"A_B": 1},
    "verl": {"trainer.nnodes": 1}, "torchrun": {"nnodes": 1}, "llama-cpp": {"threads": 1},
    "accelerate": {"num_machines": 1}, "ollama": {"num_thread": 1}, "docker": {"name": "x"}, "peft": {"bias": "none"},
}  # fmt: skip


def example(condition: ConfigCondition) -> Any:
    """A value that meets the condition; None for one that is met by a missing key."""
    if condition.absent or "is_not" in condition.model_fields_set:
        return None
    if condition.in_ is not None:
        return condition.in_[0]
    if condition.above is not None:
        return condition.above * 2 + 1
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


RULES = load_rules()


@pytest.mark.parametrize("rule", RULES.rules, ids=[rule.id for rule in RULES.rules])
def test_every_rule_is_reachable(rule: Rule) -> None:
    assert {c.kind for c in (*rule.when.all, *rule.when.any)} <= set(kinds())
    assert rule.message.en and rule.message.zh and rule.url.startswith("https://")
    found = findings(read_configs(reaching(rule.when)), {}, [], RULES)
    assert rule.id in [finding.rule for finding in found]


def test_ids_are_unique_and_name_incidents_that_exist() -> None:
    ids = [rule.id for rule in RULES.rules]
    assert len(set(ids)) == len(ids)
    named = {*RULES.incidents, *(rule.incident for rule in RULES.rules if rule.incident)}
    assert named <= set(LIBRARY.incidents)
    assert len(ids) + len({incident for incident, _, _ in CONDITIONS}) >= 60


def ask(text: str, language: Lang = "en", **versions: str) -> list[ConfigFinding]:
    seen = {name: VersionSeen(version=version, input="text", line=1) for name, version in versions.items()}
    return list(findings(read_configs([Input("text", text)]), seen, [], RULES, language))


def test_a_finding_names_the_value_its_line_and_the_language() -> None:
    text = "vllm serve Qwen/Qwen3-8B \\\n  --gpu-memory-utilization 1.5"
    (finding,) = ask(text, "zh")
    assert (finding.rule, finding.severity) == ("vllm-memory-above-one", "error")
    assert (finding.key, finding.value, finding.line) == ("gpu-memory-utilization", 1.5, 2)
    assert "显存" in finding.message
    assert ask(text)[0].message.startswith("gpu-memory-utilization is a share")


def test_versions_decide() -> None:
    text = "vllm serve Qwen/Qwen3-8B --enable-reasoning --reasoning-parser qwen3"
    assert [f.severity for f in ask(text, vllm="0.10.1")] == ["error"]
    assert ask(text, vllm="0.8.5") == []
    (unknown,) = ask(text)
    assert unknown.severity == "info"
    assert "only vllm >=0.10.0" in unknown.message


def test_an_incident_that_the_version_rules_out_is_not_found() -> None:
    stage = ConfigCondition.model_validate({"kind": "deepspeed", "key": "zero_optimization.stage", "is": 2})
    fact = VersionFact(component="deepspeed", affected=">=0.17.6,<0.18.3", source=1)
    update = {"config": (ConfigRule(all=(stage,)),), "versions": (fact,)}
    incident = LIBRARY.incidents["zero2-overlap-comm-loss-zero"].model_copy(update=update)
    values = read_configs([Input("ds.json", '{"zero_optimization": {"stage": 2}}')])
    seen = {"deepspeed": VersionSeen(version="0.14.0", input="ds.json", line=1)}
    assert findings(values, {}, [incident], NO_RULES)
    assert not findings(values, seen, [incident], NO_RULES)


@pytest.mark.parametrize(
    ("operator", "value", "met"),
    [
        ({"is": True}, "true", True), ({"is": 3}, "3", True), ({"is": "fp32"}, "FP32", True),
        ({"is": "q_proj,v_proj"}, ("q_proj", "v_proj"), True), ({"is": 1}, True, False),
        ({"in": ["half", "float16"]}, "half", True),
        ({"above": 1}, 1, False), ({"above": 1}, "auto", False), ({"below": 1e-5}, "5e-6", True),
        ({"above": 2}, True, False), ({"present": True}, False, False), ({"present": True}, 0, True),
        ({"is_not": "auto"}, "auto", False),
    ],
)  # fmt: skip
def test_operators(operator: dict[str, Any], value: Any, met: bool) -> None:
    assert holds(ConfigCondition.model_validate({"kind": "vllm", "key": "x", **operator}), value) is met


def test_a_missing_key_counts_only_beside_others_of_its_kind() -> None:
    text = "docker run --gpus all vllm/vllm-openai:latest --model a/b --tensor-parallel-size 2"
    assert "vllm-docker-shared-memory" in [f.rule for f in ask(text)]
    assert "vllm-docker-shared-memory" not in [f.rule for f in ask("vllm serve a/b --tensor-parallel-size 2")]


def test_secrets_in_values_are_redacted() -> None:
    text = "export HF_ENDPOINT=https://someone:pass1234word@mirror.example.com"
    given = ConfigCondition.model_validate({"kind": "env", "key": "HF_ENDPOINT", "present": True})
    incident = next(iter(LIBRARY.incidents.values())).model_copy(
        update={"config": (ConfigRule(all=(given,)),), "versions": (), "status": "reviewed"}
    )
    (finding,) = findings(read_configs([Input("text", text)]), {}, [incident], NO_RULES)
    assert "pass1234word" not in str(finding.value)


def test_a_rule_that_breaks_the_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("incidents: {}\nrules:\n  - id: x\n    severity: fatal\n", encoding="utf-8")
    with pytest.raises(IncidentError, match=r"rules\.yaml:3: "):
        load_rules(path)


GOOD = sorted((Path(__file__).parents[2] / "evals" / "configs" / "good").iterdir())


@pytest.mark.parametrize("path", GOOD, ids=[path.name for path in GOOD])
def test_good_configurations_have_no_finding(path: Path) -> None:
    values = read_configs([Input(path.name, path)])
    assert values
    found = findings(values, {}, LIBRARY.incidents.values(), RULES)
    assert [f.rule for f in found if f.severity != "info"] == []
