"""The plain data types of Casebook: incidents, symptom groups, evidence. Imports nothing of ours."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Lang = Literal["en", "zh"]
LANGS: tuple[Lang, Lang] = ("en", "zh")

Area = Literal["training", "data", "memory", "distributed", "serving", "quantization", "environment"]
Phase = Literal["install", "data", "launch", "step", "checkpoint", "export", "serving"]
CauseKind = Literal["data", "config", "bug", "dtype", "communication", "memory", "hardware", "expected"]
CauseStatus = Literal["observed", "suspected", "disputed"]
FixStatus = Literal["confirmed", "reported", "untested"]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=40)]
NonEmpty = Annotated[str, StringConstraints(min_length=1)]

SECTIONS: tuple[str, ...] = ("symptom", "check", "cause", "fix", "prevention")


class Frozen(BaseModel):
    """Immutable, and refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- incidents -------------------------------------------------------------


class Text(Frozen):
    """One text in one or both languages; private folders may hold one."""

    en: NonEmpty | None = None
    zh: NonEmpty | None = None

    @model_validator(mode="after")
    def _some_language(self) -> "Text":
        if self.en is None and self.zh is None:
            raise ValueError("needs text in en or zh")
        return self

    def get(self, lang: Lang) -> str:
        """The text in `lang`, or in the other language where `lang` is missing."""
        first, second = (self.en, self.zh) if lang == "en" else (self.zh, self.en)
        return first or second or ""


class Signature(Frozen):
    """Text that a log shows when this incident happens: a literal, or a pattern in RE2 syntax.

    It is looked for line by line; a pattern with `[\\s\\S]` in it may span lines.
    """

    literal: NonEmpty | None = None
    regex: NonEmpty | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Signature":
        if (self.literal is None) == (self.regex is None):
            raise ValueError("needs exactly one of literal, regex")
        return self


class ConfigCondition(Frozen):
    """One condition on a key of one kind of configuration; exactly one operator is set."""

    kind: NonEmpty
    key: NonEmpty
    is_: Any = Field(default=None, alias="is")
    is_not: Any = None
    in_: tuple[Any, ...] | None = Field(default=None, alias="in")
    above: float | None = None
    below: float | None = None
    present: Literal[True] | None = None
    absent: Literal[True] | None = None

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _one_operator(self) -> "ConfigCondition":
        given = self.model_fields_set - {"kind", "key"}
        if len(given) != 1:
            raise ValueError("needs exactly one of is, is_not, in, above, below, present, absent")
        return self


class ConfigRule(Frozen):
    """Conditions that together point at the incident: all of `all`, and one of `any` if given."""

    all: tuple[ConfigCondition, ...] = ()
    any: tuple[ConfigCondition, ...] = ()

    @model_validator(mode="after")
    def _not_empty(self) -> "ConfigRule":
        if not self.all and not self.any:
            raise ValueError("needs conditions under all or any")
        return self


class VersionFact(Frozen):
    """Versions of a component that are affected, as a range of the scheme, and the first fixed one."""

    component: NonEmpty
    scheme: Literal["pep440", "build", "driver"] = "pep440"
    affected: NonEmpty | None = None
    fixed_in: NonEmpty | None = None
    source: int

    @model_validator(mode="after")
    def _says_something(self) -> "VersionFact":
        if self.affected is None and self.fixed_in is None:
            raise ValueError("needs affected or fixed_in")
        return self


class Source(Frozen):
    """Where a statement comes from, how it was read, and what the part read established."""

    n: Annotated[int, Field(ge=1)]
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    ref: NonEmpty | None = None
    kind: Literal["thread", "change", "release", "doc", "rewrite", "internal"]
    read: Literal["full", "excerpt", "listed"]
    read_on: date
    shows: Text

    @model_validator(mode="after")
    def _url_or_ref(self) -> "Source":
        if self.kind == "internal" and (self.ref is None or self.url is not None):
            raise ValueError("an internal source has ref and no url")
        if self.kind != "internal" and self.url is None:
            raise ValueError("needs url")
        return self


class Review(Frozen):
    """Somebody read the incident against its sources."""

    on: date
    by: NonEmpty
    result: Literal["ok", "changed", "rejected"]
    note: NonEmpty | None = None


class Asked(Frozen):
    """How people ask who have the problem, in words other than the incident's own: searched, never shown."""

    en: tuple[NonEmpty, ...] = ()
    zh: tuple[NonEmpty, ...] = ()

    def get(self, lang: Lang) -> tuple[str, ...]:
        """The questions in one language; there may be none."""
        return self.en if lang == "en" else self.zh


class Sections(Frozen):
    """The text of an incident in one language, Markdown, citing sources as [1]."""

    symptom: NonEmpty
    check: NonEmpty
    cause: NonEmpty
    fix: NonEmpty
    prevention: str = ""


class IncidentMeta(Frozen):
    """The front matter of an incident file."""

    id: Slug
    title: Text
    area: Area
    phases: tuple[Phase, ...] = Field(min_length=1)
    loud: bool
    components: tuple[Slug, ...] = Field(min_length=1)
    models: tuple[ModelName, ...] = ()
    symptom_groups: tuple[Slug, ...] = ()
    signals: tuple[Slug, ...] = ()
    signatures: tuple[Signature, ...] = ()
    asked: Asked = Asked()
    config: tuple[ConfigRule, ...] = ()
    versions: tuple[VersionFact, ...] = ()
    cause_kind: CauseKind
    cause_status: CauseStatus
    fix_status: FixStatus
    rivals: tuple[Slug, ...] = ()
    sources: tuple[Source, ...] = Field(min_length=1)
    status: Literal["draft", "reviewed", "retired"]
    superseded_by: Slug | None = None
    reviews: tuple[Review, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> "IncidentMeta":
        numbers = [s.n for s in self.sources]
        if len(set(numbers)) != len(numbers):
            raise ValueError("sources: two have the same n")
        if self.status == "retired" and self.superseded_by is None:
            raise ValueError("a retired incident needs superseded_by")
        return self


class Incident(IncidentMeta):
    """A curated writeup: front matter and the five sections, in one or both languages."""

    text: Mapping[Lang, Sections]

    def sections(self, lang: Lang) -> Sections:
        """The sections in `lang`, or in the language there is."""
        return self.text.get(lang) or next(iter(self.text.values()))


# --- symptom groups --------------------------------------------------------


class VersionRange(Frozen):
    """A component and a range of its versions, as a check asks for it."""

    component: NonEmpty
    range: NonEmpty
    scheme: Literal["pep440", "build", "driver"] = "pep440"


class CheckReads(Frozen):
    """What a pasted text must hold for a check to be answered yes without asking.

    `metric` is answered yes when every value of that column satisfies the one operator beside it
    (`is`, `above` or `below`; none means `is: 0`), and no when none does.
    """

    signal: Slug | None = None
    metric: NonEmpty | None = None
    is_: float | None = Field(default=None, alias="is")
    above: float | None = None
    below: float | None = None
    config: ConfigCondition | None = None
    version: VersionRange | None = None

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @model_validator(mode="after")
    def _exactly_one(self) -> "CheckReads":
        operators = self.model_fields_set & {"is_", "above", "below"}
        subjects = self.model_fields_set - operators
        if len(subjects) != 1:
            raise ValueError("needs exactly one of signal, metric, config, version")
        if len(operators) > 1 or (operators and subjects != {"metric"}):
            raise ValueError("is, above and below go with metric, one at a time")
        return self


class GroupCheck(Frozen):
    """A question that splits rivals: the ids still possible after yes, and after no."""

    id: Slug
    ask: Text
    how: Text
    cost: Annotated[int, Field(ge=1, le=5)]
    reads: CheckReads | None = None
    yes: tuple[Slug, ...]
    no: tuple[Slug, ...]
    source: NonEmpty


class Group(Frozen):
    """One symptom with several causes, and the checks that separate them."""

    id: Slug
    title: Text
    checks: tuple[GroupCheck, ...]
