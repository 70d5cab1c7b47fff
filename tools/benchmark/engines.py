"""What is measured: kerasish and its peers, each with what must be installed and how it is switched on."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Engine:
    """`module` is what a program imports; `options` go to every `compile`.

    `least_steps`: a run has so many steps, if that does not take too long, because the engine chooses by the length of
    a run how to do its steps.
    """

    name: str
    title: str
    module: str
    requires: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    asked_for_only: bool = False
    least_steps: int = 0

    def installed(self) -> bool:
        return all(importlib.util.find_spec(package) for package in self.requires)

    def load(self) -> Library:
        return Library(self, importlib.import_module(self.module))


@dataclass(frozen=True)
class Library:
    """An engine within its process. `keras` is the imported module, for the engine "torch" torch itself."""

    engine: Engine
    keras: Any

    def compile(self, model: Any, optimizer: Any, loss: Any, metrics: list[Any] | None = None) -> Any:
        """The model, compiled with the engine's options."""
        model.compile(optimizer=optimizer, loss=loss, metrics=metrics, **self.engine.options)
        return model


def _keras3(backend: str) -> Engine:
    return Engine(f"keras3-{backend}", f"Keras 3 on {backend}", "keras", ("keras", backend),
                  environment={"KERAS_BACKEND": backend})  # fmt: skip


_KERASISH = ("kerasish", "tensorflow")
ENGINES = {engine.name: engine for engine in (
    Engine("kerasish", "kerasish", "kerasish", _KERASISH, least_steps=2500),
    Engine("tf_keras", "tf_keras", "tf_keras", ("tf_keras",)),
    Engine("tf_keras-32", "tf_keras, steps_per_execution=32", "tf_keras", ("tf_keras",), {"steps_per_execution": 32}),
    _keras3("tensorflow"),
    _keras3("jax"),
    _keras3("torch"),
    Engine("torch", "PyTorch loop, fused optimizer", "torch", ("torch",)),
    Engine("tensorflow", "TensorFlow alone", "tensorflow", ("tensorflow",)),
    Engine("kerasish-plain", "kerasish, no XLA", "kerasish", _KERASISH, {"jit_compile": False}, asked_for_only=True),
    Engine("kerasish-xla", "kerasish, XLA", "kerasish", _KERASISH, {"jit_compile": True}, asked_for_only=True),
)}  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of the packages that are compared and of what they stand on, where installed."""
    found = {}
    for package in ("kerasish", "tensorflow", "tf_keras", "keras", "jax", "torch", "numpy"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
