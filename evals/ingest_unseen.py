"""Drafts of sources that another hand wrote, against its labels: `python -m evals ingest --unseen FOLDER`.

A field is right when it holds at least 0.75 of the characters of the labelled sentences (blanks and backticks left
out), none of what was tried in vain, and is empty where the source does not say. The folder's README.md has the rest.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ingest.drafts import draft
from ingest.reading import read_source
from ingest.types import Draft
from kb import yamlio

FIELDS = ("title", "symptom", "cause", "fix")
OVERLAP, SPAN_BAR = 0.75, 0.90
Verdicts = dict[str, list[bool]]


def plain(text: str) -> str:
    """A text as it is compared: without blanks and backticks."""
    return "".join(text.replace("`", "").split())


def labelled(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Every source with its labels."""
    for label in sorted(folder.rglob("*.yaml")):
        source = next(path for path in label.parent.glob(f"{label.stem}.*") if path != label)
        yield source, yamlio.load(label.read_text("utf-8"), label.name)[0]


def held(value: str, spans: list[str]) -> bool:
    """Whether a field holds the labelled sentences, or is empty where there are none."""
    if not spans:
        return not value
    have, wanted = plain(value), [plain(span) for span in spans]
    found = sum(len(span) for span in wanted if span in have)
    return found >= OVERLAP * sum(map(len, wanted))


def judge(one: Draft, truth: Mapping[str, Any]) -> dict[str, bool]:
    """Every verdict on a draft of a source with an incident."""
    failed = [plain(span) for span in truth.get("tried_failed", [])]
    wrong = [plain(text) for text in truth.get("navigation", [])]
    everything = plain("\n".join(field.value for field in one.fields.values()))
    verdicts = {f: held(one.value(f), [truth["title"]] if f == "title" else truth[f]) for f in FIELDS}
    verdicts["fix"] = verdicts["fix"] and not any(span in plain(one.value("fix")) for span in failed)
    verdicts["navigation"] = not any(text in everything for text in wrong)
    verdicts["confirmed"] = one.fix_status != "confirmed" or truth["confirmed"]
    return verdicts


def measure(folder: Path) -> tuple[dict[str, Verdicts], list[str]]:
    """Verdicts by layout and field, and a line for each that failed."""
    tally: dict[str, Verdicts] = defaultdict(lambda: defaultdict(list))
    failures = []
    for source, truth in labelled(folder):
        items = read_source(source.read_bytes(), source.name)
        drafts = [d for d in map(draft, items) if isinstance(d, Draft)]
        name = f"{source.parent.name}/{source.name}"
        if not truth["incident"]:
            verdicts = {"none": not drafts}
        elif len(drafts) != 1:
            verdicts = {**dict.fromkeys(FIELDS, False), "one": False}
        else:
            verdicts = judge(drafts[0], truth)
        for field, good in verdicts.items():
            tally[source.parent.name][field].append(good)
            if not good:
                value = drafts[0].value(field) if drafts and field in FIELDS else len(drafts)
                failures.append(f"{name}: {field}: {str(value)[:300]!r}")
    return tally, failures


def report(folder: Path) -> int:
    """Print shares by layout and what failed; 1 where titles, symptoms, causes and fixes together are below 0.90."""
    tally, failures = measure(folder)
    for line in failures:
        print(line)
    for layout, verdicts in tally.items():
        print(f"{layout:12}", "  ".join(f"{field} {sum(good)}/{len(good)}" for field, good in sorted(verdicts.items())))
    spans = [good for verdicts in tally.values() for field in FIELDS for good in verdicts.get(field, [])]
    share = sum(spans) / max(len(spans), 1)
    print(f"title, symptom, cause, fix right: {share:.3f} of {len(spans)}  (bar {SPAN_BAR})")
    return int(share < SPAN_BAR)
