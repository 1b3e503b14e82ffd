"""Drafts on disk: `<id>.md`, an incident file with `status: draft`; beside it `<id>.draft.yaml`, its fields' spans and
what is open; `sources/<digest>.txt`, the text that the spans point into.

The `.md` is written last: where it is, the draft is complete. The last part of an id is the beginning of the digest of
the source's content, so the same content is one draft. A file of that name anywhere below the folder (also in
`done/`, where reviewed drafts go) means that the source is known.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ingest.types import Draft, Field, Origin, Span
from kb import yamlio
from kb.errors import InputError, LockedError
from kb.types import SECTIONS
from kb.writeups import HEADINGS

FORMAT = "casebook/draft/1"
LOCK = ".ingest.lock"
DIGEST = 10  # hexadecimal digits of the digest in an id
MAX_SOURCE = 2_000_000  # characters of a source's text that are kept beside its drafts
_NAME = re.compile(rf"(?:^|-)([0-9a-f]{{{DIGEST}}})\.(?:md|yaml)$")
_JOINED = {"tried": "symptom", "analysis": "cause"}  # sections of the file that hold two fields
_LABEL = {"tried": {"en": "Tried", "zh": "尝试过"}, "analysis": {"en": "Analysis of the source", "zh": "来源的分析"}}


@contextmanager
def locked(folder: Path, wait: float = 30) -> Iterator[None]:
    """Hold the folder's lock: two runs never write one folder at once. Raises LockedError after `wait` seconds."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK, timeout=wait):
            yield
    except Timeout as error:
        raise LockedError(f"{folder}: another ingest writes there; waited {wait:.0f} s") from error
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror or error}") from error


def known_digests(folder: Path) -> set[str]:
    """The beginnings of the digests of all sources that have a draft below the folder."""
    names = (
        (path.name for path in folder.rglob("*") if not path.name.endswith(".draft.yaml")) if folder.exists() else ()
    )
    return {found[1] for name in names if (found := _NAME.search(name))}


def write_draft(draft: Draft, folder: Path) -> Path:
    """Write a draft's three files, each at once and whole, the `.md` last. Returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources").mkdir(exist_ok=True)
    path = folder / f"{draft.id}.md"
    write_whole(folder / "sources" / f"{draft.origin.digest}.txt", draft.text[:MAX_SOURCE])
    write_whole(path.with_suffix(".draft.yaml"), sidecar_text(draft))
    write_whole(path, draft_text(draft))
    return path


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all, also when the process is killed."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(text.encode("utf-8", "replace"))
    temporary.replace(path)


def draft_text(draft: Draft) -> str:
    """The incident file: front matter with what the source supports, then the sections in its language."""
    parts = ["---", yamlio.dump(_front(draft)).rstrip(), "---", f"# {draft.lang}"]
    for name, heading in zip(SECTIONS, HEADINGS[draft.lang], strict=True):
        body = [demoted(draft.value(name))] if draft.value(name) else []
        for extra in (e for e, place in _JOINED.items() if place == name and draft.value(e)):
            body += [f"### {_LABEL[extra][draft.lang]}", demoted(draft.value(extra))]
        parts += ["", f"## {heading}", *body]
    return "\n".join(parts).rstrip() + "\n"


def demoted(text: str) -> str:
    """The text with headings of the source below those of the file; code is left alone."""
    out, fence = [], ""
    for line in text.split("\n"):
        mark = re.match(r"\s{0,3}(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif fence and mark and mark[1].startswith(fence):
            fence = ""
        elif not fence and (head := re.match(r"(#{1,2})\s", line)):
            line = "#" * (4 - len(head[1])) + line
        out.append(line)
    return "\n".join([*out, fence] if fence else out)


def _front(draft: Draft) -> dict[str, Any]:
    """The front matter, in the order of an incident file; what the source does not support is left out."""
    facts = {name: [f.value for f in values] for name, values in draft.facts.items()}
    front: dict[str, Any] = {"id": draft.id, "title": {draft.lang: draft.value("title")}}
    front |= {"loud": draft.loud} if draft.loud is not None else {}
    front |= {name: facts[name] for name in ("components", "models", "signals") if facts.get(name)}
    if facts.get("signatures"):
        front["signatures"] = [{"literal": value} for value in facts["signatures"]]
    front |= {"cause_status": draft.cause_status} if draft.cause_status else {}
    front |= {"fix_status": draft.fix_status} if draft.fix_status else {}
    return front | {"sources": _sources(draft.origin), "status": "draft"}


def _sources(origin: Origin) -> list[dict[str, Any]]:
    """The source itself, and the thread that it names: that one was not read."""
    today = datetime.now(UTC).date()
    kind = "thread" if origin.thread and origin.thread == origin.url else "rewrite" if origin.second_hand else "doc"
    place = {"url": origin.url, "kind": kind} if origin.url else {"ref": origin.name, "kind": "internal"}
    own: dict[str, Any] = {"n": 1} | place | {"read": "full", "read_on": today}
    if origin.thread and origin.thread != origin.url:
        return [own, {"n": 2, "url": origin.thread, "kind": "thread", "read": "listed", "read_on": today}]
    return [own]


def sidecar_text(draft: Draft) -> str:
    """The sidecar: where the draft comes from, what is open, what to mind, and the spans of every field and fact."""
    return yamlio.dump(
        {
            "format": FORMAT,
            "id": draft.id,
            "lang": draft.lang,
            "origin": {k: v for k, v in asdict(draft.origin).items() if v not in (None, False)},
            "open": list(draft.open),
            "notes": list(draft.notes),
            "fix_status": draft.fix_status,
            "cause_status": draft.cause_status,
            "loud": draft.loud,
            "fields": {name: _spans(f) for name, f in draft.fields.items()},
            "facts": {n: [{"value": f.value, "spans": _spans(f)} for f in fs] for n, fs in draft.facts.items()},
        }
    )


def _spans(value: Field) -> list[list[int]]:
    return [[span.start, span.end] for span in value.spans]


def load_draft(path: Path) -> Draft:
    """The draft that was written at `path` (`.md` or sidecar), as it was made, without later edits.

    Raises InputError where the sidecar or the source's text is missing or broken.
    """
    side = path if path.name.endswith(".draft.yaml") else path.with_suffix(".draft.yaml")
    try:
        data = yamlio.load(side.read_text(encoding="utf-8"), side)[0]
        text = (side.parent / "sources" / f"{data['origin']['digest']}.txt").read_text(encoding="utf-8")
        return _from_sidecar(data, text)
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}: a draft needs it beside its file") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{side}: no sidecar of a draft ({type(error).__name__}: {error})") from error


def _from_sidecar(data: Mapping[str, Any], text: str) -> Draft:
    digest = data["origin"]["digest"]

    def spans(pairs: Any) -> tuple[Span, ...]:
        return tuple(Span(digest, int(start), int(end)) for start, end in pairs)

    fields = {n: Field("\n\n".join(text[a:b] for a, b in pairs), spans(pairs)) for n, pairs in data["fields"].items()}
    facts = {n: tuple(Field(str(f["value"]), spans(f["spans"])) for f in fs) for n, fs in data["facts"].items()}
    return Draft(
        id=data["id"], lang=data["lang"], origin=Origin(**data["origin"]), fields=fields, facts=facts,
        fix_status=data["fix_status"], cause_status=data["cause_status"], loud=data["loud"],
        open=tuple(data["open"]), notes=tuple(data["notes"]), text=text,
    )  # fmt: skip
