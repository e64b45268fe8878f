"""The kernel's trainers: one per thread, over matrices that all of them share."""

from __future__ import annotations

import numpy as np

from .. import _kernel
from .matrices import TRAINING, Matrices, stream_seed

# Rows of the most frequent words are contended. Each thread trains private copies of the first HOT_ROWS rows, and
# merges the changes into the shared matrix after HOT_TOKENS tokens of all threads together.
HOT_ROWS, HOT_TOKENS = 64, 5000
LEAST_SYNC = 100  # tokens per thread between two merges, however many threads there are


def make_trainers(
    n: int,
    matrices: Matrices,
    negative_weights: np.ndarray,
    sample_int: np.ndarray | None,
    schedule: _kernel.Schedule,
    *,
    seed: int,
    train_count: int,
    word_ngrams: int,
    skip_bigrams: bool,
    epfml_hash: bool,
    dropout_k: int,
    negative: int,
    shared_negatives: int,
    compute_loss: bool,
    stream: tuple[int, ...] = (),
) -> list[_kernel.Trainer]:
    """Trainers for `n` threads.

    Parameters
    ----------
    matrices : Matrices
        Trained in place, without locks ("Hogwild").
    negative_weights : numpy.ndarray of float64, shape (n_words,)
        Negative samples are drawn in proportion to these.
    sample_int : numpy.ndarray of uint32, shape (n_words,), or None
        The probability to train a word as a target, times 2**32. None: always.
    schedule : Schedule
        The learning rate and the stop flag that the trainers share.
    seed, train_count : int
        Each trainer has its own stream of random numbers, and other ones in every call of `train`.
    word_ngrams, skip_bigrams, epfml_hash, dropout_k, negative, shared_negatives, compute_loss
        See `Sent2Vec`.
    stream : tuple of int
        Selects other random numbers, for the rounds of several machines.
    """
    alias = np.empty(len(matrices.words), dtype=np.uint64)
    _kernel.fill_alias(negative_weights, alias)
    return [
        _kernel.Trainer(
            matrices.words,
            matrices.placeholder,
            matrices.ngrams,
            matrices.output,
            alias,
            sample_int,
            schedule,
            word_ngrams=word_ngrams,
            skip_bigrams=skip_bigrams,
            epfml_hash=epfml_hash,
            dropout_k=dropout_k,
            negative=negative,
            shared_negatives=max(1, shared_negatives),
            seed=stream_seed(seed, TRAINING, train_count, i, *stream),
            compute_loss=compute_loss,
            hot_rows=HOT_ROWS if n > 1 else 0,
            sync_every=max(LEAST_SYNC, HOT_TOKENS // n),
        )
        for i in range(n)
    ]
