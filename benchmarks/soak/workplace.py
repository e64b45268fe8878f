"""The files that the tests work with, and the commands that are tested, each with what it writes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TRAIN = ("--vector-size", "40", "--epochs", "1", "--word-ngrams", "2", "--workers", "2")
COMMAND = (sys.executable, "-m", "gensim_sent2vec")
QUESTIONS = 200


@dataclass(frozen=True)
class Command:
    """A command line.

    Attributes
    ----------
    name : str
        Its row in the tables.
    arguments : str
        Separated by blanks; ``OUT`` is a file in the folder of the output, other names are files of the workplace.
    out : str
        The name of the output; empty if the command writes no file.
    source : str
        The output that is there before: it was written from other data.
    """

    name: str
    arguments: str
    out: str = ""
    source: str = ""

    def line(self, folder: Path, bucket: int, target: Path | None = None) -> list[str]:
        """The command line, given the folder of the inputs and the path of the output."""
        names = {path.name: str(path) for path in folder.iterdir()} | {"OUT": str(target), "BUCKET": str(bucket)}
        return [*COMMAND, *(names.get(word, word) for word in self.arguments.split())]


COMMANDS = (
    Command("train", f"train corpus.txt OUT --bucket BUCKET {' '.join(TRAIN)}", "new.model"),
    Command("train, tokenizer and phrases",
            f"train corpus.txt OUT --bucket BUCKET --tokenizer words --learn-phrases {' '.join(TRAIN)}",
            "new.model"),
    Command("encode", "encode a.model corpus.txt"),
    Command("encode -o, NumPy", "encode a.model corpus.txt -o OUT", "new.npy"),
    Command("encode -o, text", "encode a.model corpus.txt -o OUT", "new.txt"),
    Command("encode -o, word2vec", "encode a.model corpus.txt -o OUT", "new.vec.gz"),
    Command("similar", "similar a.model --corpus corpus.txt police"),
    Command("similar, words", "similar a.s2v police"),
    Command("tokenize", "tokenize corpus.txt OUT --tokenizer words", "new.tokens"),
    Command("evaluate --log", "evaluate a.model pairs.tsv --log OUT", "new.tsv"),
    Command("index", "index a.model faq.tsv OUT --lexical", "new.index"),
    Command("index, hnsw", "index a.model faq.tsv OUT --method hnsw", "new.index"),
    Command("convert, native", "convert a.model OUT", "new.s2v"),
    Command("convert, reference", "convert u.model OUT", "new.bin"),
    Command("convert, from reference", "convert u.bin OUT", "new.s2v"),
    Command("convert, word2vec", "convert a.model OUT", "new.vec"),
    Command("convert, word2vec binary", "convert a.model OUT", "new.w2v.bin"),
    Command("bake", "bake a.model OUT --corpus corpus.txt", "new.s2v"),
    Command("shrink", "shrink a.model OUT --float16 --bucket 1000 --eval pairs.tsv", "new.s2v"),
    Command("info", "info a.model"),
    Command("demo", "demo --save OUT", "new.model"),
    Command("tune", "tune a.model labeled.tsv OUT", "new.s2v"),
    Command("duplicates", "duplicates a.model corpus.txt"),
    Command("duplicates -o", "duplicates a.model corpus.txt -o OUT", "new.txt"),
    Command("serve, until it answers", "serve a.model faq.tsv --port 0 --workers 2"),
)  # fmt: skip


def prepare(folder: Path, bucket: int) -> None:
    """Write a corpus, questions and judged pairs, and train models; ``b`` differs from ``a`` in its seed."""
    from gensim.test.utils import datapath
    from gensim.utils import simple_preprocess

    text = Path(datapath("lee_background.cor")).read_text(encoding="latin-1")
    sentences = [" ".join(simple_preprocess(part)) for line in text.splitlines() for part in line.split(". ")]
    sentences = [sentence for sentence in sentences if sentence.count(" ") > 3]
    (folder / "corpus.txt").write_text("\n".join(sentences) + "\n")
    rng = random.Random(0)
    pairs = [f"{i % 6}\t{sentences[i]}\t{rng.choice(sentences)}" for i in range(QUESTIONS)]
    (folder / "pairs.tsv").write_text("\n".join(pairs) + "\n")
    questions = "".join(f"{sentence}\tanswer {i}\n" for i, sentence in enumerate(sentences[:QUESTIONS]))
    (folder / "faq.tsv").write_text(f"question\tanswer\n{questions}")
    labeled = "".join(f"{sentence}\tanswer {i % 20}\n" for i, sentence in enumerate(sentences[:QUESTIONS]))
    (folder / "labeled.tsv").write_text(f"question\tanswer\n{labeled}")
    for name, seed in (("a", "1"), ("b", "2")):
        model = str(folder / f"{name}.model")
        call("train", str(folder / "corpus.txt"), model, "--seed", seed, "--bucket", str(bucket), *TRAIN)
        call("convert", model, str(folder / f"{name}.s2v"))
        call("index", model, str(folder / "faq.tsv"), str(folder / f"{name}.index"), "--lexical")
    words = str(folder / "u.model")  # words only, which the reference program can read
    call("train", str(folder / "corpus.txt"), words, *TRAIN, "--word-ngrams", "1")
    call("convert", words, str(folder / "u.bin"))


def call(*arguments: str, env: Mapping[str, str] | None = None) -> None:
    """Run a command that must succeed."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, env={**os.environ, **(env or {})})
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: exit status {done.returncode}\n{done.stderr}")
