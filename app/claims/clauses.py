"""A text by its clauses: which items, operators and characters stand in each, and every row of neighbouring clauses."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from app.claims.lexicon import CJK, lexicon
from app.claims.reading import Item

MAX_CLAUSES = 6  # of a stretch; more is a paragraph, not a statement
_PAUSE = re.compile(r"[,，;；。:：!?！？、()（）]|\.(?=\s)")
_CODE = re.compile(r"`[^`]*`")
_LACKED = ("word", "name", "code")


def key_of(item: Item) -> str:
    """The key under which items are the same; opposites share theirs."""
    return "@" + item.key if item.kind == "axis" else item.key


def han(text: str) -> str:
    """Its Chinese characters."""
    return "".join(CJK.findall(text))


class Clauses:
    """The clauses of a text by number, in order."""

    def __init__(self, text: str, items: Sequence[Item]) -> None:
        self.text, self.items = text, items
        self.members: dict[int, list[int]] = defaultdict(list)
        for at, item in enumerate(items):
            self.members[item.clause].append(at)
        self.numbers = sorted(self.members)
        self.spans = dict(zip(self.numbers, self._bounds(), strict=True))

    def _bounds(self) -> Iterable[tuple[int, int]]:
        """Where each clause begins and ends in the text; what stands between two belongs to the second."""
        start = 0
        for number, following in zip(self.numbers, [*self.numbers[1:], None], strict=True):
            last = self.items[self.members[number][-1]].end
            end = len(self.text)
            if following is not None:
                pause = _PAUSE.search(self.text, last, self.items[self.members[following][0]].start)
                end = pause.start() if pause else last
            yield start, end
            start = end

    @cached_property
    def signs(self) -> list[int]:
        """The sign of each item, where "missing X" and "without X" say the same as "no X"."""
        lack = lexicon().roles["lack"]
        found = [item.sign for item in self.items]
        for at, (before, item) in enumerate(zip(self.items, self.items[1:], strict=False), start=1):
            lacking = before.kind == "axis" and before.sign < 0 and before.key in lack
            if lacking and item.kind in _LACKED and before.clause == item.clause:
                found[at] = -found[at]
        return found

    @cached_property
    def _operators(self) -> list[tuple[str, int]]:
        prose = _CODE.sub(lambda code: " " * len(code[0]), self.text)
        return [(name, m.start()) for name, pattern in lexicon().operators.items() for m in pattern.finditer(prose)]

    def operators(self, numbers: Iterable[int]) -> Counter[str]:
        """How often each operator stands in some of the clauses."""
        spans = [self.spans[number] for number in numbers]
        return Counter(name for name, at in self._operators if any(start <= at < end for start, end in spans))

    def said(self, numbers: Iterable[int]) -> str:
        """The text of some of the clauses."""
        return "".join(self.text[slice(*self.spans[number])] for number in numbers)

    @cached_property
    def stretches(self) -> list["Stretch"]:
        """Every row of neighbouring clauses."""
        count = len(self.numbers)
        return [Stretch(self, a, b) for a in range(count) for b in range(a, min(count, a + MAX_CLAUSES))]


class Stretch:
    """Clauses `first` to `last` of a text, by place."""

    def __init__(self, clauses: Clauses, first: int, last: int) -> None:
        self.clauses, self.first, self.last = clauses, first, last
        self.numbers = clauses.numbers[first : last + 1]
        self.members = [at for number in self.numbers for at in clauses.members[number]]

    @cached_property
    def text(self) -> str:
        """What it says."""
        return self.clauses.said(self.numbers)

    @cached_property
    def places(self) -> Mapping[str, list[int]]:
        """Where each key stands."""
        found: dict[str, list[int]] = defaultdict(list)
        for at in self.members:
            found[key_of(self.clauses.items[at])].append(at)
        return found
