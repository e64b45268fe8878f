"""The command ``info``: what a file holds."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from ..._files.container import read, read_header, stored_kind
from ...convert import load_model
from ...keyedvectors import Sent2VecKeyedVectors
from ...model import Sent2Vec
from ...phrases import count_phrases
from ...search import SentenceIndex
from ...tokenizers import describe
from ..arguments import Subcommands, add_command, add_file, add_flag, add_trusted


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "info",
        run,
        summary="describe a model, a file of vectors or an index",
        details="Prints sizes, the training parameters, the sentence weighting, and the arrays of a native file. Reads "
        "the matrices only with --verify.",
        examples=[
            "gensim-sent2vec info my.model --json",
            "gensim-sent2vec info my.s2v --verify",
        ],
    )
    add_file(parser, "model", metavar="MODEL", help="a model or vectors, in any format that convert reads, or an index")
    add_flag(parser, "--json", help="print a JSON object")
    add_flag(parser, "--verify", help="compare the entire file with its checksums")
    add_trusted(parser)


def run(args: argparse.Namespace) -> None:
    native = stored_kind(args.model) if os.path.isfile(args.model) else None
    if native == SentenceIndex.__name__:
        facts = read(args.model, mmap="r", verify=args.verify)[1]
    else:
        facts = describe_model(load_model(args.model, verify=args.verify, trusted=args.trusted))
    if native:
        header = read_header(args.model)
        facts |= {"layout": header.layout, "file_bytes": header.size}
        facts["checksums"] = "ok" if args.verify else "not compared; see --verify"
        facts["arrays"] = {name: f"{array.dtype} {array.shape}" for name, array in header.tensors.items()}
    if args.json:
        print(json.dumps(facts))
        return
    facts |= facts.pop("arrays", {})
    if "weighting" in facts and facts["weighting"] is None:
        facts["weighting"] = "none, plain means"
    width = max(map(len, facts))
    print("\n".join(f"{name:>{width}}  {value}" for name, value in facts.items()))


def describe_model(loaded: Sent2Vec | Sent2VecKeyedVectors) -> dict[str, Any]:
    """Collect the sizes and parameters of a model or of vectors, as JSON values."""
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
        "phrases": count_phrases(wv.phrases),
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
