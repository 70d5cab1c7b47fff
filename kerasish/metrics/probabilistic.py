"""Distances between predicted and true probabilities."""
from __future__ import annotations

from typing import Any

from kerasish.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from kerasish.metrics.base import METRICS
from kerasish.metrics.reduction import MeanMetricWrapper

METRICS.register("bce", "BCE")(binary_crossentropy)
METRICS.register("kld", "KLD", "kullback_leibler_divergence")(kl_divergence)
for _function in (
    categorical_crossentropy,
    sparse_categorical_crossentropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    poisson,
):
    METRICS.register()(_function)


@METRICS.register()
class KLDivergence(MeanMetricWrapper, fn=kl_divergence, default_name="kullback_leibler_divergence"):
    """The mean of `sum(y_true * log(y_true / y_pred))` over the last axis."""


@METRICS.register()
class Poisson(MeanMetricWrapper, fn=poisson, default_name="poisson"):
    """The mean of `y_pred - y_true * log(y_pred)`."""


@METRICS.register()
class BinaryCrossentropy(MeanMetricWrapper):
    """The mean of `-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)`.

    Args:
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: how far labels are moved towards 0.5, in [0, 1].
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        super().__init__(binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


@METRICS.register()
class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `-sum(y_true * log(y_pred))` over the classes, for one-hot labels or probabilities.

    Args:
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
        from_logits: whether predictions are logits rather than probabilities.
        label_smoothing: how far labels are moved towards equal probabilities, in [0, 1].
        axis: the axis of the classes.
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        super().__init__(
            categorical_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
        )


@METRICS.register()
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean of `-log(y_pred[label])` for class indices.

    Args:
        name: the name under which the value is reported.
        dtype: type of the variables and the result.
        from_logits: whether predictions are logits rather than probabilities.
        ignore_class: samples of this class index do not count.
        axis: the axis of the classes.
    """

    _converts_labels = False

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        super().__init__(
            sparse_categorical_crossentropy, name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis
        )
