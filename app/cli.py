"""The command line: thin; every command takes the Casebook or the settings and prints."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from app.casebook import Casebook, file_inputs
from app.diagnosis import Diagnosis, GivenAnswer, Request
from kb.errors import CasebookError, InputError
from kb.evidence import Input
from kb.types import Incident, Lang
from kb.writeups import write_incident


def note(line: str) -> None:
    """Anything but the result goes to stderr."""
    print(line, file=sys.stderr, flush=True)


def show_diagnosis(diagnosis: Diagnosis, as_json: bool) -> None:
    """Print a diagnosis: JSON on one line, or Markdown, rendered where stdout is a terminal."""
    if as_json:
        print(diagnosis.model_dump_json())
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(diagnosis.answer))
    else:
        print(diagnosis.answer)
    for skipped in diagnosis.evidence.checks_skipped if not as_json else ():
        note(f"not checked: {skipped.check}: {skipped.why}")


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


def chat(casebook: Casebook, lang: Lang, lines: Iterable[str]) -> Iterator[Diagnosis]:
    """The conversation in a terminal: a blank line sends what was typed; `yes`/`no` answers the last check."""
    case: str | None = None
    last: Diagnosis | None = None
    for text in _messages(lines):
        answers = as_answer(text, last)
        request = Request(text=None if answers else text, case=case, answers=answers)
        last = casebook.diagnose(request, default_language=lang)
        case = last.case
        yield last


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
