"""Word vectors that include a sentence weighting, for programs that average word vectors.

Decay weights, unit length, whitening and component removal are linear in the rows, so that a plain mean can include
them (see `gensim_sent2vec.weighting`). Two steps are not linear: `first_half`, and scaling the two parts of a sentence
vector to their lengths. The words of a sentence have more in common in meaning than in spelling, so that in plain means
of long sentences the semantic part outweighs the lexical part. To approximate these steps, the rows r_w of all words
are fitted to sentences s with word counts c_sw and weighted vectors z_s of length 1: the sums u_s(r) = Σ_w c_sw r_w are
to point in the direction of z_s. Each of a few rounds minimizes

    Σ_s | u_s(r) / |u_s(r')| - (z_s · u_s(r') / |u_s(r')|) z_s |² + μ Σ_w | r_w - r'_w |²

over r, with r' the rows of the previous round, initially those with the linear steps only. Because of μ, rows of words
that occur in few sentences hardly change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from scipy import sparse

from .._text.corpus import sample_sentences
from .._text.inputs import as_tokens
from .._text.vocabulary import Vocabulary
from .._util.progress import Progress
from .fitted import FittedWeighting, fingerprint
from .fitting import no_known_words
from .parameters import WeightingParameters

SAMPLE = 100_000  # sentences that rows are fitted to
ROUNDS, STEPS = 3, 10  # of fitting, and of conjugate gradients in each round
PRIOR = 10.0  # regularization: a word's row is held in place as if by this many further sentences


def weighted_rows(
    parameters: WeightingParameters,
    fitted: FittedWeighting,
    vectors: np.ndarray,
    vocabulary: Vocabulary,
    extra_words: Iterable[str] = (),
) -> tuple[np.ndarray, Vocabulary]:
    """Rows multiplied by the weights of their words, also for out-of-vocabulary words.

    Returns
    -------
    rows : numpy.ndarray of float32, shape (n_words, n_dims)
    vocabulary : Vocabulary
        The given one, followed by those of `extra_words` that it does not contain.

    Raises
    ------
    ValueError
        If there are extra words, but the weighting has no rows for out-of-vocabulary words.
    """
    rows = [(vectors if fitted.rows is None else fitted.rows).astype(np.float32) * fitted.weights[:, None]]
    extra = [word for word in dict.fromkeys(extra_words) if word not in vocabulary]
    if extra:
        if not fitted.encodes_unseen:
            raise ValueError(
                "extra_words: the weighting has no rows for out-of-vocabulary words; fit one without unseen_words=False"
            )
        extra_rows, weights = fitted.word_encoder(parameters.stop_words)(extra)
        rows.append(extra_rows * weights[:, None])
        vocabulary = Vocabulary.from_words(chain(vocabulary, extra))
    return np.concatenate(rows), vocabulary


def remaining_weighting(
    parameters: WeightingParameters, fitted: FittedWeighting, vocabulary: Vocabulary
) -> tuple[WeightingParameters, FittedWeighting] | None:
    """The nonlinear steps, as a weighting of vectors that are `weighted_rows`; None if there are no such steps."""
    if parameters.part_lengths(bool(fitted.pretrained_dims)) is None and parameters.first_half == 1:
        return None
    ones = np.ones(len(vocabulary), dtype=np.float32)
    rest = FittedWeighting(
        ones,
        None,
        fingerprint(vocabulary),
        fitted.semantic_dims,
        pretrained_dims=fitted.pretrained_dims,
        ngram_factors=fitted.ngram_factors,
    )
    return replace(parameters, unseen_words=False), rest


def fit_rows_to_sentences(
    rows: np.ndarray,
    vocabulary: Vocabulary,
    sentences: Iterable[str | Sequence[str]],
    tokenize: Callable[[Iterable[str]], Iterable[Sequence[str]]],
    encode: Callable[[Sequence[Sequence[str]]], np.ndarray],
    show_progress_bar: bool | None = None,
) -> np.ndarray:
    """`fit_rows` to the weighted vectors of a sample of sentences.

    Parameters
    ----------
    rows : numpy.ndarray of float32, shape (n_words, n_dims)
        Initial rows.
    vocabulary : Vocabulary
        The words of the rows.
    sentences : iterable of str or of sequences of str
        Read once.
    tokenize : callable
        Splits texts into token lists.
    encode : callable
        From token lists to their weighted vectors, of length 1 or all zeros: float32, (n_sentences, n_dims).

    Raises
    ------
    ValueError
        If no sentence has a word of the vocabulary.
    """
    sample: list[Any] = sample_sentences(sentences, SAMPLE)
    is_text = bool(sample) and isinstance(sample[0], str)
    token_lists = tokenize(sample) if is_text else [as_tokens(tokens, str.split, "sentences") for tokens in sample]
    known = ([token for token in tokens if token in vocabulary] for tokens in token_lists)
    known_lists = [tokens for tokens in known if tokens]
    if not known_lists:
        raise no_known_words(len(sample))
    return fit_rows(rows, count_matrix(known_lists, vocabulary), encode(known_lists), show_progress_bar)


def count_matrix(sentences: Sequence[Sequence[str]], vocabulary: Vocabulary) -> sparse.csr_matrix:
    """How often each word occurs in each sentence: float32, (n_sentences, n_words). All words must be known."""
    ends = np.cumsum([0, *map(len, sentences)])
    ids = np.fromiter((vocabulary.table.find(token) for token in chain.from_iterable(sentences)), np.int64, ends[-1])
    ones = np.ones(ends[-1], dtype=np.float32)
    counts = sparse.csr_matrix((ones, ids, ends), shape=(len(sentences), len(vocabulary)))
    counts.sum_duplicates()
    return counts


def fit_rows(
    rows: np.ndarray,
    counts: sparse.csr_matrix,
    targets: np.ndarray,
    show_progress_bar: bool | None = None,
    rounds: int = ROUNDS,
    steps: int = STEPS,
) -> np.ndarray:
    """Rows of words whose sums over sentences approximate the directions of target vectors.

    Parameters
    ----------
    rows : numpy.ndarray of float32, shape (n_words, n_dims)
        Initial rows.
    counts : scipy.sparse.csr_matrix of float32, shape (n_sentences, n_words)
        How often each word occurs in each sentence.
    targets : numpy.ndarray of float32, shape (n_sentences, n_dims)
        Vectors of length 1; sentences whose target is all zeros are ignored.
    show_progress_bar : bool, optional
    rounds, steps : int
        See `ROUNDS` and `STEPS`.

    Returns
    -------
    numpy.ndarray of float32, shape (n_words, n_dims)
        The initial row for words that occur in no sentence, and for words whose initial row is all zeros.
    """
    used = np.unique(counts.indices)
    used = used[rows[used].any(axis=1)]
    counts, fitted = counts[:, used], rows[used]
    with Progress("bake", rounds, "rounds", show_progress_bar) as progress:
        for done in range(rounds):
            sums = counts @ fitted
            lengths = np.linalg.norm(sums, axis=1)
            usable = (lengths > 0) & targets.any(axis=1)
            scales = np.divide(1, lengths, out=np.zeros_like(lengths), where=usable)
            scaled = (sparse.diags_array(scales) @ counts).tocsr()
            directions = sums * scales[:, None]
            missing = np.einsum("ij,ij->i", directions, targets)[:, None] * targets - directions
            squares = scaled.data[scaled.data > 0] ** 2
            if len(squares):
                fitted = fitted + ridge_regression(scaled, missing, PRIOR * float(squares.mean()), steps)
            progress.update(done + 1)
    result = rows.copy()
    result[used] = fitted
    return result


def ridge_regression(a: sparse.csr_matrix, b: np.ndarray, mu: float, steps: int = STEPS) -> np.ndarray:
    """An approximation of the x that minimizes |a x - b|² + μ |x|², by conjugate gradients (Hestenes, Stiefel 1952).

    Columns of x are independent. They start from zero, so that stopping early shrinks x towards zero, as μ does. The
    preconditioner is the diagonal: columns of `a` are much longer for frequent words than for rare ones.
    """
    transposed = a.T.tocsr()
    diagonal = (np.asarray(a.multiply(a).sum(axis=0)).reshape(-1, 1) + mu).astype(np.float32)
    residual = transposed @ b
    x, direction = np.zeros_like(residual), residual / diagonal
    square = np.einsum("ij,ij->j", residual, direction)
    for _ in range(steps):
        image = transposed @ (a @ direction) + np.float32(mu) * direction
        curvature = np.einsum("ij,ij->j", direction, image)
        step = np.divide(square, curvature, out=np.zeros_like(square), where=curvature > 0)
        x += step * direction
        residual -= step * image
        preconditioned = residual / diagonal
        previous, square = square, np.einsum("ij,ij->j", residual, preconditioned)
        direction = (
            preconditioned + np.divide(square, previous, out=np.zeros_like(square), where=previous > 0) * direction
        )
    return x
