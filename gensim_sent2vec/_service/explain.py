"""Explanations of a search result: what each word of the query contributed to the score.

The contribution of a word is what the score loses when the word is left out of the query:

    contribution(w) = score(query, sentence) - score(query without w, sentence)

Both are the scores of a search: the query without w is tokenized and encoded like any other. So contributions hold
whatever the tokenizer, phrases, word n-grams and weighting do. A word can contribute to a sentence that does not
contain it but has similar words, and its contribution is negative if it moves the query away from the sentence.
Contributions do not add up to the score: if two words mean the same, leaving out either changes little.

A word is a part of the query between whitespace; all its occurrences are left out together.
"""

from __future__ import annotations

import numpy as np

from ..search import SentenceIndex

MAX_WORDS = 40  # each is one more text to encode


def contributions(
    index: SentenceIndex, query: str, rows: np.ndarray, hybrid: float = 0.0
) -> tuple[list[str], np.ndarray] | None:
    """Compute the contribution of each word of a query to its scores.

    Parameters
    ----------
    index : SentenceIndex
    query : str
    rows : numpy.ndarray of int64, shape (n_rows,)
        The rows that the search returned.
    hybrid : float
        As in the search.

    Returns
    -------
    words : list of str
        The distinct words of the query, in order of first occurrence.
    contributions : numpy.ndarray of float32, shape (n_words, n_rows)
        Differences of scores, so between -2 and 2.

    None is returned for a query of more than `MAX_WORDS` distinct words.
    """
    all_words = query.split()
    words = list(dict.fromkeys(all_words))
    if len(words) > MAX_WORDS:
        return None
    texts = [query] + [" ".join(other for other in all_words if other != word) for word in words]
    scores = index.score_rows(texts, rows, hybrid)
    return words, scores[0] - scores[1:]
