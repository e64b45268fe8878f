"""What a search accepts: queries as texts, tokens or vectors, and filters of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeGuard

import numpy as np

from .._pooling.finite import NotFiniteError
from .._text.inputs import as_column, as_text, check_text, reject_texts_as_tokens
from .._text.packed import PackedStrings
from .._util.counted import counted
from .._util.rows import unit_rows
from .._util.warning import warn
from ..keyedvectors import Sent2VecKeyedVectors, Sentence
from .keys import Keys

Query = Sentence | np.ndarray
Where = np.ndarray | Sequence[bool] | Callable[[Any], bool]

MANY_TEXTS = "to search for several texts, pass them to search or most_similar_batch"
ONE_TEXT = "pass texts, or the tokens of each"


def is_single(queries: Any) -> TypeGuard[str | np.ndarray]:
    """Whether queries are a single one: a string or a vector."""
    return isinstance(queries, str) or (isinstance(queries, np.ndarray) and queries.ndim == 1 and _is_numeric(queries))


def check_queries(wv: Sent2VecKeyedVectors, queries: Any, dim: int, name: str = "queries") -> list[Query]:
    """Queries of any kind as a list of texts, token lists and vectors, checked.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    queries : iterable of queries, or numpy.ndarray, shape (n_queries, dim)
        Columns of tables are read by position.
    dim : int
        Dimensions of a vector.
    name : str
        The argument that errors name.

    Raises
    ------
    TypeError, ValueError
        If queries are of another kind, with the row.
    """
    if isinstance(queries, np.ndarray) and _is_numeric(queries):
        if queries.ndim != 2:
            raise TypeError(f"{name}: expected a list of queries or a matrix, got an array of shape {queries.shape}")
        return [_check_vector(vector, dim, f"{name}: row {row:,}") for row, vector in enumerate(queries)]
    column = as_column(queries, name, "queries")
    return [check_query(wv, query, dim, f"{name}: row {row:,}", ONE_TEXT) for row, query in enumerate(column)]


def check_query(
    wv: Sent2VecKeyedVectors, query: Any, dim: int, where: str = "query", instead: str = MANY_TEXTS
) -> Query:
    """One query as a text, a list of tokens, or a vector of `dim` dimensions; `where` is what errors begin with."""
    if isinstance(query, str):
        return query
    if isinstance(query, np.ndarray) and _is_numeric(query):
        return _check_vector(query, dim, where)
    check_text(query, where)
    tokens = list(as_column(query, where, "tokens"))
    as_text(tokens, where)
    reject_texts_as_tokens(tokens, wv.key_to_index, where, instead)
    return tokens


def _is_numeric(array: np.ndarray) -> bool:
    return array.dtype.kind not in "OUST"


def _check_vector(vector: np.ndarray, dim: int, where: str) -> np.ndarray:
    if vector.dtype.kind not in "fiub":
        raise TypeError(f"{where}: expected a vector of real numbers, got an array of {vector.dtype}")
    if vector.shape != (dim,) or not np.isfinite(vector).all():
        found = " with NaN or infinite values" if vector.shape == (dim,) else ""
        raise ValueError(
            f"{where}: expected a finite vector of {dim} dimensions, got an array of shape {vector.shape}{found}"
        )
    return vector


def check_query_vectors(vectors: np.ndarray, n_queries: int, dim: int) -> None:
    """Raise a ValueError unless the vectors of queries that a caller computed are one finite row per query."""
    if np.shape(vectors) != (n_queries, dim) or not np.isfinite(vectors).all():
        raise ValueError(
            f"vectors: expected finite vectors of shape {(n_queries, dim)}, one per query, got {np.shape(vectors)}"
            + (" with NaN or infinite values" if np.shape(vectors) == (n_queries, dim) else "")
        )


def encode_queries(wv: Sent2VecKeyedVectors, queries: Sequence[Query], dim: int) -> np.ndarray:
    """Encode texts and tokens, and scale these and the vectors to unit length.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    queries : sequence of str, list of str, or numpy.ndarray of shape (dim,)
        As `check_queries` returns them.
    dim : int

    Returns
    -------
    numpy.ndarray of float32, shape (n_queries, dim)
        All zeros for a query without known words.

    Raises
    ------
    ValueError
        If the vector of a query is not finite, because that of a word is not.
    """
    vectors = np.zeros((len(queries), dim), dtype=np.float32)
    texts: dict[bool, list[int]] = {True: [], False: []}  # one call of encode takes strings or tokens, not both
    for i, query in enumerate(queries):
        if isinstance(query, np.ndarray):
            vectors[i] = unit_rows(query[None].astype(np.float64))[0] if query.dtype != np.float32 else query
        else:
            texts[isinstance(query, str)].append(i)
    for rows in texts.values():
        if rows:
            try:
                vectors[rows] = wv.encode([queries[i] for i in rows], show_progress_bar=False)  # type: ignore[misc]
            except NotFiniteError as error:
                raise error.renamed("queries", rows[error.row or 0]) from None
    return unit_rows(vectors)


def warn_of_unknown(queries: Sequence[Query], vectors: np.ndarray) -> None:
    """Warn if no word of a query is known, so that its cosine with every sentence is 0.

    Parameters
    ----------
    queries : sequence of str, list of str, or numpy.ndarray
    vectors : numpy.ndarray of float32, shape (n_queries, dim)
        Their vectors.
    """
    zero = np.flatnonzero(~vectors.any(axis=1)).tolist()
    unknown = [query for query in map(queries.__getitem__, zero) if not isinstance(query, np.ndarray)]
    if unknown:
        others = f" (and {len(unknown) - 1:,} other queries)" if len(unknown) > 1 else ""
        warn(
            f"no word of the query {as_text(unknown[0])!r:.60}{others} is in the vocabulary, so all sentences score 0; "
            "tokenize queries as the training corpus was tokenized (wv.tokenizer), or search by spelling too "
            "(hybrid=0.5)"
        )


def texts_of(queries: Iterable[Query]) -> list[Sentence]:
    """The queries, if all are texts or tokens; a ValueError if one is a vector, which has no lexical score."""
    texts: list[Sentence] = []
    for query in queries:
        if isinstance(query, np.ndarray):
            raise ValueError("hybrid: a vector has no lexical score; pass the query as text, or hybrid=0")
        texts.append(query)
    return texts


def row_mask(where: Where | None, keys: Keys) -> np.ndarray | None:
    """The filter of a search as booleans, shape (n,), True for rows that may be returned; None without a filter.

    Raises
    ------
    ValueError
        If `where` is neither callable nor one boolean per row.
    """
    if where is None:
        return None
    if callable(where):
        each_key = keys if isinstance(keys, PackedStrings) else keys.tolist()
        return np.fromiter((bool(where(key)) for key in each_key), dtype=bool, count=len(keys))
    mask = np.asarray(where)
    if mask.dtype != bool or mask.shape != (len(keys),):
        raise ValueError(
            f"where: expected {counted(len(keys), 'boolean')} or a function of a key, got {mask.dtype} of shape "
            f"{mask.shape}"
        )
    return mask
