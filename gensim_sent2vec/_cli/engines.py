"""The options ``encode --engine`` and ``train --ray``: work for the processes of a cluster."""

from __future__ import annotations

import argparse
import os
import sys

from .._distributed.ray_data import NULLS_SINCE, encode_parquet, list_type_for
from .._text.corpus import TokenFile
from .._text.formats import PARQUET, TEXT
from .._text.tables import TextTable
from .._util.counted import counted
from .._util.missing import check_exists
from ..distributed import SentenceEncoder, train_distributed
from ..model import Sent2Vec
from .arguments import texts_of

ENGINE = "ray"
LOCAL = "local"  # an address: a cluster that is started on this machine


def encode_with_engine(args: argparse.Namespace) -> None:
    """Run ``encode --engine``."""
    name, separator, address = args.engine.partition("://")
    if name != ENGINE or (separator and not address):
        raise ValueError(f"--engine: must be ray, ray://auto or ray://HOST:PORT, got {args.engine!r}")
    for option in ("plain", "key", "skip_missing", "trusted"):
        if getattr(args, option):
            raise ValueError(
                f"--{option.replace('_', '-')}: cannot be combined with --engine; leave out one of the two"
            )
    if not args.files or not args.output:
        raise ValueError("--engine: pass Parquet files and -o OUT, a folder for the results")
    check_exists(args.model, kind="model")
    texts = texts_of(args, args.files)
    other = next((file.lines.path for file in texts.files if file.format != PARQUET), None)
    if other is not None:
        raise ValueError(f"--engine: reads Parquet files only, not {other!r}; convert it first")
    if os.path.exists(args.output) and not (os.path.isdir(args.output) and not os.listdir(args.output)):
        raise ValueError(f"{args.output!r} exists; --engine writes a new folder, so choose another name or delete it")
    columns = sorted(set(texts.text_names))
    if len(columns) != 1:
        raise ValueError(f"--engine: the texts of the files are in columns of different names: {', '.join(columns)}")
    list_type = list_type_for(texts.paths, columns[0])
    encoder = SentenceEncoder(args.model, columns[0], normalize=args.normalize, list_type=list_type)
    n_rows = encode_parquet(texts.paths, args.output, encoder, address or None, args.workers)
    print(f"Wrote {counted(n_rows, 'row')} with the column {encoder.output_col!r} to {args.output}", file=sys.stderr)
    if list_type != "fixed":
        print(
            f"Its lists are of variable size: texts may be missing, and pyarrow {NULLS_SINCE} or later is needed to "
            "write nulls among lists of fixed size",
            file=sys.stderr,
        )


def train_with_ray(model: Sent2Vec, texts: TextTable, args: argparse.Namespace) -> None:
    """Run ``train --ray``."""
    for file in texts.files:
        if file.format == TEXT and file.lines.plain_path == file.lines.path:
            continue
        other = file.lines.path
        raise ValueError(f"--ray: reads plain text files only, not {other!r}; write the texts to one file per worker")
    if args.learn_phrases:
        raise ValueError("--learn-phrases: cannot be combined with --ray; learn them first, and pass --phrases")
    train_distributed(
        model,
        [TokenFile(path) if args.tokenized else path for path in texts.paths],
        rounds_per_epoch=4 if args.rounds is None else args.rounds,
        threads=model.workers if "workers" in args else 1,
        address=None if args.ray == LOCAL else args.ray,
        checkpoint=args.checkpoint,
    )
