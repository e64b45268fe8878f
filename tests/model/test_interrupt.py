"""Ctrl-C stops training soon, and leaves a usable model."""

import os
import random
import signal
import subprocess
import sys
import threading
from itertools import product

import pytest
from models import assert_usable
from processes import heed_ctrl_c

from gensim_sent2vec import Sent2Vec

CTRL_C = """
import sys, threading, time
from gensim_sent2vec import Sent2Vec
from gensim_sent2vec._text.corpus import TokenLines

def watch():
    while not model.syn1neg.any():  # all zeros before the first target
        time.sleep(0.01)
    print("training", flush=True)

source, kind, path, saved = sys.argv[1:]
options = {"words": {}, "ngrams": {"word_ngrams": 3}, "pairs": {"word_ngrams": 2, "skip_bigrams": True}}[kind]
corpus = {"corpus_file": path} if source == "file" else {"corpus_iterable": TokenLines(path)}
model = Sent2Vec(min_count=1, vector_size=64, workers=2, alpha=0.01, bucket=1000, epochs=10**6, negative=20, **options)
model.build_vocab(**corpus)
try:
    threading.Thread(target=watch).start()
    model.train(**corpus)
except KeyboardInterrupt:
    print("stopped", threading.active_count(), flush=True)
    model.save(saved)
"""


STOPS_WITHIN = 5  # seconds; the documentation promises about one, but machines are shared


class Child:
    """A process whose output can be waited for, line by line."""

    def __init__(self, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", *args], stdout=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c
        )
        self.lines: list[str] = []
        self.ended = False
        self.seen = threading.Condition()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self.seen:
                self.lines.append(line.strip())
                self.seen.notify_all()
        with self.seen:
            self.ended = True
            self.seen.notify_all()

    def wait_for(self, start: str, seconds: float) -> str | None:
        """The first line that begins with `start`, or None after `seconds`."""

        def found():
            return next((line for line in self.lines if line.startswith(start)), None)

        with self.seen:
            self.seen.wait_for(lambda: found() or self.ended, seconds)
            return found()

    def __enter__(self):
        return self

    def __exit__(self, *exc) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def long_job(tmp_path_factory):
    """``long_job("lines" or "line")``: a text that takes long to train on, as many lines or as a single one."""
    folder = tmp_path_factory.mktemp("long")
    numbers = random.Random(1)
    tokens = [f"w{numbers.randrange(3000)}" for _ in range(1_000_000)]
    (folder / "line").write_text(" ".join(tokens * 3))
    (folder / "lines").write_text("\n".join(" ".join(tokens[i : i + 20]) for i in range(0, len(tokens), 20)))
    return lambda name: str(folder / name)


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize(
    "source, shape, kind",
    [
        ("file", "lines", "words"),
        ("iterable", "lines", "words"),
        ("file", "line", "ngrams"),
        *(
            pytest.param(source, "line", kind, marks=pytest.mark.slow)
            for source, kind in product(("file", "iterable"), ("words", "ngrams", "pairs"))
            if (source, kind) != ("file", "ngrams")
        ),
    ],
)
@pytest.mark.timeout(120)
def test_ctrl_c_stops_training_soon_and_leaves_a_usable_model(source, shape, kind, long_job, tmp_path):
    saved = str(tmp_path / "model")
    with Child(CTRL_C, source, kind, long_job(shape), saved) as child:
        assert child.wait_for("training", 60)
        child.process.send_signal(signal.SIGINT)
        assert child.wait_for("stopped", STOPS_WITHIN) == "stopped 1"  # the main thread is the only one left
        assert child.process.wait(30) == 0
    model = Sent2Vec.load(saved)
    assert len(model.wv) == 3000
    assert model.syn1neg.any()
    assert_usable(model)
