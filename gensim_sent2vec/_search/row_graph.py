"""The HNSW graph of an index, searched and changed by row."""

from __future__ import annotations

import numpy as np

from ..hnsw import Graph


class RowGraph:
    """A graph whose nodes are the rows of a matrix.

    Nodes keep their ids for good, while rows move up when rows before them are removed: `ids` maps one to the other.

    Parameters
    ----------
    graph : Graph
    ids : numpy.ndarray of int64, shape (n,)
        The node of each row, ascending.
    """

    def __init__(self, graph: Graph, ids: np.ndarray) -> None:
        self.graph, self.ids = graph, ids

    def search(self, queries: np.ndarray, count: int) -> list[np.ndarray]:
        """The approximately nearest `count` rows (int64) to each query, shape (n_queries, dim)."""
        return [np.searchsorted(self.ids, ids) for ids, _ in self.graph.search(queries, count)]

    def add(self, vectors: np.ndarray) -> None:
        """Append rows, shape (n, dim)."""
        first = int(self.ids[-1]) + 1 if len(self.ids) else 0
        new_ids = np.arange(first, first + len(vectors))
        self.graph.add(new_ids, vectors)
        self.ids = np.concatenate([self.ids, new_ids])

    def remove(self, removed: np.ndarray) -> None:
        """Remove rows: those that are True in `removed`, shape (n,)."""
        self.graph.remove(self.ids[removed])
        self.ids = self.ids[~removed]
