"""A first program: train on a small news corpus, compare sentences, save and load.

Expect two sentences with similar meaning to have a higher cosine than two with
different meanings, the words nearest to "police", and identical vectors from
the saved model. Takes about two seconds.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from gensim.utils import simple_preprocess

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec.datasets import lee_documents, split_sentences

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

# Any list of token lists works. For a large corpus, pass corpus_file="corpus.txt" with one sentence per line.
articles = lee_documents("lee_background.cor")
sentences = [simple_preprocess(sentence) for sentence in split_sentences(articles)]

model = Sent2Vec(sentences, vector_size=100, min_count=2, epochs=20)

arrested, detained, rain = "police arrested two men", "officers arrested a man", "the rain put out the bushfires"
print(f"encode: {model.wv.encode([arrested, rain]).shape}")  # (2, 100)
for other in (detained, rain):
    print(f"{model.wv.similarity_sentences(arrested, other):.2f}  {arrested!r} and {other!r}")
print(f"nearest to 'police': {', '.join(word for word, _ in model.wv.most_similar('police', topn=5))}")

with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder) / "news.model")
    model.save(path)
    loaded = Sent2Vec.load(path, mmap="r")  # memory-mapped matrices, which processes share
    print(f"loaded vectors are equal: {np.array_equal(loaded.wv.encode([arrested]), model.wv.encode([arrested]))}")
