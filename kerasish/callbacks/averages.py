"""`SwapEMAWeights`: evaluates, and if wanted saves, with the moving averages of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.callbacks.base import Callback, Logs


class SwapEMAWeights(Callback):
    """Puts the optimizer's moving averages in the weights' place while the model is evaluated or predicts.

    The trained weights come back afterwards, also after an error. The averages themselves stay in the optimizer, which
    puts them into the model for good at the end of fit.

    Args:
        swap_on_epoch: whether the averages also stand in the model from the end of an epoch to the beginning of the
            next one, so that a `ModelCheckpoint` that comes after this callback saves them.

    Raises:
        ValueError: in fit, evaluate and predict, if the optimizer was not made with `use_ema=True`.

    Source: behaviour of `keras.callbacks.SwapEMAWeights` of Keras 3.
    """

    _state = ("_trained",)
    _optimizer: Any = None

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._trained: list[np.ndarray] | None = None

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        optimizer = getattr(model, "optimizer", None)
        self._optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if not getattr(self._optimizer, "use_ema", False):
            raise ValueError(
                "SwapEMAWeights needs an optimizer that keeps moving averages of the weights.\n"
                f"Received: optimizer={optimizer!r}\nMake it with use_ema=True, for example SGD(use_ema=True)."
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._put_back()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._put_averages()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._trained = None

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._put_averages()

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._put_back()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._put_averages()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._put_back()

    def _averaged(self) -> list[tf.Variable]:
        """The weights of which there are averages: none before the first step."""
        return list(self.model.trainable_variables) if getattr(self._optimizer, "_averages", None) else []

    def _put_averages(self) -> None:
        weights = self._averaged()
        if self._trained is None and weights:
            self._trained = [weight.numpy() for weight in weights]
            self._optimizer.finalize_variable_values(weights)

    def _put_back(self) -> None:
        if self._trained is not None:
            for weight, value in zip(self._averaged(), self._trained, strict=True):
                weight.assign(value)
        self._trained = None

    def _release(self) -> None:
        self._put_back()
