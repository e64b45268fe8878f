"""How good sentence vectors are: judged pairs (STS), and questions that find their answers (P@k)."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from gensim.models import KeyedVectors
from scipy import sparse, stats

from ._search.scoring import check_hybrid, mix
from ._text.tables import at_line, header_of, read_table
from ._text.tokenization import Tokenization
from ._util.rows import unit_rows
from .keyedvectors import Sent2VecKeyedVectors
from .lexical import LexicalScores

logger = logging.getLogger(__name__)

COLUMNS = {"sts": ("score", "sentence1", "sentence2"), "retrieval": ("role", "answer", "question")}  # by kind of file
RANKS = (1, 3, 5)

Encoder = Callable[[list[str]], Any]
"""Texts to a matrix with a row for each: an array, or a sparse one of scipy's."""


class STSResult(NamedTuple):
    """What `evaluate_sts` finds; its parts are attributes, keys, and in this order."""

    pearson: float
    """Pearson's correlation of cosines and scores, -1 … 1."""
    spearman: float
    """Spearman's correlation of their ranks."""
    n: int
    """Pairs."""
    coverage: float
    """Share of all tokens that are words of the model, 0 … 1; nan where a function stands for the model."""

    def __getitem__(self, key: Any) -> Any:
        return getattr(self, key) if key in self._fields else tuple.__getitem__(self, key)


class RetrievalResult(dict[int, float]):
    """What `evaluate_retrieval` finds: P@k by k.

    Attributes
    ----------
    n : int
        Queries.
    coverage : float
        Share of all tokens, of questions searched and queries, that are words of the model; nan for a function.
    """

    def __init__(self, precisions: dict[int, float], n: int, coverage: float) -> None:
        super().__init__(precisions)
        self.n, self.coverage = n, coverage


# -----------------------------------------------------------------------------------------------------
# Judging


def evaluate_sts(
    wv: KeyedVectors | Encoder, path: str | os.PathLike[str], weighting: Any = None, tokenizer: Any = None
) -> STSResult:
    """Do cosines of sentence vectors agree with people's judgements of how alike two sentences are?

    Parameters
    ----------
    wv : KeyedVectors or callable
        `Sent2VecKeyedVectors`, or any word vectors of gensim's; or a function that makes vectors of the texts as they
        stand in the file, so that any other method can be compared: list of str -> array or sparse matrix, a row each.
    path : str or path-like
        Tab-separated UTF-8, compressed as its name says: score, sentence1, sentence2; or with further columns and a
        first line that names these.
    weighting : SentenceWeighting or False, optional
        As in ``wv.encode``: by default that of the vectors; False: the plain mean.
    tokenizer : str or callable, optional
        Replaces that of the vectors.

    Returns
    -------
    STSResult
        A pair with a sentence without any known word counts with the cosine 0.

    Raises
    ------
    ValueError
        Where the file is not as described, with the line, or correlation is undefined: all scores the same, or all
        cosines.
    TypeError
        For a weighting or a tokenizer beside a function.

    References
    ----------
    Agirre et al.: "SemEval-2012 Task 6: A Pilot on Semantic Textual Similarity", \\*SEM 2012.
    """
    rows = list(_read(path, "sts"))
    scores = np.array([_score(path, number, score) for number, (score, _, _) in rows])
    if len(set(scores)) < 2:
        raise ValueError(f"{os.fspath(path)!r}: {len(rows)} pairs, all of one score: there is nothing to agree with")
    texts = [sentence for _, (_, *pair) in rows for sentence in pair]
    vectors, coverage = _encoded(wv, texts, weighting, tokenizer)
    vectors = _unit(vectors, np.float64)
    cosines = _cosines_of_pairs(vectors[::2], vectors[1::2])
    if np.ptp(cosines) == 0:
        known = (
            ""
            if math.isnan(coverage)
            else (f"; {coverage:.0%} of the tokens are words of the model: is it of another language or tokenizer?")
        )
        raise ValueError(f"{os.fspath(path)!r}: all pairs have the cosine {cosines[0]:g}{known}")
    pearson, spearman = stats.pearsonr(cosines, scores).statistic, stats.spearmanr(cosines, scores).statistic
    return STSResult(float(pearson), float(spearman), len(rows), coverage)


def evaluate_retrieval(
    wv: KeyedVectors | Encoder,
    path: str | os.PathLike[str],
    hybrid: float = 0.0,
    weighting: Any = None,
    tokenizer: Any = None,
) -> RetrievalResult:
    """Do queries find a question that has their answer?

    Parameters
    ----------
    wv : KeyedVectors or callable
        As in `evaluate_sts`.
    path : str or path-like
        Tab-separated UTF-8, compressed as its name says: role ("index" for a question to be found, "query" for one
        that searches), answer, question; or with further columns and a first line that names these.
    hybrid : float
        Share of the lexical score, 0 … 1, in the order of the results: (1 - hybrid) cosine + hybrid lexical score.
        It is the cosine of TF-IDF vectors of character n-grams, fitted on the questions to be found.
    weighting, tokenizer
        As in `evaluate_sts`.

    Returns
    -------
    RetrievalResult
        {1: P@1, 3: P@3, 5: P@5}, each the share of queries that find a question of their answer among the first k;
        equal scores in the order of the file. A query whose answer no question has, finds none.

    Raises
    ------
    ValueError
        Where the file is not as described, with the line, or `hybrid` is out of its range.
    """
    check_hybrid(hybrid)
    index, queries = _questions(path)
    vectors, coverage = _encoded(wv, [text for _, text in index + queries], weighting, tokenizer)
    vectors = _unit(vectors, np.float32)
    scores = vectors[len(index) :] @ vectors[: len(index)].T
    scores = scores.toarray() if sparse.issparse(scores) else scores
    if hybrid:
        lexical = LexicalScores.fit([text for _, text in index])
        for row, (_, text) in zip(scores, queries):
            row[:] = mix(row, lexical.scores(text), hybrid)
    best = np.argsort(-scores, axis=1, kind="stable")[:, : max(RANKS)]
    answers = np.array([answer for answer, _ in index])
    right = answers[best] == np.array([answer for answer, _ in queries])[:, None]
    precisions = {k: float(right[:, :k].any(axis=1).mean()) for k in RANKS}
    return RetrievalResult(precisions, len(queries), coverage)


def _encoded(wv: Any, texts: list[str], weighting: Any, tokenizer: Any) -> tuple[Any, float]:
    """A row for each text, and the share of their tokens that are words of the model."""
    if callable(wv) and not isinstance(wv, type):
        if weighting is not None or tokenizer is not None:
            raise TypeError("weighting and tokenizer are for word vectors; a function takes the texts as they are")
        return wv(texts), math.nan
    if not isinstance(wv, Sent2VecKeyedVectors):
        wv = Sent2VecKeyedVectors.from_keyed_vectors(wv)
    tokens = list(Tokenization(wv.tokenizer if tokenizer is None else tokenizer, wv.phrases).stream(texts))
    known = [token in wv.key_to_index for sentence in tokens for token in sentence]
    return wv.encode(tokens, weighting=weighting, show_progress_bar=False), sum(known) / max(1, len(known))


def _unit(vectors: Any, dtype: Any) -> Any:
    """The rows, dense or sparse, scaled to length 1; zeros stay zeros."""
    if not sparse.issparse(vectors):
        return unit_rows(np.asarray(vectors, dtype=dtype))
    vectors = vectors.tocsr().astype(dtype)
    norms = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    return sparse.diags(1 / np.where(norms > 0, norms, 1)) @ vectors


def _cosines_of_pairs(left: Any, right: Any) -> np.ndarray:
    if sparse.issparse(left):
        return np.asarray(left.multiply(right).sum(axis=1)).ravel()
    return np.einsum("ij,ij->i", left, right)


# -----------------------------------------------------------------------------------------------------
# Files


def file_kind(path: str | os.PathLike[str]) -> str:
    """The kind of an evaluation file, from its first line: "sts" (sentence pairs) or "retrieval" (questions).

    Raises
    ------
    ValueError
        If it is neither.
    """
    first = header_of(path)
    if set(COLUMNS["sts"]) <= set(first) or (len(first) == 3 and _as_number(first[0]) is not None):
        return "sts"
    if set(COLUMNS["retrieval"]) <= set(first) or (len(first) == 3 and first[0] in ("index", "query")):
        return "retrieval"
    expected = " nor ".join(", ".join(columns) for columns in COLUMNS.values())
    raise ValueError(f"{os.fspath(path)!r}: the first line has neither the columns {expected}, separated by tabs")


def _read(path: str | os.PathLike[str], kind: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of an evaluation file, which must be of the given kind."""
    if (found := file_kind(path)) != kind:
        raise ValueError(
            f"{os.fspath(path)!r}: expected the columns {', '.join(COLUMNS[kind])}, got a file of kind {found!r}"
        )
    return read_table(path, COLUMNS[kind], header="optional")


def _as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _score(path: str | os.PathLike[str], number: int, text: str) -> float:
    score = _as_number(text)
    if score is None or not math.isfinite(score):
        raise ValueError(f"{at_line(path, number)}: score: must be a finite number, got {text!r}")
    return score


def _questions(path: str | os.PathLike[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(answer, question) of the index and of the queries."""
    sides: dict[str, list[tuple[str, str]]] = {"index": [], "query": []}
    for number, (role, answer, question) in _read(path, "retrieval"):
        role = role.strip().casefold()
        if role not in sides:
            raise ValueError(f"{at_line(path, number)}: role: must be index or query, got {role!r}")
        sides[role].append((answer.strip(), question))
    for role, rows in sides.items():
        if not rows:
            raise ValueError(f"{os.fspath(path)!r}: there is no line of the role {role}")
    lost = {answer for answer, _ in sides["query"]} - {answer for answer, _ in sides["index"]}
    if lost:
        logger.warning("%r: no question to be found has the answers %s", os.fspath(path), ", ".join(sorted(lost)[:5]))
    return sides["index"], sides["query"]


# -----------------------------------------------------------------------------------------------------
# Records

LOG_COLUMNS = ("date", "model", "file", "n", "coverage", "pearson", "spearman", "P@1", "P@3", "P@5", "parameters")


def evaluate_file(
    wv: KeyedVectors, path: str, hybrid: float = 0.0, weighting: Any = None, tokenizer: Any = None
) -> dict[str, Any]:
    """Judge vectors by a file of either kind; the arguments are those of `evaluate_retrieval`.

    Returns
    -------
    dict
        'file', 'n', 'coverage', and 'pearson' and 'spearman', or 'P@1', 'P@3', 'P@5'.
    """
    if file_kind(path) == "sts":
        pairs = evaluate_sts(wv, path, weighting, tokenizer)
        found = {"pearson": pairs.pearson, "spearman": pairs.spearman}
        return {"file": os.path.basename(path), "n": pairs.n, "coverage": pairs.coverage, **found}
    ranks = evaluate_retrieval(wv, path, hybrid, weighting, tokenizer)
    found = {f"P@{k}": share for k, share in ranks.items()}
    return {"file": os.path.basename(path), "n": ranks.n, "coverage": ranks.coverage, **found}


def check_log(path: str) -> None:
    """Before any work: can rows be appended to this record?

    Raises
    ------
    ValueError
        Where the file has other columns.
    """
    if not os.path.exists(path):
        return
    if header_of(path) not in ([], [column.casefold() for column in LOG_COLUMNS]):
        raise ValueError(f"{path!r} is not an evaluation log: its columns are not {', '.join(LOG_COLUMNS)}")


def append_to_log(path: str, model: str, results: Iterable[dict[str, Any]], parameters: dict[str, Any]) -> None:
    """Append a row for each result to a tab-separated record, with the time and the model's parameters.

    Parameters
    ----------
    path : str
        Made, with a line of column names, where it does not exist.
    model : str
        Name of the model.
    results : iterable of dict
        As `evaluate_file` gives them.
    parameters : dict
        What JSON can hold.
    """
    common = {
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "model": model,
        "parameters": json.dumps(parameters, ensure_ascii=False),
    }
    lines = ["\t".join(_cell((common | result).get(column, "")) for column in LOG_COLUMNS) for result in results]
    with open(path, "ab") as file:
        _lock(file)  # two evaluations may end at once
        if file.seek(0, os.SEEK_END) == 0:
            lines.insert(0, "\t".join(LOG_COLUMNS))
        file.write("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else " ".join(str(value).split())


def _lock(file: Any) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    fcntl.flock(file, fcntl.LOCK_EX)
