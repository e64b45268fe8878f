"""Files of a sentence index, in the format of `gensim_sent2vec._files.container`.

Arrays: ``vectors``; ``sentences.blob`` and ``sentences.offsets``; ``keys`` (int64) or ``keys.blob`` and
``keys.offsets``; ``probe``, the fingerprint of the model (`gensim_sent2vec._search.fingerprint`); ``lexical.NAME`` for
the arrays of `LexicalScores`; ``graph`` and ``numbers``, the HNSW graph and the node of each row; ``csls.cosines`` and
``csls.lexical`` (float32), the mean scores of each sentence with its nearest neighbors; ``weighting.NAME`` for the
arrays of a weighting that was fitted to the sentences of the index.

Facts: ``kind``; ``words``, the size of the model's vocabulary; ``lexical``, the other arguments of `LexicalScores`;
``lexical_options``, those that lexical scores are fitted with when they are needed (`LexicalOptions`);
``expansion_search`` and ``expansion_add`` of the graph; ``weighting``, the facts of `SentenceWeighting.to_arrays`.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .._files import container
from .._text.packed import PackedStrings
from .._util.missing import check_exists
from ..hnsw import Graph, options_in
from ..keyedvectors import Sent2VecKeyedVectors, check_keyed_vectors
from ..lexical import FORMER_OPTIONS, LexicalOptions, LexicalScores
from ..weighting import SentenceWeighting
from .building import with_weighting
from .fingerprint import check_fingerprint, fingerprint
from .keys import Keys
from .row_graph import RowGraph

KIND = "SentenceIndex"
LEXICAL, WEIGHTING = "lexical.", "weighting."  # prefixes of array names


def write_index(
    path: str | os.PathLike[str],
    wv: Sent2VecKeyedVectors,
    vectors: np.ndarray,
    sentences: PackedStrings,
    keys: Keys | None,
    graph: RowGraph | None,
    lexical: LexicalScores | None,
    mean_cosines: np.ndarray | None = None,
    mean_lexical: np.ndarray | None = None,
    refitted: bool = False,
    lexical_options: LexicalOptions = FORMER_OPTIONS,
) -> None:
    """Write all of an index but `wv`, atomically; of `wv` only the fingerprint, and a refitted weighting."""
    arrays = {"vectors": vectors, "probe": fingerprint(wv), **_string_arrays("sentences", sentences)}
    facts: dict[str, Any] = {"kind": KIND, "words": len(wv), "lexical_options": lexical_options.to_facts()}
    if isinstance(keys, PackedStrings):
        arrays |= _string_arrays("keys", keys)
    elif keys is not None:
        arrays["keys"] = keys
    if lexical is not None:
        arrays |= {LEXICAL + name: array for name, array in lexical.arrays.items()}
        facts["lexical"] = {"n": lexical.n, **lexical.options.to_facts()}
    if graph is not None:
        arrays |= {"graph": graph.graph.to_bytes(), "numbers": graph.ids}
        facts |= graph.graph.options()
    means = {"csls.cosines": mean_cosines, "csls.lexical": mean_lexical}
    arrays |= {name: array for name, array in means.items() if array is not None}
    if refitted and wv.weighting is not None:
        of_weighting, facts["weighting"] = wv.weighting.to_arrays()
        arrays |= {WEIGHTING + name: array for name, array in of_weighting.items()}
    container.write(path, arrays, facts)


def read_index(
    path: str | os.PathLike[str], wv: Sent2VecKeyedVectors, mmap: str | None = None, verify: bool = False
) -> dict[str, Any]:
    """Read what `write_index` wrote, as arguments of `SentenceIndex`. See `SentenceIndex.load`."""
    check_keyed_vectors(wv)
    check_exists(path, "path", "an index that SentenceIndex.save, or the command index, wrote")
    arrays, facts = container.read(path, mmap=mmap, verify=verify)
    if facts.get("kind") != KIND:
        raise ValueError(f"{os.fspath(path)!r} holds a {facts.get('kind')}, not a {KIND}")
    refitted = facts.get("weighting") is not None
    if refitted and len(wv) == facts["words"]:
        of_weighting = {name.removeprefix(WEIGHTING): arrays[name] for name in arrays if name.startswith(WEIGHTING)}
        wv = with_weighting(wv, SentenceWeighting.from_arrays(of_weighting, facts["weighting"]))
    check_fingerprint(path, wv, arrays["probe"], facts["words"])
    means = {name: _means(path, arrays, f"csls.{name}") for name in ("cosines", "lexical")}
    keys: Keys | None = _strings(arrays, "keys") if "keys.blob" in arrays else arrays.get("keys")
    graph = lexical = None
    if "graph" in arrays:
        graph = Graph.from_bytes(arrays["graph"], mmap is not None, **options_in(facts))
    if facts.get("lexical"):
        prefixed = [name for name in arrays if name.startswith(LEXICAL)]
        lexical = LexicalScores({name.removeprefix(LEXICAL): arrays[name] for name in prefixed}, **facts["lexical"])
    options = _options(path, facts.get("lexical_options"))
    return {
        "wv": wv,
        "vectors": arrays["vectors"],
        "sentences": _strings(arrays, "sentences"),
        "keys": keys,
        "graph": graph,
        "numbers": arrays.get("numbers"),
        "lexical": lexical,
        "mean_cosines": means["cosines"],
        "mean_lexical": means["lexical"],
        "refitted": refitted,
        "lexical_options": options,
    }


def _options(path: str | os.PathLike[str], facts: Any) -> LexicalOptions:
    """The options of lexical scores; those of earlier versions if the file has none."""
    if facts is None:
        return FORMER_OPTIONS
    try:
        return LexicalOptions(**facts)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{os.fspath(path)!r}: lexical_options: {error}") from None


def _means(path: str | os.PathLike[str], arrays: dict[str, np.ndarray], name: str) -> np.ndarray | None:
    """One value per sentence; None if the index has none."""
    means = arrays.get(name)
    if means is not None and (means.dtype != np.float32 or means.shape != arrays["vectors"].shape[:1]):
        raise ValueError(
            f"{os.fspath(path)!r}: {name}: expected one float32 per sentence, got {means.dtype} of shape {means.shape}"
        )
    return means


def _string_arrays(name: str, strings: PackedStrings) -> dict[str, np.ndarray]:
    return {f"{name}.blob": strings.blob, f"{name}.offsets": strings.offsets}


def _strings(arrays: dict[str, np.ndarray], name: str) -> PackedStrings:
    return PackedStrings(arrays[f"{name}.blob"], arrays[f"{name}.offsets"])
