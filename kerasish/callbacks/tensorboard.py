"""`TensorBoard`: writes what TensorBoard shows.

What lies where, as tf.keras 2 has it: `LOG_DIR/train` and `LOG_DIR/validation` hold `epoch_<name>` (step: the epoch),
the validation also `evaluation_<name>_vs_iterations` (step: the optimizer's iterations); the training
`batch_<name>` (step: the batches trained), `<weight>/histogram`, `<weight>/image`, the tag `keras` (the model's
layers) and the graph of one training step.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish.callbacks.base import Callback, Logs
from kerasish.callbacks.rates import schedule_of

IGNORED_ARGUMENTS = ("write_grads", "batch_size", "embeddings_layer_names", "embeddings_data")
NOT_WRITTEN = ("batch", "size", "num_steps", "outputs")
# What TensorBoard's SummaryMetadata of these two serialises to. TensorFlow does not bring TensorBoard, and curves and
# graphs can be written without it.
SCALAR = b"\x0a\x09\x0a\x07scalars\x20\x01"
LAYERS = b"\x0a\x16\x0a\x11graph_keras_model\x12\x011"


class TensorBoard(Callback):
    """Writes scalars, and if wanted histograms, images, graphs, embeddings and profiles, for TensorBoard.

    Args:
        log_dir: the folder, one per run.
        histogram_freq: every how many epochs the weights are written as histograms; 0 never.
        write_graph: whether the model's layers and the graph of a training step are written.
        write_images: whether the weights are also written as images, as often as the histograms.
        write_steps_per_second: whether the speed is written.
        update_freq: `"epoch"`, `"batch"`, or every how many batches `batch_<name>` is written.
        profile_batch: the batch to profile, or the first and the last one; 0 none. The first batch is 1.
        embeddings_freq: every how many epochs the embeddings are written for the projector; 0 never.
        embeddings_metadata: the file with the labels of the rows, one for all layers or a dict by layer name.
        **kwargs: arguments of older versions, told and ignored.

    Raises:
        ValueError: for an unknown argument or value.
    """

    _state = ("_batches", "_earlier_batches", "_graph_written")

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int | str | tuple[int, int] = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | dict[str, str] | None = None,
        **kwargs: Any,
    ):
        super().__init__()
        _check_older_arguments(kwargs)
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = _checked_frequency(update_freq)
        self.profile_batch = profile_batch
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._start_batch, self._stop_batch = _profiled_batches(profile_batch)
        self._writers: dict[str, Any] = {}
        self._training = self._tracing = False
        self._batches = self._earlier_batches = 0
        self._clock = self._batch_clock = (0, 0.0)
        self._graph_written = False

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self._train_dir = os.path.join(self.log_dir, "train")
        self._val_dir = os.path.join(self.log_dir, "validation")
        if self.embeddings_freq:
            _write_projector(self.log_dir, _embeddings(model), self.embeddings_metadata)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._training = True
        self._batches, self._earlier_batches = 0, self._iterations()
        self._graph_written = False
        if self.write_graph:
            _write_layers(self.model, self._train_writer)
        if self._start_batch == 1:
            self._start_profile()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._release()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._clock = self._batch_clock = (self._batches, time.perf_counter())

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._advance(1, logs or {})

    def on_block_end(self, mode: str, last_batch: int, steps: int, samples_seen: int, logs: Logs) -> None:
        if mode == "train":
            self._advance(steps, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._write_epoch(epoch, logs or {})
        if self.write_graph and not self._graph_written:
            self._write_step_graph()
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            path = os.path.abspath(os.path.join(self._train_dir, f"keras_embedding.ckpt-{epoch}"))
            self.model.save_weights(path)
            _write_projector(self.log_dir, _embeddings(self.model), self.embeddings_metadata, path)
        for writer in self._writers.values():
            writer.flush()

    def on_test_end(self, logs: Logs | None = None) -> None:
        values = {f"evaluation_{name}_vs_iterations": value for name, value in _scalars(logs or {}).items()}
        if getattr(self.model, "optimizer", None) is not None:
            _write_scalars(self._val_writer, values, self._iterations())
        if not self._training:
            self._release()

    @property
    def _train_writer(self) -> Any:
        return self._writer("train", self._train_dir)

    @property
    def _val_writer(self) -> Any:
        return self._writer("validation", self._val_dir)

    def _writer(self, name: str, folder: str) -> Any:
        if name not in self._writers:
            self._writers[name] = tf.summary.create_file_writer(folder)
        return self._writers[name]

    def _iterations(self) -> int:
        return int(getattr(getattr(self.model, "optimizer", None), "iterations", 0))

    def _steps_tolerated(self, mode: str) -> int | None:
        """The batches up to the next one after which something is written or a profile begins or ends."""
        if mode != "train":
            return None
        due = [self._start_batch - 1, self._stop_batch if self._tracing else 0]
        if isinstance(self.update_freq, int):
            past = self._earlier_batches + self._batches
            due.append(self._batches + self.update_freq - past % self.update_freq)
        return min((batch - self._batches for batch in due if batch > self._batches), default=None)

    def _advance(self, steps: int, logs: Logs) -> None:
        self._batches += steps
        count = self._earlier_batches + self._batches
        if isinstance(self.update_freq, int) and count % self.update_freq < steps:
            self._write_batch(count, logs)
        if self._tracing and self._batches >= self._stop_batch:
            self._stop_profile()
        elif self._start_batch > 1 and self._batches == self._start_batch - 1:
            self._start_profile()

    def _write_batch(self, count: int, logs: Logs) -> None:
        values = {}
        if self.write_steps_per_second:
            values["batch_steps_per_second"] = self._speed_since(self._batch_clock)
            self._batch_clock = (self._batches, time.perf_counter())
        values.update({f"batch_{name}": value for name, value in _scalars(logs).items()})
        _write_scalars(self._train_writer, values, count)

    def _write_epoch(self, epoch: int, logs: Logs) -> None:
        values = _scalars(logs)
        training = {f"epoch_{name}": value for name, value in values.items() if not name.startswith("val_")}
        validation = {f"epoch_{name[4:]}": value for name, value in values.items() if name.startswith("val_")}
        schedule = schedule_of(getattr(self.model, "optimizer", None))
        if schedule is not None:
            training["epoch_learning_rate"] = float(schedule(self.model.optimizer.iterations))
        if self.write_steps_per_second:
            training["epoch_steps_per_second"] = self._speed_since(self._clock)
        _write_scalars(self._train_writer, training, epoch)
        if validation:
            _write_scalars(self._val_writer, validation, epoch)

    def _speed_since(self, clock: tuple[int, float]) -> float:
        batches, moment = clock
        return (self._batches - batches) / max(time.perf_counter() - moment, 1e-9)

    def _write_step_graph(self) -> None:
        graph = self.model.train_step_graph()
        self._graph_written = True
        if graph is not None:
            with self._train_writer.as_default():
                tf.summary.graph(graph)

    def _write_weights(self, epoch: int) -> None:
        with self._train_writer.as_default():
            for layer in self.model.layers:
                for weight in layer.weights:
                    name = weight.name.replace(":", "_")
                    tf.summary.histogram(f"{name}/histogram", weight, step=epoch)
                    image = _as_images(np.asarray(weight)) if self.write_images else None
                    if image is not None:
                        tf.summary.image(f"{name}/image", image, step=epoch)

    def _start_profile(self) -> None:
        try:
            tf.profiler.experimental.start(self.log_dir)
        except tf.errors.AlreadyExistsError as error:
            warnings.warn(f"TensorBoard cannot profile while another profile is taken: {error.message}", stacklevel=2)
            return
        tf.summary.trace_on(graph=True, profiler=False)
        self._tracing = True

    def _stop_profile(self) -> None:
        self._tracing = False
        with self._train_writer.as_default():
            tf.summary.trace_export(f"batch_{self._stop_batch}", step=self._stop_batch)
        tf.profiler.experimental.stop()

    def _release(self) -> None:
        self._training = False
        if self._tracing:
            self._stop_profile()
        for name in list(self._writers):
            self._writers.pop(name).close()


def _check_older_arguments(kwargs: Mapping[str, Any]) -> None:
    for name in kwargs:
        if name not in IGNORED_ARGUMENTS:
            raise ValueError(f"TensorBoard has no argument `{name}`. Received: {name}={kwargs[name]!r}")
        warnings.warn(f"TensorBoard ignores `{name}`, an argument of TensorFlow 1.", stacklevel=3)


def _checked_frequency(update_freq: Any) -> str | int:
    if update_freq == "batch":
        return 1
    whole = isinstance(update_freq, int) and not isinstance(update_freq, bool) and update_freq > 0
    if update_freq != "epoch" and not whole:
        raise ValueError(f'Expected `update_freq` to be "epoch", "batch" or a number of batches. '
                         f"Received: update_freq={update_freq!r}")
    return update_freq


def _profiled_batches(profile_batch: Any) -> tuple[int, int]:
    """The first and the last batch to profile; (0, 0) for none."""
    given = profile_batch.split(",") if isinstance(profile_batch, str) else profile_batch
    try:
        bounds = [int(bound) for bound in given] if isinstance(given, (list, tuple)) else [int(given)]
    except (TypeError, ValueError):
        bounds = []
    if not 1 <= len(bounds) <= 2 or bounds[0] < 0 or bounds[-1] < bounds[0]:
        raise ValueError("Expected `profile_batch` to be a batch or a pair (first, last), counted from 1, or 0. "
                         f"Received: profile_batch={profile_batch!r}")
    return bounds[0], bounds[-1]


def _scalars(logs: Mapping[str, Any]) -> dict[str, float]:
    return {name: value for name, value in logs.items() if name not in NOT_WRITTEN and np.ndim(value) == 0}


def _write_scalars(writer: Any, values: Mapping[str, float], step: int) -> None:
    with writer.as_default():
        for tag, value in values.items():
            tf.summary.write(tag, tf.constant(value, tf.float32), step=step, metadata=SCALAR)


def _write_layers(model: Any, writer: Any) -> None:
    """Writes the model's configuration under the tag `keras`; a model without one is left out."""
    try:
        text = model.to_json()
    except NotImplementedError:
        return
    with writer.as_default():
        tf.summary.write("keras", tf.constant(text), step=0, metadata=LAYERS)


def _as_images(weight: np.ndarray) -> np.ndarray | None:
    """The weight as `(images, height, width, 1)`, the longer side of a matrix across; None with over three axes."""
    values = np.squeeze(weight)
    if values.ndim == 1:
        return values.reshape(1, -1, 1, 1)
    if values.ndim == 2:
        wide = values.T if values.shape[0] > values.shape[1] else values
        return wide.reshape(1, *wide.shape, 1)
    if values.ndim == 3:
        images = values.transpose(2, 0, 1)
        return images.reshape(*images.shape, 1)
    return None


def _embeddings(model: Any) -> dict[str, str]:
    """Where in a checkpoint of the weights the tables of the embedding layers are, by layer name."""
    places = {id(child): place for place, child in reversed(list(model._trackable_children().items()))}
    tables = [layer for layer in model.layers if hasattr(layer, "embeddings") and id(layer) in places]
    return {layer.name: f"{places[id(layer)]}/embeddings/.ATTRIBUTES/VARIABLE_VALUE" for layer in tables}


def _write_projector(
    log_dir: str, embeddings: Mapping[str, str], metadata: str | dict[str, str] | None, checkpoint: str = ""
) -> None:
    """Writes which tensor of the checkpoints is which embedding, where its labels are, and the newest checkpoint.

    TensorBoard looks for a checkpoint beside this file only, and it lies in the folder of the training: without its
    path (that tf.keras leaves out) nothing is shown.

    Raises:
        ValueError: if the metadata names a layer that is no embedding.
    """
    labels = dict.fromkeys(embeddings, metadata) if isinstance(metadata, str) else dict(metadata or {})
    unknown = sorted(set(labels) - set(embeddings))
    if unknown:
        raise ValueError(f"Expected `embeddings_metadata` to name embedding layers of the model: {list(embeddings)}. "
                         f"Received: {unknown}")
    blocks = [f'model_checkpoint_path: "{checkpoint}"\n'] if checkpoint else []
    for name, tensor in embeddings.items():
        path = f'  metadata_path: "{labels[name]}"\n' if labels.get(name) else ""
        blocks.append(f'embeddings {{\n  tensor_name: "{tensor}"\n{path}}}\n')
    tf.io.gfile.makedirs(log_dir)
    with tf.io.gfile.GFile(os.path.join(log_dir, "projector_config.pbtxt"), "w") as file:
        file.write("".join(blocks))
