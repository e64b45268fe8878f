"""Sorting texts into classes: LinearSVC on sentence vectors, against TF-IDF.

Two small data sets: messages of customers, to be sorted by topic (data/messages.tsv, ours), and sentences of film
critics, for or against (gensim's test data). The vectors come from a corpus without labels; each row is a scikit-learn
pipeline whose parameters GridSearchCV chooses inside each of five folds, so that the accuracies are of texts that
nothing has been fitted on.

Expect TF-IDF to win as it stands: the corpus is 60,000 words of news, with little to say about parcels or films. With
a corpus of eight million words of all kinds (--corpus) the vectors alone were level with the better TF-IDF on the
messages (0.45 to 0.46) and ahead on the films (0.66 to 0.61), and the two together best on the messages (0.58). Vectors
trained on the few labelled texts alone are worst: they know no word more than TF-IDF does.

    pip install "gensim-sent2vec[sklearn]"
    python text_classification.py
    python text_classification.py --corpus corpus.txt --data mine.tsv     # columns label and text
"""

import argparse
from pathlib import Path

from gensim.test.utils import datapath
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.svm import LinearSVC

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec.datasets import lee_documents, split_sentences
from gensim_sent2vec.vectorizer import Sent2VecVectorizer

MESSAGES = Path(__file__).parent / "data" / "messages.tsv"


def read_table(path):
    """Texts and labels of a table with the columns label and text."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t", 1) for line in lines if line.strip() and line != "label\ttext"]
    return [text for _, text in rows], [label for label, _ in rows]


def film_critics():
    """Texts and labels of 200 sentences of film critics, half of them for the film (Pang and Lee 2005)."""
    lines = Path(datapath("pang_lee_polarity.cor")).read_text(encoding="latin-1").splitlines()
    rows = [line.split(" ", 1) for line in lines]
    return [text for _, text in rows], [label for label, _ in rows]


def vectors_of(corpus):
    """Word vectors of a text file, one sentence a line; by default of the news that gensim ships."""
    if corpus:
        return Sent2Vec(corpus_file=corpus, tokenizer="words").wv
    news = split_sentences(lee_documents("lee_background.cor"))
    return Sent2Vec(news, tokenizer="words", min_count=2, epochs=20).wv


def searches(wv):
    """By name, what makes numbers of texts, and the parameters to be tried."""
    words, spelling = TfidfVectorizer(sublinear_tf=True), TfidfVectorizer(analyzer="char_wb", sublinear_tf=True)
    both = FeatureUnion([("tfidf", words), ("vectors", Sent2VecVectorizer(wv=wv, normalize=True))])
    own = Sent2VecVectorizer(tokenizer="words", min_count=1, normalize=True, workers=1)
    return {
        "TF-IDF of words": (words, {}),
        "TF-IDF of characters": (spelling, {"features__ngram_range": [(2, 4), (3, 5)]}),
        "Sent2Vec": (Sent2VecVectorizer(wv=wv), {"features__normalize": [True, False]}),
        "Sent2Vec and TF-IDF of words": (both, {"features__transformer_weights": [None, {"vectors": 2}]}),
        "Sent2Vec of the labelled texts": (own, {"features__epochs": [5, 20]}),
    }


def accuracy(features, grid, texts, labels):
    """The mean accuracy over five folds; the parameters are chosen by cross-validation within each."""
    pipeline = Pipeline([("features", features), ("classifier", LinearSVC())])
    search = GridSearchCV(pipeline, {**grid, "classifier__C": [0.3, 3]}, cv=3)
    folds = StratifiedKFold(5, shuffle=True, random_state=1)
    return cross_val_score(search, texts, labels, cv=folds).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="texts to train vectors on, one a line (news that gensim ships)")
    parser.add_argument("--data", help="a table of label and text, separated by a tab (the two sets)")
    args = parser.parse_args()

    if args.data:
        sets = {Path(args.data).stem: read_table(args.data)}
    else:
        sets = {"messages by topic": read_table(MESSAGES), "film critics": film_critics()}
    wv = vectors_of(args.corpus)
    for name, (texts, labels) in sets.items():
        often = max(labels.count(label) for label in set(labels)) / len(labels)
        print(f"{name}: {len(texts)} texts of {len(set(labels))} classes; the most frequent class alone: {often:.2f}")
        scores = {way: accuracy(*search, texts, labels) for way, search in searches(wv).items()}
        for way, score in scores.items():
            print(f"    {way:32} {score:.2f}{'  <- best' if score == max(scores.values()) else ''}")
        print()


if __name__ == "__main__":
    main()
