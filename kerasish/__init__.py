"""kerasish: tf.keras 2.x on today's TensorFlow.

The machinery, from the bottom up: `core` (names, configuration, ownership), `ops` (numerics), `graph` (symbolic
tensors), `data_sources` (anything a user passes as data), `training` (one batch's path), `saving` (file formats). The
public modules carry the names of `tf.keras`.
"""

import sys

from kerasish import _tensorflow as _tensorflow  # isort: split

from kerasish import (
    activations,
    applications,
    backend,
    callbacks,
    constraints,
    datasets,
    experimental,
    export,
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    optimizers,
    preprocessing,
    regularizers,
    utils,
)
from kerasish.dropin import install, uninstall
from kerasish.graph import scratch
from kerasish.layers import Input
from kerasish.models import Model, Sequential

__version__ = "0.1.0"

scratch.leave_unconverted([module for name, module in sys.modules.items() if name.startswith(f"{__name__}.")])

__all__ = [
    "Input", "Model", "Sequential", "activations", "applications", "backend", "callbacks", "constraints", "datasets",
    "experimental", "export", "initializers", "install", "layers", "losses", "metrics", "mixed_precision", "models",
    "optimizers", "preprocessing", "regularizers", "uninstall", "utils",
]  # fmt: skip
