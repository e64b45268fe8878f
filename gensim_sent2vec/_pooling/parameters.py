"""The parameters of a sentence weighting, checked."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._util.parameters import check_float, check_int

DECAYS = ("sif", "word2vec")
MAX_NGRAM = 1000  # characters
MAX_DIMS = 1_000_000
PRETRAINED_WEIGHT = 0.7


@dataclass(frozen=True)
class WeightingParameters:
    """The arguments of `SentenceWeighting`, which describes them and sets their defaults.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range.
    """

    sif: float | None
    unit_words: bool
    first_half: float
    stop_words: frozenset[str]
    whiten: float | None
    remove_components: int
    lexical_weight: float
    lexical_dims: int
    decay: str
    half_length: int
    unseen_words: bool
    linear: bool
    min_n: int
    max_n: int
    sample_size: int
    seed: int
    pretrained_weight: float | None = None

    def __post_init__(self) -> None:
        min_n = check_int("min_n", self.min_n, 1, MAX_NGRAM)
        checked = {
            "sif": None if self.sif is None else check_float("sif", self.sif, above=0),
            "unit_words": _check_flag("unit_words", self.unit_words),
            "first_half": check_float("first_half", self.first_half, above=0),
            "stop_words": _check_words("stop_words", self.stop_words),
            "whiten": None if self.whiten is None else check_float("whiten", self.whiten, least=-1, most=1),
            "remove_components": check_int("remove_components", self.remove_components, 0),
            "lexical_weight": check_float("lexical_weight", self.lexical_weight, least=0, most=1),
            "lexical_dims": check_int("lexical_dims", self.lexical_dims, 0, MAX_DIMS),
            "half_length": check_int("half_length", self.half_length, 0),
            "unseen_words": _check_flag("unseen_words", self.unseen_words),
            "linear": _check_flag("linear", self.linear),
            "min_n": min_n,
            "max_n": check_int("max_n", self.max_n, min_n, MAX_NGRAM),
            "sample_size": check_int("sample_size", self.sample_size, 1),
            "seed": check_int("seed", self.seed, 0),
            "pretrained_weight": None
            if self.pretrained_weight is None
            else check_float("pretrained_weight", self.pretrained_weight, least=0, most=1),
        }
        if self.decay not in DECAYS:
            raise ValueError(f"decay: must be one of {', '.join(DECAYS)}, got {self.decay!r}")
        if checked["lexical_dims"] and not checked["lexical_weight"]:
            raise ValueError(
                f"lexical_dims: must be 0 if lexical_weight is 0, which means no lexical part; got {self.lexical_dims}"
            )
        for name, value in checked.items():
            object.__setattr__(self, name, value)  # NumPy scalars become Python numbers, which JSON can store

    @property
    def pretrained_share(self) -> float:
        """The weight of the pretrained part in cosines, if there is one."""
        return PRETRAINED_WEIGHT if self.pretrained_weight is None else self.pretrained_weight

    def part_lengths(self, has_pretrained: bool = False) -> tuple[float, ...] | None:
        """Lengths that the parts of a sentence vector are scaled to; None: they are not scaled.

        The parts are the semantic, the lexical and, if there is one, the pretrained part.
        """
        lengths = math.sqrt(1 - self.lexical_weight), math.sqrt(self.lexical_weight)
        if self.linear or not (self.lexical_weight or has_pretrained):
            return None
        if not has_pretrained:
            return lengths
        rest = math.sqrt(1 - self.pretrained_share)
        return lengths[0] * rest, lengths[1] * rest, math.sqrt(self.pretrained_share)


def _check_flag(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return bool(value)


def _check_words(name: str, words: Any) -> frozenset[str]:
    if isinstance(words, str) or not isinstance(words, Iterable):
        raise TypeError(f"{name}: expected an iterable of words, got {words!r}")
    words = frozenset(words)
    for word in words:
        if not isinstance(word, str):
            raise TypeError(f"{name}: every word must be a str, got {word!r}")
    return words
