"""The command ``train``: from a text file to a saved model."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..._files.model2vec import EXPECTED as STATIC
from ..._text.corpus import TokenFile, TokenLines
from ..._text.kept import checked_path
from ..._text.tables import TextTable
from ..._text.tokenization import Tokenization
from ..._text.tokenized import TokenizedSentences, TokenizingOptions, as_tokens
from ..._util.counted import counted
from ..._util.missing import MissingFileError, missing_file
from ...convert import load_vectors
from ...model import Sent2Vec
from ...phrases import learn_phrases
from ...weighting import SentenceWeighting
from ..arguments import (
    Container,
    Subcommands,
    add_columns,
    add_command,
    add_file,
    add_flag,
    add_force,
    add_phrases,
    add_texts,
    add_trusted,
    phrases_of,
    texts_of,
)
from ..files import MODEL, check_output, say_replaced

Options = tuple[tuple[str, type, str], ...]  # name, type, help

# Arguments of Sent2Vec, which supplies the defaults.
TRAINING: Options = (
    ("vector_size", int, "dimensions of the vectors"),
    ("alpha", float, "initial learning rate"),
    ("min_alpha", float, "final learning rate"),
    ("epochs", int, "passes over the corpus"),
    ("min_count", int, "ignore words with a count below N"),
    ("max_vocab_size", int, "prune rare words whenever more than N distinct ones are counted"),
    ("max_final_vocab", int, "keep at most N words, by raising --min-count"),
    ("word_ngrams", int, "longest word n-grams; 1: words only"),
    ("dropout_k", int, "random positions per target that no n-gram covers"),
    ("bucket", int, "number of n-gram hash buckets"),
    ("negative", int, "negative samples per target"),
    ("ns_exponent", float, "draw negative samples in proportion to count to the power X"),
    ("sample", float, "subsampling threshold of targets; 0: off"),
    ("shared_negatives", int, "consecutive targets that share negative samples; 1: no sharing (default: 16)"),
    ("workers", int, "threads (default: all CPUs)"),
    ("seed", int, "random seed"),
    ("tokenizer", str, "split, simple, words, kiwi or mecab; kiwi:N,V keeps some parts of speech only"),
)

# Arguments of SentenceWeighting, likewise.
WEIGHTING: Options = (
    ("sif", float, "a in the SIF word weights a / (a + p)"),
    ("first_half", float, "multiply word weights in the first half of a sentence by X"),
    ("half_length", int, "apply --first-half to sentences of more than N tokens"),
    ("whiten", float, "scale each semantic axis by its eigenvalue to the power X"),
    ("remove_components", int, "leading semantic axes to remove"),
    ("lexical_weight", float, "weight of the lexical part in cosines, 0 to 1"),
    ("lexical_dims", int, "extra dimensions for the lexical part"),
    ("pretrained_weight", float, "weight of the pretrained part in cosines, 0 to 1 (default: 0.7)"),
)

METAVARS = {int: "N", float: "X", str: "NAME"}


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "train",
        run,
        summary="train a model on files of texts",
        details="The options have the names and defaults of the arguments of Sent2Vec and SentenceWeighting. All "
        "threads read a plain file at once, in constant memory; tables, compressed files, several files and standard "
        "input are first copied to a temporary file. Ctrl-C stops training and saves the model as trained so far.",
        examples=[
            "gensim-sent2vec train corpus.txt my.model --epochs 5",
            "gensim-sent2vec train reviews.csv my.model --column review --tokenizer words",
            "zcat news.gz | gensim-sent2vec train - my.model --word-ngrams 2",
            "gensim-sent2vec train korean.txt my.model --tokenizer kiwi --keep-tokens korean.tokens",
            "gensim-sent2vec train corpus.txt my.model --tokenizer words --pretrained potion-base-8M",
            "gensim-sent2vec train 1.txt 2.txt my.model --ray auto --checkpoint my.rounds",
        ],
    )
    add_texts(parser, "corpus", metavar="CORPUS", nargs="+", help="one sentence per line, or tables")
    add_file(parser, "model", metavar="MODEL", help="where to save the model")
    training = parser.add_argument_group("training")
    _add_options(training, TRAINING, Sent2Vec)
    add_flag(training, "--skip-bigrams", help="use pairs of words less than --word-ngrams apart instead of n-grams")
    vectors = parser.add_argument_group("sentence vectors")
    _add_options(vectors, WEIGHTING, SentenceWeighting)
    add_file(
        vectors,
        "--pretrained",
        metavar="PATH",
        help="pretrained vectors for a third part of sentence vectors: a folder of model2vec, a file of wordllama (or "
        "the word wordllama for the installed package), or any file of vectors that convert reads",
    )
    add_flag(vectors, "--no-weighting", help="fit no weighting: sentence vectors are plain means")
    corpus = parser.add_argument_group("corpus")
    add_flag(corpus, "--tokenized", help="CORPUS was written by tokenize; use its tokens as they are")
    add_file(
        corpus,
        "--keep-tokens",
        metavar="FILE",
        help="keep the tokens in FILE; the next run on the same texts, with the same tokenizer, uses them",
    )
    phrases = corpus.add_mutually_exclusive_group()
    add_phrases(phrases)
    add_flag(phrases, "--learn-phrases", help="learn phrases from the corpus and join them")
    add_trusted(corpus)
    cluster = parser.add_argument_group("several machines", "each CORPUS is a plain text file, which one worker reads")
    cluster.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="train on a Ray cluster: HOST:PORT, auto, or local to start one on this machine",
    )
    cluster.add_argument(
        "--rounds", type=int, metavar="N", help="times per epoch that workers combine what they learned (default: 4)"
    )
    add_file(
        cluster, "--checkpoint", metavar="FILE", help="write this file after each round; if it exists, go on from it"
    )
    add_force(parser)
    add_columns(parser)


def _add_options(to: Container, options: Options, function: Callable[..., Any]) -> None:
    """Add options that are arguments of a function; those not given are absent from the parsed arguments."""
    parameters = inspect.signature(function).parameters
    for name, kind, text in options:
        default = parameters[name].default
        shown = "" if default is None or default is True else f" (default: {default})"
        to.add_argument(
            f"--{name.replace('_', '-')}",
            type=kind,
            metavar=METAVARS[kind],
            default=argparse.SUPPRESS,
            help=text + shown,
        )


def _given(args: argparse.Namespace, options: Options) -> dict[str, Any]:
    return {name: getattr(args, name) for name, *_ in options if name in args}


def run(args: argparse.Namespace) -> None:
    weighting = _given(args, WEIGHTING)
    if args.no_weighting and (weighting or args.pretrained):
        names = ", ".join(
            f"--{name.replace('_', '-')}" for name in [*weighting, *["pretrained"][: bool(args.pretrained)]]
        )
        raise ValueError(f"--no-weighting: cannot be combined with {names}")
    if args.tokenized and args.learn_phrases:
        raise ValueError("--learn-phrases: learns from text, so it cannot be combined with --tokenized; drop one")
    if args.ray is None and (args.rounds is not None or args.checkpoint):
        raise ValueError("--rounds, --checkpoint: need --ray")
    texts = texts_of(args, args.corpus)
    replaced = check_output(args.model, MODEL, (*texts.paths, args.phrases, args.pretrained), args.force)
    if args.keep_tokens is not None:
        _check_kept(args)
    model = Sent2Vec(
        **_given(args, TRAINING),
        skip_bigrams=args.skip_bigrams,
        weighting=None if args.no_weighting else _weighting(weighting, args),
        compute_loss=True,
    )
    if args.phrases:
        model.wv.phrases = phrases_of(args)
    if args.ray is not None:
        from ..engines import train_with_ray  # which other calls need not import

        train_with_ray(model, texts, args)
        return _save(model, args.model, replaced)
    with _tokens(model, texts, args) as (sentences, file):
        model.build_vocab(sentences, file)
        try:
            model.train(sentences, file, compute_loss=True)
        except KeyboardInterrupt:
            _save_interrupted(model, args.model, file)
            raise
    _save(model, args.model, replaced)


def _save(model: Sent2Vec, path: str, replaced: bool) -> None:
    model.save(path)
    print(
        f"Saved a model of {counted(len(model.wv), 'word')} with {counted(model.vector_size, 'dimension')}, trained on "
        f"{counted(model.corpus_count, 'sentence')}, to {path}",
        file=sys.stderr,
    )
    say_replaced(path, replaced)


def _weighting(options: dict[str, Any], args: argparse.Namespace) -> SentenceWeighting:
    weighting = SentenceWeighting(**options)
    if args.pretrained is None:
        if "pretrained_weight" in options:
            raise ValueError("--pretrained-weight: needs --pretrained, the vectors that it is the weight of")
        return weighting
    try:
        return weighting.with_pretrained(load_vectors(args.pretrained, trusted=args.trusted))
    except MissingFileError as error:
        raise missing_file(args.pretrained, "--pretrained", STATIC, "file or folder") from error
    except (ValueError, TypeError) as error:
        raise ValueError(f"--pretrained {args.pretrained!r}: {error}") from error


def _check_kept(args: argparse.Namespace) -> None:
    """Check the file of --keep-tokens, before any work."""
    if args.ray is not None:
        raise ValueError("--keep-tokens: cannot be combined with --ray; run tokenize first, and pass --tokenized")
    if os.path.realpath(args.keep_tokens) == os.path.realpath(args.model):
        raise ValueError(f"--keep-tokens: {args.keep_tokens!r} is the model, too; choose another name")
    checked_path(args.keep_tokens)


@contextmanager
def _tokens(model: Sent2Vec, texts: TextTable, args: argparse.Namespace) -> Iterator[tuple[Any, Any]]:
    """The corpus as tokens: the arguments `sentences` and `corpus_file` of `Sent2Vec`.

    With --learn-phrases, texts are tokenized once too: phrases are learned from their tokens, and then joined in these.
    """
    with model.as_tokens(*_corpus(texts, args.tokenized), keep_tokens=args.keep_tokens) as (sentences, file):
        if not args.learn_phrases:
            yield sentences, file
            return
        model.wv.phrases = learn_phrases(model.wv.token_lists(texts) if file is None else TokenLines(file))
        if file is not None:
            file = os.fspath(file)
        options = TokenizingOptions(model.workers, model.show_progress_bar, True, model.max_vocab_size)
        with as_tokens(sentences, file, Tokenization(phrases=model.wv.phrases), options) as joined:
            yield joined


def _corpus(texts: TextTable, tokenized: bool) -> tuple[Any, Any]:
    """The arguments `sentences` and `corpus_file` of `Sent2Vec`."""
    if not tokenized:
        return texts, None
    path = texts.lines.plain_path if texts.lines else None
    return (None, TokenFile(path)) if path else (TokenizedSentences(_Tokens(texts)), None)


class _Tokens:
    """Texts as token lists, split at whitespace. Can be iterated over any number of times."""

    def __init__(self, texts: TextTable) -> None:
        self._texts = texts

    def __iter__(self) -> Iterator[list[str]]:
        return map(str.split, self._texts)


def _save_interrupted(model: Sent2Vec, path: str, file: Any) -> None:
    """Save at once, then again with a weighting: a second Ctrl-C loses the weighting only."""
    model.save(path)
    print(f"\nInterrupted; saved the model as trained so far to {path}", file=sys.stderr)
    if model.weighting is not None and file is not None:
        model.fit_weighting(corpus_file=file)
        model.save(path)
