"""Hints for unknown keyword arguments: the name that was probably meant.

Other libraries call the same things by other names; these and misspelled names are answered with ours. `with_hints` is
for functions and for classes, `closest_option` for names that come from elsewhere, such as options of the command line
and fields of requests.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

PACKAGE = __name__.partition(".")[0]
MARK = "_has_hints"  # an attribute of functions that refuse unknown arguments already
Target = TypeVar("Target", bound=Callable[..., Any])

# Arguments, and what they are called in older gensim, Doc2Vec, fastText, the reference program, scikit-learn, pandas,
# sentence-transformers and search engines, in lower case without underscores. The first one that a function has counts.
_NAMES_ELSEWHERE = {
    ("vector_size",): "size dim dims dimension dimensions vectordim embeddingdim embeddingsize ncomponents hiddensize",
    ("epochs",): "iter niter maxiter epoch numepochs nepochs numtrainepochs passes",
    ("alpha", "start_alpha"): "alpha lr learningrate startalpha initialalpha",
    ("min_alpha", "end_alpha"): "minalpha minlr endalpha finalalpha",
    ("min_count",): "mincount mindf mincountword minfreq minfrequency",
    ("max_final_vocab",): "maxfeatures vocabsize maxvocab nwords",
    ("word_ngrams",): "wordngrams ngramrange ngrams",
    ("dropout_k",): "dropoutk dropout",
    ("bucket",): "buckets nbuckets numbuckets",
    ("negative",): "neg negatives negativesamples nnegative",
    ("sample",): "t subsample subsampling samplingthreshold",
    ("workers", "threads"): "thread threads numthreads nthreads njobs nworkers numworkers nprocs workers",
    ("seed",): "randomstate randomseed rng",
    ("corpus_file",): "input inputfile file filename path",
    ("sentences", "corpus_iterable", "texts", "queries", "query", "sentence"): "sentences corpusiterable documents "
    "docs texts corpus data x taggeddocuments text sentence questions input inputs",
    ("batch_words", "batch_size"): "batchsize chunksize",
    ("show_progress_bar",): "verbose verbosity progress progressbar silent showprogress",
    ("callbacks",): "callback",
    ("total_examples",): "numexamples nexamples corpuscount",
    ("total_words",): "numwords corpustotalwords",
    # Searching and mining
    ("topn", "count", "num_neighbors"): "k n topk topn limit size count maxresults nresults numresults nneighbors "
    "numneighbors",
    ("where",): "filter mask",
    ("hybrid",): "alpha hybridalpha lexicalweight",
    ("queries", "query", "sentences", "sentence"): "query queries text texts sentence sentences q question questions "
    "prompt search searchquery",
    ("threshold",): "minscore mincosine minsimilarity similaritythreshold cutoff similarity scorethreshold",
    ("min_community_size",): "minsize minclustersize minsamples",
    ("keys", "key"): "ids labels answers id label answer documentid docid",
    ("method",): "algorithm backend indextype",
    ("connectivity",): "m maxconnections",
    ("expansion_add",): "efconstruction",
    ("expansion_search",): "ef efsearch",
    # Vectors, weightings, tuning
    ("wv", "model", "path"): "model vectors keyedvectors kv wv embeddings embedder encoder modelpath modelname",
    ("normalize",): "normalise normalizeembeddings norm",
    ("return_known",): "returnmask",
    ("sif",): "a smoothing",
    ("remove_components",): "npc components ncomponents removepc npcs",
    ("stop_words",): "stopwords",
    ("lexical_dims",): "lexicalsize lexicaldim",
    ("min_n",): "minn minngram",
    ("max_n",): "maxn maxngram",
    ("labels",): "y answers answer targets classes keys label",
    ("folds",): "cv nsplits nfolds kfold",
    ("pulls",): "pull regularization",
    ("max_words",): "nwords maxvocab vocabsize topn",
    ("dims",): "dim truncatedim dimensions vectorsize",
    # Files and tables
    ("path", "fname", "src", "source"): "path filename file fname files paths filepath src source pairs",
    ("dst", "target"): "dst target output out outputpath",
    ("to",): "format outputformat",
    ("mmap",): "mmapmode memorymap",
    ("trusted",): "trust trustremotecode unsafe",
    ("text", "input_col"): "column textcolumn textcol col textfield question sentence sentences texts questioncolumn "
    "inputcolumn inputcol text textkey",
    ("key",): "keycolumn keycol answercolumn idcolumn idcol labelcolumn",
    ("output_col",): "outputcolumn outputcol embeddingcolumn column",
    ("missing",): "skipmissing onmissing na dropna nan skipna",
    ("format",): "filetype kind type",
    ("shards",): "files paths corpusfiles sentences",
    ("address",): "rayaddress cluster host",
    ("rounds_per_epoch",): "rounds nrounds",
    ("checkpoint",): "checkpointpath checkpointfile checkpointdir",
}  # fmt: skip
_OURS: dict[str, list[str]] = {}
for _ours, _names in _NAMES_ELSEWHERE.items():
    for _name in _names.split():
        _OURS.setdefault(_name, []).extend(_ours)


def closest_option(name: str, known: Iterable[str]) -> str | None:
    """The argument among `known` that a name of another library, or a misspelled name, stands for."""
    known = tuple(known)
    plain = name.lower().replace("_", "").replace("-", "")
    same = (ours for ours in known if ours.replace("_", "") == plain)
    elsewhere = (ours for ours in _OURS.get(plain, ()) if ours in known)
    return next(same, None) or next(elsewhere, None) or next(iter(get_close_matches(name, known, 1)), None)


def unknown_argument(name: str, callee: str, known: Iterable[str]) -> str:
    """The error for an unknown keyword argument: the one that was probably meant, or all that there are."""
    known = tuple(known)
    if meant := closest_option(name, known):
        return f"{name}: not an argument of {callee}; did you mean {meant}?"
    if not known:
        return f"{name}: not an argument of {callee}, which takes none"
    return f"{name}: not an argument of {callee}; the arguments are {', '.join(known)}"


def reject_unknown(given: Iterable[str], callee: str, known: Collection[str]) -> None:
    """Raise a TypeError with a hint if a keyword argument is not among the known ones."""
    for name in given:
        if name not in known:
            raise TypeError(unknown_argument(name, callee, known))


def arguments_of(function: Callable[..., Any]) -> list[str]:
    """The names of the arguments of a function, or of the constructor of a class, that can be passed by name."""
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind in by_name]


def with_hints(target: Target) -> Target:
    """Let a function, or the public methods of a class, refuse unknown keyword arguments with a hint (a TypeError).

    Methods of base classes in this package are included. Functions with ``**options`` check these themselves, by
    `reject_unknown`.
    """
    if not inspect.isclass(target):
        return _checked(target, target.__name__, arguments_of(target))  # type: ignore[return-value]
    for name in dir(target):
        member = inspect.getattr_static(target, name)
        function = member.__wrapped__ if isinstance(member, (classmethod, staticmethod)) else member
        if not inspect.isfunction(function) or not function.__module__.startswith(PACKAGE):
            continue
        if name.startswith("_") and name not in ("__init__", "__call__"):
            continue
        known = arguments_of(function)[not isinstance(member, staticmethod) :]  # without self or cls
        checked = _checked(function, target.__name__ if name == "__init__" else name, known)
        if checked is not function:
            setattr(target, name, checked if member is function else type(member)(checked))
    return target


def _checked(function: Callable[..., Any], shown: str, names: list[str]) -> Callable[..., Any]:
    parameters = inspect.signature(function).parameters.values()
    if hasattr(function, MARK) or any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return function
    known = dict.fromkeys(names)

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        for name in kwargs:  # inline, as the wrapped methods include some that take two microseconds
            if name not in known:
                raise TypeError(unknown_argument(name, shown, known))
        return function(*args, **kwargs)

    setattr(checked, MARK, True)
    return checked
