"""Which incidents' error signatures occur in a text, and on which lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kb import patterns
from kb.types import Signature

ACROSS = r"[\s\S]"  # what a signature over several lines has between its parts


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
    """All signatures compiled into one automaton, those that may span lines into another; case is ignored."""

    def __init__(self, signatures: Iterable[tuple[str, Sequence[Signature]]]) -> None:
        """From pairs of an incident's id and its signatures."""
        pairs = [(name, n, pattern(s)) for name, held in signatures for n, s in enumerate(held)]
        self._within = [pair for pair in pairs if ACROSS not in pair[2]]
        self._across = [pair for pair in pairs if ACROSS in pair[2]]
        self._lines = patterns.PatternSet([p for _, _, p in self._within])
        self._text = patterns.PatternSet([p for _, _, p in self._across])

    def find(self, lines: Sequence[str]) -> list[SignatureHit]:
        """Every signature on every line; one that spans lines once, on the line where it ends."""
        found = [
            SignatureHit(*self._within[which][:2], number)
            for number, line in enumerate(lines)
            for which in self._lines.match(line)
        ]
        text = "\n".join(lines)
        for name, number, spanning in (self._across[which] for which in self._text.match(text)):
            data = text.encode()
            if span := patterns.Pattern(f"(?i){spanning}").search(data):
                found.append(SignatureHit(name, number, data.count(b"\n", 0, span[1])))
        return found
