"""The names of what is measured. `keras_work` and `torch_work` hold the programs themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

_JAX, _TORCH = "keras3-jax", "torch"
_NOT_TF_KERAS = ("tf_keras-32", "keras3-tensorflow", _JAX, "keras3-torch", _TORCH)
_FORMS = {
    "h5": "model.h5", "weights": "weights alone.h5", "keras": "model.keras", "tree": "all.weights.h5",
    "saved-model": "SavedModel", "checkpoint": "weights as a checkpoint",
}  # fmt: skip


@dataclass
class Work:
    """A program that is ready to run: the model is built.

    `first()` does one step or call; its time and that of building is the time to the first step. `run(n)` does n rounds
    (epochs or calls) of `steps` steps each; where it returns seconds, these say when each round ended.
    """

    first: Callable[[], Any]
    run: Callable[[int], Any]
    steps: int = 1


@dataclass(frozen=True)
class Workload:
    """`kind` says how a turn is timed.

    slope: the time of many rounds less that of few is the cost of a step, what remains the fixed cost of a call;
    single: one round; first or import: a fresh process each time, its first step or its import;
    growth: at each of `numbers`, what one more costs.
    """

    name: str
    title: str
    unit: Literal["step", "call", "layer"] = "step"
    kind: Literal["slope", "single", "first", "import", "growth"] = "slope"
    quick: bool = False
    without: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()

    def takes(self, engine: str) -> bool:
        """Whether this engine can do it; TensorFlow alone is there to be imported."""
        return engine not in self.without and (engine != "tensorflow" or self.kind == "import")



def _layer(name: str, title: str) -> Workload:
    return Workload(f"layer-{name}", f"forward and gradient, {title}", "call", without=(_JAX, "keras3-torch"))


def _growth(name: str, title: str, unit: Literal["step", "call", "layer"], *numbers: int) -> Workload:
    return Workload(f"growth-{name}", title, unit, "growth", without=(_TORCH,), numbers=numbers)


WORKLOADS = {workload.name: workload for workload in (
    Workload("guide-mlp", "fit, the guide's MLP on MNIST, batch 64", quick=True),
    Workload("mlp-1024", "fit, MLP 1024x2 on MNIST, batch 64"),
    Workload("cnn", "fit, CNN on MNIST, batch 64"),
    Workload("lstm", "fit, LSTM(128) over 50 steps, batch 32"),
    Workload("gru", "fit, GRU(128) over 50 steps, batch 32"),
    Workload("text", "fit, embedding and pooling over 200 words, batch 32", quick=True),
    Workload("transformer", "fit, one transformer block over 64 words, batch 32"),
    Workload("two-inputs", "fit, the guide's model of two inputs and outputs, batch 32", quick=True),
    Workload("wide-deep", "fit, wide and deep, batch 32", quick=True),
    Workload("resnet-20", "fit, ResNet-20 on 32x32 images, batch 32"),
    Workload("tf-data", "fit, the guide's tf.data pipeline, batch 64", quick=True, without=(_TORCH,)),
    _layer("conv", "Conv2D(64, 3) on 28x28x32, batch 32"),
    _layer("lstm", "LSTM(128) over 50 steps, batch 32"),
    _layer("attention", "MultiHeadAttention(4, 16) over 64 words, batch 32"),
    Workload("evaluate", "evaluate, 10,000 rows of MNIST", "call"),
    Workload("predict-1", "predict, one row", "call", quick=True),
    Workload("predict-32", "predict, 32 rows", "call"),
    Workload("predict-10000", "predict, 10,000 rows", "call"),
    Workload("train-on-batch", "train_on_batch, 64 rows", "call", quick=True),
    Workload("eager-loop", "the guide's eager custom loop, batch 64", quick=True, without=(_JAX, "keras3-torch")),
    Workload("import", "import", "call", "import"),
    Workload("build-200", "build a functional model of 200 layers", "call", "single", without=(_TORCH,)),
    Workload("save-load", "save ResNet-20 and load it", "call", "single"),
    *(Workload(f"{verb}-100mb-{form}", f"{verb} 100 MB of weights, {title}", "call", "single", without=_NOT_TF_KERAS)
      for form, title in _FORMS.items() for verb in ("save", "load")),
    Workload("fit-return", "fit returns after its last epoch", "call", "single", without=(_TORCH,)),
    Workload("first-mlp", "time to first step, the guide's MLP", "step", "first"),
    Workload("first-resnet-20", "time to first step, ResNet-20", "step", "first"),
    Workload("first-transformer", "time to first step, six transformer blocks", "step", "first"),
    _growth("steps", "steps of one epoch, wide and deep", "step", 10, 100, 1000, 10000),
    _growth("epochs", "epochs of ten steps, wide and deep, in one fit", "step", 10, 100, 1000),
    _growth("fits", "calls of fit, one epoch of ten steps", "call", 10, 100, 1000),
    _growth("predicts", "calls of predict, one row", "call", 10, 100, 1000, 10000),
    _growth("batches", "calls of train_on_batch", "call", 10, 100, 1000, 10000),
    _growth("layers", "layers of one functional model", "layer", 10, 100, 1000),
)}  # fmt: skip
