"""The error for a sentence whose vector has NaN or infinite values."""

from __future__ import annotations

from typing import Any


class NotFiniteError(ValueError):
    """The vector of a sentence has NaN or infinite values, because that of a word or n-gram has.

    Parameters
    ----------
    name : str
        The argument that the sentence was passed as.
    row : int or None
        Its row, if there are several.
    sentence : str or sequence of str
    reason : str
    """

    def __init__(self, name: str, row: int | None, sentence: Any, reason: str) -> None:
        self.name, self.row, self.sentence, self.reason = name, row, sentence, reason
        where = name if row is None else f"{name}: row {row:,}"
        super().__init__(
            f"{where} ({str(sentence)[:40]!r}) has no finite vector, because {reason}; repair these vectors (for "
            "instance, set them to 0), and fit the weighting again"
        )

    def renamed(self, name: str, row: int | None = None) -> NotFiniteError:
        """The error for an argument of another name, and optionally another row."""
        return NotFiniteError(name, self.row if row is None else row, self.sentence, self.reason)

    def __reduce__(self) -> Any:
        return type(self), (self.name, self.row, self.sentence, self.reason)
