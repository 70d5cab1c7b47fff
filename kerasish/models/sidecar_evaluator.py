"""SidecarEvaluator: evaluates the checkpoints of a training in another process while they come.

Source: behaviour of tf_keras 2.21.
"""

from __future__ import annotations

import re
from typing import Any

import tensorflow as tf

from kerasish.saving import checkpoint


class SidecarEvaluator:
    """Evaluates a model with the weights of each new checkpoint in a folder.

    Checkpoints are those of `ModelCheckpoint(folder + "/ckpt-{epoch}", save_weights_only=True)`, or of
    `tf.train.Checkpoint(model=model, optimizer=model.optimizer)` under a `CheckpointManager`. Of several that came
    meanwhile only the latest is evaluated.

    Args:
        model: the compiled model, of the architecture that is trained.
        data: what `evaluate` takes, inputs and targets together, such as a `tf.data.Dataset`.
        checkpoint_dir: the folder.
        steps: how many batches are evaluated; all if None.
        max_evaluations: `start` returns after the checkpoint of this number, or a higher one, at the end of its name;
            for names without a number, after so many evaluations; never if None.
        callbacks: callbacks of the evaluations.
    """

    def __init__(
        self, model: Any, data: Any, checkpoint_dir: Any, steps: int | None = None, max_evaluations: int | None = None,
        callbacks: Any = None,
    ):  # fmt: skip
        self.model = model
        self.data = data
        self.checkpoint_dir = checkpoint_dir
        self.steps = steps
        self.max_evaluations = max_evaluations
        self.callbacks = [] if callbacks is None else callbacks

    def start(self) -> None:
        """Waits for checkpoints and evaluates them. One that is deleted while it is read is passed over.

        Raises:
            RuntimeError: if the model is not compiled, or a checkpoint has no steps of an optimizer.
            ValueError: if a checkpoint does not fit the model.
            OSError: if a checkpoint is damaged.
        """
        if not self.model.compiled:
            raise RuntimeError("SidecarEvaluator needs a compiled model. Call `model.compile(...)` first.")
        evaluations = 0
        for path in tf.train.checkpoints_iterator(self.checkpoint_dir):
            if not self._restored(path):
                continue
            self.model.evaluate(self.data, steps=self.steps, callbacks=self.callbacks, verbose=2)
            evaluations += 1
            if self.max_evaluations and max(evaluations, _number(path)) >= self.max_evaluations:
                return

    def _restored(self, path: str) -> bool:
        """Reads a checkpoint into model and optimizer; whether it was still there."""
        try:
            root = None
            if "model" in checkpoint.children(path):
                root = tf.train.Checkpoint(model=self.model, optimizer=self.model.optimizer)
            known = checkpoint.known(self.model if root is None else root, path)
            if not any(self.model.optimizer.iterations is variable for variable in known):
                raise RuntimeError(
                    f"The checkpoint {path!r} does not tell how many steps the optimizer has made.\n"
                    "Write it from a compiled model, or by tf.train.Checkpoint(model=model, optimizer=model.optimizer)."
                )
            checkpoint.load_weights(self.model, path, every=True, root=root)
        except OSError:
            if tf.io.gfile.exists(f"{path}.index") and tf.io.gfile.glob(f"{path}.data-*"):
                raise
            return False
        return True


def _number(path: str) -> int:
    """The number at the end of `ckpt-12`, 0 without one."""
    found = re.search(r"-(\d+)$", path)
    return int(found[1]) if found else 0
