"""usearch raises a RuntimeError if memory or threads run out; users get a MemoryError."""

from types import SimpleNamespace

import numpy as np
import pytest

from gensim_sent2vec import hnsw
from gensim_sent2vec.hnsw import Graph

ROWS = np.ones((3, 2), dtype=np.float32)


def failing(text):
    def fail(*args, **options):
        raise RuntimeError(text)

    class Index:
        restore = staticmethod(fail)
        add = remove = search = save = fail

        def __len__(self):
            return 3

    return Index()


CALLS = [
    lambda graph: graph.add(np.arange(3), ROWS),
    lambda graph: graph.remove(np.arange(3)),
    lambda graph: graph.search(ROWS, 2),
    lambda graph: graph.to_bytes(),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("text", ["Out of memory!", "Resource temporarily unavailable"])
def test_memory_and_threads(call, text):
    with pytest.raises(MemoryError, match=f"usearch: {text}"):
        call(Graph(failing(text)))


@pytest.mark.parametrize("call", CALLS)
def test_other_errors_stay(call):
    with pytest.raises(RuntimeError, match="Duplicate keys"):
        call(Graph(failing("Duplicate keys")))


def test_a_graph_that_does_not_fit_is_not_called_damaged(monkeypatch):
    data = np.zeros(3, dtype=np.uint8)
    monkeypatch.setattr(hnsw, "usearch_index", lambda: failing("Out of memory!"))
    with pytest.raises(MemoryError):
        Graph.from_bytes(data, mapped=False)
    with pytest.raises(MemoryError):
        Graph(SimpleNamespace(expansion_search=1), data).remove(np.arange(1))  # copies what is mapped
    monkeypatch.setattr(hnsw, "usearch_index", lambda: failing("bad magic"))
    with pytest.raises(ValueError, match="cannot be read"):
        Graph.from_bytes(data, mapped=False)
