"""`casebook review`: drafts beside their sources, one key each."""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from app.casebook import Casebook
from app.settings import Settings
from ingest.duplicates import Relation, account_of
from ingest.proposals import CHOICES
from ingest.review import Desk, Item
from kb.errors import InputError
from kb.types import SECTIONS

SHOWN = 1200  # characters of a field
KEYS = "[a]ccept  [e]dit  [m]erge into an incident  [r]eject  [s]kip  [q]uit"
Ask = Callable[[str], str]
Say = Callable[[str], None]


def open_desk(
    casebook: Casebook,
    settings: Settings,
    *,
    drafts: Path | None = None,
    into: Path | None = None,
    reviewer: str = "curator",
) -> Desk:
    """The review of the settings' drafts over the base. Raises InputError."""
    folder = (into or settings.reviewed).expanduser()
    return Desk(
        drafts or settings.drafts, folder, casebook.incidents(), casebook.groups(),
        folders=settings.incident_folders, reviewer=reviewer,
    )  # fmt: skip


def review(casebook: Casebook, settings: Settings, drafts: Path | None, into: Path | None, reviewer: str) -> int:
    """The command: `drafts` and `into` as given, else the settings' folders. Returns the exit status."""
    return run(casebook, open_desk(casebook, settings, drafts=drafts, into=into, reviewer=reviewer), settings)


def run(casebook: Casebook, desk: Desk, settings: Settings, ask: Ask | None = None, out: Say = print) -> int:
    """Go through what waits; returns the exit status. Ending at any point loses nothing."""
    waiting = desk.waiting()
    if not waiting:
        out(f"nothing waits in {desk.drafts}; casebook ingest SOURCE makes drafts")
        return 0
    accepted = 0
    for number, id in enumerate(waiting, 1):
        out(f"\n=== {number} of {len(waiting)}: {id}")
        try:
            item = desk.item(id)
        except InputError as error:
            out(f"left out: {error}")
            continue
        relation = casebook.relate(account_of(item.draft))
        for line in shown(item, relation):
            out(line)
        for other, why in desk.like(item).items():
            out(f"  another draft: {other} ({plain(why)})")
        done = _decide(desk, id, relation, ask or _key, out)
        accepted += done == "accepted"
        if done == "quit":
            break
    left = len(desk.waiting())
    out(f"\n{accepted} accepted, {left} still wait")
    if accepted and desk.into.resolve() not in {f.resolve() for f in settings.incident_folders}:
        out(f"to use them: export CASEBOOK_INCIDENTS={shlex.quote(str(desk.into))} && casebook index")
    return 0


def _decide(desk: Desk, id: str, relation: Relation, ask: Ask, out: Say) -> str:
    """One draft until it is decided or left: accepted, merged, rejected, skipped or quit."""
    while True:
        key = ask(f"{KEYS} > ").strip().lower()[:1]
        try:
            if key == "a":
                out(f"written: {desk.accept(id, desk.item(id).text)}")
                return "accepted"
            if key == "m":
                near = relation.incident or ""
                name = ask(f"into which incident? [{near}] > ").strip() or near
                out(f"source added: {desk.merge(id, name)}")
                return "merged"
            if key == "r":
                desk.reject(id)
                return "rejected"
            if key == "e":
                _edit(desk, id, out)
        except InputError as error:
            out(str(error))
        if key in ("s", "q", ""):
            return "quit" if key == "q" else "skipped"


def _edit(desk: Desk, id: str, out: Say) -> None:
    """Open $EDITOR on the text, keep what comes back, say what is still missing."""
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{id}.md"
        path.write_text(desk.item(id).text, "utf-8")
        try:
            status = subprocess.run([*editor, str(path)], check=False).returncode
        except OSError as error:
            raise InputError(f"{editor[0]}: {error.strerror}; set EDITOR to an editor that is installed") from error
        if status:
            raise InputError(f"{editor[0]} ended with status {status}; the draft is as it was")
        desk.save(id, path.read_text("utf-8", errors="replace"))
    lines = desk.findings(id, desk.item(id).text)
    out("\n".join(f"  still: {line}" for line in lines) or "  complete: a accepts it")


def shown(item: Item, relation: Relation) -> Iterator[str]:
    """The draft for a terminal: open fields first, then every field with its place in the source, then its kin."""
    draft = item.draft
    yield f"source: {draft.origin.url or draft.origin.name}"
    yield f"open: {', '.join(draft.open) or 'none'}"
    yield from (f"  {line}" for line in CHOICES)
    yield from (f"note: {note}" for note in draft.notes)
    for name in ("title", *SECTIONS, "tried", "analysis"):
        field = draft.fields.get(name)
        if field is not None:
            places = ", ".join(f"{_line(draft.text, s.start)}-{_line(draft.text, s.end)}" for s in field.spans)
            yield f"\n-- {name} (lines {places} of the source)"
            yield plain(field.value[:SHOWN]) + (" …" if len(field.value) > SHOWN else "")
    yield ""
    yield from related(relation)


def related(relation: Relation) -> Iterator[str]:
    """What the base has of the kind, in words."""
    said = {
        "same": f"the same as {relation.incident} ({relation.same:.0%}): m adds the source to it",
        "rival": f"a rival of {relation.incident} ({relation.related:.0%})",
        "unsure": f"perhaps the same as {relation.incident} ({relation.same:.0%}): compare",
        "new": "new: nothing in the base is near",
    }
    yield f"base: {said[relation.verdict]}"
    if relation.why:
        yield f"  because {'; '.join(relation.why)}"
    if relation.verdict == "rival":
        yield f"  put it beside that one: rivals: [{relation.incident}]" + (
            f", or join {', '.join(relation.groups)} with a check that tells them apart" if relation.groups else ""
        )
    yield from (f"  near: {name} ({share:.0%})" for name, share in relation.near if name != relation.incident)


def plain(text: str) -> str:
    """Text of a source for a terminal: what would steer it is left out."""
    return "".join(c for c in text if c in {"\n", "\t"} or c.isprintable())


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _key(prompt: str) -> str:
    """One key on a terminal without waiting for Enter; a line elsewhere. The end of the input quits."""
    if not sys.stdin.isatty() or prompt[0] != "[":
        try:
            return input(prompt)
        except EOFError:
            return "q"
    import termios
    import tty

    sys.stdout.write(prompt)
    sys.stdout.flush()
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        key = sys.stdin.read(1)
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
    sys.stdout.write(f"{key}\n")
    return key or "q"
