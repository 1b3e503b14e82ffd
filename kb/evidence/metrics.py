"""Lines → rows of logged numbers, in the forms that trainers print them.

Forms, by who prints them: a dict per line (Hugging Face Trainer and all that build on it), `key: value |` and
`key=value,` (Megatron, DeepSpeed, nanotron, torchtitan, Lightning, tqdm), `step:1 - key:value -` (verl), JSON
(trainer_state.json), and tables (notebooks, CSV).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kb.evidence.model import Line
from kb.evidence.rows import Found, Templates
from kb.evidence.series import Column, Series
from kb.vocabulary import table

MAX_COLUMNS, MAX_PAIRS, LEARNING_ROWS = 80, 120, 20_000
_NUMBER = (
    r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[nN]a[nN](?:\.0)?|[Ii]nf(?:inity)?\b)"
)
_WRAPPER = r"(?:(?:np|numpy|torch)\.\w+\(|tensor\()?"
_DICT_PAIR = re.compile(rf"""['"]([\w/.()@% -]{{1,60}})['"]: ?{_WRAPPER}\[?['"]?({_NUMBER})(?=[\s,'"}})\]/%GM]|$)""")
_MULTILINE = re.compile(rf"""\s*['"]([\w/.()@% -]{{1,60}})['"]: ?['"]?({_NUMBER})['"]?,?\s*$""")
_HINTS = (
    "loss", "grad", "reward", "kl", "entropy", "logps", "clip", "ppl", "perplexity", "gnorm", "_norm", "value",
    "损失", "梯度", "奖励",
)  # fmt: skip
_BAR = re.compile(r"\s(\d{1,9})/(\d{1,9}|\?) ?\[(?:\d+:)?\d+:\d\d")
_SPACES, _COLUMNS = re.compile(r"\s+"), re.compile(r" {2,}")
_SEPARATED, _WORD, MAX_OTHER_WORDS = re.compile(r"[:=：|\t]"), re.compile(r"[A-Za-z\u4e00-\u9fff]{2,}"), 3


class Names(NamedTuple):
    """The spellings of kb/vocabulary/metrics.yaml by what they mean."""

    canonical: dict[str, str]
    principal: frozenset[str]
    steps: frozenset[str]
    epochs: frozenset[str]
    summary: frozenset[str]
    evaluation: frozenset[str]
    pair: re.Pattern[str]
    principal_spellings: tuple[str, ...]


@lru_cache(maxsize=1)
def names() -> Names:
    """The metric names, read once."""
    data = table("metrics")
    spelled = {**data["principal"], **data["companion"]}
    canonical = {s: name for name, more in spelled.items() for s in (name, *more)}
    known = [*canonical, *data["step"], *data["epoch"]]
    either = _trie(known)
    pair = re.compile(
        rf"(?:(?<=[\s,|;\[({{*\-，；])|^)['\"]?(?:train/)?({either})['\"]?(?: is)?"
        rf"\s{{0,12}}[:=：]?\s{{0,12}}\[{{0,2}}['\"]?"
        rf"(?:(?:np|numpy|torch)\.\w+\(|tensor\()?({_NUMBER})(?![\w.]*[A-Za-z_]\w*\()",
    )
    spellings = tuple(s for name, more in data["principal"].items() for s in (name, *more))
    parts = {key: frozenset(data[key]) for key in ("principal", "summary", "evaluation")}
    return Names(
        canonical, parts["principal"], frozenset(data["step"]), frozenset(data["epoch"]), parts["summary"],
        parts["evaluation"], pair, spellings,
    )  # fmt: skip


@lru_cache(maxsize=4096)
def canonical(key: str) -> str:
    """A logged key's canonical name: the key itself in lower case where it is not in the vocabulary."""
    low = _SPACES.sub(" ", key.strip().lower())
    low = low.removeprefix("train/") if low != "train/" else low
    return names().canonical.get(low, low)


def _trie(words: Sequence[str]) -> str:
    """One pattern for all words, longest first, that looks at each character once."""
    heads: dict[str, list[str]] = {}
    for word in words:
        heads.setdefault(word[:1], []).append(word[1:])
    ends = "" in heads
    parts = [re.escape(head) + _trie(rest) for head, rest in sorted(heads.items()) if head]
    if not parts:
        return ""
    return f"(?:{'|'.join(parts)}){'?' if ends else ''}"


class _Plan(NamedTuple):
    """How to take a row with these keys: positions of its step and epoch, and of each column."""

    step: int | None
    epoch: int | None
    columns: tuple[tuple[int, str], ...]
    evaluation: bool
    has_eval_loss: bool


@lru_cache(maxsize=4096)
def _plan(keys: tuple[str, ...]) -> _Plan | None:
    """None: a row with these keys holds no metrics, or is the summary of a run."""
    vocabulary = names()
    step = epoch = None
    columns: dict[str, int] = {}
    for position, key in enumerate(keys):
        if key.lower() in vocabulary.steps:
            step = position
        elif key.lower() in vocabulary.epochs:
            epoch = position
        else:
            columns.setdefault(canonical(key), position)
    evaluation = not columns.keys().isdisjoint(vocabulary.evaluation)
    no_metrics = not evaluation and columns.keys().isdisjoint(vocabulary.principal)
    if no_metrics or not columns.keys().isdisjoint(vocabulary.summary):
        return None
    has_eval_loss = any(name.startswith("eval_") and name.endswith("loss") for name in columns)
    return _Plan(step, epoch, tuple((p, n) for n, p in columns.items()), evaluation, has_eval_loss)


@dataclass
class MetricReader:
    """Feed it lines; `series()` gives what they hold."""

    rows: int = 0
    eval_rows: list[int] = field(default_factory=list)  # lines of evaluation results
    eval_without_loss: list[int] = field(default_factory=list)
    _columns: dict[str, Column] = field(default_factory=dict)
    _rank: int | None = None
    _pending: dict[str, float] = field(default_factory=dict)
    _pending_line: int = 0
    _wrapped: str = ""
    _wrapped_lines: int = 0
    _header: tuple[str, ...] = ()
    _separator: str = ""
    _bar_step: float = math.nan
    _templates: Templates = field(default_factory=Templates)

    def feed(self, line: Line) -> bool:
        """Whether the line holds metrics."""
        text = line.text
        if self._wrapped:
            text = self._unwrap(text)
        if "{" in text and "}" not in text and _DICT_PAIR.search(text):
            self._wrapped, self._wrapped_lines = text, self._wrapped_lines + 1
            if text.rstrip().endswith("{") or self._wrapped_lines > 6:
                self._wrapped, self._wrapped_lines = "", 0
            return True
        self._wrapped, self._wrapped_lines = "", 0
        return self._row(text, line)

    def feed_dict(self, text: str, number: int) -> bool:
        """The quick way for a line that is one printed dict and nothing else."""
        pairs = _DICT_PAIR.findall(text)
        taken = bool(pairs) and self.add(pairs, number)
        if taken:
            self._templates.learn(text)
        return taken

    def take(self, block: bytes, number: int) -> bytes:
        """Take all rows of known kinds from a block whose first line is `number`; gives what is left of it."""
        left, found = self._templates.take(block)
        if not found:
            return left
        ends = np.flatnonzero(np.frombuffer(block, np.uint8) == 10)
        starts = np.concatenate([f.starts for f in found])
        order = np.empty(len(starts), np.int64)
        order[np.argsort(starts)] = np.arange(1, len(starts) + 1)
        first = 0
        for rows in found:
            ids = self.rows + order[first : first + len(rows.starts)]
            first += len(rows.starts)
            self._add_many(rows, ids, number + np.searchsorted(ends, rows.starts))
        self.rows += len(starts)
        return left

    def _add_many(self, rows: Found, ids: NDArray[np.int64], lines: NDArray[np.int64]) -> None:
        plan = _plan(rows.keys)
        if plan is None:
            return
        if rows.bar and plan.step is not None:
            step = rows.values[:, plan.step]
            new = np.diff(step, prepend=self._bar_step) != 0
            self._bar_step = float(step[-1])
            rows, ids, lines = rows._replace(values=rows.values[new]), ids[new], lines[new]
        if plan.evaluation:
            kept = lines[:MAX_PAIRS].tolist()
            self.eval_rows += kept
            self.eval_without_loss += [] if plan.has_eval_loss else kept
        unknown = np.full(len(ids), np.nan)
        step = unknown if plan.step is None else rows.values[:, plan.step]
        epoch = unknown if plan.epoch is None else rows.values[:, plan.epoch]
        for position, name in plan.columns:
            column = self._columns.setdefault(name, Column())
            column.add_many(np.vstack([ids, lines, step, epoch, rows.values[:, position]]))

    def _unwrap(self, text: str) -> str:
        """A dict that a terminal broke over lines, put together again."""
        joined = self._wrapped + text
        if "'" in text or '"' in text or "}" in text:
            return joined
        return text

    def _row(self, text: str, line: Line) -> bool:
        if self._header and self._table_row(text, line):
            return True
        if _MULTILINE.match(text):
            return self._json_line(text, line)
        if self._pending and "}" in text:
            self._flush()
        if "train_runtime" in text:
            return False
        low = text.lower()
        if not any(hint in low for hint in _HINTS):
            return "eval_runtime" in text and self._dict_row(text, line)
        if ("': " in text or '": ' in text) and "{" in text and self._dict_row(text, line):
            return True
        return self._loose_row(text, line) or self._table_header(text)

    def _dict_row(self, text: str, line: Line) -> bool:
        found = False
        for part in text.split("}")[:2000] if text.count("{") > 1 else [text]:
            pairs = _DICT_PAIR.findall(part)[:MAX_PAIRS]
            bar = _BAR.search(part)
            step = float(bar[1]) if bar else math.nan
            found = (bool(pairs) and self.add(pairs, line.number, line.rank, step)) or found
        if found and self.rows < LEARNING_ROWS and line.rank is None:
            start = max(text.find("{"), 0)
            self._templates.learn(text[start : text.find("}", start) + 1])
        return found

    def _loose_row(self, text: str, line: Line) -> bool:
        vocabulary = names()
        text = text[:4000].lower()
        found = list(vocabulary.pair.finditer(text))[:MAX_PAIRS]
        if not found:
            return False
        pairs = [(m[1], m[2]) for m in found]
        keys = {key.lower() for key, _ in pairs}
        bar = _BAR.search(text)
        step = float(bar[1]) if bar else math.nan
        if len(keys) < 2 and not bar and not _alone(text, found[0]):
            return False
        if not _SEPARATED.search(text) and len(_WORD.findall(vocabulary.pair.sub(" ", text))) > MAX_OTHER_WORDS:
            return False  # a sentence that gives numbers
        if bar and step == self._bar_step:
            return True
        self._bar_step = step if bar else self._bar_step
        taken = self.add(pairs, line.number, line.rank, step)
        if taken and line.rank is None and self.rows < LEARNING_ROWS:
            start = len(line.text) - len(line.text.lstrip())
            cells = [(m[1], m.start(2) - start, m.end(2) - start) for m in found]
            if bar and vocabulary.steps.isdisjoint(keys):
                cells.append(("step", bar.start(1) - start, bar.end(1) - start))
            self._templates.learn_line(line.text.strip(), cells, bar is not None)
        return taken

    def _json_line(self, text: str, line: Line) -> bool:
        found = _MULTILINE.match(text)
        if found is None:
            return False
        if found[1] in self._pending:
            self._flush()
        if len(self._pending) < MAX_PAIRS:
            self._pending[found[1]] = _number(found[2])
        self._pending_line = line.number
        return canonical(found[1]) in names().principal

    def _flush(self) -> None:
        pending, self._pending = self._pending, {}
        self.add([(key, str(value)) for key, value in pending.items()], self._pending_line, None)

    def _table_header(self, text: str) -> bool:
        for separator in ("\t", "|", ",", "  "):
            cells = _cells(text, separator)
            known = [c for c in cells if canonical(c) in names().principal]
            if len(cells) >= 2 and known and all(c and not c[0].isdigit() and len(c) < 40 for c in cells):
                self._header, self._separator = tuple(cells), separator
                return True
        return False

    def _table_row(self, text: str, line: Line) -> bool:
        cells = _cells(text, self._separator)
        if len(cells) != len(self._header):
            self._header = self._header if not text.strip() else ()
            return False
        numbers = [(key, cell) for key, cell in zip(self._header, cells, strict=True) if re.fullmatch(_NUMBER, cell)]
        if not numbers:
            return bool(re.fullmatch(r"[\s|:+-]+", text))
        return self.add(numbers, line.number, line.rank)

    def add(self, pairs: Sequence[tuple[str, str]], line: int, rank: int | None = None, step: float = math.nan) -> bool:
        """Add one row of printed pairs; False where they are no metrics."""
        plan = _plan(tuple([key for key, _ in pairs]))
        if plan is None or not self._wanted(plan, line, rank):
            return False
        self.rows += 1
        epoch = math.nan
        if plan.step is not None:
            step = _number(pairs[plan.step][1])
        if plan.epoch is not None:
            epoch = _number(pairs[plan.epoch][1])
        for position, name in plan.columns:
            column = self._columns.get(name)
            if column is None:
                if len(self._columns) >= MAX_COLUMNS:
                    continue
                column = self._columns[name] = Column()
            column.add(self.rows, line, step, epoch, _number(pairs[position][1]))
        return True

    def _wanted(self, plan: "_Plan", line: int, rank: int | None) -> bool:
        if plan.evaluation:
            self.eval_rows.append(line)
            if not plan.has_eval_loss:
                self.eval_without_loss.append(line)
        if rank is not None:
            self._rank = rank if self._rank is None else self._rank
            return rank == self._rank
        return True

    def series(self) -> dict[str, Series]:
        """The series of every metric seen."""
        if self._pending:
            self._flush()
        return {name: column.series() for name, column in self._columns.items()}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float(text.replace(",", "").removesuffix(".0") or "nan")  # Lightning prints nan.0


def _alone(text: str, found: re.Match[str]) -> bool:
    """Whether a line says nothing but the one pair."""
    rest = text[: found.start()] + text[found.end() :]
    return sum(c.isalpha() for c in rest) <= 3


def _cells(text: str, separator: str) -> list[str]:
    if separator not in text:
        return []
    row = text.strip().strip("|")
    parts = _COLUMNS.split(row) if separator == "  " else row.split(separator)
    cells = [c.strip(" *`\"'") for c in parts]
    return cells if len(cells) <= MAX_COLUMNS else []
