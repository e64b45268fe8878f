"""From word counts: which words to keep, which to train on as targets, which to draw as negatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gensim import utils

from .vocab import WordCounts


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


def no_word_left(raw: WordCounts, min_count: int, trim_rule: Any) -> str:
    if not len(raw):
        return "the vocabulary is empty: no words were counted"
    most = int(np.argmax(raw.counts))
    rule = " and trim_rule" if trim_rule is not None else ""
    return (
        f"min_count={min_count}{rule} leaves no word: the most frequent of {len(raw)}, {raw.word(most)!r}, "
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
    weights = (np.maximum(counts, 1) / max(1, counts.max())).astype(np.float64) ** exponent
    return np.ascontiguousarray(np.nan_to_num(weights / weights.max(), nan=1.0, posinf=1.0))
