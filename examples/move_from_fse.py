"""From fse (Fast Sentence Embeddings), which no longer installs.

    from fse import SIF, IndexedList
    model = SIF(word2vec)                     # or Average, uSIF
    model.train(IndexedList(texts))
    model.sv.similarity(0, 1)
    model.infer([(tokens, 0)])

becomes

    kv = Sent2VecKeyedVectors.from_keyed_vectors(word2vec.wv)
    kv.weighting = SentenceWeighting().fit(kv, texts)
    index = SentenceIndex.build(kv, texts)    # for sv.most_similar etc.
    kv.similarity_sentences(texts[0], texts[1])
    kv.encode([tokens])

Average and SIF are weightings with other parameters, defined below. Trains on
what 2,000 functions of NumPy and SciPy say about themselves (docstrings.py),
and searches each function's first sentence for the functions that it lists
under "See Also". Expect a mean reciprocal rank (1: always first) of 0.41 with
Average, 0.43 with SIF, 0.57 with this package's weighting of the same Word2Vec
vectors, and 0.58 with Sent2Vec vectors. Counting words finds as much here:
TF-IDF has 0.58 too, because similar functions are described in similar words.
Both together (hybrid search) find the most, 0.59. Takes about ten seconds.

    python move_from_fse.py --corpus corpus.txt

corpus.txt has one text per line; the example shows those nearest to the last.
"""

import argparse
from pathlib import Path

import numpy as np
from docstrings import compare, docstrings, sentences
from gensim.models import Word2Vec

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec.tokenizers import words

# What the classes of fse compute. uSIF estimates `sif` from the corpus; the default is close to its estimate.
SEMANTIC = {"unit_words": False, "lexical_weight": 0, "whiten": 0, "unseen_words": False}
AVERAGE = SentenceWeighting(sif=None, **SEMANTIC)
SIF = SentenceWeighting(sif=1e-3, remove_components=1, **SEMANTIC)


def by_hand(kv, tokens, sif=1e-3):
    """SIF's weighted mean, as in Arora, Liang and Ma (2017), before the principal component is removed."""
    known = [word for word in tokens if word in kv]
    counts = np.array([kv.get_vecattr(word, "count") for word in known])
    total = sum(kv.get_vecattr(word, "count") for word in kv.index_to_key)
    weights = sif / (sif + counts / total)
    return weights @ np.array([kv[word] for word in known]) / weights.sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="texts, one per line (default: docstrings of NumPy and SciPy)")
    args = parser.parse_args()

    functions = None if args.corpus else docstrings()
    lines = Path(args.corpus).read_text(encoding="utf-8").splitlines() if args.corpus else sentences(functions.values())
    texts = [words(line) for line in lines]
    options = {"vector_size": 100, "min_count": 3, "epochs": 5, "workers": 1, "seed": 1}
    word2vec = Word2Vec(texts, **options)

    kv = Sent2VecKeyedVectors.from_keyed_vectors(word2vec.wv)
    kv.weighting = SentenceWeighting().fit(kv, texts)
    index = SentenceIndex.build(kv, texts, keys=lines)

    print(f"Nearest to: {lines[-1][:100]}")
    for line, cosine in index.most_similar(texts[-1], topn=4)[1:]:
        print(f"    {cosine:.2f}  {line[:100]}")

    decayed = SentenceWeighting(sif=1e-3, **SEMANTIC).fit(kv, texts)
    tokens = max(texts[:100], key=len)
    difference = np.abs(kv.get_sentence_vector(tokens, weighting=decayed) - by_hand(word2vec.wv, tokens)).max()
    print(f"\nSIF's weights are those of the paper: largest difference to a mean by hand {difference:.0e}.")

    if functions:
        average, sif = AVERAGE.fit(kv, texts), SIF.fit(kv, texts)
        encoders = {
            "Word2Vec, Average": lambda tokens: kv.encode(tokens, weighting=average),
            "Word2Vec, SIF": lambda tokens: kv.encode(tokens, weighting=sif),
            "Word2Vec, SentenceWeighting()": kv.encode,
            "Sent2Vec, SentenceWeighting()": Sent2Vec(texts, **options).wv.encode,
        }
        compare(functions, words, texts, encoders)


if __name__ == "__main__":
    main()
