"""Rows of CSV, TSV, JSON lines and Parquet files: one class per kind of file, all with the same three members.

`columns` are the names of the columns, `rows` yields the numbers of the rows and their values, and `at` names the place
of an error.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Protocol

from .corpus import TextLines, not_utf8
from .formats import CSV, JSON_LINES, PARQUET

Row = tuple[int, list[Any]]

LONGEST_VALUE = 1 << 24  # characters; the csv module allows 131,072, which texts of web pages exceed
MOST_LINES = 1000  # of a quoted value in a TSV file
DELIMITERS = (",", ";", "\t")  # of CSV: the first one that the header contains
PARQUET_BATCH, PARQUET_BUFFER = 4096, 1 << 16  # rows; bytes per column, else entire columns of a row group are read


class Records(Protocol):
    """The rows of a file."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns, stripped; empty if the file has no rows."""

    def rows(self, positions: Sequence[int], header: bool = True) -> Iterator[Row]:
        """The numbers of the rows, for errors, and their values in the given columns.

        `header`: whether the first row holds the names.
        """

    def at(self, number: int) -> str:
        """The place of an error."""


def open_records(lines: TextLines, format: str) -> Records:
    """The rows of a file in one of the formats of tables."""
    if format == PARQUET:
        return ParquetRecords(lines)
    return JsonRecords(lines) if format == JSON_LINES else DelimitedRecords(lines, format)


class _LineRecords:
    """What is common to tables that are text."""

    def __init__(self, lines: TextLines) -> None:
        self.lines = lines

    def at(self, number: int) -> str:
        return f"{self.lines.shown}, line {number:,}"


# -----------------------------------------------------------------------------------------------------
# CSV and TSV


class DelimitedRecords(_LineRecords):
    """The rows of a CSV or TSV file, by the number of their first line; blank lines are skipped.

    In a file with one column, a line of spaces is a value, and so is an empty one in quotes.
    """

    def __init__(self, lines: TextLines, format: str) -> None:
        super().__init__(lines)
        self._is_csv = format == CSV

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        if self._is_csv:
            first = re.split(rb"[\r\n]", self.lines.head, maxsplit=1)[0].decode("utf-8", "replace")
            return self._csv_records(next((mark for mark in DELIMITERS if mark in first), ","))
        return self._tsv_records()

    @cached_property
    def columns(self) -> list[str]:
        names = next((names for _, names in self._records() if "".join(names).strip()), [])
        return [name.strip() for name in names]

    def rows(self, positions: Sequence[int], header: bool = True) -> Iterator[Row]:
        records, width = self._records(), len(self.columns)
        if header:
            next((names for _, names in records if "".join(names).strip()), None)
        for number, values in records:
            if len(values) == 1 < width and not values[0].strip():
                continue
            if len(values) != width:
                kind = "columns" if self._is_csv else "tab-separated columns"
                raise ValueError(f"{self.at(number)}: expected {width} {kind}, got {len(values)}")
            yield number, [values[i] for i in positions]

    def _csv_records(self, delimiter: str) -> Iterator[tuple[int, list[str]]]:
        """Rows as the csv module reads them, strictly."""
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_VALUE))
        with self.lines.open() as stream:
            text = io.TextIOWrapper(stream, "utf-8", "surrogateescape", newline="")
            reader = csv.reader(text, delimiter=delimiter, strict=True)
            number = 1
            while True:
                try:
                    values = next(reader, None)
                except csv.Error as error:
                    why = f"{error}; is a quotation mark missing or not doubled?"
                    if "NUL" in str(error):  # which Python 3.10 cannot read
                        why = "has a NUL character; remove it"
                    raise ValueError(f"{self.at(number)}: {why}") from None
                if values is None:
                    return
                if values:  # else a blank line
                    self._check_utf8(number, values)
                    yield number, values
                number = reader.line_num + 1

    def _check_utf8(self, number: int, values: list[str]) -> None:
        joined = "".join(values)
        if not joined.isascii():
            try:
                joined.encode()
            except UnicodeEncodeError:  # a byte that is not UTF-8 is a surrogate by now
                raise ValueError(not_utf8(self.at(number), UnicodeError("invalid byte"))) from None

    def _tsv_records(self) -> Iterator[tuple[int, list[str]]]:
        """Rows whose values are in quotes only where they have to be; other quotation marks belong to the text."""
        lines = _Lookahead(enumerate(self.lines.raw(), 1))
        width = 0
        for number, line in lines:
            content = line.rstrip("\r\n")
            if not content or (width != 1 and not content.strip() and content.count("\t") != width - 1):
                continue
            values = content.split("\t")
            if not width and all(len(value) > 1 and value[0] == value[-1] == '"' for value in values):
                yield from self._csv_records("\t")  # every value is in quotes
                return
            if '"' in content:
                values = _unquoted(line, values, width, lines)
            width = width or len(values)
            yield number, values


class _Lookahead:
    """An iterator that can be looked ahead in."""

    def __init__(self, items: Iterator[tuple[int, str]]) -> None:
        self._items, self._ahead = items, deque[tuple[int, str]]()

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        return self._ahead.popleft() if self._ahead else next(self._items)

    def peek(self, i: int) -> str | None:
        """The line `i` places ahead, from 0; None after the last one."""
        while len(self._ahead) <= i:
            item = next(self._items, None)
            if item is None:
                return None
            self._ahead.append(item)
        return self._ahead[i][1]


def _unquoted(line: str, values: list[str], width: int, following: _Lookahead) -> list[str]:
    """The values of a line of TSV that contains quotation marks.

    A value is in quotes if it begins and ends with one, the marks inside are doubled, and it has to be: because of
    such a mark, a tab or a line break. Anything else is taken literally, as in files that do not quote. A value goes
    on in the next line if that gives the right number of columns.

    Parameters
    ----------
    line : str
        With its line end.
    values : list of str
        The line, split at tabs.
    width : int
        Number of columns; 0 if it is not known yet.
    following : _Lookahead
        The next lines, of which those that belong to the row are consumed.
    """
    if not any(value.startswith('"') for value in values):
        return values
    if len(values) != width and (parsed := _parse(line)) and len(parsed) == width:
        return parsed  # with a tab inside quotes
    is_literal = len(values) == width > 1  # so it may be a row by itself, and then so may the next lines be
    parts, n_marks = [line], line.count('"')
    for i in range(MOST_LINES if n_marks % 2 else 0):
        more = following.peek(i)
        if more is None or (is_literal and "\t" in more and '"' not in more):
            break
        parts.append(more)
        n_marks += more.count('"')
        if n_marks % 2 == 0:
            parsed = _parse("".join(parts))
            is_row = parsed is not None and len(parsed) == max(1, width)
            if not is_row or (is_literal and any("\t" in value and "\n" in value for value in parsed or ())):
                break  # with both in a value, it is more likely that rows have been joined
            for _ in range(i + 1):
                next(following)
            return parsed or []
    return [_without_needed_quotes(value) for value in values]


def _parse(text: str) -> list[str] | None:
    """One row as the csv module reads it; None if it is not one."""
    try:
        rows = list(csv.reader([text.rstrip("\r\n")], delimiter="\t", strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _without_needed_quotes(value: str) -> str:
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    inside = value[1:-1]
    needs_quotes = not inside or '"' in inside or "\r" in inside
    return inside.replace('""', '"') if needs_quotes and '"' not in inside.replace('""', "") else value


# -----------------------------------------------------------------------------------------------------
# JSON lines


class JsonRecords(_LineRecords):
    """The objects of a file with one JSON object per line; blank lines are skipped."""

    def _objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, line in enumerate(self.lines, 1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{self.at(number)}: invalid JSON ({self._explain(number, line, error)})") from None
            if not isinstance(value, dict):
                raise ValueError(
                    f'{self.at(number)}: expected a JSON object per line, such as {{"text": "…"}}, got '
                    f"a {type(value).__name__}" + (_ARRAY if isinstance(value, list) else "")
                )
            yield number, value

    @staticmethod
    def _explain(number: int, line: str, error: Exception) -> str:
        reason = f"{error.msg}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        spread = number == 1 and line.strip() in ("{", "[")
        return reason + ("; there must be one object per line" + _ARRAY if spread else "")

    @cached_property
    def columns(self) -> list[str]:
        return list(next(self._objects(), (0, {}))[1])

    def rows(self, positions: Sequence[int], header: bool = True) -> Iterator[Row]:
        names = [self.columns[i] for i in positions]
        return ((number, [value.get(name) for name in names]) for number, value in self._objects())


_ARRAY = "; to convert an array: jq -c '.[]' IN > OUT.jsonl"


# -----------------------------------------------------------------------------------------------------
# Parquet


class ParquetRecords:
    """The rows of a Parquet file, numbered from 1, of which one batch of the needed columns is in memory at a time."""

    def __init__(self, lines: TextLines) -> None:
        self.lines = lines

    def at(self, number: int) -> str:
        return f"{self.lines.shown}, row {number:,}"

    def _open(self) -> Any:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError:
            raise ImportError(
                f'{self.lines.shown}: reading Parquet needs pyarrow: pip install "gensim-sent2vec[parquet]"'
            ) from None
        path = self.lines.plain_path
        if path is None:
            raise ValueError(f"{self.lines.shown}: a Parquet file must be local and not compressed as a whole")
        try:
            return parquet.ParquetFile(path, buffer_size=PARQUET_BUFFER, pre_buffer=False)
        except pyarrow.ArrowException as error:
            raise ValueError(f"{self.lines.shown}: not a Parquet file, or damaged ({error})") from None

    @cached_property
    def n_rows(self) -> int:
        with self._open() as file:
            return int(file.metadata.num_rows)

    @cached_property
    def columns(self) -> list[str]:
        with self._open() as file:
            return [str(name) for name in file.schema_arrow.names]

    def rows(self, positions: Sequence[int], header: bool = True) -> Iterator[Row]:
        import pyarrow

        names = [self.columns[i] for i in positions]
        done = 0
        with self._open() as file:
            try:
                for batch in self._batches(file, names):
                    columns = [batch.column(name).to_pylist() for name in names]
                    for number, values in enumerate(zip(*columns), done + 1):
                        yield number, list(values)
                    done += len(batch)
            except pyarrow.ArrowException as error:
                raise ValueError(f"{self.at(done + 1)}: damaged ({error})") from None

    @staticmethod
    def _batches(file: Any, names: list[str]) -> Iterator[Any]:
        """A few rows at a time; read ahead, by threads or across row groups, memory would grow with the file."""
        columns = list(dict.fromkeys(names))
        for group in range(file.num_row_groups):
            yield from file.iter_batches(PARQUET_BATCH, row_groups=[group], columns=columns, use_threads=False)
