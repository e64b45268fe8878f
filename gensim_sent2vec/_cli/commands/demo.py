"""The demonstration: sentence vectors of the Lee news corpus that gensim ships, and how good they are."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from gensim.models import Word2Vec
from gensim.parsing.preprocessing import remove_stopword_tokens
from gensim.test.utils import datapath
from gensim.utils import simple_preprocess

from ..keyedvectors import Sent2VecKeyedVectors
from ..model import Sent2Vec
from ..search import SentenceIndex

EPOCHS, ALPHA = 40, 0.1  # a corpus of so few words wants more passes than the usual five, in smaller steps
HELD_OUT = (0, 12, 40)  # sentences of the held-out documents whose nearest are shown
WORDS = ("government", "australia", "police")


def lee_documents(name: str) -> list[str]:
    """The documents of one of the two Lee corpora (Lee, Pincombe, Welsh 2005), one a line."""
    return Path(datapath(name)).read_text(encoding="latin-1").splitlines()


def split_sentences(documents: list[str]) -> list[str]:
    """Sentences of at least five words, good enough for news."""
    sentences = (s.strip() for document in documents for s in re.split(r"(?<=[.?!])\s+", document))
    return [s for s in sentences if len(s.split()) >= 5]


def tokens(text: str) -> list[str]:
    """gensim's tokens, lower-cased, without its stop words: in a corpus this small they drown the rest."""
    return remove_stopword_tokens(simple_preprocess(text))


def human_correlation(vectors: np.ndarray) -> float:
    """Pearson's r of the cosines of 50 documents with the mean judgements of 8 to 12 people each."""
    human = np.loadtxt(datapath("similarities0-1.txt"))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = np.triu_indices(len(human), k=1)
    return float(np.corrcoef((unit @ unit.T)[pairs], human[pairs])[0, 1])


def train(corpus: list[list[str]], workers: int | None, show: bool | None) -> tuple[Sent2Vec, Word2Vec]:
    """Sent2Vec, and gensim's Word2Vec at the same dimensions, epochs and threads."""
    model = Sent2Vec(corpus, alpha=ALPHA, epochs=EPOCHS, min_count=2, workers=workers, seed=1, show_progress_bar=show)
    rival = Word2Vec(corpus, vector_size=100, epochs=EPOCHS, min_count=2, workers=model.workers, seed=1, negative=10)
    return model, rival


def show_nearest(wv: Sent2VecKeyedVectors, sentences: list[str], held_out: list[str]) -> None:
    index = SentenceIndex.build(wv, [tokens(s) for s in sentences], keys=sentences)
    for query in (held_out[i] for i in HELD_OUT):
        print(f"\n  {query}")
        for sentence, cosine in index.most_similar(tokens(query), topn=3):
            print(f"    {cosine:.2f}  {sentence[:110]}")


def main(save_to: str | None = None, workers: int | None = None, show: bool | None = None) -> None:
    """Train, show, compare, save.

    Parameters
    ----------
    save_to : str, optional
        Path of the model; by default a file in a new temporary directory.
    workers : int, optional
        Threads.
    show : bool, optional
        The progress bar, as in `Sent2Vec`.
    """
    started = time.monotonic()
    background, held_out = lee_documents("lee_background.cor"), lee_documents("lee.cor")
    corpus = [tokens(sentence) for sentence in split_sentences(background)]
    print(
        f"Training Sent2Vec on {len(corpus):,} sentences of news, {sum(map(len, corpus)):,} words, "
        f"{EPOCHS} epochs (and gensim's Word2Vec beside it) …",
        flush=True,
    )
    model, rival = train(corpus, workers, show if show is not None else sys.stderr.isatty() or None)

    print("\nNearest sentences in the corpus to sentences it has never seen:")
    show_nearest(model.wv, split_sentences(background), split_sentences(held_out))

    print("\nNearest words:")
    for word in WORDS:
        print(f"    {word}: {', '.join(w for w, _ in model.wv.most_similar(word, topn=5))}")

    documents = [tokens(document) for document in held_out]
    plain = Sent2VecKeyedVectors.from_keyed_vectors(rival.wv)
    print("\nCorrelation with people's judgements of how alike 50 held-out documents are (Pearson's r):")
    print(f"    Sent2Vec                       {human_correlation(model.wv.encode(documents)):.3f}")
    print(f"    the plain mean of its words    {human_correlation(model.wv.encode(documents, weighting=False)):.3f}")
    print(f"    mean of gensim's Word2Vec      {human_correlation(plain.encode(documents)):.3f}")

    path = save_to or str(Path(tempfile.mkdtemp(prefix="gensim-sent2vec-")) / "lee.model")
    model.save(path)
    print(f"\nThe model is saved as {path}. To use it:\n")
    print("    from gensim_sent2vec import Sent2Vec")
    print(f"    model = Sent2Vec.load({path!r}, mmap='r')")
    print('    print(model.wv.similarity_sentences("the police arrested him", "officers detained a man"))')
    print(f"\n{time.monotonic() - started:.0f} seconds in all.")
