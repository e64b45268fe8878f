"""Search for the nearest sentences: by cosine similarity, by shared character n-grams, or by both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ._search.building import as_text, check_build_arguments, check_sentence_list, embed
from ._search.files import read_index, write_index
from ._search.keys import Key, Keys, join_keys, keys_at, pack_keys, rows_with_key
from ._search.queries import Query, Where, encode_queries, row_mask, texts_of
from ._search.ranking import rank_all, rank_candidates
from ._search.row_graph import RowGraph
from ._search.scoring import Hits, check_hybrid, mix
from ._search.top_k import MAX_QUERIES
from ._text.packed import PackedStrings
from ._util.progress import Progress
from .hnsw import Graph
from .keyedvectors import Sent2VecKeyedVectors, Sentence
from .lexical import LexicalScores

Results = list[tuple[Any, float]]

MAX_LEXICAL_SCORES = 1 << 26  # held in memory at once: 256 MB


class SentenceIndex:
    """Sentences and their vectors, to be searched for those nearest to a query.

    Create an index with `build` or `load`. Any number of threads may search it at the same time, as long as no thread
    changes it (`add`, `remove`).

    A result is a key and a score. By default the key is the sentence itself; other keys, such as the answer to a
    question, are strings or integers and need not be unique. The score is the cosine similarity of the vectors; with
    `hybrid` it is ``(1 - hybrid) · cosine + hybrid · lexical``, where `lexical` is the score of
    `gensim_sent2vec.lexical.LexicalScores`. A query without known words has cosine 0 with every sentence.

    Attributes
    ----------
    wv : Sent2VecKeyedVectors
        Encodes sentences and queries.
    vectors : numpy.ndarray of float32 or float16, shape (n, dim)
        Unit vectors; all zeros for sentences without known words.
    sentences : sequence of str
        Sentences that were passed as tokens are joined by spaces.
    keys : sequence of str, or numpy.ndarray of int64
        One per row; the same as `sentences` if no keys were passed.
    method : str
        "exact" or "hnsw".
    """

    def __init__(
        self,
        wv: Sent2VecKeyedVectors,
        vectors: np.ndarray,
        sentences: PackedStrings,
        keys: Keys | None = None,
        graph: Graph | None = None,
        numbers: np.ndarray | None = None,
        lexical: LexicalScores | None = None,
    ) -> None:
        self.wv, self.vectors, self.sentences = wv, vectors, sentences
        self._keys, self._lexical = keys, lexical
        self._graph: RowGraph | None = None
        if graph is not None:
            self._graph = RowGraph(graph, np.arange(len(vectors)) if numbers is None else numbers)

    @classmethod
    def build(
        cls,
        wv: Sent2VecKeyedVectors,
        sentences: Iterable[Sentence],
        keys: Iterable[Key] | None = None,
        method: str = "exact",
        dtype: Any = np.float32,
        lexical: bool = False,
        workers: int | None = None,
        show_progress_bar: bool | None = None,
        **options: int,
    ) -> SentenceIndex:
        """Encode sentences and build an index of them.

        Parameters
        ----------
        wv : Sent2VecKeyedVectors
            For other gensim vectors see `Sent2VecKeyedVectors.from_keyed_vectors`.
        sentences : iterable of str or of sequences of str
            Read once, so a generator is fine.
        keys : iterable of str or of int, optional
            What a search returns, one per sentence; by default the sentence itself.
        method : {"exact", "hnsw"}
            "exact" computes all cosines. "hnsw" searches a graph (extra ``[index]``): nearly the same results, much
            faster if there are many sentences, but slower to build and larger.
        dtype : numpy.float32 or numpy.float16
            float16 halves the memory; cosines change by less than 0.001.
        lexical : bool
            Compute what lexical scores need now, so that it is saved with the index; by default the first hybrid
            search does. Use it for an index that several processes will load.
        workers : int, optional
            Number of threads that encode; by default all CPUs.
        show_progress_bar : bool, optional
            By default, a bar is shown on a terminal if the work takes more than two seconds.
        **options
            For "hnsw": `connectivity`, `expansion_add` and `expansion_search`, see `gensim_sent2vec.hnsw.Graph.build`.

        Returns
        -------
        SentenceIndex

        Raises
        ------
        ValueError
            If there are more or fewer keys than sentences, or an argument has an invalid value.
        TypeError
            If keys are neither all strings nor all integers, or an argument is of the wrong type.
        ImportError
            If `method` is "hnsw" and usearch is not installed.
        """
        check_build_arguments(wv, sentences, method, dtype, options)
        vectors, texts = embed(wv, sentences, dtype, workers, show_progress_bar)
        packed_keys = None if keys is None else pack_keys(keys, len(texts))
        graph = None
        if method == "hnsw":
            with Progress("hnsw", len(vectors), "sentences", show_progress_bar) as progress:
                graph = Graph.build(vectors, **options, progress=progress.update)
        return cls(wv, vectors, texts, packed_keys, graph, lexical=LexicalScores.fit(texts) if lexical else None)

    # -------------------------------------------------------------------------------------------------
    # Contents

    @property
    def keys(self) -> Any:
        return self.sentences if self._keys is None else self._keys

    @property
    def method(self) -> str:
        return "exact" if self._graph is None else "hnsw"

    @property
    def has_lexical(self) -> bool:
        """Whether `lexical` has been fitted already."""
        return self._lexical is not None

    @property
    def lexical(self) -> LexicalScores:
        """The lexical scores of the sentences, fitted on first use."""
        if self._lexical is None:
            self._lexical = LexicalScores.fit(self.sentences)
        return self._lexical

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"<SentenceIndex of {len(self)} sentences, {self.method}, {self.vectors.dtype}>"

    # -------------------------------------------------------------------------------------------------
    # Searching

    def most_similar(
        self,
        query: Query | None = None,
        topn: int = 10,
        hybrid: float = 0.0,
        where: Where | None = None,
        positive: Sequence[Query] = (),
        negative: Sequence[Query] = (),
    ) -> Results:
        """Find the sentences most similar to a query.

        Parameters
        ----------
        query : str, sequence of str, or numpy.ndarray of float32, shape (dim,)
            A text, its tokens, or a vector.
        topn : int
            The maximum number of results.
        hybrid : float
            Share of the lexical score, from 0 (cosine only) to 1 (lexical only); 0.5 works well for questions.
        where : numpy.ndarray of bool, shape (n,), or callable, optional
            A filter: True for rows that may be returned, or a function that maps a key to True. The function is
            called for every key; if that is too slow, compute the array once. Filtered searches are always exact.
        positive, negative : sequence of queries
            Instead of `query`: search for the sum of the unit vectors of `positive` minus those of `negative`, like
            gensim's `most_similar` ("a is to b as c is to …": positive=[b, c], negative=[a]). The sentences that are
            passed are excluded from the results.

        Returns
        -------
        list of (key, float)
            Best first; ties keep row order.

        Raises
        ------
        TypeError, ValueError
            If a query is invalid or an argument is out of range.
        """
        if query is not None and not len(positive) and not len(negative):
            return self._with_keys(self.search_rows([query], topn, hybrid, where)[0])
        if query is not None or (not len(positive) and not len(negative)):
            raise ValueError("query: pass either a query, or positive= and negative= sentences")
        if isinstance(positive, str) or isinstance(negative, str):
            raise TypeError("positive, negative: expected lists of sentences, got a string")
        if hybrid:
            raise ValueError("hybrid: must be 0 with positive= and negative=: a sum of vectors has no lexical score")
        return self._analogy(positive, negative, topn, where)

    def _analogy(self, positive: Sequence[Query], negative: Sequence[Query], topn: int, where: Where | None) -> Results:
        terms = [*positive, *negative]
        signs = np.array([1] * len(positive) + [-1] * len(negative), dtype=np.float32)
        total = signs @ encode_queries(self.wv, terms, self.vectors.shape[1])
        mask = row_mask(where, self.keys)
        mask = np.ones(len(self), dtype=bool) if mask is None else mask.copy()
        for term in terms:
            if not isinstance(term, np.ndarray):
                mask[self.sentences.rows(as_text(term))] = False
        return self._with_keys(self.search_rows([total], topn, where=mask)[0])

    def most_similar_batch(
        self, queries: Sequence[Query], topn: int = 10, hybrid: float = 0.0, where: Where | None = None
    ) -> list[Results]:
        """`most_similar` for many queries, several times faster than one call per query.

        It is a separate method because `most_similar` takes a list of strings as the tokens of one query.

        Parameters
        ----------
        queries : sequence of queries, or numpy.ndarray of float32, shape (n_queries, dim)
            The rows of an array are query vectors.
        topn, hybrid, where
            As in `most_similar`.

        Returns
        -------
        list of list of (key, float)
            The results for each query.
        """
        if isinstance(queries, str):
            raise TypeError("queries: expected a list of queries, got a string; use most_similar for a single query")
        return [self._with_keys(hits) for hits in self.search_rows(queries, topn, hybrid, where)]

    def find(
        self,
        queries: Sequence[Query],
        topn: int = 10,
        hybrid: float = 0.0,
        where: Where | None = None,
        vectors: np.ndarray | None = None,
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """`most_similar_batch` with row numbers instead of keys.

        Parameters
        ----------
        queries, topn, hybrid, where, vectors
            As in `search_rows`.

        Returns
        -------
        list of (numpy.ndarray of int64, numpy.ndarray of float32)
            Rows and scores for each query, best first.
        """
        return [(hits.rows, hits.scores) for hits in self.search_rows(queries, topn, hybrid, where, vectors)]

    def search_rows(
        self,
        queries: Sequence[Query],
        topn: int = 10,
        hybrid: float = 0.0,
        where: Where | None = None,
        vectors: np.ndarray | None = None,
        batch_size: int | None = None,
    ) -> list[Hits]:
        """The search behind all others: row numbers, scores, and the cosines and lexical scores they are made of.

        Parameters
        ----------
        queries, topn, hybrid, where
            As in `most_similar_batch`.
        vectors : numpy.ndarray of float32, shape (n_queries, dim), optional
            The unit vectors of the queries, if they have been computed already.
        batch_size : int, optional
            Number of queries that are searched together; by default at most 1024, and with `hybrid` as many as keep
            the lexical scores within 256 MB.

        Returns
        -------
        list of Hits
            One per query, with `rows`, `scores`, `cosines` and `lexical`.
        """
        if topn < 1:
            raise ValueError(f"topn: must be at least 1, got {topn}")
        check_hybrid(hybrid)
        mask = row_mask(where, self.keys)
        if batch_size is None:
            batch_size = min(MAX_QUERIES, max(1, MAX_LEXICAL_SCORES // max(1, len(self)))) if hybrid else MAX_QUERIES
        found: list[Hits] = []
        for first in range(0, len(queries), batch_size):
            batch = slice(first, first + batch_size)
            found += self._search(queries[batch], topn, hybrid, mask, None if vectors is None else vectors[batch])
        return found

    def _search(
        self, queries: Sequence[Query], topn: int, hybrid: float, mask: np.ndarray | None, vectors: np.ndarray | None
    ) -> list[Hits]:
        if vectors is None:
            vectors = encode_queries(self.wv, queries, self.vectors.shape[1])
        lexical = np.stack([self.lexical.scores(text) for text in texts_of(queries)]) if hybrid else None
        if self._graph is not None and mask is None:
            return rank_candidates(self._graph, self.vectors, vectors, topn, hybrid, lexical)
        return rank_all(self.vectors, vectors, topn, hybrid, lexical, mask)

    def score_rows(self, queries: Sequence[Query], rows: np.ndarray, hybrid: float = 0.0) -> np.ndarray:
        """Score given rows for each query, as a search scores them.

        Parameters
        ----------
        queries : sequence of queries
        rows : numpy.ndarray of int64, shape (n_rows,)
        hybrid : float
            As in `most_similar`.

        Returns
        -------
        numpy.ndarray of float32, shape (n_queries, n_rows)
        """
        check_hybrid(hybrid)
        cosines = encode_queries(self.wv, queries, self.vectors.shape[1]) @ self.vectors[rows].astype(np.float32).T
        return mix(cosines, self.lexical.scores_of(texts_of(queries), rows) if hybrid else None, hybrid)

    def _with_keys(self, hits: Hits) -> Results:
        return list(zip(keys_at(self.keys, hits.rows), hits.scores.tolist()))

    # -------------------------------------------------------------------------------------------------
    # Changes

    def add(self, sentences: Iterable[Sentence], keys: Iterable[Key] | None = None) -> None:
        """Add sentences. All arrays are copied, so add many at once.

        Parameters
        ----------
        sentences, keys
            As in `build`. Keys are required if the index was built with keys, and not allowed otherwise.
        """
        check_sentence_list(sentences)
        if keys is None and self._keys is not None:
            raise ValueError("keys: required, because the index was built with keys; pass one per sentence")
        if keys is not None and self._keys is None:
            raise ValueError("keys: not allowed, because the index was built without keys")
        vectors, texts = embed(self.wv, sentences, self.vectors.dtype)
        new_keys = None if keys is None else pack_keys(keys, len(texts))
        if not len(texts):
            return
        if self._keys is not None and new_keys is not None:
            new_keys = join_keys(self._keys, new_keys)
        if self._graph is not None:
            self._graph.add(vectors)
        self._keys = new_keys
        self.vectors = np.concatenate([self.vectors, vectors])
        self.sentences = PackedStrings.concatenate([self.sentences, texts])
        self._lexical = None

    def remove(self, keys: Key | Iterable[Key]) -> int:
        """Remove all sentences with a key, or with any of several keys.

        Parameters
        ----------
        keys : str, int, or iterable of them

        Returns
        -------
        int
            The number of sentences removed.

        Raises
        ------
        KeyError
            If a key is not in the index; nothing is removed then.
        """
        removed = np.zeros(len(self), dtype=bool)
        for key in [keys] if isinstance(keys, (str, int, np.integer)) else list(keys):
            rows = rows_with_key(self.keys, key)
            if not len(rows):
                raise KeyError(f"key {key!r} is not in the index")
            removed[rows] = True
        kept = np.flatnonzero(~removed)
        if self._graph is not None:
            self._graph.remove(removed)
        if self._keys is not None:
            self._keys = self._keys.take(kept)
        self.vectors, self.sentences = self.vectors[kept], self.sentences.take(kept)
        self._lexical = None
        return int(removed.sum())

    # -------------------------------------------------------------------------------------------------
    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the index, without `wv`, in one file. An existing file is replaced atomically.

        The format is described in `gensim_sent2vec._search.files`.
        """
        write_index(path, self.wv, self.vectors, self.sentences, self._keys, self._graph, self._lexical)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], wv: Sent2VecKeyedVectors, mmap: str | None = None, verify: bool = False
    ) -> SentenceIndex:
        """Load an index that `save` wrote.

        Parameters
        ----------
        path : str or path-like
        wv : Sent2VecKeyedVectors
            The vectors that the index was built with, in any precision.
        mmap : {None, 'r'}
            'r' memory-maps the file read-only: loading is immediate, and processes share one copy. `add` and `remove`
            then copy what they change.
        verify : bool
            Compare the arrays with their checksums.

        Returns
        -------
        SentenceIndex

        Raises
        ------
        ValueError
            If the file is damaged or of another kind, or `wv` encodes sentences differently from the vectors that the
            index was built with.
        """
        return cls(wv, **read_index(path, wv, mmap, verify))
