"""Building an index: checks of the arguments, and embedding a stream of sentences."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from .._pooling.finite import NotFiniteError
from .._pooling.refitting import refit
from .._text.corpus import sample_sentences
from .._text.inputs import as_text, reject_texts_as_tokens
from .._text.packed import PackedStrings
from .._util.batches import batched, known_length
from .._util.hints import reject_unknown
from .._util.progress import Progress
from .._util.rows import unit_rows
from ..hnsw import GRAPH_OPTIONS
from ..keyedvectors import Sent2VecKeyedVectors, Sentence, check_keyed_vectors
from ..lexical import LexicalOptions
from ..weighting import SentenceWeighting

BATCH_SIZE = 1 << 14  # sentences


def check_build_arguments(
    wv: Any, method: str, dtype: Any, options: dict[str, int], arguments: Collection[str]
) -> None:
    """Raise a TypeError or ValueError for invalid arguments of `SentenceIndex.build`; `arguments` are their names."""
    reject_unknown(options, "build", (*arguments, *GRAPH_OPTIONS))
    check_keyed_vectors(wv)
    if method not in ("exact", "hnsw"):
        raise ValueError(f'method: expected "exact" or "hnsw", got {method!r}')
    if np.dtype(dtype) not in (np.float32, np.float16):
        raise ValueError(f"dtype: expected float32 or float16, got {np.dtype(dtype)}")
    for name in options:
        if method != "hnsw":
            raise ValueError(f'{name}: only method="hnsw" has this option')


def lexical_options_of(lexical: Any) -> tuple[bool, LexicalOptions]:
    """Whether `SentenceIndex.build` computes lexical scores, and with which options.

    Raises
    ------
    TypeError, ValueError
        If `lexical` is neither a bool nor a mapping of such options.
    """
    if isinstance(lexical, (bool, np.bool_, int)):
        return bool(lexical), LexicalOptions()
    if not isinstance(lexical, Mapping):
        raise TypeError(f"lexical: expected True, False, or a mapping of options, got {lexical!r}")
    reject_unknown(lexical, "lexical", [field.name for field in fields(LexicalOptions)])
    return True, LexicalOptions(**lexical)


def refitted(wv: Sent2VecKeyedVectors, sentences: list[Sentence]) -> Sent2VecKeyedVectors:
    """A copy of vectors whose weighting is fitted to sentences; words and their rows are shared.

    Raises
    ------
    ValueError
        If the vectors have no weighting, or it cannot be fitted again.
    """
    weighting = wv.weighting
    if weighting is None:
        raise ValueError(
            "refit: the vectors have no weighting; set one (wv.weighting = SentenceWeighting().fit(wv, sentences)), or "
            "use refit=False"
        )
    sample = sample_sentences(sentences, weighting.sample_size)
    fitted = refit(
        weighting._parameters,
        weighting._require_fit(),
        wv.freeze(),
        [wv.tokens(text) if isinstance(text, str) else text for text in sample],
    )
    return with_weighting(wv, SentenceWeighting._from_values(weighting._parameters, fitted))


def with_weighting(wv: Sent2VecKeyedVectors, weighting: SentenceWeighting) -> Sent2VecKeyedVectors:
    """A copy of vectors with another weighting; words and rows are shared."""
    result = copy.copy(wv)
    result.weighting = weighting
    return result


def embed(
    wv: Sent2VecKeyedVectors,
    sentences: Iterable[Sentence],
    dtype: Any,
    workers: int | None = None,
    show_progress_bar: bool | None = None,
) -> tuple[np.ndarray, PackedStrings]:
    """Encode a stream of sentences, a batch at a time.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    sentences : iterable of str or of sequences of str
        As `gensim_sent2vec._text.inputs.checked_texts` returns them.
    dtype : numpy.float32 or numpy.float16
    workers, show_progress_bar
        As in `SentenceIndex.build`.

    Returns
    -------
    vectors : numpy.ndarray of `dtype`, shape (n, dim)
        Unit vectors; all zeros for sentences without known words.
    texts : PackedStrings
        The sentences; tokens are joined by spaces.

    Raises
    ------
    TypeError
        If a token is not a string, or texts are passed as the tokens of a sentence.
    ValueError
        If the vector of a sentence is not finite.
    """
    vectors = [wv.encode([], show_progress_bar=False).astype(dtype)]  # no rows, but the right number of dimensions
    texts: list[PackedStrings] = []
    done = 0
    total = known_length(sentences)
    with Progress("index", total, "sentences", show_progress_bar) as progress:
        for batch in batched(sentences, BATCH_SIZE):
            batch = [sentence if isinstance(sentence, str) else list(sentence) for sentence in batch]
            texts.append(PackedStrings.from_strings(_as_texts(wv, batch, done)))
            try:
                rows = wv.encode(batch, workers=workers, show_progress_bar=False)
            except NotFiniteError as error:
                raise error.renamed("sentences", done + (error.row or 0)) from None
            vectors.append(unit_rows(rows).astype(dtype))
            done += len(batch)
            progress.update(done)
    return np.concatenate(vectors), PackedStrings.concatenate(texts)


def _as_texts(wv: Sent2VecKeyedVectors, batch: list[Sentence], first: int) -> list[str]:
    """The sentences of a batch, whose first row is `first`, as strings."""
    texts = [as_text(sentence, f"sentences: row {row:,}") for row, sentence in enumerate(batch, first)]
    for row, (sentence, text) in enumerate(zip(batch, texts), first):
        # With n - 1 spaces between n tokens, no token contains a space; else it may be a list of texts. If words of the
        # vocabulary contain spaces, rare ones that have no vector may too.
        if not isinstance(sentence, str) and text.count(" ") >= max(1, len(sentence)) and not _has_spaces(wv):
            reject_texts_as_tokens(
                sentence, wv.key_to_index, f"sentences: row {row:,}", "pass texts, or the tokens of each"
            )
    return texts


def _has_spaces(wv: Sent2VecKeyedVectors) -> bool:
    return bool((wv.freeze().blob == ord(" ")).any())
