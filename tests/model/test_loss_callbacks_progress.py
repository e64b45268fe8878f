"""What can be observed of a training: loss, callbacks, lifecycle events, progress."""

import itertools
import logging
import math

import numpy as np
import pytest
from gensim.models.callbacks import CallbackAny2Vec
from gensim.test.utils import common_texts
from models import SMALL, assert_same_bytes, assert_usable

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._util import progress


class LossByEpoch(CallbackAny2Vec):
    def __init__(self):
        self.losses, self.total = [], 0.0

    def on_epoch_end(self, model):
        now = model.get_latest_training_loss()
        self.losses.append(now - self.total)
        self.total = now


def losses(corpus, workers=1, **options):
    callback = LossByEpoch()
    options = {"vector_size": 20, "epochs": 5, "workers": workers, "compute_loss": True, **options}
    model = Sent2Vec(**corpus, callbacks=[callback], **options)
    assert isinstance(model.get_latest_training_loss(), float)
    assert model.get_latest_training_loss() == pytest.approx(sum(callback.losses))
    return callback.losses


@pytest.mark.parametrize("source", ["file", "sentences"])
@pytest.mark.parametrize("options", [{}, {"shared_negatives": False}, {"word_ngrams": 2, "bucket": 1000}])
def test_the_loss_falls_and_does_not_depend_on_the_threads(lee_path, lee, source, options):
    corpus = {"corpus_file": lee_path} if source == "file" else {"sentences": lee}
    options = options | {"alpha": 0.2}  # with a higher rate on so few words, threads interfere with each other
    one, two = losses(corpus, **options), losses(corpus, workers=2, **options)
    assert one[-1] < one[0]
    assert two == pytest.approx(one, rel=0.05)
    assert losses(corpus, **options) == one


def test_the_loss_of_an_untrained_model():
    """Output vectors start at zero, so the target and each negative sample cost log 2."""
    model = Sent2Vec(vector_size=4, min_count=1, alpha=1e-30, negative=5, compute_loss=True, shared_negatives=False)
    model.build_vocab(common_texts)
    trained, _ = model.train(common_texts, epochs=1, compute_loss=True)
    assert model.get_latest_training_loss() == pytest.approx(trained * 6 * math.log(2), rel=1e-6)


def test_no_loss_unless_asked_for(ready):
    assert ready.get_latest_training_loss() == 0
    ready.train(common_texts, compute_loss=True)
    assert ready.get_latest_training_loss() > 0
    ready.train(common_texts)
    assert ready.get_latest_training_loss() == 0


def test_computing_the_loss_changes_no_vector(lee):
    options = {"vector_size": 12, "workers": 1, "epochs": 1}
    assert_same_bytes(Sent2Vec(lee, **options), Sent2Vec(lee, compute_loss=True, **options))


class Diary(CallbackAny2Vec):
    def __init__(self, name, diary):
        self.name, self.diary = name, diary

    def on_train_begin(self, model):
        self.diary.append((self.name, "train begins"))

    def on_epoch_begin(self, model):
        self.diary.append((self.name, "epoch begins"))

    def on_epoch_end(self, model):
        self.diary.append((self.name, "epoch ends"))

    def on_train_end(self, model):
        self.diary.append((self.name, "train ends"))


def test_callbacks_are_called_in_order():
    diary = []
    Sent2Vec(common_texts, callbacks=[Diary(1, diary), Diary(2, diary)], **SMALL)
    events = ["train begins", *["epoch begins", "epoch ends"] * 2, "train ends"]
    assert diary == [(name, event) for event in events for name in (1, 2)]


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"])
@pytest.mark.parametrize("source", ["file", "sentences"])
def test_an_error_in_a_callback_reaches_the_caller(ready, hook, source, corpus_file, no_thread_left):
    def fail(model):
        raise RuntimeError("the callback failed")

    callback = CallbackAny2Vec()
    setattr(callback, hook, fail)
    corpus = {"corpus_file": corpus_file} if source == "file" else {"corpus_iterable": common_texts}
    with pytest.raises(RuntimeError, match="the callback failed"):
        ready.train(**corpus, callbacks=[callback])
    assert_usable(ready)
    ready.train(**corpus)


def test_a_callback_can_save_and_query_the_model(tmp_path, lee):
    class Checkpoints(CallbackAny2Vec):
        def __init__(self):
            self.saved = 0

        def on_epoch_end(self, model):
            self.saved += 1
            model.save(str(tmp_path / f"epoch{self.saved}"))
            assert np.linalg.norm(model.wv.get_vector("the", norm=True)) == pytest.approx(1, rel=1e-5)
            expected = model.wv.vectors[[model.wv.key_to_index[word] for word in ("the", "of")]].mean(axis=0)
            assert model.wv.get_sentence_vector("the of") == pytest.approx(expected, rel=1e-5, abs=1e-7)

    model = Sent2Vec(lee, vector_size=8, workers=2, epochs=3, callbacks=[Checkpoints()])
    assert_same_bytes(Sent2Vec.load(str(tmp_path / "epoch3")), model)
    assert not np.array_equal(Sent2Vec.load(str(tmp_path / "epoch1")).wv.vectors, model.wv.vectors)


def test_training_drops_cached_norms(ready):
    assert ready.wv.get_vector("graph", norm=True) @ ready.wv.get_vector("graph", norm=True) == pytest.approx(1)
    ready.train(common_texts, start_alpha=2.0)
    assert ready.wv.get_vector("graph", norm=True) @ ready.wv.get_vector("graph", norm=True) == pytest.approx(1)


def test_lifecycle_events_are_recorded(tmp_path):
    model = Sent2Vec(common_texts, comment="a comment", **SMALL)
    model.save(str(tmp_path / "model"))
    loaded = Sent2Vec.load(str(tmp_path / "model"))
    events = [event["event"] for event in loaded.lifecycle_events]
    for earlier, later in itertools.pairwise(["prepare_vocab", "build_vocab", "train", "saving", "loaded"]):
        assert events.index(earlier) < events.index(later)
    assert "created" in events
    assert loaded.comment == "a comment"


def test_progress_is_shown_on_request(capfd, lee):
    Sent2Vec(lee, show_progress_bar=True, **SMALL)
    shown = capfd.readouterr().err
    assert "vocabulary" in shown
    assert "train" in shown
    assert "epoch=2/2" in shown
    for show in (False, None):  # None: standard error is not a terminal here
        Sent2Vec(lee, show_progress_bar=show, **SMALL)
        assert capfd.readouterr().err == ""


def test_progress_is_logged_without_a_terminal(caplog, monkeypatch, lee):
    monkeypatch.setattr(progress, "LOG_EVERY", 0)
    caplog.set_level(logging.INFO, "gensim_sent2vec.progress")
    Sent2Vec(lee, compute_loss=True, weighting=False, **SMALL)
    lines = [record.getMessage() for record in caplog.records if record.name == "gensim_sent2vec.progress"]
    assert lines[-1].startswith("train: 100.0% of ")
    assert "epoch 2/2" in lines[-1]
    assert "loss" in lines[-1]


def test_progress_is_logged_rarely(caplog, lee):
    caplog.set_level(logging.INFO, "gensim_sent2vec.progress")
    Sent2Vec(lee, **SMALL)
    assert not [record for record in caplog.records if record.name == "gensim_sent2vec.progress"]
