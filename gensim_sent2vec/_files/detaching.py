"""Shallow copies of gensim objects, for gensim's `save` to modify instead of the objects themselves.

While it saves an object, gensim deletes the arrays that it stores separately, and the ignored attributes, from the
object and from the objects inside it. After an error or Ctrl-C some of them stay deleted, and other threads miss them
meanwhile.
"""

from __future__ import annotations

import copy
from typing import Any, Protocol, TypeVar, runtime_checkable

import scipy.sparse
from gensim.utils import SaveLoad

T = TypeVar("T", bound=SaveLoad)


@runtime_checkable
class Prepared(Protocol):
    """An object that is stored in another form than it is used in."""

    def _prepare_to_save(self) -> None:
        """Convert a shallow copy of the object to what is stored; called on the copy only."""


def detached(saved: T) -> T:
    """A copy of an object that gensim's `save` can modify; all large arrays are shared with the original."""
    return _detached(saved, {})


def _detached(saved: Any, copies: dict[int, Any]) -> Any:
    """A copy of an object and of the objects inside it; `copies` by id of the original, so that each is copied once."""
    if id(saved) in copies:
        return copies[id(saved)]
    result = copies[id(saved)] = object.__new__(type(saved))
    vars(result).update(vars(saved))
    for name, value in vars(saved).copy().items():
        if isinstance(value, SaveLoad):
            vars(result)[name] = _detached(value, copies)
        elif scipy.sparse.issparse(value):  # gensim removes its arrays too
            vars(result)[name] = copy.copy(value)
    if isinstance(result, Prepared):
        result._prepare_to_save()
    return result
