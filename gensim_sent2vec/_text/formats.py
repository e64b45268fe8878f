"""The formats of text files: recognized by the suffix of the name and, in case of doubt, by the first line."""

from __future__ import annotations

import csv
import json
import os
from contextlib import suppress

from .._util.compression import without_compression_suffix

TEXT, CSV, TSV, JSON_LINES, PARQUET = FORMATS = ("text", "csv", "tsv", "jsonl", "parquet")
SUFFIXES = {
    ".txt": TEXT,
    ".text": TEXT,
    ".csv": CSV,
    ".tsv": TSV,
    ".tab": TSV,
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
    ".json": JSON_LINES,
    ".parquet": PARQUET,
    ".pq": PARQUET,
}
# Names of columns that hold texts, as people call them.
TEXT_COLUMNS = (
    "text", "texts", "sentence", "sentences", "question", "questions", "query", "content", "body", "document",
    "message", "review", "문장", "텍스트", "본문", "내용", "질문", "리뷰", "댓글",
)  # fmt: skip


def check_format(name: str | None) -> None:
    """Raise a ValueError unless `name` is a format or None."""
    if name is not None and name not in FORMATS:
        raise ValueError(f"format: expected one of {', '.join(FORMATS)}, got {name!r}")


def suffix_format(path: str | os.PathLike[str]) -> str | None:
    """The format that the suffix of a file name stands for, below a suffix of compression; None if it is not known."""
    name = without_compression_suffix(os.fspath(path))
    return SUFFIXES.get(os.path.splitext(name)[1].lower())


def format_of(path: str, head: bytes, where: str) -> str:
    """The format of a file.

    A file whose name does not say that it is a table is plain text, unless its first line consists of column names
    separated by tabs, one of which usually holds texts: then it is a table.

    Parameters
    ----------
    path : str
    head : bytes
        The first bytes of the file, decompressed.
    where : str
        The file, as errors name it.

    Raises
    ------
    ValueError
        If the first line is a JSON object, or column names separated by commas: it could be meant either way.
    """
    named = suffix_format(path)
    if named not in (None, TEXT):
        return named or TEXT
    first = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].decode("utf-8", "replace").rstrip("\r")
    if _names_a_text(first.split("\t")):
        return TSV
    guess = JSON_LINES if _is_json_object(first) else CSV if _is_csv_header(first) else None
    if guess is not None:
        raise ValueError(
            f"{where}: the first line looks like {'JSON' if guess == JSON_LINES else 'a header of CSV'}; pass "
            f'format="{guess}" (--format {guess}), or format="text" (--format text) if each line '
            "is a sentence"
        )
    return TEXT


def _names_a_text(fields: list[str]) -> bool:
    return len(fields) > 1 and any(field.strip().strip('"').casefold() in TEXT_COLUMNS for field in fields)


def _is_csv_header(line: str) -> bool:
    with suppress(csv.Error):
        rows = [fields for mark in ",;" for fields in csv.reader([line], delimiter=mark, strict=True)]
        return any(_names_a_text(fields) and all(field == field.strip() for field in fields) for fields in rows)
    return False


def _is_json_object(line: str) -> bool:
    if not line.lstrip().startswith("{"):
        return False
    with suppress(ValueError, RecursionError):
        return isinstance(json.loads(line), dict)
    return False
