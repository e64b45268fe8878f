"""Nearest sentences: by meaning, by spelling, or both."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence, Sized
from typing import Any

import numpy as np

from ._files import container
from ._search.fingerprint import check_built_with, probe
from ._search.keys import Key, pack_keys
from ._search.scoring import Hits, check_hybrid, cosines_of, mix
from ._search.top_k import MANY, top_k_rows
from ._text.packed import PackedStrings
from ._util.batches import batched
from ._util.progress import Progress
from ._util.rows import unit_rows
from .hnsw import Graph
from .keyedvectors import Sent2VecKeyedVectors, Sentence, check_keyed_vectors
from .lexical import LexicalScores

Query = Sentence | np.ndarray
Where = np.ndarray | Sequence[bool] | Callable[[Any], bool]
Results = list[tuple[Any, float]]

BATCH = 1 << 14  # sentences that are taken into an index together
MAX_LEXICAL_SCORES = 1 << 26  # held at once: 256 MB
CANDIDATES = 10  # times topn: what a graph and the spelling propose each, to be scored exactly

GRAPH_OPTIONS = ("connectivity", "expansion_add", "expansion_search")


class SentenceIndex:
    """Sentences to be searched, with their vectors.

    Make one with `build` or `load`; any number of threads may search it, one at a time may change it.

    A result is a key and a score. Keys are the sentences themselves unless others are given, such as the number of
    the answer that a question belongs to: strings or integers, which may repeat. The score is the cosine of the
    vectors; with `hybrid`, ``(1 - hybrid) · cosine + hybrid · lexical``, see `gensim_sent2vec.lexical`. A query
    of words that have no vectors has cosine 0 with everything.

    Attributes
    ----------
    wv : Sent2VecKeyedVectors
        What made the vectors, and makes those of queries.
    vectors : numpy.ndarray of float32 or float16, shape (n, dim)
        Of length 1, or 0 where no word of a sentence has a vector.
    sentences : sequence of str
        Those that were given as tokens are joined by blanks.
    keys : sequence of str, or numpy.ndarray of int64
        By row; `sentences` where none were given.
    method : str
        "exact" or "hnsw".
    """

    def __init__(
        self,
        wv: Sent2VecKeyedVectors,
        vectors: np.ndarray,
        sentences: PackedStrings,
        keys: PackedStrings | np.ndarray | None = None,
        graph: Graph | None = None,
        numbers: np.ndarray | None = None,
        lexical: LexicalScores | None = None,
    ) -> None:
        self.wv, self.vectors, self.sentences = wv, vectors, sentences
        self._keys, self._graph, self._lexical = keys, graph, lexical
        # The graph's name of each row, ascending: rows move up when others are removed.
        self._numbers = np.arange(len(vectors)) if numbers is None else numbers

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
        """Embed sentences, and get ready to search them.

        Parameters
        ----------
        wv : Sent2VecKeyedVectors
            Of other gensim vectors, `Sent2VecKeyedVectors.from_keyed_vectors` makes some.
        sentences : iterable of str or of sequences of str
            Read once: a stream will do.
        keys : iterable of str or of int, optional
            What a result is called, one for each sentence; by default the sentence itself.
        method : {"exact", "hnsw"}
            "exact" computes all products. "hnsw" follows a graph (extra ``[index]``): nearly the same results, in a
            small part of the time where there are many sentences; it takes longer to build, and more memory.
        dtype : numpy.float32 or numpy.float16
            float16 halves the memory; cosines change by less than 0.001.
        lexical : bool
            Count for hybrid search now; otherwise that is done when it is first asked for. An index that is saved
            for many processes should have it.
        workers : int, optional
            Threads that embed; all CPUs by default.
        show_progress_bar : bool, optional
        **options
            For "hnsw" `connectivity`, `expansion_add` and `expansion_search`, see `gensim_sent2vec.hnsw.Graph.build`.

        Raises
        ------
        ValueError
            Where keys and sentences differ in number, or for another method or type.
        TypeError
            For keys that are neither all strings nor all integers.
        ImportError
            For "hnsw" without usearch.
        """
        _check_build(wv, method, dtype, options)
        if isinstance(sentences, (str, bytes)):
            raise TypeError("sentences: a list of sentences is expected, got one string")
        vectors, texts = _embed(wv, sentences, dtype, workers, show_progress_bar)
        packed = None if keys is None else pack_keys(keys, len(texts))
        graph = None
        if method == "hnsw":
            with Progress("hnsw", len(vectors), "sentences", show_progress_bar) as progress:
                graph = Graph.build(vectors, **options, progress=progress.update)
        return cls(wv, vectors, texts, packed, graph, lexical=LexicalScores.fit(texts) if lexical else None)

    # -------------------------------------------------------------------------------------------------
    # What it holds

    @property
    def keys(self) -> Any:
        return self.sentences if self._keys is None else self._keys

    @property
    def method(self) -> str:
        return "exact" if self._graph is None else "hnsw"

    @property
    def has_lexical(self) -> bool:
        """Whether the lexical scores have been counted already."""
        return self._lexical is not None

    @property
    def lexical(self) -> LexicalScores:
        """The lexical scores of the sentences, counted when they are first asked for."""
        if self._lexical is None:
            self._lexical = LexicalScores.fit(self.sentences)
        return self._lexical

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"<SentenceIndex of {len(self)} sentences, {self.method}, {self.vectors.dtype}>"

    def _rows_of(self, key: Key) -> np.ndarray:
        if isinstance(self.keys, PackedStrings):
            return self.keys.rows(key) if isinstance(key, str) else np.zeros(0, dtype=np.int64)
        return np.flatnonzero(self.keys == key) if not isinstance(key, str) else np.zeros(0, dtype=np.int64)

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
        """The sentences nearest to a query.

        Parameters
        ----------
        query : str, sequence of str, or numpy.ndarray of float32, shape (dim,)
            A text, its tokens, or a vector.
        topn : int
            At most so many.
        hybrid : float
            Share of the lexical score, from 0, meaning only, to 1, spelling only; 0.5 is a good one for questions.
        where : numpy.ndarray of bool, shape (n,), or callable, optional
            Which rows may be found, or a function of a key that says so, which is called for every key: where that
            takes too long, make a mask once. Filtered queries are searched exactly.
        positive, negative : sequence of queries
            In place of `query`: the sentences nearest to the sum of some less the sum of others, each scaled to
            length 1, as in gensim's `most_similar` ("a is to b as c is to …": positive=[b, c], negative=[a]).
            Sentences that are given are left out of the results.

        Returns
        -------
        list of (key, float)
            Best first; equal scores in the order of the rows.

        Raises
        ------
        TypeError, ValueError
            For a query that is none, and where an argument is out of its range.
        """
        if query is not None and not len(positive) and not len(negative):
            return self._with_keys(self.search_rows([query], topn, hybrid, where)[0])
        if query is not None or (not len(positive) and not len(negative)):
            raise ValueError("query: pass either a query or positive= and negative= sentences")
        if isinstance(positive, str) or isinstance(negative, str):
            raise TypeError("positive, negative: lists of sentences are expected, got a string")
        if hybrid:
            raise ValueError("hybrid: the sum of sentences has no spelling to compare; leave it at 0")
        signs = np.array([1] * len(positive) + [-1] * len(negative), dtype=np.float32)
        total = signs @ self._vectors_of([*positive, *negative])
        mask = self._mask(where)
        mask = np.ones(len(self), dtype=bool) if mask is None else mask.copy()
        for given in (*positive, *negative):
            if not isinstance(given, np.ndarray):
                mask[self.sentences.rows(_text(given))] = False
        return self._with_keys(self.search_rows([total], topn, where=mask)[0])

    def most_similar_batch(
        self, queries: Sequence[Query], topn: int = 10, hybrid: float = 0.0, where: Where | None = None
    ) -> list[Results]:
        """`most_similar` of many queries, which is several times faster for each than one by one.

        A method of its own, as a list of strings given to `most_similar` is one query's tokens.

        Parameters
        ----------
        queries : sequence of queries, or numpy.ndarray of float32, shape (n_queries, dim)
            An array is taken as vectors.
        topn, hybrid, where
            As in `most_similar`.

        Returns
        -------
        list of list of (key, float)
            One for each query.
        """
        if isinstance(queries, str):
            raise TypeError("queries: a list of queries is expected; for a single one there is most_similar")
        return [self._with_keys(hits) for hits in self.search_rows(queries, topn, hybrid, where)]

    def find(
        self,
        queries: Sequence[Query],
        topn: int = 10,
        hybrid: float = 0.0,
        where: Where | None = None,
        vectors: np.ndarray | None = None,
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """`most_similar_batch` with row numbers instead of keys; see `search_rows` for the parts of a score.

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
        """The search behind `most_similar_batch`: rows, scores, and the cosines and lexical scores they are made of.

        Parameters
        ----------
        queries, topn, hybrid, where
            As in `most_similar_batch`.
        vectors : numpy.ndarray of float32, shape (n_queries, dim), optional
            The unit vectors of the queries, if they have been computed already.
        batch_size : int, optional
            Queries searched together; by default up to 1024, and with `hybrid` no more than 256 MB of lexical scores
            allow.

        Returns
        -------
        list of Hits
            One per query.
        """
        if topn < 1:
            raise ValueError(f"topn: must be at least 1, got {topn}")
        check_hybrid(hybrid)
        mask = self._mask(where)
        if batch_size is None:
            batch_size = min(MANY, max(1, MAX_LEXICAL_SCORES // max(1, len(self)))) if hybrid else MANY
        found: list[Hits] = []
        for first in range(0, len(queries), batch_size):
            batch = slice(first, first + batch_size)
            found += self._search(queries[batch], topn, hybrid, mask, None if vectors is None else vectors[batch])
        return found

    def score_rows(self, queries: Sequence[Query], rows: np.ndarray, hybrid: float = 0.0) -> np.ndarray:
        """The scores of given rows for each query, the same as those that a search returns for them.

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
        cosines = self._vectors_of(queries) @ self.vectors[rows].astype(np.float32).T
        return mix(cosines, self.lexical.scores_of(_texts_of(queries), rows) if hybrid else None, hybrid)

    def _with_keys(self, hits: Hits) -> Results:
        keys = self.keys
        plain = (lambda i: keys[int(i)]) if isinstance(keys, PackedStrings) else (lambda i: int(keys[i]))
        return [(plain(i), float(score)) for i, score in zip(hits.rows, hits.scores)]

    def _search(
        self, queries: Sequence[Query], topn: int, hybrid: float, mask: np.ndarray | None, vectors: np.ndarray | None
    ) -> list[Hits]:
        if vectors is None:
            vectors = self._vectors_of(queries)
        lexical = np.stack([self.lexical.scores(text) for text in _texts_of(queries)]) if hybrid else None
        if self._graph is not None and mask is None:
            return self._search_graph(vectors, topn, hybrid, lexical)
        return self._search_exact(vectors, topn, hybrid, lexical, mask)

    def _search_exact(
        self, vectors: np.ndarray, topn: int, hybrid: float, lexical: np.ndarray | None, mask: np.ndarray | None
    ) -> list[Hits]:
        """The top-k of all rows."""
        if lexical is None:
            return [Hits(rows, scores, scores) for rows, scores in top_k_rows(self.vectors, vectors, topn, mask)]

        def adjust(products: np.ndarray, first: int) -> np.ndarray:
            return mix(products, lexical[:, first : first + products.shape[1]], hybrid)

        found = top_k_rows(self.vectors, vectors, topn, mask, adjust)
        return [
            Hits(rows, scores, cosines_of(self.vectors, rows, vector), shared[rows])
            for (rows, scores), vector, shared in zip(found, vectors, lexical)
        ]

    def _search_graph(self, vectors: np.ndarray, topn: int, hybrid: float, lexical: np.ndarray | None) -> list[Hits]:
        """The top-k of the candidates that the graph and the lexical scores propose, scored exactly."""
        assert self._graph is not None
        found = []
        proposed = self._graph.search(vectors, topn if lexical is None else CANDIDATES * topn)
        for i, (numbers, _) in enumerate(proposed):
            rows, shared = np.searchsorted(self._numbers, numbers), None
            if lexical is not None:
                n = min(CANDIDATES * topn, len(self))
                rows = np.union1d(rows, np.argpartition(lexical[i], len(self) - n)[len(self) - n :])
                shared = lexical[i, rows]
            cosines = cosines_of(self.vectors, rows, vectors[i])
            scores = mix(cosines, shared, hybrid)
            found.append(Hits(rows, scores, cosines, shared).take(np.lexsort((rows, -scores))[:topn]))
        return found

    def _vectors_of(self, queries: Sequence[Query]) -> np.ndarray:
        """The queries' vectors, of length 1, shape (n, dim) float32."""
        dim = self.vectors.shape[1]
        out = np.zeros((len(queries), dim), dtype=np.float32)
        texts: dict[bool, list[int]] = {True: [], False: []}  # strings and tokens do not mix in one call
        for i, query in enumerate(queries):
            if not isinstance(query, np.ndarray):
                texts[isinstance(query, str)].append(i)
            elif query.shape == (dim,) and np.isfinite(query).all():
                out[i] = query
            else:
                raise ValueError(f"query: a finite vector of {dim} numbers is expected, got shape {query.shape}")
        for rows in texts.values():
            if rows:
                out[rows] = self.wv.encode([queries[i] for i in rows], show_progress_bar=False)  # type: ignore[misc]
        return unit_rows(out)

    def _mask(self, where: Where | None) -> np.ndarray | None:
        if where is None:
            return None
        if callable(where):
            keys = self.keys if isinstance(self.keys, PackedStrings) else self.keys.tolist()
            return np.fromiter((bool(where(key)) for key in keys), dtype=bool, count=len(self))
        mask = np.asarray(where)
        if mask.dtype != bool or mask.shape != (len(self),):
            raise ValueError(
                f"where: {len(self)} booleans or a function of a key are expected, got {mask.dtype}, shape {mask.shape}"
            )
        return mask

    # -------------------------------------------------------------------------------------------------
    # Changes

    def add(self, sentences: Iterable[Sentence], keys: Iterable[Key] | None = None) -> None:
        """Take in more sentences; the arrays are copied, so pass many at once.

        Parameters
        ----------
        sentences, keys
            As in `build`; keys are needed where the index has keys of its own.
        """
        if isinstance(sentences, (str, bytes)):
            raise TypeError("sentences: a list of sentences is expected, got one string")
        if (keys is None) != (self._keys is None):
            raise ValueError("keys: one for each sentence is needed" if keys is None else "keys: this index has none")
        vectors, texts = _embed(self.wv, sentences, self.vectors.dtype, None, None)
        new_keys = None if keys is None else pack_keys(keys, len(texts))
        if (
            new_keys is not None
            and len(texts)
            and isinstance(new_keys, PackedStrings) != isinstance(self._keys, PackedStrings)
        ):
            raise TypeError("keys: strings and integers do not mix")
        if not len(texts):
            return
        last = int(self._numbers[-1]) if len(self._numbers) else -1
        numbers = np.arange(last + 1, last + 1 + len(texts))
        if self._graph is not None:
            self._graph.add(numbers, vectors)
        if isinstance(self._keys, PackedStrings) and isinstance(new_keys, PackedStrings):
            self._keys = PackedStrings.concatenate([self._keys, new_keys])
        elif self._keys is not None:
            self._keys = np.concatenate([self._keys, new_keys])
        self.vectors = np.concatenate([self.vectors, vectors])
        self.sentences = PackedStrings.concatenate([self.sentences, texts])
        self._numbers = np.concatenate([self._numbers, numbers])
        self._lexical = None

    def remove(self, keys: Key | Iterable[Key]) -> int:
        """Take out all sentences with a key, or with any of several; returns how many they were.

        Raises
        ------
        KeyError
            Where a key is not in the index; nothing is removed then.
        """
        wanted = [keys] if isinstance(keys, (str, int, np.integer)) else list(keys)
        gone = np.zeros(len(self), dtype=bool)
        for key in wanted:
            rows = self._rows_of(key)
            if not len(rows):
                raise KeyError(f"{key!r} is no key of this index")
            gone[rows] = True
        kept = np.flatnonzero(~gone)
        if self._graph is not None:
            self._graph.remove(self._numbers[gone])
        if self._keys is not None:
            self._keys = self._keys.take(kept)
        self.vectors, self.sentences = self.vectors[kept], self.sentences.take(kept)
        self._numbers = self._numbers[kept]
        self._lexical = None
        return int(gone.sum())

    # -------------------------------------------------------------------------------------------------
    # Files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save all but `wv` in one file, which replaces an older one when it is complete.

        The format is that of `gensim_sent2vec._files.container`: arrays ``vectors``, ``sentences.blob`` and
        ``sentences.offsets``, ``keys`` or ``keys.blob`` and ``keys.offsets``, ``probe``, what `LexicalScores` and the
        graph hold; facts ``kind``, ``words``, ``lexical`` and ``expansion_search``.
        """
        arrays = {"vectors": self.vectors, "probe": probe(self.wv)}
        arrays |= {"sentences.blob": self.sentences.blob, "sentences.offsets": self.sentences.offsets}
        facts: dict[str, Any] = {"kind": type(self).__name__, "words": len(self.wv)}
        if isinstance(self._keys, PackedStrings):
            arrays |= {"keys.blob": self._keys.blob, "keys.offsets": self._keys.offsets}
        elif self._keys is not None:
            arrays["keys"] = self._keys
        if self._lexical is not None:
            arrays |= {f"lexical.{name}": array for name, array in self._lexical.arrays.items()}
            facts["lexical"] = {"n": self._lexical.n, "ngrams": self._lexical.ngrams}
        if self._graph is not None:
            arrays |= {"graph": self._graph.to_bytes(), "numbers": self._numbers}
            facts["expansion_search"] = self._graph.index.expansion_search
        container.write(path, arrays, facts)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], wv: Sent2VecKeyedVectors, mmap: str | None = None, verify: bool = False
    ) -> SentenceIndex:
        """Load an index that `save` wrote.

        Parameters
        ----------
        path : str or path-like
        wv : Sent2VecKeyedVectors
            The vectors that it was built with, in any precision.
        mmap : {None, 'r'}
            'r' maps the file read-only: loading takes no time, processes share one copy, and a change (`add`,
            `remove`) copies what it changes.
        verify : bool
            Compare the arrays with their checksums.

        Raises
        ------
        ValueError
            Where the file is damaged or another kind of file, or `wv` gives other vectors than those it was built
            with.
        """
        check_keyed_vectors(wv)
        arrays, facts = container.read(path, mmap=mmap, verify=verify)
        if facts.get("kind") != cls.__name__:
            raise ValueError(f"{os.fspath(path)!r} holds a {facts.get('kind')}, not a {cls.__name__}")
        check_built_with(path, wv, arrays["probe"], facts["words"])
        keys: PackedStrings | np.ndarray | None = arrays.get("keys")
        if "keys.blob" in arrays:
            keys = PackedStrings(arrays["keys.blob"], arrays["keys.offsets"])
        graph = lexical = None
        if "graph" in arrays:
            graph = Graph.from_bytes(arrays["graph"], mmap is not None, facts["expansion_search"])
        if facts.get("lexical"):
            of_lexical = {name[8:]: array for name, array in arrays.items() if name.startswith("lexical.")}
            lexical = LexicalScores(of_lexical, **facts["lexical"])
        sentences = PackedStrings(arrays["sentences.blob"], arrays["sentences.offsets"])
        return cls(wv, arrays["vectors"], sentences, keys, graph, arrays.get("numbers"), lexical)


# -----------------------------------------------------------------------------------------------------
# Building


def _check_build(wv: Any, method: str, dtype: Any, options: dict[str, int]) -> None:
    check_keyed_vectors(wv)
    if method not in ("exact", "hnsw"):
        raise ValueError(f'method: "exact" or "hnsw" is expected, got {method!r}')
    if np.dtype(dtype) not in (np.float32, np.float16):
        raise ValueError(f"dtype: float32 or float16 is expected, got {np.dtype(dtype)}")
    for name in options:
        if name not in GRAPH_OPTIONS:
            raise TypeError(f"build() has no argument {name!r}; for method='hnsw' there are {', '.join(GRAPH_OPTIONS)}")
        if method != "hnsw":
            raise ValueError(f'{name}: that is an option of method="hnsw"')


def _embed(
    wv: Sent2VecKeyedVectors, sentences: Iterable[Sentence], dtype: Any, workers: int | None, show: bool | None
) -> tuple[np.ndarray, PackedStrings]:
    """Unit vectors and texts of a stream of sentences."""
    vectors, texts, done = [], [], 0
    total = len(sentences) if isinstance(sentences, Sized) else None
    with Progress("index", total, "sentences", show) as progress:
        for batch in batched(sentences, BATCH):
            vectors.append(wv.encode(batch, normalize=True, workers=workers, show_progress_bar=False).astype(dtype))
            texts.append(PackedStrings.from_strings(map(_text, batch)))
            done += len(batch)
            progress.update(done)
    empty = wv.encode([], show_progress_bar=False).astype(dtype)
    return np.concatenate(vectors) if vectors else empty, PackedStrings.concatenate(texts)


def _text(sentence: Any) -> str:
    return sentence if isinstance(sentence, str) else " ".join(sentence)


def _texts_of(queries: Sequence[Query]) -> list[Sentence]:
    """The queries, which must be texts or tokens: a vector has no lexical score."""
    texts = [query for query in queries if not isinstance(query, np.ndarray)]
    if len(texts) < len(queries):
        raise ValueError("hybrid: a vector has no lexical score; pass the query as text, or hybrid=0")
    return texts
