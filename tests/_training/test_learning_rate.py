"""The learning rate falls linearly with the tokens, or sentences, of all epochs."""

import pytest

from gensim_sent2vec._training.learning_rate import LinearDecay


def test_tokens_are_preferred_to_sentences():
    decay = LinearDecay.checked(3, 0.4, 0.1, total_words=100, total_examples=10, done=0)
    assert (decay.total, decay.unit) == (300, "tokens")
    decay = LinearDecay.checked(3, 0.4, 0.1, total_words=None, total_examples=10, done=0)
    assert (decay.total, decay.unit) == (30, "sentences")


def test_the_rate_starts_according_to_what_is_done():
    assert LinearDecay(0.4, 0.1, 3, 100, "tokens").schedule().rate == pytest.approx(0.4)
    assert LinearDecay(0.4, 0.1, 3, 100, "tokens", done=150).schedule().rate == pytest.approx(0.25)
    assert LinearDecay(0.4, 0.1, 3, 100, "tokens", done=300).schedule().rate == pytest.approx(0.1)


@pytest.mark.parametrize("size", [None, 0, -1])
def test_the_size_of_the_corpus_must_be_known(size):
    with pytest.raises(ValueError, match=r"^total_words, total_examples: "):
        LinearDecay.checked(3, 0.4, 0.1, size, None, 0)


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({"total_words": "3"}, TypeError, "total_words: expected an integer"),
        ({"total_words": 3.5}, TypeError, "total_words: expected an integer"),
        ({"total_examples": True}, TypeError, "total_examples: expected an integer"),
        ({"done": -1}, ValueError, "word_count: must be at least 0"),
        ({"done": "a"}, TypeError, "word_count: expected an integer"),
        ({"done": 300}, ValueError, "word_count: must be below the 300 tokens of all epochs, got 300; nothing"),
    ],
)
def test_invalid_sizes(options, error, message):
    arguments = {"total_words": 100, "total_examples": 10, "done": 0, **options}
    with pytest.raises(error, match=f"^{message}"):
        LinearDecay.checked(3, 0.4, 0.1, **arguments)
