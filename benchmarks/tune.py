"""What do tuning on labeled questions, the correction for hubs, and refitting gain?

Korean questions (``faq-ko.tsv``) are searched as `gensim_sent2vec.evaluation.evaluate_retrieval` does: queries find a
question with the same answer among all questions to be searched. Tuning is scored by five-fold cross-validation over
answers: the answers are shuffled, factors are learned from all questions with four fifths of them, and queries with the
others are searched. Figures are means over the shuffles, for multiples of the default pull; "as by users" leaves the
weighting as it was where tuning does not help by folds within the four fifths, as `tune` does. `first_half` is always
chosen within the four fifths. "Within words" is searched with the lexical scores of earlier versions: n-grams within
words, whatever the lengths of query and text.
Judged pairs (``korsts-dev.tsv``) are used as retrieval: sentences of pairs scored 4 or more are to find their partner
among all sentences.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import common
import methods
import numpy as np

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec._pooling.tuning import Factors, learn_factors
from gensim_sent2vec._search.tuning import (
    Prepared,
    choose_half,
    default_pull,
    folds_over_labels,
    helps,
    ranks_of_halves,
    scored_texts,
    search_ranks,
    usable_texts,
)
from gensim_sent2vec._text.tables import read_table

QUESTION = "tune"
FOLDS, HYBRID, RANKS = 5, 0.5, (1, 3, 5)
STRENGTHS = (0.0, 0.25, 0.5, 0.75)  # of the correction for hubs
CORRECTED = (0.0, 0.5)  # those that tuning is measured with
MULTIPLES = (1.0, 3.0)  # of the default pull
WITHIN_WORDS = {"analyzer": "char_wb", "length_power": 0}
SIMILAR = 4.0  # pairs with this score are to find each other


def train(corpus: str) -> Sent2VecKeyedVectors:
    """The vectors of `quality.py`: "this package, default", weighted, with 200 more dimensions."""
    options = {"vector_size": methods.DIM, "epochs": methods.EPOCHS, "negative": methods.NEGATIVE}
    model = Sent2Vec(
        corpus_file=corpus,
        seed=methods.SEED,
        workers=methods.THREADS,
        weighting=False,
        min_count=methods.MIN_COUNT,
        **options,
    )
    sentences = methods.sample(corpus, methods.SAMPLE)
    model.wv.weighting = SentenceWeighting(lexical_dims=200).fit(model.wv, sentences, model.syn1neg)
    model.wv.tokenizer = "kiwi"
    return model.wv


# -----------------------------------------------------------------------------------------------------
# Questions


class Questions:
    """The questions of a file, tokenized once."""

    def __init__(self, wv: Sent2VecKeyedVectors, path: Path) -> None:
        rows = [values for _, values in read_table(path, ("role", "answer", "question"), header="optional")]
        roles, answers, self.texts = (list(column) for column in zip(*rows))
        self.answers = np.unique(answers, return_inverse=True)[1]
        self.searched = np.flatnonzero(np.array(roles) == "index")
        self.queries = np.flatnonzero(np.array(roles) == "query")
        tokens = dict(zip(self.texts, wv.token_lists(self.texts)))
        wv.tokenizer = tokens.__getitem__

    def found(self, wv: Sent2VecKeyedVectors, csls: float = 0.0, **options: Any) -> np.ndarray:
        """Whether each query finds its answer among the first 1, 3 and 5: bool, (n_queries, 3)."""
        index = SentenceIndex.build(
            wv, [self.texts[i] for i in self.searched], keys=range(len(self.searched)), **options
        )
        results = index.find([self.texts[i] for i in self.queries], topn=max(RANKS), hybrid=HYBRID, csls=csls)
        top = self.answers[self.searched][np.stack([rows for rows, _ in results])]
        right = top == self.answers[self.queries][:, None]
        return np.stack([right[:, :k].any(axis=1) for k in RANKS], axis=1)

    def folds(self, shuffle: int) -> np.ndarray:
        """The fold of each question, by its answer."""
        order = np.random.default_rng(shuffle).permutation(self.answers.max() + 1)
        folds = np.empty(len(order), dtype=np.int64)
        folds[order] = np.arange(len(order)) % FOLDS
        return folds[self.answers]


def prepare_without(wv: Sent2VecKeyedVectors, questions: Questions, left_out: np.ndarray) -> Prepared:
    """All questions but those that are left out."""
    rest = np.flatnonzero(~left_out)
    texts, codes = usable_texts([questions.texts[i] for i in rest], questions.answers[rest].tolist())
    return Prepared.of(wv.weighting._parameters, wv.weighting._fitted, wv, texts, codes, HYBRID)


class Choices:
    """What `SentenceWeighting.tune` chooses on some questions, and the weightings that come of it."""

    def __init__(self, wv: Sent2VecKeyedVectors, prepared: Prepared) -> None:
        self.base, self.prepared, texts = wv.weighting, prepared, prepared.texts
        self.folds, self.n_folds = folds_over_labels(texts.labels, FOLDS, 1)
        self.queries = scored_texts(texts.labels)
        self.default = default_pull(texts.labels)
        self.halves = {csls: ranks_of_halves(prepared, self.queries, csls) for csls in CORRECTED}
        self.learned: dict[tuple[float, float, int | None], Factors] = {}

    def factors(self, half: float, pull: float, without: int | None = None) -> Factors:
        """Those learned with a multiple of `first_half`, without the questions of a fold."""
        key = (half, pull, without)
        if key not in self.learned:
            texts = self.prepared.with_first_half(half).texts
            used = texts if without is None else texts.take(np.flatnonzero(self.folds != without))
            self.learned[key] = learn_factors(used, pull)
        return self.learned[key]

    def weighting(self, csls: float, pull: float | None) -> SentenceWeighting:
        """The weighting that `tune` returns for this strength of the pull; None: the weighting stays."""
        if pull is None:
            return self.base
        half = choose_half(self.halves[csls][1])
        chosen = self.prepared.with_first_half(half)
        fitted = chosen.apply(self.base._fitted, self.factors(half, pull))
        return SentenceWeighting._from_values(chosen.parameters, fitted)

    def pull(self, csls: float) -> float | None:
        """The default pull, or None if `tune` leaves the weighting as it was."""
        before, of_halves = self.halves[csls]
        after = np.zeros_like(before)
        for fold in range(self.n_folds):
            of_fold = self.folds[self.queries] == fold
            half = choose_half(of_halves, ~of_fold)
            texts, factors = self.prepared.with_first_half(half).texts, self.factors(half, self.default, fold)
            after[of_fold] = search_ranks(texts, factors, self.queries[of_fold], csls)
        return self.default if helps(before, after) else None


def cross_validated(wv: Sent2VecKeyedVectors, questions: Questions, shuffles: int, nested: int) -> dict[str, Any]:
    """For each pull and each strength of the correction, P@k of each shuffle and their mean.

    The first `nested` shuffles are also tuned as by users, only where it helps by folds within the others.
    """
    base = wv.weighting
    scores: dict[str, list[list[float]]] = {}
    chosen: dict[str, list[Any]] = {}
    for shuffle in range(shuffles):
        folds = questions.folds(shuffle)
        found: dict[str, np.ndarray] = {}
        for fold in range(FOLDS):
            wv.weighting = base
            choices = Choices(wv, prepare_without(wv, questions, folds == fold))
            of_fold = folds[questions.queries] == fold
            for csls in CORRECTED:
                pulls: dict[str, float | None] = {
                    "tuned" if times == 1 else f"tuned, {times:g} times the pull": times * choices.default
                    for times in MULTIPLES
                }
                if shuffle < nested:
                    pulls["tuned, as by users"] = choices.pull(csls)
                for name, pull in pulls.items():
                    name += f", csls {csls:g}" if csls else ""
                    wv.weighting = choices.weighting(csls, pull)
                    right = found.setdefault(name, np.zeros((len(questions.queries), len(RANKS)), dtype=bool))
                    right[of_fold] = questions.found(wv, csls)[of_fold]
                    chosen.setdefault(name, []).append([pull, wv.weighting.first_half])
        for name, right in found.items():
            scores.setdefault(name, []).append(right.mean(axis=0).tolist())
        print({name: of[-1][0] for name, of in scores.items()}, file=sys.stderr, flush=True)
    wv.weighting = base
    return {name: summary(of) | {"pull and first_half": chosen[name]} for name, of in sorted(scores.items())}


def summary(of_shuffles: list[list[float]]) -> dict[str, Any]:
    means = np.mean(of_shuffles, axis=0).tolist()
    return {f"P@{k}": mean for k, mean in zip(RANKS, means)} | {"shuffles": of_shuffles}


# -----------------------------------------------------------------------------------------------------
# Judged pairs as retrieval


def partners(wv: Sent2VecKeyedVectors, path: Path) -> dict[str, float]:
    """The share of sentences whose nearest other sentence is a partner, by hybrid share and strength."""
    pairs = [values for _, values in read_table(path, ("score", "sentence1", "sentence2"), header="optional")]
    sentences = list(dict.fromkeys(text for _, *both in pairs for text in both))
    right: dict[str, set[str]] = {}
    for score, one, other in pairs:
        if float(score) >= SIMILAR and one != other:
            right.setdefault(one, set()).add(other)
            right.setdefault(other, set()).add(one)
    tokens = dict(zip(sentences, wv.token_lists(sentences)))
    kept, wv.tokenizer = wv.tokenizer, tokens.__getitem__
    result = {}
    for name, lexical in (("", True), (", within words", WITHIN_WORDS)):
        index = SentenceIndex.build(wv, sentences, lexical=lexical)
        for hybrid in (HYBRID,) if name else (0.0, HYBRID):
            for csls in CORRECTED if name else STRENGTHS:
                found = index.search(list(right), topn=2, hybrid=hybrid, csls=csls)
                nearest = [next(key for key, _ in of if key != query) for query, of in zip(right, found)]
                result[f"hybrid {hybrid:g}, csls {csls:g}{name}"] = float(
                    np.mean([near in right[q] for q, near in zip(right, nearest)])
                )
    wv.tokenizer = kept
    return result | {"queries": len(right), "sentences": len(sentences)}


# -----------------------------------------------------------------------------------------------------
# The script


def run(args: argparse.Namespace) -> dict[str, Any]:
    wv = Sent2VecKeyedVectors.load(args.vectors) if args.vectors else train(args.corpus)
    folder = Path(args.eval)
    pairs = partners(wv, folder / "korsts-dev.tsv")
    questions = Questions(wv, folder / "faq-ko.tsv")
    rows: dict[str, dict[str, Any]] = {}
    for refit in (False, True):
        for csls in STRENGTHS:
            name = ", ".join([f"csls {csls:g}"] * bool(csls) + ["refitted"] * refit) or "as trained"
            rows[name] = summary([questions.found(wv, csls, refit=refit).mean(axis=0).tolist()])
            if csls in CORRECTED:
                found = questions.found(wv, csls, refit=refit, lexical=WITHIN_WORDS)
                rows[f"{name}, within words"] = summary([found.mean(axis=0).tolist()])
    began = time.process_time()
    rows |= cross_validated(wv, questions, args.rounds, args.nested)
    seconds = (time.process_time() - began) / (args.rounds * FOLDS)
    return {"faq": rows, "pairs": pairs, "cpu_seconds_per_fold": seconds}


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    cells = [[name, *(f"{row[f'P@{k}']:.3f}" for k in RANKS)] for name, row in result["faq"].items()]
    pairs = [[name, f"{value:.3f}"] for name, value in result["pairs"].items() if name.startswith("hybrid")]
    return {
        "tune-faq": common.table(["Korean FAQ, hybrid 0.5", *(f"P@{k}" for k in RANKS)], cells),
        "tune-pairs": common.table([f"KorSTS dev as retrieval, {result['pairs']['queries']} queries", "P@1"], pairs),
    }


def main() -> None:
    parser = common.arguments(__doc__ or "", rounds=5)
    parser.add_argument("--eval", metavar="FOLDER", help="a folder with faq-ko.tsv and korsts-dev.tsv")
    parser.add_argument("--nested", type=int, default=1, metavar="N", help="shuffles for the choice of the pull")
    parser.add_argument("--vectors", metavar="FILE", help="saved vectors with a weighting, instead of training")
    args = parser.parse_args()
    if not args.report and not (args.eval and (args.corpus or args.vectors)):
        parser.error("--eval and --corpus (tokenized by 'kiwi') are required")
    common.main(QUESTION, args, run, tables, corpus=not args.vectors)


if __name__ == "__main__":
    main()
