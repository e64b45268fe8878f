"""Tuning a weighting on labeled texts: checks, cross-validation over labels, and what becomes of the factors.

First, `first_half` is chosen, which tells where in a sentence its topic stands: among a few multiples of the present
value, by the ranks of texts with the same label. Then `gensim_sent2vec._pooling.tuning` learns factors. Here, texts
become what it learns from, and cross-validation tells whether it helps: factors are learned without the texts of some
labels and scored on these, until each label was left out once. If several strengths of the pull towards 1 are given,
the best one is chosen. Texts of one label are never on both sides, for the choice of `first_half` either.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise, product
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from .._pooling.fitted import FittedWeighting, NgramFactors
from .._pooling.parameters import WeightingParameters
from .._pooling.tuning import BATCH, STEPS, Factors, LabeledTexts, TextVectors, learn_factors, ranks_of_same_label
from .._text.inputs import as_column, as_text, checked_texts, is_missing
from .._text.vocabulary import Vocabulary
from .._util.counted import counted
from .._util.parameters import check_int
from .._util.progress import Progress
from .._util.threads import available_cpus, thread_map
from .._util.warning import warn
from ..lexical import LexicalScores
from .hubs import NEIGHBORS, mean_cosines, mean_products
from .scoring import check_scoring

PULL = 8.0  # divided by the number of texts that have a partner
HALVES = (1.0, 0.8, 1.2, 1.4)  # multiples of first_half
RANKS = (1, 3, 5)
MAX_SCORED = 3000  # texts that cross-validation scores
MAX_NEIGHBORS = 4096  # texts among which it looks for neighbors
MAX_THREADS = 2  # folds at a time; each needs memory for one batch
MIN_FOLDS = 2
SHOWN = 40  # characters of a text in a message


@dataclass(frozen=True, eq=False)
class Tuned:
    """The outcome of `tune`.

    Attributes
    ----------
    parameters : WeightingParameters
        Those of the weighting that was tuned, with another `first_half` if this helps.
    fitted : FittedWeighting or None
        With the factors; None if tuning did not help.
    report : dict
        What JSON can store: see `SentenceWeighting.tuning`.
    words : list of (str, float)
        The words whose weights changed, with their factors, largest first.
    """

    parameters: WeightingParameters
    fitted: FittedWeighting | None
    report: dict[str, Any]
    words: list[tuple[str, float]]


def tune(
    parameters: WeightingParameters,
    fitted: FittedWeighting,
    wv: Any,
    texts: Iterable[Any],
    labels: Iterable[Any],
    hybrid: float = 0.5,
    folds: int = 5,
    pulls: Sequence[float] | None = None,
    seed: int = 1,
    show_progress_bar: bool | None = None,
    csls: float = 0.0,
    steps: int = STEPS,
    batch: int = BATCH,
    names: Names | None = None,
    halves: Sequence[float] = HALVES,
) -> Tuned:
    """See `SentenceWeighting.tune`."""
    hybrid, csls = check_scoring(hybrid, csls)
    folds, seed = check_int("folds", folds, MIN_FOLDS), check_int("seed", seed, 0)
    if pulls is not None and (not pulls or not all(np.isfinite(pull) and pull >= 0 for pull in pulls)):
        raise ValueError(f"pulls: expected at least one finite number, 0 or more, got {pulls!r}")
    kept, codes = usable_texts(texts, labels, names or TEXTS)
    prepared = Prepared.of(parameters, fitted, wv, kept, codes, hybrid)
    fold_of_text, n_folds = folds_over_labels(codes, folds, seed)
    queries = scored_texts(codes)
    pulls = (default_pull(codes),) if pulls is None else pulls

    def learn(texts: LabeledTexts, pull: float) -> Factors:
        return learn_factors(texts, pull, seed, steps, batch)

    with Progress("tune", len(pulls) * n_folds + 1, "folds", show_progress_bar) as progress:
        before, of_halves = ranks_of_halves(prepared, queries, csls, halves)
        texts_of_fold = [
            prepared.with_first_half(choose_half(of_halves, fold_of_text[queries] != fold)).texts
            for fold in range(n_folds)
        ]
        after = held_out_ranks(texts_of_fold, fold_of_text, queries, csls, pulls, learn, progress)
        best = best_pull(after)
        chosen = prepared.with_first_half(choose_half(of_halves))
        report = _report(codes, queries, fold_of_text, before, after, best)
        report |= {"hybrid": float(hybrid), "csls": csls, "first_half": chosen.parameters.first_half}
        if not report["helps"]:
            return Tuned(parameters, None, report | {"first_half": parameters.first_half}, [])
        factors = learn(chosen.texts, best)
    result = replace(chosen.apply(fitted, factors), tuning=report)
    return Tuned(chosen.parameters, result, report, chosen.changes(factors))


def held_out_ranks(
    texts_of_fold: Sequence[LabeledTexts],
    fold_of_text: np.ndarray,
    queries: np.ndarray,
    csls: float,
    pulls: Iterable[float],
    learn: Callable[[LabeledTexts, float], Factors],
    progress: Progress,
) -> dict[float, np.ndarray]:
    """For each strength, the ranks of the queries, with factors that are learned without the texts of their fold.

    All texts are given for each fold. Two folds are processed at a time.
    """
    of_fold = [fold_of_text[queries] == fold for fold in range(len(texts_of_fold))]
    tasks = list(product(dict.fromkeys(map(float, pulls)), range(len(texts_of_fold))))

    def ranks_of_fold(task: tuple[float, int]) -> np.ndarray:
        pull, fold = task
        texts = texts_of_fold[fold]
        factors = learn(texts.take(np.flatnonzero(fold_of_text != fold)), pull)
        return search_ranks(texts, factors, queries[of_fold[fold]], csls)

    after = {pull: np.zeros(len(queries), dtype=np.int64) for pull, _ in tasks}
    workers = min(MAX_THREADS, available_cpus())
    for done, ((pull, fold), ranks) in enumerate(zip(tasks, thread_map(ranks_of_fold, tasks, workers)), 1):
        after[pull][of_fold[fold]] = ranks
        progress.update(done)
    return after


def ranks_of_halves(
    prepared: Prepared, queries: np.ndarray, csls: float, halves: Sequence[float] = HALVES
) -> tuple[np.ndarray, dict[float, np.ndarray]]:
    """The ranks of `search_ranks` without factors: as the weighting is, and for multiples of its `first_half`.

    Sentence vectors that are means of rows (`linear`, or no lexical part) are to stay so: `first_half` is not changed.
    """
    ones = Factors.ones(prepared.texts)
    products = lexical_means(prepared.texts.vectors(ones)) if csls else None
    before = search_ranks(prepared.texts, ones, queries, csls, products)
    if len(prepared.texts.parts) == 1 or prepared.texts.hybrid == 1:
        return before, {1.0: before}
    others = {
        float(half): search_ranks(prepared.with_first_half(half).texts, ones, queries, csls, products)
        for half in halves
        if half != 1
    }
    return before, {1.0: before} | others


def choose_half(of_halves: dict[float, np.ndarray], kept: np.ndarray | slice = slice(None)) -> float:
    """The multiple of `first_half`, by the ranks of some of the queries.

    It is the one nearest to 1 whose mean reciprocal rank is less than one standard error below the best one.
    """
    reciprocal = {half: 1 / ranks[kept] for half, ranks in of_halves.items()}
    best = max(reciprocal, key=lambda half: float(reciprocal[half].mean()))
    for half in sorted(reciprocal, key=lambda half: (abs(np.log(half)), half)):
        missing = reciprocal[best] - reciprocal[half]
        if half == best or missing.mean() < missing.std() / np.sqrt(len(missing)):
            return half
    return best


def default_pull(codes: np.ndarray) -> float:
    """The strength of the pull for texts with these labels.

    Factors have the same prior whatever the number of texts, a normal distribution of their logarithms; as the loss is
    a mean over the texts that have a partner, the pull is divided by their number.
    """
    return PULL / int((np.bincount(codes)[codes] > 1).sum())


def best_pull(after: dict[float, np.ndarray]) -> float:
    """The strength whose ranks have the largest mean reciprocal rank."""
    return max(after, key=lambda pull: float((1 / after[pull]).mean()))


def _report(
    codes: np.ndarray,
    queries: np.ndarray,
    fold_of_text: np.ndarray,
    before: np.ndarray,
    after: dict[float, np.ndarray],
    best: float,
) -> dict[str, Any]:
    """The scores of the cross-validation."""
    ranks = after[best]
    folds = [
        {"before": _precisions(before[part]), "after": _precisions(ranks[part])}
        for part in (fold_of_text[queries] == fold for fold in range(int(fold_of_text.max()) + 1))
        if part.any()
    ]
    return {
        "texts": len(codes),
        "labels": int(codes.max()) + 1,
        "scored": len(queries),
        "pull": best,
        "before": _precisions(before),
        "after": _precisions(ranks),
        "folds": folds,
        "pulls": {f"{pull:g}": _precisions(of) for pull, of in after.items()},
        "helps": helps(before, ranks),
    }


def helps(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether more texts are found first, and the mean reciprocal rank grows by more than its standard error."""
    gains = 1 / after - 1 / before
    found_more = (after == 1).sum() > (before == 1).sum()
    return bool(found_more and gains.mean() > gains.std() / np.sqrt(len(gains)))


def _precisions(ranks: np.ndarray) -> dict[str, float]:
    return {f"P@{k}": round(float((ranks <= k).mean()), 6) for k in RANKS}


def search_ranks(
    texts: LabeledTexts,
    factors: Factors,
    queries: np.ndarray,
    csls: float = 0.0,
    products: np.ndarray | None = None,
) -> np.ndarray:
    """The ranks of `ranks_of_same_label`, by the scores that a search of all texts with `csls` has.

    `products` are the `lexical_means` with these factors, if they are known.
    """
    vectors = texts.vectors(factors)
    penalties = np.float32(csls) * hubness(vectors, products) if csls else None
    return ranks_of_same_label(vectors, texts.labels, queries, penalties)


def hubness(vectors: TextVectors, products: np.ndarray | None = None) -> np.ndarray:
    """The mean scores of texts with their nearest neighbors, as an index computes them: float32, (n,).

    If there are many texts, neighbors are looked for in a smaller sample of them than that of an index.
    """
    means = lexical_means(vectors) if products is None else products.copy()
    if vectors.hybrid < 1:
        means += mean_cosines(vectors.dense, most=MAX_NEIGHBORS)  # their squared length is the share of the cosine
    return means


def lexical_means(vectors: TextVectors) -> np.ndarray:
    """The lexical part of `hubness`."""
    if vectors.hybrid > 0:
        lengths, power = vectors.text_lengths, vectors.length_power
        return vectors.hybrid * mean_products(vectors.ngrams, NEIGHBORS, MAX_NEIGHBORS, lengths, power)
    return np.zeros(len(vectors.dense), dtype=np.float32)


def did_not_help(report: dict[str, Any], names: Names | None = None) -> str:
    """What to say if tuning did not help."""
    text, label = names or TEXTS
    before, after, n_folds = report["before"]["P@1"], report["after"]["P@1"], len(report["folds"])
    folds = ", ".join(f"{fold['before']['P@1']:.3f} -> {fold['after']['P@1']:.3f}" for fold in report["folds"])
    return (
        f"tuning does not help on these {text}s, so the weighting stays as it was: P@1 of "
        f"{counted(report['scored'], text)} would change from {before:.4f} to {after:.4f} by {n_folds}-fold "
        f"cross-validation over {label}s ({folds})"
    )


# -----------------------------------------------------------------------------------------------------
# Checks


class Names(NamedTuple):
    """What texts and their labels are called in errors."""

    text: str
    label: str


TEXTS, QUESTIONS = Names("text", "label"), Names("question", "answer")


def usable_texts(
    texts: Iterable[Any], labels: Iterable[Any], names: Names = TEXTS, least: int = MIN_FOLDS
) -> tuple[list[Any], np.ndarray]:
    """Distinct texts and the numbers of their labels, int64; texts with several labels are left out with a warning.

    Parameters
    ----------
    texts : iterable of str or of sequences of str
    labels : iterable of str or of int
    names : Names
        For errors.
    least : int
        The least number of labels that have several texts.

    Raises
    ------
    TypeError
        If a text or a label is missing or of another type.
    ValueError
        If there are more or fewer labels than texts, or too few labels have several texts.
    """
    given = list(checked_texts(texts, f"{names.text}s"))
    keys = list(as_column(labels, f"{names.label}s", f"{names.label}s"))
    if len(keys) != len(given):
        found = f"{counted(len(keys), names.label)} for {counted(len(given), names.text)}"
        raise ValueError(f"{names.label}s: expected one per {names.text}, got {found}")
    for row, key in enumerate(keys):
        if is_missing(key) or not isinstance(key, (str, int, np.integer)) or isinstance(key, bool):
            raise TypeError(f"{names.label}s: row {row:,}: expected a string or an integer, got {key!r}")
    keys = [key.strip() if isinstance(key, str) else int(key) for key in keys]
    normal = [
        " ".join(unicodedata.normalize("NFC", as_text(text, f"{names.text}s: row {i:,}")).split())
        for i, text in enumerate(given)
    ]
    labels_of: dict[str, set[Any]] = {}
    for text, key in zip(normal, keys):
        labels_of.setdefault(text, set()).add(key)
    _warn_of_contradictions(labels_of, names)
    rows = {text: row for row, text in reversed(list(enumerate(normal))) if text and len(labels_of[text]) == 1}
    kept = sorted(rows.values())
    numbers: dict[Any, int] = {}
    codes = np.array([numbers.setdefault(keys[row], len(numbers)) for row in kept], dtype=np.int64)
    _check_labels(codes, list(numbers), names, least)
    return [given[row] for row in kept], codes


def _warn_of_contradictions(labels_of: dict[str, set[Any]], names: Names) -> None:
    several = [text for text, found in labels_of.items() if len(found) > 1 and text]
    if several:
        first = several[0]
        shown = ", ".join(sorted(map(repr, labels_of[first]))[:3])
        has = "has more than one" if len(several) == 1 else "have more than one"
        left = "is left out: it is" if len(several) == 1 else "are left out; the first is"
        warn(
            f"{names.text}s: {counted(len(several), names.text)} {has} {names.label} and {left} {first[:SHOWN]!r} with "
            f"the {names.label}s {shown[:200]}"
        )


def _check_labels(codes: np.ndarray, keys: list[Any], names: Names, least: int) -> None:
    """Raise a ValueError unless at least two labels, and `least` with several texts each, are left."""
    text, label = names
    if not len(codes):
        raise ValueError(f"{text}s: there is no {text} with exactly one {label}; expected {text}s that share {label}s")
    counts = np.bincount(codes)
    needed = f"expected {label}s that several {text}s have"
    if least > 1:
        needed = f"expected at least two {label}s with at least two different {text}s each"
    if names is not QUESTIONS:
        needed += ", such as questions with the same answer"
    if len(counts) == 1:
        raise ValueError(f"{label}s: all {counted(len(codes), text)} have the {label} {keys[0]!r:.{SHOWN}}; {needed}")
    if (counts > 1).sum() < least:
        but = f"every {label} but {keys[int(counts.argmax())]!r:.{SHOWN}} has"
        which = f"every {label} has" if counts.max() == 1 else but
        raise ValueError(
            f"{label}s: {which} only one {text} ({counted(len(counts), label)}, "
            f"{counted(len(codes), f'different {text}')}); {needed}"
        )


def folds_over_labels(codes: np.ndarray, folds: int, seed: int) -> tuple[np.ndarray, int]:
    """The fold of each text, int64, and the number of folds; labels with several texts are spread evenly."""
    counts = Counter(codes.tolist())
    random = np.random.default_rng(seed)
    shuffled = random.permutation(len(counts))
    shuffled = np.concatenate(
        [shuffled[[counts[i] > 1 for i in shuffled]], shuffled[[counts[i] == 1 for i in shuffled]]]
    )
    n_folds = min(folds, sum(count > 1 for count in counts.values()))
    fold_of_label = np.empty(len(counts), dtype=np.int64)
    fold_of_label[shuffled] = np.arange(len(counts)) % n_folds
    return fold_of_label[codes], n_folds


def scored_texts(codes: np.ndarray, most: int = MAX_SCORED) -> np.ndarray:
    """Positions of texts whose label another text has, evenly spaced if there are many."""
    found = np.flatnonzero(np.bincount(codes)[codes] > 1)
    return found if len(found) <= most else found[np.linspace(0, len(found) - 1, most).astype(np.int64)]


# -----------------------------------------------------------------------------------------------------
# From texts to arrays, and from factors to a weighting


@dataclass(frozen=True, eq=False)
class Prepared:
    """Labeled texts as arrays, and what their words and n-grams are.

    Attributes
    ----------
    parameters : WeightingParameters
    texts : LabeledTexts
    token_lists : list of lists of str
        The words of each text.
    words : list of str
        All distinct words.
    weights : numpy.ndarray of float32, shape (n_words,)
    ids : numpy.ndarray of int64, shape (n_words,)
        Positions of the words in the vocabulary; -1 for out-of-vocabulary words, which have no weights to change.
    hashes : numpy.ndarray of uint64, shape (n_ngrams,)
    """

    parameters: WeightingParameters
    texts: LabeledTexts
    token_lists: list[list[str]]
    words: list[str]
    weights: np.ndarray
    ids: np.ndarray
    hashes: np.ndarray

    @classmethod
    def of(
        cls,
        parameters: WeightingParameters,
        fitted: FittedWeighting,
        wv: Any,
        texts: Sequence[Any],
        codes: np.ndarray,
        hybrid: float,
    ) -> Prepared:
        tokenize = getattr(wv, "tokens", str.split)
        token_lists = [tokenize(text) if isinstance(text, str) else list(text) for text in texts]
        words = list(dict.fromkeys(chain.from_iterable(token_lists)))
        vocabulary = wv.key_to_index
        ids = np.array([vocabulary.get(word, -1) for word in words], dtype=np.int64)
        rows, weights = rows_and_weights(parameters, fitted, wv.vectors, words, ids)
        lexical = LexicalScores.fit(texts, factors=fitted.ngram_factors)
        labeled = LabeledTexts(
            token_matrix(parameters, token_lists, words, weights), rows, parts_of(parameters, fitted, rows.shape[1]),
            lexical.matrix(), hybrid, codes, lexical.lengths, lexical.length_power,
        )  # fmt: skip
        return cls(parameters, labeled, token_lists, words, weights, ids, lexical.features)

    def with_first_half(self, multiple: float) -> Prepared:
        """The same texts with a multiple of `first_half`."""
        if multiple == 1:
            return self
        parameters = replace(self.parameters, first_half=self.parameters.first_half * multiple)
        tokens = token_matrix(parameters, self.token_lists, self.words, self.weights)
        return replace(self, parameters=parameters, texts=replace(self.texts, tokens=tokens))

    def apply(self, fitted: FittedWeighting, factors: Factors) -> FittedWeighting:
        """The fitted weighting with these factors."""
        weights = fitted.weights.copy()
        known = self.ids >= 0
        weights[self.ids[known]] *= factors.words[known]
        changed = factors.ngrams != 1
        learned = NgramFactors(self.hashes[changed], factors.ngrams[changed])
        if fitted.ngram_factors is not None:
            learned = fitted.ngram_factors.times(learned)
        return replace(fitted, weights=weights, ngram_factors=learned if len(learned.hashes) else None)

    def changes(self, factors: Factors) -> list[tuple[str, float]]:
        """Known words whose weights change, with their factors, largest first."""
        changed = np.flatnonzero((factors.words != 1) & (self.ids >= 0))
        order = changed[np.argsort(-factors.words[changed], kind="stable")]
        return [(self.words[i], float(factors.words[i])) for i in order]


def rows_and_weights(
    parameters: WeightingParameters,
    fitted: FittedWeighting,
    vectors: np.ndarray,
    words: Sequence[str],
    ids: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and weights of words, as sentences are pooled with: float32, (n_words, n_dims) and (n_words,)."""
    all_rows = vectors if fitted.rows is None else fitted.rows
    rows = np.zeros((len(words), all_rows.shape[1]), dtype=np.float32)
    weights = np.zeros(len(words), dtype=np.float32)
    known = ids >= 0
    rows[known], weights[known] = all_rows[ids[known]], fitted.weights[ids[known]]
    if fitted.encodes_unseen and not known.all():
        encode = fitted.word_encoder(parameters.stop_words)
        rows[~known], weights[~known] = encode([word for word, is_known in zip(words, known.tolist()) if not is_known])
    return rows, weights


def parts_of(parameters: WeightingParameters, fitted: FittedWeighting, n_dims: int) -> list[tuple[slice, float]]:
    """The parts of a sentence vector, and the lengths that they are scaled to before they are joined."""
    lengths = parameters.part_lengths(bool(fitted.pretrained_dims))
    if lengths is None:
        return [(slice(0, n_dims), 1.0)]
    ends = (0, fitted.semantic_dims, n_dims - fitted.pretrained_dims, n_dims)
    parts = [slice(start, stop) for start, stop in pairwise(ends)]
    return [(part, length) for part, length in zip(parts, lengths) if part.stop > part.start]


def token_matrix(
    parameters: WeightingParameters, token_lists: Sequence[Sequence[str]], words: Sequence[str], weights: np.ndarray
) -> sparse.csr_matrix:
    """The weighted words of sentences: float32, (n_sentences, n_words); see `first_half`."""
    position = Vocabulary.from_words(words)
    lengths = np.fromiter(map(len, token_lists), dtype=np.int64, count=len(token_lists))
    ends = np.concatenate([[0], np.cumsum(lengths)])
    columns = np.fromiter((position[token] for token in chain.from_iterable(token_lists)), np.int64, ends[-1])
    first_half = (np.arange(ends[-1]) - np.repeat(ends[:-1], lengths)) < np.repeat(lengths // 2, lengths)
    long = np.repeat(lengths > parameters.half_length, lengths)
    values = np.where(first_half & long, np.float32(parameters.first_half), 1) * weights[columns]
    matrix = sparse.csr_matrix((values.astype(np.float32), columns, ends), shape=(len(token_lists), len(words)))
    matrix.sum_duplicates()
    return matrix
