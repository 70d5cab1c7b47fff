"""The measured programs, as people write them, for every library with the API of Keras."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import keras_models as models
from . import samples
from .engines import Library
from .workloads import Work

Build = Callable[[Library], Any]
Start = Callable[[], Work]
Arrays = np.ndarray | list[np.ndarray]


def _head(arrays: Arrays, rows: int) -> Any:
    return [array[:rows] for array in arrays] if isinstance(arrays, list) else arrays[:rows]


def _timed_fit(library: Library, model: Any, *data: Any, **options: Any) -> Callable[[int], list[float]]:
    """Runs n epochs, and tells at which second each ended."""
    ends: list[float] = []

    class EpochEnds(library.keras.callbacks.Callback):  # type: ignore[name-defined]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            ends.append(time.perf_counter())

    def run(n: int) -> list[float]:
        ends.clear()
        begun = time.perf_counter()
        model.fit(*data, epochs=n, verbose=0, callbacks=[EpochEnds()], **options)
        return [end - begun for end in ends]

    return run


def _fit(build: Build, batch: int, read: Callable[[], tuple[Arrays, Arrays]], library: Library) -> Start:
    x, y = read()

    def start() -> Work:
        model = build(library)
        first, targets = _head(x, batch), _head(y, batch)
        rows = len(x[0] if isinstance(x, list) else x)
        return Work(
            lambda: model.fit(first, targets, batch_size=batch, verbose=0),
            _timed_fit(library, model, x, y, batch_size=batch),
            steps=-(-rows // batch),
        )

    return start


def _fit_dataset(library: Library) -> Start:
    import tensorflow as tf

    x, y = samples.digits()

    def start() -> Work:
        model = models.guide_mlp(library)
        dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(buffer_size=1024).batch(64)
        return Work(
            lambda: model.fit(dataset.take(1), verbose=0),
            _timed_fit(library, model, dataset),
            steps=-(-len(x) // 64),
        )

    return start


def _repeat(call: Callable[[], Any]) -> Work:
    def run(n: int) -> None:
        for _ in range(n):
            call()

    return Work(call, run)


def _evaluate(library: Library) -> Start:
    x, y = samples.digits("test")

    def start() -> Work:
        model = models.guide_mlp(library)
        return _repeat(lambda: model.evaluate(x, y, verbose=0))

    return start


def _predict(rows: int, library: Library) -> Start:
    x = samples.digits("test")[0][:rows]

    def start() -> Work:
        model = models.guide_mlp(library)
        return _repeat(lambda: model.predict(x, verbose=0))

    return start


def _train_on_batch(library: Library) -> Start:
    x, y = (array[:64] for array in samples.digits())

    def start() -> Work:
        model = models.guide_mlp(library)
        return _repeat(lambda: model.train_on_batch(x, y))

    return start


def _eager_loop(library: Library) -> Start:
    import tensorflow as tf

    keras, (x, y) = library.keras, samples.digits()
    batch, labels = tf.constant(x[:64]), tf.constant(y[:64])

    def start() -> Work:
        model = models.guide_mlp(library)
        optimizer = keras.optimizers.SGD(learning_rate=1e-3)
        loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        accuracy = keras.metrics.SparseCategoricalAccuracy()

        def step() -> None:
            with tf.GradientTape() as tape:
                logits = model(batch, training=True)
                loss = loss_of(labels, logits)
            gradients = tape.gradient(loss, model.trainable_weights)
            optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
            accuracy.update_state(labels, logits)

        return _repeat(step)

    return start


def _layer(name: str, arguments: tuple[int, ...], options: dict[str, Any], shape: tuple[int, ...],
           library: Library) -> Start:  # fmt: skip
    """One layer in a `tf.function`: its outputs, and the gradient of their squares with respect to all it has."""
    import tensorflow as tf

    inputs = tf.constant(samples.noise(shape))

    def start() -> Work:
        layer = getattr(library.keras.layers, name)(*arguments, **options)
        operands = [inputs, inputs] if name == "MultiHeadAttention" else [inputs]
        layer(*operands)

        @tf.function
        def step() -> Any:
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                total = tf.reduce_sum(tf.square(layer(*operands)))
            return tape.gradient(total, [inputs, *tape.watched_variables()])

        return _repeat(step)

    return start


def _build(library: Library) -> Start:
    return lambda: _repeat(lambda: models.deep(library, 200))


def _layers(library: Library) -> Start:
    return lambda: Work(lambda: models.deep(library, 2), lambda n: models.deep(library, n))


def _houses(run: Callable[[Any, list[np.ndarray], np.ndarray], Callable[[int], Any]], library: Library) -> Start:
    """Wide and deep in batches of 32; `run(model, x, y)` gives what is done n times."""
    x, y = samples.houses(320_000)

    def start() -> Work:
        model = models.wide_deep(library)
        return Work(lambda: model.fit(_head(x, 32), y[:32], verbose=0), run(model, x, y))

    return start


def _steps(model: Any, x: list[np.ndarray], y: np.ndarray) -> Callable[[int], Any]:
    return lambda n: model.fit(_head(x, 32 * n), y[: 32 * n], verbose=0)


def _epochs(model: Any, x: list[np.ndarray], y: np.ndarray) -> Callable[[int], Any]:
    return lambda n: model.fit(_head(x, 320), y[:320], epochs=n, verbose=0)


def _fits(model: Any, x: list[np.ndarray], y: np.ndarray) -> Callable[[int], Any]:
    return lambda n: [model.fit(_head(x, 320), y[:320], verbose=0) for _ in range(n)]


def _save_and_load(library: Library) -> Start:
    def start() -> Work:
        model, folder = models.resnet_20(library), tempfile.TemporaryDirectory()

        def there_and_back() -> None:
            path = str(Path(folder.name) / "model.keras")
            model.save(path)
            library.keras.models.load_model(path)

        return _repeat(there_and_back)

    return start


_PATHS = {"h5": "model.h5", "weights": "alone.h5", "keras": "model.keras", "tree": "all.weights.h5",
          "saved-model": "model", "checkpoint": "weights"}  # fmt: skip


def _hundred_megabytes(verb: str, form: str, library: Library) -> Start:
    """Saves, or loads, five layers whose kernels have 20 MB each."""

    def start() -> Work:
        keras, folder = library.keras, tempfile.TemporaryDirectory()
        model = keras.Sequential([keras.Input((2236,)), *(keras.layers.Dense(2236) for _ in range(5))])
        library.compile(model, "sgd", "mse")
        options = {"save_format": "tf"} if form == "saved-model" else {}

        def path() -> str:
            return str(Path(folder.name) / _PATHS[form])

        def save() -> None:
            if form in ("h5", "keras", "saved-model"):
                model.save(path(), **options)
            else:
                model.save_weights(path())

        def load() -> None:
            if form in ("h5", "keras", "saved-model"):
                keras.models.load_model(path())
            else:
                model.load_weights(path())

        save()
        return _repeat(save if verb == "save" else load)

    return start


def _fit_return(library: Library) -> Start:
    x, y = samples.digits()

    def start() -> Work:
        model = models.guide_mlp(library)
        fit = _timed_fit(library, model, x, y, batch_size=64)

        def run(n: int) -> list[float]:
            begun = time.perf_counter()
            last = fit(2 * n)[-1]
            return [time.perf_counter() - begun - last]

        return Work(lambda: model.fit(x[:64], y[:64], batch_size=64, verbose=0), run)

    return start


_WORDS_200 = partial(samples.words, 6400, 200, 20000)
_WORDS_64 = partial(samples.words, 1600, 64, 20000)
_ROWS = partial(samples.series, 1600, 50, 32)

WORK: dict[str, Callable[[Library], Start]] = {
    "guide-mlp": partial(_fit, models.guide_mlp, 64, samples.digits),
    "mlp-1024": partial(_fit, models.mlp_1024, 64, partial(samples.digits, rows=3200)),
    "cnn": partial(_fit, models.cnn, 64, partial(samples.images, 1600)),
    "lstm": partial(_fit, partial(models.recurrent, kind="LSTM"), 32, _ROWS),
    "gru": partial(_fit, partial(models.recurrent, kind="GRU"), 32, _ROWS),
    "text": partial(_fit, models.text, 32, _WORDS_200),
    "transformer": partial(_fit, partial(models.transformer, blocks=1), 32, _WORDS_64),
    "two-inputs": partial(_fit, models.two_inputs, 32, partial(samples.images_and_series, 3200)),
    "wide-deep": partial(_fit, models.wide_deep, 32, partial(samples.houses, 11610)),
    "resnet-20": partial(_fit, models.resnet_20, 32, partial(samples.colour_images, 256)),
    "tf-data": _fit_dataset,
    "layer-conv": partial(_layer, "Conv2D", (64, 3), {"padding": "same"}, samples.FEATURES),
    "layer-lstm": partial(_layer, "LSTM", (128,), {"return_sequences": True}, samples.SERIES),
    "layer-attention": partial(_layer, "MultiHeadAttention", (4, 16), {}, samples.SENTENCES),
    "evaluate": _evaluate,
    "predict-1": partial(_predict, 1),
    "predict-32": partial(_predict, 32),
    "predict-10000": partial(_predict, 10000),
    "train-on-batch": _train_on_batch,
    "eager-loop": _eager_loop,
    "build-200": _build,
    "save-load": _save_and_load,
    **{f"{verb}-100mb-{form}": partial(_hundred_megabytes, verb, form) for form in _PATHS for verb in ("save", "load")},
    "fit-return": _fit_return,
    "growth-steps": partial(_houses, _steps),
    "growth-epochs": partial(_houses, _epochs),
    "growth-fits": partial(_houses, _fits),
    "growth-predicts": partial(_predict, 1),
    "growth-batches": _train_on_batch,
    "growth-layers": _layers,
    "first-mlp": partial(_fit, models.guide_mlp, 64, samples.digits),
    "first-resnet-20": partial(_fit, models.resnet_20, 32, partial(samples.colour_images, 32)),
    "first-transformer": partial(_fit, partial(models.transformer, blocks=6), 32, _WORDS_64),
}
