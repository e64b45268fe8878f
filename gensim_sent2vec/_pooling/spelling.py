"""What the spelling of a word tells: its character n-grams, the signature and the vector made of them.

A word w is taken as the character n-grams g of ``"<" + NFD(w) + ">"`` (the canonical decomposition takes Hangul
syllables apart into their letters, and accents off theirs), each as often as it stands there, times a weight that
falls with its frequency as in SIF (Arora et al. 2017):

    c_g = b / (b + p_g),   p_g = (1 + occurrences of g, by the words' counts) / tokens,   φ_w = unit(Σ c_g e_g)

- The *signature* σ_w = unit(φ_w R), R pseudo-random ±1 hashed from the n-grams: the cosines of signatures are those
  of the φ up to a random error, in as many numbers as one likes (random projection; Achlioptas 2003).
- The *spelt vector* of a word that has none of its own, unit(Σ c_g N_g): N_g is the average vector of the known words
  that have the n-gram g, drawn towards zero where there are few of them, less its share in the average of all words:
  on small corpora that share is most of it, and makes all sentences with unknown words alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from unicodedata import normalize

import numpy as np
from gensim.utils import SaveLoad
from scipy import sparse

from .. import _kernel
from .._util.rows import unit_rows

GRAM_DECAY = 3e-3  # b
PRIOR = 3.0  # N_g has this much weight of zeros in its average
BLOCK = 1 << 14  # words taken at a time

_FACTOR, _GOLDEN = np.uint64(0xD1342543DE82EF95), 0x9E3779B97F4A7C15
_MASK = 2**64 - 1


def _mixed(z: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014)."""
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def code_points(words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """``"<" + NFD(word) + ">"`` of words: code points end to end (uint32), and how many each word has (int64)."""
    texts = [normalize("NFD", word) for word in words]
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)) + 2
    text = f"<{'><'.join(texts)}>" if texts else ""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32), lengths


def character_ngrams(words: Sequence[str], min_n: int, max_n: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of the character n-grams of words.

    Parameters
    ----------
    words : sequence of str
    min_n, max_n : int
        Least and greatest length of an n-gram, in code points of ``"<" + NFD(word) + ">"``.

    Returns
    -------
    hashes : numpy.ndarray of uint64
        Of the first word's n-grams, then of the second's …
    sizes : numpy.ndarray of int64, shape (n_words,)
        How many each word has.
    """
    codes, lengths = code_points(words)
    codes = codes.astype(np.uint64)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(codes))  # characters from here to the word's end

    hashes = np.empty((len(codes), max_n - min_n + 1), dtype=np.uint64)
    h = np.zeros(len(codes), dtype=np.uint64)
    for n in range(1, max_n + 1):
        h[: max(0, len(codes) - n + 1)] *= _FACTOR
        h[: max(0, len(codes) - n + 1)] += codes[n - 1 :] + np.uint64(1)
        if n >= min_n:
            hashes[:, n - min_n] = h
    lengths_n = np.arange(min_n, max_n + 1)
    return _mixed(hashes[left[:, None] >= lengths_n]), np.maximum(lengths[:, None] - lengths_n + 1, 0).sum(axis=1)


def signs(hashes: np.ndarray, first: int, n: int, seed: int) -> np.ndarray:
    """Columns `first` to `first` + `n` (both multiples of 64, or the end) of the ±1 rows that belong to n-grams.

    Returns
    -------
    numpy.ndarray of float32, shape (len(hashes), n)
    """
    blocks = [(seed * 0x100000001 + (first // 64 + i + 1)) * _GOLDEN & _MASK for i in range(-(-n // 64))]
    bits = np.stack([_mixed(hashes ^ np.uint64(block)) for block in blocks], axis=1).astype("<u8")
    unpacked = np.unpackbits(bits.view(np.uint8), axis=1, count=n, bitorder="little")
    return unpacked.astype(np.float32) * np.float32(2) - np.float32(1)


def blocks_of(n: int) -> Iterable[slice]:
    """Slices of at most `BLOCK` items that cover `n`."""
    return (slice(i, min(i + BLOCK, n)) for i in range(0, n, BLOCK))


class Spelling(SaveLoad):
    """The character n-grams of a vocabulary, with their weights c_g.

    Parameters
    ----------
    hashes : numpy.ndarray of uint64, shape (n_ngrams,)
        Ascending.
    weights : numpy.ndarray of float32, shape (n_ngrams,)
        c_g of each.
    vectors : numpy.ndarray of float16, shape (n_ngrams, dim)
        N_g of each; (0, dim) where words are not to be spelt.
    new_weight : float
        c_g of an n-gram that is not among them.
    min_n, max_n : int
        Least and greatest length of an n-gram.
    seed : int
        Of the signatures.
    """

    def __init__(
        self,
        hashes: np.ndarray,
        weights: np.ndarray,
        vectors: np.ndarray,
        new_weight: float,
        min_n: int = 3,
        max_n: int = 4,
        seed: int = 1,
    ) -> None:
        self.hashes, self.weights, self.vectors, self.new_weight = hashes, weights, vectors, new_weight
        self.min_n, self.max_n, self.seed = min_n, max_n, seed

    @classmethod
    def of_words(cls, words: Sequence[str], counts: np.ndarray, min_n: int, max_n: int, seed: int) -> Spelling:
        """The n-grams of `words` with counts `counts`; their vectors are still to be averaged."""
        parts = []
        for block in blocks_of(len(words)):
            hashes, sizes = character_ngrams(words[block], min_n, max_n)
            parts.append(_summed(hashes, np.repeat(counts[block].astype(np.float64), sizes)))
        hashes, totals = _summed(*map(np.concatenate, zip(*parts)))
        tokens = float(counts.sum())
        weights = GRAM_DECAY / (GRAM_DECAY + (1 + totals) / tokens)
        new_weight = GRAM_DECAY / (GRAM_DECAY + 1 / tokens)
        return cls(hashes, weights.astype(np.float32), np.zeros((0, 0), np.float16), new_weight, min_n, max_n, seed)

    def places(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where n-grams stand in the table (int64), and whether they do."""
        if not len(self.hashes):
            return np.zeros(len(hashes), dtype=np.int64), np.zeros(len(hashes), dtype=bool)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return at, self.hashes[at] == hashes

    def features(self, words: Sequence[str]) -> tuple[sparse.csr_matrix, np.ndarray]:
        """The rows φ of words, over the columns of the n-grams whose hashes are returned beside them (ascending)."""
        hashes, sizes = character_ngrams(words, self.min_n, self.max_n)
        distinct, columns = np.unique(hashes, return_inverse=True)
        at, known = self.places(distinct)
        weights = np.where(known, self.weights[at] if len(self.weights) else 0, np.float32(self.new_weight))
        ends = np.concatenate([[0], np.cumsum(sizes)])
        phi = sparse.csr_matrix((weights[columns].astype(np.float32), columns, ends), shape=(len(words), len(distinct)))
        phi.sum_duplicates()
        norms = np.sqrt(np.bincount(_rows_of(phi), weights=phi.data.astype(np.float64) ** 2, minlength=len(words)))
        phi.data /= np.repeat(np.where(norms > 0, norms, 1), np.diff(phi.indptr)).astype(np.float32)
        return phi, distinct

    def signatures(self, phi: sparse.csr_matrix, hashes: np.ndarray, dims: int) -> np.ndarray:
        """σ = unit(φ R) of rows from `features`: float32, (n_words, dims)."""
        out = np.empty((phi.shape[0], dims), dtype=np.float32)
        for first in range(0, dims, 64):
            n = min(64, dims - first)
            out[:, first : first + n] = phi @ signs(hashes, first, n, self.seed)
        return unit_rows(out)

    def speller(self, meaning_map: np.ndarray, lexical_map: np.ndarray) -> Callable[[Sequence[str]], np.ndarray]:
        """What gives words that have no row one: their spelt vectors and their signatures, through a linear map each.

        Parameters
        ----------
        meaning_map : numpy.ndarray of float32, shape (dim, meaning_dims)
        lexical_map : numpy.ndarray of float32, shape (dims, dims)
            Signatures have so many numbers.

        Returns
        -------
        callable
            From words to float32, (n_words, meaning_dims + dims). Where no known word shares an n-gram, the spelt
            vector is zeros.
        """
        kernel = _kernel.Speller(
            self.hashes, self.weights, self.vectors, self.new_weight, self.min_n, self.max_n, self.seed, meaning_map,
            lexical_map,
        )  # fmt: skip
        width = meaning_map.shape[1] + len(lexical_map)

        def rows_of(words: Sequence[str]) -> np.ndarray:
            rows = np.empty((len(words), width), dtype=np.float32)
            kernel.write(*code_points(words), rows)
            return rows

        return rows_of


class Average:
    """The averages N_g, gathered block by block.

    N_g = Σ_v φ_vg √count_v B_v / (3 + Σ_v φ_vg √count_v) over the words v with vectors B_v, made perpendicular to
    Σ_v √count_v B_v.
    """

    def __init__(self, spelling: Spelling, dim: int) -> None:
        self.spelling = spelling
        self.sums = np.zeros((len(spelling.hashes), dim), dtype=np.float32)
        self.mass = np.full(len(spelling.hashes), PRIOR, dtype=np.float32)
        self.common = np.zeros(dim, dtype=np.float64)

    def add(self, phi: sparse.csr_matrix, hashes: np.ndarray, counts: np.ndarray, rows: np.ndarray) -> None:
        """Add words: their `Spelling.features`, counts, and rows (n_words, dim)."""
        at, _ = self.spelling.places(hashes)
        scale = np.sqrt(counts).astype(np.float32)
        columns, scaled = phi.T, rows * scale[:, None]
        self.sums[at] += columns @ scaled
        self.mass[at] += columns @ scale
        self.common += scaled.sum(axis=0)

    def result(self) -> np.ndarray:
        """float16, (n_ngrams, dim)."""
        out = np.empty(self.sums.shape, dtype=np.float16)
        common = unit_rows(self.common[None])[0].astype(np.float32)
        for block in blocks_of(len(out)):
            averages = self.sums[block] / self.mass[block, None]
            out[block] = averages - (averages @ common)[:, None] * common
        return out


def _rows_of(matrix: sparse.csr_matrix) -> np.ndarray:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def _summed(keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct keys, ascending, and the sums of their values."""
    distinct, inverse = np.unique(keys, return_inverse=True)
    return distinct, np.bincount(inverse, weights=values, minlength=len(distinct))
