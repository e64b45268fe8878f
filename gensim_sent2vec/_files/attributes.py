"""Attributes of words and of the vectors object, converted to numeric arrays and JSON and back."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from .._util.warning import warn


def json_to_array(value: Any) -> np.ndarray:
    """A JSON value as text, uint8."""
    return np.frombuffer(json.dumps(value).encode("ascii"), dtype=np.uint8)


def json_from_array(text: np.ndarray) -> Any:
    """The value that `json_to_array` was given."""
    return json.loads(text.tobytes().decode("ascii"))


def is_json(value: Any) -> bool:
    """Whether a value survives a round trip through JSON."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def is_numeric(values: Any) -> bool:
    """Whether anything with a dtype holds booleans, integers or floats."""
    return np.dtype(values.dtype).kind in "biuf"


# -----------------------------------------------------------------------------------------------------
# Attributes of words


def word_attribute_to_json(name: str, values: np.ndarray) -> np.ndarray:
    """An attribute of words that is not numeric, one JSON value per word, as text.

    Raises
    ------
    ValueError
        If JSON cannot store the values.
    """
    if not is_json(values.tolist()):
        raise ValueError(
            f"save: the word attribute {name!r} is neither numeric nor JSON; delete expandos[{name!r}], or pass "
            f"ignore=[{name!r}]"
        )
    return json_to_array(values.tolist())


def word_attribute_from_json(text: np.ndarray) -> np.ndarray:
    """The one-dimensional object array that `word_attribute_to_json` was given."""
    return _object_array(json_from_array(text))


def _object_array(values: Sequence[Any]) -> np.ndarray:
    result = np.empty(len(values), dtype=object)  # np.array(values) would make lists of equal length a second axis
    for i, value in enumerate(values):
        result[i] = value
    return result


def check_word_attributes(attributes: Mapping[str, np.ndarray], n_words: int) -> None:
    """Raise a ValueError unless each attribute has a value for each word."""
    for name, values in attributes.items():
        if not values.ndim or len(values) < n_words:
            raise ValueError(f"word attribute {name!r}: has shape {values.shape}, but there are {n_words} words")


# -----------------------------------------------------------------------------------------------------
# Attributes of the object


def storable_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Those attributes that are numeric arrays or JSON values; the others are left out with a warning."""
    storable = {}
    for name, value in attributes.items():
        if is_numeric(value) if isinstance(value, np.ndarray) else is_json(value):
            storable[name] = value
        else:
            warn(
                f"save: the attribute {name!r}, of type {type(value).__name__}, is not stored; only numeric arrays and "
                "JSON values are"
            )
    return storable


def check_attribute_name(name: str, cls: type, reserved: Collection[str]) -> None:
    """Raise a ValueError for a name that no user can have set on an object of `cls`, such as that of a method."""
    attribute = getattr(cls, name, None)
    if name in reserved or not name.isidentifier() or callable(attribute) or hasattr(attribute, "__get__"):
        raise ValueError(f"attributes: {name!r} is not the name of an attribute that a user can set")
