#!/usr/bin/env bash
# Makes the files of this folder anew:  make.sh PROGRAM PYTHON
# PROGRAM: the reference program (https://github.com/epfml/sent2vec, `make`); PYTHON: an interpreter with its module
# (`pip install .` there) and gensim, which ships the corpus.
set -euo pipefail
program=$1 python=$2
cd "$(dirname "$0")"

"$python" - <<'END'
from gensim.test.utils import datapath

# Words with a space that is none to the program, a label, its placeholder, and bytes that are not UTF-8.
odd = b"caf\xc3\xa9 a\xc2\xa0b zz\xe3\x80\x80q __label__x <PLACEHOLDER> bad\xfebyte police\n"
with open(datapath("lee_background.cor"), "rb") as lines, open("corpus.tmp", "wb") as out:
    out.write(lines.read().rstrip() + b"\n" + 20 * odd)
END

options=(-input corpus.tmp -dim 4 -minCount 15 -bucket 200 -epoch 3 -lr 0.2 -thread 1 -verbose 0)
for n in 1 2 3 4 5; do
    "$program" sent2vec "${options[@]}" -wordNgrams $n -bucket 200 -dropoutK $((n % 3)) -output ngrams$n
done
"$program" cbow-c+w-ngrams "${options[@]}" -wordNgrams 2 -bucketChar 100 -dropoutK 1 -output characters

"$python" - <<'END'
import json, glob
import sent2vec

sentences = json.load(open("sentences.json", encoding="utf-8"))
vectors = {}
for path in sorted(glob.glob("*.bin")):
    model = sent2vec.Sent2vecModel()
    model.load_model(path)
    vectors[path] = [[float(f"{x:.9g}") for x in row.tolist()] for row in model.embed_sentences(sentences)]
text = json.dumps(vectors).replace("]], ", "]],\n").replace("], ", "],\n ")
open("vectors.json", "w", encoding="utf-8").write(text + "\n")
END
rm corpus.tmp
