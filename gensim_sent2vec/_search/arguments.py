"""Arguments of a search: hints for names that other libraries use, and checks of numbers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

# What other libraries call an argument.
OTHER_NAMES = {
    "topn": (
        "k", "n", "top_k", "topk", "top_n", "limit", "size", "count", "max_results", "n_results", "num_results",
        "n_neighbors", "num_neighbors",
    ),
    "where": ("filter", "mask"),
    "hybrid": ("alpha", "hybrid_alpha", "lexical_weight"),
    "queries": ("query", "text", "texts", "sentence", "sentences", "q"),
    "query": ("queries", "text", "texts", "sentence", "sentences", "q"),
}  # fmt: skip


def with_hints(method: Callable[P, R]) -> Callable[P, R]:
    """Let a method refuse unknown keyword arguments with a TypeError that names the one that was probably meant."""
    parameters = [name for name in inspect.signature(method).parameters if name != "self"]

    @functools.wraps(method)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs:
            if name not in parameters:
                raise TypeError(_hint(method.__name__, name, parameters))
        return method(*args, **kwargs)

    return checked


def _hint(method: str, name: str, parameters: list[str]) -> str:
    meant = next((own for own, others in OTHER_NAMES.items() if own in parameters and name in others), None)
    way = f"use {meant}=" if meant else f"the arguments are {', '.join(parameters)}"
    return f"{name}: not an argument of {method}; {way}"


def check_topn(topn: int | None, n: int) -> int:
    """The number of results per query, at most `n`; a TypeError or ValueError unless `topn` is a number or None."""
    if topn is None:
        return max(1, n)
    if isinstance(topn, (bool, np.bool_)) or not isinstance(topn, (int, np.integer)):
        raise TypeError(f"topn: expected an integer, or None for all, got {topn!r}")
    if topn < 1:
        raise ValueError(f"topn: must be at least 1, got {topn}")
    return min(int(topn), max(1, n))
