"""What a service answers from: the files of a model and of an index."""

from __future__ import annotations

import os
from dataclasses import dataclass

from .._files.model2vec import is_static
from ..convert import load_vectors
from .faq import Faq, build_index, is_index


@dataclass(frozen=True)
class Source:
    """The files that are served.

    Attributes
    ----------
    model : str
        A saved model or saved vectors.
    faq : str
        A saved index, or a text file of questions and answers (see `read_faq`).
    hybrid : float, optional
        The lexical share of the score, see `Faq`.
    trusted : bool
        As in `Sent2Vec.load`.
    """

    model: str
    faq: str
    hybrid: float | None = None
    trusted: bool = False

    def index(self, folder: str, generation: int) -> str:
        """Return the path of the index. For a text file, an index is built and saved in `folder`.

        Raises
        ------
        ValueError, TypeError, OSError, ImportError, MemoryError
            If a file is missing or invalid.
        """
        if not os.path.isfile(self.model) and is_static(self.model):
            raise ValueError(
                f"{self.model!r} is in the format of another program; convert it to a file that processes can share: "
                f"gensim-sent2vec convert {self.model} model.s2v"
            )
        if not os.path.isfile(self.model):
            raise FileNotFoundError(f"there is no model {self.model!r}")
        if is_index(self.faq):
            return self.faq
        path = os.path.join(folder, f"{generation}.index")
        build_index(load_vectors(self.model, trusted=self.trusted), self.faq, lexical=True).save(path)
        return path

    def load(self, index: str) -> Faq:
        """Load the model and the index at the path `index`, both memory-mapped."""
        return Faq.load(self.model, index, self.hybrid, self.trusted)
