"""From word counts: which words to keep, which to train on as targets, which to draw as negatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gensim import utils

from .._text.counting import WordCounts


def count_for(counts: np.ndarray, max_words: int | None) -> int:
    """The least count that keeps at most `max_words` words."""
    if max_words is None or max_words >= len(counts):
        return 0
    return int(np.partition(counts, len(counts) - 1 - max_words)[len(counts) - 1 - max_words]) + 1


def kept_words(raw: WordCounts, min_count: int, trim_rule: Any) -> np.ndarray:
    """Ids of the words to keep, most frequent first, equal counts in order of first appearance."""
    keep = raw.counts >= min_count
    if trim_rule is not None:
        keep = np.fromiter(
            (utils.keep_vocab_item(word, int(count), min_count, trim_rule) for word, count in zip(raw, raw.counts)),
            dtype=bool,
            count=len(raw),
        )
    ids = np.flatnonzero(keep)
    return ids[np.argsort(-raw.counts[ids], kind="stable")]


def no_word_left(
    raw: WordCounts, options: str, effective: int, max_final_vocab: int | None, max_vocab_size: int | None
) -> str:
    """What to say where no word is kept: which of the options is to blame."""
    if not len(raw):
        if max_vocab_size:
            return f"max_vocab_size={max_vocab_size}: all words were forgotten while counting; raise it"
        return "the vocabulary is empty: no words were counted"
    most = int(np.argmax(raw.counts))
    if max_final_vocab is not None and effective == count_for(raw.counts, max_final_vocab):
        ties = f"more words than that occur {effective - 1} times"
        return f"max_final_vocab={max_final_vocab} leaves no word: {ties}; raise it"
    return (
        f"{options} leaves no word: the most frequent of {len(raw)}, {raw.words[most]!r}, "
        f"occurs {raw.counts[most]} times; lower min_count or pass a larger corpus"
    )


def target_probability(counts: np.ndarray, sample: float, total: int) -> np.ndarray:
    """The probability that a word is trained as a target (Mikolov et al. 2013, as word2vec computes it)."""
    if not sample:
        return np.ones(len(counts))
    threshold = sample * total if sample < 1 else int(sample * (3 + math.sqrt(5)) / 2)
    ratio = threshold / np.maximum(counts, 1)
    return np.minimum(np.sqrt(ratio) + ratio, 1.0)


def as_uint32(probability: np.ndarray) -> np.ndarray:
    return (probability * (2**32 - 1)).astype(np.uint32)


def negative_weights(counts: np.ndarray, exponent: float) -> np.ndarray:
    """count ** exponent, scaled so that nothing overflows."""
    logs = exponent * np.log(np.maximum(counts, 1))
    return np.exp(logs - logs.max())
