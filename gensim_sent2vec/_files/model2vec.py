"""Reading pretrained static vectors: folders of model2vec, of sentence-transformers, and files of wordllama.

All three are a table with a row for each subword, and a tokenizer of the package `tokenizers`; the vector of a text is
the mean of the rows of its subwords. Files, in the order in which they are looked for:

- model2vec: ``model.safetensors`` with ``embeddings``, optionally ``weights`` of the subwords and a ``mapping`` of
  subwords to rows; ``tokenizer.json``; ``config.json`` with ``normalize`` and ``max_length``;
- sentence-transformers: the same with ``embedding.weight``, and ``config_sentence_transformers.json``; the table and
  the tokenizer may be in ``0_StaticEmbedding``;
- wordllama: a file such as ``weights/l2_supercat_256.safetensors`` with ``embedding.weight``, next to which there is a
  ``tokenizer.json``, or ``../tokenizers/l2_supercat_tokenizer_config.json``; or a folder with both, such as the
  installed package.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from dataclasses import dataclass
from glob import escape, glob
from typing import Any

import numpy as np

from .._util.missing import missing_file
from .._util.subwords import SubwordTokenizer
from .container import KEY
from .safetensors import read_tensors

EMBEDDINGS, STATIC_EMBEDDING = "embeddings", "embedding.weight"
WEIGHTS, MAPPING = "weights", "mapping"
MODEL, TOKENIZER = "model.safetensors", "tokenizer.json"
CONFIGS = ("config.json", "config_sentence_transformers.json")
NESTED = "0_StaticEmbedding"
WORDLLAMA = "wordllama"
EXPECTED = "a model2vec folder, a wordllama file, or 'wordllama' for the installed package (nothing is downloaded)"
MAX_LENGTH = 512  # subwords of a text that model2vec uses, if the config does not say
MAX_CONFIG_BYTES = 1 << 24
HEAD_BYTES = 1 << 16
MAX_TOKENIZER_BYTES = 1 << 28


@dataclass(frozen=True)
class Found:
    """The files of static vectors; `config` is None for wordllama."""

    table: str
    tokenizer: str
    config: str | None


@dataclass(frozen=True)
class StaticVectors:
    """Static vectors as they were read.

    Attributes
    ----------
    rows : numpy.ndarray of float32 or float16, shape (n_subwords, dim)
        By id, multiplied by the weights of the subwords.
    tokenizer : SubwordTokenizer
    normalize : bool
        Whether the vectors of texts are scaled to length 1.
    """

    rows: np.ndarray
    tokenizer: SubwordTokenizer
    normalize: bool


def read_static(path: str, dims: int | None = None) -> StaticVectors:
    """Read static vectors; see `Sent2VecKeyedVectors.from_model2vec`.

    Parameters
    ----------
    path : str
        A folder, a wordllama file, or "wordllama" for the installed package.
    dims : int, optional
        Keep only the first dimensions.

    Raises
    ------
    OSError
        If a file is missing or cannot be read.
    ValueError
        If a file is damaged, or they do not match; with the file and the field.
    ImportError
        If the package `tokenizers` is not installed.
    """
    found = find_files(path)
    tensors = read_tensors(found.table, (EMBEDDINGS, STATIC_EMBEDDING, WEIGHTS, MAPPING))
    if EMBEDDINGS not in tensors and STATIC_EMBEDDING not in tensors:
        raise ValueError(f"{found.table!r}: no array is called {EMBEDDINGS!r} or {STATIC_EMBEDDING!r}")
    normalize, max_length = _read_config(found.config)
    definition = np.frombuffer(_read_bytes(found.tokenizer, MAX_TOKENIZER_BYTES), dtype=np.uint8)
    tokenizer = SubwordTokenizer(definition, drop_unknown=found.config is not None)
    try:
        names = tokenizer.names
    except ValueError as error:
        raise ValueError(f"{found.tokenizer!r}: {str(error).removeprefix('tokenizer.json: ')}") from None
    if max_length is not None:
        characters = max(1, max_length * tokenizer.median_length)
        tokenizer = SubwordTokenizer(definition, max_length, characters, drop_unknown=True)
    return StaticVectors(_table(found.table, tensors, len(names), dims), tokenizer, normalize)


def is_static(path: str) -> bool:
    """Whether a path is that of static vectors: a folder, a file of wordllama, or the name of its package."""
    if os.path.isdir(path):
        return True  # `find_files` says what is missing; no other format is a folder
    if not os.path.exists(path):
        return path == WORDLLAMA and importlib.util.find_spec(path) is not None
    if not path.endswith(".safetensors") or not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return KEY.encode() not in file.read(HEAD_BYTES)  # otherwise it is a native file of that name


# -----------------------------------------------------------------------------------------------------
# Files


def find_files(path: str) -> Found:
    """The files of static vectors; an OSError that lists what was looked for if they are missing."""
    if path == WORDLLAMA and not os.path.exists(path):
        path = _installed(path)
    if not os.path.exists(path):
        raise missing_file(path, "path", EXPECTED, "file or folder")
    if not os.path.isdir(path):
        tokenizer = _tokenizer_of(path)
        if tokenizer is None:
            raise FileNotFoundError(
                f"{path!r}: there is no tokenizer for it: expected {TOKENIZER} next to it, or "
                f"../tokenizers/{_config_name(path)}_tokenizer_config.json"
            )
        return Found(path, tokenizer, None)
    for folder in (path, os.path.join(path, NESTED)):
        table, tokenizer = os.path.join(folder, MODEL), os.path.join(folder, TOKENIZER)
        configs = [c for c in (os.path.join(path, name) for name in CONFIGS) if os.path.exists(c)]
        if configs and os.path.exists(table) and os.path.exists(tokenizer):
            return Found(table, tokenizer, configs[0])
    for folder in (os.path.join(path, "weights"), path):
        for table in sorted(glob(os.path.join(escape(folder), "*.safetensors")), key=_dims_in_name, reverse=True):
            if tokenizer := _tokenizer_of(table):
                return Found(table, tokenizer, None)
    missing = [name for name in (MODEL, TOKENIZER, CONFIGS[0]) if not os.path.exists(os.path.join(path, name))]
    error = IsADirectoryError if len(missing) == 3 else FileNotFoundError
    raise error(
        f"{path!r} is a directory, but not one of model2vec: {', '.join(missing)} missing; nor does it have weights "
        "and tokenizers of wordllama"
    )


def _installed(package: str) -> str:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{package!r} is neither a path nor an installed package; pip install {package}")
    return next(iter(spec.submodule_search_locations))


def _config_name(table: str) -> str:
    """ "l2_supercat" of ".../l2_supercat_256.safetensors"."""
    return re.sub(r"_\d+$", "", os.path.basename(table).removesuffix(".safetensors"))


def _dims_in_name(table: str) -> tuple[int, str]:
    digits = re.search(r"_(\d{1,9})\.safetensors$", table)
    return (int(digits[1]) if digits else 0), table


def _tokenizer_of(table: str) -> str | None:
    """The tokenizer of a wordllama file; None if there is none."""
    folder = os.path.dirname(os.path.abspath(table))
    name = f"{_config_name(table)}_tokenizer_config.json"
    tokenizers = os.path.join(os.path.dirname(folder), "tokenizers")
    places = [os.path.join(folder, TOKENIZER), os.path.join(folder, name), os.path.join(tokenizers, name)]
    return next((place for place in places if os.path.isfile(place)), None)


def _read_bytes(path: str, most: int) -> bytes:
    if not os.path.isfile(path):
        raise OSError(f"{path!r} is a directory, a device or a pipe; expected a file")
    if os.path.getsize(path) > most:
        raise ValueError(f"{path!r} has {os.path.getsize(path):,} bytes; at most {most:,} are read")
    with open(path, "rb") as file:
        return file.read(most)


def _read_config(path: str | None) -> tuple[bool, int | None]:
    """`normalize` and `max_length`."""
    if path is None:
        return False, None
    try:
        config = json.loads(_read_bytes(path, MAX_CONFIG_BYTES).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path!r}: not JSON ({error})") from None
    if not isinstance(config, dict):
        raise ValueError(f"{path!r}: expected an object, got {config!r:.40}")
    normalize, max_length = config.get("normalize", False), config.get("max_length", MAX_LENGTH)
    if normalize is not None and type(normalize) is not bool:
        raise ValueError(f"{path!r}: normalize: expected true or false, got {normalize!r:.40}")
    if max_length is not None and (type(max_length) is not int or not 0 < max_length < 1 << 31):
        raise ValueError(f"{path!r}: max_length: expected a positive integer or null, got {max_length!r:.40}")
    return bool(normalize), max_length


# -----------------------------------------------------------------------------------------------------
# The table


def _table(path: str, tensors: dict[str, np.ndarray], n_subwords: int, dims: int | None) -> np.ndarray:
    """The rows of all subwords: float32 or float16, (n_subwords, dim)."""
    name = EMBEDDINGS if EMBEDDINGS in tensors else STATIC_EMBEDDING
    table, weights, mapping = tensors[name], tensors.get(WEIGHTS), tensors.get(MAPPING)
    if table.ndim != 2 or not table.size or table.dtype.kind not in "fi":
        raise ValueError(f"{path!r}: array {name!r}: expected a matrix of floats, got {_what(table)}")
    if dims is not None and not 0 < dims <= table.shape[1]:
        raise ValueError(f"dims: must be between 1 and the {table.shape[1]} dimensions of {path!r}, got {dims}")
    table = table[:, :dims]
    if mapping is not None:
        if mapping.shape != (n_subwords,) or mapping.dtype.kind not in "iu":
            raise ValueError(
                f"{path!r}: array {MAPPING!r}: expected integers for the {n_subwords:,} tokens, got {_what(mapping)}"
            )
        if mapping.min() < 0 or mapping.max() >= len(table):
            raise ValueError(
                f"{path!r}: array {MAPPING!r}: its rows must be between 0 and {len(table) - 1:,}, got "
                f"{mapping.min()} to {mapping.max()}"
            )
        table = table[mapping.astype(np.int64)]
    if len(table) != n_subwords:
        raise ValueError(
            f"{path!r}: array {name!r} has {len(table):,} rows, but the tokenizer has {n_subwords:,} tokens; the files "
            "belong to different models"
        )
    half = table.dtype == np.float16 and weights is None
    rows = np.ascontiguousarray(table, dtype=np.float16 if half else np.float32)
    if weights is not None:
        if weights.shape != (n_subwords,) or weights.dtype.kind != "f":
            raise ValueError(
                f"{path!r}: array {WEIGHTS!r}: expected floats for the {n_subwords:,} tokens, got {_what(weights)}"
            )
        rows = rows * weights.astype(np.float32)[:, None]
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise ValueError(f"{path!r}: array {name!r}: the row of token {int(np.flatnonzero(bad)[0]):,} is not finite")
    return rows


def _what(array: Any) -> str:
    return f"{array.dtype} of shape {array.shape}"
