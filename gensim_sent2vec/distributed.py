"""Encoding and training on many machines, with existing engines: Ray, Spark, Dask, datasets, multiprocessing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, get_args

import numpy as np

from ._distributed.batches import ListType, as_batch
from ._distributed.clusters import LocalCluster, RayCluster
from ._distributed.models import fingerprint, vectors_of
from ._distributed.ray_connection import connected
from ._distributed.training import DistributedTraining, check_shards, worker_factory
from ._text.counting import WordCounts
from ._text.inputs import check_text, is_missing
from ._util.hints import with_hints
from ._util.parameters import check_float, check_int
from .model import Sent2Vec

__all__ = ["SentenceEncoder", "WordCounts", "train_distributed"]

Engine = Literal["ray", "local"]


@with_hints
class SentenceEncoder:
    """A function from batches of rows to the same batches with a column of sentence vectors, for any engine.

    Pass an encoder to ``map_batches`` of Ray Data, ``mapInArrow`` or ``mapInPandas`` of Spark, ``map_partitions`` of
    Dask, ``map`` of datasets, or a pool of `multiprocessing`. It is a few settings: its pickle takes about 120 bytes,
    and each process maps the file of vectors when the first batch arrives.

    Parameters
    ----------
    path : str or path-like
        A model, or a file of vectors, in any format that the command ``convert`` reads. Machines that encode must see
        it under this path; the one that creates the encoder need not. Native files are mapped, so the processes of a
        machine share one copy.
    input_col : str, default="text"
        The column with the texts, or with lists of tokens.
    output_col : str, default="embedding"
        The column to add.
    normalize : bool, default=False
        Scale vectors to length 1.
    workers : int, default=1
        Threads per process. Engines start a process per CPU, so one is enough.
    list_type : {"fixed", "variable"}, default="fixed"
        The type of the column in Arrow: lists of fixed size, or lists of any size, which Spark needs.

    Raises
    ------
    TypeError, ValueError
        If a setting is invalid.

    Notes
    -----
    Missing texts (None, NaN) get a null instead of a vector; texts without known words get zeros, as in
    `Sent2VecKeyedVectors.encode`. A mapping of numpy arrays gets an array of shape (n, n_dims), or an object array with
    None if texts are missing; a mapping of lists gets a list of vectors; pandas gets a column of vectors. Ray Data
    cannot mix batches of arrays with and without nulls: pass it ``batch_format="pyarrow"``.

    If the machine that creates the encoder sees the file, a checksum of it is part of the encoder, and processes refuse
    another file. In any case, a process refuses a file that is replaced after its first batch.

    Before version 26, pyarrow cannot write nulls among lists of fixed size to Parquet. If texts may be missing, pass
    ``list_type="variable"``.

    Examples
    --------
    >>> from gensim_sent2vec.distributed import SentenceEncoder
    >>> encoder = SentenceEncoder("my.vectors")  # doctest: +SKIP
    >>> ray.data.read_parquet("in").map_batches(encoder, batch_format="pyarrow").write_parquet("out")  # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        input_col: str = "text",
        output_col: str = "embedding",
        normalize: bool = False,
        workers: int = 1,
        list_type: ListType = "fixed",
    ) -> None:
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(
                f"path: expected the path of a model or of vectors, got {type(path).__name__}; save it, and pass "
                "the path"
            )
        for name, column in (("input_col", input_col), ("output_col", output_col)):
            if not isinstance(column, str) or not column:
                raise TypeError(f"{name}: expected the name of a column, got {column!r}")
        if input_col == output_col:
            raise ValueError(f"output_col: must differ from input_col, got {output_col!r} for both")
        if list_type not in get_args(ListType):
            raise ValueError(f'list_type: must be "fixed" or "variable", got {list_type!r}')
        self.path = os.path.abspath(os.fspath(path))  # engines start processes in other folders
        self.input_col, self.output_col, self.list_type = input_col, output_col, list_type
        self.normalize, self.workers = bool(normalize), check_int("workers", workers, 1)
        self._fingerprint = fingerprint(self.path) if os.path.isfile(self.path) else None

    def __reduce__(self) -> Any:
        settings = self.path, self.input_col, self.output_col, self.normalize, self.workers, self.list_type
        return _restored, (*settings, self._fingerprint)

    def __repr__(self) -> str:
        return f"SentenceEncoder({self.path!r}, {self.input_col!r}, {self.output_col!r})"

    def __call__(self, batch: Any) -> Any:
        """Add the column of vectors to a batch.

        Parameters
        ----------
        batch : mapping of arrays or lists, pyarrow.Table, pyarrow.RecordBatch or pandas.DataFrame

        Returns
        -------
        The same kind (a dict for any mapping), with the other columns as they are.

        Raises
        ------
        TypeError
            If the batch is of another kind, or an item is not a text, with the column and the row.
        ValueError
            If the column of texts is missing, that of vectors is there already, or the file of vectors was replaced.
        OSError
            If this machine does not see the file of vectors, with the name of the machine and the path.
        """
        rows = as_batch(batch)
        self._check_columns(rows.columns)
        texts, is_null = _texts(rows.values(self.input_col), self.input_col)
        wv, self._fingerprint = vectors_of(self.path, self._fingerprint)
        vectors = wv.encode(texts, normalize=self.normalize, workers=self.workers, show_progress_bar=False)
        return rows.with_vectors(self.output_col, vectors, is_null, self.list_type)

    def map_batches(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Add the column of vectors to each batch of a stream, as ``mapInArrow`` and ``mapInPandas`` of Spark need it.

        Parameters
        ----------
        batches : iterable of batches
            See `__call__`.

        Yields
        ------
        batch
        """
        for batch in batches:
            yield self(batch)

    def _check_columns(self, columns: list[Any]) -> None:
        n = columns.count(self.input_col)
        if n != 1:
            shown = ", ".join(map(repr, columns[:10])) or "no columns"
            problem = "no column" if not n else f"{n} columns called"
            raise ValueError(f"input_col: the batch has {problem} {self.input_col!r}; it has {shown}")
        if self.output_col in columns:
            raise ValueError(
                f"output_col: the batch already has a column {self.output_col!r}; pass another name, or drop it first"
            )


def _restored(*settings: Any) -> SentenceEncoder:
    """An encoder with the settings of another process, of which nothing is checked here: the file may be missing."""
    names = "path", "input_col", "output_col", "normalize", "workers", "list_type", "_fingerprint"
    encoder = SentenceEncoder.__new__(SentenceEncoder)
    encoder.__dict__.update(zip(names, settings, strict=True))
    return encoder


def _texts(values: list[Any], column: str) -> tuple[list[Any], np.ndarray]:
    """Texts or token lists, with an empty one in the place of each missing one; and which are missing."""
    is_null = np.zeros(len(values), dtype=bool)
    if set(map(type, values)) <= {str}:  # much faster than the loop below
        return values, is_null
    empty: str | list[str] = ""
    for row, text in enumerate(values):
        if type(text) is str:
            continue
        if is_missing(text):
            is_null[row] = True
            continue
        check_text(text, f"column {column!r}: row {row:,}")
        if not isinstance(text, (str, list, tuple)):  # numpy's arrays of tokens, which pandas reads from Parquet
            values[row] = list(text)
        empty = "" if isinstance(text, str) else []
    for row in np.flatnonzero(is_null).tolist():
        values[row] = empty
    return values, is_null


@with_hints
def train_distributed(
    model: Sent2Vec,
    shards: Sequence[str | os.PathLike[str]],
    rounds_per_epoch: int = 4,
    epochs: int | None = None,
    start_alpha: float | None = None,
    end_alpha: float | None = None,
    threads: int = 1,
    address: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    max_restarts: int = 3,
    engine: Engine = "ray",
    show_progress_bar: bool | None = None,
) -> Sent2Vec:
    """Train a model with one worker per shard of the corpus, on the nodes of a Ray cluster (extra ``[ray]``).

    In each round, all workers train the same model on the next part of their shards. Then the changes of each row are
    combined by Adasum: changes in the same direction are averaged, independent ones are added up. Workers exchange them
    directly, in half precision, each combining a share of the rows. With one worker, the result is that of
    ``model.train(corpus_file=shard)``, byte for byte if it has one thread.

    Parameters
    ----------
    model : Sent2Vec
        Trained in place. If it has no vocabulary, the workers count the words of their shards.
    shards : sequence of str or path-like
        One text file per worker with one sentence per line, as `corpus_file` of `Sent2Vec`, of about equal size. Each
        must exist under this path where its worker runs, so on all nodes, or on shared storage.
    rounds_per_epoch : int, default=4
        More rounds lose less against training in one process, and exchange more data. With n-grams, 8 are better.
    epochs, start_alpha, end_alpha
        As in `Sent2Vec.train`.
    threads : int, default=1
        Threads per worker. With one, the result depends on the shards and the seed only.
    address : str, optional
        HOST:PORT of a running Ray cluster, ``auto`` for the one of this machine, or ``ray://HOST:PORT``. None: the
        cluster that Ray is connected to, else a new one on this machine.
    checkpoint : str or path-like, optional
        A file that is written after each round. If it exists, training goes on from it.
    max_restarts : int, default=3
        How often lost workers are replaced in a round, before training is given up. A round is repeated with the
        same random numbers.
    engine : {"ray", "local"}, default="ray"
        "local": all workers in this process, one after the other, which needs no Ray, to try settings.
    show_progress_bar : bool, optional
        See `Sent2Vec`.

    Returns
    -------
    Sent2Vec
        `model`, with a fitted weighting unless it was created without.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid; a shard is empty; a node runs another version of the package; training diverges; or
        the checkpoint is of another training.
    ImportError
        If Ray is not installed, or gensim_sent2vec is not on a node.
    OSError
        If there is no cluster at the address, or it has no room for the workers; if a node does not see its shard,
        with the name of the node; or if the checkpoint cannot be written.
    RuntimeError
        If workers are lost more than `max_restarts` times in a round. Finished rounds are in the checkpoint.

    References
    ----------
    Maleki et al.: "Scaling Distributed Training with Adaptive Summation", MLSys 2021. Gill et al.: "Distributed
    Training of Embeddings using Graph Analytics", IPDPS 2021.

    Examples
    --------
    >>> from gensim_sent2vec import Sent2Vec
    >>> from gensim_sent2vec.distributed import train_distributed
    >>> model = train_distributed(Sent2Vec(), ["/data/0.txt", "/data/1.txt"], address="auto")  # doctest: +SKIP
    """
    if not isinstance(model, Sent2Vec):
        raise TypeError(f"model: expected a Sent2Vec, got {type(model).__name__}")
    if engine not in get_args(Engine):
        raise ValueError(f'engine: must be "ray" or "local", got {engine!r}')
    paths = check_shards(shards)
    rounds_per_epoch = check_int("rounds_per_epoch", rounds_per_epoch, 1)
    threads, max_restarts = check_int("threads", threads, 1), check_int("max_restarts", max_restarts, 0)
    epochs = model.epochs if epochs is None else check_int("epochs", epochs, 1)
    alpha = model.alpha if start_alpha is None else check_float("start_alpha", start_alpha, above=0)
    min_alpha = model.min_alpha if end_alpha is None else check_float("end_alpha", end_alpha, least=0)
    if min_alpha > alpha:
        raise ValueError(f"end_alpha: must be at most start_alpha={alpha}, got {min_alpha}; the learning rate falls")
    model.epochs, model.alpha, model.min_alpha = epochs, alpha, min_alpha
    stored = None if checkpoint is None else os.path.abspath(checkpoint)
    options = rounds_per_epoch, stored, max_restarts, show_progress_bar
    create = worker_factory(model, paths, threads)
    if engine == "local":
        _train(model, LocalCluster(create, len(paths)), options)
    else:
        with connected(address) as ray:
            _train(model, RayCluster(ray, create, len(paths), threads), options)
    return model


def _train(model: Sent2Vec, cluster: LocalCluster | RayCluster, options: tuple[Any, ...]) -> None:
    try:
        DistributedTraining(model, cluster, *options).run()
    finally:
        cluster.close()
