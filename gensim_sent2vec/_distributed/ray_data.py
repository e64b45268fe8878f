"""Encoding Parquet files with Ray Data."""

from __future__ import annotations

import builtins
import logging
import os
import re
from collections.abc import Callable, Sequence
from glob import escape, glob
from typing import Any

from .._util.atomic import atomic_folder
from .._util.missing import MissingFileError
from ..version import __version__
from .batches import ListType
from .models import NOT_SEEN
from .ray_connection import connected, n_cpus

SHOWN = 300  # characters of an error that is not understood
NULLS_SINCE = 26  # the first version of pyarrow that writes and reads Parquet with nulls among lists of fixed size
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
        _quiet()
        read = read_parquet(paths, override_num_blocks=_n_blocks(paths, n_cpus(ray)))
        encoded = read.map_batches(encoder, batch_format="pyarrow", concurrency=processes)
        try:
            encoded.write_parquet(unfinished)
        except ray.exceptions.RayError as error:
            raise raised_by_encoder(error) from error
        written = glob(os.path.join(escape(unfinished), "*.parquet"))
        n_written = sum(parquet.read_metadata(path).num_rows for path in written)
        if n_written != n_rows:
            raise OSError(
                f"{out!r}: {n_written:,} of {n_rows:,} rows have arrived; the nodes must write to storage that they "
                "share with this machine"
            )
    return n_rows


def list_type_for(paths: Sequence[str], column: str, version: str | None = None) -> ListType:
    """The type of the vectors of Parquet files: lists of fixed size, unless pyarrow cannot handle nulls among them.

    Parameters
    ----------
    paths : sequence of str
        The files with the texts.
    column : str
        The column of texts, each of which gets a null if it is null.
    version : str, optional
        Of pyarrow; that which is installed by default.
    """
    import pyarrow

    is_fixed = int((version or pyarrow.__version__).partition(".")[0]) >= NULLS_SINCE
    return "fixed" if is_fixed or not any(_may_have_nulls(path, column) for path in paths) else "variable"


def _may_have_nulls(path: str, column: str) -> bool:
    """Whether the statistics of a Parquet file leave it open that texts are missing."""
    from pyarrow import parquet

    metadata = parquet.read_metadata(path)
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        chunks = map(group.column, range(group.num_columns))
        chunk = next((chunk for chunk in chunks if chunk.path_in_schema == column), None)  # none for lists of tokens
        statistics = None if chunk is None else chunk.statistics
        if statistics is None or not statistics.has_null_count or statistics.null_count:
            return True
    return False


def _n_blocks(paths: Sequence[str], cpus: int) -> int | None:
    """Blocks for a few small files, so that each CPU has some; None leaves the choice for large files to Ray Data."""
    if sum(map(os.path.getsize, paths)) > cpus * BLOCK_BYTES:
        return None
    return max(len(paths), 2 * cpus)


def raised_by_encoder(error: BaseException) -> Exception:
    """The error of a node, mostly of the encoder, of which Ray Data passes on the text of the traceback only."""
    text = re.sub(r"\x1b\[\d+m", "", str(error))
    module = re.search(r"No module named '.+?'", text)
    if module is not None:
        return ImportError(f"a node cannot encode: {module[0]}; install gensim_sent2vec {__version__} on all nodes")
    found = re.search(r"^(?:\w+\.)*(\w+Error): (.+)$", text, re.MULTILINE)
    if found is None:
        return OSError(f"Ray Data failed: {' '.join(text.split())[-SHOWN:]}")
    name = found[1].replace(MissingFileError.__name__, FileNotFoundError.__name__)
    kind = getattr(builtins, name, ValueError)
    known = next((cls for cls in (TypeError, FileNotFoundError, OSError, MemoryError) if kind is cls), ValueError)
    if known is FileNotFoundError and NOT_SEEN not in found[2]:  # an input file, which Ray opens
        return known(f"a node {NOT_SEEN} {found[2]!r}; put the files on storage that all nodes share")
    return known(found[2])


def _quiet() -> None:
    """Leave errors to the exception, and progress to the caller."""
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
