"""From a query to incidents: dense and lexical scores per incident, fused with weights by language."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kb import generations
from kb.catalog import Catalog
from kb.embedding import Embedder
from kb.errors import IndexMismatch, UnavailableError
from kb.generations import Manifest
from kb.index import CATALOG, LEARNED, SYMPTOMS, WHOLE, open_store
from kb.learned import LearnedTerms
from kb.lexical import LexicalIndex, query_terms
from kb.passages import ASKED, SYMPTOM
from kb.signatures import SignatureHit, SignatureIndex
from kb.store import Store
from kb.terms import Held, TermTable, spoken_terms
from kb.tokens import has_chinese
from kb.translate import to_english
from kb.types import LANGS, Lang

DENSE_K = 300  # passages asked of each collection
# Weight of the dense part beside the lexical one, for either language of the query: with the glossary on both sides
# equal weights are best in Chinese too; without it, equal weights hurt Chinese (evals/LOG.md).
DENSE_WEIGHT = 0.5
MAX_QUERY_TERMS = 200
# Added to what a question's best score and its words' rarity are compared with: a lead on two or three words is no
# lead. About a term or two; chosen on development questions of few words (evals/LOG.md). What has been asked of an
# incident is itself of few words, and lies near any question of the same few: that is damped more.
LITTLE_SCORE, LITTLE_RARITY, LITTLE_ASKED = 10.0, 8.0, 20.0


@dataclass(frozen=True, slots=True)
class Hit:
    """An incident found, with the parts of its score.

    `dense` is the cosine of its nearest symptom passage and `asked` that of the nearest question that people have
    asked for it, damped (at most the last cosine that the store returned, where none of its passages was among the
    nearest), `lexical` its BM25 score as a share of the query's best,
    `told` the share of the person's words that its symptom tells, too (both lower where the query says little),
    `learned` how much the query's terms speak for it and against the others (LearnedTerms),
    `score` the weighted sum of lexical and the nearer one of symptom and question; all in [0, 1].
    """

    incident: str
    lang: Lang
    score: float
    dense: float
    asked: float
    lexical: float
    told: float
    learned: float


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
    _languages: Mapping[str, int]
    _lexical: Mapping[Lang, LexicalIndex]
    _symptoms: TermTable
    _whole: TermTable
    _learned: LearnedTerms
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
        self._store = open_store(folder, self._server)
        self._store.warm()
        try:
            self.catalog = Catalog(folder / CATALOG)
            self._lexical = {lang: LexicalIndex.load(folder / f"lexical-{lang}") for lang in LANGS}
            self._symptoms = TermTable.load(folder / SYMPTOMS)
            self._whole = TermTable.load(folder / WHOLE)
            self._learned = LearnedTerms.load(folder / LEARNED)
        except (OSError, ValueError) as error:
            raise UnavailableError(f"index {folder}: damaged; run casebook index --rebuild") from error
        self._languages = {o.id: o.languages for o in self.catalog.outlines}
        self._signatures = SignatureIndex((o.id, o.signatures) for o in self.catalog.outlines if not o.retired)
        self._folder, self.manifest = folder, manifest

    def search(self, query: str, words: str | None = None, told: str = "") -> list[Hit]:
        """All incidents that the query touches, best first. An empty query finds nothing.

        `words`: a longer text for the lexical part, where there is one; `query` alone is embedded. `told`: what the
        person says, without what programs print.
        """
        self.refresh()
        if not query.strip():
            return []
        lang: Lang = "zh" if has_chinese(query) else "en"
        sections, floor = self._dense(query)
        dense, asked, said = sections.get(SYMPTOM, {}), sections.get(ASKED, {}), self.said(words or query)
        lexical, shares = self._lexical_scores(words or query), self._told(told)
        learned = self._learned.scores(spoken_terms(words or query))
        hits = []
        for i in dense.keys() | asked.keys() | lexical.keys() | shares.keys():
            d, a, x = dense.get(i, floor), asked.get(i, floor), lexical.get(i, 0.0)
            score = DENSE_WEIGHT * max(d, a) + (1 - DENSE_WEIGHT) * x
            hits.append(Hit(i, lang, score, d, said * a, x, shares.get(i, 0.0), learned.get(i, 0.0)))
        return sorted(hits, key=lambda hit: (-hit.score, hit.incident))

    def held(self, terms: Iterable[str]) -> Held:
        """How much some terms weigh by rarity, and how much of that each incident holds."""
        wanted = {*terms}
        return self._whole.weight(wanted), self._whole.held(wanted)

    def said(self, text: str) -> float:
        """How much a question says, in [0, 1): the rarity of its terms beside LITTLE_ASKED."""
        whole = self._symptoms.weight(spoken_terms(text))
        return whole / (whole + LITTLE_ASKED)

    def speaks(self, text: str) -> dict[str, float]:
        """What a sentence's terms say to the base: whether they decide for an incident (`learned`) and how much of
        them one symptom holds (`held`, and as a share `told`), their rarity among symptoms (`weight`) and in the whole
        base (`whole`), and their number.
        """
        terms = spoken_terms(text)
        weight = self._symptoms.weight(terms)
        held = max(self._symptoms.held(terms).values(), default=0.0)
        return {
            "learned": max(self._learned.scores(terms).values(), default=0.0),
            "weight": weight,
            "held": held,
            "told": held / (weight + LITTLE_RARITY),
            "whole": self._whole.weight(terms),
            "terms": float(len(terms)),
        }

    def find_signatures(self, lines: Sequence[str]) -> list[SignatureHit]:
        """The error signatures of incidents on the lines of a paste."""
        self.refresh()
        return self._signatures.find(lines)

    def _dense(self, query: str) -> tuple[dict[str, dict[str, float]], float]:
        """Section → the nearest passage of each incident there; and what no other passage reaches."""
        text = query if self._embedder.reads_chinese else to_english(query)
        if not text.strip() or self._store is None:
            return {}, 0.0
        vector = self._embedder.embed([text], "query")[0]
        found = self._store.nearest(vector, DENSE_K).values()
        nearest: dict[str, dict[str, float]] = {}
        for passage, similarity in (near for part in found for near in part):
            incident, _, section, _ = passage.split(":")
            scores = nearest.setdefault(section, {})
            scores[incident] = max(similarity, scores.get(incident, 0.0))
        return nearest, max((part[-1][1] for part in found if len(part) == DENSE_K), default=0.0)

    def _lexical_scores(self, query: str) -> dict[str, float]:
        """Shares of the best score, lower where the best is low itself.

        The scores of both languages add up: a question in one language with error lines in the other finds both. An
        incident in one language only counts it twice.
        """
        totals: dict[str, float] = {}
        for lang in LANGS:
            terms = query_terms(query, lang)[:MAX_QUERY_TERMS]
            for incident, score in self._lexical[lang].scores(terms).items():
                totals[incident] = totals.get(incident, 0.0) + score * len(LANGS) / self._languages[incident]
        top = max(totals.values(), default=0.0)
        return {incident: score / (top + LITTLE_SCORE) for incident, score in totals.items()}

    def _told(self, text: str) -> dict[str, float]:
        """The share of the words, by rarity, that each incident's symptom holds."""
        terms = spoken_terms(text)
        whole = self._symptoms.weight(terms)
        held = self._symptoms.held(terms)
        return {incident: part / (whole + LITTLE_RARITY) for incident, part in held.items()}

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()
            self._store, self._folder = None, None
