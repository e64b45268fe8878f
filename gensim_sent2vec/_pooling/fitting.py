"""The fitting of a sentence weighting: from word vectors, word counts and some sentences to the rows of the words.

`gensim_sent2vec.weighting` and `gensim_sent2vec._pooling.spelling` define what is computed, and the symbols. Words are
processed in blocks, so that little memory is needed besides the result, however large the vocabulary.

Products of small matrices are left to the kernel: the threads of a BLAS would hardly save time, and they wait actively
for the next call, see `eigenvectors`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import _kernel
from .._text.corpus import SampledLines, sample_sentences
from .._text.inputs import as_tokens
from .._text.packed import PackedStrings
from .._text.vocabulary import Vocabulary
from .._util.progress import Progress
from .._util.rows import unit_rows
from .._util.threads import slices_of
from .eigenvectors import eigh
from .fitted import FittedWeighting, UnseenWords, fingerprint
from .parameters import WeightingParameters
from .pretrained import PretrainedRows, fitted_part
from .spelling import BLOCK, CharNgrams, KnownWords

UNSEEN_COUNT = 2  # out-of-vocabulary words get the weight of a word that occurs this often
UNSEEN_LENGTH = 0.5  # their vectors' length, relative to known words: the spelling only hints at the meaning
SEMANTIC_SHARE = 5  # with a lexical part, one dimension in five is semantic
PLAIN_WHITENING, LEXICAL_WHITENING = -0.25, -0.5
CACHED_ROWS = 1 << 11  # rows of some hundred dimensions that stay in the cache between successive operations


def fit_weighting(
    parameters: WeightingParameters,
    vectors: np.ndarray,
    vocabulary: Vocabulary,
    counts: np.ndarray,
    sentences: Iterable[str | Sequence[str]],
    tokenize: Callable[[str], list[str]] = str.split,
    output_vectors: np.ndarray | None = None,
    show_progress_bar: bool | None = None,
    pretrained: PretrainedRows | None = None,
) -> FittedWeighting:
    """Fit a sentence weighting; see `SentenceWeighting.fit`.

    Parameters
    ----------
    vectors : numpy.ndarray of float32 or float16, shape (n_words, vector_size)
    vocabulary : Vocabulary
    counts : numpy.ndarray of float64, shape (n_words,)
        How often each word occurs.
    tokenize : callable
        Splits each sentence that is a str.
    pretrained : PretrainedRows, optional
        The source of a pretrained part.
    """
    _check_sizes(parameters, vectors, output_vectors)
    semantic_dims, lexical_dims = split_dims(parameters, vectors.shape[1])
    ngrams = known = None
    if lexical_dims or parameters.unseen_words:
        n = parameters.min_n, parameters.max_n
        ngrams = CharNgrams.from_words(vocabulary.words, counts, *n, parameters.seed)
        known = KnownWords(ngrams, vectors.shape[1] if parameters.unseen_words else 0)
    words = WordVectors(vocabulary.words, vectors, output_vectors, parameters.unit_words)
    weights = word_weights(parameters, vocabulary, counts)
    pack = sampled_pack(sentences, parameters.sample_size, tokenize)
    sample = WeightedSentences.of(parameters, pack, vocabulary, weights)
    used_vectors = words.finite_vectors_of(sample.used)
    mean_length = float(np.sqrt(np.einsum("ij,ij->i", used_vectors, used_vectors).mean()))
    semantic_map = fit_semantic_map(parameters, sample.means(used_vectors), semantic_dims).astype(np.float32)
    scale, pretrained_dims, pretrained_rows = np.float32(1), 0, None
    if pretrained is not None:
        share, pretrained_dims = parameters.pretrained_share, pretrained.dims
        scale = np.float32(math.sqrt(1 - share))
        pretrained, pretrained_rows = fitted_part(
            pretrained, vocabulary.words, words.vectors_of, weights, sample.used, sample.means, share
        )
    semantic_map = np.ascontiguousarray(semantic_map * scale)
    rows = word_rows(
        words, counts, semantic_map, known, lexical_dims, show_progress_bar, pretrained_dims, pretrained_rows
    )
    lexical_map = np.zeros((0, 0), dtype=np.float32)
    if lexical_dims:
        signatures = rows[:, semantic_dims : semantic_dims + lexical_dims]
        means = sample.means(signatures[sample.used].astype(np.float32, copy=False))
        lexical_map = np.ascontiguousarray(fit_lexical_map(parameters, means).astype(np.float32) * scale)
        for block in slices_of(len(rows), BLOCK):
            part = signatures[block].astype(np.float32, copy=False)
            _kernel.times(part, lexical_map, part)
            if part.dtype != rows.dtype:
                signatures[block] = part
    unseen = None
    if ngrams is not None and known is not None and parameters.unseen_words:
        ngrams = replace(ngrams, vectors=known.averages(mean_length))
        weight = float(decay_weights(np.array([UNSEEN_COUNT / counts.sum()]), parameters.sif, parameters.decay)[0])
        unseen = UnseenWords(ngrams, semantic_map, lexical_map, UNSEEN_LENGTH * mean_length, weight)
    return FittedWeighting(
        weights, rows, fingerprint(vocabulary), semantic_dims, unseen, None, pretrained_dims, pretrained
    )


def _check_sizes(parameters: WeightingParameters, vectors: np.ndarray, output_vectors: np.ndarray | None) -> None:
    if output_vectors is not None and not parameters.unit_words:
        raise ValueError("output_vectors: used only if unit_words is True; omit them, or set unit_words=True")
    if output_vectors is not None and output_vectors.shape != vectors.shape:
        raise ValueError(f"output_vectors: expected shape {vectors.shape}, got {output_vectors.shape}")
    dim = vectors.shape[1]
    if parameters.remove_components >= dim:
        raise ValueError(
            f"remove_components: must be less than the {dim} dimensions of the vectors, got "
            f"{parameters.remove_components}"
        )


def split_dims(parameters: WeightingParameters, dim: int) -> tuple[int, int]:
    """The number of semantic and of lexical dimensions, for word vectors of `dim` dimensions."""
    if not parameters.lexical_weight:
        return dim, 0
    total = dim + parameters.lexical_dims
    if parameters.lexical_weight == 1:
        return 0, total
    semantic = min(max(1, total // SEMANTIC_SHARE), dim - parameters.remove_components)
    return semantic, total - semantic


# -----------------------------------------------------------------------------------------------------
# Words


def decay_weights(shares: np.ndarray, sif: float | None, decay: str) -> np.ndarray:
    """The weights of words, float32, given their share of all tokens; see `SentenceWeighting`."""
    if sif is None:
        return np.ones(len(shares), dtype=np.float32)
    with np.errstate(divide="ignore"):
        ratio = sif / shares
    weights = 1 / (1 + 1 / ratio) if decay == "sif" else np.minimum(np.sqrt(ratio) + ratio, 1)
    return weights.astype(np.float32)


def word_weights(parameters: WeightingParameters, vocabulary: Vocabulary, counts: np.ndarray) -> np.ndarray:
    """The weights of all words, float32, (n_words,): decay weights, and 0 for stop words."""
    weights = decay_weights(counts / counts.sum(), parameters.sif, parameters.decay)
    for word in parameters.stop_words:
        if word in vocabulary:
            weights[vocabulary[word]] = 0
    return weights


@dataclass(frozen=True, eq=False)
class WordVectors:
    """The vectors B_w, from which the rows of words are made.

    Parameters
    ----------
    words : PackedStrings
    vectors : numpy.ndarray, shape (n_words, vector_size)
    output_vectors : numpy.ndarray, shape (n_words, vector_size), or None
    unit_words : bool
        Scale vectors to length 1, and add the output vectors.
    """

    words: PackedStrings
    vectors: np.ndarray
    output_vectors: np.ndarray | None
    unit_words: bool

    def vectors_of(self, ids: np.ndarray | slice) -> np.ndarray:
        """B_w of some words: float32, (n, vector_size)."""
        n = len(range(*ids.indices(len(self.vectors)))) if isinstance(ids, slice) else len(ids)
        out = np.empty((n, self.vectors.shape[1]), dtype=np.float32)

        def rows_of(matrix: np.ndarray, block: slice) -> np.ndarray:
            rows = matrix[ids][block] if isinstance(ids, slice) else matrix[ids[block]]
            return rows.astype(np.float32, copy=False)

        for block in slices_of(n, CACHED_ROWS):
            rows = rows_of(self.vectors, block)
            if self.unit_words:
                rows = unit_rows(rows)
                if self.output_vectors is not None:
                    rows += unit_rows(rows_of(self.output_vectors, block))
                    rows = unit_rows(rows)
            out[block] = rows
        return out

    def finite_vectors_of(self, ids: np.ndarray) -> np.ndarray:
        """B_w of some words; a ValueError if the vector of one is not finite."""
        rows = self.vectors_of(ids)
        if not np.isfinite(rows).all():
            bad = ids[~np.isfinite(rows).all(axis=1)][0]
            raise ValueError(f"wv.vectors: the vector of {self.words[bad]!r} is not finite")
        return rows


def word_rows(
    words: WordVectors,
    counts: np.ndarray,
    semantic_map: np.ndarray,
    known: KnownWords | None,
    signature_dims: int,
    show_progress_bar: bool | None,
    pretrained_dims: int = 0,
    pretrained_rows: Callable[[slice, np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """The rows of all words, with σ_w in place of the lexical part; they are added to `known` on the way.

    Returns
    -------
    numpy.ndarray of float32 (float16 if the vectors are), shape (n_words, n_dims)
        The semantic part, the signature and the pretrained part.
    """
    n, semantic_dims = len(words.words), semantic_map.shape[1]
    dtype = np.float16 if words.vectors.dtype == np.float16 else np.float32
    begin = semantic_dims + signature_dims  # of the pretrained part
    rows = np.empty((n, begin + pretrained_dims), dtype=dtype)
    with Progress("weighting", n, "words", show_progress_bar) as progress:
        for block in slices_of(n, BLOCK):
            vectors = words.vectors_of(block)
            if not np.isfinite(vectors).all():
                np.nan_to_num(vectors, copy=False)
            part = rows[block] if dtype == np.float32 else np.empty((len(vectors), rows.shape[1]), np.float32)
            _kernel.times(vectors, semantic_map, part[:, :semantic_dims])
            if known is not None:
                known.add(words.words.part(block), counts[block], vectors, part[:, semantic_dims:begin])
            if pretrained_rows is not None:
                part[:, begin:] = pretrained_rows(block, vectors)
            if dtype != np.float32:
                rows[block] = part
            progress.update(block.stop)
    return rows


# -----------------------------------------------------------------------------------------------------
# Sentences and their axes


def sampled_pack(sentences: Iterable[Any], size: int, tokenize: Callable[[str], list[str]]) -> _kernel.Pack:
    """A sample of at most `size` sentences, for the kernel."""
    if isinstance(sentences, SampledLines):
        return sentences.pack()  # which are tokenized
    return _kernel.Pack([as_tokens(item, tokenize, "sentences") for item in sample_sentences(sentences, size)])


@dataclass(frozen=True, eq=False)
class WeightedSentences:
    """The words of sentences with their weights. Words and sentences without a positive weight are left out.

    Attributes
    ----------
    used : numpy.ndarray of int64, shape (n_used,)
        The ids of the words that occur.
    places : numpy.ndarray of int32
        The positions in `used` of the words of the first sentence, then those of the second, and so on.
    weights : numpy.ndarray of float32
        Their weights.
    ends : numpy.ndarray of int64, shape (n_sentences,)
        Where the words of each sentence end.
    """

    used: np.ndarray
    places: np.ndarray
    weights: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(
        cls, parameters: WeightingParameters, sentences: _kernel.Pack, vocabulary: Vocabulary, weights: np.ndarray
    ) -> WeightedSentences:
        """The sentences of which words have the weights of a vocabulary; a ValueError if none of them is known."""
        found = sentences.weighted_words(vocabulary.table, weights, parameters.first_half, parameters.half_length)
        used, places, values, ends = map(np.frombuffer, found, (np.int64, np.int32, np.float32, np.int64))
        if not len(used):
            raise no_known_words(len(sentences))
        return cls(used, places, values, ends)

    def means(self, rows: np.ndarray) -> np.ndarray:
        """The weighted mean of the rows of words per sentence: float32, (n_sentences, dim).

        `rows` are those of the words `used`: float32, (n_used, dim).
        """
        out = np.empty((len(self.ends), rows.shape[1]), dtype=np.float32)
        _kernel.weighted_means(np.ascontiguousarray(rows), self.places, self.weights, self.ends, out)
        return out


def no_known_words(n_sentences: int) -> ValueError:
    """The error to raise if no sentence has a known word."""
    return ValueError(
        f"sentences: none of {n_sentences} sentences has a word of these vectors; expected token lists as in training, "
        "or texts"
    )


def fit_semantic_map(parameters: WeightingParameters, means: np.ndarray, semantic_dims: int) -> np.ndarray:
    """Whitening and component removal, as a matrix of shape (vector_size, semantic_dims).

    `means` are the x_s of sentences: float32, (n_sentences, vector_size).
    """
    remove, power = parameters.remove_components, parameters.whiten
    if power is None:
        power = 0 if parameters.lexical_weight else PLAIN_WHITENING
    axes, scales = whitening(second_moment(means), len(means), power)
    if parameters.lexical_weight:
        kept = slice(remove, remove + semantic_dims)
        return scaled_map(axes[:, kept] * scales[kept], means, 1 - parameters.lexical_weight)
    scales[:remove] = 0
    return axes * scales @ axes.T if power or remove else np.eye(len(axes))


def fit_lexical_map(parameters: WeightingParameters, means: np.ndarray) -> np.ndarray:
    """Whitening, as a square matrix. `means` are the x_l of sentences: float32, (n_sentences, lexical_dims)."""
    axes, scales = whitening(second_moment(means), len(means), LEXICAL_WHITENING)
    return scaled_map(axes * scales, means, parameters.lexical_weight)


def second_moment(means: np.ndarray) -> np.ndarray:
    """The uncentered second moment of vectors (n, dim), scaled to length 1: float64, (dim, dim)."""
    moment, of_block = np.zeros((2, means.shape[1], means.shape[1]))
    for block in slices_of(len(means), CACHED_ROWS):
        _kernel.second_moment(unit_rows(means[block]), of_block)
        moment += of_block
    return moment / len(means)


def whitening(moment: np.ndarray, n_sentences: int, power: float) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvectors of a second moment, largest eigenvalue first, and the eigenvalues to the given power.

    Eigenvalues are relative to their mean, and regularized as if each axis had occurred in one more sentence;
    otherwise, axes that a small sample does not contain would get huge scales.
    """
    rising, vectors = eigh(moment)
    eigenvalues, axes = rising[::-1], vectors[:, ::-1]
    dim = len(moment)
    relative = dim * (n_sentences * np.maximum(eigenvalues, 0) + 1) / (n_sentences + dim)
    return axes, relative**power


def scaled_map(axes: np.ndarray, means: np.ndarray, share: float) -> np.ndarray:
    """`axes`, scaled so that the median length of the mapped sentence vectors is √share.

    This weights the two parts of a sentence vector if they are joined without normalization (``linear=True``).
    """
    matrix, lengths = np.ascontiguousarray(axes, dtype=np.float32), np.empty(len(means), dtype=np.float32)
    for block in slices_of(len(means), CACHED_ROWS):
        mapped = np.empty((block.stop - block.start, matrix.shape[1]), dtype=np.float32)
        _kernel.times(means[block], matrix, mapped)
        lengths[block] = np.sqrt(np.einsum("ij,ij->i", mapped, mapped))
    positive = lengths[lengths > 0]
    return axes * (math.sqrt(share) / float(np.median(positive))) if len(positive) else axes
