"""Questions and their answers: the file of them, the index of it, and what is found in it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from .._files.container import kind_of
from .._search.scoring import Hits, check_hybrid
from .._text.corpus import TextLines
from .._text.packed import PackedStrings
from .._text.tables import header_of, read_table
from .._util.rows import unit_rows
from ..convert import load_vectors
from ..keyedvectors import Sent2VecKeyedVectors
from ..search import SentenceIndex
from .explain import contributions

QUESTION, ANSWER, ROLE = "question", "answer", "role"
HYBRID = 0.5  # meaning and spelling, which together find more questions than either


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
    columns = (QUESTION, ANSWER, ROLE) if ROLE in header_of(path) else (QUESTION, ANSWER)
    questions, answers = [], []
    for _, (question, answer, *roles) in read_table(path, columns):
        if (roles[0].strip().casefold() if roles else "index") == role:
            questions.append(question.strip())
            answers.append(answer.strip())
    if not questions:
        of_role = "" if role == "index" else f" of the role {role!r}"
        raise ValueError(f"{os.fspath(path)!r}: there is no question{of_role}")
    return questions, answers


def is_faq(path: str | os.PathLike[str]) -> bool:
    """Whether the first line of a text file names the columns question and answer."""
    return {QUESTION, ANSWER} <= set(header_of(path))


def is_index(path: str) -> bool:
    """Whether a file is a saved `SentenceIndex`; a ValueError or OSError where it is no file of questions either."""
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file {path!r}")
    kind = kind_of(path)
    if kind == SentenceIndex.__name__:
        return True
    try:
        if kind is None and is_faq(path):
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
        check_hybrid(hybrid)
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
        found = self.index.search_rows(queries, topn, hybrid, vectors=unit_rows(vectors))
        answers = []
        for query, is_known, hits in zip(queries, known.tolist(), found):
            if not is_known:
                hits = hits.take(hits.scores > 0)
            results = self._results(hits)
            words = contributions(self.index, query, hits.rows, hybrid) if explain else None
            for i, result in enumerate(results if words else ()):
                assert words is not None
                shares = words[1][:, i].tolist()
                result["words"] = [{"word": word, "contribution": share} for word, share in zip(words[0], shares)]
            answers.append({"known": is_known, "results": results})
        return answers

    def _results(self, hits: Hits) -> list[dict[str, Any]]:
        index, keys = self.index, self.index.keys
        lexical = [None] * len(hits.rows) if hits.lexical is None else hits.lexical.tolist()
        columns = (hits.rows.tolist(), hits.scores.tolist(), hits.cosines.tolist(), lexical)
        return [
            {
                "key": keys[row] if isinstance(keys, PackedStrings) else int(keys[row]),
                "sentence": index.sentences[row],
                "score": score,
                "cosine": cosine,
                "lexical": shared,
                "words": None,
            }
            for row, score, cosine, shared in zip(*columns)
        ]


def build_index(wv: Sent2VecKeyedVectors, path: str, **options: Any) -> SentenceIndex:
    """An index of a file of sentences: of the questions, with the answers as keys, where it has these columns."""
    if path == "-" or not is_faq(path):  # standard input can be read once
        return SentenceIndex.build(wv, TextLines(path), **options)
    questions, answers = read_faq(path)
    return SentenceIndex.build(wv, questions, keys=answers, **options)
