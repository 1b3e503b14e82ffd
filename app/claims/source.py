"""An incident (or a paste) read once for verification: passages, what occurs in them, and how."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from app.claims.clauses import Clauses, key_of
from app.claims.facts import Bounded, Pair, bounded, pairs
from app.claims.reading import Item, read
from app.claims.stems import stem
from app.claims.tokens import normal, tokens
from kb.types import LANGS, SECTIONS, Incident, Lang
from kb.writeups import CITATION

_FENCE = re.compile(r"^\s{0,6}(`{3,}|~{3,})")
_BULLET = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+|^\s*\|")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'(\[*\d])|(?<=[。！？])")
_NEAR = 3.0  # tokens at which closeness has fallen to a half
MIN_SENTENCE = 14  # characters; less says too little alone
MAX_PASTE_LINES, MAX_LINE, MAX_PASTE = 400, 400, 2_000_000


class Passage:
    """One sentence, table row or line of code with its items."""

    def __init__(self, text: str, field: str, lang: Lang | None, code: bool = False) -> None:
        self.text, self.field, self.lang, self.code = text, field, lang, code
        self.number = 0  # of its source

    @cached_property
    def clauses(self) -> Clauses:
        """Its items by clause."""
        return Clauses(self.text, self.items)

    @cached_property
    def items(self) -> list[Item]:
        """The items, with a setting to true or false as switching its key on or off."""
        return with_switches(self.text, read(self.text, self.code), self.code)

    @cached_property
    def keys(self) -> frozenset[str]:
        """What occurs, for overlap."""
        return frozenset(key_of(item) for item in self.items)

    def closeness(self, at: int) -> dict[str, float]:
        """Every other item's key with its closeness to item `at`: 1 beside it, 1/2 at three tokens, less beyond."""
        cached = self._closeness.get(at)
        if cached is None:
            cached = self._closeness[at] = closeness(self.items, at)
        return cached

    @cached_property
    def _closeness(self) -> dict[int, dict[str, float]]:
        return {}


class Occurrence(NamedTuple):
    """Where a key occurs."""

    passage: Passage
    at: int

    @property
    def item(self) -> Item:
        """The item itself."""
        return self.passage.items[self.at]


def closeness(items: list[Item], at: int) -> dict[str, float]:
    """The keys around an item, weighted by distance; another clause counts half."""
    center = items[at]
    found: dict[str, float] = {}
    for index, item in enumerate(items):
        if index == at or item.kind in ("not", "after", "op", "rel"):
            continue
        weight = 1 / (1 + max(abs(item.at - center.at) - 1, 0) / _NEAR)
        weight *= 1.0 if item.clause == center.clause else 0.5
        key = key_of(item)
        if weight > found.get(key, 0.0):
            found[key] = weight
    return found


def with_switches(text: str, items: list[Item], code: bool = False) -> list[Item]:
    """`key: false` also switches the key off, `key: true` on; a "set" in front of them then says nothing."""
    switched = {
        start: 1 if pair.value == "true" else -1 for pair, start in pairs(text, code) if pair.value in ("true", "false")
    }
    if not switched:
        return items
    result: list[Item] = []
    for item in items:
        sign = next(
            (s for start, s in switched.items() if abs(item.start - start) <= 2 and item.kind in ("name", "code")), 0
        )
        if sign:
            if result and result[-1].kind == "axis" and result[-1].key == "on-off":
                sign *= result.pop().sign  # "set x: false" is off, "remove x: false" is on
            result.append(Item("axis", "on-off", sign, item.at, item.clause, item.start, item.start))
        result.append(item)
    return result


class Source:
    """What may be said: passages, names, values with units and bounds, pairs, addresses, citation numbers."""

    def __init__(self, passages: Iterable[Passage], more_names: Iterable[str] = ()) -> None:
        self.passages = list(passages)
        self.occurrences: dict[str, list[Occurrence]] = defaultdict(list)
        self.names: set[str] = set()
        self.units: dict[str, set[str]] = defaultdict(set)
        self.bounds: dict[str, list[Bounded]] = defaultdict(list)
        self.pairs: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.urls: set[str] = set()
        self._by_language: dict[Lang, list[Passage]] = {}
        for number, passage in enumerate(self.passages):
            passage.number = number
            self._take(passage)
        for name in more_names:
            self._name(name)

    def _take(self, passage: Passage) -> None:
        for at, item in enumerate(passage.items):
            self.occurrences[key_of(item)].append(Occurrence(passage, at))
            if item.kind in ("num", "version"):
                self.units[item.key].add(item.unit)
                self.bounds[item.key].append(bounded(passage.text, item))
            elif item.kind == "url":
                self.urls.add(item.key.rstrip("/"))
            elif item.kind in ("name", "word", "code"):
                self.names.add(item.key)
        for token in tokens(passage.text, passage.code):
            if token.kind in ("name", "alnum", "special", "num"):
                self._name(token.text)
        for pair, _ in pairs(passage.text, passage.code):
            self.pairs[pair.key][pair.value].add(passage.field)

    def _name(self, text: str) -> None:
        """A name, its parts between dots, slashes and colons, and the family before the first hyphen."""
        low = text.casefold()
        self.names.update((normal(low), stem(low)))
        parts = [normal(part) for part in re.split(r"[./:=@]", low) if part]
        self.names.update(parts)
        last = parts[-1] if parts else ""
        self.names.add(last.split("_")[0] if "-" in text else last)
        if family := re.match(r"[a-z]{3,}", normal(low)):
            self.names.add(family[0])

    def in_language(self, lang: Lang) -> list[Passage]:
        """The passages in a language and those of code; all, where the language is missing."""
        if lang not in self._by_language:
            spoken = [p for p in self.passages if p.lang in (None, lang)]
            self._by_language[lang] = spoken if any(p.lang == lang for p in spoken) else self.passages
        return self._by_language[lang]

    def speaks(self, passage: Passage, lang: Lang) -> bool:
        """Whether a passage is among those of a language."""
        return passage.lang in (None, lang) or self.in_language(lang) is self.passages

    def states(self, pair: Pair) -> set[str]:
        """The fields in which the pair stands."""
        return self.pairs.get(pair.key, {}).get(pair.value, set())

    @cached_property
    def whole(self) -> str:
        """All text in one case and with single spaces, for quotations."""
        return " ".join(" ".join(passage.text for passage in self.passages).split()).casefold()

    @cached_property
    def weights(self) -> Mapping[str, float]:
        """How telling a key is: 1 in one passage, less the more passages hold it."""
        return {
            key: 1 / (1 + 0.25 * (len({id(o.passage) for o in found}) - 1)) for key, found in self.occurrences.items()
        }


def passages_of(text: str, field: str, lang: Lang | None) -> Iterator[Passage]:
    """The passages of a section: sentences and table rows outside of code blocks, lines inside."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif fence:
            if line.strip():
                yield Passage(line.strip(), field, lang, code=True)
        else:
            yield from (Passage(s, field, lang) for s in _sentences(_BULLET.sub("", line)))


def _sentences(line: str) -> Iterator[str]:
    """The sentences of a line; one of a word or two ("Intended.") goes with the next."""
    short = ""
    for sentence in _SENTENCE.split(line):
        if not sentence or not sentence.strip():
            continue
        if len(sentence.split()) <= 2 and len(sentence) < MIN_SENTENCE:
            short += sentence + " "
            continue
        yield short + sentence
        short = ""
    if short:
        yield short.strip()


class IncidentSource(Source):
    """An incident in both languages: sections, title, what its sources show, and its front matter's names."""

    def __init__(self, incident: Incident) -> None:
        self.incident = incident
        self.filled = {name for sections in incident.text.values() for name in SECTIONS if getattr(sections, name)}
        names = [*incident.components, *incident.models]
        names += [c.key for rule in incident.config for c in (*rule.all, *rule.any)]
        super().__init__(_incident_passages(incident), names)
        self.bad_settings = {
            (normal(c.key), str(c.is_).casefold())
            for rule in incident.config
            for c in (*rule.all, *rule.any)
            if c.is_ is not None
        }
        self.citations = {
            name: {
                int(n)
                for sections in incident.text.values()
                for found in CITATION.findall(getattr(sections, name))
                for n in re.findall(r"\d+", found)
            }
            for name in SECTIONS
        }


def _incident_passages(incident: Incident) -> Iterator[Passage]:
    for lang in LANGS:
        if title := getattr(incident.title, lang):
            yield Passage(title, "title", lang)
        for source in incident.sources:
            if shows := getattr(source.shows, lang):
                yield from passages_of(shows, "source", lang)
    for lang, sections in incident.text.items():
        for name in SECTIONS:
            yield from passages_of(getattr(sections, name), name, lang)
    for signature in incident.signatures:
        if signature.literal:
            yield Passage(signature.literal, "symptom", None, code=True)
    for fact in incident.versions:
        if fact.affected:
            yield Passage(f"{fact.component} {fact.affected} is affected", "cause", None)
        if fact.fixed_in:
            yield Passage(f"{fact.component} is fixed in {fact.fixed_in} or later", "fix", None)


class PasteSource(Source):
    """What the user sent: the first and last lines as passages, the names of all of it."""

    def __init__(self, paste: str) -> None:
        paste = paste[:MAX_PASTE]
        lines = [line.strip()[:MAX_LINE] for line in paste.split("\n") if line.strip()]
        half = MAX_PASTE_LINES // 2
        shown = lines if len(lines) <= MAX_PASTE_LINES else lines[:half] + lines[-half:]
        super().__init__(Passage(line, "evidence", None) for line in shown)
        self._paste = paste
        if len(lines) > MAX_PASTE_LINES:
            for word in set(re.findall(r"[A-Za-z_-][\w./:@-]*|\d[\w.]*", "\n".join(lines[half:-half]))):
                self._name(word)
                self.units.setdefault(word, {""})

    @cached_property
    def whole(self) -> str:
        """All of what was sent."""
        return " ".join(self._paste.split()).casefold()
