"""Batches of sentences in the kernel's format; errors name the row."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

from .. import _kernel
from .inputs import USUAL_TYPES, as_text, check_text


def packed(sentences: Sequence[Any], first_row: int, name: str) -> _kernel.Pack:
    """Pack sentences for the kernel.

    Parameters
    ----------
    sentences : sequence of str or of sequences of str
        Either texts, which the kernel splits at whitespace, or token lists.
    first_row : int
        The position of the first one in the corpus.
    name : str
        The argument that errors name.

    Raises
    ------
    TypeError
        If a sentence is neither a text nor a list of tokens, or texts and token lists are mixed.
    """
    if not set(map(type, sentences)) <= USUAL_TYPES:  # the kernel checks their tokens
        for row, sentence in enumerate(sentences, first_row):
            check_text(sentence, f"{name}: row {row:,}")
    try:
        return _kernel.Pack(sentences)
    except TypeError:
        _explain(sentences, first_row, name)
        raise


def _explain(sentences: Sequence[Any], first_row: int, name: str) -> None:
    """Raise a TypeError that names the row for which the kernel raised one."""
    are_texts = isinstance(sentences[0], str)
    for row, sentence in enumerate(sentences, first_row):
        where = f"{name}: row {row:,}"
        check_text(sentence, where)
        if isinstance(sentence, Sized):  # a generator is exhausted; the kernel's own error shows the token
            as_text(sentence, where)
        if isinstance(sentence, str) != are_texts:
            raise TypeError(
                f"{where}: a {type(sentence).__name__} after {'texts' if are_texts else 'token lists'}; pass either "
                "texts or token lists"
            )
