"""Character n-grams of words: signatures of all words, and vectors estimated for out-of-vocabulary words.

A word w is represented by the character n-grams g of ``"<" + NFD(w) + ">"``. NFD (canonical decomposition) splits
Hangul syllables into letters and separates accents from the letters they modify. An n-gram that occurs twice in a word
is used twice, and frequent n-grams get lower weights, as in SIF (Arora et al. 2017):

    c_g = b / (b + p_g),   p_g = (1 + occurrences of g in the corpus) / tokens in the corpus,   φ_w = unit(Σ_g c_g e_g)

with e_g the basis vector of g, and unit(x) = x / |x|.

- The *signature* σ_w = unit(φ_w R) is a random projection of φ_w (Achlioptas 2003). R has a row of pseudo-random ±1 for
  each n-gram, hashed from it. Cosines of signatures approximate those of the φ_w, in any number of dimensions.
- The *estimated vector* of an out-of-vocabulary word is unit(Σ_g c_g N_g). N_g is the average vector of the known words
  that contain g, shrunk towards zero if they are few, and without its component along the average vector of all words.
  On small corpora that component dominates, and all sentences with out-of-vocabulary words would be alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from .. import _kernel
from .._text.packed import PackedStrings
from .._util.rows import unit_rows, zero_rows
from .._util.threads import slices_of

NGRAM_DECAY = 3e-3  # b
SHRINKAGE = 3.0  # weight of the zero vector in the average N_g
BLOCK = 1 << 14  # words processed at a time

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1


def _splitmix64(z: np.ndarray) -> np.ndarray:
    """The finalizer of splitmix64 (Steele, Lea, Flood 2014)."""
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def code_points(words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The code points of ``"<" + NFD(word) + ">"`` of words, end to end (uint32), and their number by word (int64)."""
    packed = words if isinstance(words, PackedStrings) else PackedStrings.from_strings(words)
    codes, sizes = _kernel.code_points(packed.blob, packed.offsets)
    return np.frombuffer(codes, np.uint32), np.frombuffer(sizes, np.int64)


def random_signs(hashes: np.ndarray, first: int, n: int, seed: int) -> np.ndarray:
    """Columns `first` to `first` + `n` of the projection matrix R, for the n-grams with these hashes.

    One 64-bit hash gives 64 columns, so that `first` must be a multiple of 64.

    Returns
    -------
    numpy.ndarray of float32, shape (len(hashes), n)
        1 or -1.
    """
    blocks = [(seed * 0x100000001 + (first // 64 + i + 1)) * _GOLDEN & _MASK for i in range(-(-n // 64))]
    bits = np.stack([_splitmix64(hashes ^ np.uint64(block)) for block in blocks], axis=1).astype("<u8")
    signs = np.unpackbits(bits.view(np.uint8), axis=1, count=n, bitorder="little").astype(np.float32)
    signs *= 2
    signs -= 1
    return signs


@dataclass(frozen=True, eq=False)
class NgramsOfWords:
    """The character n-grams of some words.

    Attributes
    ----------
    hashes : numpy.ndarray of uint64, shape (n_distinct,)
        The distinct n-grams, in ascending order.
    columns : numpy.ndarray of int32
        The positions in `hashes` of the n-grams of the first word, then those of the second, and so on.
    sizes : numpy.ndarray of int64, shape (n_words,)
        Number of n-grams of each word.
    """

    hashes: np.ndarray
    columns: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, words: Sequence[str], min_n: int, max_n: int) -> NgramsOfWords:
        """The n-grams of words with `min_n` to `max_n` code points of ``"<" + NFD(word) + ">"``."""
        found = _kernel.ngrams_of_words(*code_points(words), min_n, max_n)
        return cls(*map(np.frombuffer, found, (np.uint64, np.int32, np.int64)))

    def totals(self, counts: np.ndarray) -> np.ndarray:
        """How often each n-gram occurs in words that occur `counts` times: float64, (n_distinct,)."""
        weights = np.repeat(counts.astype(np.float64), self.sizes)
        return np.bincount(self.columns, weights=weights, minlength=len(self.hashes))


@dataclass(frozen=True, eq=False)
class CharNgrams:
    """The character n-grams of a vocabulary.

    Parameters
    ----------
    hashes : numpy.ndarray of uint64, shape (n_ngrams,)
        In ascending order.
    weights : numpy.ndarray of float32, shape (n_ngrams,)
        c_g of each n-gram.
    vectors : numpy.ndarray of float16 or float32, shape (n_ngrams, vector_size)
        N_g of each n-gram; no rows if no vectors are to be estimated.
    new_weight : float
        c_g of an n-gram that does not occur in the vocabulary.
    min_n, max_n : int
        Shortest and longest n-gram.
    seed : int
        Seed of the projection matrix R.
    """

    hashes: np.ndarray
    weights: np.ndarray
    vectors: np.ndarray
    new_weight: float
    min_n: int = 3
    max_n: int = 4
    seed: int = 1

    @classmethod
    def from_words(
        cls, words: Sequence[str], counts: np.ndarray, min_n: int, max_n: int, seed: int, block_size: int = BLOCK
    ) -> CharNgrams:
        """The n-grams of `words`, which occur `counts` times; without vectors, see `NgramAverages`."""
        blocks = [NgramsOfWords.of(words[block], min_n, max_n) for block in slices_of(len(words), block_size)]
        return cls.from_blocks(blocks, counts, min_n, max_n, seed)

    @classmethod
    def from_blocks(
        cls, blocks: Sequence[NgramsOfWords], counts: np.ndarray, min_n: int, max_n: int, seed: int
    ) -> CharNgrams:
        """The n-grams of all words of some blocks; see `from_words`."""
        ends = np.cumsum([0, *(len(block.sizes) for block in blocks)])
        totals = [block.totals(counts[begin:end]) for block, begin, end in zip(blocks, ends, ends[1:])]
        hashes, sums = np.concatenate([block.hashes for block in blocks]), np.concatenate(totals)
        if len(blocks) > 1:
            hashes, inverse = np.unique(hashes, return_inverse=True)
            sums = np.bincount(inverse, weights=sums, minlength=len(hashes))
        tokens = float(counts.sum())
        weights = NGRAM_DECAY / (NGRAM_DECAY + (1 + sums) / tokens)
        new_weight = NGRAM_DECAY / (NGRAM_DECAY + 1 / tokens)
        return cls(hashes, weights.astype(np.float32), np.zeros((0, 0), np.float16), new_weight, min_n, max_n, seed)

    def find(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The positions of n-grams in the table (int64), and whether they occur there (bool)."""
        if not len(self.hashes):
            return np.zeros(len(hashes), dtype=np.int64), np.zeros(len(hashes), dtype=bool)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return at, self.hashes[at] == hashes

    def features(self, words: NgramsOfWords) -> sparse.csr_matrix:
        """The vectors φ_w of words: float32, (n_words, n_distinct), in the columns of ``words.hashes``.

        Rows have the length 1.
        """
        at, known = self.find(words.hashes)
        weights = np.where(known, self.weights[at] if len(self.weights) else 0, np.float32(self.new_weight))
        ends = np.concatenate([[0], np.cumsum(words.sizes)])
        shape = len(words.sizes), len(words.hashes)
        columns = words.columns.copy()  # which are sorted in place
        phi = sparse.csr_matrix((weights[columns].astype(np.float32), columns, ends), shape=shape)
        phi.sum_duplicates()
        row_sizes = np.diff(phi.indptr)
        row_ids = np.repeat(np.arange(len(row_sizes)), row_sizes)
        norms = np.sqrt(np.bincount(row_ids, weights=phi.data.astype(np.float64) ** 2, minlength=len(row_sizes)))
        phi.data /= np.repeat(np.where(norms > 0, norms, 1), row_sizes).astype(np.float32)
        return phi

    def signatures(self, phi: sparse.csr_matrix, hashes: np.ndarray, dims: int) -> np.ndarray:
        """σ_w = unit(φ_w R) of φ_w in the columns of n-grams with these hashes: float32, (n_words, dims)."""
        out = np.empty((phi.shape[0], dims), dtype=np.float32)
        for first in range(0, dims, 64):
            n = min(64, dims - first)
            out[:, first : first + n] = phi @ random_signs(hashes, first, n, self.seed)
        return unit_rows(out)

    def speller(self, semantic_map: np.ndarray, lexical_map: np.ndarray) -> _kernel.Speller:
        """What computes the rows of out-of-vocabulary words, see `row_encoder`."""
        return _kernel.Speller(
            self.hashes, self.weights, self.vectors, self.new_weight, self.min_n, self.max_n, self.seed, semantic_map,
            lexical_map,
        )  # fmt: skip

    def row_encoder(self, semantic_map: np.ndarray, lexical_map: np.ndarray) -> Callable[[Sequence[str]], np.ndarray]:
        """A function that makes the rows of out-of-vocabulary words.

        Parameters
        ----------
        semantic_map : numpy.ndarray of float32, shape (vector_size, semantic_dims)
            Applied to the estimated vectors.
        lexical_map : numpy.ndarray of float32, shape (lexical_dims, lexical_dims)
            Applied to the signatures.

        Returns
        -------
        callable
            From words to float32, (n_words, semantic_dims + lexical_dims). The estimated vector is all zeros if the
            word shares no n-gram with a known word.
        """
        speller = self.speller(semantic_map, lexical_map)
        n_dims = semantic_map.shape[1] + len(lexical_map)

        def rows_of(words: Sequence[str]) -> np.ndarray:
            rows = np.empty((len(words), n_dims), dtype=np.float32)
            speller.write(*code_points(words), rows)
            return rows

        return rows_of


class NgramAverages:
    """Accumulates the averages N_g over blocks of words.

    N_g = Σ_v φ_vg √count_v B_v / (3 + Σ_v φ_vg √count_v), over the words v with vectors B_v; then its component along
    Σ_v √count_v B_v is removed.
    """

    def __init__(self, ngrams: CharNgrams, vector_size: int) -> None:
        self._ngrams = ngrams
        self._sums = zero_rows(len(ngrams.hashes), vector_size)
        self._weights = np.full(len(ngrams.hashes), SHRINKAGE, dtype=np.float32)
        self._common = np.zeros(vector_size, dtype=np.float64)

    def add(self, phi: sparse.csr_matrix, hashes: np.ndarray, counts: np.ndarray, vectors: np.ndarray) -> None:
        """Add words, given φ_w in the columns of n-grams, their counts, and their vectors (n_words, vector_size)."""
        at, _ = self._ngrams.find(hashes)
        scale = np.sqrt(counts).astype(np.float32)
        scaled = vectors * scale[:, None]
        entries = phi.indptr[1:].astype(np.int64), phi.indices.astype(np.int32, copy=False), phi.data
        _kernel.add_products(*entries, scaled, at, self._sums)
        self._weights[at] += phi.T @ scale
        self._common += scaled.sum(axis=0)

    def result(self) -> np.ndarray:
        """N_g of all n-grams: float16, (n_ngrams, vector_size). The sums are lost, so that no words can be added."""
        out = np.empty(self._sums.shape, dtype=np.float16)
        common = unit_rows(self._common[None])[0].astype(np.float32)
        for block in slices_of(len(out), BLOCK):
            averages, along = self._sums[block], np.empty(block.stop - block.start, dtype=np.float32)
            averages /= self._weights[block, None]
            _kernel.dot_rows(averages, common, along)
            averages -= along[:, None] * common
            out[block] = averages
        return out
