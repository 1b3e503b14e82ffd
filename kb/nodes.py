"""Passages as llama-index nodes in a Chroma collection: the layout its vector store reads and writes."""

from collections.abc import Sequence
from typing import Any

from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.vector_stores.chroma import ChromaVectorStore

from kb.embedding import Vectors
from kb.passages import Passage


def write_nodes(collection: Any, passages: Sequence[Passage], vectors: Vectors) -> None:
    """Write passages to a Chroma collection as llama-index nodes with vectors."""
    nodes: list[Any] = []
    for passage, vector in zip(passages, vectors, strict=True):
        node = _node(passage)
        node.embedding = vector.tolist()
        nodes.append(node)
    ChromaVectorStore(chroma_collection=collection).add(nodes)


def _node(passage: Passage) -> TextNode:
    return TextNode(
        id_=passage.id,
        text=passage.text,
        metadata={"incident": passage.incident, "lang": passage.lang, "section": passage.section},
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=passage.incident)},
    )
