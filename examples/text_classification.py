"""Text classification with few labels: LinearSVC on sentence vectors, compared with TF-IDF.

Many texts, few labels: 2,000 functions of NumPy and SciPy say in a sentence
what they do (docstrings.py), and a classifier learns to which of nine
subpackages they belong, from 2, 5, 20 or 40 labeled ones of each. The vectors
are trained on all the docstrings, without labels. Each row is a scikit-learn
pipeline; the figures are accuracies on the other texts, means over ten random
choices of labeled ones.

Expect vectors to help while labels are few: with two, 0.39 next to 0.36 for
TF-IDF of words; and both together to be the best throughout, 0.53 with five
and 0.73 with forty. From twenty labels on, counting beats vectors alone (0.67
and 0.61): single words such as "masked" or "Bessel" decide here, and averages
blur them. With only the labeled texts to train on, do not train vectors: they
contain no more information than TF-IDF has. Takes about ten seconds of CPU.

    pip install "gensim-sent2vec[sklearn]"
    python text_classification.py
    python text_classification.py --corpus corpus.txt --data mine.tsv

mine.tsv has the columns label and text, separated by a tab. To choose
parameters, use GridSearchCV(pipeline, {"features__normalize": [True, False]}).
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from docstrings import docstrings, labeled, sentences
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec.vectorizer import Sent2VecVectorizer

LABELS = (2, 5, 20, 40)  # labeled texts per class
ROUNDS = 10


def read_table(path):
    """The texts and labels of a table with the columns label and text."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t", 1) for line in lines if line.strip() and line != "label\ttext"]
    return [text for _, text in rows], [label for label, _ in rows]


def methods(wv):
    """Feature extractors by name."""
    vectors = Sent2VecVectorizer(wv=wv, normalize=True)
    return {
        "TF-IDF of words": TfidfVectorizer(sublinear_tf=True),
        "TF-IDF of characters": TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True),
        "Sent2Vec": vectors,
        "Sent2Vec and TF-IDF of words": FeatureUnion(
            [("tfidf", TfidfVectorizer(sublinear_tf=True)), ("vectors", vectors)]
        ),
    }


def accuracy(features, texts, labels, n_labeled):
    """The mean accuracy on unseen texts with a number of labeled texts per class."""
    texts, labels = np.array(texts, dtype=object), np.array(labels)
    scores = []
    for seed in range(ROUNDS):
        rng = np.random.default_rng(seed)
        shuffled = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
        train = np.concatenate([rows[:n_labeled] for rows in shuffled])
        test = np.concatenate([rows[n_labeled:] for rows in shuffled])
        pipeline = make_pipeline(features, LinearSVC()).fit(texts[train], labels[train])
        scores.append(pipeline.score(texts[test], labels[test]))
    return np.mean(scores)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="texts to train vectors on, one per line (default: docstrings)")
    parser.add_argument("--data", help="a table of label and text, separated by a tab (default: docstrings)")
    args = parser.parse_args()

    functions = docstrings()
    texts, labels = read_table(args.data) if args.data else labeled(functions)
    if args.corpus:
        wv = Sent2Vec(corpus_file=args.corpus, tokenizer="words").wv
    else:
        wv = Sent2Vec(sentences(functions.values()), tokenizer="words", min_count=3, epochs=10, seed=1).wv

    sizes = Counter(labels)
    columns = [n for n in LABELS if n < min(sizes.values())]
    majority = max(sizes.values()) / len(labels)
    print(f"{len(texts):,} texts, {len(sizes)} classes; accuracy of the majority class: {majority:.2f}")
    print(f"\n{'labeled texts per class':32}" + "".join(f"{n:8}" for n in columns))
    rows = {name: [accuracy(features, texts, labels, n) for n in columns] for name, features in methods(wv).items()}
    best = np.max(list(rows.values()), axis=0)
    for name, scores in rows.items():
        marked = (f"{score:.2f}{'*' if score == top else ' '}" for score, top in zip(scores, best))
        print(f"    {name:28}" + "".join(f"{mark:>8}" for mark in marked))
    print("\n* the best of its column")


if __name__ == "__main__":
    main()
