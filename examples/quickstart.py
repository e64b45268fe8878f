"""A first program: train on a small news corpus, find like sentences, save, load.

Expect, after two seconds, two sentences of like meaning to have a greater cosine than two of different meaning, the
nearest words of "police", and the same vectors from the file as from memory.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from gensim.test.utils import datapath
from gensim.utils import simple_preprocess

from gensim_sent2vec import Sent2Vec

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

# Any list of token lists will do; for a large corpus pass corpus_file="corpus.txt", one sentence a line.
articles = Path(datapath("lee_background.cor")).read_text(encoding="latin-1").splitlines()
sentences = [simple_preprocess(sentence) for article in articles for sentence in article.split(". ")]

model = Sent2Vec(sentences, vector_size=100, min_count=2, epochs=20)

arrested, detained, rain = "police arrested two men", "officers arrested a man", "the rain put out the bushfires"
print(f"encode: {model.wv.encode([arrested, rain]).shape}")  # (2, 100)
for other in (detained, rain):
    print(f"{model.wv.similarity_sentences(arrested, other):.2f}  {arrested!r} and {other!r}")
print(f"near to 'police': {', '.join(word for word, _ in model.wv.most_similar('police', topn=5))}")

with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder) / "news.model")
    model.save(path)
    again = Sent2Vec.load(path, mmap="r")  # the matrices are mapped, and shared between processes
    print(f"read back equal: {np.array_equal(again.wv.encode([arrested]), model.wv.encode([arrested]))}")
