"""`casebook lint-config`: findings on configuration files as text, JSON or SARIF."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from kb import yamlio
from kb.configs import read_configs
from kb.errors import IncidentError, InputError
from kb.evidence import Input
from kb.evidence.binary import binary_kind
from kb.evidence.decode import Notes, to_text
from kb.evidence.model import ConfigFinding, Line
from kb.evidence.versions import read_versions
from kb.library import load_library
from kb.rules import findings, load_rules
from kb.types import Incident, Lang

MAX_BYTES = 300_000  # what read_configs reads of one input
Format = Literal["text", "json", "sarif"]
_SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class Linted(NamedTuple):
    """The findings worth failing for, those that only inform, and remarks on how a file reads."""

    found: tuple[ConfigFinding, ...]
    notes: tuple[ConfigFinding, ...]
    remarks: tuple[str, ...]


def lint(paths: Sequence[Path], folders: Sequence[Path], language: Lang) -> Linted:
    """Judge the files together, as one run's configuration, by the rules and the incidents of the folders.

    Raises InputError for a file that is missing, empty, binary, too large, or holds no setting.
    """
    inputs = [Input(str(path), _content(path)) for path in paths]
    return judge(inputs, load_library(folders).incidents.values(), language)


def judge(inputs: Sequence[Input], incidents: Iterable[Incident], language: Lang) -> Linted:
    """Judge texts together, as one run's configuration. Raises InputError for one that holds no setting."""
    values = read_configs(inputs)
    silent = [given.name for given in inputs if not any(value.input == given.name for value in values)]
    if silent:
        raise InputError(f"{silent[0]}: no setting of a known tool found in it")
    lines = (Line(i.name, n, line) for i in inputs for n, line in enumerate(str(i.text).split("\n"), 1))
    everything = findings(values, read_versions(lines), incidents, load_rules(), language)
    remarks = tuple(remark for given in inputs for remark in _remarks(given.name, str(given.text)))
    return Linted(
        tuple(f for f in everything if f.severity != "info"),
        tuple(f for f in everything if f.severity == "info"),
        remarks,
    )


def _content(path: Path) -> str:
    if path.is_dir():
        raise InputError(f"{path}: is a directory")
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if size > MAX_BYTES:
        raise InputError(f"{path}: {size:,} bytes; a configuration has at most {MAX_BYTES:,}")
    if not data.strip():
        raise InputError(f"{path}: is empty")
    if kind := binary_kind(data):
        raise InputError(f"{path}: binary, {kind}")
    return to_text(data, Notes())


def _remarks(name: str, text: str) -> Iterator[str]:
    """What makes tools read a file otherwise than it looks: keys given twice, aliases, deep nesting, broken YAML."""
    suffix = Path(name).suffix.lower()
    if suffix == ".json":
        twice: list[str] = []
        try:
            json.loads(text, object_pairs_hook=lambda pairs: _unique(pairs, twice))
        except RecursionError:
            yield f"{name}: nested too deeply for a JSON reader"
        except ValueError as error:
            yield f"{name}: not strict JSON ({error}); comments and trailing commas are read here, not by every tool"
        yield from (f"{name}: {key}: key given twice; most tools take the last" for key in twice)
    elif suffix in (".yaml", ".yml"):
        try:
            yamlio.load(text, name)
        except IncidentError as error:
            yield str(error)


def _unique(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            twice.append(key)
        seen[key] = value
    return seen


def report(linted: Linted, form: Format, all_: bool) -> str:
    """The findings in one of the formats, without a final newline; "" in text where there is nothing to say."""
    shown = [*linted.found, *(linted.notes if all_ else ())]
    if form == "json":
        return json.dumps([finding.model_dump() for finding in shown], ensure_ascii=False, indent=2)
    if form == "sarif":
        return json.dumps(_sarif(shown), ensure_ascii=False, indent=2)
    return "\n".join(_line(finding) for finding in shown)


def _line(f: ConfigFinding) -> str:
    value = json.dumps(f.value, ensure_ascii=False)
    source = f"{f.url} (casebook show {f.incident})" if f.incident else f.url
    return f"{f.input}:{f.line}: {f.severity}: {f.key} = {value}: {f.message} [{f.rule}]\n    {source}"


def _sarif(found: Sequence[ConfigFinding]) -> dict[str, Any]:
    """SARIF 2.1.0, section 3.27: one result for each finding, the rules once."""
    rules = {f.rule: {"id": f.rule, "shortDescription": {"text": f.message}, "helpUri": f.url} for f in found}
    driver = {"name": "casebook", "rules": list(rules.values())}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(f) for f in found]}],
    }


def _result(f: ConfigFinding) -> dict[str, Any]:
    location = {"artifactLocation": {"uri": Path(f.input).as_posix()}, "region": {"startLine": f.line}}
    return {
        "ruleId": f.rule,
        "level": _SARIF_LEVELS[f.severity],
        "message": {"text": f"{f.key} = {json.dumps(f.value, ensure_ascii=False)}: {f.message}"},
        "locations": [{"physicalLocation": location}],
    }
