"""Plots: loss during training, similarity of sentences, and evaluation results over time.

Each function draws on a matplotlib axes, `ax`, or on a new figure, and returns the axes. Characters that the configured
font lacks, such as Korean letters, are drawn in an installed font that has them; if there is none, a warning names
fonts to install.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ._text.formats import TSV
from ._text.inputs import checked_texts
from ._text.tables import at_line, read_table
from ._util.hints import with_hints
from ._util.missing import check_exists
from ._util.warning import warn
from .history import TrainingHistory
from .keyedvectors import Sent2VecKeyedVectors, Sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DEFAULT_SCORES = ("pearson", "P@1")  # columns of an evaluation log, one for each kind of file
MAX_LABEL = 40  # characters; wide ones, such as Korean letters, count twice
CELL_INCHES = 0.55, 0.3  # of a heat map in a new figure: of up to `FEW_CELLS` rows, and of more rows
MIN_HEAT_MAP_INCHES = 1.5
FEW_CELLS = 12
NUMBER_EMS = 3.4  # the width that a number such as -0.12 needs, in font sizes
MIN_NUMBER_SIZE = 5  # points; smaller numbers are left out
FEW_LINES = 6  # a longer legend is drawn next to the plot
MIN_SPAN = timedelta(minutes=3)  # of the axis of dates, so that it is never marked in seconds
# Fonts with Korean letters, the most legible first; also used for other characters that the configured font lacks.
GENERIC = ("sans-serif", "serif", "monospace", "cursive", "fantasy")  # names for a list of families
KOREAN_FONTS = (
    "Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "NanumBarunGothic", "Malgun Gothic", "Apple SD Gothic Neo",
    "AppleGothic", "Noto Sans CJK JP", "Source Han Sans KR", "Source Han Sans K", "UnDotum",
)  # fmt: skip


@with_hints
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
    ax.set_xlim(0.5, len(history) + 0.5)
    ax.locator_params(axis="x", integer=True, min_n_ticks=1)
    right = ax.twinx()
    rate = right.plot(epochs, history.learning_rate, ".--", color="#8c8c8c", label="learning rate", clip_on=False)
    right.set_ylabel("learning rate")
    right.set_ylim(bottom=0)
    ax.legend(handles=[*loss, *rate], frameon=False)
    return ax


@with_hints
def plot_similarity(wv: Sent2VecKeyedVectors, sentences: Iterable[Sentence], ax: Axes | None = None) -> Axes:
    """Plot the cosine similarities of a few sentences as a heat map.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        Encodes the sentences, with its weighting.
    sentences : iterable of str or of sequences of str
        About ten; the more there are, the larger a new figure becomes. Numbers that do not fit into their cells are
        left out.
    ax : matplotlib.axes.Axes, optional
        By default a new figure is created.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If `sentences` is a single text or a table, or one is missing; with its row.
    ValueError
        If there are no sentences.
    """
    sentences = list(checked_texts(sentences))
    if not sentences:
        raise ValueError("sentences: expected at least one sentence, got none")
    vectors = wv.encode(sentences, normalize=True, show_progress_bar=False)
    cosines = vectors @ vectors.T
    labels = [_label(sentence) for sentence in sentences]
    new = ax is None
    ax = _axes(ax)
    image = ax.imshow(cosines, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto" if new else "equal")
    font: Any = {"fontfamily": _font_families(labels), "parse_math": False}  # a $ is no formula
    ax.set_xticks(range(len(labels)), labels, rotation=45, ha="right", rotation_mode="anchor", **font)
    ax.set_yticks(range(len(labels)), labels, **font)
    ax.figure.colorbar(image, ax=ax, label="cosine", fraction=0.046, pad=0.04)
    if new:
        cell = CELL_INCHES[len(labels) > FEW_CELLS]
        _resize_plot(ax, max(len(labels) * cell, MIN_HEAT_MAP_INCHES))
    _number_cells(ax, cosines)
    return ax


def _resize_plot(ax: Any, inches: float) -> None:
    """Resize the figure of a plot, so that the plot itself becomes a square of this size with all labels around it."""
    figure = ax.figure
    figure.set_size_inches(2 * inches + 8, 2 * inches + 8)  # with space for any labels; then what is left over goes
    for _ in range(3):  # the color bar grows with the figure
        figure.draw_without_rendering()
        extent = ax.get_window_extent()
        width, height = figure.get_size_inches()
        figure.set_size_inches(width + inches - extent.width / figure.dpi, height + inches - extent.height / figure.dpi)


def _number_cells(ax: Any, values: np.ndarray) -> None:
    """Write the values into the cells of a heat map, and make all text small enough for the cells.

    Numbers that would be illegible are left out.
    """
    from matplotlib import rcParams

    ax.figure.figure.draw_without_rendering()  # the layout decides how large the cells are
    extent = ax.get_window_extent()
    points = min(extent.width, extent.height) / len(values) * 72 / ax.figure.dpi
    for label in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        label.set_fontsize(min(label.get_fontsize(), 0.85 * points))
    size = min(rcParams["font.size"], points / NUMBER_EMS)
    if size < MIN_NUMBER_SIZE:
        return
    for (i, j), value in np.ndenumerate(values):
        color = "white" if abs(value) > 0.6 else "black"
        ax.text(j, i, f"{round(value, 2) + 0.0:.2f}", ha="center", va="center", color=color, fontsize=size)


@with_hints
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
    outside = ax is None and len(lines) > FEW_LINES
    ax = _axes(ax, (8.5, max(4.8, 0.25 * len(lines))) if outside else None)
    for i, (label, points) in enumerate(lines.items()):
        dates, values = zip(*sorted(points))
        style = ("-", "--", ":", "-.")[i // 10 % 4]  # there are ten colors
        ax.plot(dates, values, marker="o", linestyle=style, label=label)
    ax.set_ylabel(score or "score")
    ax.grid(axis="y", alpha=0.3)
    place: Any = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.02)} if outside else {}
    families = _font_families(lines)
    for text in ax.legend(frameon=False, **place).get_texts():
        text.set(fontfamily=families, parse_math=False)
    _mark_dates(ax, [date for points in lines.values() for date, _ in points])
    return ax


def _mark_dates(ax: Any, dates: Sequence[datetime]) -> None:
    """Mark the axis in units that fit its span: months, days or minutes, with the rest of the date at its end."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    first, last = min(dates), max(dates)
    margin = max((last - first) * 0.05, (MIN_SPAN - (last - first)) / 2)
    ax.set_xlim(first - margin, last + margin)
    locator = AutoDateLocator(minticks=2, maxticks=7, tz=first.tzinfo)
    day, time = "%Y-%m-%d", "%H:%M"
    formats: Any = {
        "formats": ["%Y", "%Y-%m", "%m-%d", time, time, "%H:%M:%S"],
        "zero_formats": ["", "%Y-%m", "%m-%d", "%m-%d", time, time],
        "offset_formats": ["", "", "%Y", day, day, f"{day} {time}"],
    }
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=first.tzinfo, **formats))


def _points_by_line(path: str | os.PathLike[str], scores: Sequence[str]) -> dict[str, list[tuple[datetime, float]]]:
    """Dates and values from a log, by the label of the line: evaluation file and name of the score."""
    lines: dict[str, list[tuple[datetime, float]]] = {}
    check_exists(path, "path", "a log that the command evaluate --log wrote")
    for number, (date, name, *values) in read_table(path, ("date", "file", *scores), format=TSV):
        for score, value in zip(scores, values):
            if not value:
                continue
            try:
                point = datetime.fromisoformat(date).astimezone(), float(value)
            except ValueError as error:
                raise ValueError(f"{at_line(path, number)}: {error}") from None
            lines.setdefault(f"{name}, {score}", []).append(point)
    if not lines:
        raise ValueError(f"{os.fspath(path)!r} has no values in the columns {', '.join(scores)}")
    return lines


# ---------------------------------------------------------------------------------------------------
# Figures and labels


def _axes(ax: Axes | None, size: tuple[float, float] | None = None) -> Any:
    """`ax`, or the axes of a new figure of a size in inches."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(f'plots need matplotlib ({error}): pip install "gensim-sent2vec[plot]"') from error
    return pyplot.subplots(layout="constrained", figsize=size)[1]


def _label(sentence: Sentence) -> str:
    """A sentence on one line, cut to `MAX_LABEL`."""
    text = " ".join(sentence.split() if isinstance(sentence, str) else sentence)
    text = text.encode("utf-8", "replace").decode()  # lone surrogates cannot be drawn
    if _width(text) <= MAX_LABEL:
        return text
    while _width(text) > MAX_LABEL - 1:
        text = text[: MAX_LABEL - 1] if len(text) >= MAX_LABEL else text[:-1]
    return text + "…"


def _width(text: str) -> int:
    """The width of a text in characters; wide ones count twice."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


# ---------------------------------------------------------------------------------------------------
# Fonts


def _font_families(texts: Iterable[str]) -> list[str]:
    """Find fonts in which matplotlib can draw texts.

    Parameters
    ----------
    texts : iterable of str

    Returns
    -------
    list of str
        The configured font families, followed by installed ones with the characters that those lack. Matplotlib takes
        each character from the first family that has it. Fonts that were installed after matplotlib listed the fonts
        of this machine are found too.

    Warns
    -----
    UserWarning
        If no installed font has some of the characters.
    """
    from matplotlib import font_manager, rcParams

    families = list(rcParams["font.family"])
    missing = {ord(character) for text in texts for character in text if _is_visible(character)}
    for family in families:
        with suppress(ValueError, RuntimeError):
            font = font_manager.FontProperties(family=[family])
            missing -= _characters(font_manager.findfont(font, fallback_to_default=family in GENERIC))
    if missing:
        families += _fallbacks(missing)
    if missing:
        _add_new_fonts()
        families += _fallbacks(missing)
    if missing:
        first = min(missing)
        name = unicodedata.name(chr(first), f"U+{first:04X}")
        wide = any(_width(chr(code)) == 2 for code in missing)
        hint = ", such as fonts-noto-cjk or fonts-nanum (apt-get install), Noto Sans KR or NanumGothic" if wide else ""
        warn(
            f"no installed font has {chr(first)!r} ({name}) and {len(missing) - 1:,} other characters of the labels, "
            f"which become boxes; install one that has them{hint}"
        )
    return families


def _is_visible(character: str) -> bool:
    """Whether a character needs a glyph: not a blank, a control character, or a mark on another character."""
    return unicodedata.category(character)[0] in "LNPS"


def _fallbacks(missing: set[int]) -> list[str]:
    """Choose installed fonts with the code points in `missing`, which are removed from it."""
    from matplotlib import font_manager

    order = {name: i for i, name in enumerate(KOREAN_FONTS)}
    known = {entry.name: entry.fname for entry in font_manager.fontManager.ttflist if entry.style == "normal"}
    chosen = []
    for name in sorted(known, key=lambda name: (order.get(name, len(order)), name)):
        if not missing:
            break
        if "Last Resort" in name or "LastResort" in name:  # it has boxes for all characters
            continue
        with suppress(OSError, RuntimeError):  # a font that was removed, or is damaged
            found = missing & _characters(known[name])
            if found:
                chosen.append(name)
                missing -= found
    return chosen


def _characters(path: str) -> set[int]:
    """The code points that a font has."""
    from matplotlib.ft2font import FT2Font

    return set(FT2Font(path).get_charmap())


def _add_new_fonts() -> None:
    """Add the fonts of this machine that matplotlib does not know yet: it lists them once and keeps the list."""
    from matplotlib import font_manager

    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        with suppress(Exception):  # a font that matplotlib cannot read
            font_manager.fontManager.addfont(path)
