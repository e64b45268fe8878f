"""Phrases such as new_york: gensim's `FrozenPhrases`, applied, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS, FrozenPhrases, Phrases, npmi_scorer, original_scorer

SCORERS = {scorer.__name__: scorer for scorer in (original_scorer, npmi_scorer)}


def learn_phrases(sentences: Iterable[list[str]], **options: Any) -> FrozenPhrases:
    """Learn which neighbours form a phrase, by gensim's `Phrases`.

    Parameters
    ----------
    sentences : iterable of list of str
        A tokenised corpus.
    options
        Arguments of `gensim.models.Phrases`; English connector words ("of", "the") may stand inside a phrase
        unless `connector_words` says otherwise.

    Returns
    -------
    gensim.models.phrases.FrozenPhrases
    """
    options.setdefault("connector_words", ENGLISH_CONNECTOR_WORDS)
    return frozen(Phrases(sentences, **options))


def frozen(phrases: Any) -> Any:
    """Phrases in the form that is kept with vectors.

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
        return tuple(frozen(item) for item in phrases if item is not None) or None
    if isinstance(phrases, Phrases):
        result = phrases.freeze()
        result.phrasegrams.update(_of_longer_tokens(phrases))
        return result
    if phrases is None or isinstance(phrases, FrozenPhrases):
        return phrases
    raise TypeError(f"phrases: gensim's Phrases or FrozenPhrases are expected, got a {type(phrases).__name__}")


def _of_longer_tokens(phrases: Phrases) -> dict[str, float]:
    """Phrases of tokens that hold the delimiter themselves ("new_york" and "times"), which gensim's freezing loses."""
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


def load_phrases(path: str) -> FrozenPhrases:
    """Phrases from a file that `Phrases.save` or `FrozenPhrases.save` wrote.

    Parameters
    ----------
    path : str
        A pickle: load only files that you trust.

    Returns
    -------
    gensim.models.phrases.FrozenPhrases

    Raises
    ------
    ValueError
        Where the file holds something else.
    """
    try:
        return frozen(Phrases.load(path))
    except OSError:
        raise
    except Exception as error:  # whatever unpickling makes of another kind of file
        raise ValueError(f"{path!r} holds no phrases that gensim saved ({type(error).__name__}: {error})") from error


def joined(tokens: Iterable[str], phrases: Any) -> list[str]:
    """The tokens with the phrases among them put together; `phrases` is what `frozen` gives."""
    tokens = list(tokens)
    for layer in phrases if isinstance(phrases, tuple) else (phrases,):
        if layer is not None:
            tokens = [token for token, _ in layer.analyze_sentence(tokens)]
    return tokens


def n_phrases(phrases: Any) -> int:
    """How many phrases are known."""
    layers = phrases if isinstance(phrases, tuple) else (phrases,)
    return sum(len(layer.phrasegrams) for layer in layers if layer is not None)


def phrases_to_json(phrases: Any) -> Any:
    """What `json.dump` takes for phrases that `frozen` gave.

    Returns
    -------
    None, dict, or list of dict
        `phrasegrams` (phrase: score), `threshold`, `min_count`, `delimiter`, `connector_words`, and the name of the
        `scoring` function, which applying them does not need.
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
    """The phrases that `phrases_to_json` described.

    Raises
    ------
    ValueError
        Where a part is missing or of another type.
    """
    if isinstance(value, list):
        return tuple(phrases_from_json(layer) for layer in value)
    if value is None:
        return None
    try:
        grams = {str(phrase): float(score) for phrase, score in value["phrasegrams"].items()}
        source = SimpleNamespace(
            threshold=float(value["threshold"]),
            min_count=float(value["min_count"]),
            delimiter=str(value["delimiter"]),
            connector_words=frozenset(map(str, value["connector_words"])),
            scoring=SCORERS.get(value["scoring"]),
            export_phrases=lambda: grams,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"phrases: damaged description ({type(error).__name__}: {error})") from error
    return FrozenPhrases(source)
