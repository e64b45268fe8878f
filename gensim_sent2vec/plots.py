"""What people plot of a model: how training went, which sentences are alike, how the scores have grown.

Each function draws into a matplotlib axis, `ax`, or into a new figure, and returns the axis. For sentences in Korean
set matplotlib's ``rcParams["font.family"]`` to a font that has its letters.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ._text.tables import at_line, read_table
from .history import TrainingHistory
from .keyedvectors import Sent2VecKeyedVectors, Sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCORES = ("pearson", "P@1")  # of a record of evaluations, one for each kind of file
MAX_LABEL = 40  # characters of a sentence that are shown


def plot_training(history: TrainingHistory, ax: Axes | None = None) -> Axes:
    """The loss of each epoch, on the left scale, and the learning rate, on the right one.

    Parameters
    ----------
    history : TrainingHistory
        A callback of the training.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    ValueError
        Where nothing was recorded.
    """
    if not len(history):
        raise ValueError("history: it is empty; pass it to the training, callbacks=[history]")
    if np.isnan(history.loss).all():
        raise ValueError("history: it has no loss; train with compute_loss=True")
    ax = _axis(ax)
    epochs = range(1, len(history) + 1)
    loss = ax.plot(epochs, history.loss, marker="o", color="#4c72b0", label="loss")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss a token")
    ax.locator_params(axis="x", integer=True)
    right = ax.twinx()
    rate = right.plot(epochs, history.learning_rate, linestyle="--", color="#8c8c8c", label="learning rate")
    right.set_ylabel("learning rate")
    right.set_ylim(bottom=0)
    ax.legend(handles=[*loss, *rate], frameon=False)
    return ax


def plot_similarity(wv: Sent2VecKeyedVectors, sentences: Sequence[Sentence], ax: Axes | None = None) -> Axes:
    """A heat map of the cosines of a few sentences.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        What encodes them, weighting included.
    sentences : sequence of str or of sequences of str
        Some ten at most, to be legible.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    ValueError
        Where there is no sentence.
    """
    if isinstance(sentences, str) or not len(sentences):
        raise ValueError("sentences: a list of one or more sentences is expected")
    vectors = wv.encode(sentences, normalize=True, show_progress_bar=False)
    cosines = vectors @ vectors.T
    ax = _axis(ax)
    image = ax.imshow(cosines, cmap="RdBu_r", vmin=-1, vmax=1)
    labels = [_short(sentence) for sentence in sentences]
    ax.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(labels)), labels)
    for (i, j), cosine in np.ndenumerate(cosines):
        ax.text(j, i, f"{cosine:.2f}", ha="center", va="center", color="white" if abs(cosine) > 0.6 else "black")
    ax.figure.colorbar(image, ax=ax, label="cosine")
    return ax


def plot_results(path: str | os.PathLike[str], score: str | None = None, ax: Axes | None = None) -> Axes:
    """The record that ``gensim-sent2vec evaluate --log`` keeps, over time: a line for each file.

    Parameters
    ----------
    path : str or path-like
        The record.
    score : str, optional
        A column of the record, such as "spearman" or "P@5"; by default Pearson's r of judged pairs and P@1 of
        questions.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    ValueError
        Where the file is no such record, or has no such score.
    """
    lines = _lines_of(path, SCORES if score is None else (score,))
    ax = _axis(ax)
    for label, points in lines.items():
        dates, values = zip(*sorted(points))
        ax.plot(dates, values, marker="o", label=label)
    ax.set_ylabel(score or "score")
    ax.grid(axis="y", alpha=0.3)
    ax.legend(frameon=False)
    ax.tick_params(axis="x", rotation=30)
    return ax


def _lines_of(path: str | os.PathLike[str], scores: Sequence[str]) -> dict[str, list[tuple[datetime, float]]]:
    """Dates and scores by file and name of the score."""
    lines: dict[str, list[tuple[datetime, float]]] = {}
    for number, (date, name, *values) in read_table(path, ("date", "file", *scores)):
        for score, value in zip(scores, values):
            if not value:
                continue
            try:
                point = datetime.fromisoformat(date), float(value)
            except ValueError as error:
                raise ValueError(f"{at_line(path, number)}: {error}") from None
            lines.setdefault(f"{name}, {score}", []).append(point)
    if not lines:
        raise ValueError(f"{os.fspath(path)!r} has no score {' or '.join(scores)} yet")
    return lines


def _axis(ax: Axes | None) -> Any:
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(f'plots need matplotlib ({error}): pip install "gensim-sent2vec[plot]"') from error
    return pyplot.subplots(layout="constrained")[1]


def _short(sentence: Sentence) -> str:
    text = sentence if isinstance(sentence, str) else " ".join(sentence)
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"
