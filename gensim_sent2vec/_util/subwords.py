"""Texts to subwords, by the tokenizer of pretrained vectors: a tokenizer.json of the package `tokenizers`.

The definition is kept as it was read, so that it can be stored with the vectors and memory-mapped. It is parsed when
the first text is tokenized.
"""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from .batches import batched

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TEXTS_PER_BATCH = 1 << 10
SPACE = "\u2581"  # stands for whitespace in names, as in SentencePiece: names are tokens, which contain none
PROBES = ("the", "house", "of", "water", "people")  # words that show what precedes a word within a sentence


def missing_package() -> str | None:
    """A message that says what to install before subwords can be found, or None if nothing is missing."""
    if importlib.util.find_spec("tokenizers") is not None:
        return None
    return 'the subwords of pretrained vectors need tokenizers: pip install "gensim-sent2vec[pretrained]"'


class SubwordTokenizer:
    """A tokenizer whose tokens are the subwords of pretrained vectors, by name.

    The name of a subword is that in the definition, with whitespace replaced, and made distinct. An object can be
    pickled, and shared by threads.

    Parameters
    ----------
    definition : bytes or numpy.ndarray of uint8
        The content of a tokenizer.json.
    max_tokens, max_characters : int, optional
        Longer texts are cut; None: they are not.
    drop_unknown : bool
        Whether the token for unknown text is left out.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or is out of range. The definition is not looked at.
    """

    description = "the subwords of pretrained vectors"

    def __init__(
        self,
        definition: bytes | np.ndarray,
        max_tokens: int | None = None,
        max_characters: int | None = None,
        drop_unknown: bool = True,
    ) -> None:
        if not isinstance(definition, np.ndarray):
            definition = np.frombuffer(definition, dtype=np.uint8)
        if definition.dtype != np.uint8 or definition.ndim != 1:
            raise ValueError(
                f"definition: expected the bytes of a tokenizer.json, got {definition.dtype} of shape "
                f"{definition.shape}"
            )
        for name, value in (("max_tokens", max_tokens), ("max_characters", max_characters)):
            if value is not None and (type(value) is not int or value < 1):
                raise ValueError(f"{name}: expected a positive integer or None, got {value!r}")
        if type(drop_unknown) is not bool:
            raise TypeError(f"drop_unknown: expected True or False, got {drop_unknown!r}")
        self.definition = definition
        self.max_tokens, self.max_characters, self.drop_unknown = max_tokens, max_characters, drop_unknown
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._engine: tuple[Tokenizer, list[str], int | None] | None = None
        self._prefix: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The arguments besides the definition, which JSON can store."""
        return {
            "max_tokens": self.max_tokens,
            "max_characters": self.max_characters,
            "drop_unknown": self.drop_unknown,
        }

    def __getstate__(self) -> dict[str, Any]:
        return {"definition": np.array(self.definition), **self.options}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._start()

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SubwordTokenizer)
            and other.options == self.options
            and np.array_equal(other.definition, self.definition)
        )

    def __hash__(self) -> int:
        return hash((len(self.definition), crc32(self.definition[:4096].tobytes())))

    def __repr__(self) -> str:
        return f"<{self.description}>"

    # -------------------------------------------------------------------------------------------------
    # The engine

    def _load(self) -> tuple[Tokenizer, list[str], int | None]:
        """The parsed tokenizer, the names of its tokens by id, and the id of unknown text if that is left out.

        Raises
        ------
        ImportError
            If `tokenizers` is not installed.
        ValueError
            If the definition is not valid.
        """
        with self._lock:
            if self._engine is None:
                self._engine = self._parse()
            return self._engine

    def _parse(self) -> tuple[Tokenizer, list[str], int | None]:
        if message := missing_package():
            raise ImportError(message)
        from tokenizers import Tokenizer

        text = _decoded(self.definition)
        try:
            tokenizer = Tokenizer.from_str(text)
            tokens = tokenizer.get_vocab(with_added_tokens=True)
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as error:  # a panic of the Rust code is not an Exception
            raise ValueError(f"tokenizer.json: not a tokenizer that tokenizers can load ({error})") from None
        if not tokens or sorted(tokens.values()) != list(range(len(tokens))):
            raise ValueError(f"tokenizer.json: the ids of its {len(tokens):,} tokens are not 0, 1, 2, ...")
        tokenizer.no_padding()
        tokenizer.no_truncation()
        names = distinct_names(sorted(tokens, key=tokens.__getitem__))
        return tokenizer, names, unknown_id(json.loads(text), tokens) if self.drop_unknown else None

    @property
    def names(self) -> list[str]:
        """The names of all subwords, by id."""
        return self._load()[1]

    @property
    def median_length(self) -> int:
        """The median number of characters of a token, as model2vec computes it to cut long texts."""
        return int(np.median([len(token) for token in self._load()[0].get_vocab()]))

    # -------------------------------------------------------------------------------------------------
    # Use

    def __call__(self, text: str) -> list[str]:
        return next(self.stream([text]))

    def stream(self, texts: Iterable[str]) -> Iterator[list[str]]:
        """The subwords of many texts, in the threads of `tokenizers`; a few texts are read ahead."""
        for batch in batched(iter(texts), TEXTS_PER_BATCH):
            yield from self._names_of(batch, self.max_tokens, self.max_characters)

    def _names_of(
        self,
        texts: Sequence[str],
        max_tokens: int | None = None,
        max_characters: int | None = None,
        keep_unknown: bool = False,
    ) -> Iterator[list[str]]:
        tokenizer, names, unknown = self._load()
        # Python strings can contain lone surrogates, which UTF-8 cannot.
        whole = [text[:max_characters].encode("utf-8", "replace").decode("utf-8") for text in texts]
        for encoding in _encoded(tokenizer, whole):
            yield [names[i] for i in encoding.ids[:max_tokens] if i != unknown or keep_unknown]

    def of_words(self, words: Sequence[str]) -> list[list[str]]:
        """The subwords of each word as it occurs within a sentence; "" stands for unknown text that is left out."""
        if self._prefix is None:
            self._prefix = self._find_prefix()
        _, names, unknown = self._load()
        left_out = None if unknown is None else names[unknown]
        result = []
        for batch in batched(words, TEXTS_PER_BATCH):
            for pieces in self._names_of([self._prefix + word for word in batch], keep_unknown=True):
                result.append(["" if piece == left_out else piece for piece in pieces])
        return result

    def _find_prefix(self) -> str:
        """What to put in front of a word, so that it is split as after another word.

        Byte-level tokenizers treat the first word of a text differently from the others, unless they add a space.
        """
        (first,) = self._names_of(["a"])
        within = list(self._names_of([f"a {word}" for word in PROBES]))
        matches = {
            prefix: sum(first + pieces == all_pieces for pieces, all_pieces in zip(found, within))
            for prefix in ("", " ")
            for found in [self._names_of([prefix + word for word in PROBES])]
        }
        return " " if matches[" "] > matches[""] else ""


def _encoded(tokenizer: Tokenizer, texts: list[str]) -> Sequence[Any]:
    """The encodings of texts; in several threads, unless there is only one."""
    try:
        if len(texts) == 1:
            return [tokenizer.encode(texts[0], add_special_tokens=False)]
        return tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # `tokenizers` raises Exception itself, and a panic of its code is not even one
        raise ValueError(f"tokenizer.json: the tokenizer cannot split these texts ({error})") from None


def _decoded(definition: np.ndarray) -> str:
    try:
        return definition.tobytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"tokenizer.json: not valid UTF-8 at byte {error.start:,}") from None


def distinct_names(tokens: Sequence[str]) -> list[str]:
    """Names without whitespace, all of them distinct and not empty."""
    taken = {token for token in tokens if token and token.split() == [token]}
    names = []
    for token in tokens:
        name = token
        if token not in taken:
            name = "".join(SPACE if character.isspace() else character for character in token) or SPACE
            while name in taken:
                name += SPACE
            taken.add(name)
        names.append(name)
    return names


def unknown_id(definition: Any, tokens: dict[str, int]) -> int | None:
    """The id of the token for unknown text, None if there is none."""
    model = definition.get("model") if isinstance(definition, dict) else None
    if not isinstance(model, dict):
        return None
    if "unk_id" in model:  # a unigram model
        return model["unk_id"] if type(model["unk_id"]) is int else None
    return tokens.get(model.get("unk_token") or "")
