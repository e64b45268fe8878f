"""Imported by the fork server before it forks workers, which then share the memory of the imported modules.

The objects imported so far are then hidden from the garbage collector. It would write to every object that it visits,
and so give each worker a copy of nearly all of them, some 25 MB.
"""

import gc

import uvicorn  # noqa: F401

from . import app, worker  # noqa: F401

gc.collect()
gc.freeze()
