"""The command line: arguments only; the work is done elsewhere."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np

from . import supervisor
from .convert import FORMS, load_model, load_vectors
from .convert import convert as convert_file
from .corpus import TextLines, TokenFile, TokenLines
from .evaluation import append_to_log, check_log, evaluate_file, evaluate_sts
from .faq import build_index
from .keyedvectors import Sent2VecKeyedVectors
from .model import Sent2Vec
from .phrases import learn_phrases, load_phrases, n_phrases
from .search import SentenceIndex
from .shrink import shrink_to_file, stored_bytes
from .storage import kind_of, read_header
from .tokenizers import describe
from .tokenizing import PhraseSentences, Tokenization, tokenize_file
from .version import __version__
from .vocab import batches
from .weighting import SentenceWeighting

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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gensim-sent2vec", description="Sent2Vec sentence embeddings for gensim.", formatter_class=_Formatter
    )
    parser.add_argument("--version", action="version", version=f"gensim-sent2vec {__version__}")
    parser.add_argument("-v", "--verbose", action="store_true", help="log what is done to standard error")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], what: str, example: str) -> Any:
        sub = commands.add_parser(
            name, help=what, description=f"{what[0].upper()}{what[1:]}.", epilog=f"example:\n  {example}",
            formatter_class=_Formatter,
        )  # fmt: skip
        sub.set_defaults(run=run)
        return sub

    demo = command("demo", _demo, "train on a small news corpus and show what comes out", "gensim-sent2vec demo")
    demo.add_argument("--save", metavar="MODEL", help="where to save the model (default: a temporary directory)")
    demo.add_argument("--workers", type=int, metavar="N", help="threads (default: all CPUs)")

    train = command(
        "train", _train, "train a model on a text file", "gensim-sent2vec train corpus.txt my.model --word-ngrams 2"
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

    encode = command(
        "encode",
        _encode,
        "print or save the vectors of sentences",
        "gensim-sent2vec encode my.model new.txt -o new.npy",
    )
    encode.add_argument("model", metavar="MODEL")
    encode.add_argument("file", metavar="FILE", nargs="?", default="-", help="one sentence a line (default: stdin)")
    encode.add_argument("-o", "--output", metavar="OUT.npy", help="write a NumPy file instead of text")
    encode.add_argument("--normalize", action="store_true", help="scale vectors to length 1")
    encode.add_argument("--plain", action="store_true", help="plain means, without the weighting of the model")
    encode.add_argument("--workers", type=int, metavar="N", help="threads (default: all CPUs)")

    similar = command(
        "similar", _similar, "nearest sentences, or words",
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

    tokenize = command(
        "tokenize", _tokenize, "tokenise a text file, line for line",
        "gensim-sent2vec tokenize corpus.txt corpus.tokens --tokenizer kiwi",
    )  # fmt: skip
    tokenize.add_argument("source", metavar="CORPUS", help="one sentence a line; may be compressed, - is stdin")
    tokenize.add_argument("target", metavar="OUT", help="the tokens, separated by blanks; compressed as its name says")
    tokenize.add_argument("--tokenizer", metavar="NAME", required=True, help="simple, words, kiwi, mecab, kiwi:N,V …")
    tokenize.add_argument("--phrases", metavar="FILE", help="gensim's Phrases or FrozenPhrases, saved")
    tokenize.add_argument("--workers", type=int, metavar="N", help="processes (default: all CPUs)")

    evaluate = command(
        "evaluate", _evaluate, "how good the sentence vectors are",
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

    convert = command(
        "convert",
        _convert,
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

    index = command(
        "index", _index, "make sentences ready to be searched", "gensim-sent2vec index my.model faq.txt faq.index"
    )
    index.add_argument("model", metavar="MODEL")
    index.add_argument(
        "corpus", metavar="CORPUS",
        help="one sentence a line, or columns with tabs between them, the first line naming them: question, answer; "
        "may be compressed, - is stdin",
    )  # fmt: skip
    index.add_argument("output", metavar="OUT", help="where to save the index")
    index.add_argument("--method", choices=("exact", "hnsw"), default="exact", help="hnsw: approximate (needs usearch)")
    index.add_argument("--float16", action="store_true", help="half the size")
    index.add_argument("--lexical", action="store_true", help="make --hybrid searches ready too")
    index.add_argument("--workers", type=int, metavar="N", help="threads (default: all CPUs)")

    serve = command(
        "serve", supervisor.main, "answer questions over HTTP, and on a page in the browser",
        "gensim-sent2vec serve my.model faq.index --workers 4 --port 8000\n"
        "  curl -d '{\"query\": \"how do i get my money back\"}' -H 'Content-Type: application/json' \\\n"
        "       http://127.0.0.1:8000/search\n\n"
        "The page is at /, what programs may ask at /docs, figures for Prometheus at /metrics. SIGHUP loads the files\n"
        "again while requests go on; put new ones in the place of the old by renaming, as all commands here do.",
    )  # fmt: skip
    supervisor.add_arguments(serve)

    shrink = command(
        "shrink", _shrink, "a smaller file of vectors from a model: fewer words, fewer n-gram rows, half precision",
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

    info = command("info", _info, "what a model file holds", "gensim-sent2vec info my.model --json")
    info.add_argument("model", metavar="MODEL")
    info.add_argument("--json", action="store_true", help="as a JSON object")
    info.add_argument("--verify", action="store_true", help="compare the whole file with its checksums")
    return parser


# -----------------------------------------------------------------------------------------------------
# Commands


def _demo(args: argparse.Namespace) -> None:
    from .demo import main as run_demo  # imports gensim's test data, which nothing else needs

    run_demo(args.save, args.workers)


def _train(args: argparse.Namespace) -> None:
    given = vars(args)
    options = {name: given[name] for name, *_ in TRAIN_OPTIONS if name in given}
    weighting = {name: given[name] for name, *_ in WEIGHTING_OPTIONS if name in given}
    if weighting and args.no_weighting:
        raise ValueError(f"--no-weighting: there is to be none, but {', '.join(weighting)} were given")
    options["weighting"] = None if args.no_weighting else SentenceWeighting(**weighting)
    lines = TextLines(args.corpus)
    _check_writable(args.model)
    model = Sent2Vec(**options, skip_bigrams=given.get("skip_bigrams", False), compute_loss=True)
    if args.tokenized and args.learn_phrases:
        raise ValueError("--learn-phrases learns from text, which --tokenized says the corpus is not; leave out one")
    if args.phrases or args.learn_phrases:
        model.wv.phrases = load_phrases(args.phrases) if args.phrases else learn_phrases(model.wv.token_lists(lines))
    with model.as_tokens(*_corpus(lines, model.wv, args.tokenized)) as (sentences, file):
        model.build_vocab(sentences, file)
        try:
            model.train(sentences, file, compute_loss=True)
        except KeyboardInterrupt:
            model.save(args.model)
            print(f"\nStopped; the model, as far as it is trained, is saved as {args.model}", file=sys.stderr)
            if model.weighting is not None and file is not None:
                model.fit_weighting(corpus_file=file)
                model.save(args.model)
            raise
    model.save(args.model)
    print(f"{model} saved as {args.model}", file=sys.stderr)


def _corpus(lines: TextLines, wv: Sent2VecKeyedVectors, tokenized: bool) -> tuple[Any, Any]:
    """A corpus as `Sent2Vec` takes it: (sentences, None) of a compressed file, which cannot be read in parts."""
    path = lines.plain_path
    if path is not None:
        return None, TokenFile(path) if tokenized else path
    if tokenized:
        return PhraseSentences(TokenLines(lines.path), None), None
    return TokenLines(lines.path) if Tokenization(wv.tokenizer, wv.phrases).native else lines, None


def _tokenize(args: argparse.Namespace) -> None:
    phrases = load_phrases(args.phrases) if args.phrases else None
    tokenize_file(args.source, args.target, args.tokenizer, phrases, args.workers)


def _encode(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model, args.plain)
    lines = TextLines(args.file)
    if args.output:
        _check_writable(args.output)
        vectors = wv.encode(lines, normalize=args.normalize, workers=args.workers)
        with open(args.output, "wb") as file:  # np.save would add .npy to a name without it
            np.save(file, vectors)
        return
    for batch in batches(lines, 1000):
        for row in wv.encode(batch, normalize=args.normalize, workers=args.workers, show_progress_bar=False):
            print(" ".join(map(str, row)))


def _similar(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model, args.plain)
    if args.topn < 1:
        raise ValueError(f"--topn must be at least 1, got {args.topn}")
    if args.corpus is None and args.index is None:
        for query in args.queries:
            if query not in wv:
                raise ValueError(f"{query!r} is not a word of the model; to search sentences pass --corpus FILE")
            _show(query, wv.most_similar(query, topn=args.topn), args.json)
        return
    if args.corpus is not None and args.index is not None:
        raise ValueError("--corpus and --index: pass one of the two")
    if args.index is not None:
        index = SentenceIndex.load(args.index, wv, mmap="r")
    else:
        index = SentenceIndex.build(wv, TextLines(args.corpus))
    for query, results in zip(args.queries, index.most_similar_batch(args.queries, args.topn, args.hybrid)):
        _show(query, results, args.json)


def _index(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model)
    _check_writable(args.output)
    dtype = np.float16 if args.float16 else np.float32
    options = {"method": args.method, "dtype": dtype, "lexical": args.lexical, "workers": args.workers}
    index = build_index(wv, args.corpus, **options)
    index.save(args.output)
    print(f"{index} saved as {args.output}", file=sys.stderr)


def _show(query: str, results: list[tuple[str, float]], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"query": query, "results": results}, ensure_ascii=False))
        return
    print(query)
    for text, cosine in results:
        print(f"  {cosine:.4f}  {text}")


def _evaluate(args: argparse.Namespace) -> None:
    loaded = load_model(args.model)
    wv = loaded.wv if isinstance(loaded, Sent2Vec) else loaded
    options = {"hybrid": args.hybrid, "weighting": False if args.plain else None, "tokenizer": args.tokenizer}
    if args.log:
        _check_writable(args.log)
        check_log(args.log)
    results = []
    for path in args.files:
        results.append(evaluate_file(wv, path, **options))
        _show_result(results[-1], args.json, header=len(results) == 1)
    pearsons = [result["pearson"] for result in results if "pearson" in result]
    if len(pearsons) > 1 and not args.json:
        print(f"{sum(pearsons) / len(pearsons):8.4f}  mean of {len(pearsons)} files of pairs")
    if args.log:
        given = {name: value for name, value in options.items() if value is not None}
        append_to_log(args.log, args.model, results, _facts(loaded) | given)


def _show_result(result: dict[str, Any], as_json: bool, header: bool) -> None:
    """One row a file: Pearson's and Spearman's correlation, or P@1, P@3, P@5."""
    if as_json:
        print(json.dumps(result, ensure_ascii=False), flush=True)
        return
    if header:
        print(f"{'pearson':>8} {'spearman':>8}  {'P@1':>6} {'P@3':>6} {'P@5':>6}  {'n':>6} {'coverage':>8}  file")
    cells = [f"{result[name]:{width}.4f}" if name in result else " " * width
             for name, width in (("pearson", 8), ("spearman", 8), ("P@1", 7), ("P@3", 6), ("P@5", 6))]  # fmt: skip
    print(*cells, f"{result['n']:7,} {result['coverage']:8.1%}  {result['file']}", flush=True)


def _convert(args: argparse.Namespace) -> None:
    _check_writable(args.target)
    form = convert_file(args.source, args.target, args.to)
    print(f"{args.target}: {form}, {os.path.getsize(args.target):,} bytes", file=sys.stderr)


def _shrink(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model)
    _check_writable(args.target)
    before = [evaluate_sts(wv, path).pearson for path in args.eval]
    sentences = TextLines(args.corpus) if args.corpus else None
    dtype = np.float16 if args.float16 else None
    shrink_to_file(wv, args.target, args.min_count, args.max_words, args.bucket, dtype, sentences)
    small = load_vectors(args.target)
    rows: list[tuple[str, Any, Any]] = [("words", f"{len(wv):,}", f"{len(small):,}")]
    rows.append(("n-gram rows", f"{wv.bucket:,}", f"{small.bucket:,}"))
    rows.append(("type", wv.vectors.dtype, small.vectors.dtype))
    was, now = stored_bytes(wv), stored_bytes(small)
    rows.append(("bytes", f"{was:,}", f"{now:,}  {now / was:.1%}"))
    after = [evaluate_sts(small, path).pearson for path in args.eval]
    names = [os.path.basename(path) for path in args.eval]
    if len(names) > 1:
        before, after = ([*scores, sum(scores) / len(scores)] for scores in (before, after))
        names.append("mean")
    for old, new, name in zip(before, after, names):
        rows.append(("pearson", f"{old:.4f}", f"{new:.4f}  {new - old:+.4f}  {name}"))
    print(f"{'':11} {'before':>14}   after")
    print("\n".join(f"{what:11} {old!s:>14}   {new}" for what, old, new in rows))


def _info(args: argparse.Namespace) -> None:
    loaded = load_model(args.model, verify=args.verify)
    facts = _facts(loaded)
    if not isinstance(loaded, Sent2Vec) and kind_of(args.model):
        header = read_header(args.model)
        facts |= {"layout": header.layout, "file_bytes": header.size}
        facts["checksums"] = "ok" if args.verify else "not compared; see --verify"
        facts["arrays"] = {name: f"{array.dtype} {array.shape}" for name, array in header.tensors.items()}
    if args.json:
        print(json.dumps(facts))
        return
    facts |= facts.pop("arrays", {})
    print("\n".join(f"{name:>16}  {value}" for name, value in facts.items()))


def _facts(loaded: Sent2Vec | Sent2VecKeyedVectors) -> dict[str, Any]:
    """What a model or vectors are made of and by."""
    wv = loaded.wv if isinstance(loaded, Sent2Vec) else loaded
    facts: dict[str, Any] = {
        "kind": type(loaded).__name__,
        "words": len(wv),
        "vector_size": wv.vector_size,
        "word_ngrams": wv.word_ngrams,
        "skip_bigrams": wv.skip_bigrams,
        "bucket": wv.bucket,
        "ngram_hash": wv.ngram_hash,
        "tokenizer": describe(wv.tokenizer),
        "phrases": n_phrases(wv.phrases),
        "dtype": str(wv.vectors.dtype),
        "bytes": int(wv.vectors.nbytes + wv.vectors_ngrams.nbytes),
        "weighting": None if wv.weighting is None else repr(wv.weighting),
        "sentence_size": wv.sentence_size,
    }
    if isinstance(loaded, Sent2Vec):
        names = ("epochs", "alpha", "min_alpha", "min_count", "negative", "ns_exponent", "sample", "dropout_k")
        facts |= {name: getattr(loaded, name) for name in (*names, "shared_negatives", "seed", "corpus_count")}
        facts["corpus_words"] = loaded.corpus_total_words
    return facts


# -----------------------------------------------------------------------------------------------------
# Files


def _check_writable(path: str) -> None:
    """Before hours of work: can the result be written?"""
    directory = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a directory")
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"there is no directory {directory!r} to write {path!r} to")
    if not os.access(directory, os.W_OK):
        raise PermissionError(f"{directory!r} is not writable")


def _silence(stream: TextIO) -> None:
    """After a broken pipe: let the interpreter's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main(argv: list[str] | None = None) -> None:
    """Run a command; exit status 2 with one line on bad input, 130 on a Ctrl-C."""
    args = _parser().parse_args(argv)
    logging.basicConfig(
        level=logging.INFO if args.verbose else logging.WARNING, format="%(asctime)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("gensim_sent2vec.progress").setLevel(logging.INFO)
    try:
        args.run(args)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    except (ValueError, TypeError, OSError, MemoryError, ImportError) as error:
        print(f"gensim-sent2vec {args.command}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
