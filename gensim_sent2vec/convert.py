"""Model files from one form to another: the native one, the reference program's .bin, word2vec text and binary."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

from ._files.epfml.layout import MAGIC, open_regular_file
from ._files.pickles import class_of_pickle, complete_interrupted_save, load_pickle
from ._util.compression import without_compression_suffix
from ._wordvectors import word2vec_binary
from .epfml import convert_epfml, load_epfml_vectors, save_epfml_model
from .keyedvectors import Sent2VecKeyedVectors
from .model import Sent2Vec

NATIVE, EPFML, TEXT, BINARY = "native", "epfml", "word2vec", "word2vec-binary"
FORMS = (NATIVE, EPFML, TEXT, BINARY)
MODEL2VEC, SENTENCE_TRANSFORMERS = "model2vec", "sentence-transformers"
FOLDERS = (MODEL2VEC, SENTENCE_TRANSFORMERS)
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
    form = format_from_name(dst) if to is None else to
    if form not in FORMS:
        raise ValueError(f"to: one of {', '.join(FORMS)} is expected, got {to!r}")
    if os.path.exists(dst) and os.path.samefile(src, dst):
        raise ValueError(f"{os.fspath(dst)!r} is the file to convert; give the result another name")
    if form == NATIVE and is_epfml(src):
        convert_epfml(src, dst)
        return form
    loaded = load_any(src)
    if form == EPFML:
        save_epfml_model(loaded, dst)
    else:
        write_vectors(loaded.wv if isinstance(loaded, Sent2Vec) else loaded, dst, form)
    return form


def write_vectors(wv: Sent2VecKeyedVectors, dst: str | os.PathLike[str], form: str) -> None:
    """Write vectors in one of the forms of words and rows, or as a folder that another library loads."""
    path = os.fspath(dst)
    if form == NATIVE:
        wv.save(path)
    elif form == MODEL2VEC:
        wv.to_model2vec().save_pretrained(path)
    elif form == SENTENCE_TRANSFORMERS:
        module = wv.to_static_embedding()
        from sentence_transformers import SentenceTransformer

        SentenceTransformer(modules=[module]).save(path)
    else:
        wv.save_word2vec_format(path, binary=form == BINARY)


def format_from_name(
    path: str | os.PathLike[str], suffixes: Sequence[tuple[str, str]] = SUFFIXES, default: str = NATIVE
) -> str:
    """The format of a file to write, by its suffix; a compression suffix is ignored."""
    name = without_compression_suffix(os.fspath(path).lower())
    return next((form for suffix, form in suffixes if name.endswith(suffix)), default)


def is_epfml(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as a .bin of the reference program (or of fastText)."""
    with open_regular_file(os.fspath(path)) as file:
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


def load_model(path: str, verify: bool = False) -> Sent2Vec | Sent2VecKeyedVectors:
    """What the commands take as a model: as `load_any`; `verify`: compared with its checksums.

    Raises
    ------
    ValueError, TypeError, OSError, MemoryError
        Where it cannot be read, holds something else, or has no checksums to be compared with.
    """
    complete_interrupted_save(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no model {path!r}")
    if verify and (class_of_pickle(path) or is_epfml(path)):
        raise ValueError(f"--verify: {path!r} is a whole model, gensim's or the reference program's, with no checksums")
    if not class_of_pickle(path):
        return Sent2VecKeyedVectors.load(path, mmap="r", verify=True) if verify else load_any(path)
    loaded = load_pickle(Sent2Vec, path, mmap="r")
    if not isinstance(loaded, (Sent2Vec, Sent2VecKeyedVectors)):
        raise ValueError(f"{path!r} holds a {type(loaded).__qualname__}, not a Sent2Vec model or its vectors")
    return loaded


def load_vectors(path: str, plain: bool = False) -> Sent2VecKeyedVectors:
    """The vectors of a saved model, or saved vectors, mapped read-only; `plain`: without their weighting."""
    loaded = load_model(path)
    wv = loaded.wv if isinstance(loaded, Sent2Vec) else loaded
    if plain:
        wv.weighting = None
    return wv
