"""Text -> tokens: tokenizers by name, Korean morphemes among them.

======== ===========================================================================================================
split    at whitespace, as `str.split`; the default, done by the kernel
simple   gensim's `tokenize`, lower-cased: runs of letters, digits and punctuation left out. Not `simple_preprocess`,
         which also drops words of one letter or of more than fifteen: sentences of one-syllable words would be lost
words    lower-cased; runs of letters and digits, and each punctuation mark by itself
kiwi     Korean morphemes by Kiwi, inflected forms taken back to stem and endings
mecab    Korean morphemes by MeCab-ko: four times as fast in one thread, inflected forms left as they are
======== ===========================================================================================================

"kiwi:N,V" and "mecab:N,V" keep the morphemes whose part of speech begins so. Any callable from a text to a list of
tokens is a tokenizer too.
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

from ._util.threads import available_cpus

logger = logging.getLogger(__name__)

Tokenizer = Callable[[str], list[str]]

DEFAULT = "split"

_WORDS = re.compile(r"\w+|[^\w\s]")

# Sejong's parts of speech as Kiwi and MeCab-ko write them, and Kiwi's own beginnings.
TAGS = (
    "NNG NNP NNB NNBC NR NP VV VA VX VCP VCN MM MAG MAJ IC JKS JKC JKG JKO JKB JKV JKQ JX JC EP EF EC ETN ETM XPN XSN "
    "XSV XSA XSM XR SF SP SS SSO SSC SE SO SW SL SH SN SB SC SY UN UNKNOWN W_URL W_EMAIL W_HASHTAG W_MENTION W_SERIAL "
    "W_EMOJI Z_CODA Z_SIOT USER0 USER1 USER2 USER3 USER4"
)


def split(text: str) -> list[str]:
    """The parts of a text between whitespace."""
    return text.split()


def simple(text: str) -> list[str]:
    """Lower-cased runs of letters, as gensim's `tokenize` finds them."""
    return list(gensim_tokenize(text, lowercase=True))


def words(text: str) -> list[str]:
    """Lower-cased runs of letters and digits, and punctuation marks one by one."""
    return _WORDS.findall(text.lower())


# -----------------------------------------------------------------------------------------------------
# Morphemes

_engines: dict[str, tuple[Any, int]] = {}  # by kind: what analyses text, and the process that loaded it
_loading = threading.Lock()


class Morphemes:
    """Korean morphemes, all or those of some parts of speech; see `Kiwi` and `Mecab`.

    Objects hold their tags alone, so they can be pickled and shared by threads; the dictionary is loaded when the
    first text comes, once a process.

    Parameters
    ----------
    tags : iterable of str, or one str with commas
        Beginnings of the parts of speech to keep ("N": all nouns; "VV": verbs). Empty: all morphemes are kept,
        endings, particles and punctuation too.

    Raises
    ------
    ValueError
        Where no part of speech begins so.
    """

    kind: ClassVar[str]
    package: ClassVar[str]  # what is installed
    module: ClassVar[str]  # what is imported

    def __init__(self, tags: Iterable[str] | str = ()) -> None:
        given = tags.split(",") if isinstance(tags, str) else tags
        self.tags = tuple(tag.strip() for tag in given if tag.strip())
        for tag in self.tags:
            if not any(known.startswith(tag.partition("-")[0]) for known in TAGS.split()):  # VV-I: irregular verbs
                raise ValueError(f"tags: no part of speech begins with {tag!r}; there are {TAGS}")

    @property
    def name(self) -> str:
        """The name that gives this tokenizer, "kiwi:N,V"."""
        return f"{self.kind}:{','.join(self.tags)}" if self.tags else self.kind

    def load(self) -> Any:
        """The analyser, loaded where it is not yet.

        Raises
        ------
        ImportError
            Where its package is missing, with the command that installs it.
        """
        loaded = _engines.get(self.kind)
        if loaded is None:
            with _loading:
                if self.kind not in _engines:
                    _engines[self.kind] = self._open(), os.getpid()
                loaded = _engines[self.kind]
        return loaded[0]

    def _open(self) -> Any:
        try:
            return self._engine()
        except ImportError as error:
            raise ImportError(missing(self) or f"the tokenizer {self.kind!r} cannot be loaded: {error}") from error

    @staticmethod
    def _engine() -> Any:
        raise NotImplementedError

    def _analysed(self, text: str) -> Iterable[tuple[str, str]]:
        """The forms and tags of a text's morphemes."""
        raise NotImplementedError

    def _kept(self, morphemes: Iterable[tuple[str, str]]) -> list[str]:
        tags = self.tags
        if not tags:
            return [form for form, _ in morphemes]
        return [form for form, tag in morphemes if any(part.startswith(tags) for part in tag.split("+"))]

    def __call__(self, text: str) -> list[str]:
        return self._kept(self._analysed(_composed(text)))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(tags={self.tags})"


class Kiwi(Morphemes):
    """Korean morphemes by `kiwipiepy`: stems and endings apart, each in its base form."""

    kind, package, module = "kiwi", "kiwipiepy", "kiwipiepy"

    @staticmethod
    def _engine() -> Any:
        from kiwipiepy import Kiwi as Engine

        return Engine(num_workers=available_cpus())

    def _analysed(self, text: str) -> Iterable[tuple[str, str]]:
        return ((token.form, token.tag) for token in self.load().tokenize(text))

    def stream(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """The tokens of many texts, in Kiwi's own threads, without the GIL; a few texts are read ahead."""
        engine = self.load()
        if _engines[self.kind][1] != os.getpid():  # a fork has none of the threads, and would wait for them
            yield from map(self, texts)
            return
        for tokens in engine.tokenize(map(_composed, texts)):
            yield self._kept((token.form, token.tag) for token in tokens)


class Mecab(Morphemes):
    """Korean morphemes by `python-mecab-ko`: fast; the forms are those that stand in the text."""

    kind, package, module = "mecab", "python-mecab-ko", "mecab"

    @staticmethod
    def _engine() -> Any:
        from mecab import MeCab

        return MeCab()

    def _analysed(self, text: str) -> Iterable[tuple[str, str]]:
        return self.load().pos(text)


def _composed(text: str) -> str:
    """Syllables as one code each (NFC), which the dictionaries expect; no lone surrogates, no end of a C string."""
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
    """Stands where a callable was that could not be saved; an error that says so for the first text."""

    def __init__(self, described: str) -> None:
        self.described = described

    def __call__(self, text: str) -> list[str]:
        raise ValueError(
            f"the vectors were saved with the tokenizer {self.described}, which a file cannot hold: set wv.tokenizer "
            "to it (or to a name) after loading, or pass lists of tokens"
        )

    def __repr__(self) -> str:
        return f"<tokenizer {self.described}, to be set>"


def resolve(tokenizer: Any) -> Tokenizer:
    """The callable that a name stands for, or a callable as it is; packages are imported at the first text.

    Raises
    ------
    TypeError
        Where it is neither.
    ValueError
        Where there is no tokenizer of that name.
    """
    if not isinstance(tokenizer, str):
        if callable(tokenizer):
            return tokenizer
        raise TypeError(f"tokenizer: a name or a callable is expected, got a {type(tokenizer).__name__}")
    kind, colon, tags = tokenizer.partition(":")
    if kind in CLASSES:
        return CLASSES[kind](tags)
    if kind not in FUNCTIONS or colon:
        names = [*FUNCTIONS, *CLASSES]
        close = get_close_matches(kind, names, 1)
        hint = (
            f"{kind} has no tags" if kind in FUNCTIONS else f"did you mean {close[0]}?" if close else "pass a callable"
        )
        raise ValueError(f"tokenizer: there is no {tokenizer!r}, only {', '.join(names)}; {hint}")
    return FUNCTIONS[kind]


def name_of(tokenizer: Any) -> str | None:
    """The name of a tokenizer, None for a callable without one."""
    if isinstance(tokenizer, str):
        return tokenizer
    if isinstance(tokenizer, Morphemes):
        return tokenizer.name
    return next((name for name, function in FUNCTIONS.items() if function is tokenizer), None)


def describe(tokenizer: Any) -> str:
    """A tokenizer in a word, for people."""
    if isinstance(tokenizer, UnsavedTokenizer):
        return tokenizer.described
    function = tokenizer if hasattr(tokenizer, "__qualname__") else type(tokenizer)
    module = getattr(function, "__module__", None) or "builtins"
    return name_of(tokenizer) or f"{module}.{function.__qualname__}"


def missing(tokenizer: Any) -> str | None:
    """What to install for a tokenizer to work, None where nothing is missing."""
    kind = (name_of(tokenizer) or "").partition(":")[0]
    if kind not in CLASSES or importlib.util.find_spec(CLASSES[kind].module) is not None:
        return None
    return f'the tokenizer {kind!r} needs {CLASSES[kind].package}: pip install "gensim-sent2vec[korean]"'


def tokenizer_to_json(tokenizer: Any) -> Any:
    """What `json.dump` takes for a tokenizer.

    Returns
    -------
    str or dict
        Its name; for a callable without a name, which cannot be saved, ``{"callable": "module.name"}`` to tell the
        reader, and a warning in the log.
    """
    name = name_of(tokenizer)
    if name is not None:
        return name
    if not isinstance(tokenizer, UnsavedTokenizer):
        logger.warning("%s", unsaved_warning(tokenizer))
    return {"callable": describe(tokenizer)}


def unsaved_warning(tokenizer: Any) -> str:
    """What to say where a callable is not saved."""
    return (
        f"the tokenizer {describe(tokenizer)} is a callable and is not saved; set wv.tokenizer to it again after "
        "loading, before texts are encoded"
    )


def tokenizer_from_json(value: Any) -> Any:
    """The tokenizer that `tokenizer_to_json` described: a name, or an `UnsavedTokenizer`.

    A name whose package is not installed gives a warning in the log here, and an ImportError for the first text.

    Raises
    ------
    ValueError
        Where it is no description of a tokenizer.
    """
    if isinstance(value, dict) and isinstance(value.get("callable"), str):
        return UnsavedTokenizer(value["callable"])
    if not isinstance(value, str):
        raise ValueError(f"tokenizer: damaged description {value!r}")
    resolve(value)
    warn_if_missing(value)
    return value


def warn_if_missing(tokenizer: Any) -> None:
    """For vectors that have just been loaded: what must be installed for their tokenizer to work."""
    lacking = missing(tokenizer)
    if lacking:
        logger.warning("%s; without it only lists of tokens can be encoded", lacking)
