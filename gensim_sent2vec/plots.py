"""Plots: loss during training, similarity of sentences, and evaluation results over time.

Each function draws on a matplotlib axes, `ax`, or on a new figure, and returns the axes. For Korean sentences, set
matplotlib's ``rcParams["font.family"]`` to a font with Korean letters.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ._text.formats import TSV
from ._text.tables import at_line, read_table
from .history import TrainingHistory
from .keyedvectors import Sent2VecKeyedVectors, Sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_SCORES = ("pearson", "P@1")  # columns of an evaluation log, one for each kind of file
MAX_LABEL = 40  # characters


def plot_training(history: TrainingHistory, ax: Axes | None = None) -> Axes:
    """Plot the loss (left axis) and the learning rate (right axis) of each epoch.

    Parameters
    ----------
    history : TrainingHistory
        Passed to the training as a callback.
    ax : matplotlib.axes.Axes, optional
        By default a new figure is created.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the history has no epochs or no loss.
    """
    if not len(history):
        raise ValueError("history: no epochs were recorded; pass it to the training, callbacks=[history]")
    if np.isnan(history.loss).all():
        raise ValueError("history: no loss was recorded; train with compute_loss=True")
    ax = _axes(ax)
    epochs = range(1, len(history) + 1)
    loss = ax.plot(epochs, history.loss, marker="o", color="#4c72b0", label="loss")
    ax.set_xlabel("epoch")
    ax.set_ylabel("loss per token")
    ax.locator_params(axis="x", integer=True)
    right = ax.twinx()
    rate = right.plot(epochs, history.learning_rate, linestyle="--", color="#8c8c8c", label="learning rate")
    right.set_ylabel("learning rate")
    right.set_ylim(bottom=0)
    ax.legend(handles=[*loss, *rate], frameon=False)
    return ax


def plot_similarity(wv: Sent2VecKeyedVectors, sentences: Sequence[Sentence], ax: Axes | None = None) -> Axes:
    """Plot the cosine similarities of a few sentences as a heat map.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        Encodes the sentences, with its weighting.
    sentences : sequence of str or of sequences of str
        About ten at most, or the labels become illegible.
    ax : matplotlib.axes.Axes, optional
        By default a new figure is created.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If there are no sentences.
    """
    if isinstance(sentences, str) or not len(sentences):
        raise ValueError(f"sentences: expected a list of at least one sentence, got {sentences[:MAX_LABEL]!r}")
    vectors = wv.encode(sentences, normalize=True, show_progress_bar=False)
    cosines = vectors @ vectors.T
    ax = _axes(ax)
    image = ax.imshow(cosines, cmap="RdBu_r", vmin=-1, vmax=1)
    labels = [_label(sentence) for sentence in sentences]
    ax.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(labels)), labels)
    for (i, j), cosine in np.ndenumerate(cosines):
        ax.text(j, i, f"{cosine:.2f}", ha="center", va="center", color="white" if abs(cosine) > 0.6 else "black")
    ax.figure.colorbar(image, ax=ax, label="cosine")
    return ax


def plot_results(path: str | os.PathLike[str], score: str | None = None, ax: Axes | None = None) -> Axes:
    """Plot the log of ``gensim-sent2vec evaluate --log`` over time, one line per evaluation file.

    Parameters
    ----------
    path : str or path-like
        The log.
    score : str, optional
        A column of the log, such as "spearman" or "P@5"; by default "pearson" for sentence pairs and "P@1" for
        questions.
    ax : matplotlib.axes.Axes, optional
        By default a new figure is created.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the file is not such a log, or has no values of the score.
    """
    lines = _points_by_line(path, DEFAULT_SCORES if score is None else (score,))
    ax = _axes(ax)
    for label, points in lines.items():
        dates, values = zip(*sorted(points))
        ax.plot(dates, values, marker="o", label=label)
    ax.set_ylabel(score or "score")
    ax.grid(axis="y", alpha=0.3)
    ax.legend(frameon=False)
    ax.tick_params(axis="x", rotation=30)
    return ax


def _points_by_line(path: str | os.PathLike[str], scores: Sequence[str]) -> dict[str, list[tuple[datetime, float]]]:
    """Dates and values from a log, by the label of the line: evaluation file and name of the score."""
    lines: dict[str, list[tuple[datetime, float]]] = {}
    for number, (date, name, *values) in read_table(path, ("date", "file", *scores), format=TSV):
        for score, value in zip(scores, values):
            if not value:
                continue
            try:
                point = datetime.fromisoformat(date), float(value)
            except ValueError as error:
                raise ValueError(f"{at_line(path, number)}: {error}") from None
            lines.setdefault(f"{name}, {score}", []).append(point)
    if not lines:
        raise ValueError(f"{os.fspath(path)!r} has no values in the columns {', '.join(scores)}")
    return lines


def _axes(ax: Axes | None) -> Any:
    """`ax`, or the axes of a new figure."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(f'plots need matplotlib ({error}): pip install "gensim-sent2vec[plot]"') from error
    return pyplot.subplots(layout="constrained")[1]


def _label(sentence: Sentence) -> str:
    text = sentence if isinstance(sentence, str) else " ".join(sentence)
    return text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "…"
