"""Files of a sentence index, in the format of `gensim_sent2vec._files.container`.

Arrays: ``vectors``; ``sentences.blob`` and ``sentences.offsets``; ``keys`` (int64) or ``keys.blob`` and
``keys.offsets``; ``probe``, the fingerprint of the model (`gensim_sent2vec._search.fingerprint`); ``lexical.NAME`` for
the arrays of `LexicalScores`; ``graph`` and ``numbers``, the HNSW graph and the node of each row.

Facts: ``kind``; ``words``, the size of the model's vocabulary; ``lexical``, the other arguments of `LexicalScores`;
``expansion_search`` of the graph.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .._files import container
from .._text.packed import PackedStrings
from ..hnsw import Graph
from ..keyedvectors import Sent2VecKeyedVectors, check_keyed_vectors
from ..lexical import LexicalScores
from .fingerprint import check_fingerprint, fingerprint
from .keys import Keys
from .row_graph import RowGraph

KIND = "SentenceIndex"
LEXICAL = "lexical."  # prefix of array names


def write_index(
    path: str | os.PathLike[str],
    wv: Sent2VecKeyedVectors,
    vectors: np.ndarray,
    sentences: PackedStrings,
    keys: Keys | None,
    graph: RowGraph | None,
    lexical: LexicalScores | None,
) -> None:
    """Write all of an index but `wv`, atomically; of `wv` only the fingerprint is stored."""
    arrays = {"vectors": vectors, "probe": fingerprint(wv), **_string_arrays("sentences", sentences)}
    facts: dict[str, Any] = {"kind": KIND, "words": len(wv)}
    if isinstance(keys, PackedStrings):
        arrays |= _string_arrays("keys", keys)
    elif keys is not None:
        arrays["keys"] = keys
    if lexical is not None:
        arrays |= {LEXICAL + name: array for name, array in lexical.arrays.items()}
        facts["lexical"] = {"n": lexical.n, "ngrams": lexical.ngrams}
    if graph is not None:
        arrays |= {"graph": graph.graph.to_bytes(), "numbers": graph.ids}
        facts["expansion_search"] = graph.graph.index.expansion_search
    container.write(path, arrays, facts)


def read_index(
    path: str | os.PathLike[str], wv: Sent2VecKeyedVectors, mmap: str | None = None, verify: bool = False
) -> dict[str, Any]:
    """Read what `write_index` wrote, as arguments of `SentenceIndex`. See `SentenceIndex.load`."""
    check_keyed_vectors(wv)
    arrays, facts = container.read(path, mmap=mmap, verify=verify)
    if facts.get("kind") != KIND:
        raise ValueError(f"{os.fspath(path)!r} holds a {facts.get('kind')}, not a {KIND}")
    check_fingerprint(path, wv, arrays["probe"], facts["words"])
    keys: Keys | None = _strings(arrays, "keys") if "keys.blob" in arrays else arrays.get("keys")
    graph = lexical = None
    if "graph" in arrays:
        graph = Graph.from_bytes(arrays["graph"], mmap is not None, facts["expansion_search"])
    if facts.get("lexical"):
        prefixed = [name for name in arrays if name.startswith(LEXICAL)]
        lexical = LexicalScores({name.removeprefix(LEXICAL): arrays[name] for name in prefixed}, **facts["lexical"])
    return {
        "vectors": arrays["vectors"],
        "sentences": _strings(arrays, "sentences"),
        "keys": keys,
        "graph": graph,
        "numbers": arrays.get("numbers"),
        "lexical": lexical,
    }


def _string_arrays(name: str, strings: PackedStrings) -> dict[str, np.ndarray]:
    return {f"{name}.blob": strings.blob, f"{name}.offsets": strings.offsets}


def _strings(arrays: dict[str, np.ndarray], name: str) -> PackedStrings:
    return PackedStrings(arrays[f"{name}.blob"], arrays[f"{name}.offsets"])
