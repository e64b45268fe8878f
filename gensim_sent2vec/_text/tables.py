"""Tables with named columns: the one reader of question files, sentence pairs and evaluation logs.

A table is UTF-8 text (compressed if its suffix says so) with one row per line and tab-separated columns. Values are
taken literally: there is no quoting. Blank lines are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Literal

from .corpus import TextLines

Row = tuple[int, list[str]]


def read_table(
    path: str | os.PathLike[str], columns: Sequence[str], header: Literal["required", "optional"] = "required"
) -> Iterator[Row]:
    """Iterate over the rows of a table.

    Parameters
    ----------
    path : str or path-like
    columns : sequence of str
        Names of the columns to read, case-insensitive. A header line may name more columns, in any order.
    header : {"required", "optional"}
        With "optional", a table whose first line does not name all `columns` has no header, and exactly these columns
        in this order.

    Yields
    ------
    line_number : int
        From 1, for error messages (`at_line`).
    values : list of str
        As written, in the order of `columns`.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If a column is missing, a line has the wrong number of columns, or the file is not UTF-8.
    """
    rows = _rows(path)
    names = [name.casefold() for name in columns]
    found = header_of(path)
    missing = [name for name in columns if name.casefold() not in found]
    if not missing:
        positions, width = [found.index(name) for name in names], len(found)
        next(rows)
    elif header == "optional":
        positions, width = list(range(len(columns))), len(columns)
    else:
        raise ValueError(
            f"{os.fspath(path)!r}: the first line must name the columns {', '.join(columns)}, separated by tabs; "
            f"missing: {', '.join(missing)}"
        )
    for number, values in rows:
        if len(values) != width:
            raise ValueError(f"{at_line(path, number)}: expected {width} tab-separated columns, got {len(values)}")
        yield number, [values[i] for i in positions]


def header_of(path: str | os.PathLike[str]) -> list[str]:
    """The values of the first line, stripped and case-folded: the column names, if the table has a header.

    Empty if the file has no text. Raises like `read_table` if the file cannot be read.
    """
    _, values = next(_rows(path), (0, []))
    return [value.strip().casefold() for value in values]


def at_line(path: str | os.PathLike[str], line_number: int) -> str:
    """The place of an error, as every error in a table reports it."""
    return f"{os.fspath(path)!r}, line {line_number:,}"


def _rows(path: str | os.PathLike[str]) -> Iterator[Row]:
    """The lines that are not blank, with their numbers, split into columns."""
    for number, line in enumerate(TextLines(path), 1):
        if number == 1:
            line = line.removeprefix("\ufeff")
        if line.strip():
            yield number, line.split("\t")
