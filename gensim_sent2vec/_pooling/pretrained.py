"""The pretrained part of sentence vectors: rows of words from other, pretrained vectors.

Pretrained static vectors (model2vec, wordllama, GloVe, fastText) know words that a small corpus has rarely or not at
all. The row q_w of a word is the sum of the rows of its subwords as they are, because their lengths are the weights of
the words; the decay ω_w is not applied, so that a sentence has x_p = Σ q_w. With π = `pretrained_weight` and the parts
x_s and x_l of `gensim_sent2vec.weighting`, the sentence vector

    [√((1 - π)(1 - λ)) unit(x_s Q) ; √((1 - π) λ) unit(x_l T) ; √π unit(x_p)]

has a third part. As the kernel computes Σ ω_w r_w, the stored row is q_w / ω_w. Three details of q_w matter; the
figures are what they add to the mean Pearson's r of 13 English STS sets:

- Our words are often lower-cased. A word is looked up as it is, capitalized and lower-cased, and the spelling with the
  fewest subwords counts: "obama" is four pieces in a vocabulary that has "Obama", and pieces mean little (0.003).
- Punctuation is left out (0.002).
- What the corpus says of a word is translated into the other space, and added: q_w + l B_w A, with A the ridge
  regression from our vectors B_w to the directions of q_w, over frequent words of one subword, and l the mean length of
  their q_w. Where the corpus is too small to predict q_w, A is small (0.004 with 8 million tokens, 0 with 15,000).

An out-of-vocabulary word gets its row from its subwords alone.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from .._text.vocabulary import Vocabulary
from .._util.parameters import check_float
from .._util.subwords import SubwordTokenizer
from .._util.threads import slices_of
from .spelling import BLOCK

PUNCTUATION = ("P", "Sk", "Sm", "Sc", "Z", "C")  # Unicode categories; "So" has emoji, which mean something
RIDGE = 100.0  # regularization of the translation: it acts like this many words with a zero vector
_PIECES = re.compile(r"[^\W_]+")
VOCABULARY = ("blob", "offsets", "slots")


@dataclass(frozen=True, eq=False)
class PretrainedRows:
    """Rows of any words, from pretrained vectors.

    Parameters
    ----------
    vectors : numpy.ndarray of float32 or float16, shape (n_subwords, dim)
    vocabulary : Vocabulary
        The subwords, or the words of pretrained word vectors.
    tokenizer : SubwordTokenizer or None
        Splits words into subwords; None: words are looked up as they are, or else their letters and digits.
    delimiter : str
        Joins words into phrases, which are looked up word by word; empty: nothing does.
    scale : float
        Factor of the rows, which matters only if the parts of a sentence vector are not scaled to their lengths.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """

    vectors: np.ndarray
    vocabulary: Vocabulary
    tokenizer: SubwordTokenizer | None
    delimiter: str = ""
    scale: float = 1.0

    def __post_init__(self) -> None:
        shape = self.vectors.shape
        if (
            self.vectors.dtype not in ("f4", "f2")
            or len(shape) != 2
            or shape[0] != len(self.vocabulary)
            or not shape[1]
        ):
            raise ValueError(
                f"pretrained: expected float32 or float16 vectors of {len(self.vocabulary):,} words, got "
                f"{self.vectors.dtype} of shape {shape}"
            )

    @property
    def dims(self) -> int:
        return int(self.vectors.shape[1])

    def subwords_of(self, words: Sequence[str]) -> sparse.csr_matrix:
        """How often words contain the subwords: float32, (n_words, n_subwords).

        The rows of punctuation, and of words without a known subword, are empty.
        """
        ids, ends = self._ids_of(words)
        ones = np.ones(len(ids), dtype=np.float32)
        return sparse.csr_matrix((ones, ids, ends), shape=(len(words), len(self.vocabulary)))

    def sums(self, subwords: sparse.csr_matrix) -> np.ndarray:
        """Sums of the rows of subwords, as returned by `subwords_of`: float32, (n_words, dim)."""
        used, columns = np.unique(subwords.indices, return_inverse=True)
        part = sparse.csr_matrix((subwords.data, columns, subwords.indptr), shape=(subwords.shape[0], len(used)))
        return part @ self.vectors[used].astype(np.float32) * np.float32(self.scale)

    def rows_of(self, words: Sequence[str]) -> np.ndarray:
        """q_w of words from their subwords alone: float32, (n_words, dim)."""
        return self.sums(self.subwords_of(words))

    def astype(self, dtype: Any) -> PretrainedRows:
        """A copy with vectors of another precision."""
        return replace(self, vectors=self.vectors.astype(dtype))

    def _ids_of(self, words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the subwords of all words, end to end, and where each word starts and ends."""
        spellings: list[str] = []
        of_word: list[int] = []
        for number, word in enumerate(words):
            if not is_punctuation(word):
                text = word.replace(self.delimiter, " ") if self.delimiter else word
                distinct = dict.fromkeys((text, text.capitalize(), text.lower()))
                spellings.extend(distinct)
                of_word.extend([number] * len(distinct))
        best: dict[int, list[int]] = {}
        for number, ids in zip(of_word, self._lookup(spellings)):
            if number not in best or (ids.count(-1), len(ids)) < (best[number].count(-1), len(best[number])):
                best[number] = ids
        lists = [[i for i in best.get(number, ()) if i >= 0] for number in range(len(words))]
        ends = np.cumsum([0, *map(len, lists)])
        return np.fromiter((i for ids in lists for i in ids), dtype=np.int64, count=ends[-1]), ends

    def _lookup(self, spellings: Sequence[str]) -> list[list[int]]:
        """Ids of the subwords of each text, -1 for unknown ones."""
        find = self.vocabulary.table.find
        if self.tokenizer is not None:
            pieces = self.tokenizer.of_words(spellings)
        else:
            pieces = [[text] if find(text) >= 0 else _PIECES.findall(text) or [text] for text in spellings]
        return [[find(piece) if piece else -1 for piece in of_text] or [-1] for of_text in pieces]

    # -------------------------------------------------------------------------------------------------
    # Files

    def to_arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays by name, and facts that JSON can store; see `from_arrays`."""
        arrays = {"pretrained_vectors": self.vectors}
        arrays |= {f"pretrained_{name}": getattr(self.vocabulary, name) for name in VOCABULARY}
        facts: dict[str, Any] = {"delimiter": self.delimiter, "scale": self.scale, "tokenizer": None}
        if self.tokenizer is not None:
            arrays["pretrained_tokenizer"] = self.tokenizer.definition
            facts["tokenizer"] = self.tokenizer.options
        return arrays, facts

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], facts: Any) -> PretrainedRows:
        """The rows that `to_arrays` was called on; arrays are shared, and may be mapped read-only.

        Raises
        ------
        KeyError
            If an array or a fact is missing.
        TypeError, ValueError
            If one is invalid, or they do not fit together.
        """
        if not isinstance(facts, dict) or not isinstance(facts["delimiter"], str):
            raise ValueError(f"weighting: invalid facts of the pretrained part, {facts!r:.80}")
        vocabulary = Vocabulary.from_arrays(**{name: arrays[f"pretrained_{name}"] for name in VOCABULARY})
        tokenizer = None
        if facts["tokenizer"] is not None:
            tokenizer = SubwordTokenizer(arrays["pretrained_tokenizer"], **facts["tokenizer"])
        return cls(
            arrays["pretrained_vectors"],
            vocabulary,
            tokenizer,
            facts["delimiter"],
            check_float("scale", facts["scale"]),
        )


def is_punctuation(word: str) -> bool:
    """Whether a word has only punctuation, symbols and spaces."""
    return not word.isalnum() and all(unicodedata.category(character).startswith(PUNCTUATION) for character in word)


# -----------------------------------------------------------------------------------------------------
# Fitting


def fitted_part(
    pretrained: PretrainedRows,
    words: Sequence[str],
    vectors_of: Callable[[Any], np.ndarray],
    weights: np.ndarray,
    used: np.ndarray,
    means: Callable[[np.ndarray], np.ndarray],
    share: float,
) -> tuple[PretrainedRows, Callable[[slice, np.ndarray], np.ndarray]]:
    """The pretrained part of the rows of words.

    Parameters
    ----------
    words : sequence of str
    vectors_of : callable
        From ids or a slice of the words to B_w: float32, (n, vector_size).
    weights : numpy.ndarray of float32, shape (n_words,)
        ω_w.
    used : numpy.ndarray of int64, shape (n_used,)
        The words of a sample of sentences.
    means : callable
        From rows of these to their weighted means over the sentences: float32, (n_sentences, dim).
    share : float
        π. The median length of x_p is scaled to its root.

    Returns
    -------
    pretrained : PretrainedRows
        With its scale.
    rows_of : callable
        From a slice of the words, and their B_w, to q_w / ω_w: float32, (n, dim).

    Raises
    ------
    ValueError
        If the pretrained vectors know no word of the sentences.
    """
    subwords = sparse.vstack([pretrained.subwords_of(words[block]) for block in slices_of(len(words), BLOCK)]).tocsr()
    has_row = np.diff(subwords.indptr) > 0
    not_punctuation = has_row | ~np.fromiter(map(is_punctuation, words), dtype=bool, count=len(words))
    pretrained = replace(pretrained, scale=1.0)
    frequent = np.flatnonzero(np.diff(subwords.indptr[: BLOCK + 1]) == 1)
    translation = translate(vectors_of(frequent), pretrained.sums(subwords[frequent]))

    def rows_of(ids: Any, vectors: np.ndarray, scale: float) -> np.ndarray:
        rows = pretrained.sums(subwords[ids]) + vectors @ translation * not_punctuation[ids, None]
        return per_weight(rows * np.float32(scale), weights[ids])

    if not has_row[used].any():
        raise ValueError(
            "pretrained: these vectors know no word of the sentences; are they of another language, or split otherwise?"
        )
    lengths = np.linalg.norm(means(rows_of(used, vectors_of(used), 1.0)), axis=1)
    scale = math.sqrt(share) / float(np.median(lengths[lengths > 0])) if lengths.any() else 1.0
    return replace(pretrained, scale=scale), lambda block, vectors: rows_of(block, vectors, scale)


def translate(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """l A, the ridge regression from vectors B_w to directions of rows q_w, times their mean length: (d, dim).

    A word without a direction is left out; without any word, the result is zero.
    """
    usable = np.isfinite(vectors).all(axis=1) & rows.any(axis=1)
    vectors, rows = vectors[usable].astype(np.float64), rows[usable].astype(np.float64)
    if not len(rows):
        return np.zeros((vectors.shape[1], rows.shape[1]), dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1)
    moment = vectors.T @ vectors + RIDGE * np.eye(vectors.shape[1])
    a = np.linalg.solve(moment, vectors.T @ (rows / lengths[:, None]))
    return (lengths.mean() * a).astype(np.float32)


def per_weight(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rows divided by the weights that the kernel multiplies them by; zeros if the weight is 0."""
    return rows * np.divide(1, weights, out=np.zeros_like(weights), where=weights > 0)[:, None]
