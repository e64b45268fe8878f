"""How do gensim and the reference program behave where this package makes a promise?

gensim's `Word2Vec.save` is interrupted by a limit on the size of files, and by SIGKILL. The reference program, which
must be built elsewhere (`--reference PROGRAM`), is asked to load a file that does not exist.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from .kills import start

SEPARATE = 1000  # bytes from which arrays are saved separately, as large models are by default
FAILED_SAVE = """
import resource, signal, sys
from gensim.models import Word2Vec
from gensim.test.utils import common_texts
from gensim_sent2vec import Sent2Vec

def complete(model):
    return all(getattr(owner, name, None) is not None for owner, name in ((model, "syn1neg"), (model.wv, "vectors")))

# With sep_limit=1000, the matrices are saved separately, as they are by default from ten million items.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sentences = [[f"w{i % 3000}", f"w{(7 * i) % 3000}"] for i in range(9000)]
for cls in (Word2Vec, Sent2Vec):
    model = cls(sentences, vector_size=100, min_count=1, epochs=1)
    path = f"{sys.argv[1]}/{cls.__name__}"
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    try:
        model.save(path, sep_limit=1000)
        failed = False
    except OSError:
        failed = True
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    intact = complete(model)
    try:
        model.save(path, sep_limit=1000)
        loaded = cls.load(path)
        loadable = complete(loaded)
        if loadable:  # otherwise, gensim's threads end with an error, and its train waits for them forever
            loaded.train(sentences, total_examples=len(sentences), epochs=1)
    except Exception:
        loadable = False
    print(failed, intact, loadable)
"""


def failed_save() -> dict[str, dict[str, bool]]:
    """Whether a model in memory survives a save that fails, and whether the next save can be loaded and trained."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-c", FAILED_SAVE, folder], capture_output=True, text=True, check=True)
    rows = [[word == "True" for word in line.split()] for line in done.stdout.splitlines()[-2:]]
    return {
        name: dict(zip(("the save failed", "intact", "the next save is complete"), row))
        for name, row in zip(("gensim Word2Vec", "this package"), rows)
    }


def killed_saves(kills: int, seed: int = 1) -> dict[str, int]:
    """What a killed `Word2Vec.save` leaves: the old model, the new one, or neither."""
    from gensim.models import Word2Vec

    sentences = [[f"w{i % 20_000}", f"w{(7 * i) % 20_000}"] for i in range(60_000)]
    models = [Word2Vec(sentences, vector_size=100, min_count=1, epochs=1, seed=seed) for seed in (1, 2)]

    def read(path: str) -> str:
        loaded = Word2Vec.load(path)
        return hashlib.sha256(loaded.wv.vectors.tobytes() + loaded.syn1neg.tobytes()).hexdigest()

    folder, rng = Path(tempfile.mkdtemp(prefix="soak-")), random.Random(seed)
    path, seen = str(folder / "x.model"), {"killed": 0, "old": 0, "new": 0, "neither": 0}
    try:
        contents = []
        for model in models:
            model.save(path, sep_limit=SEPARATE)
            contents.append(read(path))
        began = time.monotonic()
        os.waitpid(start(lambda: models[1].save(path, sep_limit=SEPARATE)), 0)
        seconds = time.monotonic() - began
        while seen["killed"] < kills:
            models[0].save(path, sep_limit=SEPARATE)
            child = start(lambda: models[1].save(path, sep_limit=SEPARATE))
            time.sleep(rng.uniform(0, seconds))
            os.kill(child, signal.SIGKILL)
            if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
                continue
            seen["killed"] += 1
            try:
                content = read(path)
            except Exception:
                content = ""
            seen["old" if content == contents[0] else "new" if content == contents[1] else "neither"] += 1
    finally:
        shutil.rmtree(folder)
    return seen


def missing_file(reference: str) -> dict[str, Any]:
    """How the reference program ends if the model does not exist."""
    done = subprocess.run(
        [reference, "print-sentence-vectors", "/nothing.bin"], capture_output=True, text=True, input=""
    )
    return {"status": done.returncode, "said": done.stderr.strip()}


def run(reference: str | None = None, kills: int = 50) -> dict[str, Any]:
    result: dict[str, Any] = {"failed save": failed_save(), "killed saves of gensim": killed_saves(kills)}
    return result | ({"missing file": missing_file(reference)} if reference else {})
