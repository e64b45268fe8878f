"""A first program: train on a small news corpus, compare sentences, save and load.

Expect two sentences with similar meaning to have a higher cosine than two with
different meanings, words of cricket nearest to "wicket", and identical vectors
from the saved model. 60,000 words are enough to see that, and too few for more: see
the other examples. Takes about two seconds.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec.datasets import lee_documents, split_sentences

argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

# Raw sentences, with capitals and punctuation. For a large corpus: corpus_file="corpus.txt", one sentence per line.
sentences = split_sentences(lee_documents("lee_background.cor"))

# The tokenizer is stored with the model and applied to all that is encoded later; "kiwi" is for Korean.
model = Sent2Vec(sentences, tokenizer="words", vector_size=100, min_count=2, epochs=20)

arrested, detained, rain = "Police arrested two men.", "Officers arrested a man.", "The rain put out the bushfires."
print(f"encode: {model.wv.encode([arrested, rain]).shape}")  # (2, 100)
for other in (detained, rain):
    print(f"{model.wv.similarity_sentences(arrested, other):.2f}  {arrested!r} and {other!r}")
print(f"nearest to 'wicket': {', '.join(word for word, _ in model.wv.most_similar('wicket', topn=5))}")

with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder) / "news.model")
    model.save(path)
    loaded = Sent2Vec.load(path, mmap="r")  # memory-mapped matrices, which processes share
    print(f"loaded vectors are equal: {np.array_equal(loaded.wv.encode([arrested]), model.wv.encode([arrested]))}")
