"""The evidence reader on labelled pastes: initiating error, signals, versions, language, and false alarms.

A paste file holds id, text and expected: initiating {line, type} or null, signals, versions, language; `allowed` names
signals that may be read or not. Files under `healthy` expect no signal at all but those.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kb import yamlio
from kb.evidence import Input, read
from kb.evidence.model import Reading

FOLDER = Path(__file__).parent / "pastes"
BARS = {"initiating": 0.97, "precision": 0.95, "recall": 0.95, "versions": 0.97}


class Paste(NamedTuple):
    """One labelled paste."""

    id: str
    text: str
    expected: dict[str, Any]
    healthy: bool


class Verdict(NamedTuple):
    """What one paste showed; `failures` are lines to print."""

    initiating: bool | None
    hit: int
    false: int
    missed: int
    versions: int
    versions_expected: int
    language: bool
    failures: list[str]


def load(folder: Path) -> Iterator[Paste]:
    """The pastes under a folder, by path."""
    for path in sorted(folder.rglob("*.yaml")):
        data, _ = yamlio.load(path.read_text(encoding="utf-8"), path)
        yield Paste(data["id"], data["text"], data["expected"], "healthy" in path.parts)


def judge(paste: Paste) -> Verdict:
    """Read one paste and compare."""
    got = read([Input("text", paste.text)])
    expected, failures = paste.expected, []
    seen, wanted = {s.name for s in got.evidence.signals}, set(expected.get("signals") or ())
    extra = seen - wanted - set(expected.get("allowed") or ())
    missed = wanted - seen
    if extra or missed:
        failures.append(f"signals: missed {sorted(missed)}, not there {sorted(extra)}")
    right = _initiating(paste, got, failures)
    versions = expected.get("versions") or {}
    found = {k: v.version for k, v in got.evidence.versions.items()}
    good = sum(_plain(k, found.get(k)) == _plain(k, v) for k, v in versions.items())
    if good < len(versions):
        failures.append(f"versions: wanted {versions}, read {found}")
    # A paste without prose has the language of the interface, English in a batch (DESIGN.md, section 3).
    language = "language" not in expected or got.language in (expected["language"], *_no_prose(expected["language"]))
    if not language:
        failures.append(f"language: wanted {expected['language']}, read {got.language}")
    return Verdict(right, len(wanted & seen), len(extra), len(missed), good, len(versions), language, failures)


def _plain(component: str, version: object) -> str:
    """A version as text; llama.cpp's builds without their b."""
    return str(version).removeprefix("b") if component == "llama-cpp" else str(version)


def _no_prose(expected: str | None) -> tuple[None, ...]:
    return (None,) if expected == "en" else ()


def _initiating(paste: Paste, got: Reading, failures: list[str]) -> bool | None:
    if "initiating" not in paste.expected:
        return None
    wanted, start = paste.expected["initiating"], got.evidence.initiating_error
    types = {e.line: e.type.rsplit(".", 1)[-1] for e in got.evidence.exceptions if e.role == "initiating"}
    if wanted is None:
        right = start is None
    else:
        right = start is not None and start.line == wanted["line"]
        if right and start is not None and start.kind == "exception" and "type" in wanted:
            right = types.get(start.line) == wanted["type"].rsplit(".", 1)[-1]
    if not right:
        shown = f"line {start.line} {start.text[:90]!r} {types}" if start else None
        failures.append(f"initiating: wanted {wanted}, read {shown}")
    return right


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures and every failure; 0 when all bars are met."""
    parser = argparse.ArgumentParser(prog="python -m evals pastes", description=__doc__)
    parser.add_argument("folder", nargs="*", type=Path, help="default: dev and healthy; heldout only when named")
    given = parser.parse_args(argv)
    folders = given.folder or [FOLDER / "dev", FOLDER / "healthy"]
    judged = [(paste, judge(paste)) for folder in folders for paste in load(folder)]
    for paste, verdict in judged:
        for failure in verdict.failures:
            sys.stdout.write(f"{paste.id}: {failure}\n")
    return _report(judged)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _report(judged: list[tuple[Paste, Verdict]]) -> int:
    sick = [v for p, v in judged if not p.healthy]
    started = [v.initiating for v in sick if v.initiating is not None]
    hits = sum(v.hit for v in sick)
    figures = {
        "initiating": _share(sum(started), len(started)),
        "precision": _share(hits, hits + sum(v.false for v in sick)),
        "recall": _share(hits, hits + sum(v.missed for v in sick)),
        "versions": _share(sum(v.versions for v in sick), sum(v.versions_expected for v in sick)),
    }
    alarms = sum(v.false + (v.initiating is False) for p, v in judged if p.healthy)
    healthy = sum(p.healthy for p, _ in judged)
    for name, value in figures.items():
        sys.stdout.write(f"{name:12} {value:.3f}  (bar {BARS[name]})\n")
    sys.stdout.write(f"language     {_share(sum(v.language for _, v in judged), len(judged)):.3f}\n")
    sys.stdout.write(f"{len(sick)} pastes, {healthy} healthy logs with {alarms} false alarms (bar 0)\n")
    return 0 if alarms == 0 and all(figures[name] >= bar for name, bar in BARS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
