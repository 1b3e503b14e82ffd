"""Drafting from rebuilt layouts with known spans: `python -m evals ingest [--threads N]`. Exit 1 below a bar.

A field is right when the characters (blanks left out) that its spans cover and those of the known text overlap in at
least 0.75 of their union. A field is invented when it holds anything that its spans do not. Bars: issue I.
"""

import argparse
import json
import re
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from evals import ingest_pages, ingest_threads, ingest_unseen
from evals.ingest_pages import Made
from evals.ingest_unseen import FIELDS, OVERLAP, SPAN_BAR
from ingest.drafts import draft
from ingest.reading import read_source
from ingest.run import ingest
from ingest.types import Draft, Page
from kb import yamlio

STORIES = Path(__file__).parent / "ingest" / "stories.yaml"
NAVIGATION_BAR, SECONDS_BAR = 0.01, 600.0
Tally = dict[str, list[bool]]


def stories() -> dict[str, list[dict[str, Any]]]:
    """Incidents, how-tos and requests in our own words."""
    return yamlio.load(STORIES.read_text("utf-8"), STORIES.name)[0]  # type: ignore[no-any-return]


def cases(seed: int, rounds: int) -> Iterator[tuple[str, Made, str | None]]:
    """Layout, file and expected fix status of every rebuilt source; files without truth must give no incident."""
    rng, told = Random(seed), stories()
    for _ in range(rounds):
        for name, layout in ingest_pages.LAYOUTS.items():
            for story in [*told["incidents"], *told["howtos"]]:
                if not (name in ingest_pages.ENGLISH_ONLY and story["lang"] == "zh"):
                    yield name, layout(story, rng), None
        for name in ingest_threads.LAYOUTS:
            for story in [*told["incidents"], *told["requests"]]:
                yield name, *ingest_threads.made(name, story, rng)


def right(text: str, spans: Sequence[tuple[int, int]], known: Sequence[str]) -> bool:
    """Whether the spans cover the known texts and little else."""
    covered = {i for start, end in spans for i in range(start, end) if not text[i].isspace() and text[i] != "`"}
    wanted: set[int] = set()
    for part in known:
        places = [m.start() for m in re.finditer(re.escape(part), text)]
        if not places:  # a PDF wraps lines: compare line by line of what was written
            return _loose(text, spans, known)
        at = max(places, key=lambda place: len(covered & {*range(place, place + len(part))}))
        wanted |= {i for i in range(at, at + len(part)) if not text[i].isspace() and text[i] != "`"}
    return len(covered & wanted) >= OVERLAP * len(covered | wanted)


def _loose(text: str, spans: Sequence[tuple[int, int]], known: Sequence[str]) -> bool:
    """The same without places, for layouts that break lines."""
    have = "".join("".join(text[a:b].split()) for a, b in spans)
    want = "".join("".join(part.split()) for part in known)
    common = sum(len(piece) for piece in ("".join(k.split()) for k in known) if piece in have)
    return common >= OVERLAP * max(len(have), len(want), 1)


def judge(made: Made, status: str | None, tally: dict[str, Tally], name: str, failures: list[str]) -> None:
    """Draft one source and note every verdict."""
    items = read_source(made.raw, made.name)
    drafts = [d for d in (draft(item) for item in items) if isinstance(d, Draft)]
    if not made.truth:
        tally[name]["none"].append(not drafts)
        failures += [f"{name}: an incident in: {d.value('title')}" for d in drafts]
        return
    if len(drafts) != 1:
        failures.append(f"{name}: {len(drafts)} drafts of {made.truth['title'][0]}: {[draft(i) for i in items]}"[:300])
        for field in FIELDS:
            tally[name][field].append(False)
        return
    one = drafts[0]
    for field in FIELDS:
        found = one.fields.get(field)
        good = found is not None and right(one.text, [(s.start, s.end) for s in found.spans], made.truth[field])
        tally[name][field].append(good)
        if not good:
            failures.append(f"{name}: {field} of {made.truth['title'][0]!r}: {one.value(field)[:200]!r}")
    tally[name]["invented"].append(invented(one, items[0].text if items else ""))
    if status:
        tally[name]["status"].append(one.fix_status == status)
    everything = "\n".join(f.value for f in one.fields.values())
    left = sum(len(words) * everything.count(words) for words in made.navigation)
    tally[name]["navigation"].append(left > NAVIGATION_BAR * len(everything))
    if isinstance(items[0], Page) and left:
        failures.append(f"{name}: navigation in {made.truth['title'][0]!r}")


def invented(one: Draft, text: str) -> bool:
    """Whether any field holds text that its spans do not."""
    return any(
        "\n\n".join(text[s.start : s.end] for s in f.spans) != f.value or not f.value.strip()
        for f in one.fields.values()
    )


def speed(count: int, seed: int) -> tuple[float, float, int]:
    """Seconds to draft that many generated threads into files, by the clock and of a core; most MB of a process."""
    rng, told = Random(seed), stories()["incidents"]

    def sources() -> Iterator[tuple[str, bytes]]:
        for i in range(count):
            story = dict(rng.choice(told))
            story["title"] = f"{story['title']} ({i})"
            talk = ingest_threads.talk(story, rng)
            yield f"thread-{i}.json", json.dumps(ingest_threads.rest(talk), ensure_ascii=False).encode()

    with tempfile.TemporaryDirectory() as folder:
        start, before = time.perf_counter(), _core_seconds()
        made = sum(len(outcome.drafts) for outcome in ingest(sources(), Path(folder), workers=2))
        seconds = time.perf_counter() - start
    if made != count:
        raise SystemExit(f"{count} threads gave {made} drafts")
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return seconds, _core_seconds() - before, peak // 1024


def _core_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def main(argv: Sequence[str]) -> int:
    """Print the figures; 1 where one misses its bar."""
    parser = argparse.ArgumentParser(prog="evals ingest")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=300, help="threads to draft for the speed; 10000 for the bar")
    parser.add_argument("--show", action="store_true", help="print every failure")
    parser.add_argument("--unseen", type=Path, help="a folder of labelled sources, as evals/ingest/heldout; no more")
    options = parser.parse_args(argv)
    if options.unseen:
        return ingest_unseen.report(options.unseen)
    tally: dict[str, Tally] = defaultdict(lambda: defaultdict(list))
    failures: list[str] = []
    for name, made, status in cases(options.seed, options.rounds):
        judge(made, status, tally, name, failures)
    good = report(tally)
    if options.show:
        print("\n".join(failures))
    if options.threads:
        seconds, core, peak = speed(options.threads, options.seed)
        good &= seconds * 10_000 / options.threads <= SECONDS_BAR
        rate = options.threads / seconds
        print(
            f"{options.threads} threads in {seconds:.1f} s ({rate:.0f}/s), {core:.1f} s of a core, {peak} MB a process"
        )
    return 0 if good else 1


def report(tally: dict[str, Tally]) -> bool:
    """A line for each layout and the whole; whether all bars are met."""
    whole: Tally = defaultdict(list)
    for name, fields in tally.items():
        shown = " ".join(
            f"{field} {_share(fields[field])}" for field in (*FIELDS, "status", "none") if fields.get(field)
        )
        print(f"{name:20} {shown}")
        for field, verdicts in fields.items():
            whole[field] += verdicts
    spans = [verdict for field in FIELDS for verdict in whole[field]]
    print(f"layouts {len(tally)}, spans right {_share(spans)}; " + ", ".join(f"{f} {_share(whole[f])}" for f in FIELDS))
    print(f"fix status right {_share(whole['status'])}; sources without an incident left out {_share(whole['none'])}")
    print(
        f"drafts with navigation over 1 %: {sum(whole['navigation'])}; with an invented field: {sum(whole['invented'])}"
    )
    fields_good = all(_mean(whole[field]) >= SPAN_BAR for field in FIELDS)
    return fields_good and all(whole["none"]) and not any(whole["navigation"]) and not any(whole["invented"])


def _mean(verdicts: Sequence[bool]) -> float:
    return sum(verdicts) / max(len(verdicts), 1)


def _share(verdicts: Sequence[bool]) -> str:
    return f"{_mean(verdicts):.3f} ({len(verdicts)})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
