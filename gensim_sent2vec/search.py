"""Search for the nearest sentences: by cosine similarity, by shared character n-grams, or by both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, overload

import numpy as np

from ._search.arguments import check_rows, check_topn
from ._search.building import check_build_arguments, embed, lexical_options_of, refitted
from ._search.files import read_index, write_index
from ._search.finite import check_stored
from ._search.freshness import Freshness
from ._search.hubs import is_sampled, mean_cosines, mean_lexical_scores
from ._search.keys import Key, Keys, is_key, join_keys, keys_at, pack_keys, rows_with_key
from ._search.queries import (
    Query,
    Where,
    check_queries,
    check_query,
    check_query_vectors,
    encode_queries,
    is_single,
    row_mask,
    texts_of,
    warn_of_unknown,
)
from ._search.ranking import rank_all, rank_candidates
from ._search.row_codes import IndexCodes
from ._search.row_graph import RowGraph
from ._search.scoring import Hits, check_scoring, mix
from ._search.top_k import MAX_QUERIES
from ._text.inputs import as_column, as_text, checked_texts
from ._text.packed import PackedStrings
from ._text.tables import TextTable
from ._util.counted import counted
from ._util.hints import arguments_of, with_hints
from ._util.parameters import check_int
from ._util.progress import Progress
from .hnsw import Graph
from .keyedvectors import Sent2VecKeyedVectors, Sentence
from .lexical import LexicalOptions, LexicalScores

Results = list[tuple[Any, float]]

MAX_SCORES = 1 << 26  # held in memory at once: 256 MB


class IndexedSentence(NamedTuple):
    """A sentence of a `SentenceIndex`, with its key; the two are equal if the index was built without keys."""

    key: Any
    sentence: str


@with_hints
class SentenceIndex:
    """Sentences and their vectors, to be searched for those nearest to a query.

    Create an index with `build` or `load`. Any number of threads may search it at the same time, as long as no thread
    changes it (`add`, `remove`).

    A result is a key and a score. By default the key is the sentence itself; other keys, such as the answer to a
    question, are strings or integers and need not be unique. The score is the cosine similarity of the vectors; with
    `hybrid` it is ``(1 - hybrid) · cosine + hybrid · lexical``, where `lexical` is the score of
    `gensim_sent2vec.lexical.LexicalScores`. A query without known words has cosine 0 with every sentence.

    With `csls`, ``csls · r`` is subtracted from the score of each sentence. r is the mean of its scores with the ten
    sentences of the index that are nearest to it, ``(1 - hybrid) · mean cosine + hybrid · mean lexical score``; in an
    index of more than 16,384 sentences, the nearest of a sample. This corrects for hubs, sentences that are near to
    everything (CSLS; Lample et al. 2018). Such scores rank sentences, but they are not similarities: they can be
    negative, and a threshold for one index does not suit another. 0.5 is a good strength.

    ``len(index)`` is the number of sentences, ``index[i]`` the sentence in row i with its key, as an `IndexedSentence`,
    and ``index[i:j]`` a list of them; iterating yields all. ``key in index`` tells whether a sentence has that key.

    After some searches for single queries without `hybrid` and `csls`, an index of more than about a million values
    (10,000 sentences of 100 dimensions) rounds its vectors to bytes, to exclude most sentences by them. Results are the
    same, and such searches take a third of the time. The bytes need a quarter of the memory of float32 vectors, in each
    process that searches, and are not saved; `vectors` becomes read-only.

    The model must not change: each use of an index checks that its sentences are still encoded in the same way.

    Attributes
    ----------
    wv : Sent2VecKeyedVectors
        Encodes sentences and queries.
    vectors : numpy.ndarray of float32 or float16, shape (n, dim)
        Unit vectors, which must not be changed; all zeros for sentences without known words.
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
        mean_cosines: np.ndarray | None = None,
        mean_lexical: np.ndarray | None = None,
        refitted: bool = False,
        lexical_options: LexicalOptions | None = None,
    ) -> None:
        self.wv, self.sentences = wv, sentences
        self._set_vectors(vectors)
        self._keys, self._lexical = keys, lexical
        self._lexical_options = LexicalOptions() if lexical_options is None else lexical_options
        self._mean_cosines, self._mean_lexical, self._refitted = mean_cosines, mean_lexical, refitted
        self._graph: RowGraph | None = None
        if graph is not None:
            self._graph = RowGraph(graph, np.arange(len(vectors)) if numbers is None else numbers)
        self._freshness, self._is_finite = Freshness(wv), False

    @classmethod
    def build(
        cls,
        wv: Sent2VecKeyedVectors,
        sentences: Iterable[Sentence],
        keys: Iterable[Key] | None = None,
        method: str = "exact",
        dtype: Any = np.float32,
        lexical: bool | Mapping[str, Any] = False,
        workers: int | None = None,
        show_progress_bar: bool | None = None,
        csls: bool | float = False,
        refit: bool = False,
        **options: int,
    ) -> SentenceIndex:
        """Encode sentences and build an index of them.

        Parameters
        ----------
        wv : Sent2VecKeyedVectors
            For other gensim vectors see `Sent2VecKeyedVectors.from_keyed_vectors`.
        sentences : iterable of str or of sequences of str
            Texts or their tokens; a list, a column of a table (read by position), a `TextTable`, or a stream, which is
            read once.
        keys : iterable of str or of int, optional
            What a search returns, one per sentence; by default the keys of a `TextTable`, else the sentence itself.
        method : {"exact", "hnsw"}
            "exact" computes all cosines. "hnsw" searches a graph (extra ``[index]``): nearly the same results, about 97
            of 100, but slower to build and larger. It is faster for single queries to more than about 500,000
            sentences; for batches of queries, "exact" is faster up to at least as many.
        dtype : numpy.float32 or numpy.float16
            float16 halves the memory; cosines change by less than 0.001.
        lexical : bool or mapping
            Compute what lexical scores need now, so that it is saved with the index; by default the first hybrid
            search does. Use it for an index that several processes will load. A mapping has arguments of
            `gensim_sent2vec.lexical.LexicalScores.fit` for this index: `ngrams`, `analyzer`, `length_power`.
        workers : int, optional
            Number of threads that encode; by default all CPUs.
        show_progress_bar : bool, optional
            By default, a bar is shown on a terminal if the work takes more than two seconds.
        csls : bool
            Compute what searches with `csls` need now, so that it is saved with the index; by default the first such
            search does. A number, as searches take it, means True; the index does not store it.
        refit : bool
            Fit the axes of the weighting to these sentences instead of sentences of the training corpus; the weights
            of words stay. The index then has vectors of its own, `wv`, with this weighting, and stores the weighting
            in its file. Sentences are read into memory.
        **options
            For "hnsw": `connectivity`, `expansion_add` and `expansion_search`, see `gensim_sent2vec.hnsw.Graph.build`.

        Returns
        -------
        SentenceIndex

        Raises
        ------
        ValueError
            If there are more or fewer keys than sentences, an argument has an invalid value, or the vector of a
            sentence has NaN or infinite values.
        TypeError
            If keys are neither all strings nor all integers, a sentence is missing (None, NaN), or an argument is of
            the wrong type.
        ImportError
            If `method` is "hnsw" and usearch is not installed.
        """
        check_build_arguments(wv, method, dtype, options, arguments_of(cls.build))
        with_lexical, lexical_options = lexical_options_of(lexical)
        keys = _keys_of(sentences) if keys is None else as_column(keys, "keys", "keys")
        checked = checked_texts(sentences)
        if refit:
            checked = list(checked)
            wv = refitted(wv, checked)
        vectors, texts = embed(wv, checked, dtype, workers, show_progress_bar)
        packed_keys = None if keys is None else pack_keys(keys, len(texts))
        graph = None
        if method == "hnsw":
            with Progress("hnsw", len(vectors), "sentences", show_progress_bar) as progress:
                graph = Graph.build(vectors, **options, progress=progress.update)
        index = cls(wv, vectors, texts, packed_keys, graph, refitted=refit, lexical_options=lexical_options)
        if with_lexical:
            index._lexical = index.lexical
        if csls:
            check_scoring(0.0, float(csls) if isinstance(csls, bool) else csls)
            index._hubness(1.0 if with_lexical else 0.0)
            index._hubness(0.0)
        return index

    # -------------------------------------------------------------------------------------------------
    # Contents

    def _set_vectors(self, vectors: np.ndarray) -> None:
        self.vectors, self._codes = vectors, IndexCodes()

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
            weighting = self.wv.weighting
            factors = None if weighting is None else weighting.ngram_factors
            self._lexical = LexicalScores.fit(self.sentences, factors=factors, **vars(self._lexical_options))
        return self._lexical

    @property
    def has_csls(self) -> bool:
        """Whether what searches with `csls` need has been computed already, except for lexical scores."""
        return self._mean_cosines is not None

    def _hubness(self, hybrid: float) -> np.ndarray:
        """The mean scores of sentences with their nearest neighbors: float32, (n,); computed on first use."""
        total = np.zeros(len(self), dtype=np.float32)
        if hybrid < 1:
            if self._mean_cosines is None:
                self._check_finite()
                self._mean_cosines = mean_cosines(self.vectors)
            total += np.float32(1 - hybrid) * self._mean_cosines
        if hybrid > 0:
            if self._mean_lexical is None:
                self._mean_lexical = mean_lexical_scores(self.lexical)
            total += np.float32(hybrid) * self._mean_lexical
        return total

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        keys = (
            "" if self._keys is None else ", string keys" if isinstance(self._keys, PackedStrings) else ", integer keys"
        )
        lexical = (", lexical scores" if self.has_lexical else "") + (", csls" if self.has_csls else "")
        return (
            f"<SentenceIndex of {counted(len(self), 'sentence')}: {self.method}, {self.vectors.shape[1]} dimensions, "
            f"{self.vectors.dtype}{keys}{lexical}>"
        )

    @overload
    def __getitem__(self, row: int) -> IndexedSentence: ...
    @overload
    def __getitem__(self, row: slice) -> list[IndexedSentence]: ...
    def __getitem__(self, row: int | slice) -> IndexedSentence | list[IndexedSentence]:
        try:
            found = range(len(self))[row]
        except IndexError:
            raise IndexError(f"row {row} is out of range for an index of {counted(len(self), 'sentence')}") from None
        except TypeError:
            raise TypeError(
                f"row: expected an integer or a slice, got {row!r}; index[i] is the sentence in row i; for a key, "
                "there is `key in index`, and for similar sentences index.search"
            ) from None
        rows = np.array(found if isinstance(found, range) else [found], dtype=np.int64)
        pairs = zip(keys_at(self.keys, rows), keys_at(self.sentences, rows))
        sentences = [IndexedSentence(key, str(sentence)) for key, sentence in pairs]
        return sentences if isinstance(found, range) else sentences[0]

    def __iter__(self) -> Iterator[IndexedSentence]:
        keys = self.keys if isinstance(self.keys, PackedStrings) else map(int, self.keys)
        return map(IndexedSentence, keys, self.sentences)

    def __contains__(self, key: object) -> bool:
        if isinstance(key, IndexedSentence):
            return key.sentence in keys_at(self.sentences, rows_with_key(self.keys, key.key))
        return is_key(key) and len(rows_with_key(self.keys, key)) > 0  # type: ignore[arg-type]

    # -------------------------------------------------------------------------------------------------
    # Searching

    def search(
        self,
        queries: Query | Iterable[Query],
        topn: int | None = 10,
        hybrid: float = 0.0,
        where: Where | None = None,
        csls: float = 0.0,
    ) -> Results | list[Results]:
        """Find the sentences most similar to one text or to each of many.

        Parameters
        ----------
        queries : str, numpy.ndarray of shape (dim,), or iterable of queries
            One text or vector, or many: a list or stream of texts, a column of a table, or a matrix of vectors. A list
            of strings is a list of texts, never the tokens of one.
        topn : int or None
            The maximum number of results per query; None: all sentences.
        hybrid, where, csls
            As in `most_similar`.

        Returns
        -------
        list of (key, float), or list of them
            For one query its results, best first; for many queries a list of such lists.

        Raises
        ------
        TypeError, ValueError
            If a query is invalid (with its row), an argument is out of range, or the model changed since the index was
            built.
        """
        if is_single(queries):
            return self.most_similar(queries, topn, hybrid, where, csls=csls)
        return self.most_similar_batch(queries, topn, hybrid, where, csls)

    def most_similar(
        self,
        query: Query | None = None,
        topn: int | None = 10,
        hybrid: float = 0.0,
        where: Where | None = None,
        positive: Sequence[Query] = (),
        negative: Sequence[Query] = (),
        csls: float = 0.0,
    ) -> Results:
        """Find the sentences most similar to a query.

        Parameters
        ----------
        query : str, sequence of str, or numpy.ndarray of float32, shape (dim,)
            A text, its tokens, or a vector. For several texts there is `search`.
        topn : int or None
            The maximum number of results; None: all sentences, as in gensim.
        hybrid : float
            Share of the lexical score, from 0 (cosine only) to 1 (lexical only); 0.5 works well for questions.
        where : numpy.ndarray of bool, shape (n,), or callable, optional
            A filter: True for rows that may be returned, or a function that maps a key to True. The function is
            called for every key; if that is too slow, compute the array once. Filtered searches are always exact.
        positive, negative : sequence of queries
            Instead of `query`: search for the sum of the unit vectors of `positive` minus those of `negative`, like
            gensim's `most_similar` ("a is to b as c is to …": positive=[b, c], negative=[a]). The sentences that are
            passed are excluded from the results.
        csls : float
            Strength of the correction for hubs, see the class: 0 (none) or more, such as 0.5.

        Returns
        -------
        list of (key, float)
            Best first; ties keep row order.

        Raises
        ------
        TypeError, ValueError
            If a query is invalid, an argument is out of range, or the model changed since the index was built.
        """
        if isinstance(positive, str) or isinstance(negative, str):
            raise TypeError("positive, negative: expected lists of sentences, got a string")
        dim = self.vectors.shape[1]
        added, subtracted = (
            check_queries(self.wv, terms, dim, name) for terms, name in ((positive, "positive"), (negative, "negative"))
        )
        if (query is None) == (not added and not subtracted):
            raise ValueError("query: pass either a query, or positive= and negative= sentences")
        if query is not None:
            checked = check_query(self.wv, query, dim)
            return self._with_keys(self._search_rows([checked], topn, hybrid, where, csls=csls)[0])
        if hybrid:
            raise ValueError("hybrid: must be 0 with positive= and negative=: a sum of vectors has no lexical score")
        return self._analogy(added, subtracted, topn, where, csls)

    def _analogy(
        self, positive: list[Query], negative: list[Query], topn: int | None, where: Where | None, csls: float
    ) -> Results:
        self._check_model()
        terms = [*positive, *negative]
        signs = np.array([1] * len(positive) + [-1] * len(negative), dtype=np.float32)
        total = signs @ encode_queries(self.wv, terms, self.vectors.shape[1])
        mask = row_mask(where, self.keys)
        mask = np.ones(len(self), dtype=bool) if mask is None else mask.copy()
        for term in terms:
            if not isinstance(term, np.ndarray):
                mask[self.sentences.rows(as_text(term))] = False
        return self._with_keys(self._search_rows([total], topn, where=mask, csls=csls)[0])

    def most_similar_batch(
        self,
        queries: Iterable[Query],
        topn: int | None = 10,
        hybrid: float = 0.0,
        where: Where | None = None,
        csls: float = 0.0,
    ) -> list[Results]:
        """`most_similar` for many queries, several times faster than one call per query.

        It is a separate method because `most_similar` takes a list of strings as the tokens of one query.

        Parameters
        ----------
        queries : iterable of queries, or numpy.ndarray of float32, shape (n_queries, dim)
            Columns of tables are read by position. The rows of a matrix are query vectors.
        topn, hybrid, where, csls
            As in `most_similar`.

        Returns
        -------
        list of list of (key, float)
            The results for each query.
        """
        if isinstance(queries, str):
            raise TypeError(
                "queries: expected a list of queries, got a string; use search or most_similar for one query"
            )
        return [self._with_keys(hits) for hits in self.search_rows(queries, topn, hybrid, where, csls=csls)]

    def find(
        self,
        queries: Iterable[Query],
        topn: int | None = 10,
        hybrid: float = 0.0,
        where: Where | None = None,
        vectors: np.ndarray | None = None,
        csls: float = 0.0,
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """`most_similar_batch` with row numbers instead of keys.

        Parameters
        ----------
        queries, topn, hybrid, where, vectors, csls
            As in `search_rows`.

        Returns
        -------
        list of (numpy.ndarray of int64, numpy.ndarray of float32)
            Rows and scores for each query, best first.
        """
        found = self.search_rows(queries, topn, hybrid, where, vectors, csls=csls)
        return [(hits.rows, hits.scores) for hits in found]

    def search_rows(
        self,
        queries: Iterable[Query],
        topn: int | None = 10,
        hybrid: float = 0.0,
        where: Where | None = None,
        vectors: np.ndarray | None = None,
        batch_size: int | None = None,
        csls: float = 0.0,
    ) -> list[Hits]:
        """The search behind all others: row numbers, scores, and the cosines and lexical scores they are made of.

        Parameters
        ----------
        queries, topn, hybrid, where, csls
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
        checked = check_queries(self.wv, queries, self.vectors.shape[1])
        return self._search_rows(checked, topn, hybrid, where, vectors, batch_size, csls)

    def _search_rows(
        self,
        queries: list[Query],
        topn: int | None,
        hybrid: float = 0.0,
        where: Where | None = None,
        vectors: np.ndarray | None = None,
        batch_size: int | None = None,
        csls: float = 0.0,
    ) -> list[Hits]:
        """`search_rows` of queries that have been checked."""
        topn = check_topn(topn, len(self))
        hybrid, csls = check_scoring(hybrid, csls)
        mask = row_mask(where, self.keys)
        if vectors is not None:
            check_query_vectors(vectors, len(queries), self.vectors.shape[1])
        if batch_size is not None:
            batch_size = check_int("batch_size", batch_size, 1)
        else:
            scores_per_query = max(1, len(self) if hybrid else min(topn, len(self)))
            batch_size = min(MAX_QUERIES, max(1, MAX_SCORES // scores_per_query))
        self._check_model()
        penalty = np.float32(csls) * self._hubness(hybrid) if csls else None
        found: list[Hits] = []
        for first in range(0, len(queries), batch_size):
            batch = slice(first, first + batch_size)
            of_batch = None if vectors is None else vectors[batch]
            found += self._search(queries[batch], topn, hybrid, mask, of_batch, penalty)
        return found

    def check(self) -> None:
        """Check that scores are right, as each search does.

        Raises
        ------
        ValueError
            If the model changed since the index was built, or a stored vector has NaN or infinite values.
        """
        self._check_model()
        self._check_finite()

    def _check_model(self) -> None:
        """Raise a ValueError if the model changed, so that scores would be wrong."""
        self._freshness.check(self.wv, self.vectors, self.sentences)

    def _check_finite(self) -> None:
        """Raise a ValueError for NaN or infinite values, such as those of an older file; they are looked for once."""
        if not self._is_finite:
            check_stored(self.vectors, self.sentences)
            self._is_finite = True

    def _search(
        self,
        queries: Sequence[Query],
        topn: int,
        hybrid: float,
        mask: np.ndarray | None,
        vectors: np.ndarray | None,
        penalty: np.ndarray | None,
    ) -> list[Hits]:
        if vectors is None:
            vectors = encode_queries(self.wv, queries, self.vectors.shape[1])
            if not hybrid:
                warn_of_unknown(queries, vectors)
        lexical = np.stack([self.lexical.scores(text) for text in texts_of(queries)]) if hybrid else None
        if self._graph is not None and mask is None and topn < len(self):
            found = rank_candidates(self._graph, self.vectors, vectors, topn, hybrid, lexical, penalty)
            if not all(np.isfinite(hits.cosines).all() for hits in found):
                self._check_finite()
            return found
        self._check_finite()
        return rank_all(self.vectors, vectors, topn, hybrid, lexical, mask, penalty, self._codes)

    def score_rows(
        self, queries: Iterable[Query], rows: np.ndarray, hybrid: float = 0.0, csls: float = 0.0
    ) -> np.ndarray:
        """Score given rows for each query, as a search scores them.

        Parameters
        ----------
        queries : iterable of queries
        rows : numpy.ndarray of int64, shape (n_rows,)
        hybrid, csls : float
            As in `most_similar`.

        Returns
        -------
        numpy.ndarray of float32, shape (n_queries, n_rows)

        Raises
        ------
        TypeError, ValueError
            As `search` does, or if `rows` are not row numbers of this index.
        """
        hybrid, csls = check_scoring(hybrid, csls)
        rows = check_rows(rows, len(self))
        checked = check_queries(self.wv, queries, self.vectors.shape[1])
        self._check_model()
        cosines = encode_queries(self.wv, checked, self.vectors.shape[1]) @ self.vectors[rows].astype(np.float32).T
        if not np.isfinite(cosines).all():
            self._check_finite()
        scores = mix(cosines, self.lexical.scores_of(texts_of(checked), rows) if hybrid else None, hybrid)
        return scores - np.float32(csls) * self._hubness(hybrid)[rows] if csls else scores

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

        Raises
        ------
        TypeError, ValueError
            As `build` does, or if the model changed since then; the index is not changed.
        """
        keys = _keys_of(sentences) if keys is None else as_column(keys, "keys", "keys")
        if keys is None and self._keys is not None:
            raise ValueError("keys: required, because the index was built with keys; pass one per sentence")
        if keys is not None and self._keys is None:
            raise ValueError("keys: not allowed, because the index was built without keys")
        self._check_model()
        vectors, texts = embed(self.wv, checked_texts(sentences), self.vectors.dtype)
        new_keys = None if keys is None else pack_keys(keys, len(texts))
        if not len(texts):
            return
        if self._keys is not None and new_keys is not None:
            new_keys = join_keys(self._keys, new_keys)
        if self._graph is not None:
            self._graph.add(vectors)
        self._keys = new_keys
        self._set_vectors(np.concatenate([self.vectors, vectors]))
        self.sentences = PackedStrings.concatenate([self.sentences, texts])
        self._lexical = self._mean_lexical = None
        if self._mean_cosines is not None:
            # The new sentences are neighbors of others too; in a large index, they hardly change a sample.
            first = len(self) - len(texts) if is_sampled(len(self)) else 0
            new = mean_cosines(self.vectors, first)
            self._mean_cosines = np.concatenate([self._mean_cosines[:first], new])

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
        for key in [keys] if isinstance(keys, (str, int, np.integer)) else as_column(keys, "keys", "keys"):
            rows = rows_with_key(self.keys, key)
            if not len(rows):
                raise KeyError(f"key {key!r} is not in the index")
            removed[rows] = True
        kept = np.flatnonzero(~removed)
        if self._graph is not None:
            self._graph.remove(removed)
        if self._keys is not None:
            self._keys = self._keys.take(kept)
        self._set_vectors(self.vectors[kept])
        self.sentences = self.sentences.take(kept)
        self._lexical = self._mean_lexical = None
        if self._mean_cosines is not None:
            sampled = is_sampled(len(self))
            self._mean_cosines = self._mean_cosines[kept] if sampled else mean_cosines(self.vectors)
        return int(removed.sum())

    # -------------------------------------------------------------------------------------------------
    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the index, without `wv`, in one file. An existing file is replaced atomically.

        The format is described in `gensim_sent2vec._search.files`.

        Raises
        ------
        ValueError
            If the model changed since the index was built: the file would claim to fit the changed model.
        OSError
            If the file cannot be written.
        """
        self._freshness.check(self.wv, self.vectors, self.sentences)
        write_index(
            path, self.wv, self.vectors, self.sentences, self._keys, self._graph, self._lexical,
            self._mean_cosines, self._mean_lexical, self._refitted, self._lexical_options,
        )  # fmt: skip

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
        return cls(**read_index(path, wv, mmap, verify))


def _keys_of(sentences: Any) -> Iterable[Any] | None:
    """The column of keys of a `TextTable`; None for anything else."""
    if isinstance(sentences, TextTable) and sentences.key is not None:
        return [key for _, key in sentences.rows()]
    return None
