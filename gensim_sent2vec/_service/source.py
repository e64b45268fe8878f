"""What a service answers from: the files of a model and of an index."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from .._files.model2vec import is_static
from .._util.missing import check_exists
from ..convert import EXPECTED, load_vectors
from .faq import Columns, Faq, build_index, is_index
from .feedback import MAX_BYTES


@dataclass(frozen=True)
class Source:
    """The files that are served.

    Attributes
    ----------
    model : str
        A saved model or saved vectors.
    faq : str or tuple of str
        A saved index, or files of questions and answers (see `build_index`).
    hybrid : float, optional
        The lexical share of the score, see `Faq`.
    trusted : bool
        As in `Sent2Vec.load`.
    columns : Columns
        Which columns of `faq` hold the questions and answers.
    feedback : str, optional
        The file that feedback is appended to; None: none is accepted.
    max_feedback : int
        Maximum size of that file in bytes.
    csls : float, optional
        Strength of the correction for hubs, see `Faq`.
    """

    model: str
    faq: str | tuple[str, ...]
    hybrid: float | None = None
    trusted: bool = False
    columns: Columns = field(default_factory=Columns)
    feedback: str | None = None
    max_feedback: int = MAX_BYTES
    csls: float | None = None

    @property
    def shown(self) -> str:
        """The files of the index, for a message."""
        return self.faq if isinstance(self.faq, str) else ", ".join(self.faq)

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
        check_exists(self.model, kind="model", expected=EXPECTED)
        paths = (self.faq,) if isinstance(self.faq, str) else self.faq
        if [is_index(path, self.columns) for path in paths] == [True]:
            return paths[0]
        table = self.columns.of(paths)
        path = os.path.join(folder, f"{generation}.index")
        wv = load_vectors(self.model, trusted=self.trusted)
        build_index(wv, table, lexical=True, csls=True).save(path)
        return path

    def load(self, index: str) -> Faq:
        """Load the model and the index at the path `index`, both memory-mapped."""
        return Faq.load(self.model, index, self.hybrid, self.trusted, self.csls)
