"""The command ``serve``: answers over HTTP."""

from __future__ import annotations

import argparse
import os

from ..._service.access import Access
from ..._service.faq import Columns
from ..._service.feedback import MAX_BYTES, check_feedback
from ..._service.limits import Limits
from ..arguments import (
    Subcommands,
    add_columns,
    add_command,
    add_file,
    add_float,
    add_int,
    add_model,
    add_texts,
    missing_of,
)
from ..files import LOG, check_output


def add_parser(commands: Subcommands) -> None:
    parser = add_command(
        commands,
        "serve",
        run,
        summary="answer questions over HTTP",
        details="The search page for browsers is at /, the API documentation at /docs, and Prometheus metrics are at "
        "/metrics. SIGHUP reloads the files without interrupting requests; replace files by renaming new ones "
        "into place, as all commands here do.",
        examples=[
            "gensim-sent2vec serve my.model faq.index --workers 4 --port 8000",
            "curl http://127.0.0.1:8000/search -H 'Content-Type: application/json' \\\n"
            '       -d \'{"query": "how do i get my money back"}\'',
        ],
    )
    add_model(parser)
    add_texts(
        parser,
        "faq",
        metavar="FAQ",
        nargs="+",
        help="an index, built by the command index, or tables with the columns question and answer",
    )
    add_int(parser, "--workers", help="worker processes (default: one per CPU, at most 4)")
    add_float(
        parser,
        "--hybrid",
        help="weight of the lexical score, unless the request sets it (default: 0.5 if the index stores lexical "
        "scores, else 0)",
    )
    add_float(
        parser,
        "--csls",
        help="strength of the correction for hubs, unless the request sets it (default: 0.5 if the index was built for "
        "it, else 0)",
    )
    _add_feedback(parser)
    _add_network_options(parser)
    _add_limits(parser, Limits())


def _add_feedback(parser: argparse.ArgumentParser) -> None:
    add_file(
        parser,
        "--feedback",
        metavar="FILE",
        help="append what is sent to POST /feedback, a query and the key of the result that was chosen, to this table, "
        "which tune reads; without it, no query is ever stored",
    )
    add_int(parser, "--max-feedback", help="maximum bytes of that table", default=MAX_BYTES)


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, for this machine only)"
    )
    add_int(parser, "--port", help="port to listen on; 0: any free port", default=8000)
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="host name that requests may use besides --host, localhost and IP addresses; repeatable",
    )
    parser.add_argument(
        "--cors",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="origin whose pages may use the service, such as https://example.org; repeatable",
    )


def _add_limits(parser: argparse.ArgumentParser, limits: Limits) -> None:
    add_float(
        parser,
        "--header-timeout",
        help="seconds for the headers of a request to arrive; idle connections are closed too",
        default=limits.header_seconds,
    )
    add_int(parser, "--max-body", help="maximum bytes per request", default=limits.body)
    add_int(parser, "--max-sentences", help="maximum sentences per request", default=limits.sentences)
    add_int(parser, "--max-length", help="maximum characters per sentence", default=limits.length)
    add_int(parser, "--max-topn", help="maximum results per query", default=limits.topn)
    add_columns(parser, "the answers (default: answer)")


def run(args: argparse.Namespace) -> None:
    from ..._service.supervisor import Source, serve  # only this command needs it

    limits = Limits(
        args.max_body, args.max_sentences, args.max_length, args.max_topn, header_seconds=args.header_timeout
    )
    access = Access((args.host, *args.allow_host), tuple(args.cors))
    faq = args.faq[0] if len(args.faq) == 1 else tuple(args.faq)
    if args.feedback:
        check_output(args.feedback, LOG, (args.model, *args.faq), read_back=True)
        check_feedback(args.feedback)
    source = Source(
        args.model,
        faq,
        args.hybrid,
        args.trusted,
        Columns(args.column, args.key, args.format, missing_of(args)),
        args.feedback and os.path.abspath(args.feedback),
        args.max_feedback,
        args.csls,
    )
    serve(source, args.host, args.port, args.workers, limits, access)
