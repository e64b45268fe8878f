"""From Doc2Vec to Sent2Vec: the same texts, vectors for new ones without training again.

    from gensim.models.doc2vec import Doc2Vec, TaggedDocument
    model = Doc2Vec([TaggedDocument(tokens, [i]) for i, tokens in enumerate(texts)], vector_size=100)
    model.infer_vector(tokens)              # trains a vector for this text, a little different each time

becomes

    from gensim_sent2vec import Sent2Vec
    model = Sent2Vec(texts, vector_size=100)
    model.wv.get_sentence_vector(tokens)    # or many at once: model.wv.encode(texts); the same every time

and `model.dv.most_similar` becomes `SentenceIndex.build(model.wv, texts).most_similar`. Both are trained here on news
that gensim ships. Expect nearest sentences of new ones beside each other; the agreement with people's judgements of
fifty new texts, where Sent2Vec is ahead, 0.4 to 0.3 (Doc2Vec's other mode, dm=0, is behind too when it is trained on
sentences, but with whole articles for texts the two are level, 0.47 and 0.44); and how many times faster `encode` is
than `infer_vector`: a hundred times and more.

    python move_from_doc2vec.py --corpus corpus.txt      # one text a line; the last three are the new ones
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
    """Print what each of the two finds for new sentences."""
    index = SentenceIndex.build(model.wv, map(simple_preprocess, sentences), keys=sentences)
    for query in new:
        tokens = simple_preprocess(query)
        print(f"\n{query[:110]}")
        for number, cosine in doc2vec.dv.most_similar([doc2vec.infer_vector(tokens)], topn=2):
            print(f"    Doc2Vec   {cosine:.2f}  {sentences[number][:100]}")
        for sentence, cosine in index.most_similar(tokens, topn=2):
            print(f"    Sent2Vec  {cosine:.2f}  {sentence[:100]}")


def seconds(function):
    """How long a call takes, and what it returns."""
    began = time.perf_counter()
    result = function()
    return time.perf_counter() - began, result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="texts to train on, one a line (news that gensim ships)")
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

    tokens, infer = simple_preprocess(new[0]), (doc2vec.infer_vector, model.wv.get_sentence_vector)
    by_doc2vec, by_sent2vec = (np.abs(vector(tokens) - vector(tokens)).max() for vector in infer)
    print(
        f"\nThe same text twice: vectors differ by up to {by_doc2vec:.3f} (Doc2Vec) and {by_sent2vec:.3f} (Sent2Vec)."
    )

    if not args.corpus:
        documents = [simple_preprocess(document) for document in lee_documents("lee.cor")]
        inferred, encoded = np.array([doc2vec.infer_vector(tokens) for tokens in documents]), model.wv.encode(documents)
        print("Correlation with people's judgements of how alike fifty new texts are:")
        print(f"    Doc2Vec {human_correlation(inferred):.2f}, Sent2Vec {human_correlation(encoded):.2f}")

    slow, _ = seconds(lambda: [doc2vec.infer_vector(tokens) for tokens in texts[:200]])
    fast, _ = seconds(lambda: model.wv.encode(texts, workers=1))
    ratio = slow / len(texts[:200]) * len(texts) / fast
    print(f"Vectors of new texts, one thread: encode is {ratio:,.0f} times as fast as infer_vector.")


if __name__ == "__main__":
    main()
