"""The command ``tune``: a weighting that is tuned on questions and their answers, and what that gains."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from ..._search.tuning import QUESTIONS, Tuned, did_not_help, tune
from ..._text.labeled import Question, question_columns, read_questions
from ..._text.tables import TableFile, files_of
from ..._util.counted import counted
from ...convert import NATIVE, load_vectors
from ...evaluation import append_to_log, check_log
from ...weighting import SentenceWeighting
from ..arguments import (
    Subcommands,
    add_command,
    add_file,
    add_flag,
    add_float,
    add_force,
    add_int,
    add_model,
    add_question_columns,
    columns_of_questions,
    missing_of,
)
from ..files import LOG, check_output, say_replaced

SHOWN = 12  # words that gained or lost most


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "tune",
        run,
        summary="tune a model's weighting on questions and answers",
        details="Learns a factor for the weight of each word, and of each character n-gram in lexical scores, from "
        "questions that have the same answer, and how much more words count in the first half of a question. Reads the "
        "files that evaluate reads. Prints the share of questions that find one with the same answer among their top "
        "1, 3 and 5 results (P@1, P@3, P@5), before and after, by cross-validation over answers, and the words whose "
        "weights changed most. If tuning does not help, OUT has the weighting of MODEL.",
        examples=[
            "gensim-sent2vec tune my.model faq.tsv tuned.s2v --log results.tsv",
            "gensim-sent2vec tune my.model faq.tsv tuned.s2v --feedback feedback.tsv",
        ],
    )
    add_model(parser)
    add_file(
        parser,
        "questions",
        metavar="FILE",
        help="a table with the columns question and answer, as for evaluate and index, or a folder of tables; rows of "
        "every role are used",
    )
    add_file(parser, "target", metavar="OUT", help="a native file of vectors")
    add_file(
        parser,
        "--feedback",
        metavar="FILE",
        nargs="+",
        default=[],
        help="further files of this kind, such as the one that serve --feedback writes",
    )
    add_float(parser, "--hybrid", help="weight of the lexical score in searches, 0 to 1", default=0.5)
    add_float(parser, "--csls", help="strength of the correction for hubs in searches, as of serve", default=0.0)
    add_int(parser, "--folds", help="parts of the answers for cross-validation", default=5)
    add_int(parser, "--seed", help="seed of the folds and of the order of the questions", default=1)
    add_file(parser, "--log", metavar="RESULTS.tsv", help="append the scores before and after to this table")
    add_flag(parser, "--json", help="print one JSON object")
    add_force(parser)
    add_question_columns(parser)


def run(args: argparse.Namespace) -> None:
    files = list(files_of([args.questions, *args.feedback], args.format))
    inputs = (args.model, *files)
    replaced = check_output(args.target, NATIVE, inputs, args.force)
    if args.log:
        check_output(args.log, LOG, (*inputs, args.target))
        check_log(args.log)
    wv = load_vectors(args.model, trusted=args.trusted)
    weighting = wv.weighting
    if weighting is None:
        raise ValueError(f"{args.model!r} has no weighting to tune; train a model with one (the default of train)")
    rows = [row for path in files for row in _read(path, args)]
    weighting.check_fits(wv.freeze())
    tuned = tune(
        weighting._parameters,
        weighting._require_fit(),
        wv,
        [row.question for row in rows],
        [row.answer for row in rows],
        args.hybrid,
        args.folds,
        seed=args.seed,
        csls=args.csls,
        names=QUESTIONS,
    )
    if tuned.fitted is not None:
        wv.weighting = SentenceWeighting._from_values(tuned.parameters, tuned.fitted)
    wv.save(args.target)
    _show(tuned, args.json)
    say_replaced(args.target, replaced)
    if args.log:
        _log(args, tuned)


def _read(path: str, args: argparse.Namespace) -> list[Question]:
    """The questions of a file, whatever their roles."""
    file = TableFile(path, args.format)
    columns = question_columns(file, *columns_of_questions(args))
    if columns is None:
        raise ValueError(
            f"{file.lines.shown}: the first line does not name the columns question and answer; if they have other "
            "names, pass --column and --key"
        )
    rows = list(read_questions(file, columns, missing_of(args)))
    if any(row.role == "query" for row in rows):
        print(
            f"{file.lines.shown}: rows of both roles are used, so evaluate the result on other questions",
            file=sys.stderr,
        )
    return rows


def _show(tuned: Tuned, as_json: bool) -> None:
    report = tuned.report
    if as_json:
        print(json.dumps(report | {"words": tuned.words}, ensure_ascii=False))
        return
    questions, answers, scored = report["texts"], report["labels"], report["scored"]
    print(
        f"{counted(questions, 'question')}, {counted(answers, 'answer')}; {len(report['folds'])}-fold cross-validation "
        f"over answers, {counted(scored, 'question')} scored, hybrid {report['hybrid']:g}, csls {report['csls']:g}"
    )
    print(f"{'':>8}  {'P@1':>6} {'P@3':>6} {'P@5':>6}")
    for name in ("before", "after"):
        print(_row(name, report[name]))
    for number, fold in enumerate(report["folds"], 1):
        print(f"  fold {number}: P@1 {fold['before']['P@1']:.4f} -> {fold['after']['P@1']:.4f}")
    if tuned.fitted is None:
        print(did_not_help(report, QUESTIONS), file=sys.stderr)
        return
    print(f"factor of the weights in the first half of a question (first_half): {report['first_half']:g}")
    for title, words in (("gained most", tuned.words[:SHOWN]), ("lost most", tuned.words[::-1][:SHOWN])):
        print(f"{title}: " + ", ".join(f"{word} ×{factor:.2f}" for word, factor in words))  # noqa: RUF001


def _row(name: str, precisions: dict[str, float]) -> str:
    return f"{name:>8}  " + " ".join(f"{precisions[f'P@{k}']:6.4f}" for k in (1, 3, 5))


def _log(args: argparse.Namespace, tuned: Tuned) -> None:
    """A row before and a row after tuning."""
    report = tuned.report
    for name in ("before", "after"):
        result: dict[str, Any] = {"file": os.path.basename(args.questions), "n": report["scored"], **report[name]}
        parameters = {"tune": name, "folds": len(report["folds"]), "hybrid": args.hybrid, "csls": args.csls}
        if name == "after":
            parameters |= {"pull": report["pull"], "helps": report["helps"]}
        append_to_log(args.log, args.model, [result], parameters)
