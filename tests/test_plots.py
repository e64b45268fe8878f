"""Plots, by what is on their axes, and the history of a training."""

import math
import os
import re
import sys
import warnings
from itertools import pairwise

import numpy as np
import pytest

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec.evaluation import append_to_log
from gensim_sent2vec.history import TrainingHistory
from gensim_sent2vec.plots import plot_results, plot_similarity, plot_training

SMALL = {"vector_size": 10, "min_count": 2, "workers": 1}


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib", reason='needs matplotlib: pip install "gensim-sent2vec[plot]"')
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.fixture
def history(lee) -> TrainingHistory:
    recorded = TrainingHistory()
    Sent2Vec(lee, alpha=0.2, epochs=4, compute_loss=True, callbacks=[recorded], **SMALL)
    return recorded


def drawn(ax, tmp_path):
    """Save the plot; whether more than the background was drawn."""
    path = tmp_path / "plot.png"
    ax.figure.savefig(path)
    return path.stat().st_size > 5000


# ---------------------------------------------------------------------------------------------------
# History


def test_history_of_a_training(history):
    assert len(history) == len(history.loss) == len(history.learning_rate) == len(history.seconds) == 4
    assert history.loss[3] < history.loss[0] and all(loss > 0 for loss in history.loss)
    np.testing.assert_allclose(history.learning_rate, [0.15, 0.1, 0.05, 0], atol=1e-9)
    assert all(seconds > 0 for seconds in history.seconds)
    assert repr(history) == "<TrainingHistory of 4 epochs>"


def test_losses_add_up_to_that_of_the_model(lee):
    history = TrainingHistory()
    model = Sent2Vec(lee, epochs=3, compute_loss=True, callbacks=[history], **SMALL)
    assert sum(history.loss) * model.corpus_total_words == pytest.approx(model.get_latest_training_loss())
    model.train(lee, epochs=2, compute_loss=True, callbacks=[history])
    assert sum(history.loss[3:]) * model.corpus_total_words == pytest.approx(model.get_latest_training_loss())
    assert len(history) == 5


def test_history_without_loss(lee):
    history = TrainingHistory()
    Sent2Vec(lee, epochs=2, callbacks=[history], **SMALL)
    assert all(math.isnan(loss) for loss in history.loss) and len(history.seconds) == 2


# ---------------------------------------------------------------------------------------------------
# Plots


def test_plot_of_training(pyplot, history, tmp_path):
    ax = plot_training(history)
    assert ax.lines[0].get_ydata().tolist() == history.loss
    right = next(other for other in ax.figure.axes if other is not ax)
    assert right.lines[0].get_ydata().tolist() == history.learning_rate
    assert drawn(ax, tmp_path)


def test_plot_of_similarity(pyplot, wv, tmp_path):
    sentences = ["the police arrested two men", "the rain", "of " * 40]
    ax = plot_similarity(wv, sentences)
    vectors = wv.encode(sentences, normalize=True)
    np.testing.assert_allclose(ax.images[0].get_array(), vectors @ vectors.T, atol=1e-6)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[:2] == sentences[:2] and labels[2].endswith("…") and len(labels[2]) == 40
    assert drawn(ax, tmp_path)
    tokens = plot_similarity(wv, [["the", "rain"]])
    assert [label.get_text() for label in tokens.get_xticklabels()] == ["the rain"]


def test_plot_of_results(pyplot, tmp_path):
    log = tmp_path / "results.tsv"
    for p, r in ((0.5, 0.6), (0.55, 0.62)):
        results = [{"file": "faq.tsv", "n": 3, "P@1": p, "P@3": p}, {"file": "sts.tsv", "n": 5, "pearson": r}]
        append_to_log(str(log), "my.model", results, {})
    ax = plot_results(log)
    assert {line.get_label(): list(line.get_ydata()) for line in ax.lines} == {
        "faq.tsv, P@1": [0.5, 0.55],
        "sts.tsv, pearson": [0.6, 0.62],
    }
    assert drawn(ax, tmp_path)
    assert [line.get_label() for line in plot_results(log, "P@3").lines] == ["faq.tsv, P@3"]
    with pytest.raises(ValueError, match="missing: bleu"):
        plot_results(log, "bleu")
    with pytest.raises(ValueError, match="no values in the columns spearman"):
        plot_results(log, "spearman")
    with open(log, "a") as file:
        file.write("yesterday\tm\tfaq.tsv\t1\t1\t\t\t0.5\t\t\t{}\n")
    with pytest.raises(ValueError, match="line 6"):
        plot_results(log)


def test_plot_of_results_of_a_file_whose_name_is_not_utf8(pyplot, tmp_path):
    append_to_log(str(tmp_path / "log"), "m", [{"file": os.fsdecode(b"caf\xe9.tsv"), "P@1": 0.5}], {})
    assert [line.get_label() for line in plot_results(tmp_path / "log").lines] == ["caf\\udce9.tsv, P@1"]


# ---------------------------------------------------------------------------------------------------
# What is drawn where


def sentences_of(lee, n: int) -> list[str]:
    return [" ".join(tokens) for tokens in lee[:n]]


def check_heat_map(ax) -> None:
    """Numbers are inside their cells, and labels neither leave the figure nor overlap."""
    ax.figure.canvas.draw()
    for text in ax.texts:
        x, y = text.get_position()
        (left, high), (right, low) = ax.transData.transform([(x - 0.5, y - 0.5), (x + 0.5, y + 0.5)])  # y points down
        box = text.get_window_extent()
        assert left < box.x0 and box.x1 < right and low < box.y0 and box.y1 < high
    boxes = [label.get_window_extent() for label in ax.get_yticklabels() if label.get_text()]
    for above, below in pairwise(boxes):
        assert below.y1 <= above.y0 + 0.5


@pytest.mark.parametrize("n", [1, 3, 10, 13, pytest.param(25, marks=pytest.mark.slow)])
def test_heat_map_in_a_new_figure(pyplot, wv, lee, n):
    ax = plot_similarity(wv, sentences_of(lee, n))
    assert len(ax.texts) == n * n
    check_heat_map(ax)
    extent, figure = ax.get_window_extent(), ax.figure.bbox
    assert extent.width == pytest.approx(extent.height, rel=0.02)
    for label in (*ax.get_xticklabels(), *ax.get_yticklabels()):
        box = label.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.width and box.y1 <= figure.height


@pytest.mark.parametrize("width, numbers", [(9.0, True), (5.0, True), (2.5, False)])
def test_heat_map_on_given_axes(pyplot, wv, lee, width, numbers):
    figure, ax = pyplot.subplots(figsize=(width, width))
    plot_similarity(wv, sentences_of(lee, 8), ax)
    assert bool(ax.texts) == numbers and figure.get_size_inches().tolist() == [width, width]
    check_heat_map(ax)


def test_heat_map_in_a_subfigure(pyplot, wv, lee):
    left, _ = pyplot.figure(figsize=(16, 8)).subfigures(1, 2)
    ax = plot_similarity(wv, sentences_of(lee, 4), left.subplots())
    assert len(ax.texts) == 16
    check_heat_map(ax)


def test_a_number_is_never_minus_zero(pyplot, wv):
    shown = [text.get_text() for text in plot_similarity(wv, ["the rain", "qqqq zzzz"]).texts]
    assert shown[0] == "1.00" and "-0.00" not in shown


def test_labels_are_text_on_one_line(pyplot, wv, tmp_path):
    ax = plot_similarity(wv, ["costs $5_{ and $x", "two\nlines\t here", "긴" * 30])
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["costs $5_{ and $x", "two lines here", "긴" * 19 + "…"]
    ax.figure.canvas.draw()


def test_epochs_are_integers(pyplot, lee):
    for epochs in (1, 2, 30):
        history = TrainingHistory()
        history.loss, history.learning_rate, history.seconds = [2.0] * epochs, [0.1] * epochs, [1.0] * epochs
        ax = plot_training(history)
        ax.figure.canvas.draw()
        shown = [tick for tick in ax.get_xticks() if 0.5 <= tick <= epochs + 0.5]
        assert shown and all(tick == int(tick) for tick in shown)


@pytest.mark.parametrize(
    "dates, marks, year",
    [
        (["2026-03-02T09:30:01", "2026-03-02T09:30:08", "2026-03-02T09:30:15"], r"\d\d:\d\d", "2026-03-02"),
        (["2026-03-02T09:30:01"], r"\d\d:\d\d", "2026-03-02"),
        (["2026-03-02T09:30:01", "2026-03-02T17:30:01"], r"\d\d:\d\d", "2026-03-02"),
        (["2026-03-02T09:30:01", "2026-03-07T09:30:01"], r"\d\d-\d\d", "2026"),
        (["2026-03-02T09:30:01", "2026-08-07T09:30:01"], r"\d{4}-\d\d", ""),
        (["2021-03-02T09:30:01+09:00", "2026-08-07T09:30:01"], r"\d{4}", ""),
    ],
)
def test_marks_of_dates(pyplot, tmp_path, dates, marks, year):
    """In no smaller unit than minutes, few, none twice, and with the year."""
    log = tmp_path / "log.tsv"
    log.write_text("date\tfile\tP@1\n" + "".join(f"{date}\tf\t0.5\n" for date in dates))
    ax = plot_results(log, "P@1")
    ax.figure.canvas.draw()
    labels = [label.get_text() for label in ax.get_xticklabels() if label.get_text()]
    assert 1 <= len(labels) <= 8 and len(set(labels)) == len(labels)
    assert all(re.fullmatch(marks, label) for label in labels), labels
    assert ax.xaxis.get_offset_text().get_text() == year


def test_many_lines_have_their_legend_next_to_the_plot(pyplot, tmp_path):
    results = [{"file": f"{i}.tsv", "P@1": 0.5} for i in range(14)]
    append_to_log(str(tmp_path / "log"), "m", results, {})
    ax = plot_results(tmp_path / "log")
    ax.figure.canvas.draw()
    assert len({(line.get_color(), line.get_linestyle()) for line in ax.lines}) == 14
    legend, figure = ax.get_legend().get_window_extent(), ax.figure.bbox
    assert ax.get_window_extent().x1 <= legend.x0 and legend.x1 <= figure.width and legend.y0 >= 0


# ---------------------------------------------------------------------------------------------------
# Fonts


@pytest.fixture
def few_fonts(pyplot, monkeypatch):
    """Matplotlib knows its own fonts only, and there are no others. Returns its module of fonts."""
    from matplotlib import font_manager

    own = [entry for entry in font_manager.fontManager.ttflist if "mpl-data" in entry.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda *_, **__: [])
    yield font_manager
    font_manager.fontManager._findfont_cached.cache_clear()


def make_font(path, name: str, text: str) -> str:
    """Write a font with boxes for the characters of a text."""
    fontTools = pytest.importorskip("fontTools.fontBuilder")
    pens = pytest.importorskip("fontTools.pens.ttGlyphPen")
    pen = pens.TTGlyphPen(None)
    pen.moveTo((0, 0))
    for point in ((0, 700), (700, 700), (700, 0)):
        pen.lineTo(point)
    pen.closePath()
    glyph = pen.glyph()
    builder = fontTools.FontBuilder(1000, isTTF=True)
    names = [".notdef", *(f"uni{ord(character):04X}" for character in text)]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(character): f"uni{ord(character):04X}" for character in text})
    builder.setupGlyf(dict.fromkeys(names, glyph))
    builder.setupHorizontalMetrics(dict.fromkeys(names, (800, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return str(path)


def families(ax) -> list[str]:
    return ax.get_yticklabels()[0].get_fontfamily()


@pytest.mark.parametrize("listed", [True, False])
def test_korean_is_drawn_in_a_font_that_has_it(few_fonts, wv, tmp_path, monkeypatch, listed):
    path = make_font(tmp_path / "k.ttf", "Some Korean", "비 가와요")
    if listed:
        few_fonts.fontManager.addfont(path)
    else:  # installed after matplotlib made its list
        monkeypatch.setattr(few_fonts, "findSystemFonts", lambda *_, **__: [path, str(tmp_path / "missing.ttf")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = plot_similarity(wv, ["비가 와요", "the rain"])
        ax.figure.canvas.draw()
    assert families(ax) == ["sans-serif", "Some Korean"]


def test_fonts_with_korean_letters_are_preferred(few_fonts, wv, tmp_path):
    for name in ("A Font", "NanumGothic", "Noto Sans CJK JP"):
        few_fonts.fontManager.addfont(make_font(tmp_path / f"{name}.ttf", name, "비 가와요"))
    assert families(plot_similarity(wv, ["비가 와요"])) == ["sans-serif", "NanumGothic"]
    few_fonts.fontManager.addfont(make_font(tmp_path / "x.ttf", "X", "漢字"))
    assert families(plot_similarity(wv, ["비가 漢字"])) == ["sans-serif", "NanumGothic", "X"]
    assert families(plot_similarity(wv, ["the rain"])) == ["sans-serif"]


def test_a_configured_font_comes_first(few_fonts, pyplot, wv, tmp_path):
    for name in ("A Font", "NanumGothic"):
        few_fonts.fontManager.addfont(make_font(tmp_path / f"{name}.ttf", name, "비 가와요"))
    with pyplot.rc_context({"font.family": ["A Font", "DejaVu Sans"]}):
        assert families(plot_similarity(wv, ["비가 와요"])) == ["A Font", "DejaVu Sans"]


def test_a_warning_names_fonts_to_install(few_fonts, wv, tmp_path):
    with pytest.warns(
        UserWarning, match=r"no installed font has '가' \(HANGUL SYLLABLE GA\) .* 3 other .* fonts-noto-cjk"
    ):
        plot_similarity(wv, ["비가 와요"])
    with pytest.warns(UserWarning, match="no installed font has .* has them$"):
        plot_similarity(wv, ["\N{ETHIOPIC SYLLABLE HA}\ufe0f\u200d"])
    append_to_log(str(tmp_path / "log"), "m", [{"file": "질문.tsv", "P@1": 0.5}], {})
    with pytest.warns(UserWarning, match="no installed font has"):
        plot_results(tmp_path / "log")


def test_plots_on_given_axes(pyplot, wv, history, tmp_path):
    append_to_log(str(tmp_path / "log"), "m", [{"file": "f", "P@1": 0.5}], {})
    _, axes = pyplot.subplots(1, 3)
    assert plot_training(history, axes[0]) is axes[0]
    assert plot_similarity(wv, ["the rain"], axes[1]) is axes[1]
    assert plot_results(tmp_path / "log", ax=axes[2]) is axes[2]
    assert len(pyplot.get_fignums()) == 1


def test_invalid_arguments(wv, lee):
    with pytest.raises(ValueError, match="history: no epochs were recorded"):
        plot_training(TrainingHistory())
    history = TrainingHistory()
    Sent2Vec(lee, epochs=1, callbacks=[history], **SMALL)
    with pytest.raises(ValueError, match="history: no loss was recorded; train with compute_loss=True"):
        plot_training(history)
    with pytest.raises(ValueError, match="sentences: expected at least one sentence, got none"):
        plot_similarity(wv, [])
    with pytest.raises(TypeError, match=r"sentences: .*'the rain'"):
        plot_similarity(wv, "the rain")


def test_plots_need_matplotlib(wv, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"gensim-sent2vec\[plot\]"):
        plot_similarity(wv, ["the rain"])
