"""A callback that records the progress of training."""

from __future__ import annotations

import time
from typing import Any

from gensim.models.callbacks import CallbackAny2Vec

from ._util.counted import counted
from ._util.hints import with_hints


@with_hints
class TrainingHistory(CallbackAny2Vec):
    """Record loss, learning rate and duration of each epoch, for `gensim_sent2vec.plots.plot_training` or a table::

        history = TrainingHistory()
        model = Sent2Vec(corpus_file="corpus.txt", compute_loss=True, callbacks=[history])
        plot_training(history)

    Further calls of ``train`` with the same history append to it.

    Attributes
    ----------
    loss : list of float
        Mean loss per token of the corpus in each epoch: the negative log-likelihood, in nats, of the target and its
        negative samples. NaN without ``compute_loss=True``.
    learning_rate : list of float
        Learning rate at the end of each epoch.
    seconds : list of float
        Duration of each epoch.
    """

    def __init__(self) -> None:
        self.loss: list[float] = []
        self.learning_rate: list[float] = []
        self.seconds: list[float] = []

    def on_train_begin(self, model: Any) -> None:
        self._epoch, self._loss_before = 0, 0.0

    def on_epoch_begin(self, model: Any) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, model: Any) -> None:
        self._epoch += 1
        total = float(model.running_training_loss) if model.compute_loss else float("nan")
        self.loss.append((total - self._loss_before) / max(1, model.corpus_total_words))
        self._loss_before = total
        done = self._epoch / model.epochs
        self.learning_rate.append(model.alpha + (model.min_alpha - model.alpha) * done)
        self.seconds.append(time.perf_counter() - self._began)

    def __len__(self) -> int:
        return len(self.loss)

    def __repr__(self) -> str:
        return f"<TrainingHistory of {counted(len(self), 'epoch')}>"
