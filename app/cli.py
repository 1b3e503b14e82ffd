"""The command line: thin; every command takes the Casebook or the settings and prints."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from app.casebook import Casebook, file_inputs
from app.diagnosis import Diagnosis, Done, Event, GivenAnswer, Request, SentenceReady
from kb.errors import CasebookError, InputError
from kb.evidence import Input
from kb.types import Incident, Lang
from kb.writeups import write_incident


def note(line: str) -> None:
    """Anything but the result goes to stderr."""
    print(line, file=sys.stderr, flush=True)


def show(events: Iterable[Event], as_json: bool) -> Diagnosis:
    """Print a turn, on a terminal as it comes, and return its diagnosis."""
    if not as_json and sys.stdout.isatty():
        diagnosis = _show_as_it_comes(events)
    else:
        diagnosis = _whole(events)
        print(diagnosis.model_dump_json() if as_json else diagnosis.answer)
    if not as_json:
        if diagnosis.writer.fallback_reason:
            note(f"composed without the model: {diagnosis.writer.fallback_reason}")
        for skipped in diagnosis.evidence.checks_skipped:
            note(f"not checked: {skipped.check}: {skipped.why}")
    return diagnosis


def _whole(events: Iterable[Event]) -> Diagnosis:
    """The diagnosis that a turn ends with."""
    *_, last = events
    assert isinstance(last, Done)
    return last.diagnosis


def _show_as_it_comes(events: Iterable[Event]) -> Diagnosis:
    """Paragraph by paragraph; the one at hand grows sentence by sentence."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.markdown import Markdown

    console, paragraph, live = Console(), "", None
    try:
        for event in events:
            if isinstance(event, Done):
                return event.diagnosis
            if not isinstance(event, SentenceReady):
                continue
            if live is None or event.text.startswith("\n\n"):
                if live is not None:
                    live.stop()
                paragraph, live = event.text.strip("\n"), Live(console=console, auto_refresh=False)
                live.start()
            else:
                paragraph += event.text
            live.update(Group(Markdown(paragraph), ""), refresh=True)
    finally:
        if live is not None:
            live.stop()
    raise AssertionError("a stream ends with Done")


def gather(files: list[Path], text: str | None, stdin: BinaryIO) -> list[Input]:
    """The inputs that FILE arguments, `-` and --text name. Raises InputError."""
    inputs = [Input("text", text)] if text is not None else []
    if text is not None and not text.strip():
        raise InputError("--text: is empty")
    if not files and text is None:
        files = [Path("-")]
    for path in files:
        if str(path) == "-":
            content = stdin.read()
            if not content.strip():
                raise InputError("standard input: is empty")
            inputs.append(Input("stdin", content))
        else:
            inputs += file_inputs([path])
    return inputs


def batch(casebook: Casebook, lines: Iterable[str]) -> Iterator[str]:
    """One line of JSON for every non-blank line: a diagnosis, or {"id", "error"}."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _batch_line(casebook, line, number)


def _batch_line(casebook: Casebook, line: str, number: int) -> str:
    id: Any = None
    try:
        data = json.loads(line)
        if not isinstance(data, dict):
            raise InputError("not a JSON object")
        id = data.pop("id", None)
        request = Request.model_validate({"text": data.pop("query", None), **data})
        diagnosis = casebook.diagnose(request, id=None if id is None else str(id))
        casebook.forget(diagnosis.case)
        return diagnosis.model_dump_json()
    except (ValueError, RecursionError, CasebookError) as error:
        return json.dumps({"id": id, "error": f"line {number}: {_one_line(error)}"}, ensure_ascii=False)


def _one_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def show_incident(incident: Incident, lang: Lang | None) -> str:
    """An incident as its file text, in one language where `lang` is given."""
    if lang and lang in incident.text:
        incident = incident.model_copy(update={"text": {lang: incident.text[lang]}})
    return write_incident(incident)


def new_incident(id: str, area: str, folder: Path) -> Path:
    """Write the skeleton of an incident file. Raises InputError where it exists or the names are not allowed."""
    from datetime import UTC, datetime

    from kb.writeups import parse_incident

    path = folder / area / f"{id}.md"
    text = _SKELETON.format(id=id, area=area, today=datetime.now(UTC).date().isoformat())
    parse_incident(text, path)
    if path.exists():
        raise InputError(f"{path}: exists already")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


_SKELETON = """---
id: {id}
title:
  en: "What is seen, and the cause in a few words"
  zh: "现象与原因，一句话"
area: {area}
phases: [step]
loud: false
components: [transformers]
models: []
symptom_groups: []
signals: []
signatures: []
asked: {{en: [], zh: []}}
config: []
versions: []
cause_kind: config
cause_status: suspected
fix_status: untested
rivals: []
sources:
  - n: 1
    url: https://example.org/the-thread
    kind: thread
    read: excerpt
    read_on: {today}
    shows:
      en: "What the part that was read establishes."
      zh: "所读部分证明了什么。"
status: draft
reviews: []
---
# en

## Symptom
What is seen, with the literal error line.

## Check
What to look at, what it shows if this is the cause, and which look-alike it points to if not.

## Cause
Why it happens [1].

## Fix
What to do, for whom it worked [1].

## Prevention
How to notice it early.

# zh

## 现象
看到了什么,附报错原文。

## 检查
看什么;若是此原因会看到什么,否则指向哪个相似问题。

## 原因
为什么会这样 [1]。

## 修复
怎么做,对谁有效 [1]。

## 预防
如何尽早发现。
"""


def chat(casebook: Casebook, lang: Lang, lines: Iterable[str], use_model: bool = True) -> None:
    """The conversation in a terminal: a blank line sends what was typed; `yes`/`no` answers the last check."""
    last: Diagnosis | None = None
    for text in _messages(lines):
        answers = as_answer(text, last)
        inputs = [] if answers else [Input("text", text)]
        request = Request(case=last.case if last else None, answers=answers, use_model=use_model)
        last = show(casebook.stream(inputs, request, default_language=lang), as_json=False)


def _messages(lines: Iterable[str]) -> Iterator[str]:
    pending: list[str] = []
    for line in lines:
        if line.strip():
            pending.append(line.rstrip("\n"))
        elif pending:
            yield "\n".join(pending)
            pending = []
    if pending:
        yield "\n".join(pending)


_YES = {"yes", "y", "是", "有", "对", "是的"}
_NO = {"no", "n", "否", "没有", "不是", "无"}


def as_answer(text: str, last: Diagnosis | None) -> tuple[GivenAnswer, ...]:
    """The answer to the last turn's first check that a bare yes or no means; empty for any other text."""
    word = text.strip().lower().rstrip(".。!!")  # noqa: B005 — a set of characters is meant
    if last is None or not last.next_checks or word not in _YES | _NO:
        return ()
    return (GivenAnswer(check=last.next_checks[0].id, value="yes" if word in _YES else "no"),)
