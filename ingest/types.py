"""Plain data of ingest: spans, pages, threads, drafts. Imports nothing of ours but kb.types.

Every source is read into one text (`Page.text`, `Thread.text`): the file itself where it is text, else what the reader
rendered from HTML, JSON or PDF, in Markdown with code kept exactly. All spans are character offsets into that text,
so a field is true to its source when every one of its spans, cut out of the text, stands in the field as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from kb.types import FixStatus, Lang

SourceFormat = Literal[
    "html", "markdown", "text", "pdf", "github", "stackexchange", "discourse", "slack", "thread-text", "forum", "mail"
]
SectionName = Literal["", "symptom", "tried", "check", "cause", "analysis", "fix", "prevention", "setting", "aside"]
Role = Literal["reporter", "maintainer", "other", "bot"]
ThreadKind = Literal["issue", "pull", "discussion", "topic", "question", "chat"]


class Span(NamedTuple):
    """Characters `start` up to, not including, `end` of the text of one source (named by its digest)."""

    source: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """A run of lines of one kind: `text` is exactly what stands between the offsets, fences of code included."""

    kind: Literal["heading", "prose", "list", "code", "quote"]
    start: int
    end: int
    text: str
    level: int = 0  # of a heading, 1 to 6; 0 where a plain text has no marks


@dataclass(frozen=True, slots=True)
class Section:
    """A part of an article under one heading; `name` is ours, "" where the heading says nothing we know."""

    name: SectionName
    heading: str
    start: int  # of the text below the heading
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """An article without the site around it; `digest` is of its content, since sites repost under other dates."""

    source: str  # the file's name or the address
    format: SourceFormat
    text: str
    title: str
    title_at: tuple[int, int]
    sections: tuple[Section, ...]
    digest: str
    url: str | None = None
    author: str | None = None
    date: str | None = None

    @property
    def article(self) -> str:
        """Title and sections without what was recognised as navigation."""
        parts = [part for s in self.sections for part in (s.heading, s.text) if part]
        return "\n\n".join([self.title, *parts])

    def section(self, name: str) -> Section | None:
        """The first section of that name."""
        return next((s for s in self.sections if s.name == name), None)


@dataclass(frozen=True, slots=True)
class Post:
    """One contribution to a thread; the body stands at `start` to `end` of the thread's text."""

    author: str
    role: Role
    start: int
    end: int
    body: str
    date: str | None = None
    accepted: bool = False  # marked as the answer, by the asker or the forum
    reactions: Mapping[str, int] = field(default_factory=dict)
    url: str | None = None

    @property
    def approval(self) -> int:
        """How many people agreed: thumbs up, hearts, check marks, votes."""
        return sum(self.reactions.get(name, 0) for name in ("+1", "heart", "hooray", "check", "score"))


@dataclass(frozen=True, slots=True)
class Change:
    """A pull request or commit that the thread names; `merged` only where the source says so."""

    url: str
    merged: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation about one problem, its first post by the reporter."""

    source: str
    format: SourceFormat
    kind: ThreadKind
    text: str
    title: str
    title_at: tuple[int, int]
    posts: tuple[Post, ...]
    digest: str
    url: str | None = None
    state: Literal["open", "closed", "merged"] | None = None
    labels: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    missing: int = 0  # comments that the forum counts and the file lacks


@dataclass(frozen=True, slots=True)
class Field:
    """What a draft says about one thing, and where it stands: `value` is made of the spans' text and nothing else."""

    value: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of a draft, as far as it is known. `url` of the source itself; `thread` that a rewrite names."""

    name: str
    format: SourceFormat
    digest: str
    url: str | None = None
    thread: str | None = None
    repository: str | None = None
    author: str | None = None
    date: str | None = None
    second_hand: bool = False  # a rewrite that names no thread


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft incident in one language.

    `fields` by name: title, symptom, tried, check, cause, analysis, fix, prevention (texts; the file joins tried to the
    symptom and analysis to the cause). `facts` by name: components, models, signals, signatures, versions, config,
    errors: several values, each with its spans. `text` is the source's text that all spans point into.
    """

    id: str
    lang: Lang
    origin: Origin
    fields: Mapping[str, Field]
    facts: Mapping[str, tuple[Field, ...]]
    fix_status: FixStatus | None
    cause_status: Literal["suspected", "disputed"] | None
    loud: bool | None
    open: tuple[str, ...]  # what a curator has to find; nothing here was guessed
    notes: tuple[str, ...]  # warnings: second-hand, bends, contradictions
    text: str

    def value(self, name: str) -> str:
        """The text of a field, "" where the source has nothing for it."""
        found = self.fields.get(name)
        return found.value if found else ""


@dataclass(frozen=True, slots=True)
class NoIncident:
    """Why a source gave no draft: a how-to, news, a request, or nothing that failed."""

    source: str
    reason: str
