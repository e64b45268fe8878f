"""Small folders of pretrained static vectors, as model2vec, sentence-transformers and wordllama lay them out."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

WORDS = [
    *("the", "a", "man", "woman", "is", "play", "ing", "guitar", "piano", "sing", "##ing", "not", "Obama"),
    *("president", "water", "!", ".", ",", "한국", "어"),
]
CODES = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int8": "I8", "uint16": "BF16"}


def wordpiece() -> Any:
    """Lower-cased words and their pieces, with a token for unknown text."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = ["[PAD]", "[UNK]", *dict.fromkeys(word.lower() for word in WORDS)]
    model = models.WordPiece({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def sentencepiece() -> Any:
    """A unigram model in which a space starts a piece; letter case counts."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    pieces = [("<unk>", 0.0), ("\u2581", -2.0)]
    pieces += [(f"\u2581{word}", -3.0 - i / 10) for i, word in enumerate(dict.fromkeys(WORDS))]
    pieces += [(letter, -8.0) for letter in "abcdefghijklmnopqrstuvwxyz"]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer


def byte_level() -> Any:
    """Byte-level pairs without an added space: the first word of a text is another token than the same word later."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("t", "h"), ("th", "e"), ("\u0120", "the"), ("m", "a"), ("ma", "n"), ("\u0120", "man")]
    vocabulary = [*letters, *(a + b for a, b in merges)]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(vocabulary)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def spaced() -> Any:
    """Whole words with a space in front, which is part of the token."""
    from gensim_sent2vec._text.static_tokenizer import word_tokenizer

    return word_tokenizer([word for word in dict.fromkeys(WORDS) if "#" not in word])


TOKENIZERS = {f.__name__: f for f in (wordpiece, sentencepiece, byte_level, spaced)}


def safetensors(arrays: Mapping[str, np.ndarray], **changes: Any) -> bytes:
    """A safetensors file; `changes` replace entries of its header."""
    header, begin = {}, 0
    for name, array in arrays.items():
        end = begin + array.nbytes
        header[name] = {"dtype": CODES[array.dtype.name], "shape": list(array.shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps({"__metadata__": {"format": "pt"}, **header, **changes}).encode()
    return struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for array in arrays.values())


def table(n: int, dim: int = 6, dtype: Any = np.float32, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, dim)).astype(dtype)


def write_model2vec(
    folder: Path, tokenizer: Any, config: Mapping[str, Any] | None = None, **arrays: np.ndarray
) -> Path:
    """A folder of model2vec; by default with random rows."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays.setdefault("embeddings", table(tokenizer.get_vocab_size()))
    (folder / "model.safetensors").write_bytes(safetensors(arrays))
    (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps({"normalize": False, **(config or {})}))
    return folder


def write_wordllama(folder: Path, tokenizer: Any, rows: np.ndarray, name: str = "tiny") -> Path:
    """A folder like the installed package of wordllama; returns the file of the vectors."""
    for part in ("weights", "tokenizers"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    path = folder / "weights" / f"{name}_{rows.shape[1]}.safetensors"
    path.write_bytes(safetensors({"embedding.weight": rows}))
    (folder / "tokenizers" / f"{name}_tokenizer_config.json").write_text(tokenizer.to_str(), encoding="utf-8")
    return path
