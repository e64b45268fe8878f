"""Which FAQ is meant? Korean questions of customers, searched by meaning and by spelling together.

Trains on texts, puts the questions of the role "index" into a `SentenceIndex` whose keys are their answers, and lets
the questions of the role "query" find them. Prints P@1, P@3 and P@5 (the share of queries whose answer is among the
first so many) of the plain mean, of the weighted vectors, and of the two halves meaning and spelling (hybrid=0.5),
then what some queries find. Expect each line to be better than the one above it.

    python faq_search.py                                               # 80 questions of our own, in a second
    python faq_search.py --corpus ko.txt --faq faq-ko.tsv --model ko.model    # your own; the model is kept
    python faq_search.py --ask "택배가 아직 안 왔어요"

Korean wants morphemes: pip install "gensim-sent2vec[korean]". Without it words are taken as they stand. Of the
morphemes nouns, verbs, adverbs and roots are kept (kiwi:N,V,M,XR): in a corpus as small as this one, particles and
endings drown the rest. With a large one try all of them, --tokenizer kiwi.
"""

import argparse
from pathlib import Path

from gensim_sent2vec import Sent2Vec, SentenceIndex
from gensim_sent2vec._service.faq import read_faq
from gensim_sent2vec._text.tables import header_of
from gensim_sent2vec.evaluation import evaluate_retrieval
from gensim_sent2vec.tokenizers import missing

FAQ = Path(__file__).parent / "data" / "faq-ko.tsv"


def usable(tokenizer):
    """The tokenizer, or "words" with a message where its package is not installed."""
    if not missing(tokenizer):
        return tokenizer
    print(f'{missing(tokenizer)}\nGoing on with "words", which finds less.\n')
    return "words"


def trained(args, texts):
    """A model of the corpus, or, where none is given, of the questions to be found and their answers."""
    if args.model and Path(args.model).exists():
        return Sent2Vec.load(args.model, mmap="r")
    if args.corpus:
        model = Sent2Vec(corpus_file=args.corpus, tokenizer=usable(args.tokenizer))
    else:  # a corpus this small has to be read many times
        model = Sent2Vec(texts, tokenizer=usable(args.tokenizer), min_count=1, epochs=100, workers=1)
    if args.model:
        model.save(args.model)
    return model


def evaluate(wv, faq):
    """Print how many queries find their answer."""
    print(f"{'':34}   P@1    P@3    P@5")
    for name, options in (
        ("plain mean", {"weighting": False}),
        ("weighted", {}),
        ("weighted, half spelling (hybrid)", {"hybrid": 0.5}),
    ):
        found = evaluate_retrieval(wv, faq, **options)
        print(f"{name:34} {found[1]:.3f}  {found[3]:.3f}  {found[5]:.3f}")
    print(f"{found.n} queries; {found.coverage:.0%} of the tokens are words of the model.")


def show(search, question, right=None):
    """Print the answers that a question finds, the right one with a star."""
    print(f"\n  {question}")
    for answer, score in search.most_similar(question, topn=3, hybrid=0.5):
        print(f"   {'*' if answer == right else ' '} {score:.2f}  {answer}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="texts to train on, one a line (the questions to be found and their answers)")
    parser.add_argument(
        "--faq", default=FAQ, help="a table with the columns question, answer and, to evaluate, role: index or query"
    )
    parser.add_argument("--tokenizer", default="kiwi:N,V,M,XR", help="kiwi, mecab, words, split … (kiwi:N,V,M,XR)")
    parser.add_argument("--model", help="loaded where it exists, else trained and saved there")
    parser.add_argument("--ask", metavar="QUESTION", help="search for this question only")
    args = parser.parse_args()

    questions, answers = read_faq(args.faq)
    model = trained(args, sorted({*questions, *answers}))
    search = SentenceIndex.build(model.wv, questions, keys=answers)
    if args.ask:
        show(search, args.ask)
        return
    print(f"{len(search)} questions to be found; {len(model.wv):,} words by the tokenizer {model.wv.tokenizer!r}.\n")
    if "role" not in header_of(args.faq):
        print("The file has no column role, so nothing is evaluated; --ask searches.")
        return
    evaluate(model.wv, args.faq)
    queries, right = read_faq(args.faq, role="query")
    for number in range(0, len(queries), -(-len(queries) // 4)):
        show(search, queries[number], right[number])


if __name__ == "__main__":
    main()
