"""Batches of an iterable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")

BATCH_SIZE = 1 << 13  # sentences that are passed to the kernel in one call


def batched(items: Iterable[Item], size: int = BATCH_SIZE) -> Iterator[list[Item]]:
    """Yield lists of `size` items; the last one may be shorter. Batches are read one at a time."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
