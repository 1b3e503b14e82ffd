"""Retrieval baselines over the same incidents, as rank functions: llama-index's default, BM25, and our own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import PrivateAttr

from kb.embedding import Embedder
from kb.lexical import LexicalIndex
from kb.retrieval import Retriever
from kb.tokens import lexical_tokens
from kb.types import LANGS, Incident
from kb.writeups import write_incident

Rank = Callable[[str], Sequence[str]]  # query → incident ids, best first
TOP = 10
RRF_K = 60


class _Embedding(BaseEmbedding):  # type: ignore[misc]
    """The same embedding model for the baseline as for ours, behind llama-index's interface."""

    _embedder: Embedder = PrivateAttr()

    def __init__(self, embedder: Embedder, **kwargs: Any) -> None:
        super().__init__(model_name=embedder.name, **kwargs)
        self._embedder = embedder

    def _get_query_embedding(self, query: str) -> list[float]:
        return list(self._embedder.embed([query], "query")[0].tolist())

    def _get_text_embedding(self, text: str) -> list[float]:
        return list(self._embedder.embed([text], "passage")[0].tolist())

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return [list(row) for row in self._embedder.embed(texts, "passage").tolist()]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def llama_index_default(incidents: Mapping[str, Incident], embedder: Embedder) -> Rank:
    """VectorStoreIndex with its defaults (1,024-token chunks, cosine) over the incident files as they are."""
    documents = [Document(text=write_incident(i), id_=i.id) for i in incidents.values()]
    index = VectorStoreIndex.from_documents(documents, embed_model=_Embedding(embedder))
    retriever = index.as_retriever(similarity_top_k=TOP * 4)

    def rank(query: str) -> Sequence[str]:
        return list(dict.fromkeys(str(node.node.ref_doc_id) for node in retriever.retrieve(query)))[:TOP]

    return rank


def bm25(incidents: Mapping[str, Incident]) -> Rank:
    """BM25 with our tokens over both languages' indexes, no glossary: the better score of an incident counts."""
    indexes = [LexicalIndex.build(list(incidents.values()), lang) for lang in LANGS]

    def rank(query: str) -> Sequence[str]:
        best: dict[str, float] = {}
        for index in indexes:
            for name, score in index.scores(lexical_tokens(query)).items():
                best[name] = max(score, best.get(name, 0.0))
        return sorted(best, key=lambda name: -best[name])[:TOP]

    return rank


def fused(*ranks: Rank) -> Rank:
    """Reciprocal rank fusion of other rankings, 1 / (60 + rank) summed (Cormack, Clarke and Buettcher, 2009)."""

    def rank(query: str) -> Sequence[str]:
        scores: dict[str, float] = {}
        for one in ranks:
            for place, name in enumerate(one(query), start=1):
                scores[name] = scores.get(name, 0.0) + 1 / (RRF_K + place)
        return sorted(scores, key=lambda name: -scores[name])[:TOP]

    return rank


def ours(retriever: Retriever) -> Rank:
    """Casebook's hybrid retrieval, before evidence, signatures and checks."""
    return lambda query: [hit.incident for hit in retriever.search(query)[:TOP]]
