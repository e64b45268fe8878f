"""Imported by the process that workers are forked from: all that they need, so that they share it.

What is imported is then taken out of the garbage collector's sight. It would write to each object that it looks at, and
so give each worker a copy of nearly all of them, some 25 MB.
"""

import gc

import uvicorn  # noqa: F401

from .._cli import main  # noqa: F401
from . import app  # noqa: F401

gc.collect()
gc.freeze()
