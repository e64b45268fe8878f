"""Batches of rows as engines pass them, and the column of vectors that is added to them.

Each kind of batch has a class with two methods, and gives back its own kind. pyarrow and pandas are never imported
unless the batch is theirs, in which case they are loaded already.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np

ListType = Literal["fixed", "variable"]

MAX_OFFSET = 2**31 - 1  # of Arrow's lists
ACCEPTED = "a mapping of arrays or lists, a pyarrow Table or RecordBatch, or a pandas DataFrame"


class Batch(Protocol):
    """Rows with named columns."""

    @property
    def columns(self) -> list[Any]:
        """The names of the columns."""

    def values(self, column: str) -> list[Any]:
        """The values of a column as Python objects."""

    def with_vectors(self, column: str, vectors: np.ndarray, is_null: np.ndarray, list_type: ListType) -> Any:
        """A copy with a column of vectors added; the other columns are shared.

        Parameters
        ----------
        column : str
        vectors : numpy.ndarray of float32, shape (n, dim)
        is_null : numpy.ndarray of bool, shape (n,)
            Rows whose vector is null.
        list_type : {"fixed", "variable"}
            The type of the column in Arrow.
        """


def as_batch(batch: Any) -> Batch:
    """Recognize what an engine passed.

    Raises
    ------
    TypeError
        If it is none of the known kinds.
    """
    arrow, pandas = sys.modules.get("pyarrow"), sys.modules.get("pandas")
    if arrow is not None and isinstance(batch, (arrow.Table, arrow.RecordBatch)):
        return _ArrowBatch(batch)
    if pandas is not None and isinstance(batch, pandas.DataFrame):
        return _Frame(batch)
    if isinstance(batch, Mapping):
        return _Columns(batch)
    advice = "; pass batch.to_arrow()" if callable(getattr(batch, "to_arrow", None)) else ""
    raise TypeError(f"batch: expected {ACCEPTED}, got {type(batch).__name__}{advice}")


class _Columns:
    """A mapping of arrays or lists, as of Ray Data and datasets."""

    def __init__(self, batch: Mapping[str, Any]) -> None:
        self._batch = batch

    @property
    def columns(self) -> list[Any]:
        return list(self._batch)

    def values(self, column: str) -> list[Any]:
        return _as_list(self._batch[column], column)

    def with_vectors(self, column: str, vectors: np.ndarray, is_null: np.ndarray, list_type: ListType) -> Any:
        result: dict[str, Any] = {name: self._batch[name] for name in self._batch}
        is_array = all(isinstance(values, np.ndarray) for values in result.values())
        if is_array and not is_null.any():
            result[column] = vectors
        else:
            rows = _objects(vectors, is_null)
            result[column] = rows if is_array else list(rows)
        return result


class _Frame:
    """A pandas DataFrame."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    @property
    def columns(self) -> list[Any]:
        return list(self._frame.columns)

    def values(self, column: str) -> list[Any]:
        values: list[Any] = self._frame[column].tolist()
        return values

    def with_vectors(self, column: str, vectors: np.ndarray, is_null: np.ndarray, list_type: ListType) -> Any:
        result = self._frame.copy(deep=False)
        result[column] = _objects(vectors, is_null)
        return result


class _ArrowBatch:
    """A Table or RecordBatch of pyarrow."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    @property
    def columns(self) -> list[Any]:
        return list(self._batch.schema.names)

    def values(self, column: str) -> list[Any]:
        return _arrow_values(self._batch.column(column))

    def with_vectors(self, column: str, vectors: np.ndarray, is_null: np.ndarray, list_type: ListType) -> Any:
        import pyarrow

        lists = arrow_lists(vectors, is_null, list_type)
        field = pyarrow.field(column, lists.type)
        schema = self._batch.schema.append(field)
        return type(self._batch).from_arrays([*self._batch.columns, lists], schema=schema)


def arrow_lists(vectors: np.ndarray, is_null: np.ndarray, list_type: ListType) -> Any:
    """A pyarrow array of lists of float32, one per row, without copying the values where possible.

    Raises
    ------
    ValueError
        If a batch has too many values for lists of variable length.
    """
    import pyarrow

    n, dim = vectors.shape
    validity = pyarrow.py_buffer(np.packbits(~is_null, bitorder="little")) if is_null.any() else None
    if list_type == "fixed":
        values, kind, buffers = vectors, pyarrow.list_(pyarrow.float32(), dim), [validity]
    else:
        values, kind = vectors[~is_null] if validity else vectors, pyarrow.list_(pyarrow.float32())
        if values.size > MAX_OFFSET:
            raise ValueError(
                f"batch: {n:,} rows of {dim} dimensions are too many for a list column; use smaller batches"
            )
        offsets = np.zeros(n + 1, dtype=np.int32)
        np.cumsum(np.where(is_null, 0, dim), out=offsets[1:])
        buffers = [validity, pyarrow.py_buffer(offsets)]
    children = [pyarrow.array(np.ascontiguousarray(values).reshape(-1))]
    return pyarrow.Array.from_buffers(kind, n, buffers, int(is_null.sum()), 0, children)


def _arrow_values(column: Any) -> list[Any]:
    """The values of an Array or ChunkedArray; strings by way of numpy, which is several times as fast."""
    import pyarrow

    values: list[Any] = []
    for chunk in getattr(column, "chunks", [column]):
        is_text = pyarrow.types.is_string(chunk.type) or pyarrow.types.is_large_string(chunk.type)
        values += chunk.to_numpy(zero_copy_only=False).tolist() if is_text else chunk.to_pylist()
    return values


def _as_list(values: Any, column: str) -> list[Any]:
    """A column of a mapping as a list."""
    if isinstance(values, (str, bytes, Mapping)):
        raise TypeError(
            f"batch: column {column!r} is a single {type(values).__name__}, not an array or a list of texts"
        )
    to_list = getattr(values, "tolist", None) or getattr(values, "to_pylist", None)
    if callable(to_list):
        listed = to_list()
        if not isinstance(listed, list):
            raise TypeError(f"batch: column {column!r} is an array without dimensions; pass one value per row")
        return listed
    if not isinstance(values, Sequence) and not hasattr(values, "__iter__"):
        raise TypeError(f"batch: column {column!r} is a {type(values).__name__}, not an array or a list of texts")
    return list(values)


def _objects(vectors: np.ndarray, is_null: np.ndarray) -> np.ndarray:
    """An object array of vectors, with None for null."""
    rows = np.empty(len(vectors), dtype=object)
    for i, null in enumerate(is_null.tolist()):
        rows[i] = None if null else vectors[i]
    return rows
