"""Which words are kept, in which order, and how often they are targets and negative samples."""

import numpy as np
import pytest
from gensim import utils
from hypothesis import given
from hypothesis import strategies as st

from gensim_sent2vec._text.counting import WordCounts
from gensim_sent2vec._training.word_selection import min_count_for, negative_weights, select_words, target_probability

COUNTS = WordCounts.from_mapping({"b": 3, "a": 3, "rare": 1, "top": 9})


@given(st.lists(st.integers(1, 20), max_size=30), st.integers(1, 40))
def test_min_count_for_is_the_smallest_that_leaves_few_enough(counts, max_words):
    least = min_count_for(np.array(counts, dtype=np.int64), max_words)
    assert sum(count >= least for count in counts) <= max_words
    assert least == 0 or sum(count >= least - 1 for count in counts) > max_words


def test_words_are_kept_by_count_then_by_first_appearance():
    selection = select_words(COUNTS, min_count=2, sample=0)
    assert list(selection.kept) == ["top", "b", "a"]
    assert selection.report == {
        "drop_unique": 1, "retain_total": 15, "downsample_unique": 0, "downsample_total": 15, "num_retained_words": 3,
    }  # fmt: skip


def test_max_final_vocab_raises_min_count():
    selection = select_words(COUNTS, min_count=2, sample=0, max_final_vocab=2)
    assert list(selection.kept) == ["top"]  # "b" and "a" are equally frequent
    assert selection.min_count == 4


def test_a_trim_rule_decides_first():
    rules = {"top": utils.RULE_DISCARD, "rare": utils.RULE_KEEP}
    selection = select_words(COUNTS, 2, 0, trim_rule=lambda word, *_: rules.get(word, utils.RULE_DEFAULT))
    assert list(selection.kept) == ["b", "a", "rare"]


def test_merging_keeps_ids_and_adds_counts():
    old, attributes = select_words(COUNTS, min_count=2, sample=0).vocabulary()
    update = WordCounts.from_mapping({"new": 5, "a": 1, "unique": 1})
    words, merged = select_words(update, min_count=2, sample=0).merged_into(old, attributes)
    assert list(words) == ["top", "b", "a", "new"]
    assert merged["count"].tolist() == [9, 3, 4, 5]  # that of "a" although it is rare in the update
    assert merged["sample_int"].tolist() == [2**32 - 1] * 4
    assert attributes["count"].tolist() == [9, 3, 3]


@pytest.mark.parametrize("sample", [1e-3, 0.1, 2])
def test_target_probability_falls_with_the_count(sample):
    counts = np.array([1, 10, 100, 10_000])
    probability = target_probability(counts, sample, int(counts.sum()))
    assert (np.diff(probability) <= 0).all()
    assert ((probability > 0) & (probability <= 1)).all()
    assert probability[-1] < 1


def test_without_subsampling_every_target_is_trained():
    assert target_probability(np.array([1, 10**9]), 0, 10**9).tolist() == [1, 1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("exponent", [0, 0.5, 1, -1, 400, -400])
def test_negative_weights_never_overflow(exponent):
    weights = negative_weights(np.array([0, 1, 10**17]), exponent)
    assert np.isfinite(weights).all() and weights.max() == 1
    if exponent == 0.5:
        assert weights[1] / weights[2] == pytest.approx(10**-8.5)
