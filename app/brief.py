"""Questions of few words: what tells causes apart where hardly anything was said.

"loss is 0" names a symptom that dozens of incidents share, and none of their words. There the incidents of that
symptom's group come before others that merely show it, and what was reported often before what was reported once.
"""

import math
from collections.abc import Sequence

from app.features import Candidate
from kb.catalog import Catalog
from kb.evidence.model import Evidence

# How much must be said (Retriever.said) to tell a cause from look-alikes that show the same; "GRPO training, the loss
# is 0 all the time" says 0.5. Chosen on development questions of few words (evals/LOG.md).
MIN_SAID = 0.6
MIN_SHARE = 0.3  # of a group's incidents that show a signal, for the group to be of that symptom


def add_typical(found: Sequence[Candidate], evidence: Evidence, catalog: Catalog, said: float) -> None:
    """Set `typical` (1: of a group of a symptom seen) and `reported` (ln of its sources) where `said` is little."""
    if said >= MIN_SAID:
        return
    groups = {group for signal in evidence.signals for group in typical_groups(catalog, signal.name)}
    for candidate in found:
        incident = candidate.incident
        candidate.features["typical"] = float(not groups.isdisjoint(incident.symptom_groups))
        candidate.features["reported"] = math.log(len(incident.sources))


def typical_groups(catalog: Catalog, signal: str) -> set[str]:
    """The symptom groups of which MIN_SHARE of the incidents show a signal."""
    showing = {*catalog.by_signal.get(signal, ())}
    return {
        group
        for group, members in catalog.members.items()
        if len(showing.intersection(members)) >= MIN_SHARE * len(members)
    }
