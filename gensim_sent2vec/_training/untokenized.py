"""A warning about training text that is split at whitespace although nobody has tokenized it.

Such a model has vectors for "Man", "man" and "man.", and knows fewer words of other texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from .._util.warning import warn

HEAD = 500  # sentences that are inspected
TOKENS_PER_SENTENCE = 200  # of these
LEAST_TOKENS = 10  # fewer tokens are too few to judge

# Shares of all tokens. Tokenized text has about 1 % (abbreviations), raw text about 10 % of the first.
GLUED, CAPITALIZED, PUNCTUATION = 0.04, 0.08, 0.01
TEXTS = 0.5  # share of tokens with whitespace; a phrase can have a space too

_OPENING = r"[(\[{\"“«「『（]"  # noqa: RUF001
_CLOSING = r"[.,;:!?…)\]}\"”»。，、；：！？」』）]"  # noqa: RUF001
_GLUED = re.compile(rf"{_OPENING}+\w.*|.*\w\w{_CLOSING}+", re.DOTALL)
_HANGUL = re.compile(r"[가-힣]")


def warn_if_untokenized(sentences: Iterable[Any], name: str) -> None:
    """Warn once if tokens are entire texts, or if many have capitals or punctuation glued to them.

    If punctuation stands apart, the text was tokenized: capitals were kept on purpose, and some periods are part of
    abbreviations.

    Parameters
    ----------
    sentences : iterable of str or of sequences of str
        The first sentences of a corpus; what is neither is ignored.
    name : str
        The argument that the warning names.
    """
    counts: Counter[str] = Counter()
    for sentence in sentences:
        counts.update(_tokens(sentence))
    n_tokens = counts.total()
    if n_tokens < LEAST_TOKENS:
        return

    def share_of(kind: list[str]) -> float:
        return sum(map(counts.__getitem__, kind)) / n_tokens

    texts = [token for token in counts if len(token.split(maxsplit=1)) > 1]
    if share_of(texts) >= TEXTS:
        warn(
            f"{name}: {share_of(texts):.0%} of the tokens contain whitespace, such as {texts[0][:30]!r}. Each "
            "is trained as a single word. If they are texts, pass a list of strings, not a list of lists"
        )
        return
    glued = [token for token in counts if _GLUED.fullmatch(token)]
    capitalized = [token for token in counts if token != token.lower()]
    punctuation = [token for token in counts if not any(map(str.isalnum, token))]

    if share_of(glued) >= max(GLUED, share_of(punctuation)):
        kind, examples = "punctuation glued to them", glued
    elif share_of(capitalized) >= CAPITALIZED and share_of(punctuation) < PUNCTUATION:
        kind, examples = "capitals", capitalized
    else:
        return
    share, shown = share_of(examples), ", ".join(repr(token[:30]) for token in examples[:200][-3:])
    is_korean = share_of([token for token in counts if _HANGUL.search(token)]) > 0.5
    tokenizer = "kiwi" if is_korean else "words"
    warn(
        f"{name}: the text does not look tokenized: {share:.0%} of the tokens have {kind}, such as {shown}. They get "
        f"vectors apart from those of the plain words. Pass texts with tokenizer={tokenizer!r}, or tokenize and "
        "lower-case them first"
    )


def _tokens(sentence: Any) -> list[str]:
    if isinstance(sentence, str):
        return sentence[: 10 * TOKENS_PER_SENTENCE].split()
    if not isinstance(sentence, (list, tuple)):
        return []
    return [token for token in sentence[:TOKENS_PER_SENTENCE] if isinstance(token, str)]
