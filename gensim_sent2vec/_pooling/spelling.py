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

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .. import _kernel
from .._text.packed import PackedStrings
from .._util.rows import unit_rows, zero_rows
from .._util.threads import slices_of

NGRAM_DECAY = 3e-3  # b
SHRINKAGE = 3.0  # weight of the zero vector in the average N_g
BLOCK = 1 << 14  # words processed at a time


def _packed(words: Sequence[str]) -> PackedStrings:
    return words if isinstance(words, PackedStrings) else PackedStrings.from_strings(words)


def code_points(words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The code points of ``"<" + NFD(word) + ">"`` of words, end to end (uint32), and their number by word (int64)."""
    packed = _packed(words)
    codes, sizes = _kernel.code_points(packed.blob, packed.offsets)
    return np.frombuffer(codes, np.uint32), np.frombuffer(sizes, np.int64)


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
        """The n-grams of `words`, which occur `counts` times; without vectors, see `KnownWords`."""
        counter, packed = _kernel.NgramCounter(min_n, max_n), _packed(words)
        for block in slices_of(len(packed), block_size):
            counter.add(*code_points(packed.part(block)), counts[block].astype(np.float64, copy=False))
        hashes, totals = map(np.frombuffer, counter.export(), (np.uint64, np.float64))
        tokens = float(counts.sum())
        weights = NGRAM_DECAY / (NGRAM_DECAY + (1 + totals) / tokens)
        new_weight = NGRAM_DECAY / (NGRAM_DECAY + 1 / tokens)
        return cls(hashes, weights.astype(np.float32), np.zeros((0, 0), np.float16), new_weight, min_n, max_n, seed)

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


class KnownWords:
    """Computes the signatures of known words, and on the way the averages N_g.

    N_g = Σ_v φ_vg √count_v B_v / (3 + Σ_v φ_vg √count_v), over the words v with vectors B_v; then its component along
    Σ_v √count_v B_v is removed.

    Parameters
    ----------
    ngrams : CharNgrams
    vector_size : int
        0: compute signatures only.
    """

    def __init__(self, ngrams: CharNgrams, vector_size: int) -> None:
        n = len(ngrams.hashes)
        self._common = np.zeros(vector_size, dtype=np.float64)
        self._kernel = _kernel.NgramSums(
            ngrams.hashes, ngrams.weights, ngrams.min_n, ngrams.max_n, ngrams.seed,
            zero_rows(n, vector_size), np.full(n, SHRINKAGE, dtype=np.float32),
        )  # fmt: skip

    def add(self, words: Sequence[str], counts: np.ndarray, vectors: np.ndarray, signatures: np.ndarray) -> None:
        """Add words, and write their signatures.

        Parameters
        ----------
        words : sequence of str
        counts : numpy.ndarray, shape (n_words,)
        vectors : numpy.ndarray of float32, shape (n_words, vector_size)
        signatures : numpy.ndarray of float32, shape (n_words, signature_dims)
            Where they are written.
        """
        scales = np.sqrt(counts).astype(np.float32)
        vectors = vectors[:, : len(self._common)]
        self._kernel.add(*code_points(words), scales, vectors, signatures)
        self._common += np.einsum("i,ij->j", scales, vectors)

    def averages(self, mean_length: float) -> np.ndarray:
        """N_g of all n-grams: float16, (n_ngrams, vector_size).

        Only their directions count. So they are scaled by a power of two that brings vectors of `mean_length` near to
        length 1; otherwise those of very long or short vectors would not fit into float16.
        """
        common = unit_rows(self._common[None])[0].astype(np.float32)
        exponent = round(math.log2(mean_length)) if 0 < mean_length < math.inf else 0
        return self._kernel.averages(common, 2.0**-exponent)
