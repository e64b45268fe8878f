"""The commands' arguments: one parser each, with its help."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from .convert import FORMS
from .version import __version__

# Options of `train`: name, type, what it is. They are the arguments of Sent2Vec, whose defaults they have.
TRAIN_OPTIONS: tuple[tuple[str, Callable[[str], Any], str], ...] = (
    ("vector_size", int, "dimensions of the vectors"),
    ("alpha", float, "learning rate at the start"),
    ("min_alpha", float, "learning rate at the end"),
    ("epochs", int, "passes over the corpus"),
    ("min_count", int, "ignore words that occur less often"),
    ("max_vocab_size", int, "while counting, forget rare words above so many"),
    ("max_final_vocab", int, "keep at most so many words"),
    ("word_ngrams", int, "longest word n-gram with a row of its own"),
    ("dropout_k", int, "positions without n-grams a target"),
    ("bucket", int, "rows that n-grams are hashed to"),
    ("negative", int, "negative draws a target"),
    ("ns_exponent", float, "negatives are drawn in proportion to count to this power"),
    ("sample", float, "threshold for skipping frequent words as targets; 0: none"),
    ("shared_negatives", int, "so many targets share their negatives; 1: none do"),
    ("workers", int, "threads; all CPUs where not given"),
    ("seed", int, "of the start and all draws"),
    ("tokenizer", str, "split (default), simple, words, kiwi, mecab, or kiwi:N,V for some parts of speech"),
)

# Further options of `train`: the arguments of SentenceWeighting.
WEIGHTING_OPTIONS: tuple[tuple[str, Callable[[str], Any], str], ...] = (
    ("sif", float, "decay of frequent words' weights"),
    ("first_half", float, "factor of the weights in the first half of a sentence"),
    ("half_length", int, "where it has more tokens than these"),
    ("whiten", float, "scale axes of meaning by eigenvalue to this power"),
    ("remove_components", int, "leading axes of meaning left out"),
    ("lexical_weight", float, "share of the spelling, 0 to 1"),
    ("lexical_dims", int, "further numbers a sentence, for its spelling"),
)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Descriptions as they are written, options in one column."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; `command` in what it returns is the name of the command."""
    whole = argparse.ArgumentParser(
        prog="gensim-sent2vec", description="Sent2Vec sentence embeddings for gensim.", formatter_class=_Formatter
    )
    whole.add_argument("--version", action="version", version=f"gensim-sent2vec {__version__}")
    whole.add_argument("-v", "--verbose", action="store_true", help="log what is done to standard error")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (_demo, _train, _encode, _similar, _tokenize, _evaluate, _convert, _index, _shrink, _info):
        add(commands)
    return whole


def _command(commands: Any, name: str, what: str, example: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=what, description=f"{what[0].upper()}{what[1:]}.", epilog=f"example:\n  {example}",
        formatter_class=_Formatter,
    )  # fmt: skip


def _demo(commands: Any) -> None:
    demo = _command(commands, "demo", "train on a small news corpus and show what comes out", "gensim-sent2vec demo")
    demo.add_argument("--save", metavar="MODEL", help="where to save the model (default: a temporary directory)")
    demo.add_argument("--workers", type=int, metavar="N", help="threads (default: all CPUs)")


def _train(commands: Any) -> None:
    train = _command(
        commands, "train", "train a model on a text file", "gensim-sent2vec train corpus.txt my.model --word-ngrams 2"
    )
    train.add_argument("corpus", metavar="CORPUS", help="one tokenised sentence a line; may be compressed, - is stdin")
    train.add_argument("model", metavar="MODEL", help="where to save the model")
    for name, kind, what in TRAIN_OPTIONS + WEIGHTING_OPTIONS:
        metavar = "NAME" if kind is str else "N"
        train.add_argument(
            f"--{name.replace('_', '-')}", type=kind, metavar=metavar, help=what, default=argparse.SUPPRESS
        )
    train.add_argument(
        "--skip-bigrams", action="store_true", default=argparse.SUPPRESS,
        help="pairs up to a distance instead of n-grams",
    )  # fmt: skip
    train.add_argument("--tokenized", action="store_true", help="CORPUS is what tokenize wrote, to be taken as it is")
    phrases = train.add_mutually_exclusive_group()
    phrases.add_argument("--phrases", metavar="FILE", help="join phrases: gensim's Phrases or FrozenPhrases, saved")
    phrases.add_argument("--learn-phrases", action="store_true", help="learn phrases from the corpus, and join them")
    train.add_argument("--no-weighting", action="store_true", help="read sentences out as plain means")


def _encode(commands: Any) -> None:
    encode = _command(
        commands,
        "encode",
        "print or save the vectors of sentences",
        "gensim-sent2vec encode my.model new.txt -o new.npy",
    )
    encode.add_argument("model", metavar="MODEL")
    encode.add_argument("file", metavar="FILE", nargs="?", default="-", help="one sentence a line (default: stdin)")
    encode.add_argument("-o", "--output", metavar="OUT.npy", help="write a NumPy file instead of text")
    encode.add_argument("--normalize", action="store_true", help="scale vectors to length 1")
    encode.add_argument("--plain", action="store_true", help="plain means, without the weighting of the model")
    encode.add_argument("--workers", type=int, metavar="N", help="threads (default: all CPUs)")


def _similar(commands: Any) -> None:
    similar = _command(
        commands, "similar", "nearest sentences, or words",
        'gensim-sent2vec similar my.model --corpus faq.txt "how do i get my money back"',
    )  # fmt: skip
    similar.add_argument("model", metavar="MODEL")
    similar.add_argument("queries", metavar="QUERY", nargs="+", help="sentences; words where there is no --corpus")
    similar.add_argument("--corpus", metavar="SENTENCES", help="file to search, one sentence a line")
    similar.add_argument("--index", metavar="INDEX", help="in place of --corpus: what the command index made of one")
    similar.add_argument(
        "--hybrid", type=float, default=0.0, metavar="SHARE",
        help="share of the spelling in the score, 0 to 1; 0.5 is good for questions (default: 0)",
    )  # fmt: skip
    similar.add_argument("-n", "--topn", type=int, default=10, metavar="N", help="results a query (default: 10)")
    similar.add_argument("--plain", action="store_true", help="plain means, without the weighting of the model")
    similar.add_argument("--json", action="store_true", help="one JSON object a query")


def _tokenize(commands: Any) -> None:
    tokenize = _command(
        commands, "tokenize", "tokenise a text file, line for line",
        "gensim-sent2vec tokenize corpus.txt corpus.tokens --tokenizer kiwi",
    )  # fmt: skip
    tokenize.add_argument("source", metavar="CORPUS", help="one sentence a line; may be compressed, - is stdin")
    tokenize.add_argument("target", metavar="OUT", help="the tokens, separated by blanks; compressed as its name says")
    tokenize.add_argument("--tokenizer", metavar="NAME", required=True, help="simple, words, kiwi, mecab, kiwi:N,V …")
    tokenize.add_argument("--phrases", metavar="FILE", help="gensim's Phrases or FrozenPhrases, saved")
    tokenize.add_argument("--workers", type=int, metavar="N", help="processes (default: all CPUs)")


def _evaluate(commands: Any) -> None:
    evaluate = _command(
        commands, "evaluate", "how good the sentence vectors are",
        "gensim-sent2vec evaluate my.model pairs.tsv faq.tsv --log results.tsv",
    )  # fmt: skip
    evaluate.add_argument("model", metavar="MODEL")
    evaluate.add_argument("files", metavar="FILE", nargs="+", help="columns score, sentence1, sentence2; or role "
                          "(index or query), answer, question")  # fmt: skip
    evaluate.add_argument("--hybrid", type=float, default=0.0, metavar="X", help="share of the lexical score, 0 to 1")
    evaluate.add_argument("--plain", action="store_true", help="the plain mean, without the vectors' weighting")
    evaluate.add_argument("--tokenizer", metavar="NAME", help="in place of the model's")
    evaluate.add_argument("--log", metavar="RESULTS.tsv", help="append a dated row for each file")
    evaluate.add_argument("--json", action="store_true", help="one JSON object a file")


def _convert(commands: Any) -> None:
    convert = _command(
        commands,
        "convert",
        "from one form of model file to another: native, the reference program's .bin, word2vec",
        "gensim-sent2vec convert model.bin model.s2v",
    )
    convert.add_argument("source", metavar="IN", help="a file of any of these forms; told by what is in it")
    convert.add_argument(
        "target", metavar="OUT",
        help="its name says the form: .bin the reference's, .txt and .vec word2vec text, .w2v.bin word2vec binary "
        "(also with .gz), any other native",
    )  # fmt: skip
    convert.add_argument("--to", choices=FORMS, help="the form, whatever the name says")


def _index(commands: Any) -> None:
    index = _command(
        commands, "index", "make sentences ready to be searched", "gensim-sent2vec index my.model faq.txt faq.index"
    )
    index.add_argument("model", metavar="MODEL")
    index.add_argument("corpus", metavar="CORPUS", help="one sentence a line; may be compressed, - is stdin")
    index.add_argument("output", metavar="OUT", help="where to save the index")
    index.add_argument("--method", choices=("exact", "hnsw"), default="exact", help="hnsw: approximate (needs usearch)")
    index.add_argument("--float16", action="store_true", help="half the size")
    index.add_argument("--lexical", action="store_true", help="make --hybrid searches ready too")
    index.add_argument("--workers", type=int, metavar="N", help="threads (default: all CPUs)")


def _shrink(commands: Any) -> None:
    shrink = _command(
        commands, "shrink", "a smaller file of vectors from a model: fewer words, fewer n-gram rows, half precision",
        "gensim-sent2vec shrink my.model small.s2v --max-words 200000 --bucket 500000 --float16",
    )  # fmt: skip
    shrink.add_argument("model", metavar="MODEL")
    shrink.add_argument("target", metavar="OUT", help="a file of vectors")
    which = shrink.add_mutually_exclusive_group()
    which.add_argument("--min-count", type=int, metavar="N", help="drop words that occurred less often")
    which.add_argument("--max-words", type=int, metavar="N", help="keep the N most frequent words")
    shrink.add_argument("--bucket", type=int, metavar="N", help="fold the n-gram rows into so many; 0: drop them")
    shrink.add_argument("--float16", action="store_true", help="two bytes a number")
    shrink.add_argument("--corpus", metavar="SENTENCES", help="keep n-gram rows as they are used in this file")
    shrink.add_argument("--eval", nargs="+", default=[], metavar="PAIRS.tsv",
                        help="judge before and after by these: score, sentence1, sentence2")  # fmt: skip


def _info(commands: Any) -> None:
    info = _command(commands, "info", "what a model file holds", "gensim-sent2vec info my.model --json")
    info.add_argument("model", metavar="MODEL")
    info.add_argument("--json", action="store_true", help="as a JSON object")
    info.add_argument("--verify", action="store_true", help="compare the whole file with its checksums")
