"""The measured programs as plain PyTorch: shuffled batches in memory, fused optimizers, the same metrics."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from . import samples
from . import torch_models as models
from .engines import Library
from .workloads import Work

Start = Callable[[], Work]
Tensors = list[Tensor]
Loss = Callable[[Any, Tensors], tuple[Tensor, Tensor]]


def _adam(weights: Any) -> torch.optim.Optimizer:
    return torch.optim.Adam(weights, fused=True)


def _sgd(weights: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(weights, 1e-3, fused=True)


def _momentum(weights: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(weights, 0.01, momentum=0.9, fused=True)


def _rmsprop(weights: Any) -> torch.optim.Optimizer:
    """There is no fused RMSprop; for all weights at once is the fastest there is."""
    return torch.optim.RMSprop(weights, 1e-3, alpha=0.9, foreach=True)


def _classes(logits: Tensor, labels: Tensors) -> tuple[Tensor, Tensor]:
    """Loss, and how many are right."""
    return functional.cross_entropy(logits, labels[0]), (logits.detach().argmax(1) == labels[0]).sum()


def _score_and_classes(outputs: tuple[Tensor, Tensor], targets: Tensors) -> tuple[Tensor, Tensor]:
    """Loss and its second part, as Keras tells them."""
    classes = functional.cross_entropy(outputs[1], targets[1])
    return functional.mse_loss(outputs[0], targets[0]) + classes, classes.detach()


def _price(output: Tensor, targets: Tensors) -> tuple[Tensor, Tensor]:
    loss = functional.mse_loss(output, targets[0])
    return loss, loss.detach()


def _tensors(arrays: Any, channels_first: bool = False) -> Tensors:
    """Class labels become integers, as the loss wants them; `channels_first` moves the last axis of 3 or 4 forward."""
    found = [torch.from_numpy(array) for array in (arrays if isinstance(arrays, list) else [arrays])]
    found = [tensor.long() if tensor.ndim == 1 else tensor for tensor in found]
    return [tensor.movedim(-1, 1).contiguous() if channels_first else tensor for tensor in found]


class Trainer:
    """Model, optimizer, and the sums that `fit` would report."""

    def __init__(self, model: nn.Module, optimizer: Callable[[Any], torch.optim.Optimizer], loss: Loss) -> None:
        self.model, self.loss = model, loss
        self.optimizer = optimizer(model.parameters())
        self.sums = [torch.zeros(()), torch.zeros(())]
        self.told: list[float] = []

    def step(self, x: Tensors, y: Tensors) -> None:
        loss, metric = self.loss(self.model(*x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.sums[0] += loss.detach()
        self.sums[1] += metric

    def fit(self, x: Tensors, y: Tensors, batch: int, epochs: int) -> list[float]:
        """Trains, and tells at which second each epoch ended, its sums read."""
        begun, ends = time.perf_counter(), []
        for _ in range(epochs):
            self.sums = [torch.zeros(()), torch.zeros(())]
            for rows in torch.randperm(len(y[0])).split(batch):
                self.step([tensor[rows] for tensor in x], [tensor[rows] for tensor in y])
            self.told = [float(total) for total in self.sums]
            ends.append(time.perf_counter() - begun)
        return ends


def _fit(
    build: Callable[[], nn.Module],
    optimizer: Callable[[Any], torch.optim.Optimizer],
    loss: Loss,
    batch: int,
    read: Callable[[], tuple[Any, Any]],
    _: Library,
    *,
    channels_first: bool = False,
) -> Start:
    inputs, targets = read()
    x, y = _tensors(inputs, channels_first), _tensors(targets)

    def start() -> Work:
        trainer = Trainer(build(), optimizer, loss)
        head, labels = [tensor[:batch] for tensor in x], [tensor[:batch] for tensor in y]
        return Work(
            lambda: trainer.fit(head, labels, batch, 1),
            lambda n: trainer.fit(x, y, batch, n),
            steps=-(-len(y[0]) // batch),
        )

    return start


def _repeat(call: Callable[[], Any]) -> Work:
    def run(n: int) -> None:
        for _ in range(n):
            call()

    return Work(call, run)


def _evaluate(_: Library) -> Start:
    (x,), (y,) = map(_tensors, samples.digits("test"))

    def start() -> Work:
        model = models.mlp(64, 64)

        @torch.no_grad()
        def evaluate() -> list[float]:
            sums = [torch.zeros(()), torch.zeros(())]
            for rows, labels in zip(x.split(32), y.split(32), strict=True):
                loss, right = _classes(model(rows), [labels])
                sums[0] += loss
                sums[1] += right
            return [float(total) for total in sums]

        return _repeat(evaluate)

    return start


def _predict(rows: int, _: Library) -> Start:
    x = samples.digits("test")[0][:rows]

    def start() -> Work:
        model = models.mlp(64, 64)

        @torch.no_grad()
        def predict() -> np.ndarray:
            return torch.cat([model(part) for part in torch.from_numpy(x).split(32)]).numpy()

        return _repeat(predict)

    return start


def _train_on_batch(_: Library) -> Start:
    x, y = (array[:64] for array in samples.digits())

    def start() -> Work:
        trainer = Trainer(models.mlp(64, 64), _rmsprop, _classes)

        def step() -> list[float]:
            trainer.sums = [torch.zeros(()), torch.zeros(())]
            trainer.step(_tensors(x), _tensors(y))
            return [float(total) for total in trainer.sums]

        return _repeat(step)

    return start


def _eager_loop(_: Library) -> Start:
    x, y = (_tensors(array[:64]) for array in samples.digits())

    def start() -> Work:
        trainer = Trainer(models.mlp(64, 64), _sgd, _classes)
        return _repeat(lambda: trainer.step(x, y))

    return start


def _layer(build: Callable[[], nn.Module], shape: tuple[int, ...], _: Library, channels_first: bool = False) -> Start:
    """One layer: its outputs, and the gradient of their squares with respect to all it has."""
    (inputs,) = _tensors(samples.noise(shape), channels_first)

    def start() -> Work:
        layer = build()
        watched = inputs.clone().requires_grad_()
        attends = isinstance(layer, nn.MultiheadAttention)

        def step() -> Any:
            outputs = layer(watched, watched, watched, need_weights=False) if attends else layer(watched)
            total = (outputs[0] if isinstance(outputs, tuple) else outputs).square().sum()
            return torch.autograd.grad(total, [watched, *layer.parameters()])

        return _repeat(step)

    return start


def _save_and_load(_: Library) -> Start:
    def start() -> Work:
        model, folder = models.resnet_20(), tempfile.TemporaryDirectory()

        def there_and_back() -> None:
            path = Path(folder.name) / "model.pt"
            torch.save(model.state_dict(), path)
            models.resnet_20().load_state_dict(torch.load(path))

        return _repeat(there_and_back)

    return start


_MLP = partial(models.mlp, 64, 64)
_RESNET = partial(_fit, models.resnet_20, _momentum, _classes, 32, channels_first=True)
_WORDS = partial(samples.words, 1600, 64, 20000)
_ROWS = partial(samples.series, 1600, 50, 32)

WORK: dict[str, Callable[[Library], Start]] = {
    "guide-mlp": partial(_fit, _MLP, _rmsprop, _classes, 64, samples.digits),
    "mlp-1024": partial(_fit, partial(models.mlp, 1024, 1024), _adam, _classes, 64,
                        partial(samples.digits, rows=3200)),
    "cnn": partial(_fit, models.cnn, _adam, _classes, 64, partial(samples.images, 1600), channels_first=True),
    "lstm": partial(_fit, partial(models.Recurrent, nn.LSTM), _adam, _classes, 32, _ROWS),
    "gru": partial(_fit, partial(models.Recurrent, nn.GRU), _adam, _classes, 32, _ROWS),
    "text": partial(_fit, models.Text, _adam, _classes, 32, partial(samples.words, 6400, 200, 20000)),
    "transformer": partial(_fit, partial(models.Transformer, 1), _adam, _classes, 32, _WORDS),
    "two-inputs": partial(_fit, models.TwoInputs, _rmsprop, _score_and_classes, 32,
                          partial(samples.images_and_series, 3200), channels_first=True),
    "wide-deep": partial(_fit, models.WideDeep, _sgd, _price, 32, partial(samples.houses, 11610)),
    "resnet-20": partial(_RESNET, partial(samples.colour_images, 256)),
    "layer-conv": partial(_layer, partial(nn.Conv2d, 32, 64, 3, padding=1), samples.FEATURES, channels_first=True),
    "layer-lstm": partial(_layer, partial(nn.LSTM, 32, 128, batch_first=True), samples.SERIES),
    "layer-attention": partial(_layer, partial(nn.MultiheadAttention, 64, 4, batch_first=True), samples.SENTENCES),
    "evaluate": _evaluate,
    "predict-1": partial(_predict, 1),
    "predict-32": partial(_predict, 32),
    "predict-10000": partial(_predict, 10000),
    "train-on-batch": _train_on_batch,
    "eager-loop": _eager_loop,
    "save-load": _save_and_load,
    "first-mlp": partial(_fit, _MLP, _rmsprop, _classes, 64, samples.digits),
    "first-resnet-20": partial(_RESNET, partial(samples.colour_images, 32)),
    "first-transformer": partial(_fit, partial(models.Transformer, 6), _adam, _classes, 32, _WORDS),
}  # fmt: skip
