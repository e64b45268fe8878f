"""Questions and answers: reading the file, building the index, and searching it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .._files.container import stored_kind
from .._search.keys import keys_at
from .._search.queries import check_queries
from .._search.scoring import Hits, check_scoring, mix
from .._text.formats import TEXT, suffix_format
from .._text.tables import FAQ_COLUMNS, TextTable, header_of
from .._util.missing import check_exists
from .._util.rows import unit_rows
from ..convert import load_vectors
from ..keyedvectors import Sent2VecKeyedVectors
from ..search import SentenceIndex
from .explain import contributions
from .limits import sendable

CSLS = 0.5  # the default strength of the correction for hubs, if the index was built for it: see benchmarks/tune.py
HYBRID = 0.5  # the default share of the lexical score: the mix finds more questions than either score alone


# -----------------------------------------------------------------------------------------------------
# Files


@dataclass(frozen=True)
class Columns:
    """How the files of an index are read: the arguments `text`, `key`, `format` and `missing` of `TextTable`."""

    text: str | int | None = None
    key: str | int | None = None
    format: str | None = None
    missing: Literal["error", "skip"] = "error"

    def of(self, path: str | Sequence[str]) -> TextTable:
        return TextTable(path, self.text, self.key, self.format, self.missing)


def is_index(path: str, columns: Columns | None = None) -> bool:
    """Whether a file is a saved `SentenceIndex`; False for a table of questions and answers.

    Parameters
    ----------
    path : str
        A file or folder.
    columns : Columns, optional
        If they name columns, a table need not have those that are called question and answer.

    Raises
    ------
    OSError
        If the file does not exist or cannot be read.
    ValueError
        If it is neither.
    """
    columns = columns or Columns()
    if os.path.isdir(path):
        return False
    check_exists(path, "FAQ", "an index, or a table with the columns question and answer")
    kind = stored_kind(path)
    if kind == SentenceIndex.__name__:
        return True
    if kind is None and columns.text is not None:
        return False
    is_table = suffix_format(path) not in (None, TEXT)
    try:
        if kind is None and any(set(pair) <= set(header_of(path, columns.format)) for pair in FAQ_COLUMNS):
            return False
    except (ValueError, OSError):
        if is_table:
            raise
    raise ValueError(
        f"{path!r} is neither an index (gensim-sent2vec index MODEL CORPUS {path}) nor a table with the columns "
        "question and answer; if they have other names, pass --column and --key"
    )


def build_index(wv: Sent2VecKeyedVectors, source: str | TextTable, **options: Any) -> SentenceIndex:
    """Build an index of texts; `options` are those of `SentenceIndex.build`.

    A table of questions and answers becomes an index of the questions, with the answers as keys; if it has a column
    "role", only of the rows with the role "index". Any other table becomes an index of its texts with its keys.

    Raises
    ------
    ValueError
        If there are no texts, besides what `SentenceIndex.build` and `TextTable` raise.
    """
    table = source if isinstance(source, TextTable) else TextTable(source)
    if table.is_faq:
        table = table.with_role("index")
    if table.key is not None:
        options["keys"] = _checked_keys(table)
    index = SentenceIndex.build(wv, table, **options)
    if not len(index):
        raise ValueError(f"{table.shown}: there are no texts to index")
    return index


def _checked_keys(table: TextTable) -> list[Any]:
    """The keys of a table, which searches show; a ValueError for one that is empty, or has an empty text."""
    keys = []
    for row, (text, key) in enumerate(table.rows(), 1):
        empty = "text" if not text.strip() else "key" if isinstance(key, str) and not key.strip() else None
        if empty:
            raise ValueError(
                f"{table.shown}: row {row:,}: the {empty} is empty; complete the row, or pass --skip-missing to leave "
                "such rows out"
            )
        keys.append(key)
    return keys


# -----------------------------------------------------------------------------------------------------
# Searching


class Faq:
    """A model and an index, ready to answer queries. Several threads may share it.

    Parameters
    ----------
    index : SentenceIndex
    hybrid : float, optional
        The share of the lexical score in searches that do not specify it; by default `HYBRID` if the index has lexical
        scores, else 0.
    csls : float, optional
        The strength of the correction for hubs in searches that do not specify it; by default `CSLS` if the index was
        built with ``csls=True``, else 0.
    """

    def __init__(self, index: SentenceIndex, hybrid: float | None = None, csls: float | None = None) -> None:
        self.index, self.wv = index, index.wv
        self.hybrid = (HYBRID if index.has_lexical else 0.0) if hybrid is None else hybrid
        self.csls = (CSLS if index.has_csls else 0.0) if csls is None else csls
        self.check(self.hybrid, self.csls)

    @classmethod
    def load(
        cls,
        model: str,
        index: str,
        hybrid: float | None = None,
        trusted: bool = False,
        csls: float | None = None,
    ) -> Faq:
        """Load saved files, memory-mapped read-only, and run one query, so that the first request is not slow.

        Raises
        ------
        ValueError, TypeError, OSError, ImportError, MemoryError
            As `load_vectors` and `SentenceIndex.load`.
        """
        faq = cls(SentenceIndex.load(index, load_vectors(model, trusted=trusted), mmap="r"), hybrid, csls)
        if len(faq.index):
            faq.search([faq.index.sentences[0]], explain=True)  # loads the dictionary of a tokenizer, for instance
        return faq

    def check(self, hybrid: float, csls: float = 0.0) -> None:
        """Raise a ValueError if an argument is out of range, or above 0 and the index was not built for it."""
        check_scoring(hybrid, csls)
        if csls and not self.index.has_csls:
            raise ValueError("csls: the index was not built for it; build it with --csls, or leave csls at 0")
        if hybrid and not self.index.has_lexical:
            raise ValueError("hybrid: the index has no lexical scores; build it with --lexical, or leave hybrid at 0")

    def search(
        self,
        queries: Iterable[str],
        topn: int | None = 10,
        hybrid: float | None = None,
        explain: bool = False,
        csls: float | None = None,
    ) -> list[dict[str, Any]]:
        """Find the sentences most similar to each query.

        Parameters
        ----------
        queries : iterable of str
        topn : int or None
            The maximum number of results per query; None: all sentences.
        hybrid : float, optional
            The share of the lexical score; by default that of this object.
        explain : bool
            Add `words` to each result.
        csls : float, optional
            The strength of the correction for hubs; by default that of this object.

        Returns
        -------
        list of dict
            One per query: `known`, whether any word of the query has a vector, and `results`, best first. A result is
            a dict of `key`, `sentence`, `score`, `cosine`, `lexical` (None if `hybrid` is 0) and `words`: the
            contribution of each word of the query (None without `explain`, or if the query is too long). For a query
            without known words, only sentences with a positive score are returned.

        Raises
        ------
        TypeError, ValueError
            As `SentenceIndex.search`.
        """
        checked: Any = check_queries(self.wv, queries, self.index.vectors.shape[1])
        hybrid = self.hybrid if hybrid is None else hybrid
        csls = self.csls if csls is None else csls
        self.check(hybrid, csls)
        vectors, known = self.wv.encode(checked, return_known=True, show_progress_bar=False)
        found = self.index.search_rows(checked, topn, hybrid, vectors=unit_rows(vectors), csls=csls)
        answers = []
        for query, is_known, hits in zip(checked, known.tolist(), found):
            if not is_known:
                hits = hits.take(mix(hits.cosines, hits.lexical, hybrid) > 0)
            words = self._explanations(query, hits, hybrid) if explain else [None] * len(hits.rows)
            answers.append({"known": is_known, "results": self._results(hits, words)})
        return answers

    def _explanations(self, query: str, hits: Hits, hybrid: float) -> list[Any]:
        """The contributions of the words of a query, for each hit; None for each if the query is too long."""
        explained = contributions(self.index, query, hits.rows, hybrid)
        if explained is None:
            return [None] * len(hits.rows)
        words, shares = explained
        return [
            [{"word": word, "contribution": share} for word, share in zip(words, of_hit)]
            for of_hit in shares.T.tolist()
        ]

    def _results(self, hits: Hits, words: list[Any]) -> list[dict[str, Any]]:
        names = ("key", "sentence", "score", "cosine", "lexical", "words")
        columns = (
            [sendable(key) if isinstance(key, str) else key for key in keys_at(self.index.keys, hits.rows)],
            [sendable(str(sentence)) for sentence in keys_at(self.index.sentences, hits.rows)],
            hits.scores.tolist(),
            hits.cosines.tolist(),
            [None] * len(hits.rows) if hits.lexical is None else hits.lexical.tolist(),
            words,
        )
        return [dict(zip(names, values)) for values in zip(*columns)]
