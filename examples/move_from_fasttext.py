"""From fastText, gensim's or the original's .bin files, to sentence vectors of this package.

    model = fasttext.load_model("model.bin")        # pip's fasttext
    model.get_sentence_vector("police arrested two men")

becomes

    kv = Sent2VecKeyedVectors.from_keyed_vectors(load_facebook_vectors("model.bin"))
    kv.weighting = SentenceWeighting().fit(kv, texts)
    kv.encode(["police arrested two men"])

and a `FastText` model of gensim is taken by its `.wv`. Words that fastText never saw it builds of its character
n-grams; here `SentenceWeighting` does, so misspelt words still count. Prints nearest sentences to a misspelt one, the
plain mean as fastText computes it (the same numbers, when that is what you want), a .bin that gensim ships, and, on
news, agreement with people's judgements of fifty new texts: expect fastText's own mean far behind its vectors with a
`SentenceWeighting`. To train anew, `Sent2Vec(texts)` takes the place of `FastText(texts)`.

    python move_from_fasttext.py --bin model.bin --corpus corpus.txt       # one text a line
"""

import argparse
from pathlib import Path

import numpy as np
from gensim.models import FastText
from gensim.models.fasttext import load_facebook_vectors
from gensim.test.utils import datapath
from gensim.utils import simple_preprocess

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec.datasets import human_correlation, lee_documents, split_sentences

# fastText's sentence vector: the mean of words of length 1.
FASTTEXT_MEAN = SentenceWeighting(sif=None, unit_words=True, lexical_weight=0, whiten=0, unseen_words=False)
MISSPELT = "the goverment of afganistan"


def moved(fasttext_vectors, texts):
    """fastText's word vectors, to be read out as sentences."""
    kv = Sent2VecKeyedVectors.from_keyed_vectors(fasttext_vectors)
    kv.weighting = SentenceWeighting().fit(kv, texts)
    return kv


def from_bin(path, texts):
    """Vectors of a .bin of the fastText program, and its own mean beside ours."""
    vectors = load_facebook_vectors(path)
    kv = moved(vectors, texts)
    known = [word for word in max(texts[:100], key=len) if word in vectors.key_to_index]  # "in vectors": of any word
    theirs = vectors.get_mean_vector(known, pre_normalize=True)
    ours = kv.get_sentence_vector(known, weighting=FASTTEXT_MEAN.fit(kv, texts))
    print(f"{Path(path).name}: {len(kv):,} words of {kv.vector_size} dimensions.")
    print(f"    greatest difference of the plain mean to fastText's: {np.abs(ours - theirs).max():.0e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", help="a model of the fastText program, of such texts (one that gensim ships)")
    parser.add_argument("--corpus", help="texts, one a line (news that gensim ships)")
    args = parser.parse_args()

    if args.corpus:
        sentences = Path(args.corpus).read_text(encoding="utf-8").splitlines()
    else:
        sentences = split_sentences(lee_documents("lee_background.cor"))
    texts = [simple_preprocess(sentence) for sentence in sentences]
    if args.bin or not args.corpus:
        from_bin(args.bin or datapath("lee_fasttext.bin"), texts)

    options = {"vector_size": 100, "min_count": 2, "epochs": 30, "negative": 10, "workers": 2}
    fasttext = FastText(texts, bucket=20_000, **options)
    kv = moved(fasttext.wv, texts)
    unseen = [word for word in MISSPELT.split() if word not in kv]
    print(f"\nNearest to: {MISSPELT} (never seen: {', '.join(unseen) or 'none'})")
    index = SentenceIndex.build(kv, texts, keys=sentences)
    for sentence, cosine in index.most_similar(MISSPELT.split(), topn=3, hybrid=0.5):
        print(f"    {cosine:.2f}  {sentence[:100]}")

    if not args.corpus:
        documents = [simple_preprocess(document) for document in lee_documents("lee.cor")]
        model = Sent2Vec(texts, **options)
        print("\nCorrelation with people's judgements of how alike fifty new texts are:")
        for name, vectors in {
            "FastText, its own mean": kv.encode(documents, weighting=FASTTEXT_MEAN.fit(kv, texts)),
            "FastText, SentenceWeighting()": kv.encode(documents),
            "Sent2Vec, SentenceWeighting()": model.wv.encode(documents),
        }.items():
            print(f"    {name:32} {human_correlation(vectors):.2f}")


if __name__ == "__main__":
    main()
