"""Mining of sentences: pairs that say the same, near duplicates, and communities of similar sentences."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ._search.pairs import Nearest, n_neighbors, n_pairs, nearest_earlier_rows, nearest_rows
from ._search.scoring import cosines_of
from ._util.counted import counted
from ._util.hints import with_hints
from ._util.parameters import check_float, check_int
from ._util.progress import Progress
from .hnsw import Graph, usearch_index
from .keyedvectors import Sent2VecKeyedVectors, Sentence, check_keyed_vectors
from .search import SentenceIndex

logger = logging.getLogger(__name__)

Pair = tuple[float, int, int]

THRESHOLDS = (0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
ROUNDING = 1e-6  # equal vectors may have a product this much below 1
EXACT_UP_TO = 1_000_000  # sentences; more are searched with a graph by default
GRAPH_BATCH, GRAPH_NEIGHBORS = 1 << 12, 10
CENTERS = 1 << 8  # whose communities are looked up at a time
N_WORDS, MAX_LABEL_TEXTS = 3, 200  # of a community: words of its label, and the texts they are taken from


class Community(list[int]):
    """The rows of similar sentences, a list: first the center, then the others by their similarity to it.

    Attributes
    ----------
    words : list of str
        A label: the words that are most typical of these sentences, the most telling one first.
    """

    def __init__(self, rows: Iterable[int], words: Iterable[str] = ()) -> None:
        super().__init__(rows)
        self.words = list(words)

    def __repr__(self) -> str:
        return f"<Community of {counted(len(self), 'sentence')} around row {self[0]}: {', '.join(self.words)}>"


@with_hints
def paraphrase_mining(
    wv: Sent2VecKeyedVectors | SentenceIndex,
    sentences: Iterable[Sentence] | None = None,
    topn: int = 10,
    threshold: float = 0.8,
    method: str | None = None,
    workers: int | None = None,
    show_progress_bar: bool | None = None,
) -> list[Pair]:
    """Find the pairs of sentences with the most similar vectors, like the function of sentence-transformers.

    Parameters
    ----------
    wv : Sent2VecKeyedVectors or SentenceIndex
        What encodes the sentences; or an index, whose sentences are mined without encoding them again.
    sentences : iterable of str or of sequences of str
        Texts or their tokens. Without it, `wv` must be an index.
    topn : int
        A pair is found if one of the two is among the `topn` sentences nearest to the other.
    threshold : float
        The least cosine similarity of a pair, -1 to 1. What is a good one depends on the vectors: see
        `counts_by_threshold`.
    method : {None, "exact", "hnsw"}
        "exact" compares all pairs. "hnsw" searches a graph (extra ``[index]``), misses some pairs, and is faster for
        more than about a million sentences. None: "hnsw" for more than 1,000,000 sentences if usearch is installed.
    workers, show_progress_bar
        As in `SentenceIndex.build`.

    Returns
    -------
    list of (float, int, int)
        Cosine similarity and two rows, the lower one first; in descending order of similarity. Sentences without known
        words are in no pair, not even with an equal text.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid; as `SentenceIndex.build` does for sentences.
    ImportError
        If `method` is "hnsw" and usearch is not installed.

    Examples
    --------
    >>> from gensim.test.utils import common_texts
    >>> from gensim_sent2vec import Sent2Vec
    >>> from gensim_sent2vec.mining import paraphrase_mining
    >>> wv = Sent2Vec(common_texts, vector_size=20, min_count=1, workers=1).wv
    >>> [(i, j) for score, i, j in paraphrase_mining(wv, ["graph trees", "user time", "trees graph"])]
    [(0, 2)]
    """
    topn = check_int("topn", topn, 1)
    least = _check_threshold(threshold)
    index = _indexed(wv, sentences, method, workers, show_progress_bar)
    if _by_graph(method, len(index)):
        nearest = _nearest_by_graph(index, topn)
    else:
        with Progress("mining", n_pairs(len(index)), "pairs", show_progress_bar) as progress:
            nearest = nearest_rows(index.vectors, topn, progress)
    firsts, seconds, scores = _pairs_of(nearest, least, _known(index))
    _log_counts(nearest, index, "a similar one", f"{counted(len(firsts), 'pair')} at threshold {threshold:g}; ")
    order = np.lexsort((seconds, firsts, -scores))
    return list(zip(scores[order].tolist(), firsts[order].tolist(), seconds[order].tolist()))


@with_hints
def near_duplicates(
    wv: Sent2VecKeyedVectors | SentenceIndex,
    sentences: Iterable[Sentence] | None = None,
    threshold: float = 0.9,
    method: str | None = None,
    workers: int | None = None,
    show_progress_bar: bool | None = None,
) -> np.ndarray:
    """Find the sentences that repeat an earlier one, for instance to train without the repeats of a corpus.

    Parameters
    ----------
    wv, sentences, method, workers, show_progress_bar
        As in `paraphrase_mining`.
    threshold : float
        The least cosine similarity of duplicates, -1 to 1; see `counts_by_threshold`.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        True for a sentence if an earlier one is similar enough or has the same text.

    Raises
    ------
    TypeError, ValueError, ImportError
        As `paraphrase_mining` does.

    Examples
    --------
    >>> kept = [text for text, repeated in zip(texts, near_duplicates(wv, texts)) if not repeated]  # doctest: +SKIP
    """
    return earlier_duplicates(wv, sentences, threshold, method, workers, show_progress_bar)[0] >= 0


@with_hints
def earlier_duplicates(
    wv: Sent2VecKeyedVectors | SentenceIndex,
    sentences: Iterable[Sentence] | None = None,
    threshold: float = 0.9,
    method: str | None = None,
    workers: int | None = None,
    show_progress_bar: bool | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """For each sentence, the earlier one that says the same; the arguments are those of `near_duplicates`.

    Returns
    -------
    rows : numpy.ndarray of int64, shape (n,)
        The first sentence with the same text, else the most similar earlier one, else -1.
    scores : numpy.ndarray of float32, shape (n,)
        Cosine similarities; 1 for equal texts, and 0 if there is no such sentence.
    """
    least = _check_threshold(threshold)
    index = _indexed(wv, sentences, method, workers, show_progress_bar)
    if _by_graph(method, len(index)):
        nearest = _nearest_earlier_by_graph(index)
    else:
        with Progress("duplicates", n_pairs(len(index)), "pairs", show_progress_bar) as progress:
            nearest = nearest_earlier_rows(index.vectors, progress)
    known = _known(index)
    _log_counts(nearest, index, "a similar earlier one")
    rows, scores = np.full(len(index), -1), np.zeros(len(index), dtype=np.float32)
    first_with: dict[str, int] = {}
    for row, (text, (found, found_scores)) in enumerate(zip(index.sentences, nearest)):
        first = first_with.setdefault(text, row)
        if first < row:
            rows[row], scores[row] = first, 1
        elif len(found) and found_scores[0] >= least and known[row] and known[found[0]]:
            rows[row], scores[row] = found[0], min(found_scores[0], 1)
    return rows, scores


@with_hints
def counts_by_threshold(scores: Iterable[float], thresholds: Sequence[float] = THRESHOLDS) -> dict[float, int]:
    """Count how many cosine similarities reach each of several thresholds, to choose one for your texts.

    Cosine similarities of different vectors are not comparable: two texts that have nothing in common may have 0.1
    with one model and 0.5 with another. So find out where the similar texts of *your* corpus begin: count, and look at
    a few pairs at the threshold that you have in mind. `paraphrase_mining`, `near_duplicates` and `earlier_duplicates`
    log such counts (level INFO), and the command ``duplicates`` prints them.

    Parameters
    ----------
    scores : iterable of float
        Such as those of `earlier_duplicates` or `paraphrase_mining` with ``threshold=-1``.
    thresholds : sequence of float

    Returns
    -------
    dict of float to int

    Raises
    ------
    TypeError, ValueError
        If `scores` are not numbers, or NaN.

    Examples
    --------
    >>> counts_by_threshold([0.97, 0.91, 0.72], thresholds=(0.95, 0.9, 0.7))
    {0.95: 1, 0.9: 2, 0.7: 3}
    """
    try:
        ascending = np.sort(np.fromiter(scores, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"scores: expected a list of numbers, such as the scores of earlier_duplicates: {error}"
        ) from None
    if len(ascending) and np.isnan(ascending[-1]):
        raise ValueError("scores: expected cosine similarities, got NaN")
    return {
        threshold: len(ascending) - int(np.searchsorted(ascending, threshold - ROUNDING)) for threshold in thresholds
    }


def _best(nearest: Nearest, index: SentenceIndex) -> np.ndarray:
    """For each sentence with known words, the similarity to the nearest one."""
    known = _known(index)
    best = [scores[0] for (_, scores), is_known in zip(nearest, known.tolist()) if is_known and len(scores)]
    return np.minimum(np.array(best, dtype=np.float64), 1)


def _log_counts(nearest: Nearest, index: SentenceIndex, what: str, found: str = "") -> None:
    """Log how many sentences have a near one at several thresholds; `found` is what the log begins with."""
    if not logger.isEnabledFor(logging.INFO):
        return
    best = _best(nearest, index)
    if len(best):
        shown = ", ".join(f"{n:,} at {at:g}" for at, n in counts_by_threshold(best).items())
        highest = best.max()
        logger.info(
            "%ssentences with %s, by threshold: %s; the highest similarity is %.3f", found, what, shown, highest
        )


@with_hints
def community_detection(
    wv: Sent2VecKeyedVectors | SentenceIndex,
    sentences: Iterable[Sentence] | None = None,
    threshold: float = 0.75,
    min_community_size: int = 10,
    workers: int | None = None,
    show_progress_bar: bool | None = None,
) -> list[Community]:
    """Group similar sentences, like the function of sentence-transformers: dense groups, each around a center.

    The sentence with the most neighbors is the center of the first community, which consists of these neighbors; then
    comes the next sentence that is in no community yet, and so on. All pairs are compared, and memory does not depend
    on how many are similar.

    Parameters
    ----------
    wv, sentences, workers, show_progress_bar
        As in `paraphrase_mining`.
    threshold : float
        The least cosine similarity with the center, -1 to 1; see `counts_by_threshold`.
    min_community_size : int
        Smaller groups are left out.

    Returns
    -------
    list of Community
        The largest first. A community is a list of rows, the center first, with `words` as its label. No sentence is in
        two communities; sentences without known words are in none.

    Raises
    ------
    TypeError, ValueError
        As `paraphrase_mining` does.
    """
    least = _check_threshold(threshold)
    size = check_int("min_community_size", min_community_size, 1)
    index = _indexed(wv, sentences, None, workers, show_progress_bar)
    known = _known(index)
    with Progress("communities", n_pairs(len(index)), "pairs", show_progress_bar) as progress:
        counts = 1 + n_neighbors(index.vectors, least, progress)
    centers = np.argsort(-counts, kind="stable")
    centers = centers[(counts[centers] >= size) & known[centers]]
    if not len(centers) and len(counts):
        logger.info(
            "no community: at threshold %g, no sentence has %s or more; the largest group has %s",
            threshold, counted(size - 1, "neighbor"), counted(int(counts.max()), "sentence"),
        )  # fmt: skip
    communities = _grown(index.vectors, centers, least, size, ~known)
    communities.sort(key=lambda rows: -len(rows))
    label = _Labels(index, communities)
    return [Community(rows.tolist(), label(rows)) for rows in communities]


def _grown(vectors: np.ndarray, centers: np.ndarray, least: float, size: int, taken: np.ndarray) -> list[np.ndarray]:
    """The communities of the centers in turn, of rows that are not `taken` yet (which is updated)."""
    communities = []
    for first in range(0, len(centers), CENTERS):
        batch = centers[first : first + CENTERS]
        batch = batch[~taken[batch]]
        products = vectors[batch].astype(np.float32) @ vectors.astype(np.float32, copy=False).T
        for center, similar in zip(batch, products):
            if taken[center]:
                continue
            similar[center] = np.inf  # the center comes first, whatever its product with itself is rounded to
            rows = np.flatnonzero((similar >= least) & ~taken)
            if len(rows) >= size:
                taken[rows] = True
                communities.append(rows[np.lexsort((rows, -similar[rows]))])
    return communities


class _Labels:
    """The words that are much more frequent in a community than elsewhere."""

    def __init__(self, index: SentenceIndex, communities: Sequence[np.ndarray]) -> None:
        self._wv, self._texts = index.wv, index.sentences
        self._counts = {int(rows[0]): self._count(rows) for rows in communities}
        self._total: Counter[str] = Counter()
        for counts in self._counts.values():
            self._total.update(counts)
        self._n_total = self._total.total()
        corpus = self._wv.expandos.get("count")
        self._corpus = None if corpus is None else np.asarray(corpus, dtype=np.float64)
        self._n_corpus = 0.0 if self._corpus is None else float(self._corpus.sum())

    def _count(self, rows: np.ndarray) -> Counter[str]:
        texts = [self._texts[row] for row in rows[:MAX_LABEL_TEXTS].tolist()]
        return Counter(token for tokens in self._wv.token_lists(texts) for token in set(tokens))

    def _elsewhere(self, word: str) -> float:
        """The frequency of a word in the training corpus or, if it is not known there, in all communities."""
        known = self._wv.key_to_index.get(word)
        if known is not None and self._n_corpus:
            assert self._corpus is not None
            return max(float(self._corpus[known]), 1.0) / self._n_corpus
        return self._total[word] / self._n_total

    def __call__(self, rows: np.ndarray) -> list[str]:
        counts = self._counts[int(rows[0])]
        n = counts.total()

        def gain(word: str) -> float:  # its part of the Kullback-Leibler divergence
            return counts[word] / n * float(np.log(counts[word] / n / self._elsewhere(word)))

        words = [word for word in counts if any(map(str.isalnum, word))]
        return sorted(words, key=lambda word: (-gain(word), word))[:N_WORDS]


def _indexed(wv: Any, sentences: Any, method: str | None, workers: int | None, show: bool | None) -> SentenceIndex:
    """An index of the sentences, or the index that was passed."""
    if method not in (None, "exact", "hnsw"):
        raise ValueError(f'method: expected "exact", "hnsw" or None, got {method!r}')
    if isinstance(wv, SentenceIndex):
        if sentences is not None:
            raise TypeError("sentences: an index has its own; pass its vectors (index.wv) to mine other sentences")
        wv.check()
        return wv
    check_keyed_vectors(wv)
    if sentences is None:
        raise TypeError("sentences: missing; pass texts, or a SentenceIndex in place of wv")
    return SentenceIndex.build(wv, sentences, workers=workers, show_progress_bar=show)


def _known(index: SentenceIndex) -> np.ndarray:
    """True for the sentences with known words."""
    return np.asarray(index.vectors.any(axis=1))


def _check_threshold(threshold: float) -> float:
    return check_float("threshold", threshold, least=-1, most=1) - ROUNDING


def _by_graph(method: str | None, n: int) -> bool:
    if method is not None or n <= EXACT_UP_TO:
        return method == "hnsw"
    try:
        usearch_index()
    except ImportError:
        logger.warning(
            'all pairs of %s sentences are compared, which takes long; pip install "gensim-sent2vec[index]" for an '
            "approximate search",
            f"{n:,}",
        )
        return False
    return True


def _nearest_by_graph(index: SentenceIndex, topn: int) -> Nearest:
    """The `topn` rows nearest to each row, approximately."""
    vectors = index.vectors
    if index.method == "hnsw":
        search: Any = index.find  # its scores are exact
    else:
        search = partial(_scored, vectors, Graph.build(vectors))
    nearest: Nearest = []
    for first in range(0, len(vectors), GRAPH_BATCH):
        queries = vectors[first : first + GRAPH_BATCH].astype(np.float32)
        for row, (found, scores) in enumerate(search(queries, topn + 1), first):
            others = found != row
            nearest.append((found[others][:topn], scores[others][:topn]))
    return nearest


def _nearest_earlier_by_graph(index: SentenceIndex, batch_size: int = GRAPH_BATCH) -> Nearest:
    """The row before each row that is nearest to it, approximately.

    The graph grows batch by batch, so that it proposes earlier rows only, however many later ones are nearer.
    """
    vectors = index.vectors
    nearest = nearest_earlier_rows(vectors[:batch_size])
    graph = Graph.build(vectors[:batch_size])
    for first in range(batch_size, len(vectors), batch_size):
        batch = vectors[first : first + batch_size]
        queries = batch.astype(np.float32)
        within = nearest_earlier_rows(batch)
        for (rows, scores), (others, other_scores) in zip(_scored(vectors, graph, queries, GRAPH_NEIGHBORS), within):
            rows, scores = np.concatenate([rows, first + others]), np.concatenate([scores, other_scores])
            best = np.lexsort((rows, -scores))[:1]
            nearest.append((rows[best], scores[best]))
        graph.add(np.arange(first, first + len(batch)), batch)
    return nearest


def _scored(vectors: np.ndarray, graph: Graph, queries: np.ndarray, topn: int) -> Nearest:
    """The rows that a graph finds for each query, with exact cosines: its own have the precision of its vectors."""
    found = []
    for query, (rows, _) in zip(queries, graph.search(queries, topn)):
        scores = cosines_of(vectors, rows, query)
        order = np.lexsort((rows, -scores))
        found.append((rows[order], scores[order]))
    return found


def _pairs_of(nearest: Nearest, least: float, known: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each pair once: lower rows, higher rows, and cosine similarities of at least `least`."""
    rows = np.repeat(np.arange(len(nearest)), [len(found) for found, _ in nearest])
    found = np.concatenate([np.zeros(0, dtype=np.int64), *(found for found, _ in nearest)])
    scores = np.concatenate([np.zeros(0, dtype=np.float32), *(scores for _, scores in nearest)])
    kept = (scores >= least) & known[rows] & known[found]
    firsts, seconds = np.minimum(rows, found)[kept], np.maximum(rows, found)[kept]
    _, once = np.unique(firsts * len(nearest) + seconds, return_index=True)
    return firsts[once], seconds[once], np.clip(scores[kept][once], -1, 1)
