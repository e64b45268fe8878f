"""What the commands of the command line do, given their arguments; the work itself is done elsewhere."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

import numpy as np

from .arguments import TRAIN_OPTIONS, WEIGHTING_OPTIONS
from .convert import convert as convert_file
from .convert import is_epfml, load_any
from .corpus import TextLines, TokenFile, TokenLines
from .evaluation import append_to_log, check_log, evaluate_file, evaluate_sts
from .keyedvectors import Sent2VecKeyedVectors
from .model import Sent2Vec
from .phrases import learn_phrases, load_phrases, n_phrases
from .pickled import finish_save, pickled_class, unpickled
from .search import SentenceIndex
from .shrink import shrink_to_file, stored_bytes
from .storage import kind_of, read_header
from .tokenizers import describe
from .tokenizing import PhraseSentences, Tokenization, tokenize_file
from .vocab import batches
from .weighting import SentenceWeighting


def demo(args: argparse.Namespace) -> None:
    from .demo import main as run_demo  # imports gensim's test data, which nothing else needs

    run_demo(args.save, args.workers)


def train(args: argparse.Namespace) -> None:
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


def tokenize(args: argparse.Namespace) -> None:
    phrases = load_phrases(args.phrases) if args.phrases else None
    tokenize_file(args.source, args.target, args.tokenizer, phrases, args.workers)


def encode(args: argparse.Namespace) -> None:
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


def similar(args: argparse.Namespace) -> None:
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


def index(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model)
    _check_writable(args.output)
    dtype = np.float16 if args.float16 else np.float32
    lines = TextLines(args.corpus)
    index = SentenceIndex.build(wv, lines, method=args.method, dtype=dtype, lexical=args.lexical, workers=args.workers)
    index.save(args.output)
    print(f"{index} saved as {args.output}", file=sys.stderr)


def _show(query: str, results: list[tuple[str, float]], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"query": query, "results": results}, ensure_ascii=False))
        return
    print(query)
    for text, cosine in results:
        print(f"  {cosine:.4f}  {text}")


def evaluate(args: argparse.Namespace) -> None:
    loaded = _load(args.model)
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


def convert(args: argparse.Namespace) -> None:
    _check_writable(args.target)
    form = convert_file(args.source, args.target, args.to)
    print(f"{args.target}: {form}, {os.path.getsize(args.target):,} bytes", file=sys.stderr)


def shrink(args: argparse.Namespace) -> None:
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


def info(args: argparse.Namespace) -> None:
    loaded = _load(args.model, verify=args.verify)
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


def _load(path: str, verify: bool = False) -> Sent2Vec | Sent2VecKeyedVectors:
    finish_save(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no model {path!r}")
    if verify and (pickled_class(path) or is_epfml(path)):
        raise ValueError(f"--verify: {path!r} is a whole model, gensim's or the reference program's, with no checksums")
    if not pickled_class(path):
        return Sent2VecKeyedVectors.load(path, mmap="r", verify=True) if verify else load_any(path)
    loaded = unpickled(Sent2Vec, path, mmap="r")
    if not isinstance(loaded, (Sent2Vec, Sent2VecKeyedVectors)):
        raise ValueError(f"{path!r} holds a {type(loaded).__qualname__}, not a Sent2Vec model or its vectors")
    return loaded


def load_vectors(path: str, plain: bool = False) -> Sent2VecKeyedVectors:
    """The vectors of a saved model, or saved vectors, mapped read-only; `plain`: without their weighting."""
    loaded = _load(path)
    wv = loaded.wv if isinstance(loaded, Sent2Vec) else loaded
    if plain:
        wv.weighting = None
    return wv


def _check_writable(path: str) -> None:
    """Before hours of work: can the result be written?"""
    directory = os.path.dirname(path) or "."
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a directory")
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"there is no directory {directory!r} to write {path!r} to")
    if not os.access(directory, os.W_OK):
        raise PermissionError(f"{directory!r} is not writable")
