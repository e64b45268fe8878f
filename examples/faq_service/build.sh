#!/bin/sh
# From a table of questions and answers to the two files that the service reads.
#   ./build.sh faq.tsv FOLDER [TOKENIZER]
# faq.tsv has the columns question and answer, separated by tabs, and a first line with these names.
set -eu

faq=$1 folder=$2 tokenizer=${3:-words}
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Questions and answers as texts to train on, one per line. Better: a large corpus of your own field.
awk -F '\t' '
    NR == 1 { for (i = 1; i <= NF; i++) if ($i == "question" || $i == "answer") wanted[i]; else if ($i == "role") role = i }
    NR > 1 && !(role && $role == "query") { for (i in wanted) print $i }
' "$faq" > "$work/texts.txt"

gensim-sent2vec train "$work/texts.txt" "$work/faq.model" --tokenizer "$tokenizer" --min-count 1 --epochs 100
gensim-sent2vec convert "$work/faq.model" "$folder/faq.s2v"
gensim-sent2vec index "$folder/faq.s2v" "$faq" "$folder/faq.index" --lexical
