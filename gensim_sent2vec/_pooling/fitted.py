"""What the fitting of a sentence weighting finds, as values and as the arrays and facts that are stored in files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from .. import _kernel
from .._text.vocabulary import Vocabulary
from .._util.counted import counted
from .._util.parameters import check_float, check_int
from .._util.rows import sample
from .parameters import WeightingParameters
from .pretrained import PretrainedRows, per_weight
from .spelling import CharNgrams

# From words to their rows, float32 (n_words, n_dims), and their weights, float32 (n_words,).
WordEncoder = Callable[[Sequence[str]], tuple[np.ndarray, np.ndarray]]

FLOAT32 = ("float32",)
FLOATS = ("float32", "float16")
LONE_WEIGHT = 1.0  # of out-of-vocabulary words that only the pretrained vectors know
SOURCE_TOLERANCE = 1e-3  # of values, relative to the largest: float16 rounds by half as much

HOW_TO_REFIT = (
    "fit it again (wv.weighting = SentenceWeighting().fit(wv, sentences)), for which a sample of the texts that you "
    "encode will do; or, without sentences, use plain means (weighting=False, or wv.weighting = None)"
)


@dataclass(frozen=True, eq=False)
class UnseenWords:
    """How out-of-vocabulary words get rows and weights from their character n-grams.

    Parameters
    ----------
    ngrams : CharNgrams
        With vectors N_g.
    semantic_map : numpy.ndarray of float32, shape (vector_size, semantic_dims)
        Applied to the estimated vectors of words.
    lexical_map : numpy.ndarray of float32, shape (lexical_dims, lexical_dims)
        Applied to the signatures of words.
    row_length : float
        Length of the estimated vectors, before the map.
    weight : float
        Weight of each word.
    """

    ngrams: CharNgrams
    semantic_map: np.ndarray
    lexical_map: np.ndarray
    row_length: float
    weight: float

    def cache(self, capacity: int, stop_words: Collection[str]) -> _kernel.UnseenRows:
        """A cache of rows that `_kernel.Encoder` fills by itself, as far as it can."""
        speller = self.ngrams.speller(self.semantic_map * np.float32(self.row_length), self.lexical_map)
        n_dims = self.semantic_map.shape[1] + len(self.lexical_map)
        return _kernel.UnseenRows(n_dims, capacity, speller, self.weight, stop_words)

    def encoder(self, stop_words: Collection[str]) -> WordEncoder:
        """A function from words to rows and weights; the weight is 0 for stop words and for rows of zeros."""
        rows_of = self.ngrams.row_encoder(self.semantic_map * np.float32(self.row_length), self.lexical_map)
        weight = np.float32(self.weight)

        def encode(words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
            rows = rows_of(words)
            weights = np.where(rows.any(axis=1), weight, np.float32(0))
            if stop_words:
                weights[[word in stop_words for word in words]] = 0
            return rows, weights

        return encode


@dataclass(frozen=True, eq=False)
class NgramFactors:
    """Factors of character n-grams in lexical scores, from tuning; see `gensim_sent2vec.lexical.LexicalScores`.

    Parameters
    ----------
    hashes : numpy.ndarray of uint64, shape (n,)
        In ascending order.
    values : numpy.ndarray of float32, shape (n,)
        The factor of each n-gram, greater than 0; n-grams that are not listed have the factor 1.
    """

    hashes: np.ndarray
    values: np.ndarray

    def of(self, hashes: np.ndarray) -> np.ndarray:
        """The factors of n-grams: float32, (n,)."""
        at = np.minimum(np.searchsorted(self.hashes, hashes), max(0, len(self.hashes) - 1))
        if not len(self.hashes):
            return np.ones(len(hashes), dtype=np.float32)
        return np.where(self.hashes[at] == hashes, self.values[at], np.float32(1))

    def times(self, other: NgramFactors) -> NgramFactors:
        """The products of both."""
        hashes = np.union1d(self.hashes, other.hashes)
        return NgramFactors(hashes, self.of(hashes) * other.of(hashes))


@dataclass(frozen=True, eq=False)
class FittedWeighting:
    """The result of fitting a sentence weighting.

    Parameters
    ----------
    weights : numpy.ndarray of float32, shape (n_words,)
        Weights of the words.
    rows : numpy.ndarray of float32 or float16, shape (n_words, n_dims), or None
        Rows of the words; None: the word vectors themselves (after `bake`).
    vocabulary : str
        `fingerprint` of the vocabulary that the weights and rows belong to.
    semantic_dims : int
        How many leading dimensions of a row are its semantic part. The others are its lexical and pretrained part.
    unseen : UnseenWords or None
        None: out-of-vocabulary words have no semantic and lexical part.
    pretrained_dims : int
        How many last dimensions of a row are its pretrained part.
    pretrained : PretrainedRows or None
        The source of the pretrained parts of out-of-vocabulary words.
    source : numpy.ndarray of float32, or None
        The `sample` of the word vectors that it was fitted on; None if unknown. It is not stored in files.
    ngram_factors : NgramFactors or None
        Factors of lexical scores, from tuning.
    tuning : mapping, optional
        The scores of tuning, as JSON can store them.

    Raises
    ------
    ValueError
        If the arrays do not fit together.
    """

    weights: np.ndarray
    rows: np.ndarray | None
    vocabulary: str
    semantic_dims: int
    unseen: UnseenWords | None = None
    source: np.ndarray | None = None
    pretrained_dims: int = 0
    pretrained: PretrainedRows | None = None
    ngram_factors: NgramFactors | None = None
    tuning: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        n_words = _words_in(self.vocabulary)
        _check_array("weights", self.weights, (n_words,), FLOAT32)
        n_dims = self.rows.shape[-1] if self.rows is not None and self.rows.ndim else 0
        if self.rows is not None:
            _check_array("rows", self.rows, (n_words, n_dims), FLOATS)
        if self.pretrained is not None and (self.rows is None or self.pretrained.dims != self.pretrained_dims):
            raise ValueError(f"weighting: the pretrained vectors must have {self.pretrained_dims} dimensions, and rows")
        if self.ngram_factors is not None:
            hashes, values = self.ngram_factors.hashes, self.ngram_factors.values
            _check_array("tuned_ngrams", hashes, (hashes.size,), ("uint64",))
            _check_array("tuned_factors", values, (hashes.size,), FLOAT32)
        if self.unseen is None:
            return
        if self.rows is None:
            raise ValueError("weighting: rows are missing, but required for out-of-vocabulary words")
        ngrams, lexical_dims = self.unseen.ngrams, n_dims - self.semantic_dims - self.pretrained_dims
        n_ngrams, vector_size = ngrams.hashes.size, self.unseen.semantic_map.shape[:1]
        _check_array("ngram_hashes", ngrams.hashes, (n_ngrams,), ("uint64",))
        _check_array("ngram_weights", ngrams.weights, (n_ngrams,), FLOAT32)
        _check_array("ngram_vectors", ngrams.vectors, (n_ngrams, *vector_size), FLOATS)
        _check_array("meaning_map", self.unseen.semantic_map, (*vector_size, self.semantic_dims), FLOAT32)
        _check_array("lexical_map", self.unseen.lexical_map, (lexical_dims, lexical_dims), FLOAT32)

    @property
    def encodes_unseen(self) -> bool:
        """Whether out-of-vocabulary words can have rows."""
        return self.unseen is not None or self.pretrained is not None

    def word_encoder(self, stop_words: Collection[str]) -> WordEncoder:
        """A function from out-of-vocabulary words to their rows, of all parts, and weights."""
        unseen, pretrained = self.unseen, self.pretrained
        encode = None if unseen is None else unseen.encoder(stop_words)
        if pretrained is None:
            assert encode is not None
            return encode
        n_others = 0 if self.rows is None else self.rows.shape[1] - self.pretrained_dims
        weight = np.float32(LONE_WEIGHT if unseen is None else unseen.weight)

        def encode_all(words: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
            others, weights = np.zeros((len(words), n_others), np.float32), np.zeros(len(words), np.float32)
            if encode is not None:
                others, weights = encode(words)
            own = pretrained.rows_of(words)
            weights = np.where(own.any(axis=1), weight, weights)
            if stop_words:
                weights[[word in stop_words for word in words]] = 0
            return np.concatenate([others, per_weight(own, weights)], axis=1), weights

        return encode_all

    def check_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Raise a ValueError unless the weighting was fitted for this vocabulary."""
        if fingerprint(vocabulary) != self.vocabulary:
            added = self._added_words(vocabulary)
            instead = ", or do not add words: unknown ones are encoded by their character n-grams"
            raise ValueError(
                f"weighting: fitted for a different vocabulary ({counted(len(self.weights), 'word')}) than these "
                f"vectors have ({counted(len(vocabulary), 'word')}){added}; {HOW_TO_REFIT}"
                f"{instead if added and self.encodes_unseen else ''}"
            )

    def _added_words(self, vocabulary: Vocabulary) -> str:
        """Which words were added to the vocabulary that it was fitted for; "" if it is another one."""
        n_before, n = len(self.weights), len(vocabulary)
        if n <= n_before or fingerprint(vocabulary.take(np.arange(n_before))) != self.vocabulary:
            return ""
        words = [repr(vocabulary.words[i]) for i in range(n_before, min(n_before + 3, n))]
        others = f" and {n - n_before - len(words):,} more" if n - n_before > len(words) else ""
        return f": {', '.join(words)}{others} {'was' if n == n_before + 1 else 'were'} added since"

    def matches(self, vectors: np.ndarray) -> bool:
        """Whether these may be the vectors that it was fitted on, in any precision, as far as some values tell."""
        if self.source is None:
            return True
        values = sample(vectors).astype(np.float32)
        tolerance = SOURCE_TOLERANCE * float(np.nanmax(np.abs(self.source), initial=0))
        return values.shape == self.source.shape and np.allclose(values, self.source, 0, tolerance, equal_nan=True)

    # -------------------------------------------------------------------------------------------------
    # Files. Names of arrays and facts are part of the file format: they stay when attributes are renamed.

    def to_arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays by name, and facts that JSON can store; see `from_arrays`."""
        arrays = {"weights": self.weights}
        facts: dict[str, Any] = {"words": self.vocabulary, "meaning_dims": self.semantic_dims}
        if self.rows is not None:
            arrays["rows"] = self.rows
        if self.unseen is not None:
            unseen, ngrams = self.unseen, self.unseen.ngrams
            arrays |= {"meaning_map": unseen.semantic_map, "lexical_map": unseen.lexical_map}
            arrays |= {"ngram_hashes": ngrams.hashes, "ngram_weights": ngrams.weights, "ngram_vectors": ngrams.vectors}
            facts |= {"row_length": unseen.row_length, "unseen_weight": unseen.weight}
            facts["ngram_new_weight"] = ngrams.new_weight
        if self.pretrained_dims:
            facts["pretrained_dims"] = self.pretrained_dims
        if self.pretrained is not None:
            pretrained_arrays, facts["pretrained"] = self.pretrained.to_arrays()
            arrays |= pretrained_arrays
        if self.ngram_factors is not None:
            arrays |= {"tuned_ngrams": self.ngram_factors.hashes, "tuned_factors": self.ngram_factors.values}
        if self.tuning is not None:
            facts["tuning"] = dict(self.tuning)
        return arrays, facts

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any], parameters: WeightingParameters
    ) -> FittedWeighting:
        """The fitted weighting that `to_arrays` was called on; arrays are shared, and may be mapped read-only.

        Raises
        ------
        KeyError
            If an array or a fact is missing.
        TypeError, ValueError
            If a fact is invalid, or the arrays do not fit together.
        """
        unseen = None
        if "ngram_hashes" in arrays:
            row_length, unseen_weight, new_weight = (
                check_float(name, facts[name]) for name in ("row_length", "unseen_weight", "ngram_new_weight")
            )
            ngrams = CharNgrams(
                arrays["ngram_hashes"], arrays["ngram_weights"], arrays["ngram_vectors"], new_weight,
                parameters.min_n, parameters.max_n, parameters.seed,
            )  # fmt: skip
            unseen = UnseenWords(ngrams, arrays["meaning_map"], arrays["lexical_map"], row_length, unseen_weight)
        semantic_dims = check_int("meaning_dims", facts["meaning_dims"], 0)
        pretrained_dims = check_int("pretrained_dims", facts.get("pretrained_dims", 0), 0)
        pretrained = PretrainedRows.from_arrays(arrays, facts["pretrained"]) if "pretrained" in facts else None
        factors = None
        if "tuned_ngrams" in arrays:
            factors = NgramFactors(arrays["tuned_ngrams"], arrays["tuned_factors"])
        tuning = facts.get("tuning")
        if tuning is not None and not isinstance(tuning, Mapping):
            raise TypeError(f"weighting: tuning: expected an object, got {tuning!r:.100}")
        return cls(
            arrays["weights"], arrays.get("rows"), facts["words"], semantic_dims, unseen, None, pretrained_dims,
            pretrained, factors, tuning,
        )  # fmt: skip


def fingerprint(vocabulary: Vocabulary) -> str:
    """The number of words and a checksum of them, which differ between vocabularies."""
    return f"{len(vocabulary)}-{crc32(vocabulary.blob.data, crc32(vocabulary.offsets.data)):08x}"


def _words_in(fingerprint: Any) -> int:
    """The number of words of the vocabulary with this fingerprint."""
    n_words, _, checksum = str(fingerprint).partition("-")
    if not (checksum and n_words.isdecimal()):
        raise ValueError(f"weighting: invalid vocabulary fingerprint {fingerprint!r} (words)")
    return int(n_words)


def _check_array(name: str, array: np.ndarray, shape: tuple[int, ...], dtypes: Sequence[str]) -> None:
    if array.shape != shape or array.dtype not in dtypes:
        raise ValueError(
            f"weighting: the array {name!r} must be {' or '.join(dtypes)} of shape {shape}, got {array.dtype} of shape "
            f"{array.shape}"
        )
