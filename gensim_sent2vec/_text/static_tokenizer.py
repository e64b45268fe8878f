"""A `tokenizers.Tokenizer` whose tokens are the words of a model, for static embeddings in other libraries.

A static embedding is the mean of the rows of a text's tokens. Each token here is a word with a space in front, so that
no part of an unknown word, not even its first letter, can be a token: unknown words contribute nothing to the mean.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# The tokenizers that can be reproduced, and whether they lower-case.
LOWER_CASED = {"split": False, "words": True, "simple": True}


def word_tokenizer(words: list[str], name: str = "split") -> Tokenizer:
    """Build a tokenizer whose tokens are `words`, with ids in this order; other words are dropped.

    It splits texts exactly like the tokenizer `name` of `gensim_sent2vec.tokenizers`, with two exceptions: the Greek
    final sigma becomes an ordinary sigma in lower case, and letters added by recent versions of Unicode may be unknown.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.BPE({f" {word}": i for i, word in enumerate(words)}, [], ignore_merges=True))
    if LOWER_CASED[name]:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_token_pattern(name)), "removed", invert=True),
            pre_tokenizers.Metaspace(replacement=" ", prepend_scheme="always", split=False),
        ]
    )
    return tokenizer


@cache
def _token_pattern(name: str) -> str:
    """A regular expression for a token, with Python's character classes written out, as other engines differ."""
    space, word, letter = map(_characters, (r"\s+", r"\w+", r"[^\W\d]+"))
    return {"split": f"[^{space}]+", "words": f"[{word}]+|[^{word}{space}]", "simple": f"[{letter}]+"}[name]


def _characters(pattern: str) -> str:
    """All characters that match a pattern, as ranges for a bracket expression."""
    every = "".join(map(chr, range(0x110000)))
    return "".join(rf"\x{{{m.start():x}}}-\x{{{m.end() - 1:x}}}" for m in re.finditer(pattern, every))
