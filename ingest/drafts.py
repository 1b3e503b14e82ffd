"""Pages and threads → drafts: what the source supports, with its spans; everything else is listed as open. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ingest.blocks import cue, table
from ingest.facts import Facts, read_facts
from ingest.types import Draft, Field, NoIncident, Origin, Page, Span, Thread
from kb.evidence.language import language_of
from kb.tokens import has_chinese
from kb.types import SECTIONS, FixStatus, Lang

_THREAD = re.compile(
    r"https?://(?:github\.com/[\w.-]+/[\w.-]+/(?:issues|discussions|pull)/\d+|stackoverflow\.com/questions/\d+"
    r"|(?:discuss|forums?|community)\.[\w.-]+/t/[\w-]+/\d+|gitee\.com/[\w.-]+/[\w.-]+/issues/\w+)"
)
_SHORT = re.compile(r"(?<![\w/.])([A-Za-z][\w.-]{1,38}/[A-Za-z][\w.-]{1,60})#(\d{1,6})\b")
_REPOSITORY = re.compile(
    r"(?<![\w/.:])([A-Za-z][A-Za-z0-9_.-]{1,38}/[A-Za-z][A-Za-z0-9_.-]{1,60})(?=项目|仓库|全量|中| |$|#)"
    r"|github\.com/([\w.-]+/[\w.-]+)"
)
_LATIN = re.compile(r"[a-z0-9]+(?:\.[0-9]+)*")
_ALWAYS_OPEN = ("area", "phases", "cause_kind")
TEXT_FIELDS = ("symptom", "tried", "check", "cause", "analysis", "fix", "prevention")


@dataclass(slots=True)
class Findings:
    """What the rules found in one source, before it becomes a draft."""

    texts: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # by field: slices of the source's text
    fix_status: FixStatus | None = None
    notes: list[str] = field(default_factory=list)
    marks: dict[str, tuple[Field, ...]] = field(default_factory=dict)  # more facts: changes, other fixes


def draft(item: Page | Thread) -> Draft | NoIncident:
    """The draft that a page or thread supports, or why there is no incident in it."""
    from ingest.page_drafts import page_findings
    from ingest.thread_drafts import thread_findings

    if isinstance(item, Page):
        found = page_findings(item)
        return NoIncident(item.source, found) if isinstance(found, str) else assemble(item, found, _page_origin(item))
    seen = thread_findings(item)
    return NoIncident(item.source, seen) if isinstance(seen, str) else assemble(item, seen, _thread_origin(item))


def assemble(item: Page | Thread, found: Findings, origin: Origin) -> Draft:
    """A draft of the findings, its facts read, its open fields listed."""
    fields = {"title": _field(item, [item.title_at])} if item.title else {}
    fields |= {name: _field(item, found.texts[name]) for name in TEXT_FIELDS if found.texts.get(name)}
    parts = [(item.title_at[0], max((e for _, e in found.texts.get("symptom", [])), default=item.title_at[1]))]
    facts = read_facts(item.text, item.digest, _parts(item, found) or parts)
    if not fields.get("symptom"):
        found.notes.append("the source does not say what was seen beyond its title")
    found.notes += list(_bends(item, found, facts))
    if facts.secrets:
        found.notes.append(
            f"{facts.secrets} tokens or names of machines stand in the text: remove them before accepting"
        )
    errors = facts.found.get("errors")
    said = " ".join(f.value for n, f in fields.items() if n in ("title", "symptom"))
    return Draft(
        id=_slug(item),
        lang=_language(item, fields),
        origin=origin,
        fields=fields,
        facts=facts.fields() | found.marks,
        fix_status=found.fix_status if "fix" in fields else None,
        cause_status="suspected" if "cause" in fields or "analysis" in fields else None,
        loud=True if errors or cue("loud").search(said) else None,
        open=tuple(_open(fields, facts, found, origin, _language(item, fields))),
        notes=tuple(dict.fromkeys(found.notes)),
        text=item.text,
    )


def _field(item: Page | Thread, slices: Sequence[tuple[int, int]]) -> Field:
    spans = tuple(Span(item.digest, start, end) for start, end in slices)
    return Field("\n\n".join(item.text[s.start : s.end] for s in spans), spans)


def _parts(item: Page | Thread, found: Findings) -> list[tuple[int, int]]:
    """The slices in which facts are read: title with symptom first, then the setting, the rest of the fields."""
    symptom = found.texts.get("symptom", [])
    first = [item.title_at] if not symptom else [(min(item.title_at[0], symptom[0][0]), symptom[0][1])]
    if isinstance(item, Thread) or (symptom and symptom[0][0] - item.title_at[1] > 3000):
        first = [symptom[0] if symptom else item.title_at]
    rest = [
        *symptom[1:],
        *found.texts.get("setting", []),
        *(s for n in ("tried", "cause", "fix") for s in found.texts.get(n, [])),
    ]
    if isinstance(item, Thread):
        rest = [(p.start, p.end) for p in item.posts[:1]] + [item.title_at, *rest]
    return [*first, *rest]


def _language(item: Page | Thread, fields: Mapping[str, Field]) -> Lang:
    prose = "\n".join(f.value for name, f in fields.items() if name in ("symptom", "cause", "fix", "title"))
    prose = re.sub(r"```.*?```", " ", prose, flags=re.S)
    return language_of(prose) or ("zh" if has_chinese(item.title) else "en")


def _bends(item: Page | Thread, found: Findings, facts: Facts) -> Iterator[str]:
    """Claims that the source's own facts contradict."""
    signals = {s.name for s in facts.symptom.signals}
    whole = item.article if isinstance(item, Page) else item.text
    for bend in table("cues")["bends"]:
        if signals & {*bend["but"]} and re.search(bend["re"], whole, re.IGNORECASE):
            yield str(bend["note"])
    if found.texts.get("analysis"):
        yield "the technical analysis is the writer's own and names no evidence: at best suspected"


def _open(fields: Mapping[str, Field], facts: Facts, found: Findings, origin: Origin, lang: Lang) -> Iterator[str]:
    yield from (
        f"text.{name}" for name in SECTIONS if name not in fields and not (name == "cause" and "analysis" in fields)
    )
    yield f"text.{'en' if lang == 'zh' else 'zh'}"
    yield from _ALWAYS_OPEN
    yield from (name for name in ("components", "signatures") if not facts.found.get(name))
    yield "versions"
    if "cause" not in fields and "analysis" not in fields:
        yield "cause_status"
    if found.fix_status is None or "fix" not in fields:
        yield "fix_status"
    if origin.second_hand:
        yield "sources: the original thread"
    elif origin.thread and origin.thread != origin.url:
        yield f"sources: read {origin.thread} itself"


def _slug(item: Page | Thread) -> str:
    words = [w.replace(".", "-") for w in _LATIN.findall(item.title.lower())]
    return "-".join([*words[:8], item.digest[:10]])[-80:].strip("-")


def _thread_origin(thread: Thread) -> Origin:
    repository = _REPOSITORY.search(thread.url or "")
    return Origin(
        name=thread.source, format=thread.format, digest=thread.digest, url=thread.url, thread=thread.url,
        repository=(repository[1] or repository[2]) if repository else None,
        author=thread.posts[0].author, date=thread.posts[0].date,
    )  # fmt: skip


def _page_origin(page: Page) -> Origin:
    """Where a page comes from: a rewrite names its thread, or is second-hand; who was there needs none."""
    named = _THREAD.search(page.article)
    short = _SHORT.search(page.article)
    thread = named[0] if named else f"https://github.com/{short[1]}/issues/{short[2]}" if short else None
    repository = _REPOSITORY.search(page.title) or _REPOSITORY.search(page.article[:2000])
    return Origin(
        name=page.source, format=page.format, digest=page.digest, url=page.url, thread=thread,
        repository=(repository[1] or repository[2]) if repository else None, author=page.author, date=page.date,
        second_hand=thread is None and not first_hand(page),
    )  # fmt: skip


def first_hand(page: Page) -> bool:
    """Whether the writer tells what they saw themselves."""
    if cue("postmortem_titles").search(page.title) or page.format == "pdf":
        return True
    told = "\n".join(s.text for s in page.sections if s.name in ("", "symptom", "tried", "fix"))
    return cue("first_person").search(told) is not None
