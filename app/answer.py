"""The composed answer: Markdown from the incidents' own text, no model. Short enough to read at once."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.diagnosis import Cause, CitedSource, Diagnosis, NextCheck, Similar
from app.texts import say
from kb.types import Incident, Lang
from kb.writeups import CITATION

_CODE = re.compile(r"(^(?:`{3,}|~{3,}).*?^(?:`{3,}|~{3,})\s*?$|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
MAX_REASONS = 4


class Citations:
    """Numbers sources across incidents: each URL gets one number in the whole diagnosis."""

    def __init__(self, lang: Lang) -> None:
        self._lang = lang
        self._numbers: dict[tuple[str, str], CitedSource] = {}

    def of(self, incident: Incident) -> tuple[CitedSource, ...]:
        """The sources of an incident under their numbers in this diagnosis."""
        return tuple(self._cite(incident, n) for n in (s.n for s in incident.sources))

    def _cite(self, incident: Incident, n: int) -> CitedSource:
        source = next(s for s in incident.sources if s.n == n)
        url, shows = source.url or source.ref or "", source.shows.get(self._lang)
        cited = CitedSource(n=len(self._numbers) + 1, url=url, shows=shows)
        return self._numbers.setdefault((url, shows), cited)

    def renumber(self, text: str, incident: Incident) -> str:
        """The text with its citations under the new numbers; code is left alone."""
        known = {s.n for s in incident.sources}

        def number(match: re.Match[str]) -> str:
            wanted = [int(n) for n in re.findall(r"\d+", match[1])]
            if not known.issuperset(wanted):
                return match[0]
            return "[" + ", ".join(str(self._cite(incident, n).n) for n in wanted) + "]"

        parts = _CODE.split(text)
        return "".join(part if i % 2 else CITATION.sub(number, part) for i, part in enumerate(parts))


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the answer. A model's sentences may stand in it; without any it holds the incident's own text.

    Text is Markdown in paragraphs. A slot with `cites` lists the sources of these incidents and of all that a model's
    sentences named.
    """

    opening: str = ""
    incident: str = ""
    fields: frozenset[str] = frozenset()  # of the sentences that may stand here
    otherwise: str = ""  # where none does
    closing: str = ""
    cites: tuple[str, ...] = ()
    indent: bool = False


def compose(diagnosis: Diagnosis) -> str:
    """The Markdown answer to a diagnosis whose other fields are complete."""
    return "".join(pieces(diagnosis))


def pieces(diagnosis: Diagnosis) -> Iterator[str]:
    """The same answer piece by piece, each with the separator before it."""
    parts = (part for slot in slots(diagnosis) for part in (slot.opening, slot.otherwise, slot.closing))
    for number, part in enumerate(part for part in parts if part):
        yield part if number == 0 else f"\n\n{part}"


def slots(diagnosis: Diagnosis) -> list[Slot]:
    """The answer as the places it is made of, in order; empty, they are the composed answer."""
    lang = diagnosis.language
    if diagnosis.verdict == "diagnosed":
        return _diagnosed(diagnosis, lang)
    if diagnosis.verdict == "ambiguous":
        return _ambiguous(diagnosis, lang)
    return [Slot(part) for part in _nothing(diagnosis, lang)]


def _diagnosed(diagnosis: Diagnosis, lang: Lang) -> list[Slot]:
    firsts = _firsts(diagnosis.causes)
    found = [Slot(f"**{say('diagnosed_many', lang, count=len(firsts))}**")] if len(firsts) > 1 else []
    for cause in firsts:
        found += _whole_cause(cause, lang)
    others = [c for c in diagnosis.causes if c not in firsts]
    checks = _checks(diagnosis.next_checks[:1], diagnosis.causes, lang) if others else ""
    found.append(Slot(_listed(say("others", lang), [f"{c.title} ({_percent(c)} %)" for c in others]), closing=checks))
    return [*found, _sources_of(firsts, diagnosis)]


def _firsts(causes: Sequence[Cause]) -> list[Cause]:
    """The first cause of each problem."""
    firsts: dict[int, Cause] = {}
    for cause in causes:
        firsts.setdefault(cause.problem, cause)
    return list(firsts.values())


def _whole_cause(cause: Cause, lang: Lang) -> list[Slot]:
    verdict = "expected" if cause.cause_kind == "expected" else "diagnosed"
    supports, against = _reasons(cause, lang)
    return [
        Slot(f"**{say(verdict, lang, title=cause.title)}** ({_percent(cause)} %)"),
        Slot("", cause.incident, frozenset({"evidence"}), supports, against),
        Slot(f"**{say('check', lang)}**", cause.incident, frozenset({"check"}), closing=cause.check),
        Slot(
            f"**{say('cause', lang)}** ({say('cause_' + cause.cause_status, lang)})",
            cause.incident,
            frozenset({"cause"}),
            otherwise=cause.cause,
        ),
        Slot(
            f"**{say('fix', lang)}** ({say('fix_' + cause.fix_status, lang)})",
            cause.incident,
            frozenset({"fix"}),
            closing=cause.fix,
        ),
        Slot("", cause.incident, frozenset({"prevention"})),
    ]


def _ambiguous(diagnosis: Diagnosis, lang: Lang) -> list[Slot]:
    first = diagnosis.causes[0]
    return [
        Slot(f"**{say('ambiguous', lang, count=len(diagnosis.causes))}**"),
        *(slot for cause in diagnosis.causes for slot in _brief_cause(cause, lang)),
        Slot(_checks(diagnosis.next_checks[:2], diagnosis.causes, lang)),
        Slot(
            f"**{say('fix', lang)}**: {first.title} ({say('fix_' + first.fix_status, lang)})",
            first.incident,
            frozenset({"fix"}),
            closing=first.fix,
        ),
        _sources_of([first], diagnosis),
    ]


def _brief_cause(cause: Cause, lang: Lang) -> list[Slot]:
    supports, against = (_indent(part) for part in _reasons(cause, lang))
    opening = f"{cause.rank}. **{cause.title}** ({_percent(cause)} %)"
    return [
        Slot(opening, cause.incident, frozenset({"evidence"}), supports, indent=True),
        Slot("", cause.incident, frozenset({"cause"}), closing=against, indent=True),
    ]


def _nothing(diagnosis: Diagnosis, lang: Lang) -> list[str]:
    headline = {"nothing_wrong_seen": "nothing_wrong", "off_topic": "off_topic", "too_little": "insufficient"}
    parts = [f"**{say(headline.get(diagnosis.reason_code, 'no_match'), lang)}** {diagnosis.reason}"]
    parts.append(diagnosis.ask or "")
    parts.append(_similar(diagnosis.similar, lang))
    return parts


def _similar(similar: Sequence[Similar], lang: Lang) -> str:
    return _listed(say("nearest", lang), [f"{s.title} (`{s.incident}`): {s.why_not}" for s in similar])


def _reasons(cause: Cause, lang: Lang) -> tuple[str, str]:
    supports = _listed(say("why", lang), cause.supports[:MAX_REASONS])
    return supports, _listed(say("against", lang), cause.contradicts[:2])


def _checks(checks: Sequence[NextCheck], causes: Sequence[Cause], lang: Lang) -> str:
    titles: Mapping[str, str] = {c.incident: c.title for c in causes}
    lines = []
    for check in checks:
        lines.append(f"- {check.do}\n\n{_indent(check.how, 2)}")
        for answer, ids in (("yes", check.if_yes), ("no", check.if_no)):
            named = [titles[i] for i in ids if i in titles]
            if named:
                lines.append(f"  - {say('leaves', lang, answer=say(answer, lang), titles='; '.join(named))}")
    return f"**{say('next', lang)}**\n\n" + "\n".join(lines) if lines else ""


def _sources_of(causes: Sequence[Cause], diagnosis: Diagnosis) -> Slot:
    ids = tuple(cause.incident for cause in causes)
    return Slot(closing=sources(diagnosis, ids), cites=ids)


def sources(diagnosis: Diagnosis, incidents: Sequence[str]) -> str:
    """The list of sources of these incidents, by their numbers in the diagnosis."""
    found = {s.n: s for cause in diagnosis.causes if cause.incident in incidents for s in cause.sources}
    lines = [f"- [{n}] <{s.url}> — {s.shows}" for n, s in sorted(found.items())]
    return f"**{say('sources', diagnosis.language)}**\n\n" + "\n".join(lines) if lines else ""


def _listed(heading: str, items: Sequence[str]) -> str:
    return f"**{heading}**\n\n" + "\n".join(f"- {item}" for item in items) if items else ""


def _indent(text: str, width: int = 3) -> str:
    return "\n".join(f"{' ' * width}{line}" if line else "" for line in text.split("\n"))


def _percent(cause: Cause) -> int:
    return round(cause.confidence * 100)
