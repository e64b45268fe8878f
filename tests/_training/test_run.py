"""A run of threads over a corpus: every sentence once, progress and loss, and errors in threads."""

import itertools
import time

import numpy as np
import pytest
from gensim.test.utils import common_texts

from gensim_sent2vec import _kernel
from gensim_sent2vec._text.vocabulary import Vocabulary
from gensim_sent2vec._training.corpus import CheckedCorpus
from gensim_sent2vec._training.matrices import initial_matrices
from gensim_sent2vec._training.run import TrainingRun
from gensim_sent2vec._training.trainers import make_trainers
from gensim_sent2vec._util.progress import Progress

WORDS = Vocabulary.from_words(dict.fromkeys(itertools.chain.from_iterable(common_texts)))


def run_of(n: int, *, fail: bool = False, compute_loss: bool = False, **options) -> TrainingRun:
    """A run of `n` threads, the first of which may fail."""
    schedule = _kernel.Schedule(0.1, 0.0, 1e9)
    trainers = make_trainers(
        n, initial_matrices(len(WORDS), 0, 4, seed=1, workers=1), np.ones(len(WORDS)), None, schedule,
        seed=1, train_count=0, word_ngrams=1, skip_bigrams=False, epfml_hash=False, dropout_k=0, negative=2,
        shared_negatives=4, compute_loss=compute_loss,
    )  # fmt: skip
    if fail:
        trainers[0] = FailingTrainer(trainers[0])
    progress = Progress("train", None, "tokens", show=False)
    options = {"batch_words": 10, "queue_size": 2 * n, "report_delay": 1, **options}
    return TrainingRun(trainers, schedule, WORDS.table, progress, **options)


class FailingTrainer:
    """A trainer that fails at its third batch or slice."""

    def __init__(self, trainer):
        self.trainer, self.calls = trainer, 0

    def __getattr__(self, name):
        return getattr(self.trainer, name)

    def train_pack(self, *args):
        self._count()
        self.trainer.train_pack(*args)

    def train_slice(self, *args):
        self._count()
        self.trainer.train_slice(*args)

    def _count(self):
        self.calls += 1
        if self.calls == 3:
            time.sleep(0.3)  # meanwhile the queue fills up, and the main thread waits for room in it
            raise RuntimeError("a thread failed")


class Endless:
    """A corpus that only an error can end."""

    def __iter__(self):
        return itertools.cycle(common_texts)


@pytest.fixture
def file(tmp_path) -> CheckedCorpus:
    """``common_texts`` ninety-nine times, without a line end after the last line."""
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(" ".join(text) for text in common_texts * 99))
    return CheckedCorpus(None, path, "sentences", f"corpus_file: {str(path)!r}")


def iterable(sentences) -> CheckedCorpus:
    return CheckedCorpus(sentences, None, "sentences", "sentences: the corpus")


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("source", ["file", "iterable"])
def test_each_sentence_is_trained_once_by_all_threads_together(file, workers, source, no_thread_left):
    run = run_of(workers, min_slice=97)
    corpus = file if source == "file" else iterable(common_texts * 99)
    for epoch in range(2):
        run.train_epoch(corpus, epoch, 2)
    assert run.lines == 2 * 99 * len(common_texts)
    assert run.tokens == 2 * 99 * sum(map(len, common_texts))
    assert run.trained_words == 2 * 99 * sum(len(text) for text in common_texts if len(text) > 1)
    assert run.progress.done == run.tokens


def test_an_epoch_returns_the_loss_of_all_epochs_so_far(file):
    run = run_of(1, compute_loss=True)
    first, both = (run.train_epoch(file, epoch, 2) for epoch in range(2))
    assert 0 < first < both == run.loss
    assert run_of(1).train_epoch(file, 0, 1) == 0.0


def test_an_empty_epoch_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"^sentences: the corpus was empty in epoch 3; each iteration must yield all"):
        run_of(2).train_epoch(iterable([]), 2, 5)
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(ValueError, match=r"^the file was empty in epoch 1$"):
        run_of(2).train_epoch(CheckedCorpus(None, tmp_path / "empty", "sentences", "the file"), 0, 5)


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("batch_words, report_delay", [(10, 0), (10, 1), (10_000, 1), (10, 3600)])
@pytest.mark.timeout(20)
def test_an_error_in_a_thread_ends_an_endless_corpus(workers, batch_words, report_delay, no_thread_left):
    run = run_of(workers, fail=True, batch_words=batch_words, report_delay=report_delay)
    with pytest.raises(RuntimeError, match="a thread failed"):
        run.train_epoch(iterable(Endless()), 0, 1)


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.timeout(60)
def test_an_error_in_a_thread_ends_a_file(file, workers, no_thread_left):
    run = run_of(workers, fail=True, min_slice=100)
    with pytest.raises(RuntimeError, match="a thread failed"):
        for epoch in itertools.count():
            run.train_epoch(file, epoch, 1)


@pytest.mark.parametrize("batch_words", [1, 10, 10**6])
def test_batches_of_any_size_train_everything(batch_words):
    run = run_of(2, batch_words=batch_words)
    run.train_epoch(iterable((token for token in text) for text in common_texts), 0, 1)
    assert run.tokens == sum(map(len, common_texts))
