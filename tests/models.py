"""What tests of models share: small options, and comparisons of all that a model consists of."""

from __future__ import annotations

from typing import Any

import numpy as np

from gensim_sent2vec import Sent2Vec

SMALL: dict[str, Any] = {"vector_size": 8, "min_count": 1, "workers": 1, "epochs": 2}


def matrices(model: Sent2Vec) -> dict[str, np.ndarray]:
    """All that training changes."""
    return {
        "vectors": model.wv.vectors,
        "vectors_ngrams": model.wv.vectors_ngrams,
        "placeholder": model.placeholder,
        "syn1neg": model.syn1neg,
    }


def state(model: Sent2Vec) -> dict[str, Any]:
    """All that a failing call must leave unchanged."""
    return {
        **{name: rows.tobytes() for name, rows in matrices(model).items()},
        "words": list(model.wv.index_to_key),
        **{name: values.tobytes() for name, values in model.wv.expandos.items()},
        "alpha": (model.alpha, model.min_alpha),
        "epochs": model.epochs,
        "corpus": (model.corpus_count, model.corpus_total_words, model.raw_vocab),
        "train_count": model.train_count,
    }


def assert_same_bytes(a: Sent2Vec, b: Sent2Vec) -> None:
    assert list(a.wv.index_to_key) == list(b.wv.index_to_key)
    for name in matrices(a):
        assert matrices(a)[name].tobytes() == matrices(b)[name].tobytes(), name


def assert_usable(model: Sent2Vec) -> None:
    assert all(np.isfinite(rows).all() for rows in matrices(model).values())
    known = model.wv.index_to_key[0]
    assert model.wv.get_sentence_vector([known]).any()
