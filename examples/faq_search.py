"""Find the FAQ entry that answers a question: Korean customer questions.

The FAQ of a web shop (data/faq-ko.tsv): 40 answers, three questions for each.
Those go into a `SentenceIndex` whose keys are the answers, and 80 other ways to
ask are searched for. Prints P@1, P@3 and P@5 (the share of queries whose answer
is among the top 1, 3 and 5) for plain means, for weighted vectors, for counting
words only (hybrid=1), and for equal shares of semantic and lexical score
(hybrid=0.5); then some queries that counting alone gets wrong, and one that
both get wrong.

Expect counting to find the answer first for a third of the queries, and among
the first three for 61 %; weighted vectors for 45 % and 70 %; both together for
47 % and 80 %. The model has seen nothing but the 160 texts of this FAQ. One
that was trained on millions of Korean sentences finds more: pass your own with
--corpus.

Counting wins where people use the words of the text. --faq data/help-ko.tsv has
80 questions on 319 pages of LibreOffice's help: counting finds the page among
the first five for 65 %, weighted vectors alone for 45 %, both for 66 %.

    python faq_search.py                        # in ten seconds
    python faq_search.py --faq data/help-ko.tsv --corpus data/help-ko.txt --hybrid 0.7
    python faq_search.py --corpus ko.txt --faq faq.tsv --model ko.model
    python faq_search.py --ask "택배가 아직 안 왔어요"

Split Korean text into morphemes: pip install "gensim-sent2vec[korean]".
Without that package, the example uses the tokenizer "words". It keeps nouns,
verbs, adverbs and roots only (kiwi:N,V,M,XR), because particles and endings
dominate in so small a corpus. With a large one, try --tokenizer kiwi.
"""

import argparse
import csv
from pathlib import Path

from gensim_sent2vec import Sent2Vec, SentenceIndex
from gensim_sent2vec.evaluation import evaluate_retrieval
from gensim_sent2vec.tokenizers import missing

FAQ = Path(__file__).parent / "data" / "faq-ko.tsv"


def read_table(path):
    """The rows of a tab-separated table as dicts, by the column names in its first line."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def usable(tokenizer):
    """The tokenizer, or "words" with a message if its package is not installed."""
    if not missing(tokenizer):
        return tokenizer
    print(f'{missing(tokenizer)}\nUsing "words" instead, which finds fewer answers.\n')
    return "words"


def trained(args, texts):
    """A model of the corpus, or, without one, of the indexed questions and their answers."""
    if args.model and Path(args.model).exists():
        return Sent2Vec.load(args.model, mmap="r")
    tokenizer = usable(args.tokenizer)
    if args.corpus:
        model = Sent2Vec(corpus_file=args.corpus, tokenizer=tokenizer, epochs=20)
    else:  # so small a corpus needs many epochs
        model = Sent2Vec(texts, tokenizer=tokenizer, min_count=1, epochs=100, workers=1, seed=1)
    if args.model:
        model.save(args.model)
    return model


def evaluate(wv, faq, hybrid):
    """Print how many queries find their answer."""
    print(f"{'':34}   P@1    P@3    P@5")
    for name, options in (
        ("plain mean", {"weighting": False}),
        ("weighted", {}),
        ("counting words", {"hybrid": 1}),
        (f"both (hybrid {hybrid:g})", {"hybrid": hybrid}),
    ):
        found = evaluate_retrieval(wv, faq, **options)
        print(f"{name:34} {found[1]:.3f}  {found[3]:.3f}  {found[5]:.3f}")
    print(f"{found.n} queries; {found.coverage:.0%} of their tokens are in the vocabulary.")


def show(index, question, hybrid, right=None):
    """Print the answers found for a question, with a star at the right one."""
    print(f"\n  {question}")
    for answer, score in index.most_similar(question, topn=3, hybrid=hybrid):
        print(f"   {'*' if answer == right else ' '} {score:.2f}  {answer}")


def show_some(index, queries, hybrid, n=3):
    """Print queries that counting words gets wrong and both together get right, and one that is wrong with both."""

    def is_found(query, hybrid):
        return index.most_similar(query["question"], topn=1, hybrid=hybrid)[0][0] == query["answer"]

    missed = [query for query in queries if not is_found(query, 1)]
    found = [query for query in missed if is_found(query, hybrid)]
    print(f"\nWrong by counting, right by both ({len(found)} queries; {min(n, len(found))} of them):")
    for query in found[:n]:
        show(index, query["question"], hybrid, query["answer"])
    print(f"\nWrong with both ({len(missed) - len(found)} queries; one of them):")
    for query in [query for query in missed if query not in found][:1]:
        show(index, query["question"], hybrid, query["answer"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="texts to train on, one per line (default: the indexed questions and answers)")
    parser.add_argument(
        "--faq",
        default=FAQ,
        help="a table with the columns question, answer and, to evaluate, role: index or query",
    )
    parser.add_argument("--hybrid", type=float, default=0.5, help="share of the lexical score, 0 to 1 (0.5)")
    parser.add_argument("--tokenizer", default="kiwi:N,V,M,XR", help="kiwi, mecab, words, split, ... (kiwi:N,V,M,XR)")
    parser.add_argument("--model", help="loaded if it exists, otherwise trained and saved there")
    parser.add_argument("--ask", metavar="QUESTION", help="search for this question only")
    args = parser.parse_args()

    rows = read_table(args.faq)
    indexed = [row for row in rows if row.get("role", "index") == "index"]
    questions, answers = [row["question"] for row in indexed], [row["answer"] for row in indexed]
    model = trained(args, sorted({*questions, *answers}))
    index = SentenceIndex.build(model.wv, questions, keys=answers)
    if args.ask:
        show(index, args.ask, args.hybrid)
        return
    print(f"{len(index)} indexed questions; {len(model.wv):,} words from the tokenizer {model.wv.tokenizer!r}.\n")
    queries = [row for row in rows if row.get("role") == "query"]
    if not queries:
        print("The table has no rows with the role query, so there is nothing to evaluate; search with --ask.")
        return
    evaluate(model.wv, args.faq, args.hybrid)
    show_some(index, queries, args.hybrid)


if __name__ == "__main__":
    main()
