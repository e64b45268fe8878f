"""Phrases such as new_york: learned by gensim's `Phrases`, joined after tokenizing, and stored as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from gensim.models.phrases import (
    ENGLISH_CONNECTOR_WORDS,
    FrozenPhrases,
    Phrases,
    _PhrasesTransformation,
    npmi_scorer,
    original_scorer,
)
from gensim.utils import SaveLoad

from ._util.hints import arguments_of, reject_unknown, with_hints
from ._util.missing import check_exists
from ._util.unpickling import UntrustedClassError, load_saved

SCORERS = {scorer.__name__: scorer for scorer in (original_scorer, npmi_scorer)}

# -----------------------------------------------------------------------------------------------------
# Learning and loading


def learn_phrases(sentences: Iterable[list[str]], **options: Any) -> FrozenPhrases:
    """Learn which adjacent tokens form a phrase, with gensim's `Phrases`.

    Parameters
    ----------
    sentences : iterable of list of str
        A tokenized corpus.
    **options
        Arguments of `gensim.models.Phrases`. By default, `connector_words` are gensim's `ENGLISH_CONNECTOR_WORDS`
        ("of", "the", …), which may occur within a phrase.

    Returns
    -------
    gensim.models.phrases.FrozenPhrases

    Raises
    ------
    TypeError
        If an option is not an argument of `Phrases`.
    """
    reject_unknown(options, "Phrases", arguments_of(Phrases))
    options.setdefault("connector_words", ENGLISH_CONNECTOR_WORDS)
    return freeze_phrases(Phrases(sentences, **options))


@with_hints
def load_phrases(path: str, trusted: bool = False) -> FrozenPhrases:
    """Load phrases that `Phrases.save` or `FrozenPhrases.save` wrote.

    Parameters
    ----------
    path : str
    trusted : bool
        The file is a pickle, which can execute code. Therefore only gensim's classes and scoring functions are loaded.
        True allows all, as for a scoring function of your own: only for files that you trust.

    Returns
    -------
    gensim.models.phrases.FrozenPhrases

    Raises
    ------
    FileNotFoundError
        If there is no such file, with the nearest name.
    ValueError
        If the file contains anything else, or a class that only a trusted file may contain.
    """
    check_exists(path, "path", "phrases that Phrases.save or FrozenPhrases.save wrote")
    try:
        return freeze_phrases(_PhrasesLoader.load(path, trusted))
    except UntrustedClassError as error:
        raise ValueError(f"{path!r} is not loaded: {error}") from None
    except OSError:
        raise
    except Exception as error:  # unpickling another kind of file may raise anything
        raise ValueError(f"{path!r} contains no phrases saved by gensim ({type(error).__name__}: {error})") from error


class _Unpickling(SaveLoad):
    """`SaveLoad` with a restricted `load`."""

    @classmethod
    def load(cls, path: str, trusted: bool) -> Any:
        return load_saved(path, trusted=trusted)


class _PhrasesLoader(_PhrasesTransformation, _Unpickling):
    """gensim's `load`, which upgrades phrases of older versions, over that of `_Unpickling`."""


def freeze_phrases(phrases: Any) -> Any:
    """Convert phrases to the immutable type that is stored with vectors.

    Parameters
    ----------
    phrases : None, gensim Phrases or FrozenPhrases, or a sequence of them
        A sequence is applied one after the other, for phrases of phrases (new_york, then new_york_times).

    Returns
    -------
    None, FrozenPhrases, or a tuple of FrozenPhrases

    Raises
    ------
    TypeError
        For anything else.
    """
    if isinstance(phrases, (list, tuple)):
        return tuple(freeze_phrases(item) for item in phrases if item is not None) or None
    if isinstance(phrases, Phrases):
        result = phrases.freeze()
        result.phrasegrams.update(_phrases_lost_by_freezing(phrases))
        return result
    if phrases is None or isinstance(phrases, FrozenPhrases):
        return phrases
    raise TypeError(f"phrases: expected gensim's Phrases or FrozenPhrases, got {type(phrases).__name__}")


def _phrases_lost_by_freezing(phrases: Phrases) -> dict[str, float]:
    """Phrases with a token that contains the delimiter ("new_york" + "times"), which `Phrases.freeze` drops."""
    found: dict[str, float] = {}
    for token in phrases.vocab:
        parts = token.split(phrases.delimiter)
        for i in range(1, len(parts)):
            for j in range(i, len(parts)):
                first, between, last = parts[:i], parts[i:j], parts[j:]
                if len(parts) > 2 and phrases.connector_words.issuperset(between):
                    phrase, score = phrases.score_candidate(
                        phrases.delimiter.join(first), phrases.delimiter.join(last), between
                    )
                    if score is not None:
                        found[phrase] = max(score, found.get(phrase, score))
    return found


# -----------------------------------------------------------------------------------------------------
# Frozen phrases


def join_phrases(tokens: Iterable[str], phrases: Any) -> list[str]:
    """Join the phrases among tokens; `phrases` is a result of `freeze_phrases`."""
    tokens = list(tokens)
    for layer in _layers(phrases):
        tokens = [token for token, _ in layer.analyze_sentence(tokens)]
    return tokens


def count_phrases(phrases: Any) -> int:
    """The number of known phrases; `phrases` is a result of `freeze_phrases`."""
    return sum(len(layer.phrasegrams) for layer in _layers(phrases))


def _layers(phrases: Any) -> tuple[FrozenPhrases, ...]:
    """Phrases to apply one after the other."""
    if phrases is None:
        return ()
    return phrases if isinstance(phrases, tuple) else (phrases,)


def phrases_to_json(phrases: Any) -> Any:
    """Convert frozen phrases to a value that `json.dump` accepts.

    Returns
    -------
    None, dict, or list of dict
        `phrasegrams` (phrase: score), `threshold`, `min_count`, `delimiter`, `connector_words`, and the name of the
        `scoring` function, which is not needed to join phrases.
    """
    if isinstance(phrases, tuple):
        return [phrases_to_json(layer) for layer in phrases]
    if phrases is None:
        return None
    return {
        "phrasegrams": {phrase: float(score) for phrase, score in phrases.phrasegrams.items()},
        "threshold": float(phrases.threshold),
        "min_count": float(phrases.min_count),
        "delimiter": phrases.delimiter,
        "connector_words": sorted(phrases.connector_words),
        "scoring": getattr(phrases.scoring, "__name__", str(phrases.scoring)),
    }


def phrases_from_json(value: Any) -> Any:
    """Convert back what `phrases_to_json` returned.

    Raises
    ------
    ValueError
        If a field is missing or has the wrong type.
    """
    if isinstance(value, list):
        return tuple(phrases_from_json(layer) for layer in value)
    if value is None:
        return None
    try:
        phrasegrams = {str(phrase): float(score) for phrase, score in value["phrasegrams"].items()}
        source = SimpleNamespace(
            threshold=float(value["threshold"]),
            min_count=float(value["min_count"]),
            delimiter=str(value["delimiter"]),
            connector_words=frozenset(map(str, value["connector_words"])),
            scoring=SCORERS.get(value["scoring"]),
            export_phrases=lambda: phrasegrams,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"phrases: damaged description ({type(error).__name__}: {error})") from error
    return FrozenPhrases(source)
