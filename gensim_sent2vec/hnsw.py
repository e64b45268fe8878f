"""Approximate nearest neighbors in an HNSW graph (Malkov and Yashunin 2016), through usearch.

`Graph` is what `gensim_sent2vec.SentenceIndex` searches with ``method="hnsw"``. `HnswIndexer` is for the words of any
gensim model: ``model.wv.most_similar("police", indexer=HnswIndexer(model))``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ._files import container
from ._text.packed import PackedStrings
from ._util.hints import reject_unknown, with_hints
from ._util.missing import check_exists
from ._util.parameters import check_int
from ._util.rows import rows_not_finite, sampled_values, unit_rows
from ._util.threads import available_cpus

BATCH_SIZE = 1 << 14  # vectors added between two updates of the progress
CONNECTIVITY, EXPANSION_ADD = 16, 128
MAX_CONNECTIVITY, MAX_EXPANSION = 1 << 12, 1 << 20  # usearch allocates for these without need
GRAPH_OPTIONS = ("connectivity", "expansion_add", "expansion_search")
MIN_EXPANSION = 64
MAX_CANDIDATES = 1 << 22  # of all queries that are searched at once: 50 MB


def default_expansion(n: int, count: int) -> int:
    """The default of `expansion_search` for `count` results from a graph of n vectors.

    For the same recall, a search needs more candidates in a larger graph and for more results. benchmarks/search.py
    measures the recall for sentence vectors.
    """
    return max(MIN_EXPANSION, int(0.74 * n**0.4 * max(count, 10) ** 0.5))


def usearch_index() -> Any:
    """usearch's class Index; an ImportError that names the extra if usearch is not installed."""
    try:
        from usearch.index import Index
    except ImportError as error:
        raise ImportError(
            f'method="hnsw" needs usearch ({error}): pip install "gensim-sent2vec[index]", or use method="exact"'
        ) from error
    return Index


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Raise a MemoryError if usearch runs out of memory or threads, for which it raises a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if not any(part in str(error) for part in ("Out of memory", "Resource temporarily unavailable")):
            raise
        raise MemoryError(f"usearch: {error}") from error


@with_hints
class Graph:
    """An HNSW graph of vectors, each with an integer id.

    Attributes
    ----------
    index : usearch.index.Index
    expansion_search : int or None
        As in `build`. It may be changed at any time.
    mapped : bool
        Whether the graph is memory-mapped, read-only, from a file.
    """

    def __init__(
        self,
        index: Any,
        source: np.ndarray | None = None,
        expansion_search: int | None = None,
        expansion_add: int = EXPANSION_ADD,
    ) -> None:
        self.index, self._source = index, source  # usearch keeps no reference to the memory that it maps
        self.index.expansion_search = 1  # of usearch; see `_search`
        self.expansion_search, self.expansion_add = expansion_search, expansion_add

    @classmethod
    def build(
        cls,
        vectors: np.ndarray,
        connectivity: int = CONNECTIVITY,
        expansion_add: int = EXPANSION_ADD,
        expansion_search: int | None = None,
        progress: Any = None,
    ) -> Graph:
        """Build a graph of the rows of a matrix; the ids are the row numbers.

        Parameters
        ----------
        vectors : numpy.ndarray of float32 or float16, shape (n, dim)
        connectivity : int
            Neighbors per node.
        expansion_add : int
            Number of candidates examined when a vector is added. Larger values find more of the true neighbors and
            take longer.
        expansion_search : int, optional
            Number of candidates examined for a query, at least the number of results. By default it grows with the
            number of vectors and of results, as ``0.74 · n^0.4 · count^(1/2)``: for up to 10 results, 234 candidates
            in a graph of 100,000 vectors and 587 in one of a million.
        progress : callable, optional
            Called with the number of vectors added so far.

        Returns
        -------
        Graph

        Raises
        ------
        ValueError
            If an option is out of range, or a vector has NaN or infinite values.
        ImportError
            If usearch is not installed.
        """
        connectivity = check_int("connectivity", connectivity, 1, MAX_CONNECTIVITY)
        expansion_add = check_int("expansion_add", expansion_add, 1, MAX_EXPANSION)
        if expansion_search is not None:
            expansion_search = check_int("expansion_search", expansion_search, 1, MAX_EXPANSION)
        dtype = "f16" if vectors.dtype == np.float16 else "f32"
        index = usearch_index()(
            ndim=vectors.shape[1], metric="cos", dtype=dtype, connectivity=connectivity, expansion_add=expansion_add
        )
        graph = cls(index, None, expansion_search, expansion_add)
        for first in range(0, len(vectors), BATCH_SIZE):
            batch = vectors[first : first + BATCH_SIZE]
            graph.add(np.arange(first, first + len(batch)), batch)
            if progress:
                progress(first + len(batch))
        return graph

    @classmethod
    def from_bytes(
        cls,
        data: np.ndarray,
        mapped: bool,
        expansion_search: int | None = None,
        expansion_add: int = EXPANSION_ADD,
    ) -> Graph:
        """Restore a graph from the bytes of `to_bytes`.

        Parameters
        ----------
        data : numpy.ndarray of uint8
        mapped : bool
            Use the memory of `data` instead of a copy. The graph is copied before it is first changed.
        expansion_search, expansion_add : int
            As in `build`; the bytes do not include them.

        Raises
        ------
        ValueError
            If the bytes are damaged.
        """
        try:
            # The lookup table from ids to nodes, built on loading, is needed only for changes.
            options = {"view": mapped, "enable_key_lookups": not mapped}
            with _memory_errors():
                index = usearch_index().restore(memoryview(data), **options)  # type: ignore[arg-type]
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"the graph cannot be read ({error}); build the index again") from error
        return cls(index, data if mapped else None, expansion_search, expansion_add)

    def to_bytes(self) -> np.ndarray:
        """The graph, serialized as an array of uint8."""
        with _memory_errors():
            return np.frombuffer(self.index.save(), dtype=np.uint8)

    def options(self) -> dict[str, int | None]:
        """What `from_bytes` needs besides the bytes."""
        return {"expansion_search": self.expansion_search, "expansion_add": self.expansion_add}

    @property
    def mapped(self) -> bool:
        return self._source is not None

    def __len__(self) -> int:
        return len(self.index)

    def add(self, numbers: np.ndarray, vectors: np.ndarray) -> None:
        """Add vectors, shape (n, dim), with the ids `numbers`, shape (n,); a ValueError if one is not finite."""
        bad = rows_not_finite(vectors)
        if len(bad):
            raise ValueError(f"vectors: {len(bad):,} have NaN or infinite values, the first has id {numbers[bad[0]]}")
        self._copy_if_mapped()
        threads = available_cpus()
        self.index.expansion_add = self.expansion_add
        with _memory_errors():
            self.index.add(numbers, vectors, threads=threads)
            if threads > 1 and len(numbers):
                # Concurrent insertion can leave a node unreachable (https://github.com/unum-cloud/USearch/issues/735).
                unreachable = self._unreachable(numbers, vectors)
                self.index.remove(numbers[unreachable])
                self.index.add(numbers[unreachable], vectors[unreachable], threads=1)

    def _unreachable(self, numbers: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """True for vectors that a search for themselves does not find, nor an equal one."""
        self.index.expansion_search = MIN_EXPANSION
        try:
            matches: Any = self.index.search(vectors, 1, threads=available_cpus())
        finally:
            self.index.expansion_search = 1
        keys, distances = np.ravel(matches.keys), np.ravel(matches.distances)
        return (keys != numbers) & (distances > (1e-3 if vectors.dtype == np.float16 else 1e-5))

    def remove(self, numbers: np.ndarray) -> None:
        """Remove the vectors with the ids `numbers`."""
        self._copy_if_mapped()
        with _memory_errors():
            self.index.remove(numbers)

    def search(
        self, queries: np.ndarray, count: int, max_candidates: int = MAX_CANDIDATES
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Find the approximately nearest vectors.

        Parameters
        ----------
        queries : numpy.ndarray of float32, shape (n_queries, dim)
        count : int
            The maximum number of results per query.
        max_candidates : int
            Number of candidates held in memory at once, 12 bytes each.

        Returns
        -------
        list of (numpy.ndarray of int64, numpy.ndarray of float32)
            Ids and cosines for each query, best first.
        """
        count = min(count, len(self.index))
        if not count:
            return [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))] * len(queries)
        batch_size = max(1, max_candidates // self.expansion(count))
        found: list[tuple[np.ndarray, np.ndarray]] = []
        for first in range(0, len(queries), batch_size):
            found += self._search(queries[first : first + batch_size], count)
        return found

    def expansion(self, count: int) -> int:
        """The number of candidates examined for `count` results: `expansion_search` or its default, within limits."""
        wanted = self.expansion_search
        if wanted is None:
            wanted = default_expansion(len(self.index), count)
        return min(max(wanted, count), len(self.index))

    def _search(self, queries: np.ndarray, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        threads = min(len(queries), available_cpus())
        # usearch examines as many candidates as it returns, or as its attribute says. All threads share the attribute,
        # so it stays as it is: more results are requested, and cut.
        with _memory_errors():
            matches: Any = self.index.search(np.ascontiguousarray(queries), self.expansion(count), threads=threads)
        ids, distances = np.atleast_2d(matches.keys), np.atleast_2d(matches.distances)  # 1-D for a single query
        counts = np.minimum(getattr(matches, "counts", [ids.shape[1]]), count)
        return [(row[:k].astype(np.int64), 1 - far[:k]) for row, far, k in zip(ids, distances, counts)]

    def _copy_if_mapped(self) -> None:
        if self._source is not None:
            with _memory_errors():
                self.index = usearch_index().restore(memoryview(self._source))  # type: ignore[arg-type]
            self._source = None
            self.index.expansion_search = 1


@with_hints
class HnswIndexer:
    """An `indexer` for gensim's ``most_similar(…, indexer=…)``: approximate and fast, like gensim's `AnnoyIndexer`.

    Parameters
    ----------
    model : gensim model or KeyedVectors
        Word2Vec, FastText, Sent2Vec or another model of words; of Doc2Vec, the documents are indexed.
    **options
        `connectivity`, `expansion_add` and `expansion_search` of `Graph.build`.

    Notes
    -----
    The vectors must not change, for instance by training; an indexer that was not loaded from a file refuses to search
    then.

    Raises
    ------
    TypeError
        If `model` is not a gensim model.
    ValueError
        If a vector has NaN or infinite values, with its word, or an option is less than 1.
    ImportError
        If usearch is not installed.
    """

    _vectors: Any = None  # the model's; None if the indexer was loaded
    _state: tuple[int, bytes] = 0, b""

    def __init__(self, model: Any, **options: Any) -> None:
        reject_unknown(options, type(self).__name__, GRAPH_OPTIONS)
        vectors = self._vectors = _keyed_vectors(model)
        self.labels: Sequence[Any] = vectors.index_to_key
        rows = np.asarray(vectors.vectors, dtype=np.float32)
        bad = rows_not_finite(rows)
        if len(bad):
            raise ValueError(f"model: the vector of {self.labels[int(bad[0])]!r} has NaN or infinite values")
        self.graph = Graph.build(np.ascontiguousarray(unit_rows(rows)), **options)  # a row of zeros stays as it is
        self._state = _row_state(vectors)

    def most_similar(self, vector: np.ndarray, num_neighbors: int) -> list[tuple[Any, float]]:
        """Find the words nearest to a vector, shape (dim,). gensim calls this method.

        Returns
        -------
        list of (word, cosine)
            Best first.

        Raises
        ------
        ValueError
            If the vector has NaN or infinite values, or the vectors of the model changed since the indexer was built.
        """
        if self._vectors is not None and _row_state(self._vectors) != self._state:
            raise ValueError("indexer: the vectors of the model changed since it was built; build it again")
        query = np.asarray(vector, dtype=np.float32)
        if not np.isfinite(query).all():
            raise ValueError("vector: expected finite values, got NaN or infinite ones")
        ids, cosines = self.graph.search(query[None], num_neighbors)[0]
        return [(self.labels[int(i)], float(cosine)) for i, cosine in zip(ids, cosines)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the graph and the words in one file."""
        labels = PackedStrings.from_strings(str(label) for label in self.labels)
        arrays = {"graph": self.graph.to_bytes(), "labels.blob": labels.blob, "labels.offsets": labels.offsets}
        facts = {"kind": type(self).__name__, **self.graph.options()}
        container.write(path, arrays, facts)

    @classmethod
    def load(cls, path: str | os.PathLike[str], mmap: str | None = None) -> HnswIndexer:
        """Load a file that `save` wrote. Its labels are strings, whatever they were before.

        Parameters
        ----------
        path : str or path-like
        mmap : {None, 'r'}
            'r' memory-maps the file read-only, so that processes share one copy.
        """
        check_exists(path, "path", f"an indexer that {cls.__name__}.save wrote")
        arrays, facts = container.read(path, mmap=mmap)
        if facts.get("kind") != cls.__name__:
            raise ValueError(f"{os.fspath(path)!r} holds a {facts.get('kind')}, not a {cls.__name__}")
        indexer = cls.__new__(cls)
        indexer.labels = PackedStrings(arrays["labels.blob"], arrays["labels.offsets"])
        indexer.graph = Graph.from_bytes(arrays["graph"], mmap is not None, **options_in(facts))
        return indexer


def options_in(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a graph among the facts of a file. Older files have no `expansion_add`, and 64 by default."""
    return {name: facts[name] for name in ("expansion_search", "expansion_add") if name in facts}


def _row_state(vectors: Any) -> tuple[int, bytes]:
    """What differs if the rows of vectors changed, as far as can be seen at a glance."""
    return getattr(vectors, "row_version", 0), sampled_values(vectors.vectors)


def _keyed_vectors(model: Any) -> Any:
    for vectors in (getattr(model, "dv", None), getattr(model, "wv", None), model):
        if hasattr(vectors, "get_normed_vectors"):
            return vectors
    raise TypeError(f"model: expected a gensim model or KeyedVectors, got {type(model).__name__}")
