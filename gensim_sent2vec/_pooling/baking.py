"""Word vectors with the weighting multiplied in, for programs that average them.

Decay, unit length, whitening and component removal are linear in the rows, so that a plain mean has them (see
`gensim_sent2vec.weighting`). Scaling the two parts of a sentence each to its length is not: the words of a sentence
share a topic more than their spelling, so that of long sentences the meaning outweighs the spelling. Neither is
`first_half`. Given sentences s with the counts c_sw, and the vectors z_s of length 1 that the weighting gives them, the
rows r_w of all words are fitted in some rounds so that their sums u_s(r) = Σ_w c_sw r_w come near to the z_s in
direction,

    minimise Σ_s | u_s(r) / |u_s(r')| - (z_s · u_s(r') / |u_s(r')|) z_s |² + μ Σ_w | r_w - r'_w |²,

r' the rows of the round before, at first the baked ones. Rows of words without much evidence hardly move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from .._text.corpus import Sample, check_sentences
from .._text.vocabulary import Vocabulary
from .._util.progress import Progress
from .fitted import FittedWeighting, fingerprint
from .parameters import WeightingParameters

if TYPE_CHECKING:
    from ..keyedvectors import Sent2VecKeyedVectors

SAMPLE = 100_000  # sentences that rows are fitted on
ROUNDS, STEPS = 3, 10  # of fitting, each of so many steps of conjugate gradients
PRIOR = 10.0  # a word's row is held fast as if it stood in so many sentences more, which suit it as it is


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
        if fitted.unseen is None:
            raise ValueError(
                "extra_words: the weighting has no rows for out-of-vocabulary words; fit one without unseen_words=False"
            )
        extra_rows, weights = fitted.unseen.encoder(parameters.stop_words)(extra)
        rows.append(extra_rows * weights[:, None])
        vocabulary = Vocabulary.from_words(chain(vocabulary, extra))
    return np.concatenate(rows), vocabulary


def remaining_weighting(
    parameters: WeightingParameters, fitted: FittedWeighting, vocabulary: Vocabulary
) -> tuple[WeightingParameters, FittedWeighting] | None:
    """The nonlinear steps, as a weighting of vectors that are `weighted_rows`; None if there are no such steps."""
    if parameters.part_lengths is None and parameters.first_half == 1:
        return None
    ones = np.ones(len(vocabulary), dtype=np.float32)
    rest = FittedWeighting(ones, None, fingerprint(vocabulary), fitted.semantic_dims)
    return replace(parameters, unseen_words=False), rest


def bake(
    wv: Sent2VecKeyedVectors,
    extra_words: Iterable[str] = (),
    sentences: Iterable[str | Sequence[str]] | None = None,
    show_progress_bar: bool | None = None,
) -> Sent2VecKeyedVectors:
    """Word vectors with the weighting multiplied in, whose plain mean is the sentence's vector up to its length.

    Any program that averages word vectors then gives the weighting's cosines: gensim's own
    ``get_mean_vector(words, pre_normalize=False)``, or one that reads the file of `save_word2vec_format`.

    Scaling the two parts of a sentence each to its length (`SentenceWeighting.linear` False, with a lexical part)
    and `first_half` cannot be put into rows. There the baked vectors keep a weighting that does no more than this,
    so that their `encode` still gives the same cosines; elsewhere (``encode(…, weighting=False)``, other programs)
    they are those of the same weighting with ``linear=True`` and ``first_half=1``. With `sentences` the rows are
    fitted to come nearer, and no weighting is kept. With 300 numbers the mean Pearson of 13 English sets of judged
    pairs is 66.9 weighted, and 65.3 baked, fitted on the corpus with its rare words too and averaged elsewhere; in
    Korean (KorSTS) 75.3 and 73.6. Most of the difference is words that are unknown even then.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        With a fitted weighting.
    extra_words : iterable of str
        Words that are not in the vocabulary and get a row by their spelling: those of the corpus that were too
        rare, those of the texts to be read. Other unknown words are left out of sentences.
    sentences : iterable of str or of sequences of str, optional
        Such as the training corpus; read once, a sample of it is held.
    show_progress_bar : bool, optional

    Returns
    -------
    Sent2VecKeyedVectors
        Rows of float32, (n_words, n_numbers); without n-grams.

    Raises
    ------
    ValueError
        Where the vectors have no fitted weighting, or no sentence has a known word.
    """
    if wv.weighting is None:
        raise ValueError("bake: these vectors have no weighting; set wv.weighting to a fitted SentenceWeighting")
    if sentences is not None:
        check_sentences(sentences, passes=1)
    rows, words, rest = wv.weighting.bake(wv.freeze(), wv.vectors, extra_words)
    if sentences is not None and rest is not None:
        held = _known(wv, words, Sample.of(sentences, SAMPLE))
        rows, rest = nearest_rows(rows, *_asked_for(wv, words, held), show_progress_bar), None
    result = type(wv)(rows.shape[1])
    result.set_words(words)
    result.vectors, result.weighting = rows, rest
    result.tokenizer, result.phrases = wv.tokenizer, wv.phrases
    more = len(words) - len(wv)
    result.expandos = {name: np.append(of, np.zeros(more, dtype=of.dtype)) for name, of in wv.expandos.items()}
    return result


def _known(wv: Sent2VecKeyedVectors, words: Vocabulary, sentences: Sequence[Any]) -> list[list[str]]:
    """The tokens of sentences that will have a row."""
    token_lists = wv.token_lists(sentences) if isinstance(next(iter(sentences), None), str) else sentences
    held = ([token for token in tokens if token in words] for tokens in token_lists)
    known = [tokens for tokens in held if tokens]
    if not known:
        raise ValueError(
            f"sentences: none of {len(sentences)} has a word of these vectors (tokens as they were trained on are "
            "expected, or texts)"
        )
    return known


def _asked_for(
    wv: Sent2VecKeyedVectors, words: Vocabulary, sentences: Sequence[Sequence[str]]
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Which words stand in sentences, (n_sentences, n_words), and the vectors that they are to have, of length 1."""
    ends = np.cumsum([0, *map(len, sentences)])
    ids = np.fromiter((words.table.find(token) for token in chain.from_iterable(sentences)), np.int64, ends[-1])
    counts = sparse.csr_matrix((np.ones(ends[-1], dtype=np.float32), ids, ends), shape=(len(sentences), len(words)))
    counts.sum_duplicates()
    return counts, wv.encode(sentences, normalize=True, show_progress_bar=False)


def nearest_rows(
    rows: np.ndarray, counts: sparse.csr_matrix, asked_for: np.ndarray, show_progress_bar: bool | None = None
) -> np.ndarray:
    """Rows of words whose sums over sentences point as nearly as they can where they are asked to.

    Parameters
    ----------
    rows : numpy.ndarray of float32, shape (n_words, n_numbers)
        To begin with.
    counts : scipy.sparse.csr_matrix of float32, shape (n_sentences, n_words)
        How often each word stands in each sentence.
    asked_for : numpy.ndarray of float32, shape (n_sentences, n_numbers)
        Vectors of length 1, or zeros where nothing is asked for.
    show_progress_bar : bool, optional

    Returns
    -------
    numpy.ndarray of float32, shape (n_words, n_numbers)
        Equal to `rows` for words in none of the sentences, and for those left out, whose rows are zeros.
    """
    used = np.unique(counts.indices)
    used = used[rows[used].any(axis=1)]
    counts, found = counts[:, used], rows[used]
    with Progress("bake", ROUNDS, "rounds", show_progress_bar) as progress:
        for done in range(ROUNDS):
            sums = counts @ found
            lengths = np.linalg.norm(sums, axis=1)
            usable = (lengths > 0) & asked_for.any(axis=1)
            scales = np.divide(1, lengths, out=np.zeros_like(lengths), where=usable)
            scaled = (sparse.diags_array(scales) @ counts).tocsr()
            directions = sums * scales[:, None]
            wanted = np.einsum("ij,ij->i", directions, asked_for)[:, None] * asked_for - directions
            evidence = scaled.data[scaled.data > 0] ** 2
            if len(evidence):
                found = found + ridge(scaled, wanted, PRIOR * float(evidence.mean()))
            progress.update(done + 1)
    result = rows.copy()
    result[used] = found
    return result


def ridge(a: sparse.csr_matrix, b: np.ndarray, mu: float) -> np.ndarray:
    """About the x that minimises |a x - b|² + μ |x|², by conjugate gradients from 0, each column for itself.

    Preconditioned by the diagonal: frequent words have much longer columns than rare ones. Stopping early errs towards
    0, as μ does (Hestenes, Stiefel 1952).
    """
    transposed = a.T.tocsr()
    diagonal = (np.asarray(a.multiply(a).sum(axis=0)).reshape(-1, 1) + mu).astype(np.float32)
    residual = transposed @ b
    x, direction = np.zeros_like(residual), residual / diagonal
    square = np.einsum("ij,ij->j", residual, direction)
    for _ in range(STEPS):
        image = transposed @ (a @ direction) + np.float32(mu) * direction
        curvature = np.einsum("ij,ij->j", direction, image)
        step = np.divide(square, curvature, out=np.zeros_like(square), where=curvature > 0)
        x += step * direction
        residual -= step * image
        towards = residual / diagonal
        before, square = square, np.einsum("ij,ij->j", residual, towards)
        direction = towards + np.divide(square, before, out=np.zeros_like(square), where=before > 0) * direction
    return x
