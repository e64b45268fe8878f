"""The Lee news corpora that ship with gensim, for examples and first experiments.

``lee_background.cor`` holds 300 news articles and ``lee.cor`` another 50, one per line. Eight to twelve people judged
the similarity of each pair of those 50 (Lee, Pincombe, Welsh: "An Empirical Evaluation of Models of Text Document
Similarity", CogSci 2005). Nothing is downloaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from gensim.test.utils import datapath

from ._util.hints import with_hints
from ._util.rows import unit_rows

SHORTEST = 5  # words; shorter sentences carry little meaning


@with_hints
def lee_documents(name: str) -> list[str]:
    """Read one of the Lee corpora.

    Parameters
    ----------
    name : {"lee_background.cor", "lee.cor"}
        The file name: 300 articles, or the 50 with similarity judgments.

    Returns
    -------
    list of str
        One document per line of the file.

    Examples
    --------
    >>> from gensim_sent2vec.datasets import lee_documents
    >>> len(lee_documents("lee_background.cor")), len(lee_documents("lee.cor"))
    (300, 50)
    """
    return Path(datapath(name)).read_text(encoding="latin-1").splitlines()


@with_hints
def split_sentences(documents: Iterable[str]) -> list[str]:
    """Split documents into sentences at ``.``, ``?`` and ``!``; good enough for news.

    Parameters
    ----------
    documents : iterable of str

    Returns
    -------
    list of str
        The sentences of all documents, in order. Sentences of fewer than five words are dropped.

    Examples
    --------
    >>> from gensim_sent2vec.datasets import split_sentences
    >>> split_sentences(["Rain fell in Sydney all day. Really? Police closed two of the roads."])
    ['Rain fell in Sydney all day.', 'Police closed two of the roads.']
    """
    sentences = (s.strip() for document in documents for s in re.split(r"(?<=[.?!])\s+", document))
    return [s for s in sentences if len(s.split()) >= SHORTEST]


@with_hints
def human_correlation(vectors: np.ndarray) -> float:
    """Correlate document vectors of ``lee.cor`` with human similarity judgments.

    Parameters
    ----------
    vectors : numpy.ndarray, shape (50, n_dims)
        One vector per document of ``lee.cor``, in order.

    Returns
    -------
    float
        Pearson's r between the cosine similarities and the mean human judgments of the 1,225 pairs.

    Raises
    ------
    ValueError
        If `vectors` does not have one row per document.

    Examples
    --------
    >>> import numpy as np
    >>> from gensim_sent2vec.datasets import human_correlation
    >>> -1 <= human_correlation(np.random.default_rng(1).normal(size=(50, 8))) <= 1
    True
    """
    human = np.loadtxt(datapath("similarities0-1.txt"))
    if vectors.ndim != 2 or len(vectors) != len(human):
        raise ValueError(
            f"vectors: expected one row per document of lee.cor, {len(human)} in all, got shape {vectors.shape}"
        )
    unit = unit_rows(vectors)
    pairs = np.triu_indices(len(human), k=1)
    return float(np.corrcoef((unit @ unit.T)[pairs], human[pairs])[0, 1])
