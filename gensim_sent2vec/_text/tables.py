"""Files of texts of every kind, and tables with named columns: the one reader of all that people have.

`TextTable` reads one column of texts; `read_table` reads the columns of question files, sentence pairs and logs.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from shlex import quote
from typing import Any, Literal

import numpy as np

from .._util.counted import counted
from .._util.hints import with_hints
from .._util.missing import check_input
from .corpus import TextLines
from .formats import PARQUET, TEXT, TEXT_COLUMNS, TSV, check_format, format_of, suffix_format
from .records import ParquetRecords, Records, open_records

logger = logging.getLogger(__name__)
columns_logger = logging.getLogger("gensim_sent2vec.columns")  # which columns were taken, if the caller did not say

Key = str | int
Column = str | int
Missing = Literal["error", "skip"]
SHOWN_COLUMNS, SHOWN_NAME = 20, 40  # in errors: names, and characters of each
QUESTION, ANSWER, ROLE, ROLES = "question", "answer", "role", ("index", "query")
FAQ_COLUMNS = ((QUESTION, ANSWER), ("질문", "답변"))  # what questions and answers are called
TYPICAL_COLUMNS = {*TEXT_COLUMNS, "answer", "label", "id", "score", "role", "title", "date", "답변"}

# -----------------------------------------------------------------------------------------------------
# Texts


@with_hints
class TextTable:
    """The texts of files: a column of CSV, TSV, JSON lines or Parquet, or the lines of plain text.

    It is accepted wherever sentences are, reads its files anew in each iteration, and keeps a few rows in memory.

    Parameters
    ----------
    path : str or path-like, or a sequence of them
        Files, folders, or ``-`` for standard input. The suffix selects the format: .csv; .tsv or .tab; .jsonl, .ndjson
        or .json (one object per line); .parquet or .pq. Any other file is plain text, unless its first line consists of
        column names separated by tabs. Files may be compressed (.gz, .bz2, .xz, …). A folder stands for its files in
        the order of their names, without those whose names begin with a dot or an underscore.
    text : str or int, optional
        The column with the texts: its name, in any case, or its number from 1 if CSV or TSV have no header. By default
        the one that is called text, sentence, question, content or the like, if there is exactly one.
    key : str or int, optional
        The column with the keys of an index: answers, titles, numbers. See `SentenceIndex.build`.
    format : {"text", "csv", "tsv", "jsonl", "parquet"}, optional
        The format of all files, whatever their names.
    missing : {"error", "skip"}
        What to do with a row whose text or key is missing: null, or absent. "skip" also leaves out empty texts and
        keys, and logs how many rows it left out. Otherwise, an empty cell of CSV and TSV is an empty text.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If a column is not found or ambiguous, with the columns that there are; or, when texts are read, if a file is
        invalid or has no rows, with the line.
    ImportError
        If Parquet is read without pyarrow (extra ``[parquet]``).

    Examples
    --------
    >>> texts = TextTable("faq.csv", text="question", key="answer")  # doctest: +SKIP
    >>> model = Sent2Vec(texts, tokenizer="words")  # doctest: +SKIP
    >>> index = SentenceIndex.build(model.wv, texts)  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        text: Column | None = None,
        key: Column | None = None,
        format: str | None = None,
        missing: Missing = "error",
    ) -> None:
        check_format(format)
        check_missing(missing)
        for name, column in (("text", text), ("key", key)):
            if column is not None and (isinstance(column, bool) or not isinstance(column, (str, int))):
                raise TypeError(f"{name}: expected the name or number of a column, got {type(column).__name__}")
        self.text, self.key, self.format, self.missing = text, key, format, missing
        self._role: str | None = None
        self._is_guess = text is None
        names = list(files_of(path, format))
        for name in names:
            check_input(name, "path", "a file or folder of texts")
        self.files = [TableFile(name, format) for name in names]
        for file in self.files:
            if file.lines.is_repeatable:
                self._columns_of(file)  # now, not after hours of work

    @property
    def paths(self) -> list[str]:
        """The files; ``-`` is standard input."""
        return [file.lines.path for file in self.files]

    @property
    def shown(self) -> str:
        """The files, as errors name them."""
        return ", ".join(file.lines.shown for file in self.files[:3]) + (", …" if len(self.files) > 3 else "")

    @property
    def lines(self) -> TextLines | None:
        """The lines, if the texts are all those of a single file of plain text."""
        is_single = len(self.files) == 1 and self.missing == "error" and self.files[0].format == TEXT
        return self.files[0].lines if is_single else None

    @property
    def is_faq(self) -> bool:
        """Whether texts and keys are, or may be, the columns question and answer (질문, 답변) that all files have."""
        return self._faq_columns is not None

    @property
    def _faq_columns(self) -> tuple[str, str] | None:
        given = [column.casefold() if isinstance(column, str) else column for column in (self.text, self.key)]
        for pair in FAQ_COLUMNS:
            is_meant = all(column in (None, name) for column, name in zip(given, pair))
            if is_meant and all(set(pair) <= set(file.names) for file in self.files):
                return pair
        return None

    @property
    def text_names(self) -> list[str]:
        """The column with the texts of each file that has columns."""
        found = [self._columns_of(file)[:2] for file in self.files]
        for file, (_, positions) in zip(self.files, found):
            self._say_columns(file, positions)
        return [records.columns[positions[0]] for records, positions in found if positions]

    def with_role(self, role: str) -> TextTable:
        """The questions and answers of the rows with the role "index" or "query"; of all if there are no roles."""
        result = copy(self)
        result._is_guess = self.text is None or self.key is None
        result.text, result.key = self._faq_columns or (QUESTION, ANSWER)
        result._role = role
        return result

    def __iter__(self) -> Iterator[str]:
        return (text for text, _ in self.rows())

    def __length_hint__(self) -> int:
        """The number of texts, if the files store it and all rows are chosen."""
        is_stored = all(file.lines.is_repeatable and file.format == PARQUET for file in self.files)
        if self.missing == "skip" or self._role or not is_stored:
            return NotImplemented
        return sum(file.records.n_rows for file in self.files if isinstance(file.records, ParquetRecords))

    def __repr__(self) -> str:
        names = repr(self.paths[0] if len(self.files) == 1 else self.paths[:3])
        names = names if len(self.files) <= 3 else f"{names[:-1]}, … {len(self.files)} files]"
        columns = "".join(f", {name}={value!r}" for name, value in (("text", self.text), ("key", self.key)) if value)
        return f"TextTable({names}{columns})"

    def rows(self) -> Iterator[tuple[str, Key | None]]:
        """The texts and their keys, which are None without a column of keys."""
        n_rows = n_skipped = 0
        skips = self.missing == "skip"
        for file in self.files:
            for text, key in self._rows_of(file):
                n_rows += 1
                if skips and (text is None or not text.strip() or (self.key is not None and _is_empty(key))):
                    n_skipped += 1
                else:
                    yield text, key  # type: ignore[misc]
        if not n_rows and any(file.format != TEXT for file in self.files):
            raise ValueError(f"{self.shown}: there are no rows{self._where_rows_are()}")
        if n_skipped:
            logger.warning("%s: skipped %s of %s rows, without a text or key", self, f"{n_skipped:,}", f"{n_rows:,}")

    def _where_rows_are(self) -> str:
        if self._role is not None and any(ROLE in file.names for file in self.files):
            return f" with the role {self._role!r}"
        return " below the header" if any(file.names for file in self.files) else ""

    def _rows_of(self, file: TableFile) -> Iterator[tuple[str | None, Key | None]]:
        if file.format == TEXT:
            self._columns_of(file)
            for line in file.lines:
                yield line, None
            return
        records, positions, header = self._columns_of(file)
        if not records.columns:
            return
        is_typed = file.format not in ("csv", "tsv")
        self._say_columns(file, positions)
        with_role = self._role is not None and ROLE in file.names
        if with_role:
            positions = [*positions, file.names.index(ROLE)]
        for number, values in records.rows(positions, header):
            if with_role and role_of(records, number, values.pop()) != self._role:
                continue
            if is_typed:
                self._check_row(records, number, values)
            text, key = values[0], values[1] if self.key is not None else None
            yield (text, key) if self._role is None else (_stripped(text), _stripped(key))

    def _say_columns(self, file: TableFile, positions: Sequence[int]) -> None:
        """Log once which of several columns are read, if the caller did not say and others are left out."""
        if not self._is_guess or not positions or len(positions) == len(file.names):
            return
        names = [f"{kind} from {file.records.columns[i]!r}" for kind, i in zip(("texts", "keys"), positions)]
        if self._role is not None and ROLE in file.names:
            names.append(f"only rows with the role {self._role!r}")
        say_columns(file, names)

    def _check_row(self, records: Records, number: int, values: list[Any]) -> None:
        """Check the values of a format that has other types than strings."""
        for name, value, types in zip(("text", "key"), values, ((str,), (str, int))):
            if value is None and self.missing == "error":
                raise missing_value(f"{records.at(number)}: the {name}")
            if value is not None and (isinstance(value, bool) or not isinstance(value, types)):
                expected = "a string" if name == "text" else "a string or a whole number"
                raise ValueError(
                    f"{records.at(number)}: {name}: expected {expected}, got the {type(value).__name__} {value!r:.40}"
                )

    def _columns_of(self, file: TableFile) -> tuple[Any, list[int], bool]:
        """The records of a file, the positions of text and key, and whether the first row is a header."""
        if file.format == TEXT:
            given = "text (--column)" if self.text is not None else "key (--key)"
            if self.text is not None or self.key is not None:
                raise ValueError(
                    f"{given}: {file.lines.shown} is plain text, which has no columns; if it is a table, pass "
                    'format="csv", "tsv" or "jsonl" (--format)'
                )
            return None, [], False
        names = file.records.columns
        if not names:
            return file.records, [], False
        text = _default_column(names, file) if self.text is None else self.text
        wanted = [text] if self.key is None else [text, self.key]
        return file.records, *find_columns(wanted, file)


class TableFile:
    """A file of a known format."""

    def __init__(self, path: str | os.PathLike[str] | TextLines, format: str | None = None) -> None:
        check_format(format)
        self.lines = path if isinstance(path, TextLines) else TextLines(path)
        self._format = format
        self._records: Records | None = None
        self.said: str | None = None  # by `say_columns`
        if self.lines.is_repeatable:
            self.format  # noqa: B018  # now, not after hours of work

    @property
    def format(self) -> str:
        """One of `FORMATS`. Standard input is read for it, when it is first asked for."""
        if self._format is None:
            self._format = format_of(self.lines.path, self.lines.head, self.lines.shown)
            if self._format != PARQUET:
                self.lines.open().close()  # which checks what it is
        return self._format

    @property
    def records(self) -> Records:
        """The rows; lines of plain text are split at tabs."""
        if self._records is None:
            self._records = open_records(self.lines, TSV if self.format == TEXT else self.format)
        return self._records

    @property
    def names(self) -> list[str]:
        """The names of the columns, case-folded; for plain text, of its first line."""
        return [name.strip().casefold() for name in self.records.columns]


# -----------------------------------------------------------------------------------------------------
# Files and folders


def files_of(path: Any, format: str | None = None) -> Iterator[str]:
    """The files that are meant by a path or several; directories are listed."""
    if isinstance(path, (str, os.PathLike)):
        path = [path]
    if not isinstance(path, Iterable) or isinstance(path, (bytes, bytearray)):
        raise TypeError(f"path: expected a path or a list of paths, got {type(path).__name__}")
    paths = list(path)
    if not paths:
        raise ValueError("path: expected at least one file, got an empty list")
    for item in paths:
        if not isinstance(item, (str, os.PathLike)):
            raise TypeError(f"path: expected paths, got {type(item).__name__}")
        name = os.fspath(item)
        if os.path.isdir(name):
            yield from _files_in(name, format)
        else:
            yield name


def _files_in(folder: str, format: str | None) -> list[str]:
    names = sorted(name for name in os.listdir(folder) if not name.startswith((".", "_")))
    files = [os.path.join(folder, name) for name in names]
    unknown = [name for name, file in zip(names, files) if os.path.isdir(file) or suffix_format(file) is None]
    if unknown and format is None:
        raise ValueError(
            f"{folder!r} is a directory with other things than files of texts: {', '.join(map(repr, unknown[:5]))}"
            f"{', …' if len(unknown) > 5 else ''}; move them, pass the files that you mean, or pass format= (--format)"
        )
    if not files:
        raise ValueError(f"{folder!r} is a directory without files of texts (.txt, .csv, .tsv, .jsonl, .parquet)")
    return files


# -----------------------------------------------------------------------------------------------------
# Columns


def check_missing(missing: Any) -> None:
    """Raise a ValueError unless `missing` says what to do with incomplete rows."""
    if missing not in ("error", "skip"):
        raise ValueError(f'missing: expected "error" or "skip", got {missing!r}')


def missing_value(where: str) -> ValueError:
    """The error for an incomplete row; `where` names the row and the value."""
    return ValueError(
        f'{where} is missing; complete the row, or pass missing="skip" (--skip-missing) to leave such rows out'
    )


def say_columns(file: TableFile, taken: Sequence[str]) -> None:
    """Log which columns of a file were taken; the same choice once."""
    said = ", ".join(taken)
    if file.said != said:
        file.said = said
        columns_logger.info("%s: %s; the columns are %s", file.lines.shown, said, listed(file.records.columns))


FLAGS = ("text (--column)", "key (--key)")


def role_of(records: Records, number: int, value: Any) -> str:
    role = str(value).strip().casefold()
    if role not in ROLES:
        raise ValueError(
            f"{records.at(number)}: role: must be index or query, got {value!r:.40}; rename the column if it means "
            "something else"
        )
    return role


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:SHOWN_NAME]) for name in names[:SHOWN_COLUMNS])
    return shown + (f" and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else "")


def _default_column(names: Sequence[str], file: TableFile) -> str:
    """The one column whose name usually stands for texts."""
    known = [name for name in names if name.casefold() in TEXT_COLUMNS]
    if len(known) == 1:
        return known[0]
    shown = next((name for name in known or names if len(name) <= SHOWN_NAME), None)
    hints = [f"pass the one to read, such as text={shown!r} (--column {quote(shown)})"] if shown else []
    if not known and file.format in ("csv", "tsv"):
        hints.append("if the first line is not a header, pass its number, such as text=1 (--column 1)")
    why = f"several may hold the texts: {listed(known)}" if known else "none has a name such as text or question"
    raise ValueError(f"{file.lines.shown} has the columns {listed(names)}; {why}; {'; '.join(hints)}")


def _find(column: Column, names: Sequence[str], where: str) -> tuple[int, bool]:
    """The position of a column, and whether it was given as a number."""
    if isinstance(column, str):
        wanted = column.strip()
        matches = [i for i, name in enumerate(names) if name == wanted]
        matches = matches or [i for i, name in enumerate(names) if name.casefold() == wanted.casefold()]
        if len(matches) == 1:
            return matches[0], False
        if matches:
            raise ValueError(f"{where} has {len(matches)} columns called {column!r}; rename all but one of them")
        if not wanted.isdecimal():
            raise ValueError(f"{where} has no column {column!r}; its columns are {listed(names)}")
    number = int(column)
    if not 1 <= number <= len(names):
        raise ValueError(f"{where} has no column {number}; it has {len(names)}: {listed(names)}")
    return number - 1, True


def find_columns(wanted: Sequence[Column], file: TableFile) -> tuple[list[int], bool]:
    """The positions of the columns of texts and, if wanted, of keys; and whether the first row is a header."""
    names = file.records.columns
    found = [_find(column, names, f"{flag}: {file.lines.shown}") for column, flag in zip(wanted, FLAGS)]
    by_number = [is_number for _, is_number in found]
    if any(by_number):
        _check_numbers(file, by_number, [names[position] for position, _ in found])
    return [position for position, _ in found], not any(by_number)


def _check_numbers(file: TableFile, by_number: list[bool], first: list[str]) -> None:
    """Refuse numbers of columns where there are names."""
    if not all(by_number):
        raise ValueError(
            f"text, key (--column, --key): {file.lines.shown}: pass two names, or two numbers if there is no header"
        )
    if file.format not in ("csv", "tsv") or any(name.casefold() in TYPICAL_COLUMNS for name in first):
        raise ValueError(
            f"text (--column): numbers are for tables without a header, but {file.lines.shown} has the columns "
            f"{listed(file.records.columns)}; pass a name"
        )


# -----------------------------------------------------------------------------------------------------
# Tables with fixed columns

Row = tuple[int, list[Any]]  # strings, or None for values that may be missing
PathOrFile = str | os.PathLike[str] | TableFile


def read_table(
    path: PathOrFile,
    columns: Sequence[str],
    header: Literal["required", "optional"] = "required",
    format: str | None = None,
    missing: Missing = "error",
) -> Iterator[Row]:
    """Iterate over the rows of a table.

    Parameters
    ----------
    path : str or path-like
        A file as for `TextTable`, tab-separated unless its name says otherwise.
    columns : sequence of str
        Names of the columns to read, case-insensitive. A header line may name more columns, in any order.
    header : {"required", "optional"}
        With "optional", a table whose first line does not name all `columns` has no header, and exactly these columns
        in this order.
    format : str, optional
        As for `TextTable`.
    missing : {"error", "skip"}
        What to do with a row in which a value is null; "skip" logs how many rows were left out.

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
        If a column is missing, a row has the wrong number of columns or no value, or the file is invalid.
    """
    file = path if isinstance(path, TableFile) else TableFile(path, format)
    names = [name.casefold() for name in columns]
    found = file.names
    absent = [name for name in columns if name.casefold() not in found]
    is_text = file.format in ("csv", "tsv", TEXT)
    if absent and (header == "required" or not is_text):
        separated = ", separated by tabs" if file.format in (TSV, TEXT) else ""
        raise ValueError(
            f"{file.lines.shown}: the first line must name the columns {', '.join(columns)}{separated}; "
            f"missing: {', '.join(absent)}"
        )
    if absent and found and len(found) != len(columns):
        number = next(file.records.rows([], header=False))[0]
        raise ValueError(f"{file.records.at(number)}: expected {len(columns)} {_separated(file)}, got {len(found)}")
    positions = list(range(len(columns))) if absent else [found.index(name) for name in names]
    optional = len(columns) if missing == "skip" else 0
    n_skipped = 0
    for number, values in read_rows(file, positions if found else [], columns, not absent, optional):
        if None in values:
            n_skipped += 1
        else:
            yield number, values
    if n_skipped:
        logger.warning("%s: skipped %s, in which a value is missing", file.lines.shown, counted(n_skipped, "row"))


def read_rows(
    file: TableFile, positions: Sequence[int], names: Sequence[str], header: bool = True, optional: int = 0
) -> Iterator[Row]:
    """The rows of a table as strings, in the columns at the given positions; `names` are for errors.

    The first `optional` values may be missing, and are None then.
    """
    is_text = file.format in ("csv", "tsv", TEXT)
    for number, values in file.records.rows(positions, header):
        if not is_text:
            values = [
                value if value is None and i < optional else _as_string(file, number, name, value)
                for i, (name, value) in enumerate(zip(names, values))
            ]
        yield number, values


def _separated(file: TableFile) -> str:
    return "columns" if file.format == "csv" else "tab-separated columns"


def _as_string(file: TableFile, number: int, name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        return str(value)
    where = f"{file.records.at(number)}: {name}:"
    if value is None:
        raise missing_value(where)
    raise ValueError(f"{where} must be a string or a number, got {value!r:.40}")


def header_of(path: PathOrFile, format: str | None = None) -> list[str]:
    """The values of the first line, stripped and case-folded: the column names, if the table has a header.

    Empty if the file has no text. Raises like `read_table` if the file cannot be read.
    """
    return (path if isinstance(path, TableFile) else TableFile(path, format)).names


def at_line(path: str | os.PathLike[str], line_number: int) -> str:
    """The place of an error, as every error in a table reports it."""
    unit = "row" if suffix_format(path) == PARQUET else "line"
    return f"{os.fspath(path)!r}, {unit} {line_number:,}"
