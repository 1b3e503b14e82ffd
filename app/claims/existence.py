"""What a sentence names must stand in the cited incident or in the paste: names, numbers, pairs, addresses."""

import re
from collections.abc import Iterator

from app.claims.alignment import Claim, negative
from app.claims.facts import Pair, bounded, number_agrees, pairs, suffix_bound, version_agrees
from app.claims.model import Problem
from app.claims.reading import Item
from app.claims.source import IncidentSource, PasteSource, Source
from app.claims.stems import stem

ADVICE = ("fix", "prevention")  # what to do: here the paste's own settings prove nothing
NEAR_BEST = 0.06  # places of a number that fit about as well as the best
_ALIASES = {"bf16": ("bfloat16",), "fp16": ("float16", "half"), "fp32": ("float32",), "k8s": ("kubernetes",),
            "bfloat16": ("bf16",), "float16": ("fp16",), "float32": ("fp32",), "kubernetes": ("k8s",)}  # fmt: skip
MIN_QUOTATION = 3  # words
_QUOTATION = re.compile(r"`([^`]+)`|\"([^\"`]+)\"|“([^”`]+)”")
_PARTS = re.compile(r"[./:=@]")


def existence_problems(claim: Claim, incident: IncidentSource, paste: PasteSource) -> Iterator[Problem]:
    """Names, numbers, versions, addresses, citation markers and pairs that the sources do not hold."""
    sources = (incident, paste)
    text, field = claim.text, claim.field
    for item in claim.items:
        if item.kind == "cite":
            yield from _citations(item, field, incident)
        elif item.kind == "url":
            if not any(item.key.rstrip("/") in source.urls for source in sources):
                yield Problem("url", item.key[:120])
        elif item.kind in ("name", "code"):
            yield from _name_bound(claim, item, sources)
            if not any(_known(item.key, source.names) for source in sources):
                yield Problem("identifier", text[item.start : item.end][:80])
        elif item.kind in ("num", "version"):
            yield from _number(claim, item, sources)
    yield from _quotations(text, sources)
    yield from _pairs(claim, incident, paste)


def _quotations(text: str, sources: tuple[Source, ...]) -> Iterator[Problem]:
    """Code and quotations of several words stand there letter by letter."""
    for found in _QUOTATION.finditer(text):
        quoted = " ".join((found[1] or found[2] or found[3]).split()).rstrip(".,;:。，")
        if len(quoted.split()) >= MIN_QUOTATION and not any(quoted.casefold() in s.whole for s in sources):
            yield Problem("identifier", f"not there in these words: {quoted[:80]}")


def _citations(item: Item, field: str, incident: IncidentSource) -> Iterator[Problem]:
    numbers = {int(n) for n in re.findall(r"\d+", item.key)}
    known = {s.n for s in incident.incident.sources}
    allowed = incident.citations.get(field, set()) or known
    if not numbers <= (allowed & known):
        yield Problem("citation", item.key)


def _name_bound(claim: Claim, item: Item, sources: tuple[Source, ...]) -> Iterator[Problem]:
    """ "cu128 or earlier", where every place has "cu128 or later"."""
    bound = suffix_bound(claim.text, item)
    if bound is None:
        return
    places = [suffix_bound(o.passage.text, o.item) for s in sources for o in s.occurrences.get(item.key, ())]
    known = {place for place in places if place}
    if known and bound not in known:
        yield Problem("version", f"{claim.said(item)}: bounded otherwise there")


def _known(key: str, names: set[str]) -> bool:
    """Whether a name stands there, or is put together from parts that all do (`vllm serve`, a path below a folder)."""
    if key in names or stem(key) in names or any(alias in names for alias in _ALIASES.get(key, ())):
        return True
    parts = [part for part in _PARTS.split(key) if part]
    return "/" in key and bool(parts) and all(part in names for part in parts)


def _number(claim: Claim, item: Item, sources: tuple[Source, ...]) -> Iterator[Problem]:
    kind, text = item.kind, claim.text
    known = [source for source in sources if item.key in source.units]
    if claim.field == "evidence" and item.key not in sources[-1].units and item.key not in sources[-1].names:
        yield Problem(
            "version" if kind == "version" else "number", f"{text[item.start : item.end]}: not in what was sent"
        )
        return
    if not known:
        if not any(item.key in source.names for source in sources):
            yield Problem("version" if kind == "version" else "number", text[item.start : item.end])
        return
    units = set().union(*(source.units[item.key] for source in known))
    if item.unit and item.unit not in units and units != {""}:
        yield Problem("number", f"{text[item.start : item.end]}: the source has another unit")
        return
    yield from _bound(claim, item, known)


def _bound(claim: Claim, item: Item, known: list[Source]) -> Iterator[Problem]:
    """The bound and the unit of a number against the places of it that fit best."""
    text, around = claim.text, claim.around(claim.items.index(item))
    for bound_word in ("@order", "@level", "@age", "@min-or-max", "later"):
        around.pop(bound_word, None)
    places = [(claim.fit(around, o, s.weights), o) for s in known for o in claim.places(s, item)]
    if not places:
        return
    best = max(score for score, _ in places)
    near = [found for score, found in places if score >= best - NEAR_BEST]
    if item.unit and not any(found.item.unit in ("", item.unit) for found in near):
        yield Problem("number", f"{text[item.start : item.end]}: the source has another unit")
        return
    stated = bounded(text, item)
    release = item.kind == "version" or any(found.item.kind == "version" for found in near)
    agrees = version_agrees if release else number_agrees
    if not any(agrees(stated, bounded(found.passage.text, found.item)) for found in near):
        yield Problem("version" if release else "number", f"{text[item.start : item.end]}: bounded otherwise there")


def _pairs(claim: Claim, incident: IncidentSource, paste: PasteSource) -> Iterator[Problem]:
    text, field = claim.text, claim.field
    if field == "evidence":
        yield from _denied(claim, paste)
    for pair, _ in pairs(text):
        stated, pasted = pair.key in incident.pairs, pair.key in paste.pairs
        if not stated and not pasted:
            if pair.value not in ("true", "false") and not _together(pair, incident, paste):
                yield Problem("pair", f"{pair.key} = {pair.value}")
            continue
        if field in ADVICE and stated:
            good = _advised(pair, incident)
        elif field == "evidence" and pasted:
            good = bool(paste.states(pair))
        else:
            good = bool(incident.states(pair) or paste.states(pair))
        if not good and not (
            pair.value in ("true", "false")
            and "true" not in _values(pair, incident, paste)
            and "false" not in _values(pair, incident, paste)
        ):
            yield Problem("pair", f"{pair.key} = {pair.value}")


def _denied(claim: Claim, paste: PasteSource) -> Iterator[Problem]:
    """ "Your configuration does not set x", though what was sent sets it."""
    for item in claim.items:
        if item.kind == "name" and item.key in paste.pairs and negative(claim.items, item.clause):
            yield Problem("polarity", f"{claim.said(item)} is set in what was sent")


def _values(pair: Pair, *sources: Source) -> set[str]:
    return {value for source in sources for value in source.pairs.get(pair.key, ())}


def _advised(pair: Pair, incident: IncidentSource) -> bool:
    """The setting stands there; where the advice names the key, it stands in the advice; it is not the cause itself."""
    fields = incident.states(pair)
    advice = {value for value, at in incident.pairs[pair.key].items() if at & set(ADVICE)}
    if advice:
        return pair.value in advice
    return bool(fields) and (pair.key, pair.value) not in incident.bad_settings


def _together(pair: Pair, *sources: Source) -> bool:
    """Key and value stand close together in one passage, though in a form that is not read as a pair."""
    for source in sources:
        for found in source.occurrences.get(pair.key, ()):
            near = [i for i in found.passage.items if abs(i.at - found.item.at) <= 8]
            if any(i.key == pair.value for i in near):
                return True
    return False
