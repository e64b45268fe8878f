"""What a search accepts: queries as texts, tokens or vectors, and filters of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._text.packed import PackedStrings
from .._util.rows import unit_rows
from ..keyedvectors import Sent2VecKeyedVectors, Sentence
from .keys import Keys

Query = Sentence | np.ndarray
Where = np.ndarray | Sequence[bool] | Callable[[Any], bool]


def encode_queries(wv: Sent2VecKeyedVectors, queries: Sequence[Query], dim: int) -> np.ndarray:
    """Encode texts and tokens, check vectors, and scale all of them to unit length.

    Returns
    -------
    numpy.ndarray of float32, shape (n_queries, dim)
        All zeros for a query without known words.

    Raises
    ------
    ValueError
        If a query is an array but not a finite vector of shape (dim,).
    """
    vectors = np.zeros((len(queries), dim), dtype=np.float32)
    texts: dict[bool, list[int]] = {True: [], False: []}  # one call of encode takes strings or tokens, not both
    for i, query in enumerate(queries):
        if not isinstance(query, np.ndarray):
            texts[isinstance(query, str)].append(i)
        elif query.shape == (dim,) and np.isfinite(query).all():
            vectors[i] = query
        else:
            raise ValueError(
                f"query: expected a finite vector of {dim} dimensions, got an array of shape {query.shape}"
            )
    for rows in texts.values():
        if rows:
            vectors[rows] = wv.encode([queries[i] for i in rows], show_progress_bar=False)  # type: ignore[misc]
    return unit_rows(vectors)


def texts_of(queries: Sequence[Query]) -> list[Sentence]:
    """The queries, if all are texts or tokens; a ValueError if one is a vector, which has no lexical score."""
    texts = [query for query in queries if not isinstance(query, np.ndarray)]
    if len(texts) < len(queries):
        raise ValueError("hybrid: a vector has no lexical score; pass the query as text, or hybrid=0")
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
            f"where: expected {len(keys)} booleans or a function of a key, got {mask.dtype} of shape {mask.shape}"
        )
    return mask
