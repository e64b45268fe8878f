"""Methods for sentence vectors. Each is trained on a corpus and scored, in a separate process.

Nothing is fitted on the evaluation files: weightings, document frequencies and components come from the corpus.
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
SAMPLE = 10_000  # number of sentences that a weighting is fitted on, as after training
COMPONENT_LINES = 100_000  # number of lines that a truncated SVD is fitted on
HYBRID = 0.5  # weight of the lexical score

# Arguments of SentenceWeighting, or None for the plain mean. The names are keys of the stored results.
POOLINGS: dict[str, dict[str, Any] | None] = {
    "plain": None,
    "meaning": {"lexical_weight": 0},
    "default": {},
    "200 more": {"lexical_dims": 200},
}


# -----------------------------------------------------------------------------------------------------
# Texts


def tokenize(files: Sequence[str], tokenizer: str, path: str) -> Run:
    """Tokenize every column of the files once for all contestants. `cached_tokenizer` reads the result from `path`."""
    from gensim_sent2vec._text.tokenization import Tokenization

    texts = {column for file in files for line in lines_of(file) for column in line.split("\t")}
    tokens = dict(zip(texts, Tokenization(tokenizer).stream(texts)))
    Path(path).write_text(json.dumps(tokens), encoding="utf-8")
    return {"texts": len(texts)}


def cached_tokenizer(path: str) -> Callable[[str], list[str]]:
    """A tokenizer that looks up the results of `tokenize`."""
    return json.loads(Path(path).read_text(encoding="utf-8")).__getitem__


def lines_of(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield line.rstrip("\r\n")


def sample(path: str, size: int) -> list[list[str]]:
    """The tokens of about `size` lines, evenly spaced over a corpus."""
    total = sum(1 for _ in lines_of(path))
    return [line.split() for line in islice(lines_of(path), 0, None, max(1, total // size))]


# -----------------------------------------------------------------------------------------------------
# Scores


def scores(vectors: Any, files: Sequence[str], **options: Any) -> dict[str, dict[str, float]]:
    """Scores of word vectors, or of a function from texts to vectors, on each file."""
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


def score_poolings(
    wv: Any, output: Any, texts: Mapping[str, Any], poolings: Mapping[str, dict[str, Any] | None] = POOLINGS
) -> Run:
    """Scores of word vectors and dimensions of the sentence vectors, for each pooling.

    A pooling consists of arguments of `SentenceWeighting`. It can also have ``output=False`` (fit without the output
    vectors), ``frequent=N`` (the N most frequent words are stop words), ``bake=True`` (see `baked`), and
    ``pretrained=(path, dims)``.
    """
    from gensim_sent2vec import Sent2VecKeyedVectors, SentenceWeighting

    sentences = sample(texts["corpus"], SAMPLE)
    tokenizer = cached_tokenizer(texts["tokens"])
    result: Run = {"scores": {}, "numbers": {}}
    for name, pooling in poolings.items():
        options = dict(pooling or {})
        with_output, bake = options.pop("output", True), options.pop("bake", False)
        other = options.pop("pretrained", None)
        if frequent := options.pop("frequent", 0):
            options["stop_words"] = list(islice(wv.index_to_key, frequent))
        vectors, arguments = wv, {"tokenizer": tokenizer, "weighting": False}
        if pooling is not None:
            others = None if other is None else Sent2VecKeyedVectors.from_model2vec(*other)
            chosen = output if with_output else None
            weighting = SentenceWeighting(**options).fit(wv, sentences, chosen, pretrained=others)
            arguments["weighting"] = weighting
            if bake:
                wv.weighting = weighting
                vectors, arguments = baked(wv, tokenizer, texts["corpus"]), {}
        result["scores"][name] = scores(vectors, texts["files"], **arguments)
        result["numbers"][name] = (pooling is not None and weighting.vector_size) or wv.vector_size
    return result


def baked(wv: Any, tokenizer: Callable[[str], list[str]], corpus: str) -> Callable[[list[str]], Any]:
    """A function that encodes texts with gensim alone, from a word2vec file of the baked vectors.

    The file has a row for every word of the corpus; the rows are fitted on the sentences of the corpus.
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


def ours(texts: Mapping[str, Any], options: dict[str, Any], poolings: dict[str, Any]) -> Run:
    """Train with this package."""
    from gensim_sent2vec import Sent2Vec

    began = time.perf_counter()
    options = {"vector_size": DIM, "epochs": EPOCHS, "negative": NEGATIVE, "min_count": MIN_COUNT} | options
    model = Sent2Vec(corpus_file=texts["corpus"], seed=SEED, workers=THREADS, weighting=False, **options)
    seconds = time.perf_counter() - began
    return {"train_wall": seconds, **score_poolings(model.wv, model.syn1neg, texts, POOLINGS | poolings)}


def gensim(texts: Mapping[str, Any], which: str, options: dict[str, Any]) -> Run:
    """Train with gensim: the sizes that all methods share, and gensim's defaults."""
    from gensim import models

    began = time.perf_counter()
    options = {"vector_size": DIM, "epochs": EPOCHS, "negative": NEGATIVE, "min_count": MIN_COUNT} | options
    model = getattr(models, which)(corpus_file=texts["corpus"], seed=SEED, workers=THREADS, **options)
    seconds = time.perf_counter() - began
    if which == "Doc2Vec":
        return {"train_wall": seconds, **inferred(model, texts)}
    return {"train_wall": seconds, **score_poolings(model.wv, getattr(model, "syn1neg", None), texts)}


def inferred(model: Any, texts: Mapping[str, Any]) -> Run:
    """Scores of Doc2Vec: each sentence vector is trained while the model stays fixed."""
    import numpy as np

    tokenizer = cached_tokenizer(texts["tokens"])
    found = scores(lambda batch: np.stack([model.infer_vector(tokenizer(text)) for text in batch]), texts["files"])
    return {"scores": {"plain": found}, "numbers": {"plain": model.vector_size}}


def reference(texts: Mapping[str, Any], program: str, word_ngrams: int, dropout_k: int) -> Run:
    """Train with the reference program, without subsampling of targets (a threshold of 1)."""
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
    return {"train_wall": seconds, **score_poolings(wv, None, texts)}


def tfidf(texts: Mapping[str, Any], ngrams: Sequence[int], components: Sequence[int]) -> Run:
    """TF-IDF of tokens or of character n-grams within tokens, and its leading components (truncated SVD).

    An empty `ngrams` stands for tokens.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    began = time.perf_counter()
    tokenizer = cached_tokenizer(texts["tokens"])
    analysis: dict[str, Any] = {"analyzer": "char_wb", "ngram_range": tuple(ngrams)} if ngrams else {"analyzer": split}
    vectorizer = TfidfVectorizer(lowercase=False, **analysis).fit(lines_of(texts["corpus"]))
    result: Run = {"train_wall": time.perf_counter() - began, "scores": {}, "numbers": {}}

    def encode(batch: list[str]) -> Any:
        return vectorizer.transform([" ".join(tokenizer(text)) for text in batch])

    result["scores"]["plain"] = scores(encode, texts["files"])
    result["numbers"]["plain"] = len(vectorizer.vocabulary_)
    if components:
        rows = vectorizer.transform(" ".join(tokens) for tokens in sample(texts["corpus"], COMPONENT_LINES))
    for n in components:
        svd = TruncatedSVD(n, random_state=SEED).fit(rows)
        pooling = "default" if n == DIM else "200 more"  # the column with as many dimensions
        result["scores"][pooling] = scores(lambda batch, svd=svd: svd.transform(encode(batch)), texts["files"])
        result["numbers"][pooling] = n
    return result


def split(line: str) -> list[str]:
    return line.split()


METHODS = (tokenize, ours, gensim, reference, tfidf)


def mean_pearson(found: Mapping[str, Mapping[str, float]]) -> float:
    """The mean of 100 times Pearson's r over all files of judged pairs; NaN if there are none."""
    values = [of["pearson"] for of in found.values() if "pearson" in of]
    return 100 * sum(values) / len(values) if values else math.nan
