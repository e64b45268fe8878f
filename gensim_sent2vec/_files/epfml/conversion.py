"""Convert a .bin to a file of vectors in the native format, in bounded memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import numpy as np

from ..._util.atomic import is_stream, temporary_folder
from ..._util.progress import Progress
from ..container import Stream, write
from ..schema import StoredVectors
from .entries import BLOCK_BYTES
from .layout import Layout
from .reading import changed_file, damaged_dictionary, read_entries, row_blocks
from .vocabulary_on_disk import SLOTS_IN_MEMORY, DiskVocabulary
from .word_vectors import word_vector_blocks


def convert(
    layout: Layout,
    dst: str | os.PathLike[str],
    block_bytes: int = BLOCK_BYTES,
    slots_in_memory: int = SLOTS_IN_MEMORY,
) -> None:
    """Write the vectors of a .bin to `dst`, atomically.

    Parameters
    ----------
    layout : Layout
        Of the .bin.
    dst : str or path-like
        The words are sorted into a hash table in a temporary folder next to it.
    block_bytes : int
        Bytes that are read at a time.
    slots_in_memory : int
        As for `DiskVocabulary`.
    """
    target = os.fspath(dst)
    nearby = os.path.join(tempfile.gettempdir(), "gensim-sent2vec") if is_stream(target) else os.path.realpath(target)
    n_words, n_ngram_rows, first_ngram = layout.n_words, layout.n_ngram_rows, layout.n_entries
    with (
        temporary_folder(nearby) as temporary,
        Progress("convert", n_words + n_ngram_rows, "rows") as progress,
    ):
        vocabulary = DiskVocabulary(temporary, slots_in_memory, block_bytes)
        words, counts = _convert_words(layout, vocabulary, block_bytes)
        ngram_rows = row_blocks(layout, layout.input, first_ngram, first_ngram + n_ngram_rows, block_bytes)
        stored = StoredVectors(
            vector_size=layout.args.dim,
            word_ngrams=layout.word_ngrams,
            skip_bigrams=False,
            ngram_hash="epfml",
            words=words,
            vectors=_stream(word_vector_blocks(layout, block_bytes), n_words, layout.args.dim, progress),
            vectors_ngrams=_stream(ngram_rows, n_ngram_rows, layout.args.dim, progress),
            word_attributes={"count": counts},
        )
        write(dst, *stored.to_arrays())


def _convert_words(layout: Layout, vocabulary: DiskVocabulary, block_bytes: int) -> tuple[dict[str, Stream], Stream]:
    try:
        for entries in read_entries(layout, block_bytes):
            vocabulary.add(entries.blob, entries.lengths, entries.hashes, entries.counts)
    finally:
        vocabulary.close()
    if (vocabulary.n_words, vocabulary.n_bytes) != (layout.n_words, layout.blob_bytes):
        raise changed_file(layout)
    try:
        return vocabulary.finish()
    except ValueError as error:
        raise damaged_dictionary(layout, error) from None


def _stream(blocks: Iterator[np.ndarray], n_rows: int, dim: int, progress: Progress) -> Stream:
    """Rows to write as float32, which report their progress."""

    def reported() -> Iterator[np.ndarray]:
        for block in blocks:
            yield block.astype(np.float32, copy=False)
            progress.update(progress.done + len(block))

    return Stream(np.float32, (n_rows, dim), reported())
