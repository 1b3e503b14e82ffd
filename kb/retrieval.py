"""From a query to incidents: dense and lexical scores per incident, fused with weights by language."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kb import generations
from kb.embedding import Embedder
from kb.errors import IndexMismatch, UnavailableError
from kb.generations import Manifest
from kb.index import Catalog, open_store
from kb.lexical import LexicalIndex, query_terms
from kb.signatures import SignatureHit, SignatureIndex
from kb.store import Store
from kb.tokens import has_chinese
from kb.translate import to_english
from kb.types import LANGS, Lang

DENSE_K = 60  # passages asked of each collection
# Weight of the dense part beside the lexical one, for either language of the query: with the glossary on both sides
# equal weights are best in Chinese too; without it, equal weights hurt Chinese (evals/LOG.md).
DENSE_WEIGHT = 0.5
MAX_QUERY_TERMS = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """An incident found, with the parts of its score.

    `dense` is the cosine of its nearest passage (0 where none was among the nearest), `lexical` its BM25 score
    divided by the query's best, `coverage` the same divided by what matching every query term would give,
    `score` the weighted sum of dense and lexical; all in [0, 1].
    """

    incident: str
    lang: Lang
    score: float
    dense: float
    lexical: float
    coverage: float


class Retriever:
    """Reads the current generation; a newer one is picked up at the next request. Not for threads at once."""

    def __init__(self, root: Path, embedder: Embedder, server: str | None = None) -> None:
        """Raises UnavailableError where there is no index, IndexMismatch where another model made it."""
        self._root, self._embedder, self._server = root, embedder, server
        self._folder: Path | None = None
        self._store: Store | None = None
        self.refresh()

    catalog: Catalog
    manifest: Manifest
    _lexical: Mapping[Lang, LexicalIndex]
    _signatures: SignatureIndex

    def refresh(self) -> None:
        """Open the generation that the pointer names, if it is not the one open."""
        folder = generations.current(self._root)
        if folder is not None and folder == self._folder:
            return
        if folder is None:
            raise UnavailableError(f"index {self._root}: there is none; run casebook index")
        manifest = generations.read_manifest(folder)
        if manifest.model_fingerprint != self._embedder.fingerprint:
            raise IndexMismatch(
                f"index {self._root}: made by {manifest.model}, not {self._embedder.name}; run casebook index --rebuild"
            )
        self._open(folder, manifest)

    def _open(self, folder: Path, manifest: Manifest) -> None:
        if self._store is not None:
            self._store.close()
        try:
            self.catalog = Catalog.model_validate_json((folder / "catalog.json").read_bytes())
            self._lexical = {lang: LexicalIndex.load(folder / f"lexical-{lang}") for lang in LANGS}
        except (OSError, ValueError) as error:
            raise UnavailableError(f"index {folder}: damaged; run casebook index --rebuild") from error
        self._store = open_store(folder, self._server)
        self._signatures = SignatureIndex(i for i in self.catalog.incidents.values() if i.status != "retired")
        self._folder, self.manifest = folder, manifest

    def search(self, query: str, words: str | None = None) -> list[Hit]:
        """All incidents that the query touches, best first. An empty query finds nothing.

        `words`: a longer text for the lexical part, where there is one; `query` alone is embedded.
        """
        self.refresh()
        if not query.strip():
            return []
        lang: Lang = "zh" if has_chinese(query) else "en"
        dense = self._dense(query)
        lexical, coverage = self._lexical_scores(words or query)
        hits = []
        for i in dense.keys() | lexical.keys():
            d, x = dense.get(i, 0.0), lexical.get(i, 0.0)
            hits.append(Hit(i, lang, DENSE_WEIGHT * d + (1 - DENSE_WEIGHT) * x, d, x, coverage.get(i, 0.0)))
        return sorted(hits, key=lambda hit: (-hit.score, hit.incident))

    def find_signatures(self, lines: Sequence[str]) -> list[SignatureHit]:
        """The error signatures of incidents on the lines of a paste."""
        self.refresh()
        return self._signatures.find(lines)

    def _dense(self, query: str) -> dict[str, float]:
        text = query if self._embedder.reads_chinese else to_english(query)
        if not text.strip() or self._store is None:
            return {}
        vector = self._embedder.embed([text], "query")[0]
        return _best(
            (passage.split(":", 1)[0], max(similarity, 0.0))
            for lang in LANGS
            for passage, similarity in self._store.query(lang, vector, DENSE_K)
        )

    def _lexical_scores(self, query: str) -> tuple[dict[str, float], dict[str, float]]:
        """Shares of the best score, and of the ideal score.

        The scores of both languages add up: a question in one language with error lines in the other finds both. An
        incident in one language only counts it twice.
        """
        totals: dict[str, float] = {}
        ideal = 0.0
        for lang in LANGS:
            terms = query_terms(query, lang)[:MAX_QUERY_TERMS]
            ideal += self._lexical[lang].ideal(terms)
            for incident, score in self._lexical[lang].scores(terms).items():
                languages = len(self.catalog.incidents[incident].text)
                totals[incident] = totals.get(incident, 0.0) + score * len(LANGS) / languages
        top = max(totals.values(), default=0.0)
        shares = {incident: score / top for incident, score in totals.items()}
        return shares, {incident: min(score / ideal, 1.0) for incident, score in totals.items()}

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()
            self._store, self._folder = None, None


def _best(scores: Iterable[tuple[str, float]]) -> dict[str, float]:
    best: dict[str, float] = {}
    for incident, score in scores:
        best[incident] = max(score, best.get(incident, 0.0))
    return best
