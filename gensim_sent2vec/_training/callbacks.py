"""gensim's callbacks of training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gensim.models import Word2Vec
from gensim.models.callbacks import CallbackAny2Vec

CALLBACK_METHODS = ("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end")


def as_callbacks(callbacks: Any) -> tuple[Any, ...]:
    """Callbacks as a tuple: None stands for no callbacks, and a single one for a list of one."""
    if callbacks is None:
        return ()
    if isinstance(callbacks, (CallbackAny2Vec, type)) or not isinstance(callbacks, Iterable):
        callbacks = (callbacks,)
    callbacks = tuple(callbacks)
    for callback in callbacks:
        if isinstance(callback, type):
            raise TypeError(
                f"callbacks: expected instances, got the class {callback.__name__}; pass {callback.__name__}()"
            )
        if not all(callable(getattr(callback, method, None)) for method in CALLBACK_METHODS):
            raise TypeError(
                "callbacks: expected instances of gensim.models.callbacks.CallbackAny2Vec, got the "
                f"{type(callback).__name__} {callback!r:.40}"
            )
    return callbacks


def call(callbacks: Iterable[Any], hook: str, model: Word2Vec) -> None:
    """Call a method of each callback, such as "on_epoch_end", with the model."""
    for callback in callbacks:
        getattr(callback, hook)(model)
