"""Building an index: checks of the arguments, and embedding a stream of sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from typing import Any

import numpy as np

from .._text.packed import PackedStrings
from .._util.batches import batched
from .._util.progress import Progress
from ..keyedvectors import Sent2VecKeyedVectors, Sentence, check_keyed_vectors

BATCH_SIZE = 1 << 14  # sentences
GRAPH_OPTIONS = ("connectivity", "expansion_add", "expansion_search")


def check_build_arguments(wv: Any, sentences: Any, method: str, dtype: Any, options: dict[str, int]) -> None:
    """Raise a TypeError or ValueError for invalid arguments of `SentenceIndex.build`."""
    check_keyed_vectors(wv)
    check_sentence_list(sentences)
    if method not in ("exact", "hnsw"):
        raise ValueError(f'method: expected "exact" or "hnsw", got {method!r}')
    if np.dtype(dtype) not in (np.float32, np.float16):
        raise ValueError(f"dtype: expected float32 or float16, got {np.dtype(dtype)}")
    for name in options:
        if name not in GRAPH_OPTIONS:
            raise TypeError(f'{name}: unknown argument; method="hnsw" takes {", ".join(GRAPH_OPTIONS)}')
        if method != "hnsw":
            raise ValueError(f'{name}: only method="hnsw" has this option')


def check_sentence_list(sentences: Any) -> None:
    """Raise a TypeError for a single string, which is an iterable of strings too."""
    if isinstance(sentences, (str, bytes)):
        raise TypeError(f"sentences: expected a list of sentences, got the single string {sentences[:40]!r}")


def embed(
    wv: Sent2VecKeyedVectors,
    sentences: Iterable[Sentence],
    dtype: Any,
    workers: int | None = None,
    show_progress_bar: bool | None = None,
) -> tuple[np.ndarray, PackedStrings]:
    """Encode a stream of sentences, a batch at a time.

    Returns
    -------
    vectors : numpy.ndarray of `dtype`, shape (n, dim)
        Unit vectors; all zeros for sentences without known words.
    texts : PackedStrings
        The sentences; tokens are joined by spaces.
    """
    vectors = [wv.encode([], show_progress_bar=False).astype(dtype)]  # no rows, but the right number of dimensions
    texts: list[PackedStrings] = []
    done = 0
    total = len(sentences) if isinstance(sentences, Sized) else None
    with Progress("index", total, "sentences", show_progress_bar) as progress:
        for batch in batched(sentences, BATCH_SIZE):
            vectors.append(wv.encode(batch, normalize=True, workers=workers, show_progress_bar=False).astype(dtype))
            texts.append(PackedStrings.from_strings(map(as_text, batch)))
            done += len(batch)
            progress.update(done)
    return np.concatenate(vectors), PackedStrings.concatenate(texts)


def as_text(sentence: Sentence) -> str:
    """A sentence as one string."""
    return sentence if isinstance(sentence, str) else " ".join(sentence)
