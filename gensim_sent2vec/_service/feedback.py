"""Feedback: which result users chose for their query, as a table that the command ``tune`` reads.

Only what clients send to ``/feedback`` is stored, and only if the service was started with a file for it; searches are
never stored. Several processes append to the file; each row is written as a whole.
"""

from __future__ import annotations

from datetime import datetime, timezone

from .._text.tables import header_of
from .._util.appending import append_rows, cell

COLUMNS = ("date", "answer", "question")
MAX_BYTES = 1 << 28


class Feedback:
    """Appends feedback to a file.

    Parameters
    ----------
    path : str
    most : int
        Maximum size of the file in bytes.
    """

    def __init__(self, path: str, most: int = MAX_BYTES) -> None:
        self.path, self.most = path, most

    def add(self, query: str, key: str | int) -> None:
        """Append a row.

        Raises
        ------
        TableFullError
            If the file has reached its maximum size.
        OSError
            If the file cannot be written.
        """
        date = datetime.now(timezone.utc).isoformat(timespec="seconds")
        row = "\t".join((date, cell(key), cell(query))) + "\n"
        append_rows(self.path, ("\t".join(COLUMNS) + "\n").encode(), row.encode(), self.most)


def check_feedback(path: str) -> None:
    """Raise a ValueError if a file exists that has other columns; a new or empty file is fine."""
    try:
        found = header_of(path)
    except FileNotFoundError:
        return
    if found and found != list(COLUMNS):
        raise ValueError(f"{path!r} is not a file of feedback: its columns are not {', '.join(COLUMNS)}")
