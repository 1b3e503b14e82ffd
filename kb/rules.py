"""Settings → findings: the `config` conditions of incidents, and the rules of kb/rules.yaml.

An incident's conditions say which settings it needs, seldom that these settings are wrong by themselves: its finding is
"info" unless `incidents:` in kb/rules.yaml says more. A rule for some versions of a component is "info" where the
version is not known.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from kb import yamlio
from kb.configs.keys import canonical, kinds
from kb.configs.model import ConfigValue
from kb.errors import IncidentError
from kb.evidence.model import ConfigFinding, VersionSeen
from kb.redact import redact
from kb.types import (
    ConfigCondition,
    ConfigRule,
    Frozen,
    Incident,
    Lang,
    NonEmpty,
    Slug,
    Text,
    VersionFact,
    VersionRange,
)
from kb.versions import judge, valid_range

FILE = Path(__file__).parent / "rules.yaml"
Severity = Literal["error", "warning", "info"]
Versions = Mapping[str, VersionSeen]
_MESSAGES = {
    "incident": {"en": "part of a known problem: {title}", "zh": "与已知问题有关:{title}"},
    "versions": {
        "en": "{message} (only {component} {range}; its version is not known here)",
        "zh": "{message}(仅 {component} {range};此处不知道版本)",
    },
}


class Rule(Frozen):
    """Settings that are worth a word, for some versions of a component or all, and where that is documented."""

    id: Slug
    when: ConfigRule
    versions: VersionRange | None = None
    severity: Severity
    message: Text
    incident: Slug | None = None
    url: NonEmpty


class Rules(NamedTuple):
    """The rules, and how serious the conditions of an incident are where they say more than "info"."""

    rules: tuple[Rule, ...]
    incidents: Mapping[str, Severity]


@cache
def load_rules(path: Path = FILE) -> Rules:
    """The rules of a file. Raises IncidentError for what breaks the format."""
    data, lines = yamlio.load(path.read_text(encoding="utf-8"), path)
    rules = []
    for index, item in enumerate(data["rules"]):
        try:
            rule = Rule.model_validate(item)
        except ValidationError as error:
            first = error.errors()[0]
            line = lines.get(("rules", index), 1)
            raise IncidentError(path, line, ".".join(map(str, first["loc"])), first["msg"]) from error
        if rule.versions and not valid_range(rule.versions.scheme, rule.versions.range):
            raise IncidentError(path, lines.get(("rules", index), 1), "versions", f"{rule.versions.range}: no range")
        rules.append(rule)
    return Rules(tuple(rules), data["incidents"])


def findings(
    values: Sequence[ConfigValue],
    versions: Versions,
    incidents: Iterable[Incident],
    rules: Rules,
    language: Lang = "en",
) -> tuple[ConfigFinding, ...]:
    """What incidents and rules say of the settings, the most serious first, one finding for a rule; redacted."""
    if not values:
        return ()
    settings = Settings(values)
    found = [
        *_of_rules(settings, versions, rules.rules, language),
        *_of_incidents(settings, versions, incidents, rules.incidents, language),
    ]
    return tuple(sorted(found, key=lambda finding: ("error", "warning", "info").index(finding.severity)))


class Settings:
    """Settings by kind and key; a kind's settings count for the kind it extends as well."""

    def __init__(self, values: Iterable[ConfigValue]) -> None:
        self._by_key: dict[tuple[str, str], list[ConfigValue]] = {}
        self._keys: dict[str, set[str]] = {}
        for value in values:
            base = kinds()[value.kind].base if value.kind in kinds() else None
            for kind in filter(None, (value.kind, base)):
                self._by_key.setdefault((kind, value.key), []).append(value)
                self._keys.setdefault(kind, set()).add(value.key)

    def meeting(self, condition: ConfigCondition) -> Sequence[ConfigValue] | None:
        """The settings that meet the condition, () where it is met by a missing key, None where it is not met.

        `is_not` and `absent` hold for a missing key only where another key of the same kind is there.
        """
        key = canonical(condition.kind, condition.key)
        values = self._by_key.get((condition.kind, key), [])
        if not values:
            others = any(name != key for name in self._keys.get(condition.kind, ()))
            missing = condition.absent or "is_not" in condition.model_fields_set
            return () if missing and others else None
        if "is_not" in condition.model_fields_set:
            return values if not any(same(v.value, condition.is_not) for v in values) else None
        return [v for v in values if holds(condition, v.value)] or None

    def under(self, kind: str, key: str) -> bool:
        """Whether some key below `key` is set."""
        return any(name.startswith(f"{key}.") for name in self._keys.get(kind, ()))


def holds(condition: ConfigCondition, value: Any) -> bool:
    """Whether a value that is given meets the condition."""
    if condition.present:
        return value is not None and value is not False and value != ""
    if condition.absent:
        return False
    if condition.in_ is not None:
        return any(same(value, wanted) for wanted in condition.in_)
    if condition.above is not None or condition.below is not None:
        number = as_number(value)
        if number is None:
            return False
        return number > condition.above if condition.above is not None else number < (condition.below or 0.0)
    if "is_not" in condition.model_fields_set:
        return not same(value, condition.is_not)
    return same(value, condition.is_)


def as_number(value: Any) -> float | None:
    """A number, also one in quotes or with thousands' underscores; None for a boolean and for any other text."""
    if isinstance(value, bool) or value is None or isinstance(value, tuple):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def same(value: Any, wanted: Any) -> bool:
    """Equal as configurations are read: numbers by value, text without case, `true` in quotes is true, lists joined."""
    if isinstance(wanted, bool) or isinstance(value, bool) or wanted is None or value is None:
        return str(value).lower() == str(wanted).lower()
    first, second = as_number(value), as_number(wanted)
    if first is not None and second is not None:
        return first == second
    return _text(value) == _text(wanted)


def _text(value: Any) -> str:
    joined = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return joined.replace(", ", ",").casefold()


def _met(settings: Settings, rule: ConfigRule) -> ConfigValue | None:
    """The setting that completes the conditions, the last named one that is there; None where they are not all met."""
    last: ConfigValue | None = None
    for condition in rule.all:
        found = settings.meeting(condition)
        if found is None and not (condition.present and settings.under(condition.kind, condition.key)):
            return None
        last = found[0] if found else last
    if rule.any:
        hits = [found for condition in rule.any if (found := settings.meeting(condition)) is not None]
        if not hits:
            return None
        last = next((hit[0] for hit in hits if hit), last)
    return last


def _of_rules(settings: Settings, versions: Versions, rules: Iterable[Rule], lang: Lang) -> Iterator[ConfigFinding]:
    for rule in rules:
        value = _met(settings, rule.when)
        if value is None:
            continue
        message, severity = rule.message.get(lang), rule.severity
        if rule.versions is not None:
            affected = _affected(rule.versions, versions)
            if affected is False:
                continue
            if affected is None:
                severity = "info"
                fields = {"component": rule.versions.component, "range": rule.versions.range}
                message = _MESSAGES["versions"][lang].format(message=message.rstrip("。."), **fields)
        yield _finding(rule.id, value, severity, message, rule.incident, rule.url)


def _affected(wanted: VersionRange, versions: Versions) -> bool | None:
    seen = versions.get(wanted.component)
    if seen is None:
        return None
    fact = VersionFact(component=wanted.component, scheme=wanted.scheme, affected=wanted.range, source=0)
    verdict = judge(fact, seen.version)
    return None if verdict == "unknown" else verdict == "affected"


def _of_incidents(
    settings: Settings,
    versions: Versions,
    incidents: Iterable[Incident],
    severities: Mapping[str, Severity],
    lang: Lang,
) -> Iterator[ConfigFinding]:
    for incident in incidents:
        if not incident.config or incident.status == "retired" or _excluded(incident, versions):
            continue
        value = next(filter(None, (_met(settings, rule) for rule in incident.config)), None)
        if value is None:
            continue
        message = _MESSAGES["incident"][lang].format(title=incident.title.get(lang))
        url = next((source.url for source in incident.sources if source.url), "")
        yield _finding(f"incident.{incident.id}", value, severities.get(incident.id, "info"), message, incident.id, url)


def _excluded(incident: Incident, versions: Versions) -> bool:
    """Whether the versions given rule the incident out."""
    verdicts = {judge(f, versions[f.component].version) for f in incident.versions if f.component in versions}
    return bool(verdicts) and verdicts <= {"fixed", "not_affected"}


def _finding(
    rule: str, value: ConfigValue, severity: Severity, message: str, incident: str | None, url: str
) -> ConfigFinding:
    shown = redact(value.value).text if isinstance(value.value, str) else value.value
    return ConfigFinding(
        rule=rule, kind=value.kind, key=value.key, value=shown, input=value.input, line=value.line,
        severity=severity, message=message, incident=incident, url=url,
    )  # fmt: skip
