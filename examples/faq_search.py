"""Find the help page that answers a question: Korean questions of users.

The help of LibreOffice, in Korean (data/help-ko.txt, 3,200 paragraphs), is the
corpus; the titles and first paragraphs of its 319 pages go into a
`SentenceIndex` whose keys are the titles. It is searched for 80 questions that
users might ask in their own words. Prints P@1, P@3 and P@5 (the share of
questions whose page is among the top 1, 3 and 5) for plain means, for weighted
vectors, for counting words (hybrid=1), and for both (hybrid=0.7: 70 % lexical
score), then the results of some questions.

Expect both together to find the right page first for nearly half of the
questions, counting alone for 0.4, and vectors alone for 0.3: the corpus is
40,000 words, a page title has three, and a question that shares one of them is
easily answered by counting. The vectors add those that share none. With a
corpus of your own field, of millions of words, they deserve more weight: try
--hybrid 0.3.

    python faq_search.py                        # in ten seconds
    python faq_search.py --faq data/faq-ko.tsv  # a shop: 48 questions indexed, 32 asked
    python faq_search.py --corpus ko.txt --faq my-faq.tsv --model ko.model
    python faq_search.py --ask "표에서 칸을 합치고 싶어요"

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

DATA = Path(__file__).parent / "data"
HELP, HELP_TEXT = DATA / "help-ko.tsv", DATA / "help-ko.txt"


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
        model = Sent2Vec(corpus_file=args.corpus, tokenizer=tokenizer)
    elif args.faq == HELP:
        model = Sent2Vec(corpus_file=HELP_TEXT, tokenizer=tokenizer, min_count=2, epochs=20, workers=1, seed=1)
    else:  # so small a corpus needs many epochs
        model = Sent2Vec(texts, tokenizer=tokenizer, min_count=1, epochs=100, workers=1)
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", help="texts to train on, one per line (default: the help, or the texts of --faq)")
    parser.add_argument(
        "--faq",
        type=Path,
        default=HELP,
        help="a table with the columns question, answer and, to evaluate, role: index or query",
    )
    parser.add_argument("--hybrid", type=float, default=0.7, help="share of the lexical score, 0 to 1 (0.7)")
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
    for query in queries[:: -(-len(queries) // 4)]:
        show(index, query["question"], args.hybrid, query["answer"])


if __name__ == "__main__":
    main()
