"""Convert model files between formats: native, the reference program's .bin, word2vec text and binary."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

from ._files.epfml.layout import open_regular_file
from ._files.model2vec import WORDLLAMA, is_static
from ._files.other_formats import EPFML_MAGIC
from ._files.pickles import class_of_pickle, load_pickle, where_saved
from ._files.word2vec import is_binary, lacks_header
from ._util.atomic import atomic_folder
from ._util.compression import without_compression_suffix
from ._util.hints import with_hints
from ._util.missing import missing_file
from .epfml import convert_epfml, load_epfml_vectors, save_epfml_model
from .keyedvectors import Sent2VecKeyedVectors
from .model import Sent2Vec

NATIVE, EPFML, TEXT, BINARY = "native", "epfml", "word2vec", "word2vec-binary"
FORMATS = (NATIVE, EPFML, TEXT, BINARY)
EXPECTED = "a saved model, a file of vectors, a .bin of the reference program, or a word2vec file"
MODEL2VEC, SENTENCE_TRANSFORMERS = "model2vec", "sentence-transformers"
FOLDERS = (MODEL2VEC, SENTENCE_TRANSFORMERS)
# The format that the name of an output file implies; the first match counts. Any other name: the native format.
SUFFIXES = ((".w2v.bin", BINARY), (".bin", EPFML), (".txt", TEXT), (".vec", TEXT))


@with_hints
def convert(
    src: str | os.PathLike[str], dst: str | os.PathLike[str], to: str | None = None, trusted: bool = False
) -> str:
    """Convert a file of vectors to another format.

    All formats except the reference program's leave out what only training needs. The word2vec formats leave out n-gram
    rows, and words that contain whitespace or are not valid text, with a warning in the log.

    Parameters
    ----------
    src : str or path-like
        Vectors or an entire model as `save` writes them, a .bin of the reference program, word2vec text or binary
        (which may be compressed; text may lack the first line, as GloVe's does), or whatever
        `Sent2VecKeyedVectors.from_model2vec` reads. The format is detected from the content.
    dst : str or path-like
        The file to write.
    to : {'native', 'epfml', 'word2vec', 'word2vec-binary'}, optional
        By default determined by the suffix of `dst`: ``.w2v.bin`` is word2vec binary, ``.bin`` the reference program's
        format, ``.txt`` and ``.vec`` word2vec text (for word2vec, ``.gz`` or ``.bz2`` may follow); any other suffix is
        the native format.
    trusted : bool
        As in `Sent2Vec.load`, if `src` is an entire model.

    Returns
    -------
    str
        The format written.

    Raises
    ------
    ValueError, TypeError, OSError, MemoryError
        If `src` cannot be read or is in an unknown format, or `dst` cannot be written or its format cannot store the
        vectors.
    """
    _check_found(src, "src")
    output_format = format_from_name(dst) if to is None else to
    if output_format not in FORMATS:
        raise ValueError(f"to: expected one of {', '.join(FORMATS)}, got {to!r}")
    if os.path.exists(dst) and os.path.exists(src) and os.path.samefile(src, dst):
        raise ValueError(f"dst: {os.fspath(dst)!r} is the file to convert; pass another name")
    if output_format == NATIVE and not is_static(os.fspath(src)) and is_epfml(src):
        convert_epfml(src, dst)
        return output_format
    loaded = load_any(src, trusted)
    if output_format == EPFML:
        save_epfml_model(loaded, dst)
    else:
        write_vectors(loaded.wv if isinstance(loaded, Sent2Vec) else loaded, dst, output_format)
    return output_format


@with_hints
def write_vectors(wv: Sent2VecKeyedVectors, dst: str | os.PathLike[str], output_format: str) -> None:
    """Write vectors in the native or a word2vec format, or as a folder that model2vec or sentence-transformers load."""
    path = os.fspath(dst)
    if output_format == NATIVE:
        wv.save(path)
    elif output_format == MODEL2VEC:
        model = wv.to_model2vec()
        with atomic_folder(path) as folder:
            model.save_pretrained(folder)
    elif output_format == SENTENCE_TRANSFORMERS:
        module = wv.to_static_embedding()
        from sentence_transformers import SentenceTransformer

        with atomic_folder(path) as folder:
            SentenceTransformer(modules=[module]).save(folder)
    else:
        wv.save_word2vec_format(path, binary=output_format == BINARY)


@with_hints
def format_from_name(
    path: str | os.PathLike[str], suffixes: Sequence[tuple[str, str]] = SUFFIXES, default: str = NATIVE
) -> str:
    """The format of a file to write, by its suffix; a compression suffix is ignored."""
    name = without_compression_suffix(os.fspath(path).lower())
    return next((output_format for suffix, output_format in suffixes if name.endswith(suffix)), default)


@with_hints
def is_epfml(path: str | os.PathLike[str]) -> bool:
    """Whether a file starts like a .bin of the reference program (or of fastText)."""
    with open_regular_file(os.fspath(path)) as file:
        return file.read(4) == struct.pack("<i", EPFML_MAGIC)


@with_hints
def load_any(path: str | os.PathLike[str], trusted: bool = False) -> Sent2Vec | Sent2VecKeyedVectors:
    """Load a model or vectors in any known format, memory-mapped read-only if the format allows it.

    Parameters
    ----------
    path : str or path-like
    trusted : bool
        As in `Sent2Vec.load`.

    Raises
    ------
    ValueError, TypeError, OSError, MemoryError
        As the loader of the format does.
    """
    path = os.fspath(path)
    _check_found(path, "path")
    if is_static(path):
        return Sent2VecKeyedVectors.from_model2vec(path)
    if class_of_pickle(path):
        return Sent2Vec.load(path, mmap="r", trusted=trusted)
    if is_epfml(path):
        return load_epfml_vectors(path)
    binary = is_binary(path)
    if binary is None and lacks_header(path):
        return Sent2VecKeyedVectors.load_word2vec_format(path, binary=False, no_header=True)
    if binary is None:
        return Sent2VecKeyedVectors.load(path, mmap="r")
    return Sent2VecKeyedVectors.load_word2vec_format(path, binary=binary)


def _check_found(path: str | os.PathLike[str], argument: str) -> None:
    """Raise a FileNotFoundError if there is no such model or file; the name of an installed package passes."""
    name = os.fspath(path)
    if name != WORDLLAMA and not os.path.exists(where_saved(name)(name)):
        raise missing_file(name, argument, EXPECTED)


@with_hints
def load_model(path: str, verify: bool = False, trusted: bool = False) -> Sent2Vec | Sent2VecKeyedVectors:
    """Load what the command line accepts as a model; like `load_any`.

    Parameters
    ----------
    path : str
    verify : bool
        Compare the file with its checksums.
    trusted : bool
        As in `Sent2Vec.load`.

    Raises
    ------
    ValueError, TypeError, OSError, MemoryError
        If the file cannot be read, holds something else, or has no checksums to compare it with.
    """
    found = where_saved(path)(path)
    if is_static(path):
        if verify:
            raise ValueError(f"--verify: {path!r} has no checksums: it is in the format of another program")
        return load_any(path)
    if not os.path.exists(found):
        raise missing_file(path, expected=EXPECTED, kind="model")
    if verify and (class_of_pickle(path) or is_epfml(found)):
        raise ValueError(
            f"--verify: {path!r} has no checksums: it is an entire model, in gensim's or the reference program's format"
        )
    if not class_of_pickle(path):
        return Sent2VecKeyedVectors.load(path, mmap="r", verify=True) if verify else load_any(path, trusted)
    loaded = load_pickle(Sent2Vec, path, mmap="r", trusted=trusted)
    if not isinstance(loaded, (Sent2Vec, Sent2VecKeyedVectors)):
        raise ValueError(f"{path!r} holds a {type(loaded).__qualname__}, not a Sent2Vec model or its vectors")
    return loaded


@with_hints
def load_vectors(path: str, plain: bool = False, trusted: bool = False) -> Sent2VecKeyedVectors:
    """Load the vectors of a saved model, or saved vectors, memory-mapped read-only.

    Parameters
    ----------
    path : str
    plain : bool
        Drop the weighting, so that sentence vectors are plain means.
    trusted : bool
        As in `Sent2Vec.load`.
    """
    loaded = load_model(path, trusted=trusted)
    wv = loaded.wv if isinstance(loaded, Sent2Vec) else loaded
    if plain:
        wv.weighting = None
    return wv
