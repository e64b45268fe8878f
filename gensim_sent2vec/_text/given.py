"""Tables that a program passes instead of a file: data frames, columns by name, and lists of rows.

They have the members of `TableFile` that readers use, so that what is read from a file is read from them too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from .inputs import as_column, columns_of, is_missing
from .tables import ANSWER, QUESTION, ROLE, ROLES, TableFile, TextTable

GIVEN = "given"  # the format of such a table
PAIR = ("score", "sentence1", "sentence2")
SHOWN = 60  # characters of a row in an error
EXPECTED = {
    "sts": "a path, a list of (sentence1, sentence2, score), or a table with the columns score, sentence1, sentence2",
    "retrieval": "a path, a list of (question, answer), a TextTable with a key, or a table with the columns question "
    "and answer, and possibly role",
}


class GivenTable(TableFile):
    """Rows in memory, with named columns.

    Parameters
    ----------
    name : str
        The argument that errors name.
    columns : sequence of str
    rows : sequence of sequences
    """

    def __init__(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self.lines = SimpleNamespace(shown=name, is_repeatable=True)  # type: ignore[assignment]
        self._format, self.said = GIVEN, None
        self._records: Any = GivenRecords(name, [str(column) for column in columns], rows)

    @classmethod
    def of(cls, values: Any, name: str, kind: str) -> GivenTable:
        """The table that a user passed.

        Parameters
        ----------
        values : data frame, mapping of columns, TextTable, or iterable of rows
        name : str
            The argument that errors name.
        kind : {"sts", "retrieval"}
            What the rows are if they have no names: pairs with a score, or questions and answers.

        Raises
        ------
        TypeError, ValueError
            If it is none of these; the error says what is expected.
        """
        if isinstance(values, TextTable):
            return _of_texts(values, name, kind)
        columns = columns_of(values)
        if columns is not None:
            read = [list(as_column(values[column], f"{name}: column {column!r}", "values")) for column in columns]
            if len(set(map(len, read))) > 1:
                raise ValueError(f"{name}: the columns have different lengths: {', '.join(map(str, map(len, read)))}")
            return cls(name, columns, list(zip(*read)))
        if isinstance(values, (bytes, bytearray)) or not isinstance(values, Iterable):
            raise TypeError(f"{name}: expected {EXPECTED[kind]}, got {type(values).__name__}")
        return _of_rows(list(values), name, kind)


class GivenRecords:
    """The rows of a `GivenTable`, numbered from 0, as elsewhere in Python."""

    def __init__(self, name: str, columns: list[str], rows: Sequence[Sequence[Any]]) -> None:
        self.columns, self._name, self._rows = columns, name, rows

    def at(self, number: int) -> str:
        return f"{self._name}: row {number:,}"

    def rows(self, positions: Sequence[int], header: bool = True) -> Iterator[tuple[int, list[Any]]]:
        for number, row in enumerate(self._rows):
            values = [row[i] for i in positions]
            yield number, [None if is_missing(value) else value for value in values]


def _of_texts(table: TextTable, name: str, kind: str) -> GivenTable:
    if kind == "sts":
        raise TypeError(
            f"{name}: a TextTable has one column of texts, but pairs have two sentences and a score; pass the path of "
            "the file instead"
        )
    if table.key is not None:
        return GivenTable(name, (QUESTION, ANSWER), list(table.rows()))
    if not table.is_faq:
        raise TypeError(f"{name}: the TextTable has no keys; pass the column with the answers as its key=")
    if all(ROLE in file.names for file in table.files):
        rows = [(role, text, key) for role in ROLES for text, key in table.with_role(role).rows()]
        return GivenTable(name, (ROLE, QUESTION, ANSWER), rows)
    return GivenTable(name, (QUESTION, ANSWER), list(table.with_role(ROLES[0]).rows()))


def _of_rows(rows: list[Any], name: str, kind: str) -> GivenTable:
    """A table of tuples, or of mappings, all of the same shape as the first one."""
    if not rows:
        raise ValueError(f"{name}: expected {EXPECTED[kind]}, got nothing")
    if isinstance(rows[0], Mapping):
        columns = list(rows[0])
        return GivenTable(name, columns, [[row.get(column) for column in columns] for row in rows])
    for number, row in enumerate(rows):
        if isinstance(row, (str, bytes, os.PathLike)) or not isinstance(row, Sequence) or len(row) != len(rows[0]):
            hint = "; pass one file per call" if isinstance(row, (str, os.PathLike)) and os.path.exists(row) else ""
            raise TypeError(f"{name}: row {number:,}: expected {EXPECTED[kind]}, got {row!r:.{SHOWN}}{hint}")
    return GivenTable(name, _columns_of_rows(rows[0], name, kind), rows)


def _columns_of_rows(row: Sequence[Any], name: str, kind: str) -> tuple[str, ...]:
    """The names of the values in a row without names."""
    if kind == "sts" and len(row) == len(PAIR):
        is_number = [_is_number(value) for value in row]
        if is_number[2] and (isinstance(row[0], str) or not is_number[0]):
            return (*PAIR[1:], PAIR[0])
        if is_number[0]:
            return PAIR
    if kind == "retrieval" and len(row) == 2:
        return QUESTION, ANSWER
    if kind == "retrieval" and len(row) == 3 and row[0] in ROLES:
        return ROLE, ANSWER, QUESTION
    raise TypeError(f"{name}: row 0: expected {EXPECTED[kind]}, got {tuple(row)!r:.{SHOWN}}")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
