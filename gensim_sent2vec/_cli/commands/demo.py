"""The command ``demo``: train on the Lee news corpus that ships with gensim, and show what the vectors can do."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from textwrap import fill, shorten

from gensim.models import Word2Vec
from gensim.parsing.preprocessing import remove_stopword_tokens
from gensim.utils import simple_preprocess

from ...keyedvectors import Sent2VecKeyedVectors
from ...model import Sent2Vec
from ...search import SentenceIndex
from ..arguments import Subcommands, add_command, add_file, add_force, add_workers
from ..files import MODEL, check_output, say_replaced

EPOCHS, ALPHA = 40, 0.1  # so small a corpus needs more epochs than the default, at a lower learning rate
HELD_OUT = (0, 12, 40)  # sentences of lee.cor that serve as queries
WORDS = ("government", "australia", "police")


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "demo",
        run,
        summary="train on a small news corpus and show the results",
        details="The corpus ships with gensim; nothing is downloaded. Shows the nearest sentences and words, how well "
        "the vectors agree with human judgments, and how to load the model. Takes less than a minute.",
        examples=[
            "gensim-sent2vec demo",
            "gensim-sent2vec demo --save lee.model",
        ],
    )
    add_file(parser, "--save", metavar="MODEL", help="where to save the model (default: a temporary directory)")
    add_force(parser)
    add_workers(parser)


def run(args: argparse.Namespace) -> None:
    from ...datasets import lee_documents, split_sentences  # slow to import, for gensim's test utilities

    replaced = False
    if args.save:
        replaced = check_output(args.save, MODEL, (), args.force)
    started = time.monotonic()
    background, held_out = lee_documents("lee_background.cor"), lee_documents("lee.cor")
    sentences = split_sentences(background)
    model, word2vec = _train([_tokens(sentence) for sentence in sentences], args.workers)
    _show_sentences(model.wv, sentences, split_sentences(held_out))
    _show_words(model.wv)
    _show_correlations(model.wv, word2vec, [_tokens(document) for document in held_out])
    _save(model, args.save or str(Path(tempfile.mkdtemp(prefix="gensim-sent2vec-")) / "lee.model"))
    say_replaced(args.save, replaced)
    print(f"\nFinished in {time.monotonic() - started:.0f} seconds.")


def _tokens(text: str) -> list[str]:
    """gensim's lower-cased tokens without stop words, which dominate sentence vectors in so small a corpus."""
    return remove_stopword_tokens(simple_preprocess(text))


def _train(corpus: list[list[str]], workers: int | None) -> tuple[Sent2Vec, Word2Vec]:
    """Train Sent2Vec, and gensim's Word2Vec with the same dimensions, epochs and threads."""
    print(
        f"Training Sent2Vec on {len(corpus):,} news sentences ({sum(map(len, corpus)):,} words) for {EPOCHS} epochs,\n"
        "and gensim's Word2Vec for comparison ...",
        flush=True,
    )
    bar = sys.stderr.isatty() or None
    model = Sent2Vec(corpus, alpha=ALPHA, epochs=EPOCHS, min_count=2, workers=workers, seed=1, show_progress_bar=bar)
    word2vec = Word2Vec(corpus, vector_size=100, epochs=EPOCHS, min_count=2, workers=model.workers, seed=1, negative=10)
    return model, word2vec


def _show_sentences(wv: Sent2VecKeyedVectors, sentences: list[str], held_out: list[str]) -> None:
    print("\nNearest sentences in the corpus to sentences that the model has not seen:")
    index = SentenceIndex.build(wv, [_tokens(sentence) for sentence in sentences], keys=sentences)
    for query in (held_out[i] for i in HELD_OUT):
        print(f"\n{fill(query, 78, initial_indent='  ', subsequent_indent='  ')}")
        for sentence, cosine in index.most_similar(_tokens(query), topn=3):
            print(f"    {cosine:.2f}  {shorten(sentence, 68, placeholder=' ...')}")


def _show_words(wv: Sent2VecKeyedVectors) -> None:
    print("\nNearest words:")
    for word in WORDS:
        print(f"    {word}: {', '.join(near for near, _ in wv.most_similar(word, topn=5))}")


def _show_correlations(wv: Sent2VecKeyedVectors, word2vec: Word2Vec, documents: list[list[str]]) -> None:
    from ...datasets import human_correlation

    plain = Sent2VecKeyedVectors.from_keyed_vectors(word2vec.wv)
    print("\nCorrelation with human judgments of the similarity of 50 unseen documents (Pearson's r):")
    print(f"    Sent2Vec                          {human_correlation(wv.encode(documents)):.3f}")
    print(f"    Sent2Vec, plain mean of words     {human_correlation(wv.encode(documents, weighting=False)):.3f}")
    print(f"    gensim Word2Vec, mean of words    {human_correlation(plain.encode(documents)):.3f}")


def _save(model: Sent2Vec, path: str) -> None:
    model.save(path)
    print(f"\nSaved the model to {path}. To use it:\n")
    print("    from gensim_sent2vec import Sent2Vec")
    print(f"    model = Sent2Vec.load({path!r}, mmap='r')")
    print('    print(model.wv.similarity_sentences("the police arrested him", "officers detained a man"))')
