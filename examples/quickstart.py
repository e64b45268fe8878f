"""A first program: train on a small news corpus, find like sentences, save, load."""

import tempfile
from pathlib import Path

from gensim.test.utils import datapath
from gensim.utils import simple_preprocess

from gensim_sent2vec import Sent2Vec

# Any list of token lists will do; for a large corpus pass corpus_file="corpus.txt", one sentence a line.
articles = Path(datapath("lee_background.cor")).read_text(encoding="latin-1").splitlines()
sentences = [simple_preprocess(sentence) for article in articles for sentence in article.split(". ")]

model = Sent2Vec(sentences, vector_size=100, min_count=2, epochs=20)

vectors = model.wv.encode(["police arrested two men", "the rain put out the bushfires"])
print(vectors.shape)  # (2, 100)
print(model.wv.similarity_sentences("police arrested two men", "officers detained a man"))
print(model.wv.most_similar("police", topn=3))

with tempfile.TemporaryDirectory() as folder:
    path = str(Path(folder) / "news.model")
    model.save(path)
    again = Sent2Vec.load(path, mmap="r")  # the matrices are mapped, and shared between processes
    print(again.wv.get_sentence_vector("police arrested two men")[:4])
