"""Which incidents' error signatures occur in a text, and on which lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kb import patterns
from kb.types import Incident, Signature


@dataclass(frozen=True, slots=True)
class SignatureHit:
    """A signature of an incident found on a line (0-based index into the lines given)."""

    incident: str
    signature: int
    line: int


def pattern(signature: Signature) -> str:
    """The RE2 pattern of a signature: a blank in a literal matches any run of blanks."""
    if signature.regex is not None:
        return signature.regex
    return r"\s+".join(patterns.escape(word) for word in (signature.literal or "").split())


class SignatureIndex:
    """All signatures compiled into one automaton; case is ignored."""

    def __init__(self, incidents: Iterable[Incident]) -> None:
        pairs = [(incident.id, n, s) for incident in incidents for n, s in enumerate(incident.signatures)]
        self._owners = [(name, number) for name, number, _ in pairs]
        self._set = patterns.PatternSet([pattern(signature) for _, _, signature in pairs])

    def find(self, lines: Sequence[str]) -> list[SignatureHit]:
        """Every signature on every line."""
        return [
            SignatureHit(self._owners[which][0], self._owners[which][1], number)
            for number, line in enumerate(lines)
            for which in self._set.match(line)
        ]
