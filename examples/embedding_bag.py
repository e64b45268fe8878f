"""Sentence vectors as a layer of a neural network, trained further: torch's EmbeddingBag, and Keras.

Word and n-gram rows trained on news without labels become the first layer of a classifier. Prints how far the layer's
vectors are from those of `encode` (below 1e-6), the loss of a classifier of customers' messages while it learns, with
the rows as they are and with rows that learn too, and the accuracy on messages held out. Then the rows go back to
gensim. Expect the loss to fall to nothing where the rows learn, and the accuracy on 36 messages to stay little above
chance (0.17) either way: 72 examples are soon learned by heart, and the news knows little of parcels.

    pip install "gensim-sent2vec[torch]"        # and [keras] for the second part, which is left out without it
    python embedding_bag.py --corpus corpus.txt --data mine.tsv     # columns label and text
"""

import argparse
import importlib.util
import os
from pathlib import Path

import numpy as np
import torch

from gensim_sent2vec import Sent2Vec
from gensim_sent2vec.datasets import lee_documents, split_sentences
from gensim_sent2vec.export import to_keras

MESSAGES = Path(__file__).parent / "data" / "messages.tsv"


def read_table(path):
    """Texts and the numbers of their labels, in an order mixed once and for all."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t", 1) for line in lines if line.strip() and line != "label\ttext"]
    rows = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]
    names = sorted({label for label, _ in rows})
    return [text for _, text in rows], np.array([names.index(label) for label, _ in rows])


def vectors_of(corpus):
    """Vectors of words and pairs of words, of a text file or of the news that gensim ships."""
    options = {"tokenizer": "words", "word_ngrams": 2, "bucket": 10_000, "weighting": False}
    if corpus:
        return Sent2Vec(corpus_file=corpus, **options).wv
    news = split_sentences(lee_documents("lee_background.cor"))
    return Sent2Vec(news, min_count=2, epochs=10, **options).wv


def difference(vectors, wv, texts):
    """The greatest difference of any number to those of `encode`."""
    return np.abs(vectors - wv.encode(texts, weighting=False)).max()


def fine_tune(wv, texts, labels, trainable, steps=60):
    """A linear classifier on the bag, trained on two texts out of three. Returns the bag."""
    torch.manual_seed(1)
    bag, lookup = wv.to_embedding_bag(trainable=trainable)
    linear = torch.nn.Linear(wv.vector_size, int(labels.max()) + 1)
    parameters = [p for p in (*bag.parameters(), *linear.parameters()) if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=0.005)
    held_out = np.arange(len(texts)) % 3 == 0
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
        right = (linear(bag(*test)).argmax(1) == targets[held_out]).float().mean().item()
    name = "rows learn too" if trainable else "rows as they are"
    print(f"    {name:18} loss {' -> '.join(f'{loss:.3f}' for loss in losses[:: steps // 3] + losses[-1:])}", end="")
    print(f"   accuracy on {held_out.sum()} texts held out {right:.2f}")
    return bag


def back_to_gensim(wv, bag):
    """Put rows that have learned where they came from: encode, most_similar and save know them from now on."""
    rows = bag.weight.detach().numpy()
    wv.vectors, wv.vectors_ngrams = rows[: len(wv)], rows[len(wv) :]
    wv.norms = None  # gensim's note of the old lengths


def with_keras(wv, texts, labels):
    """The same in Keras, computed by torch."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    layers, lookup = to_keras(wv)
    vectors = keras.ops.convert_to_numpy(layers(lookup(texts)))
    print(f"    greatest difference to encode: {difference(vectors, wv, texts):.0e}")
    model = keras.Sequential([layers, keras.layers.Dense(int(labels.max()) + 1, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.005), "sparse_categorical_crossentropy")
    losses = model.fit(lookup(texts), labels, batch_size=len(texts), epochs=10, verbose=0).history["loss"]
    print(f"    rows learn too     loss {losses[0]:.3f} -> {losses[-1]:.3f} in {len(losses)} steps")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="texts to train the vectors on, one a line (news that gensim ships)")
    parser.add_argument("--data", default=MESSAGES, help="a table of label and text, separated by a tab")
    args = parser.parse_args()

    texts, labels = read_table(args.data)
    wv = vectors_of(args.corpus)

    bag, lookup = wv.to_embedding_bag()
    print(f"torch: {bag}")
    print(f"    greatest difference to encode: {difference(bag(*lookup(texts)).detach().numpy(), wv, texts):.0e}")
    fine_tune(wv, texts, labels, trainable=False)
    tuned = fine_tune(wv, texts, labels, trainable=True)

    if importlib.util.find_spec("keras"):
        print("\nKeras, Embedding and GlobalAveragePooling1D:")
        with_keras(wv, texts, labels)
    else:
        print('\nKeras is left out, as it is not installed: pip install "gensim-sent2vec[keras]"')

    back_to_gensim(wv, tuned)
    learned = tuned(*lookup(texts)).detach().numpy()
    print(f"\nBack in gensim:\n    greatest difference to encode: {difference(learned, wv, texts):.0e}")
    word = next(word for word in texts[0].split() if len(word) > 3 and word in wv)
    print(f"    {word!r} is near to {', '.join(near for near, _ in wv.most_similar(word, topn=5))}")


if __name__ == "__main__":
    main()
