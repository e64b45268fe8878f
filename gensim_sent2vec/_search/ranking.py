"""The top-k rows for each of several queries: of all rows, or of the candidates that a graph proposes."""

from __future__ import annotations

import numpy as np

from .row_codes import IndexCodes
from .row_graph import RowGraph
from .scoring import Hits, cosines_of, mix
from .top_k import top_k_rows

CANDIDATES = 10  # times topn: how many rows graph and lexical scores propose each, to be scored exactly


def rank_all(
    vectors: np.ndarray,
    queries: np.ndarray,
    topn: int,
    hybrid: float = 0.0,
    lexical: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    penalty: np.ndarray | None = None,
    codes: IndexCodes | None = None,
) -> list[Hits]:
    """The top-k of all rows.

    Parameters
    ----------
    vectors : numpy.ndarray of float32 or float16, shape (n, dim)
        Unit vectors.
    queries : numpy.ndarray of float32, shape (n_queries, dim)
        Unit vectors.
    topn : int
        The number of rows per query, at most n.
    hybrid : float
        Share of the lexical score.
    lexical : numpy.ndarray of float32, shape (n_queries, n), optional
        Lexical scores.
    mask : numpy.ndarray of bool, shape (n,), optional
        False excludes a row.
    penalty : numpy.ndarray of float32, shape (n,), optional
        Subtracted from the scores of rows.
    codes : IndexCodes, optional
        Makes searches faster that have neither lexical scores nor a penalty.

    Returns
    -------
    list of Hits
        One per query.
    """
    if lexical is None and penalty is None:
        of_rows = None if codes is None else codes.of(vectors, len(queries))
        found = top_k_rows(vectors, queries, topn, mask, codes=of_rows)
        return [Hits(rows, scores, scores) for rows, scores in found]

    def mix_block(products: np.ndarray, first: int) -> np.ndarray:
        block = slice(first, first + products.shape[1])
        scores = mix(products, None if lexical is None else lexical[:, block], hybrid)
        return scores if penalty is None else scores - penalty[block]

    found = top_k_rows(vectors, queries, topn, mask, mix_block)
    return [
        Hits(rows, scores, cosines_of(vectors, rows, query), None if lexical is None else lexical[i, rows])
        for i, ((rows, scores), query) in enumerate(zip(found, queries))
    ]


def rank_candidates(
    graph: RowGraph,
    vectors: np.ndarray,
    queries: np.ndarray,
    topn: int,
    hybrid: float = 0.0,
    lexical: np.ndarray | None = None,
    penalty: np.ndarray | None = None,
) -> list[Hits]:
    """The top-k of the rows that the graph proposes, and with `lexical` of those with the best lexical scores.

    Candidates are scored exactly. The other parameters and the result are those of `rank_all`.
    """
    n_candidates = topn if lexical is None and penalty is None else min(CANDIDATES * topn, len(vectors))
    found = []
    for i, rows in enumerate(graph.search(queries, n_candidates)):
        of_query = None
        if lexical is not None:
            first = len(vectors) - n_candidates
            rows = np.union1d(rows, np.argpartition(lexical[i], first)[first:])
            of_query = lexical[i, rows]
        cosines = cosines_of(vectors, rows, queries[i])
        scores = mix(cosines, of_query, hybrid)
        if penalty is not None:
            scores = scores - penalty[rows]
        found.append(Hits(rows, scores, cosines, of_query).take(np.lexsort((rows, -scores))[:topn]))
    return found
