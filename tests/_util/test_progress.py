"""Log lines of long operations: when they come, and what they say. Time is a fake clock's."""

import gzip
import io
import logging
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._text import counting
from gensim_sent2vec._text.tokenization import tokenize_file
from gensim_sent2vec._util.progress import LOGGER, Progress, duration


class Clock:
    """A clock that stands still until something takes time."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(Progress, "clock", clock)
    return clock


@pytest.fixture
def lines(caplog):
    """``lines()``: the log lines so far."""
    caplog.set_level(logging.INFO, LOGGER)
    return lambda: [record.getMessage() for record in caplog.records if record.name == LOGGER]


def test_a_line_at_the_start_and_then_one_per_minute(clock, lines):
    started, seen_at = clock.now, []
    with Progress("tokenize", 100_000, "sentences", show=False) as progress:
        for done in range(0, 100_001, 100):
            before = len(lines())
            progress.update(done)
            seen_at += [clock.now - started] * (len(lines()) - before)
            clock.now += 0.42  # 100,000 sentences in seven minutes
    assert seen_at == pytest.approx([5, 65, 125, 185, 245, 305, 365], abs=5)
    assert lines()[0] == "tokenize: 1.2% of 100,000 sentences, 238 sentences per second, about 7 min left"
    assert lines()[-1].endswith("left")


def test_quick_work_logs_nothing(clock, lines):
    with Progress("train", 10, "tokens", show=False) as progress:
        for done in range(11):
            clock.now += 0.4
            progress.update(done)
    assert lines() == []


@pytest.mark.parametrize(
    ("total", "estimate", "expected"),
    [
        (None, None, "encode: 30 sentences, 5 sentences per second, loss 0.1"),
        (300, None, "encode: 10.0% of 300 sentences, 5 sentences per second, about 54 s left, loss 0.1"),
        (None, 12_345.6, "encode: 0.2% of about 12,000 sentences, 5 sentences per second, about 41 min left, loss 0.1"),
        (None, 7.3, "encode: 100.0% of about 30 sentences, 5 sentences per second, loss 0.1"),
    ],
)
def test_what_a_line_says(clock, lines, total, estimate, expected):
    progress = Progress("encode", total, "sentences", show=False)
    progress.update(0)
    clock.now += 6
    progress.update(30, estimate, loss="0.1")
    assert lines() == [expected]


def test_nothing_done_yet(clock, lines):
    progress = Progress("train", 10, "tokens", show=False)
    progress.update(0)
    clock.now += 6
    progress.update(0)
    assert lines() == ["train: 0.0% of 10 tokens, 0 tokens per second"]


def test_the_time_to_start_does_not_count(clock, lines):
    """Kiwi loads its model for seconds before the first sentence: no basis for an estimate."""
    progress = Progress("tokenize", 10_000, "lines", show=False)
    clock.now += 20
    for done in range(32, 3200, 32):
        progress.update(done)
        clock.now += 0.32
    assert lines()[0].endswith("100 lines per second, about 97 s left")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (99.4, "99 s"), (100, "2 min"), (5_900, "98 min"), (7_500, "2 h 5 min"), (3.6e6, "1,000 h 0 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_bar_follows_the_estimate(monkeypatch):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with Progress("tokenize", None, "lines", show=True) as progress:
        progress.update(10, 100.0)
        assert (progress._bar.n, progress._bar.total) == (10, 100)
        progress.update(50, 80.0)
        assert (progress._bar.n, progress._bar.total) == (50, 80)


@pytest.fixture
def slow_tokenizer(clock):
    def tokenizer(text):
        clock.now += 0.01
        return text.split()

    return tokenizer


def test_tokenizing_a_file_reports_lines(tmp_path, lines, slow_tokenizer):
    """Not bytes: and their number is estimated from the lengths of the lines that were read."""
    path = tmp_path / "corpus.txt"
    path.write_text("".join(f"{'말 ' * (n % 7)}끝 {n:05}\n" for n in range(10_000)), encoding="utf-8")
    tokenize_file(path, tmp_path / "tokens.txt", slow_tokenizer, workers=1)
    first, second = lines()
    assert first == "tokenize: 5.1% of about 10,000 lines, 100 lines per second, about 95 s left"
    assert second.startswith("tokenize: 65.") and second.endswith("100 lines per second, about 35 s left")


def test_tokenizing_a_compressed_file_reports_lines(tmp_path, lines, slow_tokenizer):
    with gzip.open(tmp_path / "corpus.txt.gz", "wt") as file:
        file.write("some words\n" * 1000)
    tokenize_file(tmp_path / "corpus.txt.gz", tmp_path / "tokens.txt", slow_tokenizer, workers=1)
    assert lines() == ["tokenize: 512 lines, 100 lines per second"]


class Unsized:
    def __init__(self, texts):
        self.texts = texts

    def __iter__(self):
        return iter(self.texts)


@pytest.mark.parametrize("known", [True, False])
def test_training_on_texts_reports_sentences(lines, slow_tokenizer, known):
    texts = [f"some words {n % 9}" for n in range(1000)]
    given = texts if known else Unsized(texts)
    Sent2Vec(given, tokenizer=slow_tokenizer, vector_size=4, epochs=1, min_count=1, workers=1, weighting=False)
    tokenized = [line for line in lines() if line.startswith("tokenize")]
    expected = "51.2% of 1,000 sentences" if known else "512 sentences"
    assert tokenized[0].startswith(f"tokenize: {expected}, 100 sentences per second")


def test_counting_a_file_reports_tokens(tmp_path, lines, clock, monkeypatch):
    path = tmp_path / "corpus.txt"
    path.write_text("four words in each\n" * 20_000)
    threads_over = counting.threads_over

    @contextmanager
    def slow_threads(*args):
        with threads_over(*args) as threads:
            looks = []

            def wait(timeout):
                """Looks at all of the work, done but not yet reported as such, once a minute."""
                while not threads.wait(timeout):
                    pass
                clock.now += 60
                looks.append(timeout)
                return len(looks) > 2

            yield SimpleNamespace(wait=wait)

    monkeypatch.setattr(counting, "threads_over", slow_threads)
    _, n_sentences, n_tokens = counting.count_file(str(path), slice_bytes=1000)
    assert (n_sentences, n_tokens) == (20_000, 80_000)
    assert lines() == ["vocabulary: 100.0% of about 80,000 tokens, 0 tokens per second"]
