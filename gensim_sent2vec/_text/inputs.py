"""What users pass as texts: lists, streams, numpy arrays and columns of tables, checked and read by position.

pandas, polars and pyarrow are recognized by their shapes and methods, and never imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._util.batches import known_length
from .corpus import SampledLines, TextLines, TokenLines
from .packed import PackedStrings
from .tables import TextTable

MISSING_TYPES = ("NoneType", "NAType", "NaTType", "MaskedConstant")  # None, pandas.NA, pandas.NaT, numpy.ma.masked
LONGEST_PATH = 4096  # a longer string is no path
SHOWN = 40  # characters of a text that an error quotes
MAX_COLUMNS = 10  # that an error quotes
USUAL_TYPES = {str, list, tuple}  # of a text or its tokens


def as_column(values: Any, name: str, expected: str = "texts") -> Iterable[Any]:
    """One-dimensional values as an iterable that is read by position, whatever the labels of a pandas index.

    Parameters
    ----------
    values : iterable
        A list, stream, one-dimensional array, or column of a table.
    name : str
        The argument that errors name.
    expected : str
        What the values are, for errors.

    Raises
    ------
    TypeError
        For a single string, a table, a mapping, an array that is not one-dimensional, or what is not iterable.
    """
    if isinstance(values, (str, bytes)):
        shown = repr(values[:SHOWN])
        instead = f"TextTable({values!r}) to read the file" if os.path.isfile(values[:LONGEST_PATH]) else f"[{shown}]"
        raise TypeError(f"{name}: expected a list of {expected}, got the single string {shown}; pass {instead}")
    columns = columns_of(values)
    if columns is not None:
        kind = type(values).__name__
        names = [repr(column)[: SHOWN + 2] for column in columns[:MAX_COLUMNS]] + ["…"] * (len(columns) > MAX_COLUMNS)
        example = f"{kind.lower()}[{names[0]}]" if columns else "one of its columns"
        raise TypeError(
            f"{name}: expected a list of {expected}, got {kind} with the columns {', '.join(names) or '(none)'}; pass "
            f"one column, such as {example}"
        )
    shape = getattr(values, "shape", None)
    if isinstance(shape, tuple) and len(shape) != 1:
        raise TypeError(
            f"{name}: expected a list of {expected}, got {type(values).__name__} of shape {tuple(shape)}; pass one "
            "column, such as array[:, 0]"
        )
    if not isinstance(values, Iterable):
        raise TypeError(f"{name}: expected a list of {expected}, got {type(values).__name__}")
    # numpy, pandas and pyarrow: one conversion is faster than iterating, and pyarrow's scalars become Python's.
    to_list = getattr(values, "tolist", None) or getattr(values, "to_pylist", None)
    return to_list() if callable(to_list) else values


def columns_of(values: Any) -> list[Any] | None:
    """The names of the columns of a table or mapping; None for anything else."""
    if isinstance(values, Mapping):
        return list(values)
    shape = getattr(values, "shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2:
        return None
    names = getattr(values, "column_names", None)  # pyarrow, datasets
    if names is None:
        names = getattr(values, "columns", None)  # pandas, polars
    return None if names is None else list(names)


def checked_texts(texts: Any, name: str = "sentences") -> Any:
    """Texts or token lists of any kind, as an iterable whose items are checked when they are read.

    Parameters
    ----------
    texts : iterable of str or of sequences of str
        A list, stream, one-dimensional array, or column of a table.
    name : str
        The argument that errors name.

    Returns
    -------
    iterable
        Its `operator.length_hint` is that of `texts`. It can be iterated over as often as `texts` can.

    Raises
    ------
    TypeError
        As `as_column` does; when items are read, as `check_text` does.
    """
    if isinstance(texts, (TextLines, TokenLines, SampledLines, TextTable, PackedStrings)):
        return texts
    column = as_column(texts, name)
    if isinstance(column, Iterator):
        return _checked(column, name)
    return _Texts(column, name)


class _Texts:
    """Texts that are checked each time they are iterated over."""

    def __init__(self, texts: Any, name: str) -> None:
        self._texts, self._name = texts, name

    def __iter__(self) -> Iterator[Any]:
        return _checked(self._texts, self._name)

    def __length_hint__(self) -> int:
        n = known_length(self._texts)
        return NotImplemented if n is None else n


def _checked(texts: Iterable[Any], name: str) -> Iterator[Any]:
    for row, text in enumerate(texts):
        if type(text) not in USUAL_TYPES:
            check_text(text, f"{name}: row {row:,}")
        yield text


def check_text(text: Any, where: str) -> None:
    """Raise a TypeError unless `text` is a string or may be a list of tokens.

    Parameters
    ----------
    text : object
    where : str
        What errors begin with: the argument, and the row if there are several.
    """
    if isinstance(text, str):
        return
    if is_missing(text):
        raise TypeError(
            f"{where}: a missing value ({text!r}), not a text; drop it, or replace it by an empty string (in pandas: "
            '.dropna() or .fillna(""))'
        )
    if isinstance(text, Mapping):
        keys = ", ".join(repr(key)[:SHOWN] for key in list(text)[:5])
        raise TypeError(f"{where}: a {type(text).__name__} with the keys {keys}, not a text; pass one of its values")
    shape = getattr(text, "shape", None)
    is_table = isinstance(shape, tuple) and len(shape) != 1
    is_numeric = isinstance(text, np.ndarray) and text.dtype.kind not in "UO"
    if is_table or is_numeric or isinstance(text, (bytes, bytearray)) or not isinstance(text, Iterable):
        shown = f" of shape {shape}" if shape else f" {text!r}"[: SHOWN + 1]
        raise TypeError(f"{where}: the {type(text).__name__}{shown} is neither a text nor a list of tokens")


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, or the missing value of pandas or numpy."""
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    return type(value).__name__ in MISSING_TYPES


def as_text(sentence: Any, where: str = "sentence") -> str:
    """A text as it is; tokens joined by spaces. A TypeError if a token is not a string."""
    if isinstance(sentence, str):
        return sentence
    try:
        return " ".join(sentence)
    except TypeError:
        bad = next(token for token in sentence if not isinstance(token, str))
        kind = "a missing value" if is_missing(bad) else f"the {type(bad).__name__} {bad!r:.{SHOWN}}"
        raise TypeError(f"{where}: tokens must be strings, got {kind} in {list(sentence)!r:.{2 * SHOWN}}") from None


def as_tokens(sentence: Any, tokenize: Callable[[str], list[str]], where: str) -> Sequence[str]:
    """The tokens of a text; tokens as they are. A TypeError if a token is not a string."""
    if isinstance(sentence, str):
        return tokenize(sentence)
    as_text(sentence, where)
    return sentence


def reject_texts_as_tokens(tokens: Sequence[str], vocabulary: Container[str], where: str, instead: str) -> None:
    """Refuse a list of texts that would be read as the tokens of a single sentence.

    Tokenizers split at whitespace, so a token that contains whitespace is a text, unless it is a word of the
    vocabulary (which can be trained on any tokens).

    Parameters
    ----------
    tokens : sequence of str
    vocabulary : container of str
        The words that have vectors.
    where : str
        What the error begins with: the argument, and the row if there are several.
    instead : str
        What to do, for the error: "to search for several texts, use search".

    Raises
    ------
    TypeError
    """
    for token in tokens:
        if isinstance(token, str) and len(token.split()) > 1 and token not in vocabulary:
            raise TypeError(
                f"{where}: a list of strings is read as the tokens of one sentence, but {token[:SHOWN]!r} contains "
                f"whitespace and is not a word of the vocabulary; {instead}"
            )


def checked_words(values: Iterable[str], name: str) -> list[str]:
    """Words that a user passed; a TypeError that names the row of what is not a string."""
    words = list(values if isinstance(values, Mapping) else as_column(values, name, "words"))
    for row, word in enumerate(words):
        if not isinstance(word, str):
            raise TypeError(f"{name}: row {row:,}: expected a word, got the {type(word).__name__} {word!r:.40}")
        if not word:
            raise ValueError(f"{name}: row {row:,}: a word must not be empty")
    return words
