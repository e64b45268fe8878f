"""Every kind of corpus that a model can be trained on."""

import itertools
import os
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from gensim.models.word2vec import LineSentence, PathLineSentences, Text8Corpus
from gensim.test.utils import common_texts
from models import SMALL, assert_same_bytes, assert_usable

from gensim_sent2vec import Sent2Vec, TokenFile
from gensim_sent2vec import model as model_module
from gensim_sent2vec._text import tokenized
from gensim_sent2vec._text.corpus import TokenLines
from gensim_sent2vec._training import corpus as training_corpus


class Restartable:
    """The simplest corpus that a user may write."""

    def __init__(self, sentences):
        self.sentences = sentences

    def __iter__(self):
        return iter(self.sentences)


@pytest.fixture
def text8_path(tmp_path):
    path = tmp_path / "text8"
    path.write_text(" ".join(token for text in common_texts for token in text))
    return path


@pytest.fixture
def directory(tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    for i, text in enumerate(common_texts):
        (folder / f"{i}.txt").write_text(" ".join(text) + "\n")
    return str(folder)


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize(
    "kind", ["list", "tuples", "LineSentence", "PathLineSentences", "own", "TokenLines", "file", "numpy"]
)
def test_every_corpus_trains(kind, workers, corpus_file, directory, no_thread_left):
    corpus = {
        "list": {"sentences": common_texts},
        "tuples": {"sentences": tuple(map(tuple, common_texts))},
        "LineSentence": {"sentences": LineSentence(corpus_file)},
        "PathLineSentences": {"sentences": PathLineSentences(directory)},
        "own": {"sentences": Restartable(common_texts)},
        "TokenLines": {"sentences": TokenLines(corpus_file)},
        "file": {"corpus_file": corpus_file},
        "numpy": {"sentences": [np.array(text) for text in common_texts]},
    }[kind]
    model = Sent2Vec(**corpus, **{**SMALL, "workers": workers})
    counts = Counter(itertools.chain.from_iterable(common_texts))
    assert {word: model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key} == counts
    assert (model.corpus_count, model.corpus_total_words) == (len(common_texts), counts.total())
    assert model.syn1neg.any()
    assert_usable(model)
    if workers == 1:
        assert_same_bytes(model, Sent2Vec(common_texts, **SMALL))


def test_text8_corpus_trains(text8_path):
    model = Sent2Vec(Text8Corpus(text8_path), **SMALL)
    assert model.corpus_total_words == sum(map(len, common_texts))
    assert_usable(model)


def test_one_positional_argument_is_the_corpus():
    assert_same_bytes(Sent2Vec(common_texts, **SMALL), Sent2Vec(sentences=common_texts, **SMALL))


def test_sentences_can_be_any_iterables_of_tokens():
    class Streams:
        def __iter__(self):
            return ((token for token in text) for text in common_texts)

    assert_same_bytes(Sent2Vec(Streams(), **SMALL), Sent2Vec(common_texts, **SMALL))


def test_a_path_like_corpus_file(corpus_file, tmp_path):
    assert_same_bytes(
        Sent2Vec(corpus_file=tmp_path / "corpus.txt", **SMALL), Sent2Vec(corpus_file=corpus_file, **SMALL)
    )


@pytest.mark.parametrize(
    "options",
    [{}, {"word_ngrams": 3, "bucket": 500}, {"word_ngrams": 3, "bucket": 500, "skip_bigrams": True}, {"sample": 1e-3},
     {"shared_negatives": False}, {"compute_loss": True}],
)  # fmt: skip
def test_a_file_and_an_iterable_give_the_same_bytes(lee_path, lee, options):
    options = {"vector_size": 12, "min_count": 2, "epochs": 2, "workers": 1, **options}
    from_file = Sent2Vec(corpus_file=lee_path, **options)
    assert_same_bytes(from_file, Sent2Vec(lee, batch_words=500, **options))
    assert_same_bytes(from_file, Sent2Vec(LineSentence(lee_path), **options))


def test_blank_lines_and_empty_sentences_are_harmless(tmp_path):
    sentences = [[], ["a", "b", "c"], [], [], ["b"], ["c", "a"], []]
    path = tmp_path / "corpus.txt"
    path.write_text("".join(" ".join(sentence) + "\n" for sentence in sentences))
    model = Sent2Vec(sentences, **SMALL)
    assert (model.corpus_count, model.corpus_total_words) == (7, 6)
    assert_same_bytes(model, Sent2Vec(corpus_file=path, **SMALL))


def test_words_can_contain_any_characters():
    odd = ["", " ", "a b", "\n", "\0", "\ud800", "한국어", "\u3000"]
    model = Sent2Vec([odd] * 5, **SMALL)
    assert list(model.wv.index_to_key) == odd
    assert model.wv.get_sentence_vector(odd).any()


@pytest.mark.parametrize("tokenizer", ["split", "words"])
def test_a_corpus_is_checked_once_and_tokenized_once(corpus_file, tokenizer, monkeypatch):
    """However many steps a call consists of."""
    calls = Counter()
    for owner, name in (
        (training_corpus, "check_corpus_file"),
        (model_module, "as_tokens"),
        (tokenized, "write_tokens"),
    ):
        original = getattr(owner, name)
        monkeypatch.setattr(
            owner, name, lambda *args, _n=name, _f=original, **options: (calls.update([_n]), _f(*args, **options))[1]
        )
    once = {"check_corpus_file": 1, "as_tokens": 1, **({"write_tokens": 1} if tokenizer == "words" else {})}
    model = Sent2Vec(corpus_file=corpus_file, tokenizer=tokenizer, **SMALL)
    assert calls == once
    for call in model.build_vocab, model.scan_vocab, model.train, model.fit_weighting:
        calls.clear()
        call(corpus_file=corpus_file)
        assert calls == once


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.parametrize("tokenizer", ["split", "words"])
@pytest.mark.parametrize("kind", [str, TokenFile])
def test_a_fifo_trains_as_the_file_does(corpus_file, tmp_path, tokenizer, kind):
    fifo = str(tmp_path / "fifo")
    os.mkfifo(fifo)

    def in_the_background():
        writer = threading.Thread(target=lambda: Path(fifo).write_bytes(Path(corpus_file).read_bytes()))
        writer.start()
        return writer

    expected = Sent2Vec(corpus_file=corpus_file, tokenizer=tokenizer, **SMALL)
    writer = in_the_background()
    assert_same_bytes(Sent2Vec(corpus_file=kind(fifo), tokenizer=tokenizer, **SMALL), expected)
    writer.join()
    model = Sent2Vec(tokenizer=tokenizer, **SMALL)
    writer = in_the_background()
    with model.as_tokens(corpus_file=kind(fifo)) as corpus:
        model.build_vocab(*corpus)
        model.train(*corpus)
    writer.join()
    assert_same_bytes(model, expected)


def test_an_empty_pipe_is_an_empty_corpus():
    with pytest.raises(ValueError, match=rf"^corpus_file: {os.devnull!r} is empty"):
        Sent2Vec(corpus_file=os.devnull, **SMALL)
