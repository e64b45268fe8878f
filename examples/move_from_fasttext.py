"""From fastText, gensim's or the original's .bin files, to sentence vectors.

    model = fasttext.load_model("model.bin")    # the package fasttext
    model.get_sentence_vector("police arrested two men")

becomes

    kv = Sent2VecKeyedVectors.from_keyed_vectors(
        load_facebook_vectors("model.bin"))
    kv.weighting = SentenceWeighting().fit(kv, texts)
    kv.encode(["police arrested two men"])

For a gensim `FastText` model, pass its `.wv`. fastText composes the vectors of
unseen words from character n-grams; here `SentenceWeighting` does so, and
misspelled words still contribute. Prints the sentences nearest to a misspelled
one; the plain mean as fastText computes it, with equal values, in case you
need it; a .bin file that ships with gensim; and, trained on what functions of
NumPy and SciPy say about themselves (docstrings.py), how well each finds the
functions that others list under "See Also", from their first sentence. Expect
a mean reciprocal rank of 0.42 with fastText's own mean, 0.56 with a
`SentenceWeighting` of the same vectors, and 0.58 with Sent2Vec: to train from
scratch, replace `FastText(texts)` by `Sent2Vec(texts)`. Counting words finds
as much here, and both together the most. Takes about 20 seconds.

    python move_from_fasttext.py --bin model.bin --corpus corpus.txt

corpus.txt has one text per line.
"""

import argparse
from pathlib import Path

import numpy as np
from docstrings import compare, docstrings, sentences
from gensim.models import FastText
from gensim.models.fasttext import load_facebook_vectors
from gensim.test.utils import datapath

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting
from gensim_sent2vec.tokenizers import words

# fastText's sentence vector: the mean of the unit-length word vectors.
FASTTEXT_MEAN = SentenceWeighting(sif=None, unit_words=True, lexical_weight=0, whiten=0, unseen_words=False)
MISSPELLED = "eigenvalus of a symetric matrix"


def moved(fasttext_vectors, texts):
    """fastText's word vectors, with a weighting for sentences."""
    kv = Sent2VecKeyedVectors.from_keyed_vectors(fasttext_vectors)
    kv.weighting = SentenceWeighting().fit(kv, texts)
    return kv


def from_bin(path, texts):
    """Load a .bin file of the fastText program, and compare its sentence vectors with ours."""
    vectors = load_facebook_vectors(path)
    kv = moved(vectors, texts)
    known = [word for word in max(texts[:100], key=len) if word in vectors.key_to_index]  # "in vectors" is always true
    theirs = vectors.get_mean_vector(known, pre_normalize=True)
    ours = kv.get_sentence_vector(known, weighting=FASTTEXT_MEAN.fit(kv, texts))
    print(f"{Path(path).name}: {len(kv):,} words of {kv.vector_size} dimensions.")
    print(f"    largest difference between the plain mean and fastText's: {np.abs(ours - theirs).max():.0e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--bin", help="a model of the fastText program, for the same language (default: one that ships with gensim)"
    )
    parser.add_argument("--corpus", help="texts, one per line (default: docstrings of NumPy and SciPy)")
    args = parser.parse_args()

    functions = None if args.corpus else docstrings()
    lines = Path(args.corpus).read_text(encoding="utf-8").splitlines() if args.corpus else sentences(functions.values())
    texts = [words(line) for line in lines]
    if args.bin or not args.corpus:
        from_bin(args.bin or datapath("lee_fasttext.bin"), texts)

    options = {"vector_size": 100, "min_count": 3, "epochs": 5, "workers": 2, "seed": 1}
    fasttext = FastText(texts, bucket=20_000, **options)
    kv = moved(fasttext.wv, texts)
    unseen = [word for word in MISSPELLED.split() if word not in kv]
    print(f"\nNearest to: {MISSPELLED} (unseen: {', '.join(unseen) or 'none'})")
    index = SentenceIndex.build(kv, texts, keys=lines)
    for line, cosine in index.most_similar(MISSPELLED.split(), topn=3, hybrid=0.5):
        print(f"    {cosine:.2f}  {line[:100]}")

    if functions:
        mean = FASTTEXT_MEAN.fit(kv, texts)
        encoders = {
            "FastText, its own mean": lambda tokens: kv.encode(tokens, weighting=mean),
            "FastText, SentenceWeighting()": kv.encode,
            "Sent2Vec, SentenceWeighting()": Sent2Vec(texts, **options).wv.encode,
        }
        compare(functions, words, texts, encoders)


if __name__ == "__main__":
    main()
