"""A map of a corpus: one HTML file that places similar texts close together.

Reduces sentence vectors to two dimensions by PCA and t-SNE, colors the map by
k-means clusters, and labels each cluster with its most characteristic words.
Hover over a point to read its text. The page is self-contained (it includes
plotly, 5 MB). --projector also writes the vectors for the TensorBoard
projector: load both files at projector.tensorflow.org or next to your own
logs.

By default, it maps 450 functions of SciPy by what they say about themselves
(docstrings.py). Expect groups such as "random, continuous, variable" and
"matrix, sparse, array". They can be checked, because SciPy has subpackages:
the adjusted mutual information of groups and subpackages (0 for random groups,
1 for equal ones) is 0.40, and 0.33 if the texts are represented by TF-IDF. The
names of the groups come from counting, which is better at that. Takes 15 to 20
seconds of CPU, half of it for t-SNE.

    pip install "gensim-sent2vec[map]"
    python corpus_map.py                          # writes corpus_map.html
    python corpus_map.py --texts mine.txt --groups 20 -o mine.html
"""

import argparse
import textwrap
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from docstrings import docstrings, sentences, subpackage, summary
from gensim.parsing.preprocessing import STOPWORDS
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.manifold import TSNE
from sklearn.metrics import adjusted_mutual_info_score

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec.datasets import split_sentences

COLORS = (
    "#4477aa", "#ee6677", "#228833", "#b8a100", "#3aa6d0", "#aa3377", "#e07b39", "#777777", "#5b4fa2", "#009988",
    "#8c564b", "#7fae1e",
)  # fmt: skip


def vectors_of(texts, corpus):
    """A unit-length vector per text, from a model trained on sentences."""
    wv = Sent2Vec(corpus, tokenizer="words", min_count=3, epochs=10, workers=1, seed=1).wv
    return wv.encode(texts, normalize=True)


def project(vectors):
    """Coordinates in the plane, (n, 2): neighbors stay neighbors, distances between groups mean little."""
    components = PCA(min(30, *vectors.shape), random_state=1).fit_transform(vectors)
    tsne = TSNE(perplexity=min(20, len(components) / 4), init="pca", max_iter=500, random_state=1)
    return tsne.fit_transform(components)


def agreement(vectors, subpackages):
    """How well groups of vectors agree with the subpackages: the adjusted mutual information."""
    components = TruncatedSVD(30, random_state=1).fit_transform(vectors)
    groups = KMeans(len(set(subpackages)), n_init=4, random_state=1).fit_predict(components)
    return adjusted_mutual_info_score(subpackages, groups)


def names_of(texts, groups, n=3):
    """The words of each group that are much more frequent in its texts than elsewhere."""
    counter = CountVectorizer(stop_words=list(STOPWORDS), token_pattern=r"[^\W\d_]{3,}", min_df=3, binary=True)
    occurs = counter.fit_transform(texts)
    words, everywhere = counter.get_feature_names_out(), np.asarray(occurs.mean(axis=0)).ravel()
    names = []
    for group in range(groups.max() + 1):
        here = np.asarray(occurs[groups == group].mean(axis=0)).ravel()
        names.append(", ".join(words[np.argsort(here * np.log(everywhere / np.maximum(here, 1e-9)))[:n]]))
    return names


def figure(points, texts, groups, names, title):
    """The map as a plotly figure."""
    hover = np.array(["<br>".join(textwrap.wrap(text[:400].replace("<", "&lt;"), 70)) for text in texts])
    traces = [
        go.Scatter(
            x=points[groups == group, 0],
            y=points[groups == group, 1],
            mode="markers",
            name=name,
            marker={
                "size": 10,
                "color": COLORS[group % len(COLORS)],
                "opacity": 0.8,
                "line": {"width": 1, "color": "white"},
            },
            customdata=hover[groups == group],
            hovertemplate="%{customdata}<extra></extra>",
        )
        for group, name in enumerate(names)
    ]
    map_of_texts = go.Figure(traces)
    for group, name in enumerate(names):
        x, y = np.median(points[groups == group], axis=0)
        style = {"size": 14, "color": COLORS[group % len(COLORS)]}
        map_of_texts.add_annotation(
            x=x,
            y=y,
            text=f"<b>{', '.join(name.split(', ')[:2])}</b>",
            font=style,
            showarrow=False,
            bgcolor="rgba(255,255,255,0.75)",
        )
    map_of_texts.update_layout(
        title={
            "text": f"{title}<br><sup>Hover over a point to read its text; click a group to hide it.</sup>",
            "x": 0.02,
        },
        template="plotly_white",
        font={"family": "sans-serif", "size": 14},
        hoverlabel={"bgcolor": "white", "align": "left"},
        legend={"title": "Groups"},
        margin={"l": 20, "r": 20, "t": 80, "b": 20},
    )
    map_of_texts.update_xaxes(visible=False)
    map_of_texts.update_yaxes(visible=False)
    return map_of_texts


def write_projector(folder, vectors, texts, groups, names):
    """Write the two files that the TensorBoard projector reads: vectors.tsv and metadata.tsv."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    np.savetxt(Path(folder) / "vectors.tsv", vectors, fmt="%.5f", delimiter="\t")
    lines = [f"{' '.join(text.split())[:200]}\t{names[group]}" for text, group in zip(texts, groups)]
    Path(folder, "metadata.tsv").write_text("\n".join(["text\tgroup", *lines]) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", help="hundreds to thousands of texts, one per line (default: docstrings of SciPy)")
    parser.add_argument("--groups", type=int, default=12)
    parser.add_argument("-o", "--output", default="corpus_map.html")
    parser.add_argument("--projector", metavar="FOLDER", help="also write vectors.tsv and metadata.tsv there")
    args = parser.parse_args()

    if args.texts:
        texts = [line for line in Path(args.texts).read_text(encoding="utf-8").splitlines() if line.strip()]
        vectors = vectors_of(texts, split_sentences(texts) or texts)
    else:
        functions = docstrings()
        names = [name for name in functions if name.startswith("scipy.")][::3]
        texts = [summary(functions[name]) for name in names]
        vectors = vectors_of(texts, sentences(functions.values()))
        counts = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(texts)
        for how, matrix in {"Sent2Vec": vectors, "TF-IDF": counts}.items():
            print(f"Agreement of groups and subpackages, {how}: {agreement(matrix, [*map(subpackage, names)]):.2f}")
        print()
    print(f"Placing {len(texts):,} texts ...", flush=True)
    points = project(vectors)
    groups = KMeans(args.groups, n_init=4, random_state=1).fit_predict(points)
    names = names_of(texts, groups)
    for group, name in enumerate(names):
        print(f"{(groups == group).sum():5,} texts: {name}")

    title = f"{len(texts):,} {'texts of ' + Path(args.texts).name if args.texts else 'functions of SciPy'}"
    page = figure(points, texts, groups, names, title)
    page.write_html(args.output, include_plotlyjs=True, post_script="document.body.style.margin = 0")
    print(f"\n{args.output}: {Path(args.output).stat().st_size / 1e6:.0f} MB; open it in a browser.")
    if args.projector:
        write_projector(args.projector, vectors, texts, groups, names)
        print(f"{args.projector}: vectors.tsv and metadata.tsv, for the TensorBoard projector.")


if __name__ == "__main__":
    main()
