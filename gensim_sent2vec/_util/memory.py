"""How much memory this process may still take, asked before it takes it.

A process that takes more than its container allows is killed without a word; one that asks first can say what it
needed. Looked at are the memory cgroups of this process, version 1 and 2, and those around them (a container's limit);
``RLIMIT_AS`` and ``RLIMIT_DATA`` (``ulimit -v`` and ``-d``); and the machine's own memory. Page cache that the kernel
can drop counts as free. Where a system has none of these, nothing is ever refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

ROOT = Path("/")  # of /proc and of the cgroups' mounts
SMALL = 1 << 20  # requests below are not worth a look


@dataclass(frozen=True)
class Limit:
    """What one limit leaves: `available` bytes, by the limit called `name`."""

    name: str
    available: int


def require(nbytes: int, what: str, ways_out: Sequence[str] = ()) -> None:
    """Raise where `nbytes` more do not fit, before anything is allocated.

    Parameters
    ----------
    nbytes : int
        Bytes that are about to be allocated.
    what : str
        What needs them, as the start of a sentence.
    ways_out : sequence of str
        What to do instead, the best first.

    Raises
    ------
    MemoryError
        With the bytes needed, the bytes available, the limit that says so, and the ways out.
    """
    if nbytes < SMALL:
        return
    tightest = available()
    if tightest is None or nbytes <= tightest.available:
        return
    advice = "; instead " + ", or ".join(ways_out) if ways_out else ""
    need, left = in_bytes(nbytes), in_bytes(tightest.available)
    raise MemoryError(f"{what} needs {need}, and {left} are available under {tightest.name}{advice}")


def available() -> Limit | None:
    """The tightest limit, None where none is known. Takes a fraction of a millisecond."""
    return min(limits(), key=lambda limit: limit.available, default=None)


def limits() -> Iterator[Limit]:
    """All limits that hold for this process."""
    yield from _machine()
    yield from _rlimits()
    yield from _cgroups()


def in_bytes(n: int) -> str:
    """A number of bytes, exactly and for people: ``5,500,000,000 bytes (5.5 GB)``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if n >= size:
            return f"{n:,} bytes ({n / size:.3g} {unit})"
    return f"{n:,} bytes"


# -----------------------------------------------------------------------------------------------------
# The machine and the process


def _machine() -> Iterator[Limit]:
    facts = _kilobytes(ROOT / "proc/meminfo")
    if "MemAvailable" in facts:
        swap = facts.get("SwapFree", 0)
        yield Limit("the machine's memory" + (" and swap" if swap else ""), facts["MemAvailable"] + swap)


def _rlimits() -> Iterator[Limit]:
    if resource is None:
        return
    used: dict[str, int] | None = None
    for name, in_use, command in (("RLIMIT_AS", "VmSize", "ulimit -v"), ("RLIMIT_DATA", "VmData", "ulimit -d")):
        limit = resource.getrlimit(getattr(resource, name))[0] if hasattr(resource, name) else resource.RLIM_INFINITY
        if limit != resource.RLIM_INFINITY:
            used = _kilobytes(ROOT / "proc/self/status") if used is None else used
            yield Limit(f"{name} ({command}) of {in_bytes(limit)}", max(0, limit - used.get(in_use, 0)))


def _kilobytes(path: Path) -> dict[str, int]:
    """The lines ``Name:  number kB`` of a file of /proc, in bytes; nothing where there is no such file."""
    return {name: 1024 * int(n) for name, n in re.findall(r"^(\w+):\s+(\d+) kB$", _text(path), re.MULTILINE)}


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


# -----------------------------------------------------------------------------------------------------
# Control groups


@dataclass(frozen=True)
class _Version:
    """The names of the files of one version of cgroups."""

    limit: str
    usage: str
    cache: tuple[str, ...]  # of memory.stat: the page cache, of the group and those below it

    def left(self, folder: Path) -> Limit | None:
        limit, usage = _number(folder / self.limit), _number(folder / self.usage)
        if limit is None or limit >= 1 << 62 or usage is None:  # version 1 has a huge number for "no limit"
            return None
        stat = dict(re.findall(r"^(\w+) (\d+)$", _text(folder / "memory.stat"), re.MULTILINE))
        reclaimable = min(usage, sum(int(stat.get(name, 0)) for name in self.cache))
        name = f"the memory cgroup {folder} ({self.limit}) of {in_bytes(limit)}"
        return Limit(name, max(0, limit - usage + reclaimable))


V1 = _Version("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))
V2 = _Version("memory.max", "memory.current", ("inactive_file", "active_file", "slab_reclaimable"))


def _cgroups() -> Iterator[Limit]:
    """The limits of this process's memory cgroups, from its own up to the mount, which may be a container's."""
    groups = _groups_of_process()
    if not groups:
        return
    for version, mount_root, mount in _mounts():
        if version not in groups:
            continue
        top = ROOT / mount.lstrip("/")
        folder = top / _below(groups[version], mount_root)
        while True:
            limit = version.left(folder)
            if limit is not None:
                yield limit
            if folder == top:
                break
            folder = folder.parent


def _groups_of_process() -> dict[_Version, str]:
    """The path of this process's group in the hierarchy of each version."""
    groups = {}
    for line in _text(ROOT / "proc/self/cgroup").splitlines():
        hierarchy, controllers, path = [*line.split(":", 2), "", ""][:3]
        if hierarchy == "0" and not controllers:
            groups[V2] = path
        elif "memory" in controllers.split(","):
            groups[V1] = path
    return groups


def _mounts() -> Iterator[tuple[_Version, str, str]]:
    """Where memory cgroups are mounted: version, root of the mount within the hierarchy, mount point."""
    for line in _text(ROOT / "proc/self/mountinfo").splitlines():
        if " - cgroup" not in line:
            continue
        before, _, after = line.partition(" - ")
        fields, (kind, _, options) = before.split(), [*after.split(" ", 2), "", ""][:3]
        if len(fields) < 5:
            continue
        root, point = (re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field) for field in fields[3:5])
        if kind == "cgroup2":
            yield V2, root, point
        elif kind == "cgroup" and "memory" in options.split(","):
            yield V1, root, point


def _below(path: str, mount_root: str) -> PurePosixPath:
    """A group's path below a mount point. In a container the mount may begin at the group itself, or elsewhere."""
    try:
        below = PurePosixPath(os.path.normpath(path)).relative_to(mount_root)
    except ValueError:
        return PurePosixPath()
    return PurePosixPath() if ".." in below.parts else below


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None
