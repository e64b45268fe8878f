"""From Doc2Vec to Sent2Vec: vectors of new texts without more training.

    from gensim.models.doc2vec import Doc2Vec, TaggedDocument
    documents = [TaggedDocument(tokens, [i]) for i, tokens in enumerate(texts)]
    model = Doc2Vec(documents, vector_size=100)
    model.infer_vector(tokens)    # trains, with different results each time

becomes

    from gensim_sent2vec import Sent2Vec
    model = Sent2Vec(texts, vector_size=100)
    model.wv.get_sentence_vector(tokens)    # the same result each time
    model.wv.encode(texts)                  # many at once

and `model.dv.most_similar` becomes
`SentenceIndex.build(model.wv, texts).most_similar`. Both models are trained on
what functions of NumPy and SciPy say about themselves (docstrings.py). Expect,
side by side, the sentences nearest to new ones; how well each finds the
functions that others list under "See Also", from their first sentence (mean
reciprocal rank; counting words finds as much as Sent2Vec, and both together
the most); and `encode` to be a hundred or more times as fast as
`infer_vector`. Takes half a minute, most of it for Doc2Vec, with the better of
its two modes here (dm=0).

    python move_from_doc2vec.py --corpus corpus.txt

corpus.txt has one text per line; the last three serve as the new ones.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from docstrings import compare, docstrings, sentences
from gensim.models.doc2vec import Doc2Vec, TaggedDocument

from gensim_sent2vec import Sent2Vec, SentenceIndex
from gensim_sent2vec.tokenizers import words

NEW = (
    "Put the elements of an array in order.",
    "Minimize a function of several variables.",
    "Test whether two samples have the same mean.",
)


def show_nearest(doc2vec, model, lines, new):
    """Print the sentences that each model finds nearest to the new ones."""
    index = SentenceIndex.build(model.wv, map(words, lines), keys=lines)
    for query in new:
        tokens = words(query)
        print(f"\n{query[:110]}")
        for number, cosine in doc2vec.dv.most_similar([doc2vec.infer_vector(tokens)], topn=2):
            print(f"    Doc2Vec   {cosine:.2f}  {lines[number][:100]}")
        for line, cosine in index.most_similar(tokens, topn=2):
            print(f"    Sent2Vec  {cosine:.2f}  {line[:100]}")


def seconds(function):
    """How long a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="texts to train on, one per line (default: docstrings of NumPy and SciPy)")
    parser.add_argument("--epochs", type=int, default=20)
    args = parser.parse_args()

    functions = None if args.corpus else docstrings()
    if args.corpus:
        lines = Path(args.corpus).read_text(encoding="utf-8").splitlines()
        lines, new = lines[:-3], lines[-3:]
    else:
        lines, new = sentences(functions.values()), NEW
    texts = [words(line) for line in lines]

    tagged = [TaggedDocument(tokens, [number]) for number, tokens in enumerate(texts)]
    options = {"vector_size": 100, "min_count": 3, "epochs": args.epochs, "workers": 1, "seed": 1}
    doc2vec, model = Doc2Vec(tagged, dm=0, **options), Sent2Vec(texts, **options)
    show_nearest(doc2vec, model, lines, new)

    tokens, ways = words(new[0]), (doc2vec.infer_vector, model.wv.get_sentence_vector)
    by_doc2vec, by_sent2vec = (np.abs(vector(tokens) - vector(tokens)).max() for vector in ways)
    print(f"\nThe vectors of one text, computed twice, differ by up to {by_doc2vec:.3f} (Doc2Vec)", end="")
    print(f" and {by_sent2vec:.3f} (Sent2Vec).")

    if functions:
        encoders = {"Doc2Vec": lambda texts: [doc2vec.infer_vector(tokens) for tokens in texts]}
        compare(functions, words, texts, encoders | {"Sent2Vec": model.wv.encode})

    some = texts[:200]
    slow = seconds(lambda: [doc2vec.infer_vector(tokens) for tokens in some]) / len(some)
    fast = seconds(lambda: model.wv.encode(texts, workers=1)) / len(texts)
    print(f"\nVectors of new texts, one thread: encode is {slow / fast:,.0f} times as fast as infer_vector.")


if __name__ == "__main__":
    main()
