"""Plots, by what is on their axes, and the history of a training."""

import math
import os
import sys

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
    for sentences in ("the rain", []):
        with pytest.raises(ValueError, match="sentences: expected a list of at least one sentence"):
            plot_similarity(wv, sentences)


def test_plots_need_matplotlib(wv, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"gensim-sent2vec\[plot\]"):
        plot_similarity(wv, ["the rain"])
