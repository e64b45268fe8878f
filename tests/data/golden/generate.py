"""Write the golden files of this folder: files of vectors and indexes as a version saved them, and what they must give.

    python generate.py

Run it with an older version installed and commit what it writes; `test_golden.py` then holds every later version to
reading these files and getting the same vectors and search results. It uses public names only, so that any version can
run it. Needs the extra ``[index]``.
"""

import json
import random
from pathlib import Path

import numpy as np

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors, SentenceIndex, SentenceWeighting, convert_epfml
from gensim_sent2vec.hnsw import HnswIndexer
from gensim_sent2vec.phrases import learn_phrases

HERE = Path(__file__).parent
EPFML = HERE.parent / "epfml" / "ngrams2.bin"
SUBJECTS = [
    "the cat",
    "a dog",
    "our neighbour",
    "the prime minister",
    "my old teacher",
    "two firemen",
    "new york",
    "the river",
]
VERBS = ["sees", "likes", "chases", "forgets", "paints", "follows", "repairs", "finds"]
OBJECTS = [
    "a mouse",
    "the blue car",
    "some bread",
    "an élite school",
    "서울 거리",
    "the garden gate",
    "its own tail",
    "nothing at all",
]
QUERIES = ["the cat likes a mouse", "two firemen follow the car", "서울 거리", "qwxz", ""]


def corpus() -> list[list[str]]:
    """A few hundred made-up sentences, always the same."""
    draw = random.Random(1)
    return [f"{draw.choice(SUBJECTS)} {draw.choice(VERBS)} {draw.choice(OBJECTS)}".split() for _ in range(400)]


def vectors() -> dict[str, Sent2VecKeyedVectors]:
    """Vectors of every kind that a file can hold."""
    sentences = corpus()
    options = {"vector_size": 12, "min_count": 1, "epochs": 5, "workers": 1}
    unigrams = Sent2Vec(sentences, **options).wv
    unigrams.comment = "an attribute of the object"
    unigrams.set_vecattr("cat", "kind", 3)
    bigrams = Sent2Vec(sentences, word_ngrams=2, bucket=64, weighting=False, **options).wv
    pairs = Sent2Vec(sentences, word_ngrams=3, bucket=64, skip_bigrams=True, weighting=False, **options).wv
    phrases = Sent2Vec(
        sentences, phrases=learn_phrases(sentences, min_count=1, threshold=1), tokenizer="words", **options
    ).wv
    more = Sent2Vec(
        sentences, weighting=SentenceWeighting(lexical_dims=8, first_half=1.3, stop_words=["the"]), **options
    ).wv
    convert_epfml(EPFML, HERE / "epfml.s2v")
    return tuned(more) | {
        "unigrams": unigrams,
        "bigrams": bigrams,
        "skip-pairs": pairs,
        "phrases": phrases,
        "more-dimensions": more,
        "float16": more.astype(np.float16),
        "baked": unigrams.bake(["zebra"]),
    }


def tuned(wv: Sent2VecKeyedVectors) -> dict[str, Sent2VecKeyedVectors]:
    """Vectors whose weighting was tuned to find sentences with the same verb, among few that have it."""
    first: dict[tuple[str, str], str] = {}
    for tokens in corpus():
        text = " ".join(tokens)
        verb = next(word for word in tokens if word in VERBS)
        first.setdefault((verb, text.split(f" {verb} ")[0]), text)
    result = wv.astype(np.float32)
    result.weighting = wv.weighting.tune(wv, list(first.values()), [verb for verb, _ in first], pulls=(1e-3,))
    return {"tuned": result}


def expected(wv: Sent2VecKeyedVectors) -> dict:
    """What a file of vectors must give."""
    return {
        "words": len(wv),
        "first_words": list(wv.index_to_key[:5]),
        "word_vector": wv.vectors[0].tolist(),
        "ngram_rows": len(wv.vectors_ngrams),
        "tokenizer": wv.tokenizer,
        "weighting": None if wv.weighting is None else repr(wv.weighting),
        "encoded": wv.encode(QUERIES).tolist(),
        "plain": wv.encode(QUERIES, weighting=False).tolist(),
    }


def main() -> None:
    made = vectors()
    facts = {}
    for name, wv in made.items():
        wv.save(HERE / f"{name}.s2v")
    for path in sorted(HERE.glob("*.s2v")):
        facts[path.stem] = expected(Sent2VecKeyedVectors.load(path))
    wv = Sent2VecKeyedVectors.load(HERE / "unigrams.s2v")
    sentences = [" ".join(tokens) for tokens in corpus()[:60]]
    results = {}
    for name, options in {
        "exact": {"lexical": True},
        "exact-keys": {"keys": [f"answer {i % 7}" for i in range(60)], "dtype": np.float16},
        "hnsw-numbers": {"keys": list(range(60)), "method": "hnsw", "lexical": True},
        "refitted": {"lexical": True, "csls": True, "refit": True},
        "lengths": {"lexical": True},  # the first whose lexical scores depend on lengths, and span words
    }.items():
        index = SentenceIndex.build(wv, sentences, **options)
        index.save(HERE / f"{name}.index")
        results[name] = {
            str(hybrid): [index.most_similar(query, topn=3, hybrid=hybrid) for query in QUERIES[:3]]
            for hybrid in (0.0, 0.5)
        }
    HnswIndexer(wv).save(HERE / "words.hnsw")
    words = [word for word, _ in wv.most_similar("cat", topn=3)]
    refitted = SentenceIndex.load(HERE / "refitted.index", wv)
    document = {"vectors": facts, "indexes": results, "nearest_to_cat": words}
    document["csls"] = [refitted.search(query, 3, 0.5, csls=0.5) for query in QUERIES[:3]]
    document["tuning"] = made["tuned"].weighting.tuning
    (HERE / "expected.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
