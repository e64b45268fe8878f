"""Numbers with their nouns, in the singular or the plural."""

from __future__ import annotations


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """A number and a noun: "1 sentence", "1,234 sentences"; `plural` is for nouns that do not just take an s."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
