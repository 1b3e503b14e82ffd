"""Is a draft the same as an incident of the base, a rival of one, or new? Interpretable features, fitted weights.

The weights are data (duplicates.yaml), learned by `python -m evals duplicates --fit`; the thresholds too.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ingest.blocks import table
from ingest.types import Draft
from kb.retrieval import Hit
from kb.signatures import SignatureHit
from kb.types import Incident

MAX_QUERY, MAX_WORDS, MAX_LINES = 400, 4000, 400  # characters embedded and searched, lines matched
NEAREST = 8  # candidates that are looked at
Verdict = Literal["same", "rival", "new", "unsure"]
Features = Mapping[str, float]


class Finder(Protocol):
    """What is needed of the index (kb.retrieval.Retriever has it)."""

    def search(self, query: str, words: str | None = None, told: str = "") -> list[Hit]:
        """Incidents for a query, best first."""

    def find_signatures(self, lines: Sequence[str]) -> list[SignatureHit]:
        """Error signatures on lines."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a draft tells of a failure, as far as it is compared."""

    query: str
    words: str
    lines: tuple[str, ...]
    signals: frozenset[str] = frozenset()
    components: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()
    confirmed: str | None = None  # the incident whose fix helped, in a draft made from a case


@dataclass(frozen=True, slots=True)
class Relation:
    """The verdict on a draft; `same` and `related` are probabilities for `incident`, the nearest there is.

    `rival`: it has the symptom of `incident`, and may have its cause: a check has to tell them apart. `unsure`: it is
    neither likely nor unlikely enough to be the same; a curator decides.
    """

    verdict: Verdict
    incident: str | None = None
    same: float = 0.0
    related: float = 0.0
    why: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()  # of a rival: the groups that the draft may join
    near: tuple[tuple[str, float], ...] = field(default=())  # the nearest incidents with their probability


def account_of(draft: Draft) -> Account:
    """What of a draft is compared with the base."""

    def values(name: str) -> frozenset[str]:
        return frozenset(f.value for f in draft.facts.get(name, ()))

    told = "\n".join(draft.value(n) for n in ("title", "symptom") if draft.value(n))
    rest = "\n".join(draft.value(n) for n in ("cause", "fix", "analysis") if draft.value(n))
    errors = [f.value for f in draft.facts.get("errors", ())]
    query = " ".join([draft.value("title"), *errors[:1]]) or told
    urls = {_plain(u) for u in (draft.origin.url, draft.origin.thread) if u}
    return Account(
        query=query[:MAX_QUERY], words=f"{told[:MAX_WORDS]}\n{rest[:MAX_WORDS]}",
        lines=tuple([*told.split("\n"), *errors][:MAX_LINES]), signals=values("signals"),
        components=values("components"), urls=frozenset(urls), confirmed=confirmed_in(draft.text),
    )  # fmt: skip


CONFIRMED = "Casebook incident whose fix helped: "


def confirmed_in(text: str) -> str | None:
    """The incident that a case's text names as the one whose fix helped."""
    line = next((row for row in text.split("\n") if row.startswith(CONFIRMED)), None)
    return line.removeprefix(CONFIRMED).strip() if line else None


def _plain(url: str) -> str:
    return url.split("#")[0].split("?")[0].rstrip("/").lower().replace("//www.", "//")


def shared(draft: Draft, others: Iterable[Draft]) -> dict[str, str]:
    """Other drafts that tell of the same source or show the same error: by id, and why."""
    own, marks = account_of(draft), {f.value for f in draft.facts.get("signatures", ())}
    found = {}
    for other in others:
        if other.id == draft.id:
            continue
        if own.urls & account_of(other).urls:
            found[other.id] = "the same source"
        elif same := marks & {f.value for f in other.facts.get("signatures", ())}:
            found[other.id] = f"the same error: {min(same)}"
    return found


def features(account: Account, finder: Finder, incidents: Mapping[str, Incident]) -> dict[str, dict[str, float]]:
    """The features of the nearest incidents, by id; retired ones are left out."""
    hits = [h for h in finder.search(account.query, account.words, account.words) if h.incident in incidents]
    live = {i for i, known in incidents.items() if known.status != "retired"}
    owners: dict[int, set[str]] = {}
    for found in finder.find_signatures(account.lines):
        if found.incident in live:
            owners.setdefault(found.line, set()).add(found.incident)
    marked: dict[str, float] = {}
    for ids in owners.values():
        for name in ids:
            marked[name] = max(marked.get(name, 0.0), 1 / len(ids))
    hits = [h for h in hits if h.incident in live]
    by_hit = {h.incident: h for h in hits}
    chosen = list(dict.fromkeys([*marked, *(h.incident for h in hits[:NEAREST])]))
    rows = {name: _of_one(account, incidents[name], by_hit.get(name), marked.get(name, 0.0)) for name in chosen}
    for source, name in (("relative", "lexical_lead"), ("dense", "dense_lead")):
        _leads(rows, source, name)
    return rows


def _of_one(account: Account, incident: Incident, hit: Hit | None, signature: float) -> dict[str, float]:
    row = {"signature": signature, "errors_unmatched": float(bool(incident.signatures) and not signature)}
    if hit is not None:
        row |= {"dense": hit.dense, "relative": hit.lexical, "told": hit.told}
    if account.signals:
        row["signals"] = len(account.signals & {*incident.signals}) / len(account.signals)
    if account.components:
        row["component"] = float(bool(account.components & {*incident.components}))
        row["component_other"] = 1.0 - row["component"]
    return row


def _leads(rows: Mapping[str, dict[str, float]], source: str, name: str) -> None:
    """How far a candidate is ahead of the best other one; negative for those behind."""
    best, second = [*sorted((r.get(source, 0.0) for r in rows.values()), reverse=True), 0.0, 0.0][:2]
    for row in rows.values():
        own = row.get(source, 0.0)
        row[name] = own - (second if own == best else best)


def probability(row: Features, weights: Features) -> float:
    """The logistic of the weighted sum; `bias` is its constant."""
    total = weights["bias"] + sum(weights.get(name, 0.0) * value for name, value in row.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def relate(account: Account, finder: Finder, incidents: Mapping[str, Incident]) -> Relation:
    """The verdict on an account of a failure against the base."""
    if linked := _linked(account, incidents.values()):
        return linked
    return decide(features(account, finder, incidents), incidents, table("duplicates"))


def _linked(account: Account, incidents: Iterable[Incident]) -> Relation | None:
    for incident in incidents:
        if incident.status == "retired":
            continue
        if incident.id == account.confirmed:
            return Relation("same", incident.id, 1.0, 1.0, ("its fix helped in this case",))
        shared = account.urls & {_plain(s.url) for s in incident.sources if s.url}
        if shared:
            return Relation("same", incident.id, 1.0, 1.0, (f"{min(shared)} is one of its sources",))
    return None


def decide(rows: Mapping[str, Features], incidents: Mapping[str, Incident], fitted: Mapping[str, Features]) -> Relation:
    """The verdict from features by incident and the fitted weights."""
    if not rows:
        return Relation("new")
    scored = sorted(((probability(row, fitted["same"]), name) for name, row in rows.items()), reverse=True)
    same, name = scored[0]
    related, kin = max((probability(row, fitted["related"]), n) for n, row in rows.items())
    limits = fitted["limits"]
    near = tuple((n, p) for p, n in scored[:3])
    if same >= limits["same"]:
        return Relation("same", name, same, related, _reasons(rows[name], fitted["same"]), near=near)
    if related >= limits["related"]:
        why = _reasons(rows[kin], fitted["related"])
        return Relation("rival", kin, same, related, why, incidents[kin].symptom_groups, near)
    if same < limits["not_same"]:
        return Relation("new", name, same, related, near=near)
    return Relation("unsure", name, same, related, _reasons(rows[name], fitted["same"]), near=near)


def _reasons(row: Features, weights: Features) -> tuple[str, ...]:
    """The features that speak most for the verdict, in words."""
    parts = sorted(((weights.get(n, 0.0) * v, n) for n, v in row.items() if n in _WORDS), reverse=True)
    return tuple(_WORDS[name] for weight, name in parts[:3] if weight > 0)


_WORDS = {
    "signature": "its error signature is in the draft",
    "dense": "the texts are near in meaning",
    "relative": "it has the draft's words",
    "symptom": "its symptom is near in meaning",
    "told": "its symptom tells most of the draft's words",
    "lexical_lead": "no other incident has as many of the words",
    "dense_lead": "no other incident is as near",
    "signals": "the same signals",
    "component": "the same components",
}
