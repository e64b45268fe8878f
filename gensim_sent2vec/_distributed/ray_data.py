"""Encoding Parquet files with Ray Data."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from glob import escape, glob
from typing import Any

from .._util.atomic import atomic_folder
from .ray_connection import connected, n_cpus

BLOCK_BYTES = 128 << 20  # Ray Data joins smaller files into blocks of this size, each of which one process encodes


def encode_parquet(
    paths: Sequence[str],
    out: str,
    encoder: Callable[[Any], Any],
    address: str | None = None,
    processes: int | None = None,
) -> int:
    """Encode Parquet files into a folder of Parquet files, on the nodes of a cluster.

    Parameters
    ----------
    paths : sequence of str
        Files that all nodes see.
    out : str
        A folder that does not exist or is empty, on storage that all nodes see. It appears when everything is done.
    encoder : callable
        A `SentenceEncoder`.
    address : str, optional
        See `connected`.
    processes : int, optional
        The most processes that encode at a time; by default as many as there are CPUs.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    OSError
        If the cluster cannot be reached, or rows are missing at the end.
    ValueError, TypeError
        As `encoder` does on the nodes.
    """
    from pyarrow import parquet

    paths = [os.path.abspath(path) for path in paths]
    n_rows = sum(parquet.read_metadata(path).num_rows for path in paths)
    with connected(address) as ray, atomic_folder(out) as unfinished:
        from ray.data import DataContext, read_parquet

        DataContext.get_current().enable_progress_bars = False
        read = read_parquet(paths, override_num_blocks=_n_blocks(paths, n_cpus(ray)))
        encoded = read.map_batches(encoder, batch_format="pyarrow", concurrency=processes)
        try:
            encoded.write_parquet(unfinished)
        except ray.exceptions.RayError as error:
            raise _cause(error) from error
        written = glob(os.path.join(escape(unfinished), "*.parquet"))
        n_written = sum(parquet.read_metadata(path).num_rows for path in written)
        if n_written != n_rows:
            raise OSError(
                f"{out!r}: {n_written:,} of {n_rows:,} rows have arrived; the nodes must write to storage that they "
                "share with this machine"
            )
    return n_rows


def _n_blocks(paths: Sequence[str], cpus: int) -> int | None:
    """Blocks for a few small files, so that each CPU has some; None leaves the choice for large files to Ray Data."""
    if sum(map(os.path.getsize, paths)) > cpus * BLOCK_BYTES:
        return None
    return max(len(paths), 2 * cpus)


def _cause(error: BaseException) -> BaseException:
    """The error of the encoder, without Ray's traces around it."""
    seen: BaseException | None = error
    while seen is not None:
        cause = getattr(seen, "cause", None) or seen.__cause__
        if isinstance(cause, (ValueError, TypeError, OSError, MemoryError)) and not hasattr(cause, "cause"):
            return cause
        seen = cause
    return OSError(f"Ray Data failed: {' '.join(str(error).split())[-300:]}")
