"""Model files from one form to another: the native one, the reference program's .bin, word2vec text and binary."""

from __future__ import annotations

import logging
import os
import struct
from typing import Any

import numpy as np
from smart_open import open as smart_open

from .epfml import convert_epfml, load_epfml_vectors, save_epfml_model
from .epfml_layout import MAGIC, opened
from .keyedvectors import Sent2VecKeyedVectors
from .model import Sent2Vec
from .storage import WORD2VEC
from .vocab import Vocabulary, WordCounts

logger = logging.getLogger(__name__)

NATIVE, EPFML, TEXT, BINARY = "native", "epfml", "word2vec", "word2vec-binary"
FORMS = (NATIVE, EPFML, TEXT, BINARY)
COMPRESSED = (".gz", ".bz2")
# What the name of a file to write says; the first that fits. Any other name: the native form.
SUFFIXES = ((".w2v.bin", BINARY), (".bin", EPFML), (".txt", TEXT), (".vec", TEXT))


def convert(src: str | os.PathLike[str], dst: str | os.PathLike[str], to: str | None = None) -> str:
    """Write what one file holds to another file, in another form.

    What only training needs is left out of all forms but the reference's. The word2vec forms hold neither n-gram rows
    nor words with spaces or bytes that are no text, which are left out with a warning in the log.

    Parameters
    ----------
    src : str or path-like
        Vectors or a whole model as `save` writes them, a .bin of the reference program, or word2vec text or binary
        (which may be compressed); told apart by what is in it.
    dst : str or path-like
        The file to write.
    to : {'native', 'epfml', 'word2vec', 'word2vec-binary'}, optional
        By default what the name of `dst` says: ``.w2v.bin`` is word2vec binary, ``.bin`` the reference's, ``.txt`` and
        ``.vec`` word2vec text (word2vec files also with ``.gz`` or ``.bz2`` behind); any other is the native form.

    Returns
    -------
    str
        The form written.

    Raises
    ------
    ValueError, TypeError, OSError, MemoryError
        Where `src` cannot be read or is of no form known, or `dst` cannot hold it or be written.
    """
    form = form_of_name(dst) if to is None else to
    if form not in FORMS:
        raise ValueError(f"to: one of {', '.join(FORMS)} is expected, got {to!r}")
    if os.path.exists(dst) and os.path.samefile(src, dst):
        raise ValueError(f"{os.fspath(dst)!r} is the file to convert; give the result another name")
    if form == NATIVE and is_epfml(src):
        convert_epfml(src, dst)
        return form
    loaded = load_any(src)
    wv = loaded.wv if isinstance(loaded, Sent2Vec) else loaded
    if form == NATIVE:
        wv.save(os.fspath(dst))
    elif form == EPFML:
        save_epfml_model(loaded, dst)
    else:
        if wv.bucket:
            logger.warning("%s: the word2vec form has words only, %s n-gram rows are left out", dst, wv.bucket)
        left_out = unfit_for_word2vec(wv.freeze())
        if len(left_out):
            words = ", ".join(repr(wv.index_to_key[i]) for i in left_out[:3].tolist())
            logger.warning("%s: %s words, such as %s, cannot stand in a word2vec file", dst, len(left_out), words)
            wv = without(wv, left_out)
        wv.save_word2vec_format(os.fspath(dst), binary=form == BINARY)
    return form


def unfit_for_word2vec(words: Vocabulary) -> np.ndarray:
    """The ids of words that word2vec files cannot hold: empty ones, and those with spaces or bytes that are no text."""
    after = np.append(words.blob[1:], 0).astype(np.uint8)
    bad = np.flatnonzero((words.blob <= ord(" ")) | ((words.blob == 0xED) & (after >= 0xA0)))  # ED A0 …: a surrogate
    empty = np.flatnonzero(np.diff(words.offsets) == 0)
    return np.union1d(np.searchsorted(words.offsets, bad, side="right") - 1, empty)


def without(wv: Sent2VecKeyedVectors, ids: np.ndarray) -> Sent2VecKeyedVectors:
    """Vectors of words alone, some left out."""
    kept = np.delete(np.arange(len(wv)), ids)
    words = wv.freeze()
    result = Sent2VecKeyedVectors(wv.vector_size)
    result.set_words(WordCounts(words.blob, words.offsets, np.zeros(len(words), dtype=np.int64)).take(kept).vocabulary)
    result.vectors = wv.vectors[kept]
    result.expandos = {name: values[kept] for name, values in wv.expandos.items()}
    return result


def form_of_name(path: str | os.PathLike[str]) -> str:
    """The form that the name of a file to write says."""
    name = os.fspath(path).lower()
    for ending in COMPRESSED:
        name = name.removesuffix(ending)
    return next((form for suffix, form in SUFFIXES if name.endswith(suffix)), NATIVE)


def is_epfml(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as a .bin of the reference program (or of fastText)."""
    with opened(os.fspath(path)) as file:
        return file.read(4) == struct.pack("<i", MAGIC)


def load_any(path: str | os.PathLike[str]) -> Sent2Vec | Sent2VecKeyedVectors:
    """A model or vectors from a file of any form that is known, mapped read-only where the form allows it.

    Raises
    ------
    ValueError, TypeError, OSError, MemoryError
        As the form's own loader.
    """
    path = os.fspath(path)
    if is_epfml(path):
        return load_epfml_vectors(path)
    with open(path, "rb") as file:
        pickled = file.read(1) == b"\x80"
    if pickled:
        return Sent2Vec.load(path, mmap="r")
    binary = word2vec_binary(path)
    if binary is None:
        return Sent2VecKeyedVectors.load(path, mmap="r")
    return Sent2VecKeyedVectors.load_word2vec_format(path, binary=binary)


def word2vec_binary(path: str) -> bool | None:
    """Whether a word2vec file, which may be compressed, is binary; None where it is no word2vec file."""
    with smart_open(path, "rb") as file:
        first: Any = file.readline(100)
        if not WORD2VEC.fullmatch(first):
            return None
        dim = int(first.split()[1])
        second = file.readline(min(1 << 20, 1000 + 30 * dim))
    try:
        return len([float(number) for number in second.decode("utf-8").split(" ")[1:] if number.strip()]) != dim
    except ValueError:  # no text, or no numbers
        return True
