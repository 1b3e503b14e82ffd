"""Which causes belong to the sealed test part: drawn once, by a hash of the group's or incident's id.

A cause in the sealed part gets no development query and is evaluated only to report.
"""

import hashlib
from collections.abc import Sequence

SALT = "casebook-split-1"
GROUP_SHARE, INCIDENT_SHARE = 0.15, 0.18  # together about 30 % of causes, whole groups among them


def _draw(kind: str, name: str) -> float:
    """A number in [0, 1) fixed by the name."""
    digest = hashlib.sha256(f"{SALT}:{kind}:{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def sealed(incident: str, groups: Sequence[str] = ()) -> bool:
    """Whether the incident (id, and ids of its symptom groups) is in the sealed test part."""
    if any(_draw("group", group) < GROUP_SHARE for group in groups):
        return True
    return _draw("incident", incident) < INCIDENT_SHARE
