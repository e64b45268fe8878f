"""Invalid corpora raise errors that name them, and leave the model unchanged."""

import copy
import gzip
import math
import os
from pathlib import Path

import numpy as np
import pytest
from gensim import utils
from gensim.models.callbacks import CallbackAny2Vec
from gensim.test.utils import common_texts
from models import SMALL, assert_same_bytes, assert_usable, matrices, state

from gensim_sent2vec import Sent2Vec

# Error, its message, and the corpus as arguments of the constructor.
# Detected at once, whatever the corpus is for.
ALWAYS_INVALID = {
    "a string": (TypeError, "^sentences: .*corpus_file=", lambda tmp: {"sentences": "abc"}),
    "a number": (TypeError, "^sentences: ", lambda tmp: {"sentences": 5}),
    "numbers": (TypeError, "^sentences: row 0: the int 1 is neither", lambda tmp: {"sentences": [1, 2]}),
    "numbers as tokens": (
        TypeError,
        r"^sentences: row 1: tokens must be strings, got the int 1 in \['a', 1\]",
        lambda tmp: {"sentences": [["a"], ["a", 1]]},
    ),
    "a missing token": (TypeError, "^sentences: row 0: .*missing", lambda tmp: {"sentences": [["a", None]]}),
    "missing texts": (
        TypeError,
        r"^sentences: row 1: a missing value \(None\)",
        lambda tmp: {"sentences": ["a", None]},
    ),
    "a missing first text": (
        TypeError,
        r"^sentences: row 0: .*missing.*dropna",
        lambda tmp: {"sentences": [math.nan, "a b"]},
    ),
    "missing token lists": (TypeError, "^sentences: row 1: a missing", lambda tmp: {"sentences": [["a"], np.nan]}),
    "bytes": (TypeError, r"^sentences: row 0: the bytes b'a b'", lambda tmp: {"sentences": [b"a b", b"c"]}),
    "texts among token lists": (TypeError, "^sentences: row 1: a str after", lambda tmp: {"sentences": [["a"], "b"]}),
    "token lists among texts": (TypeError, "^sentences: row 1: a list after", lambda tmp: {"sentences": ["b", ["a"]]}),
    "records": (
        TypeError,
        "^sentences: row 0: a dict with the keys 'text'",
        lambda tmp: {"sentences": [{"text": "a"}]},
    ),
    "a dict": (TypeError, "^sentences: .*pass one column", lambda tmp: {"sentences": {"text": ["a b"]}}),
    "an array of one column": (
        TypeError,
        r"^sentences: .*shape \(2, 1\); pass one column",
        lambda tmp: {"sentences": np.array([["a b"], ["c"]])},
    ),
    "a missing file": (FileNotFoundError, "^corpus_file: .*nowhere", lambda tmp: {"corpus_file": tmp / "nowhere"}),
    "a directory": (IsADirectoryError, "^corpus_file: .*PathLineSentences", lambda tmp: {"corpus_file": tmp}),
    "a compressed file": (ValueError, "^corpus_file: .*decompress", lambda tmp: {"corpus_file": tmp / "text.gz"}),
    "token lists": (TypeError, "^corpus_file: .*sentences=", lambda tmp: {"corpus_file": common_texts}),
    "both": (TypeError, "exactly one of the two", lambda tmp: {"sentences": common_texts, "corpus_file": tmp / "text"}),
}
# Detected while words are counted.
INVALID_FOR_COUNTING = {
    "nothing": (ValueError, "^sentences: the corpus is empty", lambda tmp: {"sentences": []}),
    "empty sentences": (ValueError, r"^sentences: .*empty \(2 sentences", lambda tmp: {"sentences": [[], []]}),
    "an empty file": (ValueError, "^corpus_file: .*empty", lambda tmp: {"corpus_file": tmp / "empty"}),
    "a disguised gzip file": (
        ValueError,
        "^corpus_file: .*not UTF-8",
        lambda tmp: {"corpus_file": tmp / "zipped"},
    ),
    "a binary file": (ValueError, "^corpus_file: .*offset", lambda tmp: {"corpus_file": tmp / "binary"}),
    "Latin-1": (ValueError, "^corpus_file: .*iconv", lambda tmp: {"corpus_file": tmp / "latin"}),
}
# Counting needs one pass, training more.
INVALID_FOR_TRAINING = {
    "a generator": (TypeError, "^sentences: 6 passes are needed", lambda tmp: {"sentences": iter(common_texts)}),
}

INVALID = {**ALWAYS_INVALID, **INVALID_FOR_COUNTING, **INVALID_FOR_TRAINING}


@pytest.fixture
def invalid_corpus(request, tmp_path):
    """The error, its message, and the corpus as arguments of the constructor."""
    text = b"some text\nmore text\n" * 50
    (tmp_path / "empty").write_bytes(b"\n \n")
    (tmp_path / "text").write_bytes(text)
    (tmp_path / "text.gz").write_bytes(gzip.compress(text))
    (tmp_path / "zipped").write_bytes(gzip.compress(text))
    (tmp_path / "binary").write_bytes(np.arange(1000, dtype=np.float32).tobytes())
    (tmp_path / "latin").write_bytes("caf\xe9 cr\xe8me\n".encode("latin-1") * 50)
    error, message, corpus = INVALID[request.param]
    return error, message, corpus(tmp_path)


@pytest.mark.parametrize("invalid_corpus", INVALID, indirect=True)
def test_an_invalid_corpus_is_rejected_by_name(invalid_corpus, no_thread_left):
    error, message, corpus = invalid_corpus
    with pytest.raises(error, match=message):
        Sent2Vec(**corpus, min_count=1)


@pytest.mark.parametrize("invalid_corpus", [*ALWAYS_INVALID, *INVALID_FOR_COUNTING], indirect=True)
@pytest.mark.parametrize("update", [False, True])
def test_an_invalid_corpus_leaves_the_vocabulary_unchanged(ready, invalid_corpus, update, no_thread_left):
    error, message, corpus = invalid_corpus
    message = message.replace("^sentences", "^corpus_iterable")
    before = state(ready)
    with pytest.raises(error, match=message):
        ready.build_vocab(corpus.get("sentences"), corpus.get("corpus_file"), update=update)
    assert state(ready) == before
    ready.train(common_texts)


@pytest.mark.parametrize("invalid_corpus", [*ALWAYS_INVALID, *INVALID_FOR_TRAINING], indirect=True)
def test_train_rejects_an_invalid_corpus_and_changes_no_vector(ready, invalid_corpus, no_thread_left):
    error, message, corpus = invalid_corpus
    message = message.replace("^sentences", "^corpus_iterable")
    before = copy.deepcopy(matrices(ready))
    with pytest.raises(error, match=message):
        ready.train(corpus.get("sentences"), corpus.get("corpus_file"), epochs=6)
    assert all(np.array_equal(rows, before[name]) for name, rows in matrices(ready).items())
    ready.train(common_texts)


def test_no_corpus_at_all(ready):
    for call in (ready.build_vocab, ready.train):
        with pytest.raises(TypeError, match=r"^corpus_iterable, corpus_file: pass exactly one of the two"):
            call()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"min_count": 5}, r"^min_count=5 leaves no words: the most frequent of 12, 'system', occurs 4 times"),
        ({"trim_rule": lambda *_: utils.RULE_DISCARD}, "^min_count=1 with trim_rule leaves no words"),
        ({"max_final_vocab": 2, "sentences": [["a", "b", "c"]]}, "^max_final_vocab=2 leaves no words"),
        ({"max_vocab_size": 2, "sentences": [["a", "b", "c"]]}, "^max_vocab_size=2 leaves no words"),
    ],
)  # fmt: skip
def test_an_empty_vocabulary_names_the_option_to_change(options, message):
    with pytest.raises(ValueError, match=message):
        Sent2Vec(**{"sentences": common_texts, "min_count": 1, **options})


def test_an_empty_vocabulary_leaves_the_model_unchanged(ready):
    before = state(ready)
    with pytest.raises(ValueError, match="min_count=9 leaves no words"):
        ready.build_vocab([["x", "y"]], min_count=9)
    assert state(ready) == before
    with pytest.raises(ValueError, match="trim_rule leaves no words"):
        ready.build_vocab_from_freq({"x": 1}, trim_rule=lambda *_: utils.RULE_DISCARD)
    assert state(ready) == before


def test_invalid_counts_are_rejected(ready):
    before = state(ready)
    for counts in ({"a": -1}, {"a": 0.5}, {5: 5}):
        with pytest.raises(ValueError, match=r"^word_freq: expected words with counts >= 0"):
            ready.build_vocab_from_freq(counts)
    with pytest.raises(ValueError, match="empty"):
        Sent2Vec().build_vocab_from_freq({})
    assert state(ready) == before


def test_a_vocabulary_of_one_word_cannot_be_trained():
    with pytest.raises(ValueError, match=r"^train: .*single word, 'a'.*pass a lower min_count or a larger corpus"):
        Sent2Vec([["a", "a"], ["a"]], **SMALL)
    model = Sent2Vec(**SMALL)
    model.build_vocab([["a", "a"]])
    model.build_vocab([["b"]], update=True)
    model.train([["a", "b"]])
    assert_usable(model)


def test_training_needs_a_vocabulary():
    with pytest.raises(ValueError, match=r"^train: the vocabulary is empty; call build_vocab"):
        Sent2Vec().train(common_texts)
    with pytest.raises(ValueError, match=r"^update: there is no vocabulary to update; call build_vocab"):
        Sent2Vec(min_count=1).build_vocab(common_texts, update=True)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"epochs": 0}, "^epochs: must be at least 1"),
        ({"start_alpha": 0}, "^start_alpha: must be above 0"),
        ({"start_alpha": math.nan}, "^start_alpha: must be finite"),
        ({"end_alpha": -1}, "^end_alpha: must be at least 0"),
        ({"end_alpha": math.inf}, "^end_alpha: must be finite"),
        ({"start_alpha": 0.1, "end_alpha": 0.2}, r"^end_alpha: must be at most start_alpha=0\.1, got 0\.2"),
        ({"total_words": -5}, "^total_words, total_examples: "),
        ({"total_words": 0, "total_examples": 0}, "^total_words, total_examples: "),
    ],
)
def test_train_rejects_invalid_options_and_changes_nothing(ready, options, message):
    before = state(ready)
    with pytest.raises(ValueError, match=message):
        ready.train(common_texts, **options)
    assert state(ready) == before


def test_a_corpus_that_is_empty_the_second_time(ready, tmp_path):
    class Once:
        def __init__(self):
            self.sentences = list(common_texts)

        def __iter__(self):
            sentences, self.sentences = self.sentences, []
            return iter(sentences)

    with pytest.raises(
        ValueError, match=r"^sentences: the corpus was empty in epoch 1; each iteration must yield all sentences again"
    ):
        Sent2Vec(Once(), **SMALL)
    with pytest.raises(
        ValueError,
        match=r"^corpus_iterable: the corpus was empty in epoch 2; each iteration must yield all sentences again",
    ):
        ready.train(Once(), epochs=3)
    assert_usable(ready)


def test_a_file_that_shrinks_is_trained_to_its_new_end(lee_path, tmp_path):
    text = Path(lee_path).read_bytes()
    path = tmp_path / "corpus.txt"
    path.write_bytes(text)
    model = Sent2Vec(vector_size=8, min_count=1, workers=2, epochs=2)
    model.build_vocab(corpus_file=path)
    half = text[: len(text) // 2]
    path.write_bytes(half)
    assert model.train(corpus_file=path)[1] == 2 * len(half.split())

    class Shrink(CallbackAny2Vec):
        def on_epoch_end(self, model):
            path.write_bytes(half[:1000])

    assert model.train(corpus_file=path, callbacks=[Shrink()])[1] == len(half.split()) + len(half[:1000].split())
    assert_usable(model)


def test_a_file_that_disappears_is_an_error(ready, corpus_file, no_thread_left):
    class Vanish(CallbackAny2Vec):
        def on_epoch_end(self, model):
            os.unlink(corpus_file)

    with pytest.raises(FileNotFoundError, match=r"corpus\.txt"):
        ready.train(corpus_file=corpus_file, callbacks=[Vanish()])
    assert_usable(ready)


def test_a_file_that_is_emptied_is_an_error_that_names_it(ready, corpus_file):
    Path(corpus_file).write_text("")
    with pytest.raises(ValueError, match=r"^corpus_file.* empty in epoch 1"):
        ready.train(corpus_file=corpus_file)


@pytest.mark.parametrize("rows", ["wv.vectors", "wv.vectors_ngrams", "placeholder", "syn1neg"])
def test_read_only_matrices_cannot_be_trained(ready, rows):
    owner, name = (ready.wv, rows[3:]) if rows.startswith("wv.") else (ready, rows)
    getattr(owner, name).flags.writeable = False
    before = state(ready)
    with pytest.raises(
        ValueError, match=rf"^train: {rows} is read-only \(memory-mapped\); load the model without mmap"
    ):
        ready.train(common_texts)
    assert state(ready) == before


def test_a_memory_mapped_model_cannot_be_trained(ready, tmp_path):
    path = str(tmp_path / "model")
    ready.save(path, sep_limit=1)
    mapped = Sent2Vec.load(path, mmap="r")
    with pytest.raises(ValueError, match=r"read-only \(memory-mapped\); load the model without mmap to train it"):
        mapped.train(common_texts)
    assert_same_bytes(mapped, ready)
    assert_same_bytes(Sent2Vec.load(path), ready)
