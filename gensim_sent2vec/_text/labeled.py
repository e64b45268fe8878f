"""Questions and their answers, as evaluation and tuning read them.

A table has a column of questions and one of answers, and possibly a column of roles: "index" for questions that are
searched, "query" for those that are asked. Tab-separated files without a header have the columns role, answer and
question.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

from .._util.counted import counted
from .tables import (
    ANSWER,
    FAQ_COLUMNS,
    QUESTION,
    ROLE,
    ROLES,
    Column,
    TableFile,
    find_columns,
    missing_value,
    read_rows,
    role_of,
    say_columns,
)

logger = logging.getLogger(__name__)


class Question(NamedTuple):
    """A question with its answer; `role` is "index", "query" or, in a table without roles, None."""

    role: str | None
    answer: str
    question: str


class QuestionColumns(NamedTuple):
    """The positions of the columns; `role` is None if there are no roles."""

    text: int
    key: int
    role: int | None
    header: bool


def question_columns(file: TableFile, text: Column = QUESTION, key: Column = ANSWER) -> QuestionColumns | None:
    """Where a table has its questions and answers; None if it has none.

    Parameters
    ----------
    file : TableFile
    text, key : str or int
        The names of the columns, in any case, or their numbers from 1 if there is no header. The defaults also stand
        for their Korean names, 질문 and 답변.

    Raises
    ------
    ValueError
        If other columns than the defaults are passed, and the table does not have them.
    """
    names = file.names
    if (text, key) == (QUESTION, ANSWER):
        called = next((pair for pair in FAQ_COLUMNS if set(pair) <= set(names)), None)
        if called is None:
            is_bare = len(names) == 3 and names[0] in ROLES and file.format not in ("jsonl", "parquet")
            return QuestionColumns(2, 1, 0, False) if is_bare else None
        text, key = called
    if not names:
        return None
    found, header = find_columns((text, key), file)
    roles = (ROLE,) if header else ROLES
    role = next((i for i, name in enumerate(names) if name in roles and i not in found), None)
    return QuestionColumns(found[0], found[1], role, header)


def read_questions(file: TableFile, columns: QuestionColumns, missing: str = "error") -> Iterator[Question]:
    """The rows of a table.

    Parameters
    ----------
    file : TableFile
    columns : QuestionColumns
    missing : {"error", "skip"}
        What to do with a row without a question or an answer.

    Raises
    ------
    ValueError
        If a row is incomplete or has another role, with its line.
    """
    names = ["answer", "question"] + (["role"] if columns.role is not None else [])
    positions = [columns.key, columns.text] + ([columns.role] if columns.role is not None else [])
    if len(file.names) > len(positions) and columns.header:
        places = {"questions": columns.text, "answers": columns.key, "roles": columns.role}
        taken = [f"{name} from {file.records.columns[i]!r}" for name, i in places.items() if i is not None]
        say_columns(file, taken)
    n_rows = n_skipped = 0
    for number, values in read_rows(file, positions, names, columns.header, optional=2):
        n_rows += 1
        empty = next((name for name, value in zip(names, values[:2]) if value is None or not value.strip()), None)
        if empty is not None and missing == "skip":
            n_skipped += 1
            continue
        if empty is not None:
            raise missing_value(f"{file.records.at(number)}: the {empty}")
        role = role_of(file.records, number, values[2]) if columns.role is not None else None
        yield Question(role, values[0].strip(), values[1])
    if n_skipped:
        logger.warning(
            "%s: skipped %s of %s, without a question or answer",
            file.lines.shown,
            f"{n_skipped:,}",
            counted(n_rows, "row"),
        )
