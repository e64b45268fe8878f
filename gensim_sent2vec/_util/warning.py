"""Warnings that name the line of the user's program, however deep in the package they arise."""

from __future__ import annotations

import os
import sys
import warnings

# Files whose calls are passed over: this package, libraries that call it, and the standard library's helpers.
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_CALLERS = tuple(os.sep + os.path.join("site-packages", name) + os.sep for name in ("gensim", "sklearn", "joblib"))


def warn(message: str) -> None:
    """Give a UserWarning at the innermost line that is neither of this package nor of gensim or scikit-learn."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_ours(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)


def _is_ours(file: str) -> bool:
    return file.startswith(_PACKAGE) or any(part in file for part in _CALLERS) or file.endswith("contextlib.py")
