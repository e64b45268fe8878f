"""Tests of what the documentation promises that are too long for the test suite; see `__main__` for how to run them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

FAULTS = ("full disk", "read-only", "memory")


def tables(result: Mapping[str, Any]) -> dict[str, str]:
    """The tables of ``docs/promises.md``, of the tests that have been run."""
    made = {
        "kills": _kills, "faults": _faults, "load": _load, "connections": _connections, "requests": _requests,
        "races": _races, "readers": _readers, "peers": _peers,
    }  # fmt: skip
    return {f"soak-{name}": table(result[name]) for name, table in made.items() if name in result}


def _table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A Markdown table: the first column left-aligned, the others right-aligned."""
    lines = [list(header)]
    lines += [["---", *["---:"] * (len(lines[0]) - 1)], *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _facts(facts: Mapping[str, Any]) -> str:
    return _table(("", "count"), facts.items())


def _kills(result: Mapping[str, Any]) -> str:
    fields = ("killed", "old", "new", "litter", "left", "processes", "wrong")
    rows = [(name, *(seen[field] for field in fields)) for name, seen in result["writers"].items()]
    total = ("all", *(sum(row[i] for row in rows) for i in range(1, len(fields) + 1)))
    header = ("writer", "killed", "old file", "new file", "left files", "after the next write", "processes", "damaged")
    return _table(header, [total, *rows])


def _faults(result: Mapping[str, Any]) -> str:
    rows = []
    for name, faults in result["commands"].items():
        cells: list[Any] = [name]
        for fault in FAULTS:
            seen = faults.get(fault)
            cells.append(f"{seen['refused']} of {seen['runs']}" if seen else "")
        wrong = sum(seen["wrong"] for seen in faults.values())
        rows.append((*cells, wrong))
    header = ("command", "error: full disk", "error: read-only folder", "error: falling memory", "other outcomes")
    return _table(header, rows)


def _load(result: Mapping[str, Any]) -> str:
    return _facts(
        {
            "minutes": f"{result['minutes']:g}",
            "workers killed": result["killed"],
            "times that model and index were replaced": result["swaps"],
            "requests answered": result["answered"],
            "of these, by either model": f"{result['as a']:,} and {result['as b']:,}",
            "wrong answers": result["wrong"],
            "requests cut off by a kill, and sent again": result["cut off"],
            "failed requests": result["failed"],
        }
    )


def _connections(result: Mapping[str, Any]) -> str:
    return _facts(
        {
            "idle connections": result["idle"],
            "connections that send a header byte by byte": result["slow"],
            "requests meanwhile": result["asked"],
            "of these, answered": result["answered"],
            f"connections still open after {4 * result['header timeout']} seconds": result["still open"],
        }
    )


def _requests(result: Mapping[str, Any]) -> str:
    statuses = {f"status {status}": n for status, n in sorted(result["statuses"].items())}
    return _facts({"requests": result["requests"], **statuses, "violations": len(result["failures"])})


def _races(result: Mapping[str, Any]) -> str:
    return _facts(
        {
            "training threads": result["threads"],
            "accesses suppressed as races on rows": sum(result["suppressed"].values()),
            "other races": result["reports"],
            "reports without suppressions, each pair of places once": result["without"],
        }
    )


def _readers(result: Mapping[str, Any]) -> str:
    fields = ("inputs", "rejected", "accepted", "wrong")
    rows = [(name, *(seen[field] for field in fields)) for name, seen in result["targets"].items()]
    return _table(("reader", *fields), rows)


def _peers(result: Mapping[str, Any]) -> str:
    rows = []
    for name, seen in result["failed save"].items():
        rows.append((f"{name}: a failed save leaves the model in memory", "intact" if seen["intact"] else "incomplete"))
        complete = seen["the next save is complete"]
        rows.append((f"{name}: the next save", "can be loaded" if complete else "cannot be loaded and trained"))
    if "killed saves of gensim" in result:
        killed = result["killed saves of gensim"]
        rows.append((f"gensim Word2Vec: damaged files after {killed['killed']} kills while saving", killed["neither"]))
    if "missing file" in result:
        rows.append(
            (
                "reference program: loading a missing file",
                f"ends the process, status {result['missing file']['status']}",
            )
        )
    return _table(("", "outcome"), rows)
