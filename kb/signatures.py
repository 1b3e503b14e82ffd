"""Which incidents' error signatures occur in a text, and on which lines."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

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
    """All signatures, each compiled when a text first holds what it cannot match without; case is ignored."""

    def __init__(self, signatures: Iterable[tuple[str, Sequence[Signature]]]) -> None:
        """From pairs of an incident's id and its signatures."""
        self._needles = [_Needle(name, n, s) for name, held in signatures for n, s in enumerate(held)]

    def find(self, lines: Sequence[str]) -> list[SignatureHit]:
        """Every signature on every line; one that spans lines once, on the line where it ends."""
        text, folded = "\n".join(lines), [line.casefold() for line in lines]
        whole = "\n".join(folded)
        likely = [needle for needle in self._needles if needle.anchor in whole]
        within = [
            SignatureHit(needle.incident, needle.number, number)
            for needle in likely
            if not needle.across
            for number, line in enumerate(lines)
            if needle.anchor in folded[number] and needle.compiled.find(line)
        ]
        ends = [(needle, needle.compiled.find(text)) for needle in likely if needle.across]
        across = [SignatureHit(n.incident, n.number, text.count("\n", 0, span[1])) for n, span in ends if span]
        return sorted(within, key=lambda hit: hit.line) + across


class _Needle:
    """One signature of an incident."""

    def __init__(self, incident: str, number: int, signature: Signature) -> None:
        self.incident, self.number, self._signature = incident, number, signature
        self.across = ACROSS in (signature.regex or "")
        words = (signature.literal or "").split()
        self.anchor = max(words, key=len).casefold() if words else anchor(signature.regex or "")

    @cached_property
    def compiled(self) -> patterns.TextPattern:
        return patterns.TextPattern(pattern(self._signature))


# What RE2's syntax is made of, as far as it matters here: a class, a bound, an escape, or one character.
_PIECE = re.compile(
    r"\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]|\{\d+(?:,\d*)?\}|\\[pP](?:\{[^}]*\}|.)|\\x\{?[0-9A-Fa-f]+\}?|\\\d+|\\.|.",
    re.DOTALL,
)


def anchor(pattern: str) -> str:
    """The longest run of characters, case folded, that every match of an RE2 pattern holds; "" where none is sure."""
    runs, depth = [""], 0
    if r"\Q" in pattern:
        return ""
    for piece in _PIECE.findall(pattern):
        if piece == "|" and not depth:
            return ""
        depth += {"(": 1, ")": -1}.get(piece, 0)
        plain = piece[1:] if len(piece) == 2 and piece[0] == "\\" and not piece[1].isalnum() else piece
        if not depth and len(plain) == 1 and (plain != piece or piece not in "()[]{}.^$*+?"):
            runs[-1] += plain
            continue
        if piece in "*?" or piece.startswith("{"):
            runs[-1] = runs[-1][:-1]  # the character before it need not be there
        runs.append("")
    return max((run.casefold() for run in runs), key=len)
