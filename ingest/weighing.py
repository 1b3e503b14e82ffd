"""Sentences in their place → whether they tell why, and whether they tell what to do. Pure.

A second, small logistic model over the role scores of a sentence and its neighbours, its place in the post, who wrote
it, and what heading it stands under; weights in weights.json, learned by `python -m evals ingest-fit`.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from ingest.blocks import cue
from ingest.roles import ROLES, Scores, scores
from ingest.sentences import Said

Hear = Callable[[str, frozenset[str]], Scores]
_AROUND = ("cause", "fix", "symptom", "failed")
_CUES = tuple("asks denies caused because advice changed fixed acted tries command unsure fails".split())
_MORE_CUES = ("proposes", "mechanism", "found_out", "pending", "filler", "checks", "works")
_SECTIONS = ("symptom", "tried", "cause", "analysis", "fix", "setting", "aside")
_WHOLE = ("opening", "page")  # what tells a story from its beginning to its end
_NONE = -4.0  # the score of a neighbour that is not there
_MOST = 60  # sentences of a post that are looked at in their place; what is longer is a log or a paper


@dataclass(frozen=True, slots=True)
class Judge:
    """The small models by name, over what `hear` says of a sentence with its cues."""

    hear: Hear
    weights: Mapping[str, Mapping[str, float]]

    def linear(self, name: str, found: Mapping[str, float]) -> float:
        """The log-odds of one model."""
        weights = self.weights[name]
        return weights["bias"] + sum(weights.get(feature, 0.0) * value for feature, value in found.items())

    def weighed(self, parts: Sequence[Said], writer: str, at: tuple[float, float] = (0.0, 1.0)) -> list[Said]:
        """The sentences with the log-odds that they tell what was seen, why, and what to do or what was done."""
        placed = zip(parts, places(parts, writer, self.hear, at), strict=True)
        return [self._weigh(part, found) if found else part for part, found in placed]

    def _weigh(self, part: Said, found: Mapping[str, float]) -> Said:
        seen, why, how = (self.linear(name, found) for name in ("symptom", "cause", "fix"))
        return replace(part, seen=seen, why=why, how=how)

    def verdict(self, parts: Sequence[Said], writer: str, last: bool) -> tuple[float, float]:
        """The log-odds that a later post says that an advice worked, and that it failed. `last`: of its writer."""
        found = verdicts(parts, writer, last, self.hear)
        return self.linear("works", found), self.linear("failed", found)


@cache
def judge() -> Judge:
    """The models that come with the program."""
    return Judge(scores, json.loads(Path(__file__).with_name("weights.json").read_text("utf-8")))


def places(
    parts: Sequence[Said], writer: str, hear: Hear, at: tuple[float, float] = (0.0, 1.0)
) -> list[dict[str, float]]:
    """The features of every sentence of a post (or a section): an empty one for code.

    `writer`: "reporter", "maintainer" or "other" of a later post, "opening" of the first, "page" of an article.
    `at`: the shares of the page that stand before and up to the end of the section.
    """
    heard = [None if p.code else hear(p.text, p.does) for p in parts]
    prose = [i for i, p in enumerate(parts) if not p.code]
    out: list[dict[str, float]] = [{} for _ in parts]
    for k, i in enumerate(prose[:_MOST]):
        part, mine = parts[i], heard[i] or {}
        found = {role: mine[role] / 2 for role in ROLES}
        for side, j in (("before", k - 1), ("after", k + 1)):
            near = heard[prose[j]] if 0 <= j < len(prose) else None
            found |= {f"{side}:{role}": (near[role] if near else _NONE) / 4 for role in _AROUND}
        found[f"by:{writer}"] = 1.0
        if writer in _WHOLE:
            found[f"{writer} at"] = at[0] + (at[1] - at[0]) * k / max(len(prose), 1)
        found |= {name: 1.0 for name in _CUES if name in part}
        found |= {name: 1.0 for name in _MORE_CUES if cue(name).search(part.text)}
        found |= {"first": float(k == 0), "last": float(k == len(prose) - 1), "alone": float(len(prose) == 1)}
        found |= {"item": float(part.item), "opens": float(part.opens), "long": math.log2(1 + len(part.text)) / 4}
        found["code before"] = float(i > 0 and parts[i - 1].code)
        found["code after"] = float(i + 1 < len(parts) and parts[i + 1].code)
        if part.section in _SECTIONS:
            found[f"under:{part.section}"] = 1.0
        out[i] = found
    return out


def verdicts(parts: Sequence[Said], writer: str, last: bool, hear: Hear) -> dict[str, float]:
    """The features of a later post by which it says that an advice worked or did not. `last`: of its writer."""
    prose = [p for p in parts if not p.code][:_MOST]
    heard = [hear(p.text, p.does) for p in prose]
    found = {f"most:{role}": max((h[role] for h in heard), default=_NONE) / 4 for role in ROLES}
    if heard:
        found |= {f"first:{role}": heard[0][role] / 4 for role in ROLES}
    names = ("fixed", "confirms", "denies", "asks", "acted", "tries", "changed", "advice")
    found |= {name: float(any(name in p for p in prose)) for name in names}
    more = ("works", "pending", "thanks", "found_out")
    found |= {f"any:{name}": float(any(cue(name).search(p.text) for p in prose)) for name in more}
    found |= {f"by:{writer}": 1.0, "last": float(last), "short": float(sum(len(p.text) for p in prose) < 60)}
    found |= {"code": float(any(p.code for p in parts)), "one": float(len(prose) == 1)}
    return found
