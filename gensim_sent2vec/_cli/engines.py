"""The option ``--engine`` of ``encode``: Parquet files, encoded by the processes of a cluster."""

from __future__ import annotations

import argparse
import os
import sys

from .._distributed.ray_data import encode_parquet
from .._text.formats import PARQUET
from ..distributed import SentenceEncoder
from .arguments import texts_of

ENGINE = "ray"


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
    texts = texts_of(args, args.files)
    other = next((file.lines.path for file in texts.files if file.format != PARQUET), None)
    if other is not None:
        raise ValueError(f"--engine: reads Parquet files only, not {other!r}; convert it first")
    if os.path.exists(args.output) and not (os.path.isdir(args.output) and not os.listdir(args.output)):
        raise ValueError(f"{args.output!r} exists; --engine writes a new folder, so choose another name or delete it")
    columns = sorted(set(texts.text_names))
    if len(columns) != 1:
        raise ValueError(f"--engine: the texts of the files are in columns of different names: {', '.join(columns)}")
    if not os.path.isfile(args.model):
        raise FileNotFoundError(f"there is no file {args.model!r}")
    encoder = SentenceEncoder(args.model, columns[0], normalize=args.normalize)
    n_rows = encode_parquet(texts.paths, args.output, encoder, address or None, args.workers)
    print(f"Wrote {n_rows:,} rows with the column {encoder.output_col!r} to {args.output}", file=sys.stderr)
