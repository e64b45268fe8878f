"""Checks before pickling."""

from __future__ import annotations

import pickle
from typing import Any


def is_picklable(value: Any) -> bool:
    """Whether `pickle.dumps` accepts a value."""
    try:
        pickle.dumps(value)
    except Exception:  # an object's own pickling code may raise anything
        return False
    return True
