"""The texts of several examples: what the functions of NumPy and SciPy say about themselves.

Both packages are installed wherever this one is. Together, the docstrings of
their public functions hold 25,000 sentences with 360,000 words: enough to
train on, all from one field, like the texts of most companies.

They come with answers, too. NumPy and SciPy list similar functions under "See
Also", and each function belongs to a subpackage such as scipy.signal. So it
can be checked how well vectors find similar functions, or recognize the
subpackage.

Expect a summary of these texts when you run it:

    python docstrings.py
    python docstrings.py --sentences docstrings.txt    # writes the sentences, one per line
"""

import argparse
import importlib
import inspect
import re
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from gensim.corpora import Dictionary
from gensim.matutils import corpus2csc
from gensim.models import TfidfModel

MODULES = (
    "numpy",
    "numpy.char",
    "numpy.fft",
    "numpy.linalg",
    "numpy.ma",
    "numpy.random",
    "scipy.cluster.hierarchy",
    "scipy.cluster.vq",
    "scipy.fft",
    "scipy.integrate",
    "scipy.interpolate",
    "scipy.io",
    "scipy.linalg",
    "scipy.ndimage",
    "scipy.optimize",
    "scipy.signal",
    "scipy.sparse",
    "scipy.sparse.csgraph",
    "scipy.sparse.linalg",
    "scipy.spatial",
    "scipy.spatial.distance",
    "scipy.special",
    "scipy.stats",
)


def docstrings():
    """The docstrings of public functions and classes by full name. The first of several names counts."""
    names = {}
    for module in map(importlib.import_module, MODULES):
        for name in sorted(module.__all__):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # some names are deprecated
                thing = getattr(module, name, None)
            text = inspect.getdoc(thing) if callable(thing) else None
            if text and len(text) > 100:  # the others are aliases and constants
                names.setdefault(text, f"{module.__name__}.{name}")
    return {name: text for text, name in names.items()}


def summary(text):
    """The first paragraph after the signature: what the function does, in a sentence or two."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text)]
    return next((p for p in paragraphs if not re.match(r"[\w.]+\(.*\)( -> .*)?$", p)), paragraphs[0])


def sentences(texts):
    """The sentences of docstrings, without code, formulas and literature. Each once: many are in several docstrings."""
    found = {}
    for text in texts:
        text = re.split(r"(?m)^(?:References|Examples)\n-+\n", text)[0]
        for paragraph in re.split(r"\n\s*\n|\n-+\n", text):
            if paragraph.lstrip().startswith((".. ", ">>>")):
                continue
            for sentence in re.split(r"(?<=[.?!])\s+", " ".join(paragraph.split())):
                if len(sentence.split()) >= 5:
                    found[sentence] = None
    return list(found)


def subpackage(name):
    """The part of NumPy or SciPy that a function belongs to."""
    return ".".join(name.split(".")[:-1][:2])


def labeled(functions, smallest=60):
    """What each function does, and its subpackage as a label; without small subpackages."""
    sizes = Counter(map(subpackage, functions))
    names = [name for name in functions if sizes[subpackage(name)] >= smallest]
    return [summary(functions[name]) for name in names], [subpackage(name) for name in names]


def see_also(functions):
    """The functions that a docstring lists under "See Also", as positions in `functions`, by its own position."""
    by_last_name = {}
    for position, name in enumerate(functions):
        by_last_name.setdefault(name.split(".")[-1], []).append(position)
    names, similar = list(functions), {}
    for position, (name, text) in enumerate(functions.items()):
        section = re.search(r"(?ms)^See Also\n-+\n(.*?)(?:\n\w[^\n]*\n-{3,}|\Z)", text)
        heads = [line.split(" : ")[0] for line in section[1].splitlines() if line[:1].strip()] if section else []
        found = set()
        for mentioned in re.findall(r"[A-Za-z_][\w.]*", " ".join(heads)):
            candidates = by_last_name.get(mentioned.split(".")[-1], [])
            near = [c for c in candidates if subpackage(names[c]) == subpackage(name)]
            found.update((near or candidates)[:1] if near or len(candidates) == 1 else [])
        if found - {position}:
            similar[position] = found - {position}
    return similar


def mean_reciprocal_rank(similarities, similar):
    """How soon the texts nearest to a text include a similar one: 1 if it is always the nearest, 1/2 if the second.

    `similarities` is a square matrix; `similar` is what `see_also` returns.
    """
    ranks = []
    for position, right in similar.items():
        others = np.delete(similarities[position], position)
        ranks.append(1 + (others > similarities[position, list(right)].max()).sum())
    return float(np.mean(1 / np.array(ranks)))


def cosines(vectors):
    """The similarity of each vector to each other one."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit @ unit.T


def tfidf_cosines(texts, corpus):
    """The same for counts of words, weighted by how rare they are in the corpus: gensim's TF-IDF."""
    dictionary = Dictionary(corpus)
    model = TfidfModel(dictionary=dictionary, wlocal=lambda count: 1 + np.log(count))
    counts = corpus2csc(model[[dictionary.doc2bow(text) for text in texts]], len(dictionary), num_docs=len(texts))
    return (counts.T @ counts).toarray()


def compare(functions, tokenize, corpus, encoders):
    """Print how well vectors of their summaries find the functions that others list under "See Also".

    `encoders` maps a name to a function from token lists to vectors. Counting, and both together, are added.
    """
    texts, similar = [tokenize(summary(text)) for text in functions.values()], see_also(functions)
    found = {name: cosines(np.asarray(encode(texts))) for name, encode in encoders.items()}
    last, counting = list(found)[-1], tfidf_cosines(texts, corpus)
    found |= {"TF-IDF, no training": counting, f"{last.split(',')[0]} and TF-IDF": found[last] + counting}
    print(f"\nMean reciprocal rank of similar functions, for {len(similar):,} functions of NumPy and SciPy:")
    for name, similarities in found.items():
        print(f"    {name:32} {mean_reciprocal_rank(similarities, similar):.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", metavar="FILE", help="write the sentences there, one per line")
    args = parser.parse_args()

    functions = docstrings()
    lines, similar = sentences(functions.values()), see_also(functions)
    print(f"{len(functions):,} functions and classes; {len(similar):,} of them list similar ones.")
    print(f"{len(lines):,} sentences with {sum(len(line.split()) for line in lines):,} words.\n")
    for name, text in list(functions.items())[:: len(functions) // 8]:
        print(f"    {name:32} {summary(text)[:80]}")
    if args.sentences:
        Path(args.sentences).write_text("\n".join(lines) + "\n", encoding="utf-8")
        print(f"\n{args.sentences}: train with gensim-sent2vec train {args.sentences} my.model --tokenizer words")


if __name__ == "__main__":
    main()
