"""Approximate nearest neighbours by a graph (HNSW, Malkov and Yashunin 2016), through usearch.

`Graph` is what `gensim_sent2vec.search.SentenceIndex` walks; `HnswIndexer` is for the words of any gensim model:
``model.wv.most_similar("police", indexer=HnswIndexer(model))``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._files import container
from ._text.packed import PackedStrings
from ._util.threads import available_cpus

STEP = 1 << 14  # vectors that are added between two looks at the progress


def usearch_index() -> Any:
    """usearch's Index; an ImportError that says how to get it."""
    try:
        from usearch.index import Index
    except ImportError as error:
        raise ImportError(
            f'method="hnsw" needs usearch ({error}): pip install "gensim-sent2vec[index]", or use method="exact"'
        ) from error
    return Index


class Graph:
    """A graph of numbered vectors.

    Attributes
    ----------
    index : usearch.index.Index
    mapped : bool
        Whether it lies in a file, and is only read.
    """

    def __init__(self, index: Any, source: np.ndarray | None = None) -> None:
        self.index, self._source = index, source  # usearch does not hold on to what it reads from

    @classmethod
    def build(
        cls,
        vectors: np.ndarray,
        connectivity: int = 16,
        expansion_add: int = 128,
        expansion_search: int = 64,
        progress: Any = None,
    ) -> Graph:
        """A graph of the rows of a matrix, numbered from 0.

        Parameters
        ----------
        vectors : numpy.ndarray of float32 or float16, shape (n, dim)
        connectivity : int
            Neighbours a node.
        expansion_add, expansion_search : int
            Candidates that are followed for a new vector, and for a query: greater is slower and finds more.
        progress : callable, optional
            Called with the number of vectors added.
        """
        for name, value in (
            ("connectivity", connectivity), ("expansion_add", expansion_add), ("expansion_search", expansion_search),
        ):  # fmt: skip
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        index = usearch_index()(
            ndim=vectors.shape[1],
            metric="cos",
            dtype="f16" if vectors.dtype == np.float16 else "f32",
            connectivity=connectivity,
            expansion_add=expansion_add,
            expansion_search=expansion_search,
        )
        graph = cls(index)
        for first in range(0, len(vectors), STEP):
            part = vectors[first : first + STEP]
            graph.add(np.arange(first, first + len(part)), part)
            if progress:
                progress(first + len(part))
        return graph

    @classmethod
    def from_bytes(cls, data: np.ndarray, mapped: bool, expansion_search: int = 64) -> Graph:
        """A graph from the bytes that `to_bytes` gave, where they are (`mapped`) or read in."""
        try:
            # A table of numbers, made on loading, is for changes only.
            options = {"view": mapped, "enable_key_lookups": not mapped}
            index = usearch_index().restore(memoryview(data), **options)  # type: ignore[arg-type]
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"the graph cannot be read ({error}); build the index again") from error
        index.expansion_search = expansion_search
        return cls(index, data if mapped else None)

    def to_bytes(self) -> np.ndarray:
        """The graph as an array of uint8."""
        return np.frombuffer(self.index.save(), dtype=np.uint8)

    @property
    def mapped(self) -> bool:
        return self._source is not None

    def __len__(self) -> int:
        return len(self.index)

    def add(self, numbers: np.ndarray, vectors: np.ndarray) -> None:
        """Take in vectors (n, dim) under the given numbers."""
        self._own()
        threads = available_cpus()
        self.index.add(numbers, vectors, threads=threads)
        if threads > 1 and len(numbers):
            # Threads can leave a vector where no way leads (https://github.com/unum-cloud/USearch/issues/735).
            stray = self._not_found(numbers, vectors)
            self.index.remove(numbers[stray])
            self.index.add(numbers[stray], vectors[stray], threads=1)

    def _not_found(self, numbers: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """Which vectors (bool) a search for them finds neither themselves nor one like them."""
        matches: Any = self.index.search(vectors, 1, threads=available_cpus())
        keys, distances = np.ravel(matches.keys), np.ravel(matches.distances)
        return (keys != numbers) & (distances > (1e-3 if vectors.dtype == np.float16 else 1e-5))

    def remove(self, numbers: np.ndarray) -> None:
        """Forget the vectors of these numbers."""
        self._own()
        self.index.remove(numbers)

    def search(self, queries: np.ndarray, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """The numbers of about the nearest `count` vectors to each query (n_queries, dim), and their cosines."""
        count = min(count, len(self.index))
        if not count:
            return [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))] * len(queries)
        threads = min(len(queries), available_cpus())
        matches: Any = self.index.search(np.ascontiguousarray(queries), count, threads=threads)
        numbers, distances = np.atleast_2d(matches.keys), np.atleast_2d(matches.distances)  # of one query they are flat
        counts = getattr(matches, "counts", [numbers.shape[1]])
        return [(row[:k].astype(np.int64), 1 - far[:k]) for row, far, k in zip(numbers, distances, counts)]

    def _own(self) -> None:
        """Before a change: a graph in memory of what was mapped."""
        if self._source is not None:
            expansion = self.index.expansion_search
            self.index, self._source = usearch_index().restore(memoryview(self._source)), None  # type: ignore[arg-type]
            self.index.expansion_search = expansion


class HnswIndexer:
    """Makes gensim's ``most_similar(…, indexer=…)`` approximate and fast, as its own `AnnoyIndexer` does.

    Parameters
    ----------
    model : gensim model or KeyedVectors
        Anything with words or documents by number: Word2Vec, FastText, Sent2Vec, Doc2Vec (its documents).
    **options
        `connectivity`, `expansion_add` and `expansion_search` of `Graph.build`.
    """

    def __init__(self, model: Any, **options: Any) -> None:
        vectors = _keyed_vectors(model)
        self.labels: Sequence[Any] = vectors.index_to_key
        self.graph = Graph.build(np.ascontiguousarray(vectors.get_normed_vectors(), dtype=np.float32), **options)

    def most_similar(self, vector: np.ndarray, num_neighbors: int) -> list[tuple[Any, float]]:
        """The nearest words to a vector (dim,) and their cosines, best first; what gensim calls."""
        numbers, cosines = self.graph.search(np.asarray(vector, dtype=np.float32)[None], num_neighbors)[0]
        return [(self.labels[int(i)], float(cosine)) for i, cosine in zip(numbers, cosines)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save graph and labels in one file."""
        labels = PackedStrings.from_strings(str(label) for label in self.labels)
        arrays = {"graph": self.graph.to_bytes(), "labels.blob": labels.blob, "labels.offsets": labels.offsets}
        container.write(
            path, arrays, {"kind": type(self).__name__, "expansion_search": self.graph.index.expansion_search}
        )

    @classmethod
    def load(cls, path: str | os.PathLike[str], mmap: str | None = None) -> HnswIndexer:
        """Load what `save` wrote; with mmap='r' processes share it. Labels are strings."""
        arrays, facts = container.read(path, mmap=mmap)
        if facts.get("kind") != cls.__name__:
            raise ValueError(f"{os.fspath(path)!r} holds a {facts.get('kind')}, not a {cls.__name__}")
        indexer = cls.__new__(cls)
        indexer.labels = PackedStrings(arrays["labels.blob"], arrays["labels.offsets"])
        indexer.graph = Graph.from_bytes(arrays["graph"], mmap is not None, facts["expansion_search"])
        return indexer


def _keyed_vectors(model: Any) -> Any:
    for vectors in (getattr(model, "dv", None), getattr(model, "wv", None), model):
        if hasattr(vectors, "get_normed_vectors"):
            return vectors
    raise TypeError(f"model: a gensim model or KeyedVectors is expected, got a {type(model).__name__}")
