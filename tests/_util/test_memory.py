"""The memory that is available, according to a fake /proc and /sys, and a real RLIMIT."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors
from gensim_sent2vec._files import container
from gensim_sent2vec._util import memory
from gensim_sent2vec._util.memory import Limit

GB = 10**9
UNLIMITED = 0x7FFFFFFFFFFFF000  # how version 1 reports that there is no limit
V1_MOUNT = "35 31 0:32 {root} /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory"
V2_MOUNT = "31 23 0:28 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
OTHERS = "27 1 254:0 / / rw - ext4 /dev/vda rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"


@pytest.fixture(autouse=True)
def no_rlimits(monkeypatch):
    """Ignore the limits under which the tests run."""
    monkeypatch.setattr(memory, "resource", None)


@pytest.fixture
def system(tmp_path, monkeypatch):
    """``system(files)``: create a root folder with these files, whose contents may be numbers."""
    monkeypatch.setattr(memory, "ROOT", tmp_path)

    def make(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{text}\n")

    return make


def available():
    return sorted(limit.available for limit in memory.limits())


def v1(group, limit, usage, inactive=0, active=0):
    folder = f"sys/fs/cgroup/memory{group}"
    stat = f"cache 5\nrss 7\ninactive_file 1\ntotal_inactive_file {inactive}\ntotal_active_file {active}"
    return {
        f"{folder}/memory.limit_in_bytes": limit,
        f"{folder}/memory.usage_in_bytes": usage,
        f"{folder}/memory.stat": stat,
    }


def v2(group, limit, usage, inactive=0, active=0):
    folder = f"sys/fs/cgroup{group}"
    stat = f"anon 5\nfile 9\ninactive_file {inactive}\nactive_file {active}\nslab_reclaimable 100"
    return {f"{folder}/memory.max": limit, f"{folder}/memory.current": usage, f"{folder}/memory.stat": stat}


def of_process(group, mount, root="/"):
    return {"proc/self/cgroup": group, "proc/self/mountinfo": OTHERS + mount.format(root=root)}


# -----------------------------------------------------------------------------------------------------
# Limits


def test_without_a_known_limit_everything_is_allowed(system):
    system({})
    assert memory.available() is None
    memory.require(10**18, "a huge array")


def test_the_machine(system):
    system({"proc/meminfo": "MemTotal:  9000 kB\nMemFree:  1 kB\nMemAvailable:  2000 kB\nSwapFree:  0 kB"})
    assert memory.available() == Limit("the machine's memory", 2000 * 1024)
    system({"proc/meminfo": "MemAvailable:  2000 kB\nSwapFree:  500 kB"})
    assert memory.available() == Limit("the machine's memory and swap", 2500 * 1024)


def test_version_1(system):
    system(of_process("9:name=systemd:/\n4:cpu,memory:/jobs/a\n0::/", V1_MOUNT))
    system(v1("/jobs/a", 4 * GB, 3 * GB, inactive=GB // 2, active=GB // 4))
    limit = memory.available()
    assert limit.available == GB + GB // 2 + GB // 4
    assert "cgroup/memory/jobs/a (memory.limit_in_bytes) of 4,000,000,000 bytes (4 GB)" in limit.name


def test_version_2(system):
    system(of_process("0::/user/session", V2_MOUNT))
    system(v2("/user/session", 4 * GB, 3 * GB, inactive=1000, active=10))
    limit = memory.available()
    assert limit.available == GB + 1000 + 10 + 100
    assert "cgroup/user/session (memory.max) of 4,000,000,000 bytes" in limit.name


def test_both_versions_together(system):
    mounts = (
        V1_MOUNT.format(root="/") + "\n" + V2_MOUNT.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified").format(root="/")
    )
    system({"proc/self/cgroup": "4:memory:/a\n0::/b", "proc/self/mountinfo": mounts})
    system(v1("/a", 500, 100) | v2("/unified/b", 400, 100))
    assert available() == [400, 400]  # v2: 300, and 100 of its slab cache


def test_the_limits_of_ancestors_apply_too(system):
    system(of_process("0::/a/b/c", V2_MOUNT))
    system(v2("/a/b/c", "max", 100) | v2("/a/b", 900, 500) | v2("/a", 1000, 800) | v2("", 10**6, 0))
    assert available() == [300, 500, 10**6]
    assert "cgroup/a (memory.max)" in memory.available().name


def test_no_limit(system):
    system(of_process("0::/a", V2_MOUNT) | v2("/a", "max", 100))
    assert available() == []
    system(of_process("4:memory:/a", V1_MOUNT) | v1("/a", UNLIMITED, 100))
    assert available() == []


def test_a_group_over_its_limit(system):
    system(of_process("0::/a", V2_MOUNT) | v2("/a", 1000, 1500))
    assert available() == [0]


def test_the_cache_cannot_exceed_the_usage(system):
    system(of_process("4:memory:/a", V1_MOUNT) | v1("/a", 1000, 300, inactive=800, active=800))
    assert available() == [1000]


def test_a_container_whose_mount_starts_at_its_group(system):
    system(of_process("4:memory:/docker/12ab", V1_MOUNT, root="/docker/12ab") | v1("", 1000, 300))
    assert available() == [700]
    system(of_process("4:memory:/docker/12ab/x", V1_MOUNT, root="/docker/12ab") | v1("/x", 600, 300))
    assert available() == [300, 700]


@pytest.mark.parametrize("group", ["/elsewhere", "/../..", "/docker/12ab/../34", ""])
def test_a_container_whose_group_is_outside_of_the_mount(system, group):
    system(of_process(f"0::{group}", V2_MOUNT, root="/docker/12ab") | v2("", 1000, 300))
    assert available() == [800]


def test_mount_points_with_spaces(system):
    system(of_process("0::/a", V2_MOUNT.replace("/sys/fs/cgroup", r"/my\040groups")))
    system({"my groups/a/memory.max": 1000, "my groups/a/memory.current": 1})
    assert available() == [999]


@pytest.mark.parametrize(
    "files",
    [
        {"proc/self/cgroup": "nonsense", "proc/self/mountinfo": "more nonsense - cgroup2"},
        {"proc/self/cgroup": "0::/a"},
        {"proc/self/mountinfo": V2_MOUNT.format(root="/")},
        of_process("0::/a", V2_MOUNT),
        of_process("0::/a", V2_MOUNT) | {"sys/fs/cgroup/a/memory.max": "lots", "sys/fs/cgroup/a/memory.current": 5},
        of_process("0::/a", V2_MOUNT) | {"sys/fs/cgroup/a/memory.max": 1000},
        {"proc/meminfo": "MemAvailable: many kB"},
        {"proc/self/mountinfo": "a - cgroup2 b c\n" * 3, "proc/self/cgroup": "0::/a\n:::\n\n1:memory"},
    ],
)
def test_unexpected_contents_are_ignored(system, files):
    system(files)
    assert available() == []


# -----------------------------------------------------------------------------------------------------
# Requests


def test_the_message(system):
    system(of_process("0::/a", V2_MOUNT) | v2("/a", 4 * GB, 10**8))
    memory.require(3 * GB, "loading 'm.bin'", ["x"])
    with pytest.raises(MemoryError) as caught:
        memory.require(5_500_000_000, "loading 'm.bin'", ["mmap='r'", "float16"])
    assert str(caught.value).startswith(
        "loading 'm.bin' needs 5,500,000,000 bytes (5.5 GB), but only 3,900,000,100 bytes (3.9 GB) are available under "
        "the memory cgroup "
    )
    assert str(caught.value).endswith("(memory.max) of 4,000,000,000 bytes (4 GB); try mmap='r', or float16")


def test_small_requests_are_never_refused(system):
    system(of_process("0::/a", V2_MOUNT) | v2("/a", 10, 10))
    memory.require(1000, "a small array")


@pytest.mark.parametrize("n, text", [(999, "999 bytes"), (2_500_000, "2,500,000 bytes (2.5 MB)")])
def test_formatted_bytes(n, text):
    assert memory.format_bytes(n) == text


def test_training_checks_before_it_allocates(monkeypatch):
    words = [[f"word{i}" for i in range(200)]]
    model = Sent2Vec(vector_size=1000, min_count=1, word_ngrams=2, bucket=5000)
    monkeypatch.setattr(memory, "available", lambda: Limit("a limit", 2_000_000))
    what = "training 200 words and 5000 n-gram rows of 1000 dimensions needs 21,604,000 bytes"
    match = rf"{what} .*a smaller bucket \(now 5000\)"
    with pytest.raises(MemoryError, match=match):
        model.build_vocab(words)
    small = Sent2Vec(vector_size=1000, min_count=1)
    small.build_vocab(words)
    with pytest.raises(MemoryError, match=r"training 700 words of 1000 .*a larger min_count \(now 1\)"):
        small.build_vocab([[f"new{i}" for i in range(500)]], update=True)


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is defined differently elsewhere")
@pytest.mark.parametrize("name, command", [("RLIMIT_AS", "ulimit -v"), ("RLIMIT_DATA", "ulimit -d")])
def test_real_rlimits(run_python, name, command):
    code = """
import resource, sys
import numpy as np
from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors
from gensim_sent2vec._files import container
from gensim_sent2vec._util import memory
before = memory._read_sizes(memory.ROOT / "proc/self/status")["VmSize" if sys.argv[1] == "RLIMIT_AS" else "VmData"]
resource.setrlimit(getattr(resource, sys.argv[1]), (before + 300_000_000,) * 2)
left = next(limit.available for limit in memory.limits() if sys.argv[1] in limit.name)
assert 250_000_000 < left <= 300_000_000, left
held = np.ones(100_000_000, dtype=np.uint8)
assert 150_000_000 < left - memory.available().available + 50_000_000 < 200_000_000
try:
    Sent2Vec([["a", "b"]] * 5, vector_size=100, word_ngrams=2, bucket=2_000_000, min_count=1)
except MemoryError as error:
    print(error)
"""
    printed, status = run_python(code, name)
    assert status == 0, printed
    assert "needs 800,002,000 bytes (800 MB)" in printed and f"under {name} ({command})" in printed


def test_the_limits_of_the_real_system():
    tightest = memory.available()
    assert tightest is None or tightest.available > 0
    memory.require(np.ones(10).nbytes, "ten values")


def test_loading_native_files_is_checked_too(tmp_path, monkeypatch, lee):
    model = Sent2Vec(lee, vector_size=100, min_count=5, epochs=1, word_ngrams=2, bucket=5000)
    model.wv.save(tmp_path / "vectors")
    model.save(str(tmp_path / "model"))
    monkeypatch.setattr(memory, "available", lambda: Limit("a limit", 1_500_000))
    with pytest.raises(
        MemoryError, match=r"loading '.*vectors' needs .* 1,500,000 bytes .*a limit; try load.*mmap='r'"
    ):
        Sent2VecKeyedVectors.load(tmp_path / "vectors")
    with pytest.raises(MemoryError, match=r"loading '.*model' needs .*a limit; try load.*mmap='r'"):
        Sent2Vec.load(str(tmp_path / "model"))
    assert len(Sent2VecKeyedVectors.load(tmp_path / "vectors", mmap="r")) == len(model.wv)
    assert len(Sent2Vec.load(str(tmp_path / "model"), mmap="r").wv) == len(model.wv)


def test_large_mapped_ngrams_are_not_read_ahead(tmp_path, monkeypatch, lee):
    model = Sent2Vec(lee, vector_size=100, min_count=5, epochs=1, word_ngrams=2, bucket=5000)
    model.wv.save(tmp_path / "vectors")
    monkeypatch.setattr(container, "RANDOM_ACCESS_BYTES", 1)
    wv = Sent2VecKeyedVectors.load(tmp_path / "vectors", mmap="r")
    assert np.array_equal(wv.encode(lee[:20]), model.wv.encode(lee[:20]))
    smaps = Path("/proc/self/smaps")
    if smaps.exists():
        advised = 0
        for mapping in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", smaps.read_text()):
            if str(tmp_path / "vectors") in mapping and re.search(r"^VmFlags:.* rr", mapping, re.MULTILINE):
                advised += int(re.search(r"^Size:\s+(\d+) kB", mapping, re.MULTILINE)[1]) * 1024
        assert wv.vectors_ngrams.nbytes <= advised < wv.vectors_ngrams.nbytes + 3 * 4096
