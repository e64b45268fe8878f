"""How good are the vectors, compared to those of other methods, and what does each part of the recipe contribute?

All methods are trained on the same corpus with the same number of dimensions and epochs, and scored on files of judged
pairs and of questions. Scores are saved after each contestant and added to the stored result, so runs with `--only`
complement each other.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import common
import methods
import pretrained
from common import Contestant
from methods import DIM, EPOCHS, MIN_COUNT, NEGATIVE, SEED, THREADS, mean_pearson

SCRIPT = str(Path(__file__).resolve())
QUESTION = "quality"
TOKENIZERS = {"english": "words", "korean": "kiwi", "korean words": "words"}
FILES = {
    "english": ("sts*.tsv",),
    "korean": ("korsts-dev.tsv", "faq-ko.tsv"),
    "korean words": ("korsts-dev.tsv", "faq-ko.tsv"),
}
CHARACTERS = {"english": (3, 4), "korean": (2, 3), "korean words": (2, 3)}

DEFAULT = "this package, default"
BAKED = {
    "meaning": {"lexical_weight": 0},
    "default": {},
    "200 more": {"lexical_dims": 200},
}
OURS: dict[str, dict[str, Any]] = {  # arguments of Sent2Vec
    DEFAULT: {},
    "this package, exact": {"shared_negatives": False},
    "this package, bigrams": {"word_ngrams": 2},
    "this package, bigrams, exact": {"word_ngrams": 2, "shared_negatives": False},
    "this package, trigrams": {"word_ngrams": 3},
    "this package, trigrams, exact": {"word_ngrams": 3, "shared_negatives": False},
    "this package, skip pairs": {"word_ngrams": 3, "skip_bigrams": True},
}
GENSIM: dict[str, tuple[str, dict[str, Any]]] = {
    "gensim Word2Vec, CBOW": ("Word2Vec", {"sg": 0}),
    "gensim Word2Vec, skip-gram": ("Word2Vec", {"sg": 1}),
    "gensim FastText, CBOW": ("FastText", {"sg": 0}),
    "gensim Doc2Vec, DBOW, inferred": ("Doc2Vec", {"dm": 0}),
}
REFERENCE = {"reference, unigrams": (1, 0), "reference, bigrams": (2, 4)}
QUICK = (DEFAULT, "this package, exact", "this package, bigrams", *list(GENSIM)[:2], "reference, unigrams", "TF-IDF")

# Changes of one part each. PARTS are changes of the weighting, which is then fitted with and without a lexical part.
PARTS: dict[str, dict[str, Any]] = {
    "weights of words: all the same": {"sif": None},
    "a = 1e-3": {"sif": 1e-3},
    "a = 1e-4": {"sif": 1e-4},
    "word2vec's curve, 1e-4": {"decay": "word2vec", "sif": 1e-4},
    "first_half = 1.25": {"first_half": 1.25},
    "first_half = 1.5": {"first_half": 1.5},
    "the 50 most frequent words left out": {"frequent": 50},
    "no whitening": {"whiten": 0.0},
    "1 component removed": {"remove_components": 1},
    "2 components removed": {"remove_components": 2},
    "3 components removed": {"remove_components": 3},
    "words of any length": {"unit_words": False, "output": False},
    "without output vectors": {"output": False},
    "unseen words left out": {"unseen_words": False},
}
LEXICAL_PARTS: dict[str, dict[str, Any]] = {
    "lexical weight 0.4": {"lexical_weight": 0.4},
    "lexical weight 0.8": {"lexical_weight": 0.8},
    "lexical weight 1: spelling alone": {"lexical_weight": 1.0},
    "parts not scaled, as baked (linear)": {"linear": True},
    "200 dimensions more": {"lexical_dims": 200},
    "500 dimensions more": {"lexical_dims": 500},
}
TRAINED: dict[str, dict[str, Any]] = {
    "ns_exponent = 0.75": {"ns_exponent": 0.75},
    "negative = 5": {"negative": 5},
    "negative = 20": {"negative": 20},
    "sample = 1e-4 (targets skipped)": {"sample": 1e-4},
    "min_count = 2": {"min_count": 2},
    "alpha = 0.2": {"alpha": 0.2},
    "alpha = 0.5": {"alpha": 0.5},
    "bigrams, alpha = 0.2": {"word_ngrams": 2, "alpha": 0.2},
    "epochs = 15": {"epochs": 15},
    "vector_size = 300": {"vector_size": 300},
}
BASES = {"default": {}, "meaning": {"lexical_weight": 0}}


# -----------------------------------------------------------------------------------------------------
# Contestants


def contestants(args: argparse.Namespace, language: str, texts: dict[str, Any]) -> Iterator[Contestant]:
    """All methods that are compared on one corpus."""

    def contestant(name: str, function: str, **options: Any) -> Contestant:
        return Contestant.python(f"{language}: {name}", SCRIPT, function, texts=texts, **options)

    for name, options in OURS.items():
        poolings = ablation_poolings() if name == DEFAULT and language in KINDS else {}
        yield contestant(name, "ours", options=options, poolings=poolings)
    for name, (which, options) in GENSIM.items():
        yield contestant(name, "gensim", which=which, options=options)
    for name, (word_ngrams, dropout_k) in REFERENCE.items() if args.reference else ():
        yield contestant(name, "reference", program=args.reference, word_ngrams=word_ngrams, dropout_k=dropout_k)
    components = [] if args.quick else [DIM, DIM + 200]
    units = "morphemes" if TOKENIZERS[language] == "kiwi" else "words"
    low, high = CHARACTERS[language]
    yield contestant(f"TF-IDF of {units}", "tfidf", ngrams=[], components=components)
    name = f"TF-IDF of character {low}-{high}-grams"
    yield contestant(name, "tfidf", ngrams=[low, high], components=components)
    for name, options in TRAINED.items():
        yield contestant(f"this package, {name}", "ours", options=options, poolings={})
    if args.pretrained and language == "english":
        for name, function, options in pretrained.contestants(args.pretrained, CHARACTERS[language]):
            yield contestant(name, function, **options)


def ablation_poolings() -> dict[str, dict[str, Any]]:
    """The poolings of the ablation table, by "base / change", and those of baked vectors, by "baked / base"."""
    poolings = {f"{base} / {name}": BASES[base] | part for base in BASES for name, part in PARTS.items()}
    poolings |= {f"default / {name}": part for name, part in LEXICAL_PARTS.items()}
    return poolings | {f"baked / {base}": part | {"bake": True} for base, part in BAKED.items()}


def selected(args: argparse.Namespace, label: str) -> bool:
    """Whether the arguments select the contestant with this label, "language: name"."""
    language, _, name = label.partition(": ")
    quick = name in QUICK or name.startswith(("TF-IDF", "pretrained"))
    if language == "korean words":  # a comparison with morphemes needs few contestants
        quick &= name == DEFAULT or name.startswith("TF-IDF")
        return quick and args.only in label
    return (quick or not args.quick) and args.only in label


def run(args: argparse.Namespace, result: dict[str, Any]) -> None:
    """Score the selected contestants, saving the result after each."""
    corpora = {"english": args.english, "korean": args.korean, "korean words": args.korean_words}
    with tempfile.TemporaryDirectory() as folder:
        for language, corpus in corpora.items():
            if not corpus:
                continue
            files = sorted(str(file) for pattern in FILES[language] for file in Path(args.eval).glob(pattern))
            if not files:
                raise SystemExit(f"--eval: {args.eval!r} has no {' or '.join(FILES[language])}")
            texts = {"corpus": corpus, "files": files, "tokens": f"{folder}/{language}.json"}
            chosen = [
                contestant for contestant in contestants(args, language, texts) if selected(args, contestant.name)
            ]
            if not chosen:
                continue
            options = {"files": files, "tokenizer": TOKENIZERS[language], "path": texts["tokens"]}
            common.measure(Contestant.python("tokenize", SCRIPT, "tokenize", **options))
            of_language = result["languages"].setdefault(language, {"corpus": size(corpus), "runs": {}})
            if of_language["corpus"] != size(corpus):
                raise SystemExit(
                    f"--{language.replace(' ', '-')}: the stored result is of another corpus; pass --new to replace it"
                )
            for contestant in chosen:
                found = common.measure(contestant)
                of_language["runs"][contestant.name.partition(": ")[2]] = found
                common.save(QUESTION, result)
                print(f"{contestant.name}  {found['wall']:.0f} s  {summary(found)}", file=sys.stderr, flush=True)


def size(corpus: str) -> dict[str, int]:
    lines = [len(line.split()) for line in methods.lines_of(corpus)]
    return {"lines": len(lines), "tokens": sum(lines)}


def summary(found: Mapping[str, Any]) -> str:
    return "  ".join(f"{name} {mean_pearson(of):.1f}" for name, of in found["scores"].items() if "/" not in name)


# -----------------------------------------------------------------------------------------------------
# Report

WORDS = "without morphemes"
COLUMNS = {  # pooling: heading
    "plain": "plain",
    "meaning": "weighted, semantic part only",
    "default": "weighted",
    "200 more": "weighted, 200 more dimensions",
}


def rows_of(result: Mapping[str, Any], language: str) -> dict[str, dict[str, Any]]:
    """The runs of the main table in order, with a separate row for the baked vectors."""
    runs = result["languages"].get(language, {}).get("runs", {})
    order = [name for name in (*OURS, *GENSIM, *REFERENCE) if name in runs]
    rows = {}
    for name in order + sorted(name for name in runs if name.startswith("TF-IDF")):
        rows[name] = runs[name]
        if name == DEFAULT and language in KINDS:
            parts = {base: f"baked / {base}" for base in BAKED}
            rows["this package, baked, averaged by gensim"] = {
                figure: {base: runs[name][figure][part] for base, part in parts.items()}
                for figure in ("scores", "numbers")
            }
    if language == "korean":
        words = rows_of(result, "korean words")
        rows |= {f"{name}, {WORDS}" if "words" not in name else name: of for name, of in words.items()}
    return rows


def widest_pooling(name: str, found: Mapping[str, Any]) -> str:
    """The pooling with the most dimensions, regardless of its score."""
    return "plain" if name.startswith("TF-IDF") or "200 more" not in found["scores"] else "200 more"


def english_table(result: Mapping[str, Any]) -> str:
    header = ["mean Pearson · Spearman, × 100", *COLUMNS.values()]  # noqa: RUF001
    rows = []
    for name, found in rows_of(result, "english").items():
        rows.append([label(name, found), *(pretrained.both(found["scores"].get(of)) for of in COLUMNS)])
    return f"{common.table(header, rows)}\n\n{conditions(result, 'english')}"


def korean_table(result: Mapping[str, Any]) -> str:
    header = ["KorSTS dev, Pearson × 100 · FAQ, P@1", *COLUMNS.values()]  # noqa: RUF001
    header += ["FAQ P@1 / 3 / 5, most dimensions", "FAQ P@1 / 3 / 5, hybrid search"]
    rows = []
    for name, found in rows_of(result, "korean").items():
        of = found["scores"]
        cells = [both(of[pooling]) if pooling in of else "" for pooling in COLUMNS]
        faq = of[widest_pooling(name, found)]["faq-ko"]
        ranks = [" / ".join(f"{faq[f'{kind}P@{k}']:.3f}" for k in (1, 3, 5)) for kind in ("", "hybrid ")]
        rows.append([label(name, found), *cells, *ranks])
    return f"{common.table(header, rows)}\n\n{conditions(result, 'korean')}"


def both(found: Mapping[str, Mapping[str, float]]) -> str:
    return f"{100 * found['korsts-dev']['pearson']:.1f} · {found['faq-ko']['P@1']:.3f}"


def label(name: str, found: Mapping[str, Any]) -> str:
    """The name of a method, with the number of dimensions if it differs from the other methods'."""
    plain = found["numbers"].get("plain", DIM)
    return name if plain == DIM else f"{name} ({plain:,} dimensions)"


def conditions(result: Mapping[str, Any], language: str) -> str:
    """A note below a table: the corpus and the parameters."""
    corpus = result["languages"][language]["corpus"]
    return (
        f"{corpus['tokens'] / 1e6:.1f} million tokens; {DIM} dimensions, {EPOCHS} epochs, {NEGATIVE} negative samples, "
        f"min_count {MIN_COUNT}, {THREADS} threads, seed {SEED}. For TF-IDF, the columns 'weighted' and 'weighted, 200 "
        f"more dimensions' show the {DIM} and {DIM + 200} leading components (truncated SVD), if they were measured."
    )


def ablation_table(result: Mapping[str, Any]) -> str:
    """A row for each change, in the default recipe and in its semantic part alone."""
    languages = [of for of in ("english", "korean") if DEFAULT in result["languages"].get(of, {}).get("runs", {})]
    header, rows = [""], []
    for language in languages:
        header += [f"{of}, {how}" for of in KINDS[language] for how in ("weighted", "semantic part only")]
    for name in ("the default", *PARTS, *LEXICAL_PARTS, "bigrams", *TRAINED):
        row = [name]
        for language in languages:
            found = [scores_of(result["languages"][language]["runs"], name, base) for base in BASES]
            row += [figure(of) if of else "" for figure in KINDS[language].values() for of in found]
        if any(row[1:]):
            rows.append(row)
    return common.table(header, rows)


KINDS = {
    "english": {"English": lambda found: f"{mean_pearson(found):.1f}"},
    "korean": {
        "KorSTS": lambda found: f"{mean_pearson(found):.1f}",
        "FAQ P@1": lambda found: f"{found['faq-ko']['P@1']:.3f}",
    },
}


def scores_of(runs: Mapping[str, Any], name: str, base: str) -> Any:
    """The scores with one change, or None if they were not measured."""
    if name in TRAINED or f"this package, {name}" in OURS:
        return runs.get(f"this package, {name}", {}).get("scores", {}).get(base)
    return runs[DEFAULT]["scores"].get(base if name == "the default" else f"{base} / {name}")


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    made = {}
    if "english" in result["languages"]:
        made["quality-english"] = english_table(result)
        runs = result["languages"]["english"]["runs"]
        if pretrained.WITH_PRETRAINED in runs and DEFAULT in runs:
            made["quality-pretrained"] = pretrained.pretrained_table(runs, runs[DEFAULT])
            lines = result["languages"]["english"]["corpus"]["lines"]
            made["quality-small"] = pretrained.small_table(runs, lines, runs[DEFAULT])
        if pretrained.SPEED in runs:
            made["pretrained-speed"] = pretrained.speed_table(runs)
    if "korean" in result["languages"]:
        made["quality-korean"] = korean_table(result)
    if any(DEFAULT in of["runs"] for of in result["languages"].values()):
        made["quality-ablation"] = ablation_table(result)
    if {"english", "korean", "korean words"} <= set(result["languages"]):
        made |= {"readme-quality": readme_table(result), **headlines(result)}
    return made


README_ROWS = (  # rows of the main tables, and their names in README.md
    (DEFAULT, "this package"),
    ("reference, unigrams", "the Sent2Vec program, our weighting"),
    ("gensim Word2Vec, CBOW", "gensim Word2Vec (CBOW), our weighting"),
    ("gensim FastText, CBOW", "gensim FastText (CBOW), our weighting"),
    ("gensim Doc2Vec, DBOW, inferred", "gensim Doc2Vec"),
    ("TF-IDF of characters", "TF-IDF of character n-grams"),
)


def found_row(result: Mapping[str, Any], language: str, name: str) -> Mapping[str, Any]:
    """A run by its name; for TF-IDF by a prefix, because the lengths of the n-grams differ between languages."""
    rows = rows_of(result, language)
    start = "TF-IDF of character" if name == "TF-IDF of characters" else name
    return next(found for row, found in rows.items() if row.startswith(start))


def readme_table(result: Mapping[str, Any]) -> str:
    """One row per method: English STS with plain and weighted means, KorSTS, and hybrid search for Korean questions."""
    header = [
        "",
        "English STS, plain mean",
        "weighted",
        "weighted, 300 dimensions",
        "KorSTS",
        "Korean FAQ, P@1, hybrid",
    ]
    rows = []
    for name, shown in README_ROWS:
        english, korean = (found_row(result, language, name) for language in ("english", "korean"))
        means = {pooling: mean_pearson(of) for pooling, of in english["scores"].items()}
        cells = [f"{means[of]:.1f}" if of in means else "" for of in ("plain", "default", "200 more")]
        most = korean["scores"][widest_pooling(name, korean)]
        cells += [f"{100 * most['korsts-dev']['pearson']:.1f}", f"{most['faq-ko']['hybrid P@1']:.3f}"]
        rows.append([shown, *cells])
    note = (
        f"Mean Pearson × 100 of 13 sets (SemEval 2012–2014), and of KorSTS; 100 dimensions in English unless the "  # noqa: RUF001
        f"heading says otherwise, 300 in Korean. TF-IDF has {_dimensions(result, 'english'):,} dimensions in English "
        f"and {_dimensions(result, 'korean'):,} in Korean; its other columns are the leading components (truncated "
        "SVD)."
    )
    return f"{common.table(header, rows)}\n\n{note}"


def _dimensions(result: Mapping[str, Any], language: str) -> int:
    return found_row(result, language, "TF-IDF of characters")["numbers"]["plain"]


def headlines(result: Mapping[str, Any]) -> dict[str, str]:
    """The sentences about quality at the top of README.md."""
    ours, characters = (found_row(result, "english", name) for name in (DEFAULT, "TF-IDF of characters"))
    plain = [
        mean_pearson(found["scores"]["plain"])
        for name, found in rows_of(result, "english").items()
        if name.startswith("gensim Word2Vec")
    ]
    faq = [
        found["scores"][widest_pooling(DEFAULT, found)]["faq-ko"]["hybrid P@1"]
        for found in (found_row(result, "korean words", DEFAULT), found_row(result, "korean", DEFAULT))
    ]
    return {
        "headline-quality": (
            f"- **{mean_pearson(ours['scores']['default']):.1f} on English STS with {DIM} dimensions** (mean Pearson "
            f"\u00d7 100 of 13 sets); averaged gensim Word2Vec vectors score {min(plain):.0f} to {max(plain):.0f}. "
            f"With {DIM + 200} dimensions it is {mean_pearson(ours['scores']['200 more']):.1f}; TF-IDF needs "
            f"{_dimensions(result, 'english'):,} for {mean_pearson(characters['scores']['plain']):.1f}."
        ),
        "headline-korean": (
            f'Korean works the same way with `tokenizer="kiwi"` (extra `[korean]`): morphemes raise P@1 on Korean FAQ '
            f"questions from {faq[0]:.3f} to {faq[1]:.3f}."
        ),
    }


def plot(result: Mapping[str, Any]) -> None:
    """Scores on the English files: for each method, the pooling with the most dimensions."""
    values = {
        name: mean_pearson(found["scores"][widest_pooling(name, found)])
        for name, found in rows_of(result, "english").items()
    }
    if values:
        common.bar_chart(
            QUESTION, result, values, "mean Pearson x 100, pooling with the most dimensions", "{:.1f}".format
        )


# -----------------------------------------------------------------------------------------------------
# The script


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--english", metavar="CORPUS", help="one sentence per line, tokenized by 'words'")
    parser.add_argument("--korean", metavar="CORPUS", help="one sentence per line, tokenized by 'kiwi'")
    parser.add_argument(
        "--korean-words", metavar="CORPUS", help="the same text tokenized by 'words', for comparison with morphemes"
    )
    parser.add_argument("--eval", metavar="FOLDER", help="a folder with sts*.tsv, korsts-dev.tsv, faq-ko.tsv")
    parser.add_argument(
        "--pretrained", metavar="PATH", help="pretrained vectors of 256 dimensions, such as wordllama, for English"
    )
    parser.add_argument("--reference", metavar="PATH", help="the executable of the reference program")
    parser.add_argument(
        "--quick", action="store_true", help="fewer contestants, and no training for the ablation table"
    )
    parser.add_argument(
        "--only", metavar="TEXT", default="", help='run only contestants whose label, "language: name", contains TEXT'
    )
    parser.add_argument("--new", action="store_true", help="replace the stored result instead of adding to it")
    parser.add_argument("--report", action="store_true", help="report the stored result without measuring")
    parser.add_argument("--update-readme", action="store_true", help="write the tables into the README files")
    args = parser.parse_args()
    if not args.report and not (args.eval and (args.english or args.korean or args.korean_words)):
        parser.error("--eval and at least one corpus are required")
    return args


def stored_or_new(args: argparse.Namespace) -> dict[str, Any]:
    """The result to add to."""
    result: dict[str, Any] = {"machine": common.machine(), "parameters": parameters(), "languages": {}}
    path = common.results_file(QUESTION, result["machine"]["versions"]["gensim_sent2vec"])
    if args.new or not path.exists():
        return result
    kept = json.loads(path.read_text())
    if kept["parameters"] != result["parameters"]:
        raise SystemExit(f"{path}: measured with other parameters, {kept['parameters']}; pass --new to replace it")
    return kept


def parameters() -> dict[str, int]:
    return {"vector_size": DIM, "epochs": EPOCHS, "negative": NEGATIVE, "min_count": MIN_COUNT, "seed": SEED}


def main() -> None:
    args = arguments()
    result = common.load(QUESTION) if args.report else stored_or_new(args)
    if not args.report:
        run(args, result)
    common.report(tables(result), result, args.update_readme)
    plot(result)


if __name__ == "__main__":
    common.run_if_contestant((*methods.METHODS, pretrained.static, pretrained.small, pretrained.encode_speed))
    main()
