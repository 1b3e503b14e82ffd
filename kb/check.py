"""What is wrong with a library beyond the file format: references, citations, languages, groups, signatures."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from kb import patterns, signatures, vocabulary
from kb.library import BUILT_IN, Library
from kb.types import LANGS, SECTIONS, Group, GroupCheck, Incident, Lang, Signature
from kb.versions import valid_range, valid_version
from kb.writeups import CITATION, HEADINGS

_FENCED = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)
_CHINESE = re.compile(r"[\u3400-\u9fff]")
MIN_SIGNATURE = 8  # characters; shorter literals occur by chance
MAX_CHINESE_IN_ENGLISH = 0.05  # share of characters; error lines and names may be Chinese
MIN_CHINESE_IN_CHINESE = 0.15
MIN_PROSE = 60  # characters without code below which a section says nothing of its language
MIN_COPIED = 90  # characters of a paragraph that two incidents may not share
MAX_SHARED_SIGNATURE = 3  # incidents whose text a signature may match
MAX_ASKED = 400  # characters of a question; a longer one is a report, which no passage holds whole


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding: where, and what to do about it."""

    path: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.field}: {self.message}"


Found = Iterator[tuple[str, str]]  # field, message


def check_library(library: Library) -> list[Problem]:
    """All findings, ordered by file."""
    problems = [
        Problem(str(library.paths[incident.id]), field, message)
        for incident in library.incidents.values()
        for rule in _INCIDENT_RULES
        for field, message in rule(incident, library)
    ]
    problems += [
        Problem(str(library.paths[f"group {group.id}"]), field, message)
        for group in library.groups.values()
        for rule in _GROUP_RULES
        for field, message in rule(group, library)
    ]
    return sorted([*problems, *_copied(library), *_shared_signatures(library), *_shared_questions(library)])


def _names(incident: Incident, library: Library) -> Found:
    """Every name stands in the vocabulary or the library."""
    known: Mapping[str, tuple[tuple[str, ...], Mapping[str, object]]] = {
        "components": (incident.components, vocabulary.components()),
        "models": (incident.models, vocabulary.models()),
        "signals": (incident.signals, vocabulary.signals()),
        "symptom_groups": (incident.symptom_groups, library.groups),
        "rivals": (incident.rivals, library.incidents),
    }
    for field, (names, allowed) in known.items():
        for name in names:
            if name not in allowed:
                yield field, f"{name} is not known"
    for fact in incident.versions:
        if fact.component not in vocabulary.components():
            yield "versions", f"component {fact.component} is not known"
    if incident.superseded_by and incident.superseded_by not in library.incidents:
        yield "superseded_by", f"{incident.superseded_by} is not known"
    if incident.id in incident.rivals:
        yield "rivals", "names itself"


def _citations(incident: Incident, library: Library) -> Found:
    """Numbers in the text have a source, and sources are cited, in each language."""
    numbers = {source.n for source in incident.sources}
    for lang, sections in incident.text.items():
        cited: set[int] = set()
        for name in SECTIONS:
            prose = re.sub(r"`[^`\n]*`", "", _FENCED.sub("", getattr(sections, name)))
            found = {int(n) for match in CITATION.finditer(prose) for n in re.findall(r"\d+", match[1])}
            for dead in sorted(found - numbers):
                yield f"{lang}.{name}", f"cites [{dead}], which is no source"
            cited |= found
        for unused in sorted(numbers - cited):
            yield f"{lang}", f"source [{unused}] is not cited"
    for fact in incident.versions:
        if fact.source not in numbers:
            yield "versions", f"source {fact.source} is not there"


def _languages(incident: Incident, library: Library) -> Found:
    """The built-in base holds both languages, each in its own script, with the same commands."""
    if not library.paths[incident.id].is_relative_to(BUILT_IN):
        return
    for lang in LANGS:
        if lang not in incident.text:
            yield lang, f"the built-in base needs # {lang}"
        if getattr(incident.title, lang) is None:
            yield "title", f"needs {lang}"
        for source in incident.sources:
            if getattr(source.shows, lang) is None:
                yield f"sources.{source.n}.shows", f"needs {lang}"
    for lang, sections in incident.text.items():
        for name in SECTIONS:
            yield from _script(lang, name, getattr(sections, name))
    if len(incident.text) == len(LANGS):
        for name in ("check", "fix"):
            en, zh = (len(_FENCED.findall(getattr(incident.text[lang], name))) for lang in LANGS)
            if en != zh:
                yield name, f"{en} code blocks in en, {zh} in zh"


def _script(lang: Lang, name: str, text: str) -> Found:
    prose = re.sub(r"`[^`\n]*`", "", _FENCED.sub("", text))
    if len(prose) < MIN_PROSE:
        return
    share = len(_CHINESE.findall(prose)) / len(prose)
    if lang == "en" and share > MAX_CHINESE_IN_ENGLISH:
        yield f"en.{name}", "has Chinese text"
    if lang == "zh" and share < MIN_CHINESE_IN_CHINESE:
        yield f"zh.{name}", "is hardly Chinese"


def _statuses(incident: Incident, library: Library) -> Found:
    """What is called confirmed or reviewed has what that word needs."""
    if incident.fix_status == "confirmed" and all(s.read == "listed" or s.kind == "rewrite" for s in incident.sources):
        yield "fix_status", "confirmed needs a thread, change, release or document that was read"
    if incident.status == "reviewed" and not any(r.by != "writer" and r.result != "rejected" for r in incident.reviews):
        yield "reviews", "reviewed needs a review by someone other than the writer"
    for lang, sections in incident.text.items():
        if "[" not in sections.cause and "[" not in sections.fix:
            yield lang, "neither cause nor fix cites a source"


def _signatures(incident: Incident, library: Library) -> Found:
    """Signatures compile, and are long enough to mean something."""
    for number, signature in enumerate(incident.signatures):
        if error := patterns.problem(signatures.pattern(signature)):
            yield f"signatures.{number}", error
        if signature.literal and len(signature.literal.strip()) < MIN_SIGNATURE:
            yield f"signatures.{number}", f"shorter than {MIN_SIGNATURE} characters"


def _titles(incident: Incident, library: Library) -> Found:
    """A title is not a quotation as a whole: the quotes would be shown."""
    for lang in LANGS:
        title = getattr(incident.title, lang)
        if title and title[0] in "\"'" and title[0] == title[-1]:
            yield f"title.{lang}", "stands in quotes twice; leave the inner ones out"


def _asked(incident: Incident, library: Library) -> Found:
    """Questions are short, and in the language they are filed under."""
    for lang in LANGS:
        for number, question in enumerate(incident.asked.get(lang)):
            if len(question) > MAX_ASKED:
                yield f"asked.{lang}.{number}", f"longer than {MAX_ASKED} characters"
            if lang == "en" and len(_CHINESE.findall(question)) > len(question) * MAX_CHINESE_IN_ENGLISH:
                yield f"asked.en.{number}", "has Chinese text"


def _versions(incident: Incident, library: Library) -> Found:
    """Ranges can be read under their scheme."""
    for number, fact in enumerate(incident.versions):
        if fact.affected and not valid_range(fact.scheme, fact.affected):
            yield f"versions.{number}.affected", f"{fact.affected!r} is not a range such as '>=0.12.4,<0.14'"
        if fact.fixed_in and not valid_version(fact.scheme, fact.fixed_in):
            yield f"versions.{number}.fixed_in", f"{fact.fixed_in!r} is not a version"


def members(group: str, library: Library) -> list[str]:
    """The incidents that name a group, retired ones left out."""
    return sorted(i.id for i in library.incidents.values() if group in i.symptom_groups and i.status != "retired")


def _group_members(group: Group, library: Library) -> Found:
    """Checks name members only, and every member."""
    mine = set(members(group.id, library))
    if len(mine) < 3:
        yield "id", f"{len(mine)} incidents name this group; a group has three or more"
    seen: set[str] = set()
    for check in group.checks:
        field = f"checks.{check.id}"
        if check.id in seen:
            yield field, "id given twice"
        seen.add(check.id)
        for side in ("yes", "no"):
            for name in getattr(check, side):
                if name not in mine:
                    yield f"{field}.{side}", f"{name} is not a member of the group"
        for name in sorted(mine - {*check.yes, *check.no}):
            yield field, f"{name} is in neither yes nor no"


def _separated(group: Group, library: Library) -> Found:
    """Every pair of members is told apart by some check."""
    for a, b in combinations(members(group.id, library), 2):
        if not any(separates(check, a, b) for check in group.checks):
            yield "checks", f"nothing separates {a} from {b}"


def separates(check: GroupCheck, a: str, b: str) -> bool:
    """Whether one answer leaves only `a` of the two and the other only `b`."""
    sides = [{x for x in (a, b) if x in side} for side in (check.yes, check.no)]
    return sides in ([{a}, {b}], [{b}, {a}])


def _copied(library: Library) -> Iterator[Problem]:
    """No paragraph stands in two incidents."""
    first: dict[str, str] = {}
    for incident in library.incidents.values():
        for lang, sections in incident.text.items():
            for name, heading in zip(SECTIONS, HEADINGS[lang], strict=True):
                for paragraph in _FENCED.sub("", getattr(sections, name)).split("\n\n"):
                    key = " ".join(paragraph.split())
                    if len(key) < (MIN_COPIED if lang == "en" else MIN_COPIED // 2):
                        continue
                    owner = first.setdefault(key, incident.id)
                    if owner != incident.id:
                        message = f"## {heading} has a paragraph of {owner}: {key[:50]}…"
                        yield Problem(str(library.paths[incident.id]), f"{lang}.{name}", message)


def _shared_signatures(library: Library) -> Iterator[Problem]:
    """No signature stands in many incidents."""
    owners: dict[Signature, list[str]] = defaultdict(list)
    for incident in library.incidents.values():
        for signature in incident.signatures:
            owners[signature].append(incident.id)
    for signature, ids in owners.items():
        if len(ids) > MAX_SHARED_SIGNATURE:
            text = signature.literal or signature.regex
            message = f"{text!r} is a signature of {len(ids)} incidents: {', '.join(ids)}"
            yield Problem(str(library.paths[ids[0]]), "signatures", message)


def _shared_questions(library: Library) -> Iterator[Problem]:
    """No question leads to two incidents."""
    first: dict[str, str] = {}
    for incident in library.incidents.values():
        for question in dict.fromkeys((*incident.asked.en, *incident.asked.zh)):
            owner = first.setdefault(question, incident.id)
            if owner != incident.id:
                yield Problem(str(library.paths[incident.id]), "asked", f"{question!r} is asked of {owner}, too")


_INCIDENT_RULES: tuple[Callable[[Incident, Library], Found], ...] = (
    _names,
    _citations,
    _languages,
    _statuses,
    _signatures,
    _titles,
    _asked,
    _versions,
)
_GROUP_RULES: tuple[Callable[[Group, Library], Found], ...] = (_group_members, _separated)
