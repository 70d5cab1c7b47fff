"""Layers that turn a symbolic tensor of a functional model into a loss or a metric of the model."""

from __future__ import annotations

from typing import Any

from kerasish.layers.base import LAYERS, Layer


@LAYERS.register()
class AddLoss(Layer):
    """Adds its input to the losses and passes it on (what `model.add_loss(symbolic)` puts into the model)."""

    __config_module__ = "tf_keras.src.engine.base_layer"
    supports_masking = True

    def __init__(self, unconditional: bool = False, **kwargs: Any):
        kwargs.setdefault("autocast", False)
        super().__init__(**kwargs)
        self.unconditional = unconditional

    def call(self, inputs: Any) -> Any:
        """The input, added to the losses."""
        self.add_loss(inputs)
        return inputs


@LAYERS.register()
class AddMetric(Layer):
    """Adds its input to the metrics and passes it on (what `model.add_metric(symbolic, ...)` puts into the model)."""

    __config_module__ = "tf_keras.src.engine.base_layer"
    supports_masking = True

    def __init__(self, aggregation: str | None = None, metric_name: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.aggregation, self.metric_name = aggregation, metric_name

    def call(self, inputs: Any) -> Any:
        """The input, added to the metric's mean."""
        self.add_metric(inputs, self.metric_name, aggregation=self.aggregation)
        return inputs
