"""Validation of arguments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np

# Options of Word2Vec and Doc2Vec that do not apply to Sent2Vec. Ignoring them silently would mislead the user.
UNSUPPORTED = {
    "window": "the context of a word is its entire sentence",
    "shrink_windows": "the context of a word is its entire sentence",
    "sg": "Sent2Vec predicts a word from its sentence (CBOW); for skip-gram, use gensim's Word2Vec(sg=1)",
    "cbow_mean": "the context vector is always the mean of its rows",
    "hs": "Sent2Vec uses negative sampling only; for hierarchical softmax, use gensim's Word2Vec(hs=1)",
    "hashfxn": "vectors are initialized from the seed and do not depend on string hashes",
    "null_word": "no padding is used",
    "sorted_vocab": "the vocabulary is always sorted by count",
    "dm": "this is not Doc2Vec",
}


# Arguments of the constructor that have another name in `train`.
RENAMED = {"sentences": "corpus_iterable", "alpha": "start_alpha", "min_alpha": "end_alpha"}


def reject_unknown_options(options: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raise a TypeError for an unknown option, with the reason or a suggestion."""
    known = tuple(known)
    for name in options:
        if name in UNSUPPORTED:
            raise TypeError(f"{name}: not an option of Sent2Vec: {UNSUPPORTED[name]}")
        close = [RENAMED[name]] if RENAMED.get(name) in known else get_close_matches(name, known, 1)
        raise TypeError(f"{name}: not an option of Sent2Vec" + (f"; did you mean {close[0]}?" if close else ""))


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
    if not math.isfinite(value):
        raise ValueError(f"{name}: must be finite, got {value}")
    if above is not None and value <= above:
        raise ValueError(f"{name}: must be above {above}, got {value}")
    if least is not None and value < least:
        raise ValueError(f"{name}: must be at least {least}, got {value}")
    if most is not None and value > most:
        raise ValueError(f"{name}: must be at most {most}, got {value}")
    return float(value)
