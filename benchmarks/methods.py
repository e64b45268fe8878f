"""Methods for sentence vectors, each trained on a corpus and evaluated in its own process.

Nothing is fitted on the files of evaluation: weightings, counts of documents and components are the corpus's.
"""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

from common import Run

DIM, EPOCHS, NEGATIVE, MIN_COUNT, SEED, THREADS = 100, 5, 10, 5, 1, 2
SAMPLE = 20_000  # sentences that a weighting is fitted on, as after training
COMPONENT_LINES = 100_000  # that a truncated SVD is fitted on
HYBRID = 0.5

# Ways of pooling: arguments of SentenceWeighting; None: the plain mean.
READOUTS: dict[str, dict[str, Any] | None] = {
    "plain": None,
    "meaning": {"lexical_weight": 0},
    "default": {},
    "200 more": {"lexical_dims": 200},
}


# -----------------------------------------------------------------------------------------------------
# Texts


def tokenise(files: Sequence[str], tokenizer: str, path: str) -> Run:
    """The tokens of every column of the files, kept in a file for all contestants; `path` is what `remembered` reads"""
    from gensim_sent2vec._text.tokenization import Tokenization

    texts = {column for file in files for line in lines_of(file) for column in line.split("\t")}
    tokens = dict(zip(texts, Tokenization(tokenizer).stream(texts)))
    Path(path).write_text(json.dumps(tokens), encoding="utf-8")
    return {"texts": len(texts)}


def remembered(path: str) -> Callable[[str], list[str]]:
    """A tokenizer that looks up what `tokenise` found."""
    return json.loads(Path(path).read_text(encoding="utf-8")).__getitem__


def lines_of(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield line.rstrip("\r\n")


def spread(path: str, size: int) -> list[list[str]]:
    """About this many lines, spread evenly over a corpus, as tokens."""
    total = sum(1 for _ in lines_of(path))
    return [line.split() for line in islice(lines_of(path), 0, None, max(1, total // size))]


# -----------------------------------------------------------------------------------------------------
# Scores


def scores(vectors: Any, files: Sequence[str], **options: Any) -> dict[str, dict[str, float]]:
    """What word vectors, or a function from texts to vectors, score on each file."""
    from gensim_sent2vec.evaluation import evaluate_retrieval, evaluate_sts, file_kind

    found = {}
    for file in files:
        if file_kind(file) == "sts":
            pairs = evaluate_sts(vectors, file, **options)
            found[Path(file).stem] = {"pearson": pairs.pearson, "spearman": pairs.spearman}
        else:
            alone = evaluate_retrieval(vectors, file, **options)
            both = evaluate_retrieval(vectors, file, HYBRID, **options)
            shares = {f"P@{k}": share for k, share in alone.items()}
            found[Path(file).stem] = shares | {f"hybrid P@{k}": share for k, share in both.items()}
    return found


def read_out(
    wv: Any, output: Any, texts: Mapping[str, Any], readouts: Mapping[str, dict[str, Any] | None] = READOUTS
) -> Run:
    """Scores of word vectors by the way of reading sentences out, and how many numbers each sentence has.

    Beside the arguments of `SentenceWeighting`, a read-out can have ``output=False`` (the output vectors are left out),
    ``frequent`` (so many of the most frequent words are stop words) and ``bake=True`` (see `baked`).
    """
    from gensim_sent2vec import SentenceWeighting

    sentences = spread(texts["corpus"], SAMPLE)
    tokenizer = remembered(texts["tokens"])
    result: Run = {"scores": {}, "numbers": {}}
    for name, readout in readouts.items():
        options = dict(readout or {})
        with_output, bake = options.pop("output", True), options.pop("bake", False)
        if frequent := options.pop("frequent", 0):
            options["stop_words"] = list(islice(wv.index_to_key, frequent))
        judged, how = wv, {"tokenizer": tokenizer, "weighting": False}
        if readout is not None:
            weighting = SentenceWeighting(**options).fit(wv, sentences, output if with_output else None)
            how["weighting"] = weighting
            if bake:
                wv.weighting = weighting
                judged, how = baked(wv, tokenizer, texts["corpus"]), {}
        result["scores"][name] = scores(judged, texts["files"], **how)
        result["numbers"][name] = (readout is not None and weighting.vector_size) or wv.vector_size
    return result


def baked(wv: Any, tokenizer: Callable[[str], list[str]], corpus: str) -> Callable[[list[str]], Any]:
    """Sentence vectors as gensim alone makes them, from the word2vec file of the baked vectors.

    All words of the corpus have a row there, and rows are fitted on its sentences.
    """
    import numpy as np
    from gensim.models import KeyedVectors

    words = chain.from_iterable(line.split() for line in lines_of(corpus))
    with tempfile.TemporaryDirectory() as folder:
        vectors = wv.bake(words, sentences=(line.split() for line in lines_of(corpus)))
        vectors.save_word2vec_format(f"{folder}/baked.bin", binary=True)
        loaded = KeyedVectors.load_word2vec_format(f"{folder}/baked.bin", binary=True)
    return lambda texts: np.stack([loaded.get_mean_vector(tokenizer(text), pre_normalize=False) for text in texts])


# -----------------------------------------------------------------------------------------------------
# Methods


def ours(texts: Mapping[str, Any], options: dict[str, Any], readouts: dict[str, Any]) -> Run:
    """This package."""
    from gensim_sent2vec import Sent2Vec

    began = time.perf_counter()
    options = {"vector_size": DIM, "epochs": EPOCHS, "negative": NEGATIVE, "min_count": MIN_COUNT} | options
    model = Sent2Vec(corpus_file=texts["corpus"], seed=SEED, workers=THREADS, weighting=False, **options)
    seconds = time.perf_counter() - began
    return {"train_wall": seconds, **read_out(model.wv, model.syn1neg, texts, READOUTS | readouts)}


def gensim(texts: Mapping[str, Any], which: str, options: dict[str, Any]) -> Run:
    """gensim's own models, with gensim's defaults beside the sizes that all share."""
    from gensim import models

    began = time.perf_counter()
    options = {"vector_size": DIM, "epochs": EPOCHS, "negative": NEGATIVE, "min_count": MIN_COUNT} | options
    model = getattr(models, which)(corpus_file=texts["corpus"], seed=SEED, workers=THREADS, **options)
    seconds = time.perf_counter() - began
    if which == "Doc2Vec":
        return {"train_wall": seconds, **inferred(model, texts)}
    return {"train_wall": seconds, **read_out(model.wv, getattr(model, "syn1neg", None), texts)}


def inferred(model: Any, texts: Mapping[str, Any]) -> Run:
    """Scores of vectors that are trained for each sentence, with the words held fast."""
    import numpy as np

    tokenizer = remembered(texts["tokens"])
    found = scores(lambda some: np.stack([model.infer_vector(tokenizer(text)) for text in some]), texts["files"])
    return {"scores": {"plain": found}, "numbers": {"plain": model.vector_size}}


def reference(texts: Mapping[str, Any], program: str, word_ngrams: int, dropout_k: int) -> Run:
    """The reference program, without skipping targets (a threshold of 1)."""
    from gensim_sent2vec import load_epfml_vectors

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"input": texts["corpus"], "output": f"{folder}/model", "dim": DIM, "epoch": EPOCHS, "lr": 0.2}
        settings |= {"wordNgrams": word_ngrams, "dropoutK": dropout_k, "neg": NEGATIVE, "minCount": MIN_COUNT}
        settings |= {"t": 1, "bucket": 2_000_000, "loss": "ns", "thread": THREADS, "verbose": 0}
        command = [program, "sent2vec", *(part for key, value in settings.items() for part in (f"-{key}", str(value)))]
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - began
        wv = load_epfml_vectors(f"{folder}/model.bin")
    return {"train_wall": seconds, **read_out(wv, None, texts)}


def tfidf(texts: Mapping[str, Any], ngrams: Sequence[int], components: Sequence[int]) -> Run:
    """TF-IDF of tokens, or of character n-grams within them, and the leading components of each."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    began = time.perf_counter()
    tokenizer = remembered(texts["tokens"])
    analysis: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": tuple(ngrams)} if ngrams else {"analyzer": split}
    vectorizer = TfidfVectorizer(lowercase=False, **analysis).fit(lines_of(texts["corpus"]))
    result: Run = {"train_wall": time.perf_counter() - began, "scores": {}, "numbers": {}}

    def encode(some: list[str]) -> Any:
        return vectorizer.transform([" ".join(tokenizer(text)) for text in some])

    result["scores"]["plain"] = scores(encode, texts["files"])
    result["numbers"]["plain"] = len(vectorizer.vocabulary_)
    if components:
        sample = vectorizer.transform(" ".join(tokens) for tokens in spread(texts["corpus"], COMPONENT_LINES))
    for n in components:
        svd = TruncatedSVD(n, random_state=SEED).fit(sample)
        readout = "default" if n == DIM else "200 more"
        result["scores"][readout] = scores(lambda some, svd=svd: svd.transform(encode(some)), texts["files"])
        result["numbers"][readout] = n
    return result


def split(line: str) -> list[str]:
    return line.split()


METHODS = (tokenise, ours, gensim, reference, tfidf)


def mean_pearson(found: Mapping[str, Mapping[str, float]]) -> float:
    """Mean Pearson correlation over all files of judged pairs, times 100; nan without such files."""
    values = [of["pearson"] for of in found.values() if "pearson" in of]
    return 100 * sum(values) / len(values) if values else math.nan
