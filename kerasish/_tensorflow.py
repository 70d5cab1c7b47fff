"""TensorFlow, imported without Keras 3; the first module that kerasish imports.

The last step of ``import tensorflow`` imports the optimizers of Keras 3 (of tf_keras under ``TF_USE_LEGACY_KERAS``),
which brings in all of that package: about 1,000 modules and a quarter of the time. TensorFlow goes on quietly when
that step fails, so those two modules are declared absent (None in ``sys.modules``) for as long as its import takes.
A later ``import keras`` or a first use of the real ``tf.keras`` finds nothing changed.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from kerasish.core.garbage import uncollected

__all__ = ["import_tensorflow"]

_EAGERLY_IMPORTED = ("keras.src.optimizers", "tf_keras.src.optimizers")


def import_tensorflow() -> None:
    """Leaves TensorFlow imported, and Keras as it was; does nothing if TensorFlow is there already."""
    if "tensorflow" in sys.modules:
        return
    modules: dict[str, Any] = sys.modules
    absent = [name for name in _EAGERLY_IMPORTED if name not in modules]
    modules.update(dict.fromkeys(absent))
    try:
        with uncollected():
            importlib.import_module("tensorflow")
    finally:
        for name in absent:
            if modules.get(name, name) is None:
                del modules[name]


import_tensorflow()
