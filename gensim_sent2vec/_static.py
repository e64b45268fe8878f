"""The vectors as static embeddings of sentence-transformers (`StaticEmbedding`) and model2vec (`StaticModel`).

Both take the mean of the rows of a text's tokens, which a `tokenizers.Tokenizer` finds and a file keeps. Here the
tokens are our words, with a blank before each: an unknown word, which a tokenizer without merges would take apart, has
then no part that is a token, not even its first letter, and gives nothing; no row stands for the unknown ones, which
would count in the mean.
"""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ._search.fingerprint import check_vectors
from .keyedvectors import Sent2VecKeyedVectors
from .tokenizers import describe, name_of

if TYPE_CHECKING:
    from model2vec import StaticModel
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer


def to_static_embedding(wv: Sent2VecKeyedVectors) -> StaticEmbedding:
    """The vectors as a module of sentence-transformers, whose mean of a text's rows is the sentence's vector.

    ::

        model = SentenceTransformer(modules=[wv.bake(sentences=corpus).to_static_embedding()])
        model.encode(["police arrested two men", "it rained"])  # (2, n_numbers)
        model.save("my-model")

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        Those with a weighting are baked first (`Sent2VecKeyedVectors.bake`), others taken as they are. Texts are taken
        apart as by their tokenizer "split", "words" or "simple".

    Returns
    -------
    sentence_transformers.sentence_transformer.modules.StaticEmbedding
        With a copy of the rows, float32, which can be trained further. A text without a known word has zeros.

    Raises
    ------
    ImportError
        Without sentence-transformers.
    ValueError
        Where there are no words, or word n-grams without a weighting: n-grams have no place there.

    Warns
    -----
    UserWarning
        For another tokenizer and for phrases: texts are split at whitespace, and are to be given as
        ``" ".join(wv.tokens(text))``.
    """
    try:
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    except ImportError as error:
        raise ImportError(
            f'to_static_embedding needs sentence-transformers ({error}): pip install "gensim-sent2vec[static]"'
        ) from error
    tokenizer, rows = static_parts(wv)
    return StaticEmbedding(tokenizer, embedding_weights=rows)


def to_model2vec(wv: Sent2VecKeyedVectors) -> StaticModel:
    """The vectors as a model of model2vec, whose mean of a text's rows is the sentence's vector.

    ::

        model = wv.bake(sentences=corpus).to_model2vec()
        model.encode(["police arrested two men", "it rained"])  # (2, n_numbers)
        model.save_pretrained("my-model")

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
        As in `to_static_embedding`; its errors and warnings too.

    Returns
    -------
    model2vec.StaticModel
        With a copy of the rows, float32; texts of any length. A text without a known word has zeros.

    Raises
    ------
    ImportError
        Without model2vec.
    """
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise ImportError(f'to_model2vec needs model2vec ({error}): pip install "gensim-sent2vec[static]"') from error
    tokenizer, rows = static_parts(wv)
    return StaticModel(rows, tokenizer, max_length=None)


def static_parts(wv: Sent2VecKeyedVectors) -> tuple[Tokenizer, np.ndarray]:
    """A tokenizer of texts, and the rows of its tokens, float32 (n_tokens, n_numbers): a copy."""
    check_vectors(wv)
    if wv.weighting is not None:
        wv = wv.bake()
    if wv.word_ngrams > 1:
        raise ValueError(
            "wv: rows of word n-grams have no place in a static embedding; fit a weighting, which reads sentences out "
            "by their words (wv.weighting = SentenceWeighting().fit(wv, sentences)), or take wv.to_embedding_bag()"
        )
    # No text has such words: nothing, and what is no UTF-8.
    ids = [i for i, word in enumerate(wv.index_to_key) if word and word == word.encode("utf-8", "ignore").decode()]
    if not ids:
        raise ValueError("wv: there are no words")
    return word_tokenizer([wv.index_to_key[i] for i in ids], _named(wv)), wv.vectors[ids].astype(np.float32)


def _named(wv: Sent2VecKeyedVectors) -> str:
    """The tokenizer that is to be rebuilt, or "split", with a warning, for one that cannot be."""
    name = name_of(wv.tokenizer)
    if name in LOWER and wv.phrases is None:
        return name
    warnings.warn(
        f"these vectors take texts apart by {describe(wv.tokenizer)}{' and phrases' if wv.phrases is not None else ''}"
        ', the static embedding at whitespace: give it " ".join(wv.tokens(text))',
        stacklevel=4,
    )
    return "split"


# -----------------------------------------------------------------------------------------------------
# The tokenizer

LOWER = {"split": False, "words": True, "simple": True}  # tokenizers that can be rebuilt, and whether they lower-case


def word_tokenizer(words: list[str], like: str = "split") -> Tokenizer:
    """A tokenizer whose tokens are `words`, in this order; other words are dropped.

    It takes texts apart exactly as ours of the name `like`, but for the Greek final sigma, which is lower-cased to a
    plain one, and letters younger than either's Unicode tables.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.BPE({f" {word}": i for i, word in enumerate(words)}, [], ignore_merges=True))
    if LOWER[like]:
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
