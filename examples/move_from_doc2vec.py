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
news that ships with gensim. Expect, side by side, the sentences nearest to new
ones; the correlation with human judgments of fifty unseen texts, 0.4 for
Sent2Vec and 0.3 for Doc2Vec (Doc2Vec's other mode, dm=0, is behind too when
trained on sentences, but level when trained on entire articles, 0.47 and
0.44); and `encode` to be a hundred or more times as fast as `infer_vector`.

    python move_from_doc2vec.py --corpus corpus.txt

corpus.txt has one text per line; the last three serve as the new ones.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from gensim.models.doc2vec import Doc2Vec, TaggedDocument
from gensim.utils import simple_preprocess

from gensim_sent2vec import Sent2Vec, SentenceIndex
from gensim_sent2vec.datasets import human_correlation, lee_documents, split_sentences


def show_nearest(doc2vec, model, sentences, new):
    """Print the sentences that each model finds nearest to the new ones."""
    index = SentenceIndex.build(model.wv, map(simple_preprocess, sentences), keys=sentences)
    for query in new:
        tokens = simple_preprocess(query)
        print(f"\n{query[:110]}")
        for number, cosine in doc2vec.dv.most_similar([doc2vec.infer_vector(tokens)], topn=2):
            print(f"    Doc2Vec   {cosine:.2f}  {sentences[number][:100]}")
        for sentence, cosine in index.most_similar(tokens, topn=2):
            print(f"    Sent2Vec  {cosine:.2f}  {sentence[:100]}")


def seconds(function):
    """How long a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="texts to train on, one per line (default: news that ships with gensim)")
    parser.add_argument("--epochs", type=int, default=40)
    args = parser.parse_args()

    if args.corpus:
        lines = Path(args.corpus).read_text(encoding="utf-8").splitlines()
        sentences, new = lines[:-3], lines[-3:]
    else:
        sentences = split_sentences(lee_documents("lee_background.cor"))
        new = [split_sentences([document])[0] for document in lee_documents("lee.cor")[:13:6]]
    texts = [simple_preprocess(sentence) for sentence in sentences]

    tagged = [TaggedDocument(tokens, [number]) for number, tokens in enumerate(texts)]
    doc2vec = Doc2Vec(tagged, vector_size=100, min_count=2, epochs=args.epochs, workers=1)
    model = Sent2Vec(texts, vector_size=100, min_count=2, epochs=args.epochs, workers=1)
    show_nearest(doc2vec, model, sentences, new)

    tokens, functions = simple_preprocess(new[0]), (doc2vec.infer_vector, model.wv.get_sentence_vector)
    by_doc2vec, by_sent2vec = (np.abs(vector(tokens) - vector(tokens)).max() for vector in functions)
    print(f"\nThe vectors of one text, computed twice, differ by up to {by_doc2vec:.3f} (Doc2Vec)", end="")
    print(f" and {by_sent2vec:.3f} (Sent2Vec).")

    if not args.corpus:
        documents = [simple_preprocess(document) for document in lee_documents("lee.cor")]
        inferred, encoded = np.array([doc2vec.infer_vector(tokens) for tokens in documents]), model.wv.encode(documents)
        print("Correlation with human judgments of the similarity of fifty unseen texts:")
        print(f"    Doc2Vec {human_correlation(inferred):.2f}, Sent2Vec {human_correlation(encoded):.2f}")

    some = texts[:200]
    slow = seconds(lambda: [doc2vec.infer_vector(tokens) for tokens in some]) / len(some)
    fast = seconds(lambda: model.wv.encode(texts, workers=1)) / len(texts)
    print(f"Vectors of new texts, one thread: encode is {slow / fast:,.0f} times as fast as infer_vector.")


if __name__ == "__main__":
    main()
