"""What is wrong with an answer: citations of nothing, names and numbers from nowhere, parts that are missing."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.diagnosis import Diagnosis
from app.texts import say
from kb.redact import redact
from kb.types import Incident
from kb.writeups import CITATION

_BLOCK = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"`[^`\n]+`|\*\*.+?\*\*|^- \[\d+\] <.*$", re.MULTILINE)
_LISTED = re.compile(r"^- \[(\d+)\] <", re.MULTILINE)
_IDENTIFIER = re.compile(
    r"`[^`\n]+`|--[a-z][\w-]+|https?://[^\s<>）)]+|\b[A-Z]{2,}(?:_[A-Z0-9]+)+\b|\b\w+(?:_\w+)+\b|\b\d+(?:\.\d+)+\b|\b\d{3,}\b"
)


def phantom_citations(answer: str) -> list[int]:
    """Numbers that the prose cites and the list of sources does not hold; titles and the list itself cite nothing."""
    listed = {int(n) for n in _LISTED.findall(answer)}
    prose = _QUOTED.sub("", _BLOCK.sub("", answer))
    cited = [int(n) for found in CITATION.finditer(prose) for n in re.findall(r"\d+", found[1])]
    return sorted(set(cited) - listed)


def inventions(diagnosis: Diagnosis, incidents: Mapping[str, Incident], text: str) -> list[str]:
    """Names, flags, addresses, versions and longer numbers of the answer that are in neither the incidents of its
    causes, nor the diagnosis, nor the person's text.
    """
    causes = [incidents[cause.incident] for cause in diagnosis.causes if cause.incident in incidents]
    ours = [*_strings([c.model_dump() for c in causes]), *_strings(diagnosis.model_dump(exclude={"answer"}))]
    known = _one_blank("\n".join([text, redact(text).text, *ours]))
    found = dict.fromkeys(match[0].strip("`.,:;") for match in _IDENTIFIER.finditer(_BLOCK.sub("", diagnosis.answer)))
    return [name for name in found if _one_blank(name) not in known]


def _one_blank(text: str) -> str:
    """Runs of blanks as one, as answers quote lines."""
    return " ".join(text.split())


def _strings(data: Any) -> Iterator[str]:
    """Every text and number in nested data."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield str(key)
            yield from _strings(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _strings(value)
    elif data is not None:
        yield str(data)


def missing(diagnosis: Diagnosis) -> list[str]:
    """The parts of a whole answer that this one has not; where no cause is named, it only has to say something."""
    answer, lang = diagnosis.answer, diagnosis.language
    if not diagnosis.causes:
        return [] if answer.strip() else ["answer"]
    first = diagnosis.causes[0]
    parts = {"title": first.title, "fix": first.fix, "sources": f"**{say('sources', lang)}**"}
    if diagnosis.verdict == "diagnosed":
        parts |= {"check": first.check, "cause": f"**{say('cause', lang)}**"}
    return [name for name, part in parts.items() if part not in answer]
