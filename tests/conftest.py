"""Corpora, models and vectors that several tests share."""

import copy
import os
import subprocess
import sys
import threading
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more threads would only wait for each other, in small products

import numpy as np
import paths
import pytest
from gensim.models import KeyedVectors
from gensim.test.utils import datapath
from hypothesis import settings

from gensim_sent2vec import Sent2Vec

SHARED_DATA = paths.SHARED_DATA

settings.register_profile("tests", deadline=None)  # machines are shared, and the first example pays for imports
settings.load_profile("tests")


@pytest.fixture(scope="session")
def lee_path() -> str:
    """Three hundred news texts that gensim ships, one a line."""
    return datapath("lee_background.cor")


@pytest.fixture(scope="session")
def lee(lee_path) -> list[list[str]]:
    """The same texts as token lists."""
    with open(lee_path, encoding="utf-8") as lines:
        return [line.split() for line in lines]


@pytest.fixture(scope="session")
def lee_model(lee_path) -> Sent2Vec:
    """A small trained bigram model; not to be changed, see `model`."""
    return Sent2Vec(corpus_file=lee_path, vector_size=20, min_count=2, epochs=5, word_ngrams=2, bucket=5000, workers=1)


@pytest.fixture
def model(lee_model) -> Sent2Vec:
    """A copy of the trained model, to do anything with."""
    return copy.deepcopy(lee_model)


@pytest.fixture
def wv(model):
    """Trained vectors, to do anything with."""
    return model.wv


@pytest.fixture
def twin_of():
    """``twin_of(wv)``: gensim's own KeyedVectors with the words, counts and vectors of `wv`."""

    def make(wv) -> KeyedVectors:
        plain = KeyedVectors(wv.vector_size)
        plain.add_vectors(list(wv.index_to_key), np.array(wv.vectors))
        for word in wv.index_to_key:
            plain.set_vecattr(word, "count", int(wv.get_vecattr(word, "count")))
        return plain

    return make


@pytest.fixture
def twin(wv, twin_of) -> KeyedVectors:
    """The twin of `wv`."""
    return twin_of(wv)


@pytest.fixture
def shared_data():
    """``shared_data(name)``: the path of a file that lies beside the repository, or a skip."""

    def find(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"no file {name} in shared/data beside the repository")
        return path

    return find


@pytest.fixture
def no_thread_left():
    """Fails a test that leaves a thread running."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def run_python():
    """``run_python(code, *args, **env)``: what a fresh interpreter prints, and its exit status."""

    def run(code: str, *args: str, **env: str) -> tuple[str, int]:
        done = subprocess.run(
            [sys.executable, "-c", code, *args],
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=270,
        )
        return done.stdout, done.returncode

    return run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Processes that tests start must not find the source folder, whose kernel is not compiled."""
    monkeypatch.chdir(tmp_path)
