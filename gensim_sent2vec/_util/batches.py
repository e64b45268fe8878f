"""Batches of an iterable, and its length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from operator import length_hint
from typing import TypeVar

Item = TypeVar("Item")

BATCH_SIZE = 1 << 13  # sentences that are passed to the kernel in one call


def batched(items: Iterable[Item], size: int = BATCH_SIZE) -> Iterator[list[Item]]:
    """Yield lists of `size` items; the last one may be shorter. Batches are read one at a time."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def known_length(items: Iterable[object]) -> int | None:
    """The number of items, if it is known before they are read."""
    n = length_hint(items, -1)
    return None if n < 0 else n
