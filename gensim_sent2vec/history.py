"""How a training went, epoch by epoch."""

from __future__ import annotations

import time
from typing import Any

from gensim.models.callbacks import CallbackAny2Vec


class TrainingHistory(CallbackAny2Vec):
    """A callback that records each epoch, for `gensim_sent2vec.plots.plot_training` or a table::

        history = TrainingHistory()
        model = Sent2Vec(corpus_file="corpus.txt", compute_loss=True, callbacks=[history])
        plot_training(history)

    Further calls of ``train`` with the same history go on with it.

    Attributes
    ----------
    loss : list of float
        Mean loss of a token of the corpus in each epoch: that of the word and of its negatives, natural logarithms.
        NaN where the training has no ``compute_loss=True``.
    learning_rate : list of float
        At the end of each epoch.
    seconds : list of float
        What each epoch took.
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
        return f"<TrainingHistory of {len(self)} epochs>"
