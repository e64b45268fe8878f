"""Fingerprints of texts and of tokenizers: whether tokens that were kept are still those of a corpus."""

from __future__ import annotations

import copyreg
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import site
import sys
import sysconfig
import types
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .._util.subwords import SubwordTokenizer
from ..phrases import phrases_to_json
from ..tokenizers import CLASSES, FUNCTIONS, Morphemes, describe, name_of, packages_of, resolve

RULES = 1  # raise it when the tokens of a tokenizer of this package change, or how they are written
TEXTS_PER_HASH = 1 << 10
SHOWN = 200  # characters of a description
NOT_CODE = (
    "__dict__",
    "__weakref__",
    "__doc__",
    "__module__",
    "__firstlineno__",
    "__static_attributes__",
)  # of a class

# -----------------------------------------------------------------------------------------------------
# Texts


def new_hash() -> Any:
    """The hash function of all fingerprints: fast, and collisions cannot be found."""
    return hashlib.blake2b(digest_size=20)


class TextsFingerprint:
    """A fingerprint of a sequence of texts, taken while they are read.

    Attributes
    ----------
    n_texts : int
        Texts read so far.
    """

    def __init__(self) -> None:
        self.n_texts = 0
        self._hash, self._batch = new_hash(), list[str]()

    def record(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield the texts unchanged."""
        for text in texts:
            if len(self._batch) == TEXTS_PER_HASH:
                self._flush()
            self._batch.append(text)
            self.n_texts += 1
            yield text

    def _flush(self) -> None:
        """The lengths are hashed too, as a text can contain any character."""
        self._hash.update(np.fromiter(map(len, self._batch), "<i8", len(self._batch)))
        self._hash.update("".join(self._batch).encode("utf-8", "surrogatepass"))
        self._batch = []

    def hexdigest(self) -> str:
        """The fingerprint of the texts read so far, of which there must not be more."""
        self._flush()
        return str(self._hash.hexdigest())


# -----------------------------------------------------------------------------------------------------
# Tokenizers


def tokenization_facts(tokenizer: Any, phrases: Any) -> dict[str, Any]:
    """What tokens depend on besides the texts, as a value for JSON: names, versions, and fingerprints of code.

    A callable is described by its code, its state, and the functions and variables of the user's own modules that it
    uses; of installed packages, by their versions. What cannot be looked into, such as objects of C libraries, is
    described by its type only.

    Parameters
    ----------
    tokenizer : str or callable
    phrases : None, FrozenPhrases, or a tuple of them
    """
    versions: dict[str, str | None] = {"rules": str(RULES), "Unicode": unicodedata.unidata_version}
    versions |= {name: package_version(name) for name in packages_of(tokenizer)}
    code = None
    is_subclass = isinstance(tokenizer, Morphemes) and type(tokenizer) not in CLASSES.values()
    if name_of(tokenizer) is None or is_subclass:
        if not isinstance(tokenizer, SubwordTokenizer):
            versions["Python"] = platform.python_version()
        code = _Fingerprints().of(tokenizer).hex()
    joined = None
    if phrases is not None:
        joined = hashlib.sha256(json.dumps(phrases_to_json(phrases), sort_keys=True).encode()).hexdigest()
    return {"tokenizer": describe(tokenizer)[:SHOWN], "versions": versions, "code": code, "phrases": joined}


def is_pristine(tokenizer: Any) -> bool:
    """Whether nothing but its name and `tokenization_facts` can influence what a tokenizer returns.

    False for callables, and for analyzers that are loaded: somebody may have added words to their dictionaries.
    """
    found = resolve(tokenizer)
    if isinstance(found, Morphemes):
        return type(found) in CLASSES.values() and not found.is_loaded
    return found in FUNCTIONS.values()


def explain_difference(kept: dict[str, Any], now: dict[str, Any]) -> str | None:
    """What differs between two results of `tokenization_facts`, as a clause for a message; None if nothing does."""
    if kept["tokenizer"] != now["tokenizer"]:
        return f"the tokenizer was {kept['tokenizer']}, and is {now['tokenizer']}"
    for name in sorted({*kept["versions"], *now["versions"]}):
        before, after = (facts["versions"].get(name) for facts in (kept, now))
        if before != after:
            what = "the tokenizing of this package" if name == "rules" else name
            return f"the version of {what} was {before}, and is {after}"
    if kept["code"] != now["code"]:
        return f"the code of the tokenizer {now['tokenizer']}, or what it uses, has changed"
    if kept["phrases"] != now["phrases"]:
        return "the phrases have changed"
    return None


def package_version(name: str) -> str | None:
    """The version of an installed package or module; None if there is none."""
    try:
        return importlib.metadata.version(name)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        version = getattr(sys.modules.get(name), "__version__", None)
        return version if isinstance(version, str) else None


@functools.cache
def _folders_of_packages() -> tuple[str, ...]:
    named = sysconfig.get_paths()
    users = site.getusersitepackages() if site.ENABLE_USER_SITE else ""
    folders = named["purelib"], named["platlib"], *site.getsitepackages(), users
    return tuple(os.path.join(folder, "") for folder in folders if folder)


def _is_installed(module: str | None) -> bool:
    """Whether a module belongs to Python or to an installed package, so that its version says what is in it."""
    top = (module or "__main__").partition(".")[0]
    if top in sys.stdlib_module_names or top == __name__.partition(".")[0]:
        return True
    file = getattr(sys.modules.get(module or ""), "__file__", None)
    return file is not None and file.startswith(_folders_of_packages())


class _Fingerprints:
    """Fingerprints of objects: their types, their values, and of functions the code and what it refers to."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, bytes]] = {}  # by id: the object, which keeps the id in use, and the result

    def of(self, value: Any) -> bytes:
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        self._known[id(value)] = value, b"a part of itself"
        try:
            parts = list(self._parts(value))
        except Exception:  # an object's own code may raise anything
            parts = [self._name(type(value))]
        hashed = new_hash()
        for part in parts:
            hashed.update(len(part).to_bytes(8, "little") + part)
        result: bytes = hashed.digest()
        self._known[id(value)] = value, result
        return result

    def _parts(self, value: Any) -> Iterator[bytes]:
        yield type(value).__qualname__.encode()
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
            yield repr(value).encode("utf-8", "surrogatepass")
        elif isinstance(value, (list, tuple)):
            yield from map(self.of, value)
        elif isinstance(value, (set, frozenset)):
            yield from sorted(map(self.of, value))
        elif isinstance(value, dict):
            yield from sorted(self.of(key) + self.of(item) for key, item in value.items())
        elif isinstance(value, types.FunctionType):
            yield from self._parts_of_function(value)
        elif isinstance(value, types.CodeType):
            yield value.co_code
            yield from map(self.of, (value.co_consts, value.co_names, value.co_varnames, value.co_freevars))
        elif isinstance(value, type):
            yield from self._parts_of_class(value)
        elif isinstance(value, types.ModuleType):
            yield from (value.__name__.encode(), str(package_version(value.__name__)).encode())
        elif isinstance(value, (types.BuiltinFunctionType, types.MethodWrapperType)):
            yield self._name(value)
            yield self.of(getattr(value, "__self__", None))
        elif hasattr(value, "__wrapped__"):  # functools.cache
            yield self.of(value.__wrapped__)
        else:
            yield from self._parts_of_object(value)

    def _name(self, value: Any) -> bytes:
        module = getattr(value, "__module__", None) or "builtins"
        version = package_version(module.partition(".")[0]) if _is_installed(module) else None
        return f"{module}.{getattr(value, '__qualname__', '')} {version}".encode()

    def _parts_of_function(self, function: types.FunctionType) -> Iterator[bytes]:
        if _is_installed(function.__module__):
            yield self._name(function)
            return
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        yield from map(self.of, (function.__code__, function.__defaults__, function.__kwdefaults__, cells))
        names = _names_in(function.__code__)
        for name in sorted(names & function.__globals__.keys()):
            used = function.__globals__[name]
            yield name.encode() + self.of(used)
            if isinstance(used, types.ModuleType) and not _is_installed(used.__name__):
                members = sorted(names & vars(used).keys())
                yield from (member.encode() + self.of(vars(used)[member]) for member in members)

    def _parts_of_class(self, cls: type) -> Iterator[bytes]:
        yield self._name(cls)
        if not _is_installed(cls.__module__):
            yield from map(self.of, cls.__bases__)
            for name, member in sorted(vars(cls).items()):
                if name not in NOT_CODE:
                    yield name.encode() + self.of(getattr(member, "fget", member))

    def _parts_of_object(self, value: Any) -> Iterator[bytes]:
        yield self.of(type(value))
        try:
            reduce = copyreg.dispatch_table.get(type(value))  # of regular expressions, for example
            state: Any = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception:  # it cannot be pickled: an object with a lock, a lambda, a C library behind it
            yield self.of(dict(getattr(value, "__dict__", {})))
            return
        if isinstance(state, str):
            yield state.encode()
            return
        for part in state:  # the last two are iterators over items
            yield self.of(list(part) if isinstance(part, Iterator) else part)


def _names_in(code: types.CodeType) -> set[str]:
    """The names that code refers to, also in functions within it."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names_in(constant)
    return names
