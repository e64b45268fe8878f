"""Everything in the kernel that runs in several threads, for `races`: run with a kernel built for ThreadSanitizer."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from gensim.test.utils import datapath
from gensim.utils import simple_preprocess

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex

THREADS, SENTENCES = 4, 1500
SMALL = {"vector_size": 40, "min_count": 2, "epochs": 1, "batch_words": 500, "workers": THREADS}
VARIANTS = (
    {},
    {"vector_size": 7, "word_ngrams": 2, "bucket": 500, "shared_negatives": 1},
    {"vector_size": 100, "word_ngrams": 3, "bucket": 5000, "skip_bigrams": True, "sample": 1e-3},
)


def main(folder: str) -> None:
    text = Path(datapath("lee_background.cor")).read_text(encoding="latin-1")
    sentences = [simple_preprocess(part) for line in text.splitlines() for part in line.split(". ")][:SENTENCES]
    corpus = Path(folder, "corpus.txt")
    corpus.write_text("\n".join(map(" ".join, sentences)) + "\n")
    for options in VARIANTS:
        for source in ({"sentences": sentences}, {"corpus_file": str(corpus)}):
            model = Sent2Vec(**{**SMALL, **options}, **source, compute_loss=True)
            again = {name.replace("sentences", "corpus_iterable"): value for name, value in source.items()}
            model.build_vocab(**again, update=True)
            model.train(**again, total_examples=model.corpus_count, epochs=1, compute_loss=True)
            use(model.wv, sentences, folder)


def use(wv: Sent2VecKeyedVectors, sentences: list[list[str]], folder: str) -> None:
    wv.encode(sentences, workers=THREADS, show_progress_bar=False)
    wv.encode(sentences, weighting=False, normalize=True, workers=THREADS, show_progress_bar=False)
    index = SentenceIndex.build(wv, sentences, lexical=True, workers=THREADS)
    index.most_similar_batch(sentences[:50], topn=5, hybrid=0.5)
    half = wv.astype(np.float16)
    half.encode(sentences, workers=THREADS, show_progress_bar=False)
    path = str(Path(folder, "wv"))
    wv.save(path)
    Sent2VecKeyedVectors.load(path, mmap="r").encode(sentences, workers=THREADS, show_progress_bar=False)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(place)
    print("ran", file=sys.stderr)
