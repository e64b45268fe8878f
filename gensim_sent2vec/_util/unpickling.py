"""Unpickling without executing code: only known classes are created, and none of their constructors is called.

A pickle names classes and functions, and what to call with which arguments. `RestrictedUnpickler` looks names up in
lists of harmless ones. Even a class of gensim can be harmful if it is called, because some constructors write files.
Therefore classes are replaced by a `_creator`, which makes an empty object; its attributes come from the pickle.
"""

from __future__ import annotations

import builtins
import collections
import importlib
import pickle
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from gensim.utils import SaveLoad
from smart_open import open as smart_open

PACKAGE = "gensim_sent2vec"
HOW_TO_TRUST = "if you trust the file, pass trusted=True (on the command line, --trusted)"

# Called as they are: they only compute a value.
PLAIN: dict[str, tuple[str, ...]] = {
    "builtins": (
        "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "hash", "int", "list", "object",
        "range", "set", "slice", "str", "tuple",
    ),
    "collections": ("Counter", "OrderedDict", "deque"),
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "pathlib": ("Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath"),
    "pathlib._local": ("Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath"),
    "numpy": (
        "bool", "bool_", "bytes_", "complex128", "complex64", "datetime64", "dtype", "float16", "float32", "float64",
        "int16", "int32", "int64", "int8", "ndarray", "str_", "timedelta64", "uint16", "uint32", "uint64", "uint8",
    ),
    "numpy.core.multiarray": ("_reconstruct", "scalar"),
    "numpy._core.multiarray": ("_reconstruct", "scalar"),
    "numpy.core.numeric": ("_frombuffer",),
    "numpy._core.numeric": ("_frombuffer",),
    "numpy.random._mt19937": ("MT19937",),
    "numpy.random._pcg64": ("PCG64", "PCG64DXSM"),
    "numpy.random._philox": ("Philox",),
    "numpy.random._sfc64": ("SFC64",),
    "numpy.random._pickle": ("__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor"),
    "numpy.random.bit_generator": ("SeedSequence", "__pyx_unpickle_SeedSequence"),
    "gensim.models.phrases": ("npmi_scorer", "original_scorer"),
    "gensim.utils": ("call_on_class_only",),  # it raises an AttributeError
    f"{PACKAGE}.tokenizers": ("simple", "split", "words"),
}  # fmt: skip

# Classes of which empty objects are created.
CREATED: dict[str, tuple[str, ...]] = {
    "gensim.models.callbacks": ("CallbackAny2Vec",),
    "gensim.models.doc2vec": ("Doc2Vec", "Doc2VecTrainables", "Doc2VecVocab", "Doctag"),
    "gensim.models.fasttext": ("FastText", "FastTextKeyedVectors", "FastTextTrainables", "FastTextVocab"),
    "gensim.models.keyedvectors": (
        "CompatVocab", "Doc2VecKeyedVectors", "FastTextKeyedVectors", "KeyedVectors", "Vocab", "Word2VecKeyedVectors",
    ),
    "gensim.models.phrases": ("FrozenPhrases", "Phraser", "Phrases"),
    "gensim.models.word2vec": ("Word2Vec", "Word2VecTrainables", "Word2VecVocab"),
    f"{PACKAGE}._pooling.fitted": ("FittedWeighting", "UnseenWords"),
    f"{PACKAGE}._pooling.parameters": ("WeightingParameters",),
    f"{PACKAGE}._pooling.pretrained": ("PretrainedRows",),
    f"{PACKAGE}._pooling.spelling": ("CharNgrams",),
    f"{PACKAGE}._text.counting": ("WordCounts",),
    f"{PACKAGE}._text.packed": ("PackedStrings",),
    f"{PACKAGE}._text.vocabulary": ("IndexToKey", "Vocabulary"),
    f"{PACKAGE}._util.subwords": ("SubwordTokenizer",),
    f"{PACKAGE}.history": ("TrainingHistory",),
    f"{PACKAGE}.keyedvectors": ("Sent2VecKeyedVectors",),
    f"{PACKAGE}.model": ("Sent2Vec",),
    f"{PACKAGE}.tokenizers": ("Kiwi", "Mecab", "UnsavedTokenizer"),
    f"{PACKAGE}.weighting": ("SentenceWeighting", "_SavedFit"),
}  # fmt: skip


def _empty_defaultdict(factory: Any = None) -> collections.defaultdict[Any, Any]:
    """A defaultdict with a factory that only creates an empty container or a number."""
    if factory not in (None, dict, float, int, list, set, str):
        raise pickle.UnpicklingError(f"a defaultdict of {factory!r}")
    return collections.defaultdict(factory)


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """Bytes in pickles of protocols 0 to 2, which store them as text."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes encoded as {encoding!r}")
    return text.encode("latin1")


def _reconstruct_object(cls: Callable[[], Any], base: type, state: Any) -> Any:
    """Objects in pickles of protocols 0 and 1."""
    if base is not object or state is not None:
        raise pickle.UnpicklingError(f"an object derived from {base!r}")
    return cls()


# Replaced by harmless functions. numpy.memmap creates or truncates a file if it is called; arrays that were mapped when
# they were pickled become ordinary ones.
REPLACED: dict[tuple[str, str], Any] = {
    ("_codecs", "encode"): _encode,
    ("collections", "defaultdict"): _empty_defaultdict,
    ("copyreg", "_reconstructor"): _reconstruct_object,
    ("numpy", "memmap"): np.ndarray,
    ("numpy.core.memmap", "memmap"): np.ndarray,
    ("numpy._core.memmap", "memmap"): np.ndarray,
}


class UntrustedClassError(pickle.UnpicklingError):
    """A pickle names a class or function that only trusted files may use."""


class RestrictedUnpickler(pickle.Unpickler):
    """Loads a pickle of harmless classes; the first other one is an `UntrustedClassError`, before it is called."""

    def find_class(self, module: str, name: str) -> Any:
        module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)  # of protocols 0 to 2
        if (module, name) in REPLACED:
            return REPLACED[module, name]
        if name in PLAIN.get(module, ()):
            return getattr(builtins if module == "builtins" else importlib.import_module(module), name)
        if name in CREATED.get(module, ()):
            return _creator(getattr(importlib.import_module(module), name))
        raise UntrustedClassError(f"it contains a {module}.{name}, which could execute code; {HOW_TO_TRUST}")


@cache
def _creator(cls: type) -> type:
    """A class that, when it is called, makes an empty object of another class, whatever the arguments."""

    def create(_: type, *args: Any, **kwargs: Any) -> Any:
        return object.__new__(cls)

    return type(f"_Creator_{cls.__name__}", (), {"__new__": create})


def load_saved(path: str, mmap: str | None = None, trusted: bool = False, find: Callable[[str], str] = str) -> SaveLoad:
    """Load an object that gensim's `SaveLoad.save` wrote; a file may be compressed if its suffix says so.

    Parameters
    ----------
    path : str
    mmap : str, optional
        As in gensim's `SaveLoad.load`.
    trusted : bool
        Whether all classes and functions may be used, which lets the file execute any code.
    find : callable
        Where a file is to be read instead, by its path.

    Raises
    ------
    UntrustedClassError
        If the file needs to be trusted.
    Exception
        Unpickling arbitrary bytes can raise anything.
    """
    compressed, suffixed = SaveLoad._adapt_by_suffix(path)
    with smart_open(find(path), "rb") as file:
        result = (pickle.Unpickler if trusted else RestrictedUnpickler)(file, encoding="latin1").load()
    if not isinstance(result, SaveLoad):
        raise pickle.UnpicklingError(f"it contains a {type(result).__qualname__}, not an object of gensim")
    if not trusted:
        _check_parts(result)
    result._load_specials(path, mmap, compressed, lambda *names: find(suffixed(*names)))
    result.add_lifecycle_event("loaded", fname=path)
    return result


def _check_parts(loaded: Any) -> None:
    """Check the objects that gensim loads more files for: for a sparse matrix, it would unpickle one."""
    state = vars(loaded)
    if state.get("__scipys"):
        raise UntrustedClassError(f"it refers to a sparse matrix, which is another pickle; {HOW_TO_TRUST}")
    for name in state.get("__recursive_saveloads", ()):
        _check_parts(state[name])
