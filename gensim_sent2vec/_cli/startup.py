"""Before numpy is imported: how many threads its BLAS starts, and whether there is enough memory for it.

OpenBLAS starts a thread per CPU, which wait actively: even a command that multiplies small matrices only would take a
quarter of a second of CPU time more. Without enough memory, it would end the process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._util import memory

if TYPE_CHECKING:
    import argparse

MB = 1_000_000
# What numpy, scipy and gensim and the buffers of their BLAS take, with one BLAS thread; measured, and rounded up.
NEEDED = {"RLIMIT_AS": 400 * MB, "RLIMIT_DATA": 250 * MB}
LARGE_PRODUCTS = {"duplicates", "evaluate", "serve", "tune"}  # commands that multiply large matrices
LARGE_PRODUCT = 300  # rows of a matrix product for which OpenBLAS allocates its buffer


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Import all commands and parse the arguments.

    BLAS has one thread unless the command multiplies large matrices. If the memory of the process is limited, it has
    one in any case, because each one reserves memory, and allocates its buffers now: if it could not do so later, it
    would end the process.

    Raises
    ------
    MemoryError
        If the libraries need more memory than the process may use.
    """
    limited = any(memory.process_limits())
    command = next(iter(sys.argv[1:] if argv is None else argv), None)
    if "numpy" not in sys.modules:
        if limited or command not in LARGE_PRODUCTS:
            os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        if limited:
            memory.require_for_process(NEEDED, "starting (numpy, scipy and gensim)")
    from .parser import build_parser

    if limited:
        _allocate_buffers()
    return build_parser().parse_args(argv)


def _allocate_buffers() -> None:
    """Multiply matrices with numpy's BLAS and with scipy's, which is another."""
    import numpy as np
    from scipy.linalg.blas import sgemm

    rows = np.ones((LARGE_PRODUCT, LARGE_PRODUCT), dtype=np.float32)
    sgemm(1, rows, rows @ rows)
