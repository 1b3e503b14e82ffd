"""`python -m evals forms FOLDER`: the same cases alone and inside whole reports: forms, chatter, healthy output.

A frame is a text file with `{report}` where the case goes; one for Chinese cases ends in `-zh.txt`. It says nothing of
the problem, so each case should come out as it does alone.
"""

import argparse
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from app.casebook import Casebook
from app.settings import Settings, load_settings
from evals.cases import FOLDER, Case, load_cases
from evals.metrics import difference, share
from evals.outcomes import Outcome, run_apart
from kb.errors import InputError
from kb.types import Incident

PLACE = "{report}"
KINDS = ("symptom", "log", "config", "chatty")
# Frames are of NVIDIA machines under Linux; in a case of another one they would be a contradiction.
_OTHER_MACHINE = re.compile(
    r"ascend|昇腾|npu|rocm|amd|radeon|mi300|windows|win1[01]|macos|\bmac\b|apple|mlx|metal|jetson|wsl|colab|kaggle|"
    r"5090|blackwell|v100|t4\b|cpu",
    re.IGNORECASE,
)
_NAME, _VERSION = re.compile(r"[a-z][\w-]*"), re.compile(r"\d+\.\d+")


def main(argv: Sequence[str] = ()) -> int:
    """Print the shares alone and framed, their paired difference, and the frames that lose most."""
    parser = argparse.ArgumentParser(prog="python -m evals forms", description=__doc__)
    parser.add_argument("folder", type=Path, help="frames: text files with {report}")
    parser.add_argument("--part", choices=("dev", "sealed"), default="dev")
    parser.add_argument("--number", type=int, default=600, help="cases at most, chosen by a hash of their id")
    arguments = parser.parse_args(argv)
    names, alone, within = measure(load_settings(), arguments.folder, arguments.part, arguments.number)
    _print_shares(alone, within)
    _print_frames(names, alone, within)
    return 0


def measure(
    settings: Settings, folder: Path, part: str, number: int
) -> tuple[list[str], Sequence[Outcome], Sequence[Outcome]]:
    """The frame of each case, the cases' outcomes alone, and those inside their frames."""
    frames = load_frames(folder)
    casebook = Casebook(settings)
    incidents = casebook.incidents()
    casebook.close()
    cases = _chosen(load_cases(FOLDER / part), number)
    names = [frame_of(case, frames) for case in cases]
    filled = [fill(frames[name], case, incidents) for name, case in zip(names, cases, strict=True)]
    inside = [case.model_copy(update={"query": text}) for case, text in zip(cases, filled, strict=True)]
    outcomes = run_apart(settings, [*cases, *inside])
    return names, outcomes[: len(cases)], outcomes[len(cases) :]


def load_frames(folder: Path) -> dict[str, str]:
    """Name → text of every frame. Raises InputError for a folder without any and a frame without its place."""
    frames = {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.txt"))}
    for name, text in frames.items():
        if text.count(PLACE) != 1:
            raise InputError(f"{folder / name}.txt: {PLACE} is there {text.count(PLACE)} times, not once")
    if not frames:
        raise InputError(f"{folder}: no frame (*.txt) there")
    return frames


def frame_of(case: Case, frames: Mapping[str, str]) -> str:
    """The frame that a case is put in: one of its language, by a hash of its id."""
    fitting = [name for name in frames if name.endswith("-zh") == (case.language == "zh")]
    return fitting[zlib.crc32(case.id.encode()) % len(fitting)]


def fill(frame: str, case: Case, incidents: Mapping[str, Incident]) -> str:
    """The case in its frame, without the frame's versions of what the case or its incident names."""
    names = {*_NAME.findall(case.query.lower())}
    if isinstance(case.cause, str) and case.cause in incidents:
        names |= {*incidents[case.cause].components}
    names |= {"pytorch"} & {"py" + n for n in names}
    kept = [
        line for line in frame.splitlines() if not (_VERSION.search(line) and names & {*_NAME.findall(line.lower())})
    ]
    return "\n".join(kept).replace(PLACE, case.query.strip())


def suitable(cases: Iterable[Case]) -> list[Case]:
    """The cases that a frame fits: problems, not of another kind of machine than the frames'."""
    return [c for c in cases if c.kind in KINDS and not c.answers and not _OTHER_MACHINE.search(c.query)]


def _chosen(cases: Sequence[Case], number: int) -> list[Case]:
    return sorted(suitable(cases), key=lambda c: zlib.crc32(c.id[::-1].encode()))[:number]


def _print_shares(alone: Sequence[Outcome], within: Sequence[Outcome]) -> None:
    decidable = [i for i, o in enumerate(alone) if o.answerable and o.case.decidable]
    outside = [i for i, o in enumerate(alone) if not o.answerable]
    rows = (
        ("decidable: right cause and fix, diagnosed", decidable, lambda o: o.passed),
        ("decidable: right cause first", decidable, lambda o: o.right),
        ("decidable: refused", decidable, lambda o: o.verdict in ("no_match", "insufficient")),
        ("outside: diagnosed", outside, lambda o: o.verdict == "diagnosed"),
    )
    for name, chosen, told in rows:
        before, after = [told(alone[i]) for i in chosen], [told(within[i]) for i in chosen]
        print(f"{name:<44} alone {share(before).value:.3f}  in a report {share(after)}")
        print(f"{'':<44} difference {difference(after, before)}")


def _print_frames(names: Sequence[str], alone: Sequence[Outcome], within: Sequence[Outcome]) -> None:
    for name in sorted({*names}):
        pairs = [(a, w) for n, a, w in zip(names, alone, within, strict=True) if n == name]
        decidable = [(a.passed, w.passed) for a, w in pairs if a.answerable and a.case.decidable]
        if decidable:
            before, after = (sum(column) for column in zip(*decidable, strict=True))
            print(f"{name:<36} {len(decidable):4} cases, passed {before} alone, {after} in it")
