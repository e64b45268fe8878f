"""Checks of arguments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np

# Options of Word2Vec that mean nothing here: silence would be a kind of bug.
UNSUPPORTED = {
    "window": "the whole line is the context of each of its words",
    "shrink_windows": "the whole line is the context of each of its words",
    "sg": "Sent2Vec predicts a word from its line (CBOW); skip-gram is gensim's Word2Vec(sg=1)",
    "cbow_mean": "the context is always the mean of its rows",
    "hs": "only negative sampling is used; hierarchical softmax is gensim's Word2Vec(hs=1)",
    "hashfxn": "vectors start from a counter and the seed, whatever Python's string hash",
    "null_word": "there is no padding",
    "sorted_vocab": "the vocabulary is always sorted by count",
    "dm": "this is not Doc2Vec",
}


# What the constructor calls one thing and `train` another.
RENAMED = {"sentences": "corpus_iterable", "alpha": "start_alpha", "min_alpha": "end_alpha"}


def reject_unknown_options(options: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse options that Sent2Vec does not have, with the reason or the name that was meant."""
    known = tuple(known)
    for name in options:
        if name in UNSUPPORTED:
            raise TypeError(f"{name}: not an option of Sent2Vec: {UNSUPPORTED[name]}")
        close = [RENAMED[name]] if RENAMED.get(name) in known else get_close_matches(name, known, 1)
        raise TypeError(f"{name}: not an option of Sent2Vec" + (f"; did you mean {close[0]}?" if close else ""))


def check_int(name: str, value: Any, least: int, most: int = 2**63 - 1) -> int:
    """A whole number of at least `least`, or a TypeError or ValueError that names the argument."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name}: a whole number is expected, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    if value > most:
        raise ValueError(f"{name} must be at most {most}, got {value}")
    return int(value)


def check_optional_int(name: str, value: Any, least: int) -> int | None:
    """None, or a whole number of at least `least`."""
    return None if value is None else check_int(name, value, least)


def check_float(
    name: str, value: Any, above: float | None = None, least: float | None = None, most: float | None = None
) -> float:
    """A finite number within its bounds, or a TypeError or ValueError that names the argument."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: a number is expected, got {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    if above is not None and value <= above:
        raise ValueError(f"{name} must be above {above}, got {value}")
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    if most is not None and value > most:
        raise ValueError(f"{name} must be at most {most}, got {value}")
    return float(value)
