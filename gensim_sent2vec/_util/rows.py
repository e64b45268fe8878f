"""Operations on the rows of a matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _kernel

BLOCK_ROWS = 1 << 12  # looked at together
CACHE_LINE = 64  # bytes
SAMPLED_ROWS = 1 << 12  # first rows, those of frequent words, of which `sample` takes a value each
LEAST_SQUARES = 1e-30  # sums of squares below this are inexact in float32
SAMPLED_VALUES = 1 << 9  # values that it takes of the other rows


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Scale each row to unit length; rows of zeros remain zeros."""
    if rows.dtype == np.float32 and rows.flags.c_contiguous:
        result = np.empty_like(rows)
        extreme: Any = _kernel.unit_rows(rows, LEAST_SQUARES, result)
    else:
        squares = np.einsum("ij,ij->i", rows, rows)
        extreme = np.flatnonzero(~((squares > LEAST_SQUARES) & np.isfinite(squares)))
        norms = np.sqrt(squares)[:, None]
        result = rows / np.where(norms > 0, norms, 1)
    if len(extreme):  # rows of zeros, mostly; else the squares are too small or too large for the type
        scales = np.abs(rows[extreme]).max(axis=1, initial=0)[:, None]
        usual = np.isfinite(scales) & (scales > 0)
        scaled = rows[extreme] / np.where(usual, scales, 1)
        norms = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))[:, None]
        result[extreme] = np.where(usual, scaled / np.where(norms > 0, norms, 1), result[extreme])
    return result


def rows_not_finite(rows: np.ndarray) -> np.ndarray:
    """The numbers (int64) of the rows with a NaN or infinite value; read block by block, as they may be mapped."""
    found = [np.zeros(0, dtype=np.int64)]
    for first in range(0, len(rows), BLOCK_ROWS):
        finite = np.isfinite(rows[first : first + BLOCK_ROWS])
        if not finite.all():
            found.append(first + np.flatnonzero(~finite.all(axis=1)))
    return np.concatenate(found)


def sample(array: np.ndarray) -> np.ndarray:
    """Some values of a vector or matrix, which show whether it was changed in place; this takes microseconds.

    They are a value of each of the first rows, from varying columns, and some of the other rows.
    """
    width = array.shape[1] if array.ndim > 1 else 1
    if not array.flags.c_contiguous:
        array = array[:, 0] if width else array.ravel()
        width = 1
    values = array.reshape(-1)
    first, others = values[: SAMPLED_ROWS * width : max(1, width - 1)], values[SAMPLED_ROWS * width :]
    return np.concatenate([first, others[:: 1 + len(others) // SAMPLED_VALUES]]) if len(others) else first


def row_values(array: np.ndarray, n_rows: int | None = None) -> np.ndarray:
    """At least one value of each of the first rows of a matrix, from varying columns: a view of shape (n,).

    A kernel's `Encoder` finds the value of a row by its number, if the matrix is C-contiguous.
    """
    width = array.shape[1]
    if not array.flags.c_contiguous or not width:
        return array[:n_rows, 0] if width else array[:n_rows].reshape(-1)
    return array.reshape(-1)[: None if n_rows is None else n_rows * width : max(1, width - 1)]


def sampled_values(array: np.ndarray) -> bytes:
    """The values of `sample` as bytes, which are equal if nothing changed."""
    return sample(array).tobytes()


def converted(rows: np.ndarray, dtype: Any, describe_row: Callable[[int], str]) -> np.ndarray:
    """Rows of another precision; a ValueError for the first one that is not finite, or too large."""
    with np.errstate(over="ignore"):
        result = rows.astype(dtype)
    bad = rows_not_finite(result)
    if len(bad):
        i = int(bad[0])
        reason = f"has values too large for {result.dtype}" if np.isfinite(rows[i]).all() else "is NaN or infinite"
        raise ValueError(f"{describe_row(i)} {reason}; scale or replace such vectors first")
    return result


def empty_rows(n: int, dim: int) -> np.ndarray:
    """Uninitialized rows, float32, (n, dim), that begin at a cache line.

    If `dim` is a multiple of 16, all rows do: no load or store crosses two cache lines, and training is faster.
    """
    buffer = np.empty(n * dim * 4 + CACHE_LINE, dtype=np.uint8)
    begin = -buffer.ctypes.data % CACHE_LINE
    return buffer[begin : begin + n * dim * 4].view(np.float32).reshape(n, dim)


def zero_rows(n: int, dim: int) -> np.ndarray:
    """Zeros, float32, (n, dim), that begin at a cache line.

    On Linux, numpy asks for huge pages for a large empty array, but not for one of zeros. With them, filling the array
    and reading rows at random are faster.
    """
    rows = empty_rows(n, dim)
    rows.fill(0)
    return rows
