"""Run the tests by hand, on a machine with Linux; each one replaces its part of the stored result.

    cd benchmarks
    python -m soak kills faults load readers
    python -m soak requests --schemathesis PROGRAM
    python -m soak faults --only encode

`faults` needs root, to mount small disks; `races` needs GCC.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import common

from . import tables

PARTS = ("kills", "faults", "connections", "load", "requests", "races", "readers", "peers")


def runners(args: argparse.Namespace) -> dict[str, Callable[[], Any]]:
    """What runs each part; modules are imported when they are needed, because some need more than others."""
    from . import faults, kills, peers, races, readers, requests, service

    return {
        "kills": lambda: kills.run(args.kills, only=args.only),
        "faults": lambda: faults.run(args.only),
        "connections": service.run_connections,
        "load": lambda: service.run_load(args.minutes),
        "requests": lambda: requests.run(args.requests, args.schemathesis),
        "races": lambda: races.run(args.sentences),
        "readers": lambda: readers.run(args.inputs, args.seconds),
        "peers": lambda: peers.run(args.reference),
    }


def store(part: str, result: Any, merge: bool) -> None:
    """Replace a part of the stored result; with `merge`, only the writers or commands that were run."""
    machine = common.machine()
    path = common.results_file("soak", machine["versions"]["gensim_sent2vec"])
    stored = json.loads(path.read_text()) if path.exists() else {}
    if merge and part in stored:
        key = "writers" if part == "kills" else "commands"
        result = stored[part] | {key: stored[part][key] | result[key]}
    common.save("soak", stored | {part: result, "machine": machine})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("parts", nargs="+", choices=PARTS, help="what to test")
    parser.add_argument("--kills", type=int, default=500, help="kills over all writers")
    parser.add_argument("--only", metavar="TEXT", default="", help="only writers or commands whose name contains TEXT")
    parser.add_argument("--minutes", type=float, default=1, help="duration of the load; 10 for the record")
    parser.add_argument("--requests", type=int, default=5000, help="number of generated requests")
    parser.add_argument("--schemathesis", metavar="PROGRAM", default="schemathesis", help="the program schemathesis")
    parser.add_argument(
        "--sentences", type=int, default=150, help="sentences that threads train on, for the part races"
    )
    parser.add_argument("--inputs", type=int, default=20_000, help="damaged inputs per reader")
    parser.add_argument("--seconds", type=int, default=120, help="duration of the test of .bin files")
    parser.add_argument("--reference", metavar="PROGRAM", help="the reference program, for the part peers")
    args = parser.parse_args()
    run = runners(args)
    for part in args.parts:
        result = run[part]()
        store(part, result, merge=bool(args.only))
        print(tables({part: result}).get(f"soak-{part}"))


if __name__ == "__main__":
    main()
