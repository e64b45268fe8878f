"""The commands' arguments: one parser each, with its help."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from textwrap import fill
from typing import Any

from .._service import supervisor
from ..convert import BINARY, FOLDERS, FORMATS, NATIVE, TEXT
from ..model import Sent2Vec
from ..version import __version__
from ..weighting import SentenceWeighting
from .completion import FILES, SHELLS, PrintCompletion

OF_TRAINING = inspect.signature(Sent2Vec).parameters
OF_WEIGHTING = inspect.signature(SentenceWeighting).parameters

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
    ("shared_negatives", int, "so many targets share their negatives; 1: none do (default: 16)"),
    ("workers", int, "threads; all CPUs where not given"),
    ("seed", int, "of the start and all draws"),
    ("tokenizer", str, "split, simple, words, kiwi, mecab, or kiwi:N,V for some parts of speech"),
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

    def __init__(self, prog: str, **how: Any) -> None:
        super().__init__(prog, **{"max_help_position": 32, **how})


class _Parser(argparse.ArgumentParser):
    """A command's, where options may stand before, after and between the files, which argparse alone would not take."""

    _inside = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._inside:  # the next line calls this method again in Python 3.10 and 3.11
            return super().parse_known_args(args, namespace)
        self._inside = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._inside = False


ENDS = """\
exit status:
  0    done
  2    bad input, or a missing file or package: one line says what to do
  130  stopped by Ctrl-C; train saves the model as far as it is trained
  141  nobody reads the output any more

What is found goes to standard output; progress to standard error: a bar on a
terminal, a line a minute elsewhere. A MODEL is a whole model, a file of vectors,
a .bin of the reference program, or a word2vec file.
"""
WIDTH = 79


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; `command` in what it returns is the name of the command."""
    whole = argparse.ArgumentParser(
        prog="gensim-sent2vec",
        description="Sent2Vec sentence embeddings for gensim. See gensim-sent2vec COMMAND --help for each command.",
        epilog=ENDS,
        formatter_class=_Formatter,
    )
    whole.add_argument("--version", action="version", version=f"gensim-sent2vec {__version__}")
    whole.add_argument("-v", "--verbose", action="store_true", help="log what is done to standard error")
    whole.add_argument(
        "--print-completion", action=PrintCompletion, choices=SHELLS, metavar="SHELL",
        help=f"print a completion script for a shell, {', '.join(SHELLS)} (needs shtab), and end",
    )  # fmt: skip
    commands = whole.add_subparsers(
        dest="command", required=True, metavar="COMMAND", title="commands", parser_class=_Parser
    )
    model_files = (_convert, _bake, _shrink, _info)
    for add in (_demo, _train, _encode, _similar, _tokenize, _evaluate, _index, _serve, *model_files):
        add(commands)
    return whole


def _command(commands: Any, name: str, what: str, more: str, *examples: str) -> argparse.ArgumentParser:
    """A command: what it does in a line, more of it in some, and calls that work."""
    return commands.add_parser(
        name,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.\n\n{fill(more, WIDTH)}",
        epilog="\n  ".join(["examples:" if len(examples) > 1 else "example:", *examples]),
        formatter_class=_Formatter,
    )


def _file(parser: Any, *names: str, **options: Any) -> None:
    """An argument that is a file's name: shells complete it."""
    parser.add_argument(*names, **options).complete = FILES


def _model(parser: Any) -> None:
    _file(parser, "model", metavar="MODEL", help="a model or a file of vectors, of any form that convert reads")


def _demo(commands: Any) -> None:
    demo = _command(
        commands, "demo", "train on a small news corpus and show what comes out",
        "The corpus comes with gensim: nothing is downloaded. Shows nearest sentences and words, how well the "
        "vectors agree with people's judgements, and how to load the model. Takes less than a minute.",
        "gensim-sent2vec demo",
        "gensim-sent2vec demo --save lee.model",
    )  # fmt: skip
    _file(demo, "--save", metavar="MODEL", help="where to save the model (default: a temporary directory)")
    demo.add_argument("--workers", type=int, metavar="N", help="threads (default: all CPUs)")


def _train(commands: Any) -> None:
    train = _command(
        commands, "train", "train a model on a text file",
        "Options are named as the arguments of Sent2Vec and SentenceWeighting, and have their defaults. A plain file "
        "is read by all threads at once, in constant memory; standard input is copied to a temporary file first. "
        "Ctrl-C saves the model as far as it is trained.",
        "gensim-sent2vec train corpus.txt my.model --epochs 5",
        "zcat news-*.gz | gensim-sent2vec train - my.model --word-ngrams 2 --bucket 500000",
        "gensim-sent2vec train korean.txt my.model --tokenizer kiwi --lexical-dims 200",
    )  # fmt: skip
    _file(train, "corpus", metavar="CORPUS", help="one tokenised sentence a line; may be compressed, - is stdin")
    _file(train, "model", metavar="MODEL", help="where to save the model")
    of_training, of_weighting = train.add_argument_group("training"), train.add_argument_group("reading sentences out")
    for group, options in (of_training, TRAIN_OPTIONS), (of_weighting, WEIGHTING_OPTIONS):
        defaults = OF_WEIGHTING if options is WEIGHTING_OPTIONS else OF_TRAINING
        for name, kind, what in options:
            default = defaults[name].default
            known = "" if default is None or default is True else f" (default: {default})"
            group.add_argument(
                f"--{name.replace('_', '-')}", type=kind, metavar="NAME" if kind is str else "N", help=what + known,
                default=argparse.SUPPRESS,
            )  # fmt: skip
    of_training.add_argument(
        "--skip-bigrams", action="store_true", default=argparse.SUPPRESS,
        help="pairs up to a distance instead of n-grams",
    )  # fmt: skip
    of_weighting.add_argument("--no-weighting", action="store_true", help="read sentences out as plain means")
    texts = train.add_argument_group("texts")
    texts.add_argument("--tokenized", action="store_true", help="CORPUS is what tokenize wrote, to be taken as it is")
    phrases = texts.add_mutually_exclusive_group()
    _file(phrases, "--phrases", metavar="FILE", help="join phrases: gensim's Phrases or FrozenPhrases, saved")
    phrases.add_argument("--learn-phrases", action="store_true", help="learn phrases from the corpus, and join them")


def _encode(commands: Any) -> None:
    encode = _command(
        commands, "encode", "print or save the vectors of sentences",
        "Prints a line for each sentence, its numbers separated by blanks: those of the API to the last bit. A line "
        "of which nothing is known gives zeros. OUT's name says the form: .txt text, .vec and .w2v.bin "
        "word2vec text and binary, with line numbers from 1 as keys; text also with .gz or .bz2. Any other is NumPy's.",
        "gensim-sent2vec encode my.model new.txt -o new.npy",
        "zcat new.txt.gz | gensim-sent2vec encode my.model --normalize | head",
    )  # fmt: skip
    _model(encode)
    _file(encode, "file", metavar="FILE", nargs="?", default="-",
          help="one sentence a line; may be compressed (default: stdin)")  # fmt: skip
    _file(encode, "-o", "--output", metavar="OUT", help="write a file, float32 (n_sentences, n_numbers)")
    encode.add_argument("--normalize", action="store_true", help="scale vectors to length 1")
    encode.add_argument("--plain", action="store_true", help="plain means, without the weighting of the model")
    encode.add_argument("--workers", type=int, metavar="N", help="threads (default: all CPUs)")


def _similar(commands: Any) -> None:
    similar = _command(
        commands, "similar", "nearest sentences, or words",
        "Queries are sentences where there is a --corpus or an --index to search, else words. Without any, they are "
        "read from standard input, one a line. Prints each query, then its results with their scores, best first.",
        'gensim-sent2vec similar my.model --corpus faq.txt "how do i get my money back"',
        "gensim-sent2vec similar my.model --index faq.index --hybrid 0.5 --json < questions.txt",
        "gensim-sent2vec similar my.model police",
        "gensim-sent2vec similar my.model king woman --negative man",
    )  # fmt: skip
    _model(similar)
    similar.add_argument("queries", metavar="QUERY", nargs="*", help="sentences or words (default: lines of stdin)")
    _file(similar, "--corpus", metavar="SENTENCES", help="file to search, one sentence a line; may be compressed")
    _file(similar, "--index", metavar="INDEX", help="in place of --corpus: what the command index made of one")
    similar.add_argument(
        "--negative", metavar="TEXT", nargs="+", default=[],
        help="an analogy: what is nearest to the sum of all QUERYs less these",
    )  # fmt: skip
    similar.add_argument(
        "--hybrid", type=float, default=0.0, metavar="SHARE",
        help="share of the spelling in the score, 0 to 1; 0.5 is good for questions (default: 0)",
    )  # fmt: skip
    similar.add_argument("-n", "--topn", type=int, default=10, metavar="N", help="results a query (default: 10)")
    similar.add_argument("--plain", action="store_true", help="plain means, without the weighting of the model")
    similar.add_argument("--json", action="store_true", help='an object a query: "query", "results" [[text, score] …]')


def _tokenize(commands: Any) -> None:
    tokenize = _command(
        commands, "tokenize", "tokenise a text file, line for line",
        "Do it once, then train on the result as often as wanted with --tokenized. The file takes its place when it "
        "is complete.",
        "gensim-sent2vec tokenize corpus.txt corpus.tokens --tokenizer kiwi",
        "gensim-sent2vec train corpus.tokens my.model --tokenized --tokenizer kiwi",
    )  # fmt: skip
    _file(tokenize, "source", metavar="CORPUS", help="one sentence a line; may be compressed, - is stdin")
    _file(tokenize, "target", metavar="OUT", help="the tokens, separated by blanks; compressed as its name says")
    tokenize.add_argument("--tokenizer", metavar="NAME", required=True, help="simple, words, kiwi, mecab, kiwi:N,V …")
    _file(tokenize, "--phrases", metavar="FILE", help="gensim's Phrases or FrozenPhrases, saved")
    tokenize.add_argument("--workers", type=int, metavar="N", help="processes (default: all CPUs)")


def _evaluate(commands: Any) -> None:
    evaluate = _command(
        commands, "evaluate", "how good the sentence vectors are",
        "A file of judged pairs gives Pearson's and Spearman's correlation of cosines and scores; a file of "
        "questions gives the share of queries that find a question of their answer first, among three, among five "
        "(P@1, P@3, P@5). Files are tab-separated UTF-8 and may be compressed; further columns are allowed where the "
        "first line names them.",
        "gensim-sent2vec evaluate my.model pairs.tsv faq.tsv --log results.tsv",
        "gensim-sent2vec evaluate my.model faq.tsv --hybrid 0.5 --json",
    )  # fmt: skip
    _model(evaluate)
    _file(evaluate, "files", metavar="FILE", nargs="+", help="columns score, sentence1, sentence2; or role "
          "(index or query), answer, question")  # fmt: skip
    evaluate.add_argument("--hybrid", type=float, default=0.0, metavar="X", help="share of the lexical score, 0 to 1")
    evaluate.add_argument("--plain", action="store_true", help="the plain mean, without the vectors' weighting")
    evaluate.add_argument("--tokenizer", metavar="NAME", help="in place of the model's")
    _file(evaluate, "--log", metavar="RESULTS.tsv", help="append a dated row for each file")
    evaluate.add_argument("--json", action="store_true", help="one JSON object a file")


def _convert(commands: Any) -> None:
    convert = _command(
        commands, "convert", "from one form of model file to another: native, the reference program's .bin, word2vec",
        "The form of IN is told by what is in it, that of OUT by its name. A .bin becomes native in less than 200 MB "
        "of memory, whatever its size. The word2vec forms hold words only: what is left out is said.",
        "gensim-sent2vec convert model.bin model.s2v",
        "gensim-sent2vec convert my.model words.vec.gz",
    )  # fmt: skip
    _file(convert, "source", metavar="IN", help="a file of any of these forms; word2vec files may be compressed")
    _file(
        convert, "target", metavar="OUT",
        help="its name says the form: .bin the reference's, .txt and .vec word2vec text, .w2v.bin word2vec binary "
        "(also with .gz), any other native",
    )  # fmt: skip
    convert.add_argument("--to", choices=FORMATS, help="the form, whatever the name says")


def _bake(commands: Any) -> None:
    bake = _command(
        commands, "bake", "word vectors with the weighting in them, for programs that average word vectors",
        "Reads a model that has a weighting, as training fits it. With the training corpus rows are fitted to its "
        "sentences, and its rare words get rows, so that plain means come near to what encode gives.",
        "gensim-sent2vec bake my.model baked.vec.gz --corpus corpus.txt",
        "gensim-sent2vec bake my.model my-m2v --corpus corpus.txt --to model2vec",
    )  # fmt: skip
    _model(bake)
    _file(bake, "target", metavar="OUT", help="its name says the form, as for convert")
    _file(bake, "--corpus", metavar="CORPUS", help="one sentence a line; may be compressed, - is stdin")
    bake.add_argument(
        "--to", choices=(NATIVE, TEXT, BINARY, *FOLDERS),
        help="the form, whatever the name says; a folder for model2vec and sentence-transformers (extra [static])",
    )  # fmt: skip


def _index(commands: Any) -> None:
    index = _command(
        commands, "index", "make sentences ready to be searched",
        "Embeds them once; similar --index then maps the file, which any number of processes share.",
        "gensim-sent2vec index my.model faq.txt faq.index --lexical",
        "gensim-sent2vec index my.model news.txt.gz news.index --method hnsw --float16",
    )  # fmt: skip
    _model(index)
    _file(index, "corpus", metavar="CORPUS",
          help="one sentence a line, or columns with tabs between them, the first line naming them: question, answer; "
          "may be compressed, - is stdin")  # fmt: skip
    _file(index, "output", metavar="OUT", help="where to save the index")
    index.add_argument("--method", choices=("exact", "hnsw"), default="exact", help="hnsw: approximate (needs usearch)")
    index.add_argument("--float16", action="store_true", help="half the size")
    index.add_argument("--lexical", action="store_true", help="make --hybrid searches ready too")
    index.add_argument("--workers", type=int, metavar="N", help="threads (default: all CPUs)")


def _serve(commands: Any) -> None:
    serve = _command(
        commands, "serve", "answer questions over HTTP, and on a page in the browser",
        "The page is at /, what programs may ask at /docs, figures for Prometheus at /metrics. SIGHUP loads the files "
        "again while requests go on; put new ones in the place of the old by renaming, as all commands here do.",
        "gensim-sent2vec serve my.model faq.index --workers 4 --port 8000",
        "curl -d '{\"query\": \"how do i get my money back\"}' -H 'Content-Type: application/json' \\\n"
        "       http://127.0.0.1:8000/search",
    )  # fmt: skip
    supervisor.add_arguments(serve)


def _shrink(commands: Any) -> None:
    shrink = _command(
        commands, "shrink", "a smaller file of vectors from a model: fewer words, fewer n-gram rows, half precision",
        "Works block by block, in little memory. Prints size, and with --eval scores, before and after.",
        "gensim-sent2vec shrink my.model small.s2v --max-words 200000 --bucket 500000 --float16",
        "gensim-sent2vec shrink my.model small.s2v --min-count 20 --corpus corpus.txt --eval pairs.tsv",
    )  # fmt: skip
    _model(shrink)
    _file(shrink, "target", metavar="OUT", help="a file of vectors")
    which = shrink.add_mutually_exclusive_group()
    which.add_argument("--min-count", type=int, metavar="N", help="drop words that occurred less often")
    which.add_argument("--max-words", type=int, metavar="N", help="keep the N most frequent words")
    shrink.add_argument("--bucket", type=int, metavar="N", help="fold the n-gram rows into so many; 0: drop them")
    shrink.add_argument("--float16", action="store_true", help="two bytes a number")
    _file(shrink, "--corpus", metavar="SENTENCES", help="keep n-gram rows as they are used in this file")
    _file(shrink, "--eval", nargs="+", default=[], metavar="PAIRS.tsv",
          help="judge before and after by these: score, sentence1, sentence2")  # fmt: skip
    shrink.add_argument("--json", action="store_true", help='one JSON object: "before" and "after"')


def _info(commands: Any) -> None:
    info = _command(
        commands, "info", "what a file of a model, of vectors or of an index holds",
        "Sizes, how it was trained, how sentences are read out, and the arrays of a native file. The matrices are "
        "not read, unless --verify asks for it.",
        "gensim-sent2vec info my.model --json",
        "gensim-sent2vec info my.s2v --verify",
    )  # fmt: skip
    _model(info)
    info.add_argument("--json", action="store_true", help="as a JSON object")
    info.add_argument("--verify", action="store_true", help="compare the whole file with its checksums")
