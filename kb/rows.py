"""A table of terms × incidents that holds little: for each term its row of incidents, with a number for each."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
_ARRAYS = ("terms", "starts", "columns", "values")


@dataclass(frozen=True)
class TermRows:
    """Row r, of `terms[r]`: incidents `ids[columns[i]]` with `values[i]`, i from `starts[r]` up to `starts[r + 1]`.

    `terms` are sorted bytes in UTF-8, as `encoded` makes them: found by bisection, in a file not read as a whole.
    """

    ids: Sequence[str]
    terms: Array
    starts: Array
    columns: Array
    values: Array

    def rows(self, terms: Sequence[str]) -> list[int]:
        """The rows of the terms that have one, in the order given."""
        if not len(self.terms) or not len(terms):
            return []
        wanted = encoded(terms)
        places = np.minimum(np.searchsorted(self.terms, wanted), len(self.terms) - 1)
        return [int(place) for place in places[self.terms[places] == wanted]]

    def holders(self) -> Array:
        """How many incidents each term has, row by row."""
        return np.diff(self.starts)

    def sums(self, rows: Iterable[int], scale: Array | None = None) -> Array:
        """The values of some rows added up, one sum an incident; each row times its `scale` where there is one."""
        sums = np.zeros(len(self.ids), np.float64)
        for row in rows:
            part = slice(self.starts[row], self.starts[row + 1])
            values = self.values[part].astype(np.float32)
            sums[self.columns[part]] += values if scale is None else values * scale[row]
        return sums

    def named(self, sums: Array) -> dict[str, float]:
        """Incident id → its sum; only those that are not 0."""
        return {self.ids[number]: float(sums[number]) for number in np.flatnonzero(sums).tolist()}

    def save(self, folder: Path) -> None:
        """Write the table into a new folder."""
        folder.mkdir(parents=True)
        (folder / "ids.json").write_text(json.dumps(list(self.ids)), encoding="utf-8")
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> "TermRows":
        """Open a table that `save` wrote; rows are read from disk when used. Raises OSError, ValueError."""
        ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
        arrays = [np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _ARRAYS]
        return cls(ids, *arrays)


def encoded(terms: Iterable[str]) -> Array:
    """Terms as an array of bytes; their order as bytes is that of their characters."""
    return np.array([term.encode() for term in terms], np.bytes_)
