"""How much memory this process can still allocate, checked before large allocations.

A process that exceeds the limit of its container is killed without a message. A check in advance can report how much
memory is needed, and what to do instead. These limits are checked: the memory cgroups of this process (version 1 and 2)
and their ancestors, such as a container's; ``RLIMIT_AS`` and ``RLIMIT_DATA`` (``ulimit -v`` and ``-d``); and the memory
of the machine. Page cache that the kernel can drop counts as available. On a system that reports none of these limits,
every allocation is allowed.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

ROOT = Path("/")  # contains /proc and the mount points of cgroups; tests replace it
UNDER = " are available under "  # in the text of every error of a check
SMALL = 1 << 20  # bytes; smaller allocations are not checked


@dataclass(frozen=True)
class Limit:
    """The number of bytes that are `available` under the limit called `name`."""

    name: str
    available: int


def require(n_bytes: int, purpose: str, alternatives: Sequence[str] = ()) -> None:
    """Raise a MemoryError if an allocation would exceed a limit.

    Parameters
    ----------
    n_bytes : int
        Number of bytes to be allocated.
    purpose : str
        What needs the memory: the subject of the error message.
    alternatives : sequence of str
        What the user can try instead, best first.

    Raises
    ------
    MemoryError
        With the number of bytes needed and available, the name of the limit, and the alternatives.
    """
    if n_bytes < SMALL:
        return
    tightest = available()
    if tightest is None or n_bytes <= tightest.available:
        return
    _refuse(n_bytes, purpose, tightest, alternatives)


def require_for_process(n_bytes: Mapping[str, int], purpose: str) -> None:
    """Like `require`, for what takes address space but little memory, such as libraries.

    Parameters
    ----------
    n_bytes : mapping from str to int
        The number of bytes for each of ``"RLIMIT_AS"`` and ``"RLIMIT_DATA"``.
    purpose : str

    Raises
    ------
    MemoryError
    """
    for limit in process_limits():
        needed = n_bytes[limit.name.partition(" ")[0]]
        if needed > limit.available:
            _refuse(needed, purpose, limit, ["a higher limit"])


def _refuse(n_bytes: int, purpose: str, limit: Limit, alternatives: Sequence[str]) -> None:
    advice = "; try " + ", or ".join(alternatives) if alternatives else ""
    needed, left = format_bytes(n_bytes), format_bytes(limit.available)
    raise MemoryError(f"{purpose} needs {needed}, but only {left}{UNDER}{limit.name}{advice}")


def explained(error: Exception) -> str:
    """The text of an error; for an allocation that was not checked, with what is available and what to do."""
    text = str(error)
    unchecked = isinstance(error, MemoryError) and not any(part in text for part in (UNDER, "cannot start"))
    if not unchecked and not (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return text
    text = "out of memory" if text in ("", "std::bad_alloc") else f"out of memory: {text}"
    limit = available()
    left = "" if limit is None else f"; {format_bytes(limit.available)}{UNDER}{limit.name}"
    return f"{text}{left}; use fewer workers or a smaller model, or allow the process more memory"


def available() -> Limit | None:
    """The tightest limit, or None if none is known. Takes a fraction of a millisecond."""
    return min(limits(), key=lambda limit: limit.available, default=None)


def limits() -> Iterator[Limit]:
    """All limits that apply to this process."""
    yield from _machine()
    yield from process_limits()
    yield from _cgroups()


def format_bytes(n: int) -> str:
    """A number of bytes, exact and human-readable: ``5,500,000,000 bytes (5.5 GB)``."""
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if n >= size:
            return f"{n:,} bytes ({n / size:.3g} {unit})"
    return f"{n:,} bytes"


# -----------------------------------------------------------------------------------------------------
# The machine and the process


def _machine() -> Iterator[Limit]:
    sizes = _read_sizes(ROOT / "proc/meminfo")
    if "MemAvailable" in sizes:
        swap = sizes.get("SwapFree", 0)
        yield Limit("the machine's memory" + (" and swap" if swap else ""), sizes["MemAvailable"] + swap)


def process_limits() -> Iterator[Limit]:
    """The limits that `ulimit` has set for this process."""
    if resource is None:
        return
    used: dict[str, int] | None = None
    for name, in_use, command in (("RLIMIT_AS", "VmSize", "ulimit -v"), ("RLIMIT_DATA", "VmData", "ulimit -d")):
        limit = resource.getrlimit(getattr(resource, name))[0] if hasattr(resource, name) else resource.RLIM_INFINITY
        if limit != resource.RLIM_INFINITY:
            used = _read_sizes(ROOT / "proc/self/status") if used is None else used
            yield Limit(f"{name} ({command}) of {format_bytes(limit)}", max(0, limit - used.get(in_use, 0)))


def _read_sizes(path: Path) -> dict[str, int]:
    """Parse lines ``Name:  number kB`` of a file in /proc, in bytes; empty if there is no such file."""
    return {name: 1024 * int(n) for name, n in re.findall(r"^(\w+):\s+(\d+) kB$", _read_text(path), re.MULTILINE)}


def _read_text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


# -----------------------------------------------------------------------------------------------------
# Control groups


@dataclass(frozen=True)
class _Version:
    """The file names of one version of cgroups."""

    limit: str
    usage: str
    cache: tuple[str, ...]  # fields of memory.stat: the page cache of the group and its descendants

    def limit_of(self, folder: Path) -> Limit | None:
        limit, usage = _read_number(folder / self.limit), _read_number(folder / self.usage)
        if limit is None or limit >= 1 << 62 or usage is None:  # in version 1, a huge number means "no limit"
            return None
        stat = dict(re.findall(r"^(\w+) (\d+)$", _read_text(folder / "memory.stat"), re.MULTILINE))
        reclaimable = min(usage, sum(int(stat.get(name, 0)) for name in self.cache))
        name = f"the memory cgroup {folder} ({self.limit}) of {format_bytes(limit)}"
        return Limit(name, max(0, limit - usage + reclaimable))


V1 = _Version("memory.limit_in_bytes", "memory.usage_in_bytes", ("total_inactive_file", "total_active_file"))
V2 = _Version("memory.max", "memory.current", ("inactive_file", "active_file", "slab_reclaimable"))


def _cgroups() -> Iterator[Limit]:
    """The limits of the memory cgroup of this process and its ancestors, up to the mount point."""
    groups = _groups_of_process()
    if not groups:
        return
    for version, mount_root, mount in _mounts():
        if version not in groups:
            continue
        top = ROOT / mount.lstrip("/")
        folder = top / _relative_path(groups[version], mount_root)
        while True:
            limit = version.limit_of(folder)
            if limit is not None:
                yield limit
            if folder == top:
                break
            folder = folder.parent


def _groups_of_process() -> dict[_Version, str]:
    """The path of the cgroup of this process, by version."""
    groups = {}
    for line in _read_text(ROOT / "proc/self/cgroup").splitlines():
        hierarchy, controllers, path = [*line.split(":", 2), "", ""][:3]
        if hierarchy == "0" and not controllers:
            groups[V2] = path
        elif "memory" in controllers.split(","):
            groups[V1] = path
    return groups


def _mounts() -> Iterator[tuple[_Version, str, str]]:
    """The mounts of memory cgroups: version, root of the mount within the hierarchy, mount point."""
    for line in _read_text(ROOT / "proc/self/mountinfo").splitlines():
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


def _relative_path(path: str, mount_root: str) -> PurePosixPath:
    """The path of a group relative to a mount point. In a container, the mount may start at the group, or elsewhere."""
    try:
        relative = PurePosixPath(os.path.normpath(path)).relative_to(mount_root)
    except ValueError:
        return PurePosixPath()
    return PurePosixPath() if ".." in relative.parts else relative


def _read_number(path: Path) -> int | None:
    text = _read_text(path).strip()
    return int(text) if text.isdecimal() else None
