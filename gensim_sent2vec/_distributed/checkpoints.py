"""The checkpoint of distributed training: the matrices after a round, and what they were trained on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._files import container
from .._training.matrices import Matrices

KIND = "training checkpoint"


def write_checkpoint(path: str, matrices: Matrices, next_round: int, facts: Mapping[str, Any]) -> None:
    """Write a checkpoint atomically: if that fails, the previous one stays.

    Parameters
    ----------
    path : str
    matrices : Matrices
    next_round : int
        The round that begins with them.
    facts : mapping
        JSON values that say what is trained.
    """
    stored = {"kind": KIND, "next_round": next_round, "training": dict(facts)}
    container.write(path, matrices._asdict(), stored)


def read_checkpoint(path: str, facts: Mapping[str, Any]) -> tuple[Matrices, int] | None:
    """The matrices and the next round; None if there is no file.

    Raises
    ------
    ValueError
        If the file is something else, damaged, or belongs to another training, with the first fact that differs.
    """
    if not os.path.exists(path):
        return None
    arrays, stored = container.read(path, verify=True)
    if stored.get("kind") != KIND:
        raise ValueError(f"checkpoint: {path!r} holds {stored.get('kind')!r}, not a {KIND}; pass another path")
    for name, value in facts.items():
        if stored["training"].get(name) != value:
            raise ValueError(
                f"checkpoint: {path!r} is of another training: {name} was {stored['training'].get(name)!r:.60}, now "
                f"{value!r:.60}; delete it, or pass another path"
            )
    return Matrices(**{name: arrays[name] for name in Matrices._fields}), int(stored["next_round"])
