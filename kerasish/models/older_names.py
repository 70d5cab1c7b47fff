"""Methods that early tf.keras 2 had and later releases dropped; old code calls them still.

Source: behaviour of TensorFlow 2.0 to 2.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf


class OlderNames:
    """`fit_generator` and its like, as other names of what `fit`, `evaluate` and `predict` do; settings long gone."""

    fit: Any
    evaluate: Any
    predict: Any
    _strategy: Any

    @property
    def state_updates(self) -> list[Any]:
        """Nothing: updates run where they are made."""
        return []

    @property
    def distribute_strategy(self) -> tf.distribute.Strategy:
        """The strategy in whose scope the model was made."""
        return self._strategy or tf.distribute.get_strategy()

    def fit_generator(
        self, generator: Any, steps_per_epoch: int | None = None, epochs: int = 1, verbose: Any = 1,
        callbacks: Any = None, validation_data: Any = None, validation_steps: int | None = None,
        validation_freq: Any = 1,
        class_weight: Any = None, max_queue_size: int = 10, workers: int = 1, use_multiprocessing: bool = False,
        shuffle: bool = True, initial_epoch: int = 0,
    ) -> Any:  # fmt: skip
        """`fit` on a generator or `Sequence`."""
        return self.fit(
            generator, steps_per_epoch=steps_per_epoch, epochs=epochs, verbose=verbose, callbacks=callbacks,
            validation_data=validation_data, validation_steps=validation_steps, validation_freq=validation_freq,
            class_weight=class_weight, max_queue_size=max_queue_size, workers=workers,
            use_multiprocessing=use_multiprocessing, shuffle=shuffle, initial_epoch=initial_epoch,
        )  # fmt: skip

    def evaluate_generator(
        self, generator: Any, steps: int | None = None, callbacks: Any = None, max_queue_size: int = 10,
        workers: int = 1, use_multiprocessing: bool = False, verbose: Any = 0,
    ) -> Any:  # fmt: skip
        """`evaluate` on a generator or `Sequence`."""
        return self.evaluate(
            generator, steps=steps, callbacks=callbacks, max_queue_size=max_queue_size, workers=workers,
            use_multiprocessing=use_multiprocessing, verbose=verbose,
        )  # fmt: skip

    def predict_generator(
        self, generator: Any, steps: int | None = None, callbacks: Any = None, max_queue_size: int = 10,
        workers: int = 1, use_multiprocessing: bool = False, verbose: Any = 0,
    ) -> Any:  # fmt: skip
        """`predict` on a generator or `Sequence`."""
        return self.predict(
            generator, steps=steps, callbacks=callbacks, max_queue_size=max_queue_size, workers=workers,
            use_multiprocessing=use_multiprocessing, verbose=verbose,
        )  # fmt: skip

    def predict_proba(self, x: Any, batch_size: int = 32, verbose: int = 0) -> Any:
        """The outputs, taken for probabilities."""
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def predict_classes(self, x: Any, batch_size: int = 32, verbose: int = 0) -> np.ndarray:
        """The most probable class of each row; of a single output, whether it is above one half: shape `(n, 1)`."""
        outputs = self.predict(x, batch_size=batch_size, verbose=verbose)
        return outputs.argmax(axis=-1) if outputs.shape[-1] > 1 else (outputs > 0.5).astype("int32")
