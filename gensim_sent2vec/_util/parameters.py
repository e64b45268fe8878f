"""Validation of arguments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .hints import closest_option

# Options of Word2Vec, Doc2Vec, fastText and others that do not apply to Sent2Vec. Ignoring them would mislead the user.
_ENTIRE_SENTENCE = "the context of a word is its entire sentence"
_NO_CHARACTER_NGRAMS = (
    "no vectors of character n-grams are trained; the lexical part of sentence vectors is computed from them, see "
    "SentenceWeighting(lexical_dims=…)"
)
_WHEN_ENCODING = "vectors are normalized when they are computed: wv.encode(sentences, normalize=True)"
_WHEN_SEARCHING = "the number of results is an argument of searches: wv.most_similar(word, topn=…)"
UNSUPPORTED = {
    "window": _ENTIRE_SENTENCE,
    "shrink_windows": _ENTIRE_SENTENCE,
    "ws": _ENTIRE_SENTENCE,
    "sg": "Sent2Vec predicts a word from its sentence (CBOW); for skip-gram, use gensim's Word2Vec(sg=1)",
    "cbow_mean": "the context vector is always the mean of its rows",
    "hs": "Sent2Vec uses negative sampling only; for hierarchical softmax, use gensim's Word2Vec(hs=1)",
    "loss": "Sent2Vec uses negative sampling only; to record the loss, pass compute_loss=True",
    "hashfxn": "vectors are initialized from the seed and do not depend on string hashes",
    "null_word": "no padding is used",
    "sorted_vocab": "the vocabulary is always sorted by count",
    "minn": _NO_CHARACTER_NGRAMS,
    "maxn": _NO_CHARACTER_NGRAMS,
    "min_n": _NO_CHARACTER_NGRAMS,
    "max_n": _NO_CHARACTER_NGRAMS,
    "normalize": _WHEN_ENCODING,
    "normalize_embeddings": _WHEN_ENCODING,
    "topn": _WHEN_SEARCHING,
    "top_k": _WHEN_SEARCHING,
    "k": _WHEN_SEARCHING,
    "device": "training runs on the CPU, in as many threads as `workers`",
    "pretrained_vectors": "use build_vocab, then wv.intersect_word2vec_format(path, lockf=1), then train",
    **dict.fromkeys(("dm", "dm_mean", "dm_concat", "dm_tag_count", "dbow_words"), "this is not Doc2Vec"),
}


def reject_unknown_options(
    options: Mapping[str, Any], known: Iterable[str], constructor: Iterable[str] = (), method: str = ""
) -> None:
    """Raise a TypeError for an unknown option, with the reason or the argument that is meant.

    Parameters
    ----------
    options : mapping
        The unknown options of a call.
    known : iterable of str
        The arguments of the called function.
    constructor : iterable of str
        If the function is a method: the arguments of the constructor.
    method : str
        The name of that method.
    """
    known, constructor = tuple(known), tuple(constructor)
    for name in options:
        if name in UNSUPPORTED:
            raise TypeError(f"{name}: not an option of Sent2Vec: {UNSUPPORTED[name]}")
        if meant := closest_option(name, known):
            raise TypeError(f"{name}: not an option of Sent2Vec; did you mean {meant}?")
        meant = name if name in constructor else closest_option(name, constructor)
        if meant:
            raise TypeError(f"{name}: not an option of {method}; pass it to the constructor, as Sent2Vec({meant}=…)")
        raise TypeError(f"{name}: not an option of Sent2Vec")


def check_int(name: str, value: Any, least: int, most: int = 2**63 - 1) -> int:
    """Return an integer from `least` to `most`.

    Raises
    ------
    TypeError, ValueError
        If `value` is not such an integer, with the name of the argument.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name}: must be at least {least}, got {value}")
    if value > most:
        raise ValueError(f"{name}: must be at most {most}, got {value}")
    return int(value)


def check_optional_int(name: str, value: Any, least: int) -> int | None:
    """Return None, or an integer of at least `least`; see `check_int`."""
    return None if value is None else check_int(name, value, least)


def check_float(
    name: str, value: Any, above: float | None = None, least: float | None = None, most: float | None = None
) -> float:
    """Return a finite number greater than `above`, and from `least` to `most`.

    Raises
    ------
    TypeError, ValueError
        If `value` is not such a number, with the name of the argument.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    if least is not None and most is not None and not least <= value <= most:
        raise ValueError(f"{name}: must be between {least:g} and {most:g}, got {value}")
    if not math.isfinite(value):
        raise ValueError(f"{name}: must be finite, got {value}")
    if above is not None and value <= above:
        raise ValueError(f"{name}: must be above {above}, got {value}")
    if least is not None and value < least:
        raise ValueError(f"{name}: must be at least {least}, got {value}")
    if most is not None and value > most:
        raise ValueError(f"{name}: must be at most {most}, got {value}")
    return float(value)
