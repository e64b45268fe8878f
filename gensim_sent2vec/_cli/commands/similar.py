"""The command ``similar``: the sentences or words nearest to queries, and analogies."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator

from ..._service.faq import build_index
from ..._text.corpus import TextLines
from ..._util.batches import batched
from ..._util.missing import check_exists
from ...convert import load_vectors
from ...keyedvectors import Sent2VecKeyedVectors
from ...search import IndexedSentence, SentenceIndex
from ..arguments import (
    Subcommands,
    add_columns,
    add_command,
    add_file,
    add_flag,
    add_float,
    add_int,
    add_model,
    add_plain,
    add_texts,
    reject_columns,
    texts_of,
)
from ..files import on_one_line
from .index import KEYS

Results = list[tuple[str, float]]


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "similar",
        run,
        summary="find the most similar sentences or words",
        details="With --corpus or --index, queries are sentences; otherwise they are words. If there is no QUERY, "
        "queries are read from standard input, one per line. Prints each query, then its top results with their "
        "scores.",
        examples=[
            'gensim-sent2vec similar my.model --corpus faq.txt "how do i get my money back"',
            "gensim-sent2vec similar my.model --index faq.index --hybrid 0.5 < queries.txt",
            "gensim-sent2vec similar my.model police",
            "gensim-sent2vec similar my.model king woman --negative man",
        ],
    )
    add_model(parser)
    parser.add_argument("queries", metavar="QUERY", nargs="*", help="sentences or words (default: standard input)")
    add_texts(
        parser,
        "--corpus",
        metavar="FILE",
        action="append",
        help="search this file, one sentence per line, or a table as for index; repeatable",
    )
    add_file(parser, "--index", metavar="INDEX", help="search an index that the command index has built")
    parser.add_argument(
        "--negative",
        metavar="TEXT",
        nargs="+",
        default=[],
        help="analogy: search for the sum of the queries minus these",
    )
    add_float(parser, "--hybrid", help="weight of the lexical score, 0 to 1; 0.5 suits questions", default=0.0)
    add_int(parser, "-n", "--topn", help="results per query", default=10)
    add_plain(parser)
    add_flag(parser, "--json", help='print a JSON object per query: "query", and "results" as [[text, score], ...]')
    add_columns(parser, KEYS)


def run(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model, args.plain, args.trusted)
    if args.topn < 1:
        raise ValueError(f"--topn: must be at least 1, got {args.topn}")
    index = _index(args, wv)
    if index is None and args.hybrid:
        raise ValueError("--hybrid: words have no lexical scores; to search sentences, pass --corpus or --index")
    if args.negative:
        _analogy(args, wv if index is None else index)
        return
    for queries in _queries(args.queries):
        if index is None:
            answers = [_similar_words(wv, query, args.topn) for query in queries]
        else:
            answers = _search(index, queries, args)
        for query, results in zip(queries, answers):
            _show(query, results, args.json)


def _index(args: argparse.Namespace, wv: Sent2VecKeyedVectors) -> SentenceIndex | None:
    """The index to search; None to search words."""
    if args.corpus is not None and args.index is not None:
        raise ValueError("--corpus and --index: pass only one of them")
    if args.corpus is None:
        reject_columns(args, "says how --corpus is read, which is missing")
    if args.index is not None:
        check_exists(args.index, "--index", "an index that the command index has built")
        return SentenceIndex.load(args.index, wv, mmap="r")
    if args.corpus is not None:
        return build_index(wv, texts_of(args, args.corpus))
    return None


def _queries(given: list[str]) -> Iterator[list[str]]:
    """Batches of queries, which are faster to search together; at a terminal, each line by itself."""
    if given:
        return iter([given])
    if sys.stdin.isatty():
        return ([line.rstrip("\n")] for line in sys.stdin)
    return batched(TextLines("-"), 1000)


def _similar_words(wv: Sent2VecKeyedVectors, query: str, topn: int) -> Results:
    _check_word(wv, query)
    return wv.most_similar(query, topn=topn)


def _check_word(wv: Sent2VecKeyedVectors, word: str) -> None:
    if word in wv:
        return
    if os.path.exists(word):
        raise ValueError(f"{word!r} is a file and no word; to search its sentences, pass --corpus {word} (or --index)")
    raise ValueError(f"{word!r} is not in the vocabulary; to search sentences, pass --corpus or --index")


def _analogy(args: argparse.Namespace, searched: SentenceIndex | Sent2VecKeyedVectors) -> None:
    """Print the words or sentences nearest to the sum of the queries minus the negative ones."""
    if not isinstance(searched, SentenceIndex):
        for word in args.queries + args.negative:
            _check_word(searched, word)
    elif args.hybrid:
        raise ValueError("--hybrid: a sum of sentences has no lexical score; drop --hybrid or --negative")
    results = searched.most_similar(positive=args.queries, negative=args.negative, topn=args.topn)
    _show(" + ".join(args.queries) + "".join(f" - {text}" for text in args.negative), results, args.json)


def _search(index: SentenceIndex, queries: list[str], args: argparse.Namespace) -> list[Results]:
    """The results for each query: keys, or for people also the sentences that they belong to."""
    if args.json:
        return index.most_similar_batch(queries, args.topn, args.hybrid)
    found = index.find(queries, args.topn, args.hybrid)
    return [[(_labeled(index[int(row)]), float(score)) for row, score in zip(*hits)] for hits in found]


def _labeled(indexed: IndexedSentence) -> str:
    sentence = on_one_line(indexed.sentence)
    return sentence if indexed.key == indexed.sentence else f"{sentence} -> {on_one_line(str(indexed.key))}"


def _show(query: str, results: Results, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"query": query, "results": results}, ensure_ascii=False))
        return
    print(query)
    for text, score in results:
        print(f"  {score:.4f}  {text}")
