"""Many processes, one model in memory.

Trains a small bigram model, saves its vectors as one file, and starts
processes that all encode sentences: forked ones, which inherit the mapped
file, like the workers of gunicorn and uvicorn, and spawned ones, which map it
by its path. Prints the private memory (unique set size, from
/proc/self/smaps_rollup) that each process has gained since it started,
measured while all are alive. Expect a few MB each, whatever the size of the
file, and, for comparison, the entire file in each process that loads it
without mmap.

    python multiprocess_serving.py --bucket 2000000 --processes 8   # 800 MB
    python multiprocess_serving.py --model my.s2v --corpus sentences.txt
"""

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np

from gensim_sent2vec import Sent2Vec, Sent2VecKeyedVectors
from gensim_sent2vec.datasets import lee_documents, split_sentences

ROLLUP = Path("/proc/self/smaps_rollup")


def private_bytes():
    """Memory that only this process holds, in bytes; None if the system is not Linux."""
    if not ROLLUP.exists():
        return None
    fields = (line.split(":") for line in ROLLUP.read_text().splitlines()[1:])
    sizes = {name: 1024 * int(size.split()[0]) for name, size in fields}
    return sizes["Private_Clean"] + sizes["Private_Dirty"]


def serve(path, mmap, inherited, sentences, all_alive, results):
    """A process: load vectors or use the inherited ones, encode, wait for the others, report."""
    before = private_bytes()
    started = time.perf_counter()
    wv = inherited or Sent2VecKeyedVectors.load(path, mmap=mmap)
    loaded = time.perf_counter() - started
    vectors = np.array([wv.get_sentence_vector(sentence) for sentence in sentences])
    all_alive.wait()  # pages that other processes have mapped too are not private
    gained = None if before is None else private_bytes() - before
    results.put((vectors.sum(axis=0), len(vectors), loaded, gained))
    all_alive.wait()  # nobody exits while others measure


def run(how, path, mmap, sentences, n):
    """Start n processes; return what each of them reports."""
    context = multiprocessing.get_context(how)
    inherited = Sent2VecKeyedVectors.load(path, mmap=mmap) if how == "fork" and mmap else None
    all_alive, results = context.Barrier(n), context.Queue()
    processes = [
        context.Process(target=serve, args=(path, mmap, inherited, sentences[i::n], all_alive, results))
        for i in range(n)
    ]
    for process in processes:
        process.start()
    reports = [results.get(timeout=300) for _ in processes]
    for process in processes:
        process.join()
    return reports


def show(name, reports, expected):
    """Print a line per process, and check that together they give the vectors of a single process."""
    total = sum(vectors for vectors, *_ in reports)
    assert np.allclose(total, expected, atol=1e-2), "the vectors of the processes differ from those of this one"
    print(f"{name}: the vectors equal those of a single process.")
    for number, (_, encoded, loaded, gained) in enumerate(reports, 1):
        memory = "unknown (not Linux)" if gained is None else f"{max(0, gained) / 1e6:7.1f} MB"
        print(f"    process {number}: {encoded:5,} sentences, loaded in {1000 * loaded:6.1f} ms, private {memory}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--bucket", type=int, default=200_000, help="n-gram buckets of the trained model (200000)")
    parser.add_argument("--model", help="vectors saved by wv.save (default: train some)")
    parser.add_argument("--corpus", help="sentences to encode, one per line (default: news that ships with gensim)")
    args = parser.parse_args()

    news = split_sentences(lee_documents("lee_background.cor"))
    sentences = Path(args.corpus).read_text(encoding="utf-8").splitlines() if args.corpus else news
    with tempfile.TemporaryDirectory() as folder:
        path = args.model or str(Path(folder) / "news.s2v")
        if not args.model:
            model = Sent2Vec(news, tokenizer="simple", min_count=2, word_ngrams=2, bucket=args.bucket, weighting=False)
            model.wv.save(path)
            del model
        wv = Sent2VecKeyedVectors.load(path, mmap="r")
        expected = wv.encode(sentences, show_progress_bar=False).sum(axis=0)
        print(
            f"{len(wv):,} words, {len(wv.vectors_ngrams):,} n-gram rows: {Path(path).stat().st_size / 1e6:,.0f} MB.\n"
        )
        del wv  # so that each process pays for itself
        for how in ("fork", "spawn"):
            if how in multiprocessing.get_all_start_methods():
                show(f"{how}, mmap", run(how, path, "r", sentences, args.processes), expected)
        show("spawn, without mmap", run("spawn", path, None, sentences, min(2, args.processes)), expected)


if __name__ == "__main__":
    main()
