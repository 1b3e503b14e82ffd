"""Pages → draft incidents: what the page supports, with its lines; everything else is listed as open."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ingest.pages import Page, Section, Span, read_page, rules
from kb import yamlio
from kb.errors import InputError
from kb.evidence import Input, read
from kb.tokens import has_chinese
from kb.types import SECTIONS, Lang
from kb.writeups import HEADINGS

_THREAD = re.compile(r"https?://(?:github\.com/[\w.-]+/[\w.-]+/(?:issues|discussions|pull)/\d+)")
_REPOSITORY = re.compile(r"(?<![\w/])([A-Za-z][\w.-]+/[A-Za-z][\w.-]+)(?=项目|仓库|全量| )")
_LATIN = re.compile(r"[a-z0-9.]+")


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft incident in one language: every field with the lines it rests on, and what is still open."""

    id: str
    title: str
    lang: Lang
    texts: dict[str, str]
    components: tuple[str, ...]
    models: tuple[str, ...]
    signals: tuple[str, ...]
    thread: str | None
    repository: str | None
    page: Page
    spans: dict[str, Span]
    notes: tuple[str, ...]

    @property
    def open_fields(self) -> tuple[str, ...]:
        """What a curator has to find: nothing here was guessed."""
        missing = [f"text.{name}" for name in SECTIONS if not self.texts.get(name)]
        other = "en" if self.lang == "zh" else "zh"
        found = (*missing, f"text.{other}", "versions", "signatures", "cause_status", "fix_status")
        return (*found, *(() if self.thread else ("sources: the original thread",)))


def draft_page(page: Page) -> Draft | None:
    """The draft that a page supports; None for a page with no failure in it (a how-to, news)."""
    symptom, fix = page.section("symptom"), page.section("fix")
    if symptom is None or fix is None:
        return None
    whole = "\n".join([page.title, *(s.text for s in page.sections)])
    seen = read([Input(page.name, "\n".join([page.title, symptom.text]))]).evidence
    mentions = read([Input(page.name, whole)]).evidence.mentions
    texts, spans = _texts(page)
    signals = tuple(dict.fromkeys(signal.name for signal in seen.signals))
    thread = _THREAD.search(whole)
    repository = _REPOSITORY.search(page.title)
    return Draft(
        id=_slug(page),
        title=page.title,
        lang="zh" if has_chinese(symptom.text) else "en",
        texts=texts,
        components=mentions.components,
        models=mentions.models,
        signals=signals,
        thread=thread[0] if thread else None,
        repository=repository[1] if repository else None,
        page=page,
        spans=spans,
        notes=tuple(_notes(page, whole, set(signals), thread is not None)),
    )


def _texts(page: Page) -> tuple[dict[str, str], dict[str, Span]]:
    """Sections under our names; what was tried joins the symptom, opinions join the cause, marked as such."""
    joined: dict[str, list[Section]] = {name: [] for name in SECTIONS}
    place = {"tried": "symptom", "analysis": "cause"}
    for section in page.sections:
        if section.name:
            joined[place.get(section.name, section.name)].append(section)
    texts = {n: "\n\n".join(_titled(s) for s in parts) for n, parts in joined.items() if parts}
    spans = {n: Span(parts[0].span.first, parts[-1].span.last) for n, parts in joined.items() if parts}
    return texts, spans


def _titled(section: Section) -> str:
    return f"### {section.heading}\n{section.text}" if section.name in ("tried", "analysis") else section.text


def _notes(page: Page, whole: str, signals: set[str], has_thread: bool) -> Iterator[str]:
    if not has_thread:
        yield "second-hand: the page names no source thread"
    if page.section("analysis"):
        yield "the technical analysis is the page's own and names no evidence: at best suspected"
    for bend in rules()["bends"]:
        if signals & {*bend["but"]} and any(word.lower() in whole.lower() for word in bend["says"]):
            yield str(bend["note"])


def _slug(page: Page) -> str:
    words = [w.strip(".") for w in _LATIN.findall(page.title.lower())]
    slugs = [w.replace(".", "-") for w in words if w]
    return "-".join([*slugs[:8], page.digest[:6]])


def write_draft(draft: Draft, folder: Path) -> Path:
    """Write `<id>.md` and beside it `<id>.open.yaml`; a draft that is there already is left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{draft.id}.md"
    if path.exists():
        return path
    path.with_suffix(".open.yaml").write_text(_open_text(draft), encoding="utf-8")
    path.write_text(_draft_text(draft), encoding="utf-8")
    return path


def _draft_text(draft: Draft) -> str:
    origin = {"url": draft.thread, "kind": "thread"} if draft.thread else {"ref": draft.page.name, "kind": "internal"}
    front = {
        "id": draft.id,
        "title": {draft.lang: draft.title},
        "components": list(draft.components),
        "models": list(draft.models),
        "signals": list(draft.signals),
        "sources": [{"n": 1} | origin | {"read": "full", "read_on": datetime.now(UTC).date()}],
        "status": "draft",
    }
    parts = ["---", yamlio.dump(front).rstrip(), "---", f"# {draft.lang}"]
    for name, heading in zip(SECTIONS, HEADINGS[draft.lang], strict=True):
        parts += ["", f"## {heading}", draft.texts.get(name, "")]
    return "\n".join(parts).rstrip() + "\n"


def _open_text(draft: Draft) -> str:
    return yamlio.dump(
        {
            "page": {
                "name": draft.page.name,
                "digest": draft.page.digest,
                "date": draft.page.date,
                "author": draft.page.author,
            },
            "repository": draft.repository,
            "open": list(draft.open_fields),
            "notes": list(draft.notes),
            "spans": {name: [span.first, span.last] for name, span in draft.spans.items()},
        }
    )


def draft_files(sources: Sequence[Path], into: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Draft every saved page; pages with the same content make one draft.

    Yields the draft's path and its open fields. Raises InputError that names the source.
    """
    seen: set[str] = set()
    for source in sources:
        try:
            raw = source.read_bytes()
        except OSError as error:
            raise InputError(f"{source}: {error.strerror}") from error
        page = read_page(raw, source.name)
        draft = draft_page(page)
        if draft is None:
            raise InputError(f"{source}: no incident in it: a page needs a symptom and a fix")
        if page.digest not in seen:
            seen.add(page.digest)
            yield write_draft(draft, into), draft.open_fields
