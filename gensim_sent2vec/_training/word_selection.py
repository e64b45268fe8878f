"""From word counts to a vocabulary: which words to keep, and how often each is a target or a negative sample."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gensim import utils
from gensim.models import Word2Vec

from .._text.counting import WordCounts
from .._text.packed import PackedStrings
from .._text.vocabulary import Vocabulary

ALWAYS = 2**32 - 1  # a `sample_int`: each occurrence is trained
TrimRule = Callable[[str, int, int], int]
WordAttributes = dict[str, np.ndarray]  # one value per word, by name: gensim's `expandos`


@dataclass(frozen=True)
class Selection:
    """The words of a corpus that are kept.

    Attributes
    ----------
    raw : WordCounts
        All words that were counted.
    kept : WordCounts
        The words that are kept: most frequent first, words of equal count in order of first appearance.
    min_count : int
        The least count that was required, after `max_final_vocab` was applied.
    target_probability : numpy.ndarray of float64, shape (n_kept,)
        See `target_probability`.
    """

    raw: WordCounts
    kept: WordCounts
    min_count: int
    target_probability: np.ndarray

    @property
    def report(self) -> dict[str, int]:
        """What gensim's `Word2Vec.prepare_vocab` returns."""
        counts, probability = self.kept.counts, self.target_probability
        return {
            "drop_unique": len(self.raw) - len(self.kept),
            "retain_total": int(counts.sum()),
            "downsample_unique": int((probability < 1).sum()),
            "downsample_total": int((probability * counts).sum()),
            "num_retained_words": len(self.kept),
        }

    def vocabulary(self) -> tuple[Vocabulary, WordAttributes]:
        """A new vocabulary of the words that are kept."""
        attributes = {"count": np.array(self.kept.counts), "sample_int": as_uint32(self.target_probability)}
        return self.kept.vocabulary, attributes

    def merged_into(self, old: Vocabulary, attributes: WordAttributes) -> tuple[Vocabulary, WordAttributes]:
        """An existing vocabulary with the counts of its words increased and the words that are new to it appended.

        Old words keep their ids, which are part of the hashes of their n-grams. Their counts include words that are
        rarer than `min_count` in the new corpus.
        """
        ids = _ids(old, self.kept)
        is_new = np.flatnonzero(ids < 0)
        ids[is_new] = len(old) + np.arange(len(is_new))
        new = self.kept.take(is_new)
        vocabulary = Vocabulary(PackedStrings.concatenate([old.words, new.words]))
        unknown: WordAttributes = {
            "count": np.zeros(len(old), dtype=np.int64),
            "sample_int": np.zeros(len(old), dtype=np.uint32),
        }
        merged = {name: fitted_length(values, len(vocabulary)) for name, values in {**unknown, **attributes}.items()}
        all_ids = _ids(vocabulary, self.raw)
        merged["count"][all_ids[all_ids >= 0]] += self.raw.counts[all_ids >= 0]
        merged["sample_int"][ids] = as_uint32(self.target_probability)
        merged["sample_int"][merged["sample_int"] == 0] = ALWAYS  # words that users added, and that were not counted
        return vocabulary, merged


def select_words(
    raw: WordCounts,
    min_count: int,
    sample: float,
    max_final_vocab: int | None = None,
    trim_rule: TrimRule | None = None,
) -> Selection:
    """Choose the words to keep; the parameters are those of `Sent2Vec`. The selection may be empty."""
    least = max(min_count, min_count_for(raw.counts, max_final_vocab))
    kept = raw.take(ids_to_keep(raw, least, trim_rule))
    return Selection(raw, kept, least, target_probability(kept.counts, sample, int(kept.counts.sum())))


def min_count_for(counts: np.ndarray, max_words: int | None) -> int:
    """The smallest min_count that keeps at most `max_words` words."""
    if max_words is None or max_words >= len(counts):
        return 0
    position = len(counts) - 1 - max_words
    return int(np.partition(counts, position)[position]) + 1


def ids_to_keep(raw: WordCounts, min_count: int, trim_rule: TrimRule | None) -> np.ndarray:
    """The ids (int64) of the words to keep, most frequent first, ties in order of first appearance."""
    keep = raw.counts >= min_count
    if trim_rule is not None:
        keep = np.fromiter(
            (utils.keep_vocab_item(word, int(count), min_count, trim_rule) for word, count in zip(raw, raw.counts)),
            dtype=bool,
            count=len(raw),
        )
    ids = np.flatnonzero(keep)
    return ids[np.argsort(-raw.counts[ids], kind="stable")]


def explain_empty(
    selection: Selection,
    min_count: int,
    trim_rule: TrimRule | None,
    max_final_vocab: int | None,
    max_vocab_size: int | None,
) -> str:
    """The error message for a selection without words: which option excluded them all."""
    raw, least = selection.raw, selection.min_count
    if not len(raw):
        if max_vocab_size:
            return (
                f"max_vocab_size={max_vocab_size} leaves no words: all were pruned while counting; pass a larger value"
            )
        return "the vocabulary is empty: no words were counted"
    if max_final_vocab is not None and least == min_count_for(raw.counts, max_final_vocab):
        return (
            f"max_final_vocab={max_final_vocab} leaves no words: more words than that occur {least - 1} times; "
            "pass a larger value"
        )
    top = int(np.argmax(raw.counts))
    return (
        f"min_count={min_count}{' with trim_rule' if trim_rule else ''} leaves no words: the most frequent of "
        f"{len(raw)}, {raw.words[top]!r}, occurs {raw.counts[top]} times; pass a lower min_count or a larger corpus"
    )


def target_probability(counts: np.ndarray, sample: float, total: int) -> np.ndarray:
    """The probability that an occurrence of a word is trained as a target.

    As in word2vec (Mikolov et al. 2013): √(t / f) + t / f, at most 1, with the frequency f and the threshold t.

    Parameters
    ----------
    counts : numpy.ndarray of int64, shape (n_words,)
    sample : float
        The threshold: a share of all tokens if below 1, else a count. 0: all targets are trained.
    total : int
        Tokens of the corpus.
    """
    if not sample:
        return np.ones(len(counts))
    threshold = sample * total if sample < 1 else int(sample * (3 + math.sqrt(5)) / 2)
    ratio = threshold / np.maximum(counts, 1)
    return np.minimum(np.sqrt(ratio) + ratio, 1.0)


def as_uint32(probability: np.ndarray) -> np.ndarray:
    """Probabilities scaled to the range of uint32, as the kernel compares them with random numbers."""
    return (probability * ALWAYS).astype(np.uint32)


def shared_vocabulary(model: Any) -> tuple[Vocabulary, WordAttributes]:
    """The words of a gensim model, shared with it if possible, and a copy of their attributes.

    gensim changes the attributes of its models in place. Where it has added words without extending an attribute, the
    value is 0.

    Raises
    ------
    TypeError
        If `model` is not a `Word2Vec` or `Sent2Vec`, or a word is not a string.
    ValueError
        If there is no vocabulary, or no counts.
    """
    if not isinstance(model, Word2Vec):
        raise TypeError(f"other_model: expected a gensim Word2Vec or a Sent2Vec, got {type(model).__name__}")
    words, attributes = model.wv.key_to_index, model.wv.expandos
    if not len(words) or "count" not in attributes:
        raise ValueError("other_model: it has no vocabulary with counts; call its build_vocab first")
    if not isinstance(words, Vocabulary):
        for word in model.wv.index_to_key:
            if not isinstance(word, str):
                raise TypeError(f"other_model: words must be strings, got the {type(word).__name__} {word!r:.40}")
        words = Vocabulary.from_words(model.wv.index_to_key)
    return words, {name: fitted_length(np.asarray(values), len(words)) for name, values in attributes.items()}


def fitted_length(values: np.ndarray, n_words: int) -> np.ndarray:
    """A copy of an attribute with a value for each of `n_words` words: cut, or extended by zeros."""
    result = np.zeros((n_words, *values.shape[1:]), dtype=values.dtype)
    result[: len(values)] = values[:n_words]
    return result


def checked_counts(attributes: Mapping[str, Any], n_words: int) -> np.ndarray:
    """The counts of words, which training needs.

    Raises
    ------
    ValueError
        If they are missing, or not finite numbers of at least 0, one per word.
    """
    if "count" not in attributes:
        raise ValueError("train: the words have no counts; call build_vocab(sentences), or with update=True")
    counts = np.asarray(attributes["count"])
    if counts.shape != (n_words,) or counts.dtype.kind not in "iuf":
        raise ValueError(
            f"train: wv.expandos['count'] must hold a number per word, shape {(n_words,)}, got {counts.dtype} of shape "
            f"{counts.shape}"
        )
    if not (np.isfinite(counts) & (counts >= 0)).all():
        raise ValueError("train: wv.expandos['count'] must be finite and not negative")
    return counts


def checked_sample_int(attributes: Mapping[str, Any], n_words: int) -> np.ndarray:
    """The probabilities of words to be targets, see `as_uint32`; a ValueError unless there is one per word."""
    values = attributes.get("sample_int")
    if values is None or values.shape != (n_words,) or values.dtype != np.uint32:
        raise ValueError(
            "train: wv.expandos['sample_int'] must hold a uint32 per word if sample is not 0; pass sample to the "
            "constructor or to build_vocab, or set model.sample = 0"
        )
    return np.asarray(values)


def negative_weights(counts: np.ndarray, exponent: float) -> np.ndarray:
    """count ** exponent, scaled to a maximum of 1 so that nothing overflows (float64)."""
    logs = exponent * np.log(np.maximum(counts, 1))
    return np.exp(logs - logs.max())


def _ids(vocabulary: Vocabulary, words: WordCounts) -> np.ndarray:
    """The ids of words, -1 for unknown ones."""
    return np.fromiter((vocabulary.get(word, -1) for word in words), dtype=np.int64, count=len(words))
