"""Everything in the kernel that runs in several threads, for `races`: run with a kernel built for ThreadSanitizer."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from gensim.test.utils import datapath
from gensim.utils import simple_preprocess

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex
from gensim_sent2vec.mining import paraphrase_mining

THREADS = 4
SENTENCES = 150  # enough, as ThreadSanitizer slows threads down, for all of them to train at the same time
SEARCHED = 500  # sentences in the index
SMALL = {"vector_size": 40, "min_count": 2, "epochs": 1, "batch_words": 100, "workers": THREADS}
VARIANTS: tuple[dict[str, Any], ...] = (
    {},
    {"vector_size": 7, "word_ngrams": 2, "bucket": 500, "shared_negatives": 1},
    {"vector_size": 100, "word_ngrams": 3, "bucket": 5000, "skip_bigrams": True, "sample": 1e-3},
)
INTERRUPT_AFTER = 0.3  # seconds


def main(folder: str, count: int) -> None:
    text = Path(datapath("lee_background.cor")).read_text(encoding="latin-1")
    sentences = [simple_preprocess(part) for line in text.splitlines() for part in line.split(". ")][:count]
    corpus = Path(folder, "corpus.txt")
    corpus.write_text("\n".join(map(" ".join, sentences)) + "\n")
    for options in VARIANTS:
        for source in ({"sentences": sentences}, {"corpus_file": str(corpus)}):
            model = train({**SMALL, **options}, source)
    stop_early({"corpus_file": str(corpus)})
    stop_early({"sentences": sentences})
    use(model.wv, sentences, folder)
    print("ran", file=sys.stderr)


def train(options: dict[str, Any], source: dict[str, Any]) -> Sent2Vec:
    """Train, extend the vocabulary, and train on."""
    model = Sent2Vec(**options, **source, compute_loss=True)
    again = {name.replace("sentences", "corpus_iterable"): value for name, value in source.items()}
    model.build_vocab(**again, update=True)
    model.train(**again, total_examples=model.corpus_count, epochs=1, compute_loss=True)
    return model


def stop_early(source: dict[str, Any]) -> None:
    """Stop threads by Ctrl-C, and by values that are no longer finite."""
    with suppress(KeyboardInterrupt), interrupted():
        Sent2Vec(**{**SMALL, "epochs": 1000}, **source)
    with warnings.catch_warnings(), suppress(ValueError, FloatingPointError, ArithmeticError):
        warnings.simplefilter("ignore")
        Sent2Vec(**{**SMALL, "alpha": 1e30}, **source)


@contextmanager
def interrupted() -> Iterator[None]:
    """Interrupt the block as Ctrl-C does."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, INTERRUPT_AFTER)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def use(wv: Sent2VecKeyedVectors, sentences: list[list[str]], folder: str) -> None:
    """Encode and search, in threads of the package and in threads of the caller."""
    wv.encode(sentences, workers=THREADS, show_progress_bar=False)
    wv.encode(sentences, weighting=False, normalize=True, workers=THREADS, show_progress_bar=False)
    index = SentenceIndex.build(wv, sentences[:SEARCHED], lexical=True, csls=True, workers=THREADS)
    index.most_similar_batch(sentences[:50], topn=5, hybrid=0.5)
    paraphrase_mining(wv, sentences[:SEARCHED], workers=THREADS, show_progress_bar=False)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda query: index.most_similar(query, topn=5, hybrid=0.5), sentences[:200]))
        list(pool.map(lambda sentence: wv.encode(sentence), sentences[:200]))
    half = wv.astype(np.float16)
    half.encode(sentences, workers=THREADS, show_progress_bar=False)
    path = str(Path(folder, "wv"))
    wv.save(path)
    Sent2VecKeyedVectors.load(path, mmap="r").encode(sentences, workers=THREADS, show_progress_bar=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sentences", type=int, default=SENTENCES)
    with tempfile.TemporaryDirectory() as place:
        main(place, parser.parse_args().sentences)
