"""Which incidents' error signatures occur in a text, and on which lines. The one seam to RE2.

RE2 runs in linear time whatever the pattern or the text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import re2

from kb.errors import InputError
from kb.types import Incident, Signature


@dataclass(frozen=True, slots=True)
class SignatureHit:
    """A signature of an incident found on a line (0-based index into the lines given)."""

    incident: str
    signature: int
    line: int


def pattern(signature: Signature) -> str:
    """The RE2 pattern of a signature: spaces in a literal match any run of blanks; case is ignored."""
    if signature.regex is not None:
        return f"(?i){signature.regex}"
    return "(?i)" + r"\s+".join(re2.escape(word) for word in (signature.literal or "").split())


def check(signature: Signature) -> str | None:
    """What is wrong with a signature's pattern, or None."""
    try:
        compiled = re2.compile(pattern(signature), _quiet())
    except re2.error as error:
        return str(error)
    return "matches the empty string" if compiled.search("") else None


def _quiet() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


class SignatureIndex:
    """All signatures compiled into one automaton."""

    def __init__(self, incidents: Iterable[Incident]) -> None:
        self._owners: list[tuple[str, int]] = []
        self._set = re2.Set.SearchSet(_quiet())
        for incident in incidents:
            for number, signature in enumerate(incident.signatures):
                if self._set.Add(pattern(signature)) < 0:
                    raise InputError(f"{incident.id}: signatures.{number}: not RE2 syntax")
                self._owners.append((incident.id, number))
        self._set.Compile()

    def find(self, lines: Sequence[str]) -> list[SignatureHit]:
        """Every signature on every line."""
        if not self._owners:
            return []
        return [
            SignatureHit(self._owners[which][0], self._owners[which][1], number)
            for number, line in enumerate(lines)
            for which in self._set.Match(line)
        ]
