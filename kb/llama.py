"""Casebook's retrieval as a llama-index retriever, for its users' own pipelines."""

from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from kb.retrieval import Retriever
from kb.types import Lang


class CasebookRetriever(BaseRetriever):  # type: ignore[misc]
    """Casebook's retrieval for a llama-index pipeline: one node per incident, its symptom and fix as text."""

    def __init__(self, retriever: Retriever, top_k: int = 5, **kwargs: Any) -> None:
        self._retriever, self._top_k = retriever, top_k
        super().__init__(**kwargs)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._retriever.search(query_bundle.query_str)[: self._top_k]
        return [NodeWithScore(node=self._whole(hit.incident, hit.lang), score=hit.score) for hit in hits]

    def _whole(self, incident_id: str, lang: Lang) -> TextNode:
        incident = self._retriever.catalog.incidents[incident_id]
        sections = incident.sections(lang)
        text = "\n\n".join([incident.title.get(lang), sections.symptom, sections.check, sections.cause, sections.fix])
        urls = [source.url for source in incident.sources if source.url]
        return TextNode(id_=incident_id, text=text, metadata={"incident": incident_id, "lang": lang, "urls": urls})
