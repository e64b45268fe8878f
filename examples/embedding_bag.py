"""Sentence vectors as a trainable layer: torch's EmbeddingBag, and Keras.

Word and bigram vectors, trained on the docstrings of NumPy and SciPy without
labels, become the first layer of a classifier: to which subpackage does a
function belong, by what it says about itself (docstrings.py)? Prints the
largest difference between the layer's output and `encode` (below 1e-6), the
training loss and the accuracy on nine tenths of the functions, held out, with
frozen vectors, with trainable ones, and with trainable ones that start at
random; finally it puts the fine-tuned vectors back into gensim. Expect an
accuracy of 0.63 with frozen vectors, 0.67 with trainable ones, and 0.65 from a
random start: what was learned without labels helps a little. A LinearSVC on
TF-IDF has 0.72 with as many labels, because single words decide here; see
text_classification.py for both together. Takes about 20 seconds.

    pip install "gensim-sent2vec[torch]"    # and [keras] for the second part
    python embedding_bag.py --corpus corpus.txt --data mine.tsv

mine.tsv has the columns label and text, separated by a tab.
"""

import argparse
import importlib.util
import os
from pathlib import Path

import numpy as np
import torch
from docstrings import docstrings, labeled, sentences

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec.export import to_keras


def read_table(path):
    """The texts and labels of a table with the columns label and text."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t", 1) for line in lines if line.strip() and line != "label\ttext"]
    return [text for _, text in rows], [label for label, _ in rows]


def shuffled(texts, labels):
    """The texts, and their labels as numbers, in a random order with a fixed seed."""
    order = np.random.default_rng(1).permutation(len(texts))
    return [texts[i] for i in order], np.unique(labels, return_inverse=True)[1][order]


def vectors_of(corpus):
    """Word and bigram vectors, trained on a text file or on docstrings."""
    options = {"tokenizer": "words", "word_ngrams": 2, "bucket": 10_000, "weighting": False, "seed": 1}
    if corpus:
        return Sent2Vec(corpus_file=corpus, **options).wv
    return Sent2Vec(sentences(docstrings().values()), min_count=3, epochs=10, **options).wv


def difference(vectors, wv, texts):
    """The largest absolute difference to the output of `encode`."""
    return np.abs(vectors - wv.encode(texts, weighting=False)).max()


def fine_tune(wv, texts, labels, name, trainable=True, random=False, steps=60):
    """Train a linear classifier on the bag, on one text out of ten; return the bag."""
    torch.manual_seed(1)
    bag, lookup = wv.to_embedding_bag(trainable=trainable)
    if random:
        torch.nn.init.normal_(bag.weight, std=bag.weight.std().item())
    linear = torch.nn.Linear(wv.vector_size, int(labels.max()) + 1)
    parameters = [p for p in (*bag.parameters(), *linear.parameters()) if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=0.005)
    held_out = np.arange(len(texts)) % 10 > 0
    train = lookup([text for text, out in zip(texts, held_out) if not out])
    test = lookup([text for text, out in zip(texts, held_out) if out])
    targets = torch.from_numpy(labels)
    losses = []
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(linear(bag(*train)), targets[~held_out])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        accuracy = (linear(bag(*test)).argmax(1) == targets[held_out]).float().mean().item()
    print(f"    {name:18} loss {' -> '.join(f'{loss:.3f}' for loss in losses[:: steps // 3] + losses[-1:])}", end="")
    print(f"   accuracy on {held_out.sum()} held-out texts {accuracy:.2f}")
    return bag


def back_to_gensim(wv, bag):
    """Put fine-tuned rows back, for encode, most_similar and save to use."""
    rows = bag.weight.detach().numpy()
    wv.vectors, wv.vectors_ngrams = rows[: len(wv)], rows[len(wv) :]
    wv.norms = None  # gensim's cache of the old norms


def with_keras(wv, texts, labels):
    """The same in Keras, with torch as its backend."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    layers, lookup = to_keras(wv)
    vectors = keras.ops.convert_to_numpy(layers(lookup(texts)))
    print(f"    largest difference to encode: {difference(vectors, wv, texts):.0e}")
    model = keras.Sequential([layers, keras.layers.Dense(int(labels.max()) + 1, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    losses = model.fit(lookup(texts), labels, batch_size=len(texts), epochs=10, verbose=0).history["loss"]
    print(f"    trainable vectors  loss {losses[0]:.3f} -> {losses[-1]:.3f} in {len(losses)} steps")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="texts to train the vectors on, one per line (default: docstrings)")
    parser.add_argument("--data", help="a table of label and text, separated by a tab (default: docstrings)")
    args = parser.parse_args()

    texts, labels = shuffled(*(read_table(args.data) if args.data else labeled(docstrings())))
    wv = vectors_of(args.corpus)

    bag, lookup = wv.to_embedding_bag()
    print(f"torch: {bag}")
    print(f"    largest difference to encode: {difference(bag(*lookup(texts)).detach().numpy(), wv, texts):.0e}")
    fine_tune(wv, texts, labels, "frozen vectors", trainable=False)
    tuned = fine_tune(wv, texts, labels, "trainable vectors")
    fine_tune(wv, texts, labels, "random start", random=True)

    if importlib.util.find_spec("keras"):
        print("\nKeras, Embedding and GlobalAveragePooling1D:")
        with_keras(wv, texts, labels)
    else:
        print('\nSkipping Keras, which is not installed: pip install "gensim-sent2vec[keras]"')

    back_to_gensim(wv, tuned)
    learned = tuned(*lookup(texts)).detach().numpy()
    print(f"\nBack in gensim:\n    largest difference to encode: {difference(learned, wv, texts):.0e}")
    word = next(word for word in texts[0].split() if len(word) > 3 and word in wv)
    print(f"    nearest to {word!r}: {', '.join(near for near, _ in wv.most_similar(word, topn=5))}")


if __name__ == "__main__":
    main()
