"""A warning if few tokens of the texts to encode are in the vocabulary, as with raw text or another tokenizer."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from itertools import islice

from .._util.warning import warn

LOW_SHARE = 0.5  # warn if the share of known tokens is lower
MISWRITTEN_SHARE = 0.2  # warn if this share is known only in lower case without punctuation
ENOUGH_TOKENS = 20  # fewer are too few to judge
MAX_SENTENCES, MAX_TOKENS = 20, 40  # looked at in each call: sentences, and tokens of each
MAX_CHARACTERS = 400  # of a text
LOOKS, MAX_SKIPPED = 8, 64  # after each LOOKS looks that find nothing, skip a call more in between
PUNCTUATION = string.punctuation + "\u2018\u2019\u201c\u201d\u00ab\u00bb\u2026\u3001\u3002\uff01\uff1f\uff0c"


class Coverage:
    """Counts known tokens over the calls of a method, and warns once if they are few.

    Attributes
    ----------
    warned : bool
    n_to_skip : int
        Calls that `look_at` will ignore, as earlier ones found nothing.
    """

    def __init__(self) -> None:
        self.warned = False
        self._n_looks = self.n_to_skip = 0
        self._reset()

    def _reset(self) -> None:
        self._n_tokens = self._n_known = self._n_miswritten = 0
        self._examples: list[str] = []

    def look_at(self, sentences: Sequence[str | Sequence[str]], find: Callable[[str], int]) -> None:
        """Look at the first sentences of a call.

        Parameters
        ----------
        sentences : sequence of str or of sequences of str
            Texts, to be split at whitespace, or tokens.
        find : callable
            The id of a word of the vocabulary, or -1.
        """
        if self.warned:
            return
        if self.n_to_skip:
            self.n_to_skip -= 1
            return
        for sentence in sentences[:MAX_SENTENCES]:
            if isinstance(sentence, str):
                tokens = sentence[:MAX_CHARACTERS].split()
                if len(sentence) > MAX_CHARACTERS:
                    del tokens[-1:]  # cut off
            else:
                tokens = list(islice(sentence, MAX_TOKENS))
            for token in tokens:
                self._n_tokens += 1
                if find(token) >= 0:
                    self._n_known += 1
                else:
                    self._add_unknown(token, find)
        if self._n_tokens >= ENOUGH_TOKENS:
            self._judge()
            self._reset()
            self._n_looks += 1
            self.n_to_skip = min(self._n_looks // LOOKS, MAX_SKIPPED)

    def _add_unknown(self, token: str, find: Callable[[str], int]) -> None:
        plain = token.lower().strip(PUNCTUATION)
        if plain != token and find(plain) >= 0:
            self._n_miswritten += 1
            self._examples.insert(0, f"{token!r} is not, but {plain!r} is")
        elif not self._examples:
            self._examples.append(f"{token!r} is not")

    def _judge(self) -> None:
        known, miswritten = self._n_known / self._n_tokens, self._n_miswritten / self._n_tokens
        if known >= LOW_SHARE and miswritten < MISWRITTEN_SHARE:
            return
        self.warned = True
        warn(
            f"only {known:.0%} of the first {self._n_tokens} tokens are in the vocabulary (for example, "
            f"{self._examples[0]}). Tokenize texts as the training corpus was tokenized: set wv.tokenizer, for example "
            "to 'words' (lower case, without punctuation), or pass token lists"
        )
