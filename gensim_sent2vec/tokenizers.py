"""Tokenizers: functions from a text to a list of tokens, selected by name.

======== ===========================================================================================================
split    whitespace, as in `str.split`; the default, implemented in the kernel
simple   gensim's `tokenize`, lower-cased: runs of letters, without digits and punctuation. Not `simple_preprocess`,
         which also drops words of one letter or more than fifteen: no sentence of one-syllable words would survive
words    lower-cased; runs of letters and digits, and each punctuation mark as a token
kiwi     Korean morphemes by Kiwi, which reduces inflected forms to a stem and endings
mecab    Korean morphemes by MeCab-ko: four times as fast in a single thread; inflected forms are kept
======== ===========================================================================================================

"kiwi:N,V" and "mecab:N,V" keep only morphemes whose part-of-speech tag starts with one of these prefixes. Any callable
from a text to a list of tokens can be used in place of a name.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any, ClassVar

from gensim.utils import tokenize as gensim_tokenize

from ._util.hints import with_hints
from ._util.subwords import SubwordTokenizer, missing_package
from ._util.threads import available_cpus

logger = logging.getLogger(__name__)

Tokenizer = Callable[[str], list[str]]

DEFAULT = "split"

_WORDS = re.compile(r"\w+|[^\w\s]")

# Part-of-speech tags: the Sejong tag set as Kiwi and MeCab-ko write it, and Kiwi's additions.
TAGS = (
    "NNG NNP NNB NNBC NR NP VV VA VX VCP VCN MM MAG MAJ IC JKS JKC JKG JKO JKB JKV JKQ JX JC EP EF EC ETN ETM XPN XSN "
    "XSV XSA XSM XR SF SP SS SSO SSC SE SO SW SL SH SN SB SC SY UN UNKNOWN W_URL W_EMAIL W_HASHTAG W_MENTION W_SERIAL "
    "W_EMOJI Z_CODA Z_SIOT USER0 USER1 USER2 USER3 USER4"
)


def split(text: str) -> list[str]:
    """Split a text at whitespace."""
    return text.split()


def simple(text: str) -> list[str]:
    """Lower-cased runs of letters, as in gensim's `tokenize`."""
    return list(gensim_tokenize(text, lowercase=True))


def words(text: str) -> list[str]:
    """Lower-cased runs of letters and digits, and single punctuation marks."""
    return _WORDS.findall(text.lower())


# -----------------------------------------------------------------------------------------------------
# Morphemes

_engines: dict[str, tuple[Any, int]] = {}  # by kind: the loaded analyzer, and the id of the process that loaded it
_loading = threading.Lock()


@with_hints
class Morphemes:
    """Base class of the Korean tokenizers `Kiwi` and `Mecab`: all morphemes, or those with certain parts of speech.

    An object stores only its tags, so it can be pickled and shared by threads. The dictionary is loaded when the first
    text is tokenized, once per process.

    Parameters
    ----------
    tags : iterable of str, or comma-separated str
        Prefixes of the part-of-speech tags to keep ("N": all nouns; "VV": verbs). If empty, all morphemes are kept,
        including endings, particles and punctuation.

    Raises
    ------
    ValueError
        If no part-of-speech tag starts with one of the prefixes.
    """

    kind: ClassVar[str]
    package: ClassVar[str]  # the name to install
    module: ClassVar[str]  # the name to import
    packages: ClassVar[tuple[str, ...]]  # whose versions its tokens depend on: the code and the dictionary

    def __init__(self, tags: Iterable[str] | str = ()) -> None:
        given = tags.split(",") if isinstance(tags, str) else tags
        self.tags = tuple(tag.strip() for tag in given if tag.strip())
        for tag in self.tags:
            if not any(known.startswith(tag.partition("-")[0]) for known in TAGS.split()):  # VV-I: irregular verbs
                raise ValueError(f"tags: no part-of-speech tag starts with {tag!r}; the tags are {TAGS}")

    @property
    def is_loaded(self) -> bool:
        """Whether this process has the analyzer, whose dictionary somebody may have added words to."""
        return self.kind in _engines

    @property
    def name(self) -> str:
        """The name that `resolve` maps to this tokenizer, such as "kiwi:N,V"."""
        return f"{self.kind}:{','.join(self.tags)}" if self.tags else self.kind

    def load(self, threads: int | None = None) -> Any:
        """Return the analyzer; it is loaded on first use.

        Parameters
        ----------
        threads : int, optional
            Number of threads of an analyzer that has its own, if this call loads it; by default, one per CPU.

        Raises
        ------
        ImportError
            If its package is not installed, with the command that installs it.
        """
        loaded = _engines.get(self.kind)
        if loaded is None:
            with _loading:
                if self.kind not in _engines:
                    _engines[self.kind] = self._open_engine(threads or available_cpus()), os.getpid()
                loaded = _engines[self.kind]
        return loaded[0]

    def _open_engine(self, threads: int) -> Any:
        try:
            return self._import_engine(threads)
        except ImportError as error:
            raise ImportError(missing(self) or f"the tokenizer {self.kind!r} cannot be loaded: {error}") from error

    @staticmethod
    def _import_engine(threads: int) -> Any:
        raise NotImplementedError

    def _analyze(self, text: str) -> Iterable[tuple[str, str]]:
        """The form and the part-of-speech tag of each morpheme."""
        raise NotImplementedError

    def _select(self, morphemes: Iterable[tuple[str, str]]) -> list[str]:
        """The forms of the morphemes to keep."""
        tags = self.tags
        if not tags:
            return [form for form, _ in morphemes]
        return [form for form, tag in morphemes if any(part.startswith(tags) for part in tag.split("+"))]

    def __call__(self, text: str) -> list[str]:
        return self._select(self._analyze(_normalize(text)))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tags={self.tags})"


@with_hints
class Kiwi(Morphemes):
    """Korean morphemes by `kiwipiepy`: stems and endings are separated, each in its base form."""

    kind, package, module = "kiwi", "kiwipiepy", "kiwipiepy"
    packages = "kiwipiepy", "kiwipiepy_model"

    @staticmethod
    def _import_engine(threads: int) -> Any:
        from kiwipiepy import Kiwi as Engine

        return Engine(num_workers=threads)

    @property
    def has_threads(self) -> bool:
        """Whether Kiwi has threads in this process: a process that was forked after loading has none."""
        return self.kind not in _engines or _engines[self.kind][1] == os.getpid()

    def _analyze(self, text: str) -> Iterable[tuple[str, str]]:
        return ((token.form, token.tag) for token in self.load().tokenize(text))

    def stream(self, texts: Iterable[str], workers: int | None = None) -> Iterator[list[str]]:
        """The tokens of many texts, in Kiwi's own threads and without the GIL; a few texts are read ahead.

        Parameters
        ----------
        texts : iterable of str
        workers : int, optional
            Number of threads, if Kiwi is not loaded yet.
        """
        engine = self.load(workers)
        if not self.has_threads:  # it would wait for them
            yield from map(self, texts)
            return
        for tokens in engine.tokenize(map(_normalize, texts)):
            yield self._select((token.form, token.tag) for token in tokens)


@with_hints
class Mecab(Morphemes):
    """Korean morphemes by `python-mecab-ko`: fast; forms are kept as they occur in the text."""

    kind, package, module = "mecab", "python-mecab-ko", "mecab"
    packages = "python-mecab-ko", "python-mecab-ko-dic"

    @staticmethod
    def _import_engine(threads: int) -> Any:
        from mecab import MeCab

        return MeCab()

    def _analyze(self, text: str) -> Iterable[tuple[str, str]]:
        return self.load().pos(text)


def _normalize(text: str) -> str:
    """Compose syllables (NFC), as the dictionaries expect; replace lone surrogates and NUL, which C strings lack."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFC", text.replace("\0", " "))


# -----------------------------------------------------------------------------------------------------
# Names

FUNCTIONS: dict[str, Tokenizer] = {function.__name__: function for function in (split, simple, words)}
CLASSES: dict[str, type[Morphemes]] = {cls.kind: cls for cls in (Kiwi, Mecab)}


class UnsavedTokenizer:
    """Placeholder for a callable that could not be saved with the vectors; tokenizing a text raises a ValueError.

    Parameters
    ----------
    description : str
        What to call the callable in the error.
    """

    def __init__(self, description: str) -> None:
        self.description = description

    def __call__(self, text: str) -> list[str]:
        raise ValueError(
            f"tokenizer: the vectors were saved with {self.description}, a callable that cannot be stored in a file; "
            "set wv.tokenizer to it again (or to a name), or pass lists of tokens"
        )

    def __repr__(self) -> str:
        return f"<unsaved tokenizer {self.description}>"


def resolve(tokenizer: Any) -> Tokenizer:
    """Return the tokenizer with a given name; a callable is returned unchanged.

    Optional packages are imported when the first text is tokenized, not here.

    Raises
    ------
    TypeError
        If `tokenizer` is neither a string nor callable.
    ValueError
        If there is no tokenizer with that name.
    """
    if not isinstance(tokenizer, str):
        if callable(tokenizer):
            return tokenizer
        raise TypeError(f"tokenizer: expected a name or a callable, got {type(tokenizer).__name__}")
    kind, colon, tags = tokenizer.partition(":")
    if kind in CLASSES:
        return CLASSES[kind](tags)
    if kind in FUNCTIONS and not colon:
        return FUNCTIONS[kind]
    names = [*FUNCTIONS, *CLASSES]
    hint = "".join(f"; did you mean {close!r}?" for close in get_close_matches(kind, names, 1))
    if kind in FUNCTIONS:
        hint = f"; {kind!r} takes no tags"
    raise ValueError(f"tokenizer: expected a callable or one of {', '.join(names)}, got {tokenizer!r}{hint}")


def name_of(tokenizer: Any) -> str | None:
    """The name of a tokenizer, or None for a callable that has none."""
    if isinstance(tokenizer, str):
        return tokenizer
    if isinstance(tokenizer, Morphemes):
        return tokenizer.name
    return next((name for name, function in FUNCTIONS.items() if function is tokenizer), None)


def describe(tokenizer: Any) -> str:
    """A short description of a tokenizer for messages: its name, or the qualified name of a callable."""
    if isinstance(tokenizer, (UnsavedTokenizer, SubwordTokenizer)):
        return tokenizer.description
    function = tokenizer if hasattr(tokenizer, "__qualname__") else type(tokenizer)
    module = getattr(function, "__module__", None) or "builtins"
    return name_of(tokenizer) or f"{module}.{function.__qualname__}"


def packages_of(tokenizer: Any) -> tuple[str, ...]:
    """The installed packages on whose versions the tokens depend; of a callable, none are known."""
    if isinstance(tokenizer, SubwordTokenizer):
        return ("tokenizers",)
    kind = (name_of(tokenizer) or "").partition(":")[0]
    if kind in CLASSES:
        return CLASSES[kind].packages
    return ("gensim",) if kind == "simple" else ()


def missing(tokenizer: Any) -> str | None:
    """A message that says what to install before a tokenizer can be used, or None if nothing is missing."""
    if isinstance(tokenizer, SubwordTokenizer):
        return missing_package()
    kind = (name_of(tokenizer) or "").partition(":")[0]
    if kind not in CLASSES or importlib.util.find_spec(CLASSES[kind].module) is not None:
        return None
    return f'the tokenizer {kind!r} needs {CLASSES[kind].package}: pip install "gensim-sent2vec[korean]"'


# -----------------------------------------------------------------------------------------------------
# Saving and loading


def tokenizer_to_json(tokenizer: Any) -> Any:
    """Convert a tokenizer to a value that `json.dump` accepts.

    Returns
    -------
    str or dict
        The name of the tokenizer. For a `SubwordTokenizer`, ``{"subwords": options}``, without its definition. A
        callable without a name cannot be saved: the result is ``{"callable": "module.name"}``, for messages only, and
        a warning is logged.
    """
    if isinstance(tokenizer, SubwordTokenizer):
        return {"subwords": tokenizer.options}
    name = name_of(tokenizer)
    if name is not None:
        return name
    if not isinstance(tokenizer, UnsavedTokenizer):
        logger.warning("%s", unsaved_warning(tokenizer))
    return {"callable": describe(tokenizer)}


def unsaved_warning(tokenizer: Any) -> str:
    """The warning to log when a callable is not saved."""
    return (
        f"the tokenizer {describe(tokenizer)} is a callable and is not saved; set wv.tokenizer to it again after "
        "loading, before you encode texts"
    )


def tokenizer_from_json(value: Any, definition: Any = None) -> Any:
    """Convert back what `tokenizer_to_json` returned: to a name, or an `UnsavedTokenizer`.

    If the package of the tokenizer is not installed, a warning is logged now, and the first text raises an ImportError.

    Parameters
    ----------
    value : JSON value
    definition : numpy.ndarray of uint8, optional
        That of a `SubwordTokenizer`, which the value does not include.

    Raises
    ------
    TypeError, ValueError
        If the value does not describe a tokenizer.
    """
    if isinstance(value, dict) and isinstance(value.get("subwords"), dict) and definition is not None:
        tokenizer = SubwordTokenizer(definition, **value["subwords"])
        warn_if_missing(tokenizer)
        return tokenizer
    if isinstance(value, dict) and isinstance(value.get("callable"), str):
        return UnsavedTokenizer(value["callable"])
    if not isinstance(value, str):
        raise ValueError(f"tokenizer: damaged description {value!r}")
    resolve(value)
    warn_if_missing(value)
    return value


def warn_if_missing(tokenizer: Any) -> None:
    """Log a warning if the tokenizer of vectors that were just loaded needs a package that is not installed."""
    message = missing(tokenizer)
    if message:
        logger.warning("%s; until then, only lists of tokens can be encoded", message)
