"""Sample queries, with which the page starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .limits import sendable

N_SAMPLES = 6
N_EXAMINED = 200  # sentences, evenly spaced, so that a large index costs no more than a small one
EXAMINED_LENGTH = 1000  # characters of each
SHORTEST, LONGEST = 2, 70  # characters of a sample


def sample_queries(sentences: Sequence[str], keys: Sequence[Any], n: int = N_SAMPLES) -> list[str]:
    """Choose sentences of an index that show what can be asked.

    Parameters
    ----------
    sentences : sequence of str
    keys : sequence
        One per sentence. Sentences with the same key have the same answer; one of them is enough.
    n : int
        The maximum number of samples.

    Returns
    -------
    list of str
        Evenly spaced over the index, none twice; the same on every call. If all sentences are long, their beginnings.
    """
    rows = _spread(range(len(sentences)), N_EXAMINED)
    short: dict[Any, str] = {}
    long: dict[Any, str] = {}
    for row in rows:
        text = " ".join(sendable(sentences[row][:EXAMINED_LENGTH]).split())
        if len(text) > LONGEST:
            long.setdefault(keys[row], _beginning(text))
        elif len(text) >= SHORTEST and text not in short.values():
            short.setdefault(keys[row], text)
    found = list((short or long).values())
    return _spread(found, n)


def _spread(items: Sequence[Any], n: int) -> list[Any]:
    """Choose `n` items, evenly spaced; all if there are fewer."""
    n = min(n, len(items))
    return [items[i * len(items) // n] for i in range(n)]


def _beginning(text: str) -> str:
    """The first words of a text, of `LONGEST` characters at most."""
    words = text[: LONGEST + 1].rpartition(" ")[0]
    return words or text[:LONGEST]
