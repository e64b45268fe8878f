"""The fitting of a sentence weighting: from word vectors, word counts and some sentences to the rows of the words.

`gensim_sent2vec.weighting` and `gensim_sent2vec._pooling.spelling` define what is computed, and the symbols. Words are
processed in blocks, so that little memory is needed besides the result, however large the vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from scipy import sparse

from .._text.corpus import sample_sentences
from .._text.inputs import as_tokens
from .._text.packed import PackedStrings
from .._text.vocabulary import Vocabulary
from .._util.progress import Progress
from .._util.rows import unit_rows
from .._util.threads import slices_of
from .fitted import FittedWeighting, UnseenWords, fingerprint
from .parameters import WeightingParameters
from .pretrained import PretrainedRows, fitted_part
from .spelling import BLOCK, CharNgrams, NgramAverages

UNSEEN_COUNT = 2  # out-of-vocabulary words get the weight of a word that occurs this often
UNSEEN_LENGTH = 0.5  # their vectors' length, relative to known words: the spelling only hints at the meaning
SEMANTIC_SHARE = 5  # with a lexical part, one dimension in five is semantic
PLAIN_WHITENING, LEXICAL_WHITENING = -0.25, -0.5


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
    ngrams = None
    if lexical_dims or parameters.unseen_words:
        sizes = parameters.min_n, parameters.max_n
        ngrams = CharNgrams.from_words(vocabulary.words, counts, *sizes, parameters.seed)
    words = WordFeatures(vocabulary.words, vectors, output_vectors, parameters.unit_words, ngrams, lexical_dims)
    weights = word_weights(parameters, vocabulary, counts)

    sample = sample_sentences(sentences, parameters.sample_size)
    token_lists = [as_tokens(sentence, tokenize, "sentences") for sentence in sample]
    matrix = sentence_matrix(parameters, token_lists, vocabulary, weights)
    semantic_map, lexical_map, mean_length = fit_maps(parameters, words, matrix, semantic_dims)
    averages = NgramAverages(ngrams, vectors.shape[1]) if ngrams is not None and parameters.unseen_words else None
    pretrained_dims, pretrained_rows = 0, None
    if pretrained is not None:
        share, pretrained_dims = parameters.pretrained_share, pretrained.dims
        semantic_map, lexical_map = semantic_map * math.sqrt(1 - share), lexical_map * math.sqrt(1 - share)
        pretrained, pretrained_rows = fitted_part(
            pretrained, vocabulary.words, words.vectors_of, weights, matrix, share
        )
    rows = word_rows(
        words, counts, semantic_map, lexical_map, averages, show_progress_bar, pretrained_dims, pretrained_rows
    )
    unseen = None
    if ngrams is not None and averages is not None:
        ngrams = replace(ngrams, vectors=averages.result())
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
class WordFeatures:
    """The vectors B_w and the signatures σ_w, from which the rows of words are made.

    Parameters
    ----------
    words : PackedStrings
    vectors : numpy.ndarray, shape (n_words, vector_size)
    output_vectors : numpy.ndarray, shape (n_words, vector_size), or None
    unit_words : bool
        Scale vectors to length 1, and add the output vectors.
    ngrams : CharNgrams or None
        None: neither signatures nor estimated vectors are needed.
    signature_dims : int
    """

    words: PackedStrings
    vectors: np.ndarray
    output_vectors: np.ndarray | None
    unit_words: bool
    ngrams: CharNgrams | None
    signature_dims: int

    def vectors_of(self, ids: np.ndarray | slice) -> np.ndarray:
        """B_w of some words: float32, (n, vector_size)."""
        rows = self.vectors[ids].astype(np.float32)
        if self.unit_words:
            rows = unit_rows(rows)
            if self.output_vectors is not None:
                rows = unit_rows(rows + unit_rows(self.output_vectors[ids].astype(np.float32)))
        return rows

    def signatures_of(self, ids: np.ndarray) -> np.ndarray:
        """σ_w of some words: float32, (n, signature_dims)."""
        assert self.ngrams is not None
        words = self.words.take(ids.astype(np.int64))
        parts = [
            self.ngrams.signatures(*self.ngrams.features(words[block]), self.signature_dims)
            for block in slices_of(len(words), BLOCK)
        ]
        return np.concatenate(parts)


def word_rows(
    words: WordFeatures,
    counts: np.ndarray,
    semantic_map: np.ndarray,
    lexical_map: np.ndarray,
    averages: NgramAverages | None,
    show_progress_bar: bool | None,
    pretrained_dims: int = 0,
    pretrained_rows: Callable[[slice, np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """The rows of all words; their vectors are added to `averages` on the way.

    Returns
    -------
    numpy.ndarray of float32 (float16 if the vectors are), shape (n_words, n_dims)
        The semantic, the lexical and the pretrained part.
    """
    n, semantic_dims = len(words.words), semantic_map.shape[1]
    dtype = np.float16 if words.vectors.dtype == np.float16 else np.float32
    begin = semantic_dims + len(lexical_map)  # of the pretrained part
    rows = np.empty((n, begin + pretrained_dims), dtype=dtype)
    with Progress("weighting", n, "words", show_progress_bar) as progress:
        for block in slices_of(n, BLOCK):
            vectors = words.vectors_of(block)
            np.nan_to_num(vectors, copy=False)
            rows[block, :semantic_dims] = vectors @ semantic_map
            if words.ngrams is not None:
                phi, hashes = words.ngrams.features(words.words[block])
                if averages is not None:
                    averages.add(phi, hashes, counts[block], vectors)
                if words.signature_dims:
                    signatures = words.ngrams.signatures(phi, hashes, words.signature_dims)
                    rows[block, semantic_dims:begin] = signatures @ lexical_map
            if pretrained_rows is not None:
                rows[block, begin:] = pretrained_rows(block, vectors)
            progress.update(block.stop)
    return rows


# -----------------------------------------------------------------------------------------------------
# Sentences and their axes


def sentence_matrix(
    parameters: WeightingParameters, sentences: Sequence[Sequence[str]], vocabulary: Vocabulary, weights: np.ndarray
) -> sparse.csr_matrix:
    """The matrix that takes rows of words to weighted means over sentences.

    Returns
    -------
    scipy.sparse.csr_matrix of float64, shape (n_sentences, n_words)
        Rows sum to 1; sentences without a word of positive weight are left out.

    Raises
    ------
    ValueError
        If no sentence is left.
    """
    lengths = np.fromiter(map(len, sentences), dtype=np.int64, count=len(sentences))
    ends = np.concatenate([[0], np.cumsum(lengths)])
    ids = np.fromiter(map(vocabulary.table.find, chain.from_iterable(sentences)), dtype=np.int64, count=ends[-1])
    first_half = (np.arange(ends[-1]) - np.repeat(ends[:-1], lengths)) < np.repeat(lengths // 2, lengths)
    long = np.repeat(lengths > parameters.half_length, lengths)
    values = np.where(first_half & long, parameters.first_half, 1) * np.where(ids >= 0, weights[ids], 0)
    matrix = sparse.csr_matrix((values, np.maximum(ids, 0), ends), shape=(len(sentences), len(vocabulary)))
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    if not sums.any():
        raise no_known_words(len(sentences))
    return sparse.diags_array(1 / sums[sums > 0]).tocsr() @ matrix[sums > 0]


def no_known_words(n_sentences: int) -> ValueError:
    """The error to raise if no sentence has a known word."""
    return ValueError(
        f"sentences: none of {n_sentences} sentences has a word of these vectors; expected token lists as in training, "
        "or texts"
    )


def fit_maps(
    parameters: WeightingParameters, words: WordFeatures, matrix: sparse.csr_matrix, semantic_dims: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """The linear maps from B_w and σ_w to the two parts of a row.

    Returns
    -------
    semantic_map : numpy.ndarray of float32, shape (vector_size, semantic_dims)
    lexical_map : numpy.ndarray of float32, shape (lexical_dims, lexical_dims)
    mean_length : float
        Root mean square of the lengths of B_w.
    """
    used = np.unique(matrix.indices)
    matrix = matrix[:, used].astype(np.float32)
    vectors = words.vectors_of(used)
    if not np.isfinite(vectors).all():
        bad = used[~np.isfinite(vectors).all(axis=1)][0]
        raise ValueError(f"wv.vectors: the vector of {words.words[bad]!r} is not finite")
    semantic_map = fit_semantic_map(parameters, matrix, vectors, semantic_dims)
    lexical_map = np.zeros((0, 0))
    if words.signature_dims:
        signatures = words.signatures_of(used)
        axes, scales = whitening(second_moment(matrix, signatures), matrix.shape[0], LEXICAL_WHITENING)
        lexical_map = scaled_map(axes * scales, matrix, signatures, parameters.lexical_weight)
    mean_length = float(np.sqrt(np.einsum("ij,ij->i", vectors, vectors).mean()))
    return semantic_map.astype(np.float32), lexical_map.astype(np.float32), mean_length


def fit_semantic_map(
    parameters: WeightingParameters, matrix: sparse.csr_matrix, vectors: np.ndarray, semantic_dims: int
) -> np.ndarray:
    """Whitening and component removal, as a matrix of shape (vector_size, semantic_dims)."""
    remove, power = parameters.remove_components, parameters.whiten
    if power is None:
        power = 0 if parameters.lexical_weight else PLAIN_WHITENING
    axes, scales = whitening(second_moment(matrix, vectors), matrix.shape[0], power)
    if parameters.lexical_weight:
        kept = slice(remove, remove + semantic_dims)
        return scaled_map(axes[:, kept] * scales[kept], matrix, vectors, 1 - parameters.lexical_weight)
    scales[:remove] = 0
    return axes * scales @ axes.T if power or remove else np.eye(len(axes))


def second_moment(matrix: sparse.csr_matrix, rows: np.ndarray) -> np.ndarray:
    """The uncentered second moment of the sentence vectors, scaled to length 1: float64, (dim, dim)."""
    moment = np.zeros((rows.shape[1], rows.shape[1]))
    for block in slices_of(matrix.shape[0], BLOCK):
        sentences = unit_rows(matrix[block] @ rows)
        moment += sentences.T @ sentences
    return moment / matrix.shape[0]


def whitening(moment: np.ndarray, n_sentences: int, power: float) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvectors of a second moment, largest eigenvalue first, and the eigenvalues to the given power.

    Eigenvalues are relative to their mean, and regularized as if each axis had occurred in one more sentence;
    otherwise, axes that a small sample does not contain would get huge scales.
    """
    eigenvalues, axes = np.linalg.eigh(moment)
    dim = len(moment)
    relative = dim * (n_sentences * np.maximum(eigenvalues[::-1], 0) + 1) / (n_sentences + dim)
    return axes[:, ::-1], relative**power


def scaled_map(axes: np.ndarray, matrix: sparse.csr_matrix, rows: np.ndarray, share: float) -> np.ndarray:
    """`axes`, scaled so that the median length of the mapped sentence vectors is √share.

    This weights the two parts of a sentence vector if they are joined without normalization (``linear=True``).
    """
    rows = rows @ axes
    lengths = [np.linalg.norm(matrix[block] @ rows, axis=1) for block in slices_of(matrix.shape[0], BLOCK)]
    positive = np.concatenate(lengths)
    positive = positive[positive > 0]
    return axes * (math.sqrt(share) / np.median(positive)) if len(positive) else axes
