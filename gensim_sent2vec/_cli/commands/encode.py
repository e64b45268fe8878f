"""The command ``encode``: sentence vectors, printed or written to a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import numpy as np
import smart_open

from ..._text.corpus import TextLines
from ..._util.atomic import atomic_path, atomic_write
from ..._util.batches import batched
from ...convert import BINARY, TEXT, format_from_name, load_vectors
from ...keyedvectors import Sent2VecKeyedVectors
from ..arguments import Subcommands, add_command, add_file, add_flag, add_force, add_model, add_plain, add_workers
from ..files import NUMPY, ROWS, check_output

SUFFIXES = ((".txt", ROWS), (".vec", TEXT), (".w2v.bin", BINARY))  # any other name: NumPy


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "encode",
        run,
        summary="compute sentence vectors, and print or save them",
        details="Prints one vector per line: values separated by spaces, which read back bit for bit. A sentence "
        "without known words gives zeros. The suffix of OUT selects the format: .txt is text; .vec and .w2v.bin "
        "are word2vec text and binary, with line numbers from 1 as keys; anything else is NumPy. The text "
        "formats may also end in .gz or .bz2.",
        examples=[
            "gensim-sent2vec encode my.model new.txt -o new.npy",
            "zcat new.txt.gz | gensim-sent2vec encode my.model --normalize | head",
        ],
    )
    add_model(parser)
    add_file(
        parser,
        "file",
        metavar="FILE",
        nargs="?",
        default="-",
        help="one sentence per line; may be compressed (default: standard input)",
    )
    add_file(parser, "-o", "--output", metavar="OUT", help="write a file: float32, shape (n_sentences, n_dims)")
    add_flag(parser, "--normalize", help="scale vectors to unit length")
    add_plain(parser)
    add_force(parser)
    add_workers(parser)


def run(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model, args.plain, args.trusted)
    lines = TextLines(args.file)
    if args.output:
        output_format = format_from_name(args.output, SUFFIXES, default=NUMPY)
        check_output(args.output, output_format, (args.model, args.file), args.force)
        vectors = wv.encode(lines, normalize=args.normalize, workers=args.workers)
        _write_vectors(args.output, output_format, vectors)
        return
    for batch in batched(lines, 1000):
        vectors = wv.encode(batch, normalize=args.normalize, workers=args.workers, show_progress_bar=False)
        sys.stdout.writelines(_rows(vectors))


def _rows(vectors: np.ndarray) -> Iterator[str]:
    """One line per vector; the shortest decimals that read back equal."""
    return (" ".join(map(str, row)) + "\n" for row in vectors)


def _write_vectors(path: str, output_format: str, vectors: np.ndarray) -> None:
    """Write sentence vectors, atomically."""
    if output_format == ROWS:
        with atomic_path(path) as unfinished, smart_open.open(unfinished, "w", encoding="ascii") as file:
            file.writelines(_rows(vectors))
    elif output_format == NUMPY:
        with atomic_write(path) as binary:  # given a path, np.save would append .npy
            np.save(binary, vectors)
    else:
        by_line = Sent2VecKeyedVectors(vectors.shape[1])
        by_line.add_vectors([str(number) for number in range(1, len(vectors) + 1)], vectors)
        by_line.save_word2vec_format(path, binary=output_format == BINARY, sort_attr=None)
