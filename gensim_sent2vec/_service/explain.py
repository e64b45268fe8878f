"""Which words of a query carried a match.

A word's contribution to the score of a sentence is what the score loses when the word is left out:

    contribution(w) = score(query, sentence) - score(query without w, sentence),

with both scores computed by the model, as the search computes them: the text without w is tokenised and embedded anew,
and its spelling is counted anew. So it holds whatever the tokenizer, the phrases, the word n-grams and the weighting
do, and a word counts for a sentence in which it does not stand but others like it do. It is negative where the word
pulls the query away from the sentence. Contributions do not add up to the score: two words that say the same do not
miss each other.

A word is what stands between blanks in the query, and is left out wherever it stands there.
"""

from __future__ import annotations

import numpy as np

from ..search import SentenceIndex

MOST_WORDS = 40  # each costs an embedding of the text


def contributions(
    index: SentenceIndex, query: str, rows: np.ndarray, hybrid: float = 0.0
) -> tuple[list[str], np.ndarray] | None:
    """What each word of a query adds to its scores.

    Parameters
    ----------
    index : SentenceIndex
    query : str
    rows : numpy.ndarray of int64, shape (n_rows,)
        The sentences that were found, by number.
    hybrid : float
        The share of the lexical score that they were found with.

    Returns
    -------
    words : list of str
        The different words of the query, in the order of their first places.
    contributions : numpy.ndarray of float32, shape (n_words, n_rows)
        Parts of the score, so between -2 and 2.
    None
        Where the query has more than `MOST_WORDS` different words.
    """
    every = query.split()
    words = list(dict.fromkeys(every))
    if len(words) > MOST_WORDS:
        return None
    texts = [query] + [" ".join(other for other in every if other != word) for word in words]
    scores = index.score_rows(texts, rows, hybrid)
    return words, scores[0] - scores[1:]
