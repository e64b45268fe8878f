"""A `tokenizers.Tokenizer` whose tokens are the words of a model, for static embeddings in other libraries.

Static embeddings take the mean of the rows of a text's tokens. The tokens here are our words, with a blank before each:
no part of an unknown word, not even its first letter, is then a token, so that unknown words add nothing to the mean.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

LOWER_CASED = {
    "split": False,
    "words": True,
    "simple": True,
}  # of the tokenizers that can be rebuilt


def word_tokenizer(words: list[str], like: str = "split") -> Tokenizer:
    """A tokenizer whose tokens are `words`, in this order; other words are dropped.

    It takes texts apart exactly as ours of the name `like`, but for the Greek final sigma, which is lower-cased to a
    plain one, and letters younger than either's Unicode tables.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.BPE({f" {word}": i for i, word in enumerate(words)}, [], ignore_merges=True))
    if LOWER_CASED[like]:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern_of(like)), "removed", invert=True),
            pre_tokenizers.Metaspace(replacement=" ", prepend_scheme="always", split=False),
        ]
    )
    return tokenizer


@cache
def pattern_of(like: str) -> str:
    """A regular expression of the tokens of a text. Python's classes of characters are spelt out: others differ."""
    blank, word, letter = map(_class, (r"\s+", r"\w+", r"[^\W\d]+"))
    return {"split": f"[^{blank}]+", "words": f"[{word}]+|[^{word}{blank}]", "simple": f"[{letter}]+"}[like]


def _class(pattern: str) -> str:
    """The inside of a bracket expression of all characters that match."""
    every = "".join(map(chr, range(0x110000)))
    return "".join(rf"\x{{{m.start():x}}}-\x{{{m.end() - 1:x}}}" for m in re.finditer(pattern, every))
