"""The command ``encode``: sentence vectors, printed or written to a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import numpy as np
import smart_open

from ..._text.tables import Key, TextTable
from ..._util.atomic import atomic_path, atomic_write
from ..._util.batches import batched
from ...convert import BINARY, TEXT, format_from_name, load_vectors
from ...keyedvectors import Sent2VecKeyedVectors
from ..arguments import (
    Subcommands,
    add_columns,
    add_command,
    add_file,
    add_flag,
    add_force,
    add_model,
    add_plain,
    add_texts,
    add_workers,
    texts_of,
)
from ..files import NUMPY, ROWS, check_output, say_replaced

SUFFIXES = ((".txt", ROWS), (".vec", TEXT), (".w2v.bin", BINARY))  # any other name: NumPy


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "encode",
        run,
        summary="compute sentence vectors, and print or save them",
        details="Prints one vector per line: values separated by spaces, which read back bit for bit. A sentence "
        "without known words gives zeros. The suffix of OUT selects the format: .txt is text; .vec and .w2v.bin "
        "are word2vec text and binary, with row numbers from 1 as keys, or those of --key; anything else is NumPy. "
        "The text formats may also end in .gz or .bz2. With --engine, OUT is a new folder of Parquet files: the rows "
        "of the input with a column of vectors, null if the text is missing.",
        examples=[
            "gensim-sent2vec encode my.model new.txt -o new.npy",
            "zcat new.txt.gz | gensim-sent2vec encode my.model --normalize | head",
            "gensim-sent2vec encode my.model --engine ray in/*.parquet -o out/",
        ],
    )
    add_model(parser)
    add_texts(
        parser, "files", metavar="FILE", nargs="*", help="one sentence per line, or tables (default: standard input)"
    )
    add_file(parser, "-o", "--output", metavar="OUT", help="write a file: float32, shape (n_sentences, n_dims)")
    add_flag(parser, "--normalize", help="scale vectors to unit length")
    parser.add_argument(
        "--engine",
        metavar="ray[://ADDRESS]",
        help="encode Parquet files with Ray Data, on this machine, or on the cluster at HOST:PORT or auto",
    )
    add_plain(parser)
    add_force(parser)
    add_workers(parser)
    add_columns(parser, "keys for .vec and .w2v.bin instead of row numbers")


def run(args: argparse.Namespace) -> None:
    if args.engine is not None:
        from ..engines import encode_with_engine  # which other calls need not import

        return encode_with_engine(args)
    wv = load_vectors(args.model, args.plain, args.trusted)
    texts = texts_of(args, args.files or "-")
    output_format = format_from_name(args.output, SUFFIXES, default=NUMPY) if args.output else ROWS
    if args.key is not None and output_format not in (TEXT, BINARY):
        raise ValueError("--key: only word2vec files hold keys; pass -o with a name that ends in .vec or .w2v.bin")
    if args.output:
        replaced = check_output(args.output, output_format, (args.model, *texts.paths), args.force)
        vectors = wv.encode(texts, normalize=args.normalize, workers=args.workers)
        _write_vectors(args.output, output_format, vectors, texts)
        say_replaced(args.output, replaced)
        return
    for batch in batched(texts, 1000):
        vectors = wv.encode(batch, normalize=args.normalize, workers=args.workers, show_progress_bar=False)
        sys.stdout.writelines(_rows(vectors))


def _rows(vectors: np.ndarray) -> Iterator[str]:
    """One line per vector; the shortest decimals that read back equal."""
    return (" ".join(map(str, row)) + "\n" for row in vectors)


def _keys(texts: TextTable, n: int) -> list[str]:
    """The keys of a word2vec file: those of the table, or row numbers from 1."""
    if texts.key is None:
        return [str(number) for number in range(1, n + 1)]
    keys: dict[Key, int] = {}
    for row, (_, key) in enumerate(texts.rows(), 1):
        shown = str(key)
        if not shown or shown.split() != [shown]:
            raise ValueError(
                f"--key: row {row:,}: a word2vec file cannot hold the key {shown!r}, with whitespace or empty"
            )
        if shown in keys:
            raise ValueError(f"--key: rows {keys[shown]:,} and {row:,} have the same key {shown!r}")
        keys[shown] = row
    return [str(key) for key in keys]


def _write_vectors(path: str, output_format: str, vectors: np.ndarray, texts: TextTable) -> None:
    """Write the sentence vectors of texts, atomically."""
    if output_format == ROWS:
        with atomic_path(path) as unfinished, smart_open.open(unfinished, "w", encoding="ascii") as file:
            file.writelines(_rows(vectors))
    elif output_format == NUMPY:
        with atomic_write(path) as binary:  # given a path, np.save would append .npy
            np.save(binary, vectors)
    else:
        by_key = Sent2VecKeyedVectors(vectors.shape[1])
        by_key.add_vectors(_keys(texts, len(vectors)), vectors)
        by_key.save_word2vec_format(path, binary=output_format == BINARY, sort_attr=None)
