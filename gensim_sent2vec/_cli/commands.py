"""What the commands of the command line do, given their arguments; the work itself is done elsewhere."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import chain
from typing import Any

import numpy as np
import smart_open

from .._files.container import read, read_header, stored_kind
from .._pooling.baking import SAMPLE as BAKING_SAMPLE
from .._service import supervisor
from .._service.faq import build_index
from .._text.corpus import Sample, TextLines, TokenFile, TokenLines
from .._text.tokenization import PhraseSentences, Tokenization, tokenize_file
from .._text.vocabulary import batches
from .._util.compression import without_compression_suffix
from ..convert import EPFML, FOLDERS, format_from_name, load_model, load_vectors, write_vectors
from ..convert import convert as convert_file
from ..evaluation import append_to_log, check_log, evaluate_file, evaluate_sts
from ..keyedvectors import Sent2VecKeyedVectors
from ..model import Sent2Vec
from ..phrases import learn_phrases, load_phrases, n_phrases
from ..search import SentenceIndex
from ..shrink import shrink_to_file, stored_bytes
from ..tokenizers import describe
from ..weighting import SentenceWeighting
from .arguments import TRAIN_OPTIONS, WEIGHTING_OPTIONS


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
        _write_vectors(args.output, vectors)
        return
    for batch in batches(lines, 1000):
        vectors = wv.encode(batch, normalize=args.normalize, workers=args.workers, show_progress_bar=False)
        sys.stdout.writelines(_as_text(vectors))


def _as_text(vectors: np.ndarray) -> Iterator[str]:
    """A line for each vector, which is read back equal."""
    return (" ".join(map(str, row)) + "\n" for row in vectors)


def _write_vectors(path: str, vectors: np.ndarray) -> None:
    """Write sentences' vectors in the form that the name of the file says."""
    name = without_compression_suffix(path.lower())
    if name.endswith(".txt"):
        with smart_open.open(path, "w", encoding="ascii") as file:
            file.writelines(_as_text(vectors))
    elif name.endswith((".vec", ".w2v.bin")):
        of_lines = Sent2VecKeyedVectors(vectors.shape[1])
        of_lines.add_vectors([str(number) for number in range(1, len(vectors) + 1)], vectors)
        of_lines.save_word2vec_format(path, binary=name.endswith(".bin"), sort_attr=None)
    else:
        with open(path, "wb") as binary:  # np.save would add .npy to a name without it
            np.save(binary, vectors)


def similar(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model, args.plain)
    if args.topn < 1:
        raise ValueError(f"--topn must be at least 1, got {args.topn}")
    if args.corpus is not None and args.index is not None:
        raise ValueError("--corpus and --index: pass one of the two")
    if args.index is not None:
        index = SentenceIndex.load(args.index, wv, mmap="r")
    elif args.corpus is not None:
        index = SentenceIndex.build(wv, TextLines(args.corpus))
    else:
        index = None
        if args.hybrid:
            raise ValueError("--hybrid: words are searched by their meaning alone; pass --corpus or --index as well")
    if args.negative:
        _analogy(args, index or wv)
        return
    for queries in _queries(args.queries):
        if index is None:
            answers = [_near_words(wv, query, args.topn) for query in queries]
        else:
            answers = index.most_similar_batch(queries, args.topn, args.hybrid)
        for query, results in zip(queries, answers):
            _show(query, results, args.json)


def _queries(given: list[str]) -> Iterator[list[str]]:
    """Queries in batches, which are searched faster together; lines typed at a terminal one by one."""
    if given:
        return iter([given])
    if sys.stdin.isatty():
        return ([line.rstrip("\n")] for line in sys.stdin)
    return batches(TextLines("-"), 1000)


def _near_words(wv: Sent2VecKeyedVectors, query: str, topn: int) -> list[tuple[str, float]]:
    _check_word(wv, query)
    return wv.most_similar(query, topn=topn)


def _check_word(wv: Sent2VecKeyedVectors, word: str) -> None:
    if word not in wv:
        raise ValueError(f"{word!r} is not a word of the model; to search sentences pass --corpus FILE")


def _analogy(args: argparse.Namespace, searched: SentenceIndex | Sent2VecKeyedVectors) -> None:
    """The words or sentences nearest to a sum of some less the sum of others."""
    if not isinstance(searched, SentenceIndex):
        for word in args.queries + args.negative:
            _check_word(searched, word)
    elif args.hybrid:
        raise ValueError("--hybrid: the sum of sentences has no spelling to compare; leave it out")
    results = searched.most_similar(positive=args.queries, negative=args.negative, topn=args.topn)
    _show(" + ".join(args.queries) + "".join(f" - {text}" for text in args.negative), results, args.json)


def index(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model)
    _check_writable(args.output)
    dtype = np.float16 if args.float16 else np.float32
    options = {"method": args.method, "dtype": dtype, "lexical": args.lexical, "workers": args.workers}
    index = build_index(wv, args.corpus, **options)
    index.save(args.output)
    print(f"{index} saved as {args.output}", file=sys.stderr)


def serve(args: argparse.Namespace) -> None:
    supervisor.main(args)


def _show(query: str, results: list[tuple[str, float]], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"query": query, "results": results}, ensure_ascii=False))
        return
    print(query)
    for text, cosine in results:
        print(f"  {cosine:.4f}  {text}")


def evaluate(args: argparse.Namespace) -> None:
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


def convert(args: argparse.Namespace) -> None:
    _check_writable(args.target)
    form = convert_file(args.source, args.target, args.to)
    print(f"{args.target}: {form}, {os.path.getsize(args.target):,} bytes", file=sys.stderr)


def bake(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model)
    form = args.to or format_from_name(args.target)
    if form == EPFML:
        raise ValueError(f"OUT: {args.target!r} says the reference program's form, which has no baked rows; see --to")
    _check_writable(args.target, folder=form in FOLDERS)
    if form in FOLDERS and find_spec(form.replace("-", "_")) is None:
        raise ImportError(f'--to {form} needs {form}: pip install "gensim-sent2vec[static]"')
    if args.corpus:
        sample = Sample(BAKING_SAMPLE)
        words = dict.fromkeys(chain.from_iterable(sample.watch(wv.token_lists(TextLines(args.corpus)))))
        baked = wv.bake(words, sample.sentences)
    else:
        baked = wv.bake()
    write_vectors(baked, args.target, form)
    print(f"{args.target}: {form}, {len(baked):,} words, {baked.vector_size} numbers each", file=sys.stderr)


def shrink(args: argparse.Namespace) -> None:
    wv = load_vectors(args.model)
    _check_writable(args.target)
    before = _size_and_scores(wv, args.eval)
    sentences = TextLines(args.corpus) if args.corpus else None
    dtype = np.float16 if args.float16 else None
    shrink_to_file(wv, args.target, args.min_count, args.max_words, args.bucket, dtype, sentences)
    after = _size_and_scores(load_vectors(args.target), args.eval)
    if args.json:
        print(json.dumps({"before": before, "after": after}, ensure_ascii=False))
        return
    rows: list[tuple[str, Any, Any]] = [("words", f"{before['words']:,}", f"{after['words']:,}")]
    rows.append(("n-gram rows", f"{before['bucket']:,}", f"{after['bucket']:,}"))
    rows.append(("type", before["dtype"], after["dtype"]))
    was, now = before["bytes"], after["bytes"]
    rows.append(("bytes", f"{was:,}", f"{now:,}  {now / was:.1%}"))
    for (name, old), (_, new) in zip(_with_mean(before["pearson"]), _with_mean(after["pearson"])):
        rows.append(("pearson", f"{old:.4f}", f"{new:.4f}  {new - old:+.4f}  {name}"))
    print(f"{'':11} {'before':>14}   after")
    print("\n".join(f"{what:11} {old!s:>14}   {new}" for what, old, new in rows))


def _size_and_scores(wv: Sent2VecKeyedVectors, files: list[str]) -> dict[str, Any]:
    scores = [(os.path.basename(path), evaluate_sts(wv, path).pearson) for path in files]
    size = {"words": len(wv), "bucket": wv.bucket, "dtype": str(wv.vectors.dtype), "bytes": stored_bytes(wv)}
    return size | {"pearson": scores}


def _with_mean(scores: list[tuple[str, float]]) -> list[tuple[str, float]]:
    return [*scores, ("mean", sum(score for _, score in scores) / len(scores))] if len(scores) > 1 else scores


def info(args: argparse.Namespace) -> None:
    native = stored_kind(args.model) if os.path.isfile(args.model) else None
    if native == SentenceIndex.__name__:
        facts = read(args.model, mmap="r", verify=args.verify)[1]
    else:
        loaded = load_model(args.model, verify=args.verify)
        facts = _facts(loaded)
    if native:
        header = read_header(args.model)
        facts |= {"layout": header.layout, "file_bytes": header.size}
        facts["checksums"] = "ok" if args.verify else "not compared; see --verify"
        facts["arrays"] = {name: f"{array.dtype} {array.shape}" for name, array in header.tensors.items()}
    if args.json:
        print(json.dumps(facts))
        return
    facts |= facts.pop("arrays", {})
    width = max(map(len, facts))
    print("\n".join(f"{name:>{width}}  {value}" for name, value in facts.items()))


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


def _check_writable(path: str, folder: bool = False) -> None:
    """Before hours of work: can the result, a file or a folder of files, be written?"""
    directory = os.path.dirname(path) or "."
    if folder and os.path.isfile(path):
        raise NotADirectoryError(f"{path!r} is a file, and a folder is to be written")
    if not folder and os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a directory")
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"there is no directory {directory!r} to write {path!r} to")
    if not os.access(directory, os.W_OK):
        raise PermissionError(f"{directory!r} is not writable")
