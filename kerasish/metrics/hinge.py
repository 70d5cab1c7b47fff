"""Margins by which predictions fall short of their labels -1 or 1."""
from __future__ import annotations

from kerasish.losses import categorical_hinge, hinge, squared_hinge
from kerasish.metrics.base import METRICS
from kerasish.metrics.reduction import MeanMetricWrapper

for _function in (hinge, squared_hinge, categorical_hinge):
    METRICS.register()(_function)


@METRICS.register()
class Hinge(MeanMetricWrapper, fn=hinge, default_name="hinge"):
    """The mean of `max(1 - y_true * y_pred, 0)`; labels 0 and 1 are taken as -1 and 1."""


@METRICS.register()
class SquaredHinge(MeanMetricWrapper, fn=squared_hinge, default_name="squared_hinge"):
    """The mean of `max(1 - y_true * y_pred, 0)**2`; labels 0 and 1 are taken as -1 and 1."""


@METRICS.register()
class CategoricalHinge(MeanMetricWrapper, fn=categorical_hinge, default_name="categorical_hinge"):
    """The mean of `max(1 + best wrong score - labelled score, 0)` for one-hot labels `(batch, classes)`."""
