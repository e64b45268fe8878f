"""What is stored of vectors: all of `Sent2VecKeyedVectors` as arrays and JSON facts, and back; see `container`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._text.vocabulary import Vocabulary
from ..phrases import phrases_from_json, phrases_to_json
from ..tokenizers import DEFAULT, tokenizer_from_json, tokenizer_to_json
from ..weighting import SentenceWeighting

if TYPE_CHECKING:
    from ..keyedvectors import Sent2VecKeyedVectors

KIND = "Sent2VecKeyedVectors"
HASHES = ("mixed", "epfml")
FACTS = ("vector_size", "word_ngrams", "skip_bigrams", "ngram_hash")
MADE_AGAIN = ("_plain", "_weighted")
DERIVED = ("index_to_key", "key_to_index", "next_index", "norms", "mapfile_path", *MADE_AGAIN)
STORED_APART = frozenset((*FACTS, *DERIVED, "_tokenizer", "_phrases", "vectors", "vectors_ngrams", "expandos"))
WORDS = ("blob", "offsets", "slots")

# Attributes that are objects: name -> a class with ``to_arrays() -> (arrays, facts)`` and, as a classmethod,
# ``from_arrays(arrays, facts)``. The class is named here and not in the file, which cannot ask for code to be run.
PARTS: dict[str, Any] = {"weighting": SentenceWeighting}


def contents(wv: Sent2VecKeyedVectors, ignore: Collection[str] = ()) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Vectors as arrays and facts.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors
    ignore : collection of str
        Attributes of the object and of its words to leave out.

    Raises
    ------
    ValueError
        For an attribute of the words that is neither numbers nor JSON.
    """
    words = wv.freeze()
    if len(wv.vectors) != len(words):
        raise ValueError(f"save: there are {len(words)} words and {len(wv.vectors)} vectors")
    arrays = {"vectors": wv.vectors, "vectors_ngrams": wv.vectors_ngrams}
    arrays |= {f"words.{name}": getattr(words, name) for name in WORDS}
    facts: dict[str, Any] = {"kind": KIND, **{name: getattr(wv, name) for name in FACTS}, "attributes": {}, "parts": {}}
    facts["tokenizer"] = tokenizer_to_json(wv.tokenizer)
    if wv.phrases is not None:
        arrays["phrases"] = _json_array(phrases_to_json(wv.phrases))
    for name, values in wv.expandos.items():
        if name not in ignore:
            arrays |= _attribute_of_words(name, values)
    for name, value in vars(wv).items():
        if name in STORED_APART or name in ignore or value is None:
            continue
        if name in PARTS:
            part, facts["parts"][name] = value.to_arrays()
            arrays |= {f"{name}.{key}": array for key, array in part.items()}
        elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            arrays[f"attributes.{name}"] = value
        elif _survives_json(value):
            facts["attributes"][name] = value
        else:
            warnings.warn(f"save: the attribute {name!r}, a {type(value).__name__}, is not stored", stacklevel=3)
    return arrays, facts


def _attribute_of_words(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    if values.dtype.kind in "biuf":
        return {f"expandos.{name}": values}
    if not _survives_json(values.tolist()):
        raise ValueError(
            f"save: the words' attribute {name!r} is neither numbers nor what JSON can say; delete expandos[{name!r}], "
            f"or pass ignore=[{name!r}]"
        )
    return {f"json.{name}": _json_array(values.tolist())}


def _json_array(value: Any) -> np.ndarray:
    return np.frombuffer(json.dumps(value).encode("ascii"), dtype=np.uint8)


def _from_json_array(text: np.ndarray) -> Any:
    return json.loads(text.tobytes().decode("ascii"))


def _survives_json(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def restore(
    wv: Sent2VecKeyedVectors, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any], verify: bool = False
) -> None:
    """Fill empty vectors with what `contents` gave.

    Parameters
    ----------
    verify : bool
        Look at each word: valid, found under its id, and only there.

    Raises
    ------
    ValueError, KeyError, TypeError
        Where they do not fit together.
    """
    _check_facts(facts)
    for name in FACTS:
        setattr(wv, name, facts[name])
    words = Vocabulary.from_arrays(*(arrays[f"words.{name}"] for name in WORDS))
    if verify:
        words.check()
    wv.set_words(words)
    wv.vectors, wv.vectors_ngrams = arrays["vectors"], arrays["vectors_ngrams"]
    for name, rows in (("vectors", len(words)), ("vectors_ngrams", len(wv.vectors_ngrams))):
        array = arrays[name]
        if array.shape != (rows, wv.vector_size) or array.dtype.kind != "f":
            raise ValueError(f"{name}: {array.dtype} of shape {array.shape}, for {rows} rows of {wv.vector_size}")
    of_words, of_ngrams = wv.vectors.dtype, wv.vectors_ngrams.dtype
    if of_ngrams not in ("f4", "f2") or (wv.word_ngrams > 1 and not (wv.bucket and of_ngrams == of_words)):
        raise ValueError(
            f"vectors_ngrams: {of_ngrams} of shape {wv.vectors_ngrams.shape}, beside vectors of {of_words} and n-grams "
            f"of {wv.word_ngrams} words"
        )
    wv._tokenizer = tokenizer_from_json(facts.get("tokenizer", DEFAULT))
    if "phrases" in arrays:
        wv._phrases = phrases_from_json(_from_json_array(arrays["phrases"]))
    wv.expandos = _below("expandos", arrays)
    for name, text in _below("json", arrays).items():
        wv.expandos[name] = _objects(_from_json_array(text))
    for name, values in wv.expandos.items():
        if not values.ndim or len(values) < len(words):
            raise ValueError(f"words' attribute {name!r}: of shape {values.shape}, for {len(words)} words")
    for name, value in (facts.get("attributes", {}) | _below("attributes", arrays)).items():
        if name in STORED_APART or name in PARTS or not name.isidentifier() or _is_code(getattr(type(wv), name, None)):
            raise ValueError(f"attributes: {name!r} is not one that a user can have set")
        wv.__dict__[name] = value
    for name, about in facts.get("parts", {}).items():
        if name not in PARTS:
            raise ValueError(f"parts: this version of gensim_sent2vec knows no {name!r}; install a newer one")
        wv.__dict__[name] = PARTS[name].from_arrays(_below(name, arrays), about)
    if wv.weighting is not None and wv.weighting.meaning_dims > wv.sentence_size:
        raise ValueError(f"weighting: meaning_dims is {wv.weighting.meaning_dims}, of {wv.sentence_size} numbers")


def _check_facts(facts: Mapping[str, Any]) -> None:
    if facts.get("kind") != KIND:
        raise ValueError(f"facts: the file holds a {facts.get('kind')!r}, not a {KIND!r}")
    for name in ("vector_size", "word_ngrams"):
        if type(facts[name]) is not int or not 0 < facts[name] < 1 << 31:
            raise ValueError(f"facts: {name} is {facts[name]!r}")
    if type(facts["skip_bigrams"]) is not bool or facts["ngram_hash"] not in HASHES:
        raise ValueError(f"facts: skip_bigrams is {facts['skip_bigrams']!r}, ngram_hash {facts['ngram_hash']!r}")


def _below(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name[len(prefix) + 1 :]: array for name, array in arrays.items() if name.startswith(f"{prefix}.")}


def _objects(values: list[Any]) -> np.ndarray:
    """A one-dimensional array of objects, lists among them."""
    result = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        result[i] = value
    return result


def _is_code(attribute: Any) -> bool:
    return callable(attribute) or hasattr(attribute, "__get__")
