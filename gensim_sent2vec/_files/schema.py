"""What a file of word vectors holds: the names of its arrays and facts, and what they must look like.

Arrays, for n words of d dimensions, stored as described in `gensim_sent2vec._files.container`:

- ``vectors``: float32 or float16, (n, d); ``vectors_ngrams``: of the same type, (bucket, d);
- ``words.blob``, ``words.offsets``, ``words.slots``: see `gensim_sent2vec._text.vocabulary.Vocabulary`;
- ``expandos.NAME``: a numeric attribute of the words, such as ``expandos.count`` (int64, (n,));
- ``json.NAME``: any other attribute of the words, a list of n values as JSON text (uint8);
- ``attributes.NAME``: a numeric array that a user set as an attribute of the vectors;
- ``phrases``: JSON text (uint8), see `gensim_sent2vec.phrases.phrases_to_json`;
- ``tokenizer.json``: that of pretrained vectors (uint8), see `gensim_sent2vec._util.subwords`;
- ``weighting.NAME``: see `SentenceWeighting.to_arrays`.

Facts: ``kind`` ("Sent2VecKeyedVectors"), ``vector_size`` (d), ``word_ngrams``, ``skip_bigrams``, ``ngram_hash``, and
optionally ``tokenizer`` (see `gensim_sent2vec.tokenizers.tokenizer_to_json`), ``attributes`` (JSON values that a user
set as attributes), ``unit_length`` (true: plain means are scaled to length 1), and ``parts``, a mapping of "weighting"
to the facts of `SentenceWeighting.to_arrays`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..tokenizers import DEFAULT
from .attributes import (
    check_word_attributes,
    is_numeric,
    json_from_array,
    json_to_array,
    word_attribute_from_json,
    word_attribute_to_json,
)

KIND = "Sent2VecKeyedVectors"
VECTORS, VECTORS_NGRAMS, PHRASES, TOKENIZER = "vectors", "vectors_ngrams", "phrases", "tokenizer.json"
WORDS, WORD_ARRAYS = "words", ("blob", "offsets", "slots")
NUMERIC_WORD_ATTRIBUTES, JSON_WORD_ATTRIBUTES, ATTRIBUTES = "expandos", "json", "attributes"
WEIGHTING = "weighting"
WEIGHTING_ROWS = f"{WEIGHTING}.rows"
FACTS = ("vector_size", "word_ngrams", "skip_bigrams", "ngram_hash")
HASHES = ("mixed", "epfml")

Part = tuple[Mapping[str, np.ndarray], Mapping[str, Any]]  # what a `to_arrays` returned


@dataclass(frozen=True)
class StoredVectors:
    """The content of a file of word vectors, as plain values.

    Attributes
    ----------
    vector_size, word_ngrams : int
    skip_bigrams : bool
    ngram_hash : {"mixed", "epfml"}
    words : mapping of str to array
        ``blob``, ``offsets`` and ``slots`` of the `Vocabulary`. Like all arrays here a numpy.ndarray, or a
        `container.Stream` to be written.
    vectors, vectors_ngrams : array
    word_attributes : mapping of str to array
        gensim's ``expandos``.
    attributes : mapping
        Further attributes of the object: numeric arrays and JSON values.
    parts : mapping of str to (arrays, facts)
        What `SentenceWeighting.to_arrays` returned, under "weighting".
    tokenizer, phrases : JSON values
    tokenizer_definition : numpy.ndarray of uint8, or None
    unit_length : bool
    """

    vector_size: int
    word_ngrams: int
    skip_bigrams: bool
    ngram_hash: str
    words: Mapping[str, Any]
    vectors: Any
    vectors_ngrams: Any
    word_attributes: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)
    tokenizer: Any = DEFAULT
    phrases: Any = None
    tokenizer_definition: Any = None
    unit_length: bool = False

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arrays and facts to write.

        Raises
        ------
        ValueError
            If an attribute of the words is neither numeric nor JSON.
        """
        arrays = {VECTORS: self.vectors, VECTORS_NGRAMS: self.vectors_ngrams}
        arrays |= {f"{WORDS}.{name}": self.words[name] for name in WORD_ARRAYS}
        facts: dict[str, Any] = {"kind": KIND, **{name: getattr(self, name) for name in FACTS}}
        facts |= {"attributes": {}, "parts": {}, "tokenizer": self.tokenizer}
        if self.phrases is not None:
            arrays[PHRASES] = json_to_array(self.phrases)
        if self.tokenizer_definition is not None:
            arrays[TOKENIZER] = self.tokenizer_definition
        if self.unit_length:
            facts["unit_length"] = True
        for name, values in self.word_attributes.items():
            if is_numeric(values):
                arrays[f"{NUMERIC_WORD_ATTRIBUTES}.{name}"] = values
            else:
                arrays[f"{JSON_WORD_ATTRIBUTES}.{name}"] = word_attribute_to_json(name, values)
        for name, value in self.attributes.items():
            if isinstance(value, np.ndarray):
                arrays[f"{ATTRIBUTES}.{name}"] = value
            else:
                facts["attributes"][name] = value
        for name, (part_arrays, part_facts) in self.parts.items():
            arrays |= {f"{name}.{key}": array for key, array in part_arrays.items()}
            facts["parts"][name] = part_facts
        return arrays, facts

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> StoredVectors:
        """The content of a file from the arrays and facts that were read.

        Raises
        ------
        ValueError, KeyError, TypeError, AttributeError, RecursionError
            If one is missing or malformed. The words are not looked at, nor the shapes of arrays: see `check_shapes`.
        """
        _check_facts(facts)
        json_attributes = _arrays_under(JSON_WORD_ATTRIBUTES, arrays)
        return cls(
            **{name: facts[name] for name in FACTS},
            words={name: arrays[f"{WORDS}.{name}"] for name in WORD_ARRAYS},
            vectors=arrays[VECTORS],
            vectors_ngrams=arrays[VECTORS_NGRAMS],
            word_attributes=_arrays_under(NUMERIC_WORD_ATTRIBUTES, arrays)
            | {name: word_attribute_from_json(text) for name, text in json_attributes.items()},
            attributes=facts.get("attributes", {}) | _arrays_under(ATTRIBUTES, arrays),
            parts={name: (_arrays_under(name, arrays), about) for name, about in facts.get("parts", {}).items()},
            tokenizer=facts.get("tokenizer", DEFAULT),
            phrases=json_from_array(arrays[PHRASES]) if PHRASES in arrays else None,
            tokenizer_definition=arrays.get(TOKENIZER),
            unit_length=facts.get("unit_length", False) is True,
        )

    def check_values(self) -> None:
        """Raise a ValueError unless `from_arrays` accepts the values that are stored as facts."""
        _check_facts({"kind": KIND, **{name: getattr(self, name) for name in FACTS}})

    def check_shapes(self, n_words: int) -> None:
        """Raise a ValueError unless matrices and attributes match the number of words and each other."""
        dtype, ngram_dtype = self.vectors.dtype, self.vectors_ngrams.dtype
        for name, array, rows in (
            (VECTORS, self.vectors, n_words),
            (VECTORS_NGRAMS, self.vectors_ngrams, len(self.vectors_ngrams)),
        ):
            if array.shape != (rows, self.vector_size) or array.dtype.kind != "f":
                raise ValueError(
                    f"{name}: {array.dtype} of shape {array.shape}; expected floats of shape {(rows, self.vector_size)}"
                )
        bucket = len(self.vectors_ngrams)
        if ngram_dtype not in ("f4", "f2") or (self.word_ngrams > 1 and not (bucket and ngram_dtype == dtype)):
            raise ValueError(
                f"{VECTORS_NGRAMS}: {ngram_dtype} of shape {self.vectors_ngrams.shape} does not match vectors of "
                f"{dtype} and word_ngrams={self.word_ngrams}"
            )
        check_word_attributes(self.word_attributes, n_words)


def _check_facts(facts: Mapping[str, Any]) -> None:
    if facts.get("kind") != KIND:
        raise ValueError(f"facts: the file holds a {facts.get('kind')!r}, not a {KIND!r}")
    for name in ("vector_size", "word_ngrams"):
        if type(facts[name]) is not int or not 0 < facts[name] < 1 << 31:
            raise ValueError(f"facts: {name} is {facts[name]!r}, expected an integer from 1 to {(1 << 31) - 1}")
    if type(facts["skip_bigrams"]) is not bool:
        raise ValueError(f"facts: skip_bigrams is {facts['skip_bigrams']!r}, expected true or false")
    if facts["ngram_hash"] not in HASHES:
        raise ValueError(f"facts: ngram_hash is {facts['ngram_hash']!r}, expected {' or '.join(map(repr, HASHES))}")


def _arrays_under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays called ``PREFIX.NAME``, by NAME."""
    return {name[len(prefix) + 1 :]: array for name, array in arrays.items() if name.startswith(f"{prefix}.")}
