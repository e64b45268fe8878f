"""Questions and their answers: the file of them, the index of it, and what is found in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._files.container import stored_kind
from .._text.corpus import TextLines
from .._text.packed import Strings
from .._util.rows import unit_rows
from ..convert import load_vectors
from ..keyedvectors import Sent2VecKeyedVectors
from ..search import SentenceIndex
from .explain import contributions

QUESTION, ANSWER, ROLE = "question", "answer", "role"
HYBRID = 0.5  # meaning and spelling, which together find more questions than either


def columns_of(path: str | os.PathLike[str]) -> list[str] | None:
    """The columns that the first line of a file names; None where questions and answers are not among them."""
    line = next(iter(TextLines(path)), "")
    names = [name.strip().casefold() for name in line.removeprefix("\ufeff").split("\t")]
    return names if {QUESTION, ANSWER} <= set(names) else None


def read_faq(path: str | os.PathLike[str], role: str = "index") -> tuple[list[str], list[str]]:
    """The questions and the answers of a file.

    Parameters
    ----------
    path : str or path-like
        UTF-8 text, compressed as its name says, tabs between its columns; the first line names them, "question" and
        "answer" among them. Blank lines are left out.
    role : str
        Which lines, where there is a column "role": "index", the questions to be found, or "query", those that search
        (see `gensim_sent2vec.evaluation.evaluate_retrieval`). Elsewhere all lines are "index".

    Raises
    ------
    ValueError
        Where it is not as described, with the line.
    """
    names = columns_of(path)
    if names is None:
        raise ValueError(
            f"{os.fspath(path)!r}: its first line does not name the columns question and answer, separated by tabs"
        )
    questions, answers = [], []
    for number, line in enumerate(TextLines(path), 1):
        fields = [field.strip() for field in line.split("\t")]
        if number == 1 or not line.strip():
            continue
        if len(fields) != len(names):
            found = f"{len(names)} columns separated by tabs are expected, got {len(fields)}"
            raise ValueError(f"{os.fspath(path)!r}, line {number:,}: {found}")
        row = dict(zip(names, fields))
        if row.get(ROLE, "index").casefold() == role:
            questions.append(row[QUESTION])
            answers.append(row[ANSWER])
    if not questions:
        of_role = "" if role == "index" else f" of the role {role!r}"
        raise ValueError(f"{os.fspath(path)!r}: there is no question{of_role}")
    return questions, answers


def is_index(path: str) -> bool:
    """Whether a file is a saved `SentenceIndex`; a ValueError or OSError where it is no file of questions either."""
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file {path!r}")
    kind = stored_kind(path)
    if kind == SentenceIndex.__name__:
        return True
    try:
        if kind is None and columns_of(path):
            return False
    except (ValueError, OSError):
        pass  # nor is it text
    raise ValueError(
        f"{path!r} is neither an index (gensim-sent2vec index MODEL CORPUS {path}) nor a text file whose first line "
        "names the columns question and answer, separated by tabs"
    )


class Faq:
    """A model and an index, ready to answer; threads may share it.

    Parameters
    ----------
    index : SentenceIndex
    hybrid : float, optional
        The share of the spelling in scores where a search does not say; by default `HYBRID` where the index has its
        lexical part, else 0.
    """

    def __init__(self, index: SentenceIndex, hybrid: float | None = None) -> None:
        self.index, self.wv = index, index.wv
        self.hybrid = (HYBRID if index.has_lexical else 0.0) if hybrid is None else hybrid
        self.check(self.hybrid)

    @classmethod
    def load(cls, model: str, index: str, hybrid: float | None = None) -> Faq:
        """From saved files, mapped read-only, with all that the first query needs.

        Raises
        ------
        ValueError, TypeError, OSError, ImportError, MemoryError
            As `load_vectors` and `SentenceIndex.load`.
        """
        faq = cls(SentenceIndex.load(index, load_vectors(model), mmap="r"), hybrid)
        if len(faq.index):
            faq.search([faq.index.sentences[0]], explain=True)  # a tokenizer loads its dictionary now
        return faq

    def check(self, hybrid: float) -> None:
        """Raise a ValueError where scores cannot be mixed so."""
        if not 0 <= hybrid <= 1:
            raise ValueError(f"hybrid: a share from 0 to 1 is expected, got {hybrid}")
        if hybrid and not self.index.has_lexical:
            raise ValueError("hybrid: the index has no lexical part; build it with --lexical, or leave hybrid at 0")

    def search(
        self, queries: Sequence[str], topn: int = 10, hybrid: float | None = None, explain: bool = False
    ) -> list[dict[str, Any]]:
        """The sentences nearest to each query.

        Returns
        -------
        list of dict
            For each query `known`, whether any word of it has a vector, and `results`, best first: dicts of `key`,
            `sentence`, `score`, its parts `cosine` and `lexical` (None without hybrid), and with `explain` `words`:
            what each word of the query contributed (`explain`; None where the query is too long).
            Of a query without known words only sentences are found that share its spelling.
        """
        hybrid = self.hybrid if hybrid is None else hybrid
        self.check(hybrid)
        vectors, known = self.wv.encode(queries, return_known=True, show_progress_bar=False)
        vectors = unit_rows(vectors)
        found = self.index.find(queries, topn, hybrid, vectors=vectors)
        answers = []
        for query, vector, is_known, (rows, scores) in zip(queries, vectors, known.tolist(), found):
            if not is_known:
                rows, scores = rows[scores > 0], scores[scores > 0]
            results = self._results(vector, rows, scores, hybrid)
            words = contributions(self.index, query, rows, hybrid) if explain else None
            for i, result in enumerate(results if words else ()):
                assert words is not None
                shares = words[1][:, i].tolist()
                result["words"] = [{"word": word, "contribution": share} for word, share in zip(words[0], shares)]
            answers.append({"known": is_known, "results": results})
        return answers

    def _results(self, vector: np.ndarray, rows: np.ndarray, scores: np.ndarray, hybrid: float) -> list[dict[str, Any]]:
        index, keys = self.index, self.index.keys
        cosines = index.vectors[rows].astype(np.float32) @ vector
        lexical: Any = [None] * len(rows)
        if hybrid:
            lexical = np.clip((scores - np.float32(1 - hybrid) * cosines) / np.float32(hybrid), 0, 1).tolist()
        columns = (rows.tolist(), scores.tolist(), cosines.tolist(), lexical)
        return [
            {
                "key": keys[row] if isinstance(keys, Strings) else int(keys[row]),
                "sentence": index.sentences[row],
                "score": score,
                "cosine": cosine,
                "lexical": spelling,
                "words": None,
            }
            for row, score, cosine, spelling in zip(*columns)
        ]


def build_index(wv: Sent2VecKeyedVectors, path: str, **options: Any) -> SentenceIndex:
    """An index of a file of sentences: of the questions, with the answers as keys, where it has these columns."""
    if path == "-" or columns_of(path) is None:  # standard input can be read once
        return SentenceIndex.build(wv, TextLines(path), **options)
    questions, answers = read_faq(path)
    return SentenceIndex.build(wv, questions, keys=answers, **options)
