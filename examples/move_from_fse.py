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

Average and SIF are weightings with other parameters, defined below. Prints the
correlation with human judgments of fifty unseen texts, on news that ships
with gensim: expect SIF well above the average, and Sent2Vec vectors above both
Word2Vec results. On so small a corpus (60,000 words), Word2Vec vectors carry
little meaning, and SIF suits them better than this package's default
weighting. Compare on your own texts.

    python move_from_fse.py --corpus corpus.txt

corpus.txt has one text per line; the example shows those nearest to the last.
"""

import argparse
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec
from gensim.utils import simple_preprocess

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec.datasets import human_correlation, lee_documents, split_sentences

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
    parser.add_argument("--corpus", help="texts, one per line (default: news that ships with gensim)")
    args = parser.parse_args()

    if args.corpus:
        sentences = Path(args.corpus).read_text(encoding="utf-8").splitlines()
    else:
        sentences = split_sentences(lee_documents("lee_background.cor"))
    texts = [simple_preprocess(sentence) for sentence in sentences]
    options = {"vector_size": 100, "min_count": 2, "epochs": 30, "negative": 10, "workers": 1, "seed": 1}
    word2vec = Word2Vec(texts, **options)

    kv = Sent2VecKeyedVectors.from_keyed_vectors(word2vec.wv)
    kv.weighting = SentenceWeighting().fit(kv, texts)
    index = SentenceIndex.build(kv, texts, keys=sentences)

    print(f"Nearest to: {sentences[-1][:100]}")
    for sentence, cosine in index.most_similar(texts[-1], topn=4)[1:]:
        print(f"    {cosine:.2f}  {sentence[:100]}")

    decayed = SentenceWeighting(sif=1e-3, **SEMANTIC).fit(kv, texts)
    tokens = max(texts[:100], key=len)
    difference = np.abs(kv.get_sentence_vector(tokens, weighting=decayed) - by_hand(word2vec.wv, tokens)).max()
    print(f"\nSIF's weights are those of the paper: largest difference to a mean by hand {difference:.0e}.")

    if not args.corpus:
        documents = [simple_preprocess(document) for document in lee_documents("lee.cor")]
        model = Sent2Vec(texts, **options)
        print("\nCorrelation with human judgments of the similarity of fifty unseen texts:")
        for name, vectors in {
            "Word2Vec, Average": kv.encode(documents, weighting=AVERAGE.fit(kv, texts)),
            "Word2Vec, SIF": kv.encode(documents, weighting=SIF.fit(kv, texts)),
            "Word2Vec, SentenceWeighting()": kv.encode(documents),
            "Sent2Vec, SentenceWeighting()": model.wv.encode(documents),
        }.items():
            print(f"    {name:32} {human_correlation(vectors):.2f}")


if __name__ == "__main__":
    main()
