"""How fast are sentences encoded, compared to the reference's module, gensim, model2vec, wordllama and fastText?

Small models are trained first, as the values of their vectors do not matter. Each contestant loads one; wordllama has
one in its package. Packages that are not installed are left out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import common
from common import Contestant, Run
from train import MODES, our_options
from train import reference as reference_program

BATCH, ONE_BY_ONE, INFERRED = 100_000, 20_000, 500  # numbers of sentences
ONE_THREAD = {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
OTHERS = {  # package: the functions that encode at once and one by one, and the one that makes a model
    "model2vec": ("model2vec", "model2vec_each", "make_model2vec"),
    "wordllama": ("wordllama", "wordllama_each", None),
    "fasttext": (None, "fasttext_each", "train_fasttext"),
}


# -----------------------------------------------------------------------------------------------------
# Preparation


def train_ours(path: str, mode: str, output: str) -> Run:
    """Train one epoch with this package, and save the vectors."""
    from gensim_sent2vec import Sent2Vec

    options = our_options(mode, shared=True, threads=1, epochs=1) | {"weighting": True}
    Sent2Vec(corpus_file=path, **options).wv.save(output)
    return {}


def train_doc2vec(path: str, output: str) -> Run:
    """Train and save a Doc2Vec model. Its inference takes as many epochs as its training."""
    from gensim.models import Doc2Vec

    Doc2Vec(corpus_file=path, dm=0, vector_size=100, negative=10, min_count=5, workers=1, epochs=5).save(output)
    return {}


def make_model2vec(model: str, output: str) -> Run:
    """Save the vectors of a model as model2vec does, with the words as its vocabulary."""
    from gensim_sent2vec import Sent2VecKeyedVectors

    wv = Sent2VecKeyedVectors.load(model)
    wv.weighting = None
    wv.to_model2vec().save_pretrained(output)
    return {}


def train_fasttext(path: str, output: str) -> Run:
    import fasttext

    fasttext.train_unsupervised(path, dim=100, minCount=5, thread=1, epoch=1, verbose=0).save_model(output)
    return {}


# -----------------------------------------------------------------------------------------------------
# Contestants


def ours(model: str, path: str, **options: Any) -> Run:
    """Encode a batch with one thread."""
    wv, weighting = loaded_ours(model, **options)
    return speed(lambda sentences: wv.encode(sentences, weighting=weighting, workers=1), first(path, BATCH), passes=5)


def ours_each(model: str, path: str, **options: Any) -> Run:
    """Encode sentences one by one."""
    wv, weighting = loaded_ours(model, **options)
    return speed(each(lambda sentence: wv.get_sentence_vector(sentence, weighting=weighting)), first(path, ONE_BY_ONE))


def loaded_ours(model: str, half: bool = False, weighted: bool = False) -> Any:
    """The vectors, and the argument ``weighting`` of their methods."""
    import numpy as np

    from gensim_sent2vec import Sent2VecKeyedVectors

    wv = Sent2VecKeyedVectors.load(model)
    return wv.astype(np.float16) if half else wv, None if weighted else False


def mean_vector(model: str, path: str) -> Run:
    """gensim's mean of the word vectors of the same words."""
    from gensim_sent2vec import Sent2VecKeyedVectors

    wv = Sent2VecKeyedVectors.load(model)
    known = [[word for word in sentence.split() if word in wv] for sentence in first(path, ONE_BY_ONE)]
    return speed(each(lambda words: wv.get_mean_vector(words, pre_normalize=False)), [s for s in known if s])


def infer(model: str, path: str) -> Run:
    """Infer vectors with gensim's Doc2Vec."""
    from gensim.models import Doc2Vec

    loaded = Doc2Vec.load(model)
    return speed(each(loaded.infer_vector), [sentence.split() for sentence in first(path, INFERRED)])


def reference(model: str, path: str) -> Run:
    """Encode a batch with the reference's module and one thread."""
    loaded = loaded_reference(model)
    return speed(lambda sentences: loaded.embed_sentences(sentences, 1), first(path, BATCH), passes=5)


def reference_each(model: str, path: str) -> Run:
    """Encode sentences one by one with the reference's module."""
    return speed(each(loaded_reference(model).embed_sentence), first(path, ONE_BY_ONE))


def model2vec(model: str, path: str) -> Run:
    """Encode a batch with model2vec: 100 dimensions, the words of our model and its tokenizer."""
    encode = loaded_model2vec(model).encode
    return speed(lambda sentences: encode(sentences, use_multiprocessing=False), first(path, ONE_BY_ONE))


def model2vec_each(model: str, path: str) -> Run:
    return speed(each(loaded_model2vec(model).encode), first(path, ONE_BY_ONE // 10))


def loaded_model2vec(path: str) -> Any:
    os.environ |= ONE_THREAD
    from model2vec import StaticModel

    return StaticModel.from_pretrained(path)


def wordllama(model: str, path: str) -> Run:
    """Encode a batch with wordllama: 256 dimensions, subwords of a vocabulary of 32,000."""
    return speed(loaded_wordllama().embed, first(path, ONE_BY_ONE))


def wordllama_each(model: str, path: str) -> Run:
    return speed(each(loaded_wordllama().embed), first(path, ONE_BY_ONE // 10))


def loaded_wordllama() -> Any:
    os.environ |= ONE_THREAD
    import wordllama

    # Its package holds the tokenizer in the folder in which it looks for downloads.
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


def fasttext_each(model: str, path: str) -> Run:
    """fastText's mean of the unit vectors of words, of known words and character n-grams; there is no batch."""
    import fasttext

    return speed(each(fasttext.load_model(model).get_sentence_vector), first(path, ONE_BY_ONE))


def loaded_reference(path: str) -> Any:
    import sent2vec

    model = sent2vec.Sent2vecModel()
    model.load_model(path)
    return model


def first(path: str, n: int) -> list[str]:
    with open(path, encoding="utf-8") as lines:
        return [line.rstrip("\n") for line in islice(lines, n)]


def each(embed: Callable[[Any], Any]) -> Callable[[list[Any]], None]:
    def embed_all(sentences: list[Any]) -> None:
        for sentence in sentences:
            embed(sentence)

    return embed_all


def speed(encode: Callable[[list[Any]], Any], sentences: list[Any], passes: int = 1) -> Run:
    """Sentences per CPU second, after a short warm-up."""
    encode(sentences[:10])
    cpu = time.process_time()
    for _ in range(passes):
        encode(sentences)
    return {"sentences": len(sentences) * passes, "speed": len(sentences) * passes / (time.process_time() - cpu)}


# -----------------------------------------------------------------------------------------------------
# Rounds


def prepare(args: argparse.Namespace, folder: str) -> dict[str, dict[str, str]]:
    """Train the models. Returns their paths by kind and mode."""
    corpus = common.shortened(args.corpus, f"{folder}/corpus.txt", args.words)
    models: dict[str, dict[str, str]] = {"ours": {}, "reference": {}, "doc2vec": {"unigrams": f"{folder}/doc2vec"}}
    for mode in MODES:
        models["ours"][mode] = f"{folder}/{mode}.kv"
        train = Contestant.python(mode, __file__, "train_ours", path=corpus, mode=mode, output=models["ours"][mode])
        common.measure(train)
        if args.reference and args.reference_module:
            output = f"{folder}/{mode}"
            common.measure(reference_program(mode, args.reference, corpus, mode, threads=1, epochs=1, output=output))
            models["reference"][mode] = output + ".bin"
    doc2vec = models["doc2vec"]["unigrams"]
    common.measure(Contestant.python("Doc2Vec", __file__, "train_doc2vec", path=corpus, output=doc2vec))
    return models


def prepare_others(corpus: str, model: str, folder: str) -> dict[str, str]:
    """Make models for the other packages that are installed. Returns their paths, empty for a model of the package."""
    models = {}
    for package, (_, _, make) in OTHERS.items():
        if find_spec(package) is None:
            print(f"{package} is not installed: left out", file=sys.stderr)
            continue
        models[package] = f"{folder}/{package}" if make else ""
        if make:
            source = {"model": model} if make == "make_model2vec" else {"path": corpus}
            common.measure(Contestant.python(package, __file__, make, output=models[package], **source))
    return models


def run(args: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        models = prepare(args, folder)
        contestants = []

        def add(name: str, function: str, model: str, interpreter: str = sys.executable, **options: bool) -> None:
            contestant = Contestant.python(name, __file__, function, model=model, path=args.corpus, **options)
            contestants.append(Contestant(name, (interpreter, *contestant.command[1:])))

        for mode in MODES:
            for name, function in (("at once", ""), ("one by one", "_each")):
                add(f"this package, {mode}, {name}", "ours" + function, models["ours"][mode])
                add(f"this package, {mode}, {name}, float16", "ours" + function, models["ours"][mode], half=True)
                if mode in models["reference"]:
                    model = models["reference"][mode]
                    add(f"reference, {mode}, {name}", "reference" + function, model, args.reference_module)
        for name, function in (("at once", ""), ("one by one", "_each")):
            add(
                f"this package, unigrams, {name}, weighted",
                "ours" + function,
                models["ours"]["unigrams"],
                weighted=True,
            )
        others = prepare_others(f"{folder}/corpus.txt", models["ours"]["unigrams"], folder)
        for package, model in others.items():
            for name, function in zip(("at once", "one by one"), OTHERS[package]):
                if function:
                    add(f"{package}, {name}", function, model)
        add("gensim get_mean_vector, one by one", "mean_vector", models["ours"]["unigrams"])
        add("gensim Doc2Vec infer_vector, one by one", "infer", models["doc2vec"]["unigrams"])
        return {"encode": common.measure_all("encode", contestants, args)}


# -----------------------------------------------------------------------------------------------------
# Report


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    runs = result["encode"]
    rows = []
    for name, of_one in runs.items():
        plain = name.removesuffix(", float16").removesuffix(", weighted").replace("this package", "reference")
        base = runs.get(plain) if name.startswith(("this package", "reference")) else None
        infer = runs["gensim Doc2Vec infer_vector, one by one"]
        ratios = [common.times(common.ratio(of_one, other, "speed")) if other else "" for other in (base, infer)]
        rows.append([name, *ratios, common.rate(common.median(of_one, "speed"))])
    header = ["", "vs. reference", "vs. Doc2Vec", "sentences/s per thread"]
    return {"encode": common.table(header, rows)}


def plot(result: Mapping[str, Any]) -> None:
    speeds = {name: common.median(runs, "speed") for name, runs in result["encode"].items()}
    common.bar_chart("encode", result, speeds, "sentences per CPU second")


if __name__ == "__main__":
    common.run_if_contestant(
        [
            train_ours,
            train_doc2vec,
            make_model2vec,
            train_fasttext,
            ours,
            ours_each,
            mean_vector,
            infer,
            reference,
            reference_each,
            model2vec,
            model2vec_each,
            wordllama,
            wordllama_each,
            fasttext_each,
        ]
    )
    parser = common.arguments(__doc__)
    parser.add_argument("--words", type=int, default=1_000_000, help="number of tokens to train on")
    parser.add_argument(
        "--reference",
        metavar="PATH",
        help="the executable of the reference program, which trains the models of its module",
    )
    parser.add_argument(
        "--reference-module",
        metavar="PYTHON",
        nargs="?",
        const=sys.executable,
        help="also measure the reference's module sent2vec, in this interpreter or in PYTHON",
    )
    common.main("encode", parser.parse_args(), run, tables, plot)
