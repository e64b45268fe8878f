"""The fitting of a weighting to other sentences than those of training, such as the sentences of an index.

The second moments of sentence vectors, from which the maps of words to their rows are computed (see
`gensim_sent2vec.weighting`), come from the new sentences; the weights of words stay. The original vectors are not
needed: the stored maps are inverted on the axes that they keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import _kernel
from .._text.vocabulary import Vocabulary
from .fitted import FittedWeighting
from .fitting import WeightedSentences, fit_lexical_map, fit_semantic_map
from .parameters import WeightingParameters


def refit(
    parameters: WeightingParameters,
    fitted: FittedWeighting,
    vocabulary: Vocabulary,
    sentences: Sequence[Sequence[str]],
) -> FittedWeighting:
    """The weighting with maps that are fitted to tokenized sentences.

    Raises
    ------
    ValueError
        If the weighting does not store how out-of-vocabulary words are mapped, or no sentence has a known word.
    """
    if fitted.rows is None or fitted.unseen is None:
        raise ValueError(
            "refit: the weighting has no map to fit again, because it is the rest of baked vectors or was fitted with "
            "unseen_words=False; fit one with unseen_words=True, or use refit=False"
        )
    sample = WeightedSentences.of(parameters, _kernel.Pack(sentences), vocabulary, fitted.weights)
    of_rows = sample.means(fitted.rows[sample.used].astype(np.float32))
    semantic_dims, unseen = fitted.semantic_dims, fitted.unseen
    end = semantic_dims + len(unseen.lexical_map)
    semantic = lexical = np.zeros((0, 0), dtype=np.float32)
    if semantic_dims:
        inverse = np.linalg.pinv(unseen.semantic_map)
        kept = replace(parameters, remove_components=0)  # they have been removed already
        semantic = inverse @ fit_semantic_map(kept, of_rows[:, :semantic_dims] @ inverse, semantic_dims)
    if end > semantic_dims:
        inverse = np.linalg.pinv(unseen.lexical_map)
        lexical = inverse @ fit_lexical_map(parameters, of_rows[:, semantic_dims:end] @ inverse)
    new_rows = fitted.rows.copy()
    new_rows[:, :semantic_dims] = fitted.rows[:, :semantic_dims] @ semantic.astype(np.float32)
    new_rows[:, semantic_dims:end] = fitted.rows[:, semantic_dims:end] @ lexical.astype(np.float32)
    unseen = replace(
        unseen,
        semantic_map=(unseen.semantic_map @ semantic).astype(np.float32) if semantic_dims else unseen.semantic_map,
        lexical_map=(unseen.lexical_map @ lexical).astype(np.float32) if end > semantic_dims else unseen.lexical_map,
    )
    return replace(fitted, rows=new_rows, unseen=unseen)
