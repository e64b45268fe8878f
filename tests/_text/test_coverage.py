"""The warning about texts that the vocabulary does not know."""

import warnings

import pytest

from gensim_sent2vec._text.coverage import MAX_SKIPPED, Coverage

GOOD, BAD = ["the cat sat on the mat " * 5], ["The Cat! Sat? On; The: Mat. " * 5]


def looks(coverage, sentences):
    """How many words are looked up."""
    asked = []

    def find(word):
        asked.append(word)
        return 0 if word == word.lower() and word.isalpha() else -1

    coverage.look_at(sentences, find)
    return len(asked)


def test_texts_that_are_known_are_looked_at_less_and_less():
    coverage = Coverage()
    n_looks = [looks(coverage, GOOD) > 0 for _ in range(20000)]
    assert all(n_looks[:8])
    assert 10000 // MAX_SKIPPED // 2 < sum(n_looks[10000:]) < 10000 // MAX_SKIPPED * 2


def test_unknown_texts_are_noticed_after_many_known_ones():
    coverage = Coverage()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(20000):
            looks(coverage, GOOD)
    with pytest.warns(UserWarning, match="only 0% of the first 30 tokens"):
        for _ in range(MAX_SKIPPED + 1):
            looks(coverage, BAD)
    assert coverage.warned
    assert not looks(coverage, BAD)
