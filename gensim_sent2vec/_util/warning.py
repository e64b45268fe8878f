"""Warnings that name the line of the user's program, however deep in the package they arise."""

from __future__ import annotations

import os
import sys
import warnings

# Files whose calls are passed over: this package, gensim, which calls hooks of it, and the standard library's helpers.
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_GENSIM = os.sep + os.path.join("site-packages", "gensim") + os.sep


def warn(message: str) -> None:
    """Give a UserWarning at the innermost line that is neither of this package nor of gensim."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _is_ours(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, UserWarning, stacklevel=level)


def _is_ours(file: str) -> bool:
    return file.startswith(_PACKAGE) or _GENSIM in file or file.endswith("contextlib.py")
