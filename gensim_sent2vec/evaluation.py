"""Evaluation of sentence vectors: correlation with human judgments (STS), and question retrieval (P@k)."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from gensim.models import KeyedVectors
from scipy import sparse, stats

from ._search.hubs import mean_cosines, mean_lexical_scores
from ._search.scoring import check_scoring, mix
from ._search.tuning import QUESTIONS, usable_texts
from ._text.coverage import MAX_SENTENCES
from ._text.formats import CSV, TEXT, TSV
from ._text.given import PAIR, GivenTable
from ._text.labeled import question_columns, read_questions
from ._text.tables import (
    ANSWER,
    QUESTION,
    ROLE,
    ROLES,
    Column,
    Missing,
    PathOrFile,
    TableFile,
    check_missing,
    columns_logger,
    header_of,
    listed,
    read_table,
)
from ._text.tokenization import Tokenization
from ._util.appending import append_rows, cell
from ._util.atomic import is_stream
from ._util.counted import counted
from ._util.hints import with_hints
from ._util.missing import check_input
from ._util.rows import unit_rows
from .keyedvectors import Sent2VecKeyedVectors
from .lexical import LexicalScores
from .weighting import SentenceWeighting

logger = logging.getLogger(__name__)

KINDS = {
    "sts": f"sentence pairs (columns {', '.join(PAIR)})",
    "retrieval": f"questions (columns {QUESTION}, {ANSWER}, and possibly {ROLE})",
}
RANKS = (1, 3, 5)
QUERIES = 1024  # scored at a time

Encoder = Callable[[list[str]], Any]
"""Maps texts to a matrix with one row per text: an array, or a sparse matrix of scipy."""


class STSResult(NamedTuple):
    """The result of `evaluate_sts`. Fields can be accessed as attributes, by name as keys, and in this order."""

    pearson: float
    """Pearson correlation of cosines and scores, from -1 to 1."""
    spearman: float
    """Spearman rank correlation of cosines and scores, from -1 to 1."""
    n: int
    """Number of pairs."""
    coverage: float
    """Share of the tokens that are in the vocabulary, from 0 to 1; nan if a function was evaluated."""

    def __getitem__(self, key: Any) -> Any:
        return getattr(self, key) if key in self._fields else tuple.__getitem__(self, key)


class RetrievalResult(dict[int, float]):
    """The result of `evaluate_retrieval`: P@k by k.

    Attributes
    ----------
    n : int
        Number of queries.
    coverage : float
        Share of the tokens, of all questions, that are in the vocabulary; nan if a function was evaluated.
    """

    def __init__(self, precisions: dict[int, float], n: int, coverage: float) -> None:
        super().__init__(precisions)
        self.n, self.coverage = n, coverage


# -----------------------------------------------------------------------------------------------------
# Measures


@with_hints
def evaluate_sts(
    wv: KeyedVectors | Encoder, path: Source, weighting: Any = None, tokenizer: Any = None, missing: Missing = "error"
) -> STSResult:
    """Correlate cosines of sentence vectors with human judgments of how similar two sentences are.

    Parameters
    ----------
    wv : KeyedVectors or callable
        `Sent2VecKeyedVectors`, or other gensim word vectors; or a function that maps a list of the texts, as they are
        in the file, to an array or sparse matrix with one row per text. The function lets you evaluate other methods.
    path : str or path-like, or table
        A file in any format of `TextTable`, tab-separated unless its name says otherwise, with the columns score,
        sentence1, sentence2. A header is needed only if there are other columns or another order. Or a table in memory:
        a data frame or a dict of columns with these names, or a list of (sentence1, sentence2, score).
    weighting : SentenceWeighting or False, optional
        As in ``wv.encode``: by default the weighting of the vectors; False for the plain mean.
    tokenizer : str or callable, optional
        Replaces the tokenizer of the vectors.
    missing : {"error", "skip"}
        What to do with a pair of which a sentence or the score is missing (null or NaN).

    Returns
    -------
    STSResult
        If a sentence has no known words, its pair has cosine 0.

    Raises
    ------
    ValueError
        If the file is invalid (the error gives the line), or a correlation is undefined because all scores or all
        cosines are equal.
    TypeError
        If `weighting` or `tokenizer` is passed together with a function, or `path` is neither a path nor such a table.
    FileNotFoundError
        If there is no such file, with the nearest name.

    References
    ----------
    Agirre et al.: "SemEval-2012 Task 6: A Pilot on Semantic Textual Similarity", \\*SEM 2012.
    """
    check_missing(missing)
    file = _opened(path, "sts")
    scores, texts = _read_pairs(file, missing)
    if len(set(scores)) < 2:
        found = counted(len(scores), "pair")
        raise ValueError(f"{file.lines.shown}: score: expected at least two different values, got {found}")
    vectors, coverage = _encode(wv, texts, weighting, tokenizer)
    vectors = _unit_rows(vectors, np.float64)
    cosines = _row_products(vectors[::2], vectors[1::2])
    if np.ptp(cosines) == 0:
        hint = f"; {coverage:.0%} of the tokens are in the vocabulary: check the language and the tokenizer"
        raise ValueError(
            f"{file.lines.shown}: all pairs have the cosine {cosines[0]:g}{'' if math.isnan(coverage) else hint}"
        )
    pearson, spearman = stats.pearsonr(cosines, scores).statistic, stats.spearmanr(cosines, scores).statistic
    return STSResult(float(pearson), float(spearman), len(scores), coverage)


@with_hints
def evaluate_retrieval(
    wv: KeyedVectors | Encoder,
    path: Source,
    hybrid: float = 0.0,
    weighting: Any = None,
    tokenizer: Any = None,
    text: Column = QUESTION,
    key: Column = ANSWER,
    csls: float = 0.0,
    missing: Missing = "error",
) -> RetrievalResult:
    """Measure how often a query finds a question with the same answer.

    Parameters
    ----------
    wv : KeyedVectors or callable
        As in `evaluate_sts`.
    path : str or path-like, or table
        A file in any format of `TextTable`, tab-separated unless its name says otherwise, with the columns question and
        answer and possibly role: "index" for a question to be searched, "query" for a test query. Without roles, each
        question is searched for among the others, as in `SentenceWeighting.tune`: repeated questions count once, those
        with several answers are left out, and only those whose answer another one has are queries. A file without a
        header has the columns role, answer, question. Or a table in memory: a data frame or a dict of columns with
        these names, a list of (question, answer), or a `TextTable` with a key.
    hybrid : float
        Share of the lexical score in the ranking, from 0 to 1, as in `SentenceIndex.most_similar`. Lexical scores are
        fitted on the questions to be searched.
    weighting, tokenizer
        As in `evaluate_sts`.
    text, key : str or int
        The columns with the questions and the answers: their names, or numbers from 1 if there is no header.
    csls : float
        Strength of the correction for hubs, as in `SentenceIndex.most_similar`: 0 for none. Not for sparse vectors.
    missing : {"error", "skip"}
        What to do with a row whose question or answer is missing or empty.

    Returns
    -------
    RetrievalResult
        {1: P@1, 3: P@3, 5: P@5}: the share of queries with a question of the same answer among their top-k. Ties keep
        the order of the file. A query counts as not found if no question has its answer.

    Raises
    ------
    ValueError
        If the file is invalid (the error gives the line), or `hybrid` or `csls` is out of range.
    TypeError
        If `weighting` or `tokenizer` is passed together with a function, or `csls` with sparse vectors; or `path` is
        neither a path nor such a table.
    FileNotFoundError
        If there is no such file, with the nearest name.
    """
    hybrid, csls = check_scoring(hybrid, csls)
    check_missing(missing)
    questions = _read_questions(_opened(path, "retrieval"), text, key, missing)
    vectors, coverage = _encode(wv, questions.texts, weighting, tokenizer)
    vectors = _unit_rows(vectors, np.float32)
    if csls and sparse.issparse(vectors):
        raise TypeError("csls: expected a function that returns an array, got a sparse matrix; use csls=0")
    searched = vectors[: questions.n_searched]
    lexical = penalty = None
    if hybrid:
        lexical = LexicalScores.fit(questions.texts[: questions.n_searched], factors=_ngram_factors(wv, weighting))
    if csls:
        penalty = np.float32(csls * (1 - hybrid)) * mean_cosines(np.ascontiguousarray(searched))
        if lexical is not None:
            penalty += np.float32(csls * hybrid) * mean_lexical_scores(lexical)
    correct = []
    for first in range(0, len(questions.queries), QUERIES):
        rows = questions.queries[first : first + QUERIES]
        scores = vectors[rows] @ searched.T
        scores = scores.toarray() if sparse.issparse(scores) else scores
        if lexical is not None:
            for cosines, row in zip(scores, rows.tolist()):
                cosines[:] = mix(cosines, lexical.scores(questions.texts[row]), hybrid)
        if penalty is not None:
            scores -= penalty
        is_own = rows < questions.n_searched  # a question does not find itself
        scores[np.flatnonzero(is_own), rows[is_own]] = -np.inf
        top = np.argsort(-scores, axis=1, kind="stable")[:, : max(RANKS)]
        correct.append(questions.answers[top] == questions.answers[rows][:, None])
    hits = np.concatenate(correct)
    precisions = {k: float(hits[:, :k].any(axis=1).mean()) for k in RANKS}
    return RetrievalResult(precisions, len(hits), coverage)


def _encode(wv: Any, texts: list[str], weighting: Any, tokenizer: Any) -> tuple[Any, float]:
    """The vectors of texts, and the share of their tokens that are in the vocabulary."""
    if callable(wv) and not isinstance(wv, type):
        if weighting is not None or tokenizer is not None:
            raise TypeError("weighting, tokenizer: not allowed with a function, which takes the texts as they are")
        return wv(texts), math.nan
    if not isinstance(wv, Sent2VecKeyedVectors):
        wv = Sent2VecKeyedVectors.from_keyed_vectors(wv)
    tokens = list(Tokenization(wv.tokenizer if tokenizer is None else tokenizer, wv.phrases).stream(texts))
    known = [token in wv.key_to_index for sentence in tokens for token in sentence]
    wv._look_at(tokens[:: 1 + len(tokens) // MAX_SENTENCES])
    return wv.encode(tokens, weighting=weighting, show_progress_bar=False), sum(known) / max(1, len(known))


def _ngram_factors(wv: Any, weighting: Any) -> Any:
    """The factors of lexical scores, if the weighting that is used was tuned."""
    used = getattr(wv, "weighting", None) if weighting is None else weighting
    return used.ngram_factors if isinstance(used, SentenceWeighting) else None


def _unit_rows(vectors: Any, dtype: Any) -> Any:
    """Rows, dense or sparse, scaled to unit length; zeros stay zeros."""
    if not sparse.issparse(vectors):
        return unit_rows(np.asarray(vectors, dtype=dtype))
    vectors = vectors.tocsr().astype(dtype)
    norms = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    return sparse.diags(1 / np.where(norms > 0, norms, 1)) @ vectors


def _row_products(left: Any, right: Any) -> np.ndarray:
    """The inner product of each row of `left` with the same row of `right`."""
    if sparse.issparse(left):
        return np.asarray(left.multiply(right).sum(axis=1)).ravel()
    return np.einsum("ij,ij->i", left, right)


# -----------------------------------------------------------------------------------------------------
# Files

Source = PathOrFile | Any
"""A path, or a table in memory: see `GivenTable.of`."""


def _opened(source: Source, kind: str) -> TableFile:
    if isinstance(source, TableFile):
        return source
    if not isinstance(source, (str, os.PathLike)):
        return GivenTable.of(source, "path", kind)
    check_input(source, "path", f"a table of {KINDS[kind]}")
    return TableFile(source)


@with_hints
def file_kind(path: Source, text: Column = QUESTION, key: Column = ANSWER) -> str:
    """Determine the kind of an evaluation file from its first line, or of a table in memory from its columns.

    Parameters
    ----------
    path : str or path-like, or table with named columns
        As in `evaluate_retrieval`.
    text, key : str or int
        As in `evaluate_retrieval`.

    Returns
    -------
    str
        "sts" for sentence pairs, "retrieval" for questions and answers.

    Raises
    ------
    ValueError
        If the file is of neither kind.
    """
    file = _opened(path, "sts")
    names = file.names
    is_bare = len(names) == len(PAIR) and file.format in (TEXT, TSV, CSV) and _to_float(names[0]) is not None
    if set(PAIR) <= set(names) or is_bare:
        return "sts"
    if question_columns(file, text, key) is not None:
        return "retrieval"
    where = "the table" if isinstance(file, GivenTable) else "the first line"
    tabs = ", separated by tabs" if file.format in (TEXT, TSV) else ""
    found = f" but {listed(file.records.columns)}" if names else ""
    raise ValueError(
        f"{file.lines.shown}: {where} has neither the columns {', '.join(PAIR)} nor {QUESTION}, {ANSWER} (and "
        f"possibly {ROLE}){tabs}{found}; if questions and answers have other names, pass text= and key= (--column, "
        "--key)"
    )


def _check_kind(file: TableFile, kind: str, text: Column = QUESTION, key: Column = ANSWER) -> None:
    if (found := file_kind(file, text, key)) != kind:
        raise ValueError(f"{file.lines.shown}: expected {KINDS[kind]}, got {KINDS[found]}")


def _read_pairs(file: TableFile, missing: Missing) -> tuple[np.ndarray, list[str]]:
    """The scores of sentence pairs, shape (n,) float64, and their sentences, two per pair."""
    _check_kind(file, "sts")
    scores: list[float] = []
    texts: list[str] = []
    for number, (text, *pair) in read_table(file, PAIR, header="optional", missing=missing):
        score = _to_float(text)
        if score is None or not math.isfinite(score):
            raise ValueError(f"{file.records.at(number)}: score: must be a finite number, got {text!r}")
        scores.append(score)
        texts += pair
    return np.array(scores), texts


def _to_float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


class _Questions(NamedTuple):
    """Questions with their answers: `texts` of which the first `n_searched` are searched for each of the `queries`."""

    texts: list[str]
    answers: np.ndarray
    n_searched: int
    queries: np.ndarray


def _read_questions(file: TableFile, text: Column, key: Column, missing: str) -> _Questions:
    """The questions to be searched, followed by the queries; the same ones if the table has no roles."""
    _check_kind(file, "retrieval", text, key)
    columns = question_columns(file, text, key)
    assert columns is not None
    rows = list(read_questions(file, columns, missing))
    if columns.role is None:
        columns_logger.info(
            "%s has no column %r: each question is searched for among the others", file.lines.shown, ROLE
        )
        texts, codes = usable_texts([row.question for row in rows], [row.answer for row in rows], QUESTIONS, 1)
        return _Questions(texts, codes, len(texts), np.flatnonzero(np.bincount(codes)[codes] > 1))
    by_role = {role: [row for row in rows if row.role == role] for role in ROLES}
    for role, found in by_role.items():
        if not found:
            raise ValueError(
                f"{file.lines.shown}: no line has the role {role!r}; without a column of roles, each "
                "question is searched for among the others"
            )
    index, queries = by_role["index"], by_role["query"]
    unanswered = {row.answer for row in queries} - {row.answer for row in index}
    if unanswered:
        names = ", ".join(sorted(unanswered)[:5])
        logger.warning("%s: queries have answers that no index question has: %s", file.lines.shown, names)
    both = [*index, *queries]
    numbers = np.arange(len(index), len(both))
    return _Questions([row.question for row in both], np.array([row.answer for row in both]), len(index), numbers)


# -----------------------------------------------------------------------------------------------------
# Logs

LOG_COLUMNS = ("date", "model", "file", "n", "coverage", "pearson", "spearman", "P@1", "P@3", "P@5", "parameters")


@with_hints
def evaluate_file(
    wv: KeyedVectors,
    path: str | os.PathLike[str],
    hybrid: float = 0.0,
    weighting: Any = None,
    tokenizer: Any = None,
    text: Column | None = None,
    key: Column | None = None,
    format: str | None = None,
    csls: float = 0.0,
    missing: Missing = "error",
) -> dict[str, Any]:
    """Evaluate vectors on a file of either kind.

    The arguments are those of `evaluate_retrieval`, and `format` is that of `TextTable`.

    Returns
    -------
    dict
        'file', 'n', 'coverage'; and 'pearson' and 'spearman', or 'P@1', 'P@3' and 'P@5'.

    Raises
    ------
    ValueError
        As `evaluate_sts` and `evaluate_retrieval` do, or if `text` or `key` is passed with a file of pairs.
    TypeError, FileNotFoundError
        If `path` is not a path, or there is no such file.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"path: expected a path, got {type(path).__name__}; evaluate_sts and evaluate_retrieval take tables, too"
        )
    check_input(path, "path", "a table of sentence pairs or of questions")
    name, file = os.path.basename(path), TableFile(path, format)
    columns = (text or QUESTION, key or ANSWER)
    if file_kind(file, *columns) == "sts":
        if text is not None or key is not None:
            raise ValueError(
                f"text, key (--column, --key): {file.lines.shown} has pairs, whose columns are "
                f"{', '.join(PAIR)}; pass these options with files of questions only"
            )
        sts = evaluate_sts(wv, file, weighting, tokenizer, missing)
        return {"file": name, "n": sts.n, "coverage": sts.coverage, "pearson": sts.pearson, "spearman": sts.spearman}
    found = evaluate_retrieval(wv, file, hybrid, weighting, tokenizer, *columns, csls, missing)
    return {"file": name, "n": found.n, "coverage": found.coverage, **{f"P@{k}": value for k, value in found.items()}}


@with_hints
def check_log(path: str) -> None:
    """Check that results can be appended to a file, before they are computed. A new or empty file is fine.

    Raises
    ------
    ValueError
        If the file is not a log of `append_to_log`.
    """
    if not os.path.exists(path) or is_stream(path):
        return
    if header_of(path, TSV) not in ([], [column.casefold() for column in LOG_COLUMNS]):
        raise ValueError(f"{path!r} is not an evaluation log: its columns are not {', '.join(LOG_COLUMNS)}")


@with_hints
def append_to_log(path: str, model: str, results: Iterable[dict[str, Any]], parameters: dict[str, Any]) -> None:
    """Append results to a tab-separated log, one row each, with the time and the parameters of the model.

    Parameters
    ----------
    path : str
        Created, with a header, if it does not exist.
    model : str
        Name of the model.
    results : iterable of dict
        As `evaluate_file` returns them.
    parameters : dict
        Anything that can be converted to JSON.
    """
    common = {
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "model": model,
        "parameters": json.dumps(parameters, ensure_ascii=False),
    }
    lines = ["\t".join(_cell((common | result).get(column, "")) for column in LOG_COLUMNS) for result in results]
    # Names of files need not be UTF-8; the log must be.
    header, rows = (
        "".join(f"{line}\n" for line in part).encode("utf-8", "backslashreplace")
        for part in (["\t".join(LOG_COLUMNS)], lines)
    )
    if is_stream(path):
        with open(path, "wb") as stream:
            stream.write(header + rows)
        return
    append_rows(path, header, rows)  # two evaluations may finish at the same time


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else cell(value)
