"""Distributed training with workers in this process: what is computed, and what happens when workers are lost."""

from __future__ import annotations

import logging
import os
import pickle
import socket
from pathlib import Path

import numpy as np
import pytest
from models import assert_same_bytes, assert_usable, matrices

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._distributed import training
from gensim_sent2vec._distributed.clusters import LocalCluster
from gensim_sent2vec._distributed.training import DistributedTraining, worker_factory
from gensim_sent2vec._text.corpus import TokenFile
from gensim_sent2vec.distributed import WordCounts, train_distributed
from gensim_sent2vec.phrases import learn_phrases
from gensim_sent2vec.tokenizers import words

OPTIONS = {"vector_size": 6, "min_count": 1, "workers": 1, "epochs": 3, "seed": 5}
NGRAMS = {"word_ngrams": 2, "bucket": 500}


def lines(n, seed):
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{i}" for i in rng.zipf(1.4, rng.integers(2, 12)) % 200) for _ in range(n)]


@pytest.fixture
def shards(tmp_path):
    paths = []
    for i in range(3):
        paths.append(str(tmp_path / f"shard-{i}.txt"))
        (tmp_path / f"shard-{i}.txt").write_text("\n".join(lines(200 + 30 * i, i)) + "\n", encoding="utf-8")
    return paths


def train(shards, rounds_per_epoch=2, model=None, checkpoint=None, lose=None, max_restarts=3, **options):
    """As `train_distributed`, with workers that are lost."""
    model = Sent2Vec(**OPTIONS, **options) if model is None else model
    create = worker_factory(model, shards, 1)
    cluster = LocalCluster(create, len(shards), *([] if lose is None else [lose]))
    DistributedTraining(model, cluster, rounds_per_epoch, checkpoint, max_restarts, False).run()
    return model


# -----------------------------------------------------------------------------------------------------
# The result


@pytest.mark.parametrize("options", [{}, NGRAMS, {"sample": 1e-2}, {"shared_negatives": 1, "weighting": False}])
@pytest.mark.parametrize("rounds", [1, 4])
def test_one_worker_is_plain_training(shards, tmp_path, options, rounds):
    expected = Sent2Vec(corpus_file=shards[0], **OPTIONS, **options)
    model = Sent2Vec(**OPTIONS, **options)
    assert train_distributed(model, shards[:1], rounds_per_epoch=rounds, engine="local") is model
    assert_same_bytes(model, expected)
    sentences = lines(20, 9)
    assert model.encode(sentences).tobytes() == expected.encode(sentences).tobytes()
    assert (model.wv.weighting is None) == (expected.wv.weighting is None)
    for name in ("corpus_count", "corpus_total_words", "train_count", "epochs", "alpha", "min_alpha"):
        assert getattr(model, name) == getattr(expected, name), name
    model.save(tmp_path / "model")
    assert_same_bytes(Sent2Vec.load(tmp_path / "model"), expected)


PHRASES = learn_phrases([["w1", "w2"], ["w1", "w2", "w3"], ["w4"]] * 20, min_count=1, threshold=0.1)


@pytest.mark.parametrize("ngrams", [{}, NGRAMS, {**NGRAMS, "word_ngrams": 3}, {**NGRAMS, "skip_bigrams": True}])
@pytest.mark.parametrize("text", [{}, {"tokenizer": "words"}, {"phrases": PHRASES}])
def test_same_bytes_with_all_kinds_of_tokens(shards, ngrams, text):
    """One worker and one round: the bytes of plain training; several, which exchange float16: the same every time."""
    options = {**ngrams, **text}
    expected = Sent2Vec(corpus_file=shards[0], **OPTIONS, **options)
    if "phrases" in text:
        assert any("_" in word for word in expected.wv.index_to_key)
    model = train_distributed(Sent2Vec(**OPTIONS, **options), shards[:1], rounds_per_epoch=1, engine="local")
    assert_same_bytes(model, expected)
    assert_same_bytes(train(shards, **options), train(shards, **options))


def test_locked_words(shards):
    """Workers multiply by the same lock factors as `train` does."""
    model = Sent2Vec(**OPTIONS)
    model.build_vocab(corpus_file=shards[0])
    model.wv.vectors_lockf = np.arange(len(model.wv), dtype=np.float32) % 2
    before = model.wv.vectors.copy()
    train(shards, model=model)
    is_kept = (before == model.wv.vectors).all(axis=1)
    assert is_kept[::2].all() and not is_kept[1::2][:20].any()
    model.wv.vectors_lockf = np.ones(3, dtype=np.float32)
    with pytest.raises(ValueError, match=r"^wv\.vectors_lockf: "):
        train(shards, model=model)


@pytest.mark.parametrize("options", [{}, NGRAMS])
def test_workers_give_one_ordinary_model(shards, tmp_path, options):
    model = train(shards, **options)
    assert_usable(model)
    assert model.wv.weighting is not None and model.train_count == 1
    whole = tmp_path / "whole.txt"
    whole.write_bytes(b"".join(Path(shard).read_bytes() for shard in shards))
    plain = Sent2Vec(corpus_file=whole, **OPTIONS, **options)
    assert list(model.wv.index_to_key) == list(plain.wv.index_to_key)
    assert (model.corpus_count, model.corpus_total_words) == (plain.corpus_count, plain.corpus_total_words)
    # It moves where plain training moves, about as far.
    start = Sent2Vec(**OPTIONS, **options)
    start.build_vocab(corpus_file=whole)
    for name, rows in matrices(start).items():
        if not rows.size:
            continue
        ours, theirs = (matrices(m)[name].astype(np.float64) - rows for m in (model, plain))
        cosine = (ours * theirs).sum() / np.linalg.norm(ours) / np.linalg.norm(theirs)
        assert cosine > 0.5 and 0.3 < np.linalg.norm(ours) / np.linalg.norm(theirs) < 3, name
    again = train(shards, **options)
    assert_same_bytes(again, model)
    other = train(shards[::-1], **options)
    assert matrices(other)["syn1neg"].tobytes() != matrices(model)["syn1neg"].tobytes()


def test_a_given_vocabulary_is_kept(shards):
    model = Sent2Vec(**OPTIONS)
    model.build_vocab(corpus_file=shards[0])
    known = list(model.wv.index_to_key)
    train(shards, model=model)
    assert list(model.wv.index_to_key) == known
    before = matrices(model)["vectors"].copy()
    train(shards, model=model)  # once more
    assert model.train_count == 2 and not np.array_equal(before, model.wv.vectors)


def test_tokenizers(tmp_path):
    raw = [line.replace("w", "W") + "!" for line in lines(100, 3)]
    (tmp_path / "raw.txt").write_text("\n".join(raw), encoding="utf-8")
    expected = Sent2Vec(corpus_file=tmp_path / "raw.txt", tokenizer="words", **OPTIONS)
    model = train_distributed(Sent2Vec(tokenizer=words, **OPTIONS), [tmp_path / "raw.txt"], engine="local")
    assert_same_bytes(model, expected)


def test_tokenized_shards(tmp_path):
    """Their tokens are used as they are; the tokenizer is for texts that are encoded later."""
    (tmp_path / "tokens.txt").write_text("A! b, c\nb, c D\n" * 20, encoding="utf-8")
    model = Sent2Vec(tokenizer="words", **OPTIONS)
    train_distributed(model, [TokenFile(tmp_path / "tokens.txt")], engine="local")
    assert sorted(model.wv.index_to_key) == ["A!", "D", "b,", "c"] and model.wv.tokenizer == "words"


def test_options_of_training(shards):
    model = Sent2Vec(**OPTIONS)
    train_distributed(model, shards[:1], epochs=2, start_alpha=0.1, end_alpha=0.05, engine="local")
    expected = Sent2Vec(**OPTIONS)
    expected.build_vocab(corpus_file=shards[0])
    expected.train(corpus_file=shards[0], epochs=2, start_alpha=0.1, end_alpha=0.05)
    assert_same_bytes(model, expected)


def test_more_rounds_than_lines(tmp_path):
    for i in range(2):
        (tmp_path / f"{i}").write_text("a b c\nb c d\n", encoding="utf-8")
    model = train([str(tmp_path / "0"), str(tmp_path / "1")], rounds_per_epoch=7)
    assert_usable(model)


# -----------------------------------------------------------------------------------------------------
# Lost workers


class Lost:
    """Loses workers at given calls, each once."""

    def __init__(self, *calls):
        self.calls = list(calls)

    def __call__(self, i, method, args):
        number = args[0] if args and isinstance(args[0], int) else None
        for call in self.calls:
            if call in ((i, method), (i, method, number)):
                self.calls.remove(call)
                return True
        return False


@pytest.mark.parametrize(
    "calls",
    [
        [(1, "train_round", 3)],
        [(0, "train_round", 0)],
        [(2, "changes")],
        [(0, "combine"), (1, "combine")],
        [(0, "apply", 2)],
        [(2, "apply", 2)],  # after others have added the changes
        [(2, "apply", 5)],  # in the last round
        [(1, "prepare")],
        [(1, "facts")],
        [(2, "count"), (0, "count")],
        [(1, "sample")],
        [(1, "load")],
        [(0, "state")],
        [(0, "train_round", 2), (1, "train_round", 2), (2, "train_round", 2)],  # all of them
        [(1, "train_round", 1), (0, "state"), (2, "apply", 4)],
    ],
)
@pytest.mark.parametrize("has_checkpoint", [False, True])
def test_lost_workers_are_replaced(shards, tmp_path, calls, has_checkpoint, caplog):
    expected = train(shards, **NGRAMS)
    lost = Lost(*calls)
    with caplog.at_level(logging.WARNING):
        checkpoint = str(tmp_path / "checkpoint") if has_checkpoint else None
        model = train(shards, lose=lost, checkpoint=checkpoint, **NGRAMS)
    assert not lost.calls and "they are replaced" in caplog.text
    assert_same_bytes(model, expected)
    assert model.encode(lines(20, 9)).tobytes() == expected.encode(lines(20, 9)).tobytes()


def test_a_single_lost_worker_starts_from_the_checkpoint(shards, tmp_path):
    model = train(shards[:1], lose=Lost((0, "train_round", 3)), checkpoint=str(tmp_path / "checkpoint"))
    assert_usable(model)
    plain = train(shards[:1], lose=Lost((0, "train_round", 3)))  # from the beginning
    assert_same_bytes(plain, Sent2Vec(corpus_file=shards[0], **OPTIONS))


def test_workers_that_are_lost_while_they_count(shards):
    with pytest.raises(RuntimeError, match=r"^workers: lost 4 times while they read their shards"):
        train(shards, lose=lambda i, method, args: method == "count")


def test_workers_that_are_lost_again_and_again(shards, tmp_path):
    checkpoint = str(tmp_path / "checkpoint")
    with pytest.raises(RuntimeError, match=r"^workers: lost 3 times in round 3 of 6; .*finished rounds are kept"):
        train(shards, lose=lambda i, method, args: (i, method, *args[:1]) == (1, "train_round", 2), max_restarts=2,
              checkpoint=checkpoint)  # fmt: skip
    assert_same_bytes(train(shards, checkpoint=checkpoint), train(shards))


# -----------------------------------------------------------------------------------------------------
# Checkpoints


class Killed(BaseException):
    pass


@pytest.mark.parametrize("options", [{}, NGRAMS])
@pytest.mark.parametrize("call", [(1, "train_round", 4), (0, "apply", 3), (1, "sample")])
def test_a_killed_driver_goes_on(shards, tmp_path, options, call):
    def kill(i, method, args):
        if call in ((i, method), (i, method, args[0] if args else None)):
            raise Killed
        return False

    checkpoint, trained = str(tmp_path / "checkpoint"), []
    with pytest.raises(Killed):
        train(shards, lose=kill, checkpoint=checkpoint, **options)
    model = train(
        shards, checkpoint=checkpoint,
        lose=lambda i, method, args: method == "train_round" and trained.append(args[0]) is not None, **options,
    )  # fmt: skip
    assert min(trained, default=6) == {"train_round": 4, "apply": 3, "sample": 6}[call[1]]
    assert_same_bytes(model, train(shards, **options))


def test_checkpoints_of_other_trainings(shards, tmp_path):
    checkpoint = str(tmp_path / "checkpoint")
    train(shards, checkpoint=checkpoint)
    locked = Sent2Vec(**OPTIONS)
    locked.build_vocab_from_freq(WordCounts.merge(WordCounts.of_file(shard) for shard in shards))
    locked.wv.vectors_lockf = np.zeros(1, dtype=np.float32)
    for options, name in (
        ({"rounds_per_epoch": 3}, "rounds_per_epoch was 2, now 3"),
        ({"negative": 4}, "negative was 10, now 4"),
        ({"shards": shards[:2]}, "shards was"),
        ({"model": Sent2Vec(**{**OPTIONS, "seed": 6})}, "initial vectors was|seed was 5, now 6"),
        ({"model": Sent2Vec(**{**OPTIONS, "min_count": 9})}, "vocabulary was"),
        ({"model": locked}, "lock factors was"),
    ):
        with pytest.raises(ValueError, match=rf"^checkpoint: .* is of another training: ({name})"):
            train(**{"shards": shards, "checkpoint": checkpoint, **options})
    with open(shards[0], "a") as file:
        file.write("w1 w2\n")
    with pytest.raises(ValueError, match="shards was"):
        train(shards, checkpoint=checkpoint)
    model = train(shards)
    with pytest.raises(ValueError, match="is of another training"):  # one more training of a trained model
        train(shards, model=model, checkpoint=checkpoint)
    model.wv.save(checkpoint)
    with pytest.raises(ValueError, match=r"^checkpoint: .* holds 'Sent2VecKeyedVectors', not a training checkpoint"):
        train(shards, checkpoint=checkpoint)


def test_a_damaged_checkpoint_is_refused(shards, tmp_path):
    checkpoint = tmp_path / "checkpoint"
    train(shards, checkpoint=str(checkpoint))
    data = bytearray(checkpoint.read_bytes())
    data[-100] ^= 1
    checkpoint.write_bytes(data)
    with pytest.raises(ValueError, match="checkpoint"):
        train(shards, checkpoint=str(checkpoint))


def test_a_full_disk_keeps_the_previous_checkpoint(shards, tmp_path, monkeypatch):
    checkpoint, written = str(tmp_path / "checkpoint"), []
    write = training.write_checkpoint

    def fail(*args):
        written.append(args[2])
        if len(written) == 4:
            raise OSError(28, "No space left on device", args[0])
        write(*args)

    monkeypatch.setattr(training, "write_checkpoint", fail)
    with pytest.raises(OSError, match="No space left"):
        train(shards, checkpoint=checkpoint)
    monkeypatch.undo()
    assert written == [1, 2, 3, 4]
    assert_same_bytes(train(shards, checkpoint=checkpoint), train(shards))


# -----------------------------------------------------------------------------------------------------
# Mistakes


def test_shards_are_checked(shards, tmp_path):
    model = Sent2Vec(**OPTIONS)
    (tmp_path / "empty").touch()
    (tmp_path / "blank").write_text("\n \n")
    (tmp_path / "latin").write_bytes(b"caf\xe9 au lait\n" * 100)
    for wrong, error, message in (
        (shards[0], TypeError, "expected a list of paths, got str"),
        ([], ValueError, "expected at least one file"),
        ([shards[0], 3], TypeError, "expected paths of text files, got the int 3 at 1"),
        ([shards[0], shards[1], shards[0]], ValueError, ".*shard-0.txt' is listed twice"),
        ([*shards, str(tmp_path / "empty")], ValueError, ".*empty' on host .* is empty; leave it out"),
        ([*shards, str(tmp_path / "blank")], ValueError, ".*blank' has no tokens"),
    ):
        with pytest.raises(error, match=f"^shards: {message}"):
            train_distributed(model, wrong, engine="local")
    with pytest.raises(FileNotFoundError, match=rf"^shards: host '{socket.gethostname()}' .* 'nowhere"[:-8]):
        train_distributed(model, [*shards, str(tmp_path / "nowhere")], engine="local")
    with pytest.raises(ValueError, match="not UTF-8"):
        train_distributed(model, [*shards, str(tmp_path / "latin")], engine="local")
    assert not len(model.wv)


def test_arguments_are_checked(shards):
    model = Sent2Vec(**OPTIONS)
    for options, error in (
        ({"rounds_per_epoch": 0}, ValueError), ({"threads": 0}, ValueError), ({"max_restarts": -1}, ValueError),
        ({"engine": "spark"}, ValueError), ({"epochs": 0}, ValueError), ({"start_alpha": 0}, ValueError),
        ({"end_alpha": 1}, ValueError),
    ):  # fmt: skip
        with pytest.raises(error, match=f"^{next(iter(options))}: "):
            train_distributed(model, shards, **{"engine": "local", **options})
    with pytest.raises(TypeError, match=r"^model: expected a Sent2Vec, got Sent2VecKeyedVectors"):
        train_distributed(model.wv, shards)


def test_other_versions_are_refused(shards, monkeypatch):
    from gensim_sent2vec._distributed import worker

    monkeypatch.setattr(worker, "__version__", "0.0.1")
    with pytest.raises(ValueError, match=r"^workers: worker 0 on host .* runs gensim_sent2vec 0\.0\.1"):
        train(shards)


def test_divergence_is_an_error(shards):
    with pytest.raises(ValueError, match=r"^alpha: training diverged in round \d+ on .*shard-"):
        train_distributed(Sent2Vec(**OPTIONS), shards, start_alpha=1e30, engine="local")


def test_factories_can_be_pickled_and_are_small(shards):
    model = Sent2Vec(corpus_file=shards[0], **{**OPTIONS, "vector_size": 300})
    data = pickle.dumps(worker_factory(model, shards, 1))
    assert len(data) < 50_000 < model.wv.vectors.nbytes
    worker = pickle.loads(data)(1)
    assert worker.count()[1] == 230
    assert len(model.wv.vectors) and model.wv.weighting is not None  # the model keeps what workers are not sent


def test_temporary_files_are_deleted(shards, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    os.mkdir(tmp_path / "temporary")
    train_distributed(Sent2Vec(tokenizer="words", **OPTIONS), shards, epochs=1, engine="local")
    assert not os.listdir(tmp_path / "temporary")
