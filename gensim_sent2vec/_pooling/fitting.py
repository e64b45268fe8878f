"""The fitting of a sentence weighting: from word vectors, counts and some sentences to the rows of words.

What is computed stands in `gensim_sent2vec.weighting` and `gensim_sent2vec._pooling.spelling`. The words are gone
through in blocks: besides the result, little memory is needed, whatever the vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from gensim.models import KeyedVectors
from scipy import sparse

from .._text.corpus import check_sentences, sample_sentences
from .._text.vocabulary import Vocabulary
from .._util.progress import Progress
from .._util.rows import unit_rows
from .spelling import Average, Spelling, blocks_of

if TYPE_CHECKING:
    from ..weighting import SentenceWeighting

UNSEEN_COUNT = 2  # an unknown word is taken to be as frequent as one that occurs so often
UNSEEN_LENGTH = 0.5  # of its vector against those of known words: its spelling only hints at the meaning
MEANING_SHARE = 5  # with a lexical part, one number in so many is the meaning's
PLAIN_WHITENING, LEXICAL_WHITENING = -0.25, -0.5
MADE_UP = 10  # so many words cannot by chance have the counts n, n - 1 … 1, which gensim makes up for a bare file


class Fit:
    """One call of `SentenceWeighting.fit`."""

    def __init__(self, weighting: SentenceWeighting, wv: KeyedVectors, output_vectors: np.ndarray | None) -> None:
        self.weighting, self.vectors, self.output = weighting, wv.vectors, output_vectors
        self.words: Sequence[str] = wv.index_to_key
        self.vocabulary = vocabulary_of(wv)
        self.tokens = getattr(wv, "tokens", str.split)
        self.counts = word_counts(wv)
        self.total = self.counts.sum()
        self._check_sizes()
        self.meaning_dims, self.signature_dims = self._shares()
        self.weights = weighting.decay_weights(self.counts / self.total)
        for word in weighting.stop_words:
            if word in self.vocabulary:
                self.weights[self.vocabulary[word]] = 0
        self.spelling: Spelling | None = None
        if self.signature_dims or weighting.unseen_words:
            sizes = weighting.min_n, weighting.max_n
            self.spelling = Spelling.of_words(self.words, self.counts, *sizes, weighting.seed)

    def _check_sizes(self) -> None:
        n, dim = self.vectors.shape
        if self.output is not None and not self.weighting.unit_words:
            raise ValueError("output_vectors: they are used with unit_words=True only")
        if self.output is not None and self.output.shape != (n, dim):
            raise ValueError(f"output_vectors: shape {(n, dim)} is expected, got {self.output.shape}")
        if self.weighting.remove_components >= dim:
            raise ValueError(
                f"remove_components: {self.weighting.remove_components} of the {dim} dimensions would leave none"
            )

    def _shares(self) -> tuple[int, int]:
        """How many numbers are the meaning's, and how many the spelling's."""
        dim, weighting = self.vectors.shape[1], self.weighting
        if not weighting.lexical_weight:
            return dim, 0
        total = dim + weighting.lexical_dims
        if weighting.lexical_weight == 1:
            return 0, total
        meaning = min(max(1, total // MEANING_SHARE), dim - weighting.remove_components)
        return meaning, total - meaning

    def run(self, sentences: Iterable[Any], show: bool | None) -> dict[str, Any]:
        """The attributes of the fitted weighting."""
        weighting = self.weighting
        meaning_map, lexical_map, row_length = self._maps(self._sample(sentences))
        rows, average = self._rows(meaning_map, lexical_map, show)
        fitted = {
            "rows": rows,
            "weights": self.weights,
            "words": fingerprint(self.vocabulary),
            "meaning_dims": self.meaning_dims,
            "spelling": None,
        }
        if weighting.unseen_words and self.spelling is not None and average is not None:
            self.spelling.vectors = average.result()
            fitted |= {"spelling": self.spelling, "meaning_map": meaning_map, "lexical_map": lexical_map}
            fitted["row_length"] = UNSEEN_LENGTH * row_length
            fitted["unseen_weight"] = float(weighting.decay_weights(np.array([UNSEEN_COUNT / self.total]))[0])
        return fitted

    def _meaning(self, which: Any) -> np.ndarray:
        """B of some words."""
        rows = self.vectors[which].astype(np.float32)
        if self.weighting.unit_words:
            rows = unit_rows(rows)
            if self.output is not None:
                rows = unit_rows(rows + unit_rows(self.output[which].astype(np.float32)))
        return rows

    # -------------------------------------------------------------------------------------------------
    # The axes of sentences

    def _sample(self, sentences: Iterable[Any]) -> sparse.csr_matrix:
        """The weights of words in some sentences, (n_sentences, n_words), of each sentence summing up to 1."""
        check_sentences(sentences, passes=1)
        held = [
            self.tokens(s) if isinstance(s, str) else s for s in sample_sentences(sentences, self.weighting.sample_size)
        ]
        lengths = np.fromiter(map(len, held), dtype=np.int64, count=len(held))
        ends = np.concatenate([[0], np.cumsum(lengths)])
        find = self.vocabulary.table.find
        ids = np.fromiter((find(token) for token in chain.from_iterable(held)), dtype=np.int64, count=ends[-1])
        first = (np.arange(ends[-1]) - np.repeat(ends[:-1], lengths)) < np.repeat(lengths // 2, lengths)
        long = np.repeat(lengths > self.weighting.half_length, lengths)
        weights = np.where(first & long, self.weighting.first_half, 1) * np.where(ids >= 0, self.weights[ids], 0)
        matrix = sparse.csr_matrix((weights, np.maximum(ids, 0), ends), shape=(len(held), len(self.words)))
        sums = np.asarray(matrix.sum(axis=1)).ravel()
        if not sums.any():
            raise ValueError(
                f"sentences: none of {len(held)} has a word of these vectors (tokens as they were trained on are "
                "expected, or texts)"
            )
        return sparse.diags_array(1 / sums[sums > 0]).tocsr() @ matrix[sums > 0]

    def _maps(self, sample: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray, float]:
        """From B and σ to rows, as matrices, and the mean length of B."""
        weighting, lexical = self.weighting, self.weighting.lexical_weight
        used = np.unique(sample.indices)
        sample = sample[:, used].astype(np.float32)
        n, remove = sample.shape[0], weighting.remove_components

        meaning = self._meaning(used)
        if not np.isfinite(meaning).all():
            bad = used[~np.isfinite(meaning).all(axis=1)][0]
            raise ValueError(f"wv.vectors: the vector of {self.words[bad]!r} is not finite")
        power = weighting.whiten
        if power is None:
            power = 0 if lexical else PLAIN_WHITENING
        axes, scales = whitening(second_moment(sample, meaning), n, power)
        if lexical:
            kept = slice(remove, remove + self.meaning_dims)
            meaning_map = _scaled(axes[:, kept] * scales[kept], sample, meaning, 1 - lexical)
        else:
            scales[:remove] = 0
            meaning_map = axes * scales @ axes.T if power or remove else np.eye(len(axes))

        lexical_map = np.zeros((0, 0))
        if self.signature_dims:
            assert self.spelling is not None
            strings = [self.words[i] for i in used]
            parts = [
                self.spelling.signatures(*self.spelling.features(strings[block]), self.signature_dims)
                for block in blocks_of(len(strings))
            ]
            signatures = np.concatenate(parts)
            axes, scales = whitening(second_moment(sample, signatures), n, LEXICAL_WHITENING)
            lexical_map = _scaled(axes * scales, sample, signatures, lexical)
        length = float(np.sqrt(np.einsum("ij,ij->i", meaning, meaning).mean()))
        return meaning_map.astype(np.float32), lexical_map.astype(np.float32), length

    # -------------------------------------------------------------------------------------------------
    # Rows

    def _rows(
        self, meaning_map: np.ndarray, lexical_map: np.ndarray, show: bool | None
    ) -> tuple[np.ndarray, Average | None]:
        """The rows of all words, and the n-grams' averages of B where unknown words are to be spelt."""
        n, split = len(self.words), self.meaning_dims
        dtype = np.float16 if self.vectors.dtype == np.float16 else np.float32
        rows = np.empty((n, split + self.signature_dims), dtype=dtype)
        average = None
        if self.weighting.unseen_words and self.spelling is not None:
            average = Average(self.spelling, self.vectors.shape[1])
        with Progress("weighting", n, "words", show) as progress:
            for block in blocks_of(n):
                meaning = self._meaning(block)
                np.nan_to_num(meaning, copy=False)
                rows[block, :split] = meaning @ meaning_map
                if self.spelling is not None:
                    phi, hashes = self.spelling.features(self.words[block])
                    if average is not None:
                        average.add(phi, hashes, self.counts[block], meaning)
                    if self.signature_dims:
                        signatures = self.spelling.signatures(phi, hashes, self.signature_dims)
                        rows[block, split:] = signatures @ lexical_map
                progress.update(block.stop)
        return rows, average


def vocabulary_of(wv: KeyedVectors) -> Vocabulary:
    """The words of any gensim vectors as a `Vocabulary`."""
    words = wv.key_to_index
    return words if isinstance(words, Vocabulary) else Vocabulary.from_words(wv.index_to_key)


def fingerprint(vocabulary: Vocabulary) -> str:
    """Tells one vocabulary from another."""
    return f"{len(vocabulary)}-{crc32(vocabulary.blob.data, crc32(vocabulary.offsets.data)):08x}"


def word_counts(wv: KeyedVectors) -> np.ndarray:
    """How often each word occurred, as float64; a ValueError where nobody knows."""
    way_out = "load the file with fvocab=…, a file of words and counts, or set them: wv.expandos['count'] = array"
    counts = wv.expandos.get("count")
    if counts is None or len(counts) < len(wv.vectors):
        raise ValueError(f"wv: these vectors do not know how often their words occurred; {way_out}")
    counts = np.asarray(counts[: len(wv.vectors)], dtype=np.float64)
    if not np.isfinite(counts).all() or (counts < 0).any() or not counts.any():
        raise ValueError(f"wv: the counts of the words must be numbers from 0 on, and not all 0; {way_out}")
    if len(counts) >= MADE_UP and np.array_equal(counts, np.arange(len(counts), 0, -1)):
        raise ValueError(
            f"wv: the words' counts are {len(counts)}, {len(counts) - 1} … 1, which gensim makes up for a file without "
            f"counts; {way_out}"
        )
    return counts


def second_moment(sample: sparse.csr_matrix, rows: np.ndarray) -> np.ndarray:
    """The uncentred second moment of sentences at length 1: float64, (dim, dim)."""
    moment = np.zeros((rows.shape[1], rows.shape[1]))
    for block in blocks_of(sample.shape[0]):
        sentences = unit_rows(sample[block] @ rows)
        moment += sentences.T @ sentences
    return moment / sample.shape[0]


def whitening(moment: np.ndarray, n: int, power: float) -> tuple[np.ndarray, np.ndarray]:
    """The axes of a second moment of `n` sentences of length 1, greatest first, and their eigenvalues ** `power`.

    Eigenvalues are taken relative to their mean, and as if each axis had been seen in one sentence more: axes that a
    small sample never saw would be blown up.
    """
    eigenvalues, axes = np.linalg.eigh(moment)
    dim = len(moment)
    relative = dim * (n * np.maximum(eigenvalues[::-1], 0) + 1) / (n + dim)
    return axes[:, ::-1], relative**power


def _scaled(matrix: np.ndarray, sample: sparse.csr_matrix, rows: np.ndarray, share: float) -> np.ndarray:
    """A map of rows to sentences of which as many are longer than √share as shorter, where linear parts are joined."""
    rows = rows @ matrix
    lengths = np.concatenate([np.linalg.norm(sample[block] @ rows, axis=1) for block in blocks_of(sample.shape[0])])
    return matrix * (math.sqrt(share) / np.median(lengths[lengths > 0])) if lengths.any() else matrix
