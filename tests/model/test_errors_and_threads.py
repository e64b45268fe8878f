"""Errors of corpora and threads reach the caller at once, and no thread keeps running."""

import pytest
from models import assert_usable

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._util.threads import available_cpus


class Breaks:
    """A corpus that fails at a given sentence of a given pass."""

    def __init__(self, sentences, at_pass, at_sentence):
        self.sentences, self.at_pass, self.at_sentence, self.passes = sentences, at_pass, at_sentence, 0

    def __iter__(self):
        self.passes += 1
        for i, sentence in enumerate(self.sentences):
            if self.passes == self.at_pass and i == self.at_sentence:
                raise OSError("the network is down")
            yield sentence


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("at_pass", [1, 2, 3])
@pytest.mark.parametrize("at_sentence", [0, 250])
@pytest.mark.timeout(60)
def test_an_error_in_the_corpus_reaches_the_caller(lee, workers, at_pass, at_sentence, no_thread_left):
    with pytest.raises(OSError, match="the network is down"):
        Sent2Vec(Breaks(lee, at_pass, at_sentence), vector_size=8, workers=workers, batch_words=1000)


@pytest.mark.timeout(60)
def test_an_error_in_the_corpus_leaves_a_usable_model(lee, model, no_thread_left):
    with pytest.raises(OSError, match="the network is down"):
        model.train(Breaks(lee, 2, 100), epochs=5)
    assert_usable(model)
    model.train(lee, epochs=1)


def test_an_error_in_a_thread_reaches_the_caller(ready, tmp_path, no_thread_left):
    path = tmp_path / "corpus.txt"
    path.write_text("graph trees\n" + "x" * 3_000_000 + "\n")
    with pytest.raises(ValueError, match=r"corpus.*token of more than 1 MiB"):
        ready.train(corpus_file=path, total_words=3)
    assert_usable(ready)


def test_the_default_number_of_threads_is_the_number_of_cpus():
    assert Sent2Vec().workers == available_cpus() >= 1
