"""What training minimizes and what it reports: losses, weights and metrics bound to a model's outputs.

Source: behaviour of tf.keras 2: the loss of each output is reduced over its batch, weighted and added to the losses
within the model; the reported figures are means over the epoch, each batch counting by its number of rows.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from kerasish import losses as losses_module
from kerasish import metrics as metrics_module
from kerasish.core.naming import numbered_apart, to_snake_case, unique_name
from kerasish.losses.base import FunctionLoss
from kerasish.training.outputs import Outputs

_BY_SHAPE = {
    "accuracy": ("binary_accuracy", "sparse_categorical_accuracy", "categorical_accuracy"),
    "acc": ("binary_accuracy", "sparse_categorical_accuracy", "categorical_accuracy"),
    "crossentropy": ("binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"),
    "ce": ("binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"),
}


class CompiledLoss:
    """The sum of the outputs' losses; called with targets and predictions.

    Args:
        loss: a loss, its name, a function, or a list or dict of them; None for none.
        loss_weights: numbers in the same form.
        outputs: the model's outputs, where they are known before the first batch.
        may_be_unused: whether steps of the user's own do without, which then report no loss.

    Raises:
        ValueError: for an unknown loss or output.
    """

    def __init__(
        self, loss: Any, loss_weights: Any = None, outputs: Outputs | None = None, may_be_unused: bool = False
    ):
        self._is_reported = loss is not None or not may_be_unused
        self._given, self._weights_given = _resolved(loss, _loss_object), loss_weights
        self._mean = metrics_module.Mean(name="loss")
        self.outputs: Outputs | None = None
        self.losses: list[Any] = []
        self._weights: list[Any] = []
        self._output_means: list[Any] = []
        if outputs is not None:
            self._bind(outputs)

    @property
    def metrics(self) -> list[Any]:
        """The mean of the total, then of each output's loss where there are several outputs."""
        return [self._mean, *(mean for mean in self._output_means if mean is not None)] if self._is_reported else []

    def build(self, y_pred: Any) -> Outputs:
        """Binds the losses to the outputs as they turn out to be."""
        known = self.outputs
        if known is not None and known.keys == (sorted(y_pred) if isinstance(y_pred, Mapping) else None):
            return known
        return self._bind(Outputs.of(y_pred, known.names if known else None))

    def _bind(self, outputs: Outputs) -> Outputs:
        self.outputs = outputs
        self.losses = outputs.spread("loss", self._given)
        self._weights = outputs.spread("loss_weights", self._weights_given)
        if any(isinstance(weight, (str, bool)) for weight in self._weights):
            raise ValueError(f"`loss_weights` must be numbers. Received: loss_weights={self._weights_given!r}")
        self._output_means = [
            metrics_module.Mean(name=f"{name}_loss") if loss is not None and len(outputs) > 1 else None
            for name, loss in zip(outputs.names, self.losses, strict=True)
        ]
        return outputs

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Any = None
    ) -> tf.Tensor:
        """The total to minimize; the reported means are updated."""
        self._is_reported = True
        batches = _by_output(self.build(y_pred), y_true, y_pred, sample_weight)
        terms, rows = [], None
        for loss, weight, mean, batch in zip(self.losses, self._weights, self._output_means, batches, strict=True):
            if loss is None or batch[0] is None:
                continue
            target, prediction, row_weights = aligned(*batch)
            term = _over_replicas(loss(target, prediction, sample_weight=row_weights), loss)
            rows = _rows(target) if rows is None else rows
            if mean is not None:
                mean.update_state(term, sample_weight=rows)
            terms.append(term if weight is None else term * tf.cast(weight, term.dtype))
        if regularization_losses:
            terms.append(tf.add_n([tf.cast(loss, tf.float32) for loss in regularization_losses]))
        if not terms:
            return tf.zeros(())
        rows = _rows(tf.nest.flatten(y_pred)[0]) if rows is None else rows
        total = terms[0]
        for term in terms[1:]:
            total = total + tf.cast(term, total.dtype)
        self._mean.update_state(total, sample_weight=rows)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return total if replicas == 1 else total / replicas  # what all replicas minimize together is the sum

    def reset_state(self) -> None:
        """Starts the means afresh."""
        for metric in self.metrics:
            metric.reset_state()


class CompiledMetrics:
    """The metrics of the outputs, weighted by rows or not.

    Args:
        metrics: metrics, names, functions, or lists or dicts of them.
        weighted_metrics: likewise, for those that take the sample weights into account.
        outputs: the model's outputs, where they are known before the first batch.

    Raises:
        ValueError: for an unknown metric or output.
    """

    def __init__(self, metrics: Any = None, weighted_metrics: Any = None, outputs: Outputs | None = None):
        with numbered_apart():
            self._given = (_resolved(metrics, _metric_object), _resolved(weighted_metrics, _metric_object))
        self.outputs: Outputs | None = None
        self._plain: list[list[Any]] = []
        self._weighted: list[list[Any]] = []
        self._renamed: list[tuple[Any, str]] = []
        if outputs is not None:
            self._bind(outputs)

    @property
    def metrics(self) -> list[Any]:
        """All metrics, output by output; those waiting for the first batch's shapes are left out."""
        both = zip(self._plain, self._weighted, strict=True)
        return [
            metric for plain, weighted in both for metric in (*plain, *weighted) if not isinstance(metric, _ByShape)
        ]

    @contextmanager
    def as_given(self) -> Iterator[None]:
        """Within this context the metrics have the names they had when they were given, without their outputs'."""
        present = [metric.name for metric, _ in self._renamed]
        for metric, name in self._renamed:
            metric._name = name
        try:
            yield
        finally:
            for (metric, _), name in zip(self._renamed, present, strict=True):
                metric._name = name

    def by_output(self) -> dict[str, list[list[Any]]]:
        """The metrics of each output by argument of `compile`, as far as they are bound: the present objects.

        `"accuracy"` and its like stand as names until the shapes are known.
        """
        if self.outputs is None:
            return {}
        groups = zip(("metrics", "weighted_metrics"), self._given, (self._plain, self._weighted), strict=True)
        name = lambda metric: metric.name if isinstance(metric, _ByShape) else metric  # noqa: E731
        return {argument: [[name(metric) for metric in group] for group in bound]
                for argument, given, bound in groups if given is not None}  # fmt: skip

    def build(self, y_true: Any, y_pred: Any) -> Outputs:
        """Binds the metrics to the outputs, `"accuracy"` among them to the kind that fits the shapes."""
        outputs = Outputs.of(y_pred, self.outputs.names if self.outputs else None)
        if self.outputs is None or self.outputs.keys != outputs.keys:
            self._bind(outputs)
        outputs = self.outputs or outputs
        if any(isinstance(metric, _ByShape) for group in (*self._plain, *self._weighted) for metric in group):
            for groups in (self._plain, self._weighted):
                for place, (target, prediction, _) in enumerate(_by_output(outputs, y_true, y_pred, None)):
                    groups[place] = [_fitting(metric, target, prediction) for metric in groups[place]]
        return outputs

    def _bind(self, outputs: Outputs) -> None:
        self.outputs = outputs
        with numbered_apart():  # "AUC" is `auc` in every model, `AUC()` the next of the program
            self._plain = self._spread(outputs, "metrics", self._given[0])
            self._weighted = self._spread(outputs, "weighted_metrics", self._given[1])
        self._set_names(outputs)

    def _spread(self, outputs: Outputs, argument: str, given: Any) -> list[list[Any]]:
        """A list of metrics for each output; one flat list means all of them for every output."""
        if given is None:
            return [[] for _ in outputs.names]
        parted = isinstance(given, Mapping) or any(isinstance(item, (list, Mapping)) for item in _listed(given))
        if parted:
            groups = [_listed(item) for item in outputs.spread(argument, given)]
        else:
            groups = [[_copied(m) if place else m for m in _listed(given)] for place in range(len(outputs))]
        return [[_numbered(metric) for metric in group] for group in groups]

    def _set_names(self, outputs: Outputs) -> None:
        """Puts the output's name before that of a metric where there are several, and `weighted_` where it is taken."""
        taken: set[str] = set()
        for output, plain, weighted in zip(outputs.names, self._plain, self._weighted, strict=True):
            prefix = f"{output}_" if len(outputs) > 1 else ""
            for group, second in ((plain, ""), (weighted, "weighted_")):
                for metric in group:
                    own = metric.name.removeprefix(prefix)
                    name = prefix + own if prefix + own not in taken else prefix + second + own
                    if name in taken:
                        raise ValueError(f"Two metrics have the name {name!r}. Give one of them another `name=`.")
                    taken.add(name)
                    if name != metric.name:
                        self._renamed.append((metric, metric.name))
                        metric._name = name

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes one batch into account."""
        if all(given is None for given in self._given):
            return
        batches = _by_output(self.build(y_true, y_pred), y_true, y_pred, sample_weight)
        for plain, weighted, batch in zip(self._plain, self._weighted, batches, strict=True):
            if batch[0] is None or not (plain or weighted):
                continue
            mask = getattr(batch[1], "_keras_mask", None)
            target, prediction, row_weights = aligned(*batch)
            for metric in plain:
                metric.update_state(
                    target, prediction, sample_weight=mask if mask is None else tf.cast(mask, prediction.dtype)
                )
            row_weights = _masked(row_weights, mask, prediction)
            for metric in weighted:
                metric.update_state(target, prediction, sample_weight=row_weights)

    def reset_state(self) -> None:
        """Starts every metric afresh."""
        for metric in self.metrics:
            metric.reset_state()


class _ByShape:
    """`"accuracy"` and its like before the shapes that decide between binary, sparse and one-hot are known."""

    def __init__(self, name: str):
        self.kinds = _BY_SHAPE[name.lower()]
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def resolved(self, y_true: Any, y_pred: Any) -> Any:
        """The metric for targets and predictions of these shapes."""
        true, predicted = y_true.shape, y_pred.shape
        binary, sparse, one_hot = self.kinds
        if predicted[-1:] == [1]:
            kind = binary
        elif true.rank is not None and (true.rank < predicted.rank or (true[-1] == 1 and predicted[-1] != 1)):
            kind = sparse
        else:
            kind = one_hot
        return metrics_module.MeanMetricWrapper(metrics_module.get(kind), name=self._name)


def aligned(y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Targets and weights with an axis added where predictions have one of size 1 more, and in their dtype."""
    mask = getattr(y_pred, "_keras_mask", None)
    if isinstance(y_true, tf.Tensor) and isinstance(y_pred, tf.Tensor):
        if y_true.shape.rank == 1 and y_pred.shape.rank == 2:
            y_true = tf.expand_dims(y_true, -1)
        if y_true.shape.rank == 2 and y_true.shape[-1] == 1 and y_pred.shape.rank == 1:
            y_pred = tf.expand_dims(y_pred, -1)
        if isinstance(sample_weight, tf.Tensor) and sample_weight.shape.rank == 1 and y_pred.shape.rank == 2:
            sample_weight = tf.expand_dims(sample_weight, -1)
    both = getattr(y_true, "dtype", None), y_pred.dtype
    if both[0] is not None and (
        (both[0].is_floating and both[1].is_floating) or (both[0].is_integer and both[1].is_integer)
    ):
        y_true = tf.cast(y_true, y_pred.dtype)
    if sample_weight is not None:
        sample_weight = tf.cast(sample_weight, y_pred.dtype)
    if mask is not None:
        y_pred._keras_mask = mask
    return y_true, y_pred, sample_weight


def _masked(sample_weight: Any, mask: Any, y_pred: Any) -> Any:
    if mask is None:
        return sample_weight
    mask = tf.cast(mask, y_pred.dtype)
    if sample_weight is None:
        return mask
    while sample_weight.shape.rank < mask.shape.rank:
        sample_weight = tf.expand_dims(sample_weight, -1)
    if sample_weight.shape.rank > mask.shape.rank and sample_weight.shape[-1] == 1:
        sample_weight = tf.squeeze(sample_weight, -1)
    return sample_weight * mask


def _by_output(outputs: Outputs, y_true: Any, y_pred: Any, sample_weight: Any) -> list[tuple[Any, Any, Any]]:
    """Targets, predictions and weights of each output; one weight for the rows serves all outputs."""
    one = sample_weight is None or not isinstance(sample_weight, (list, tuple, Mapping))
    weights = [sample_weight] * len(outputs) if one else outputs.flatten("sample_weight", sample_weight)
    return list(zip(outputs.flatten("y", y_true), outputs.flatten("y_pred", y_pred), weights, strict=True))


def _fitting(metric: Any, y_true: Any, y_pred: Any) -> Any:
    return metric.resolved(y_true, y_pred) if isinstance(metric, _ByShape) and y_true is not None else metric


def _rows(values: Any) -> Any:
    if isinstance(values, tf.RaggedTensor):
        return values.nrows()
    return values.shape[0] if values.shape[0] is not None else tf.shape(values)[0]


def _over_replicas(term: Any, loss: Any) -> Any:
    """An estimate from a replica's rows of the loss of the whole batch: its average, or as many times its sum."""
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    return term * replicas if replicas > 1 and loss.reduction == losses_module.Reduction.SUM else term


def _loss_object(identifier: Any) -> Any:
    found = losses_module.get(identifier)
    if found is None:
        return None
    if not isinstance(found, losses_module.Loss):
        found = FunctionLoss(found, name=getattr(found, "__name__", None) or type(found).__name__)
    found._is_averaged_over_replicas = True
    return found


def _metric_object(identifier: Any) -> Any:
    if isinstance(identifier, str) and identifier.lower() in _BY_SHAPE:
        return _ByShape(identifier)
    found = metrics_module.get(identifier)
    if isinstance(found, metrics_module.Metric) and isinstance(identifier, str):
        parameter = inspect.signature(type(found)).parameters.get("name")
        found._is_numbered = parameter is not None and parameter.default is None
    if found is None or isinstance(found, metrics_module.Metric) or hasattr(found, "update_state"):
        return found
    name = identifier if isinstance(identifier, str) else getattr(found, "__name__", type(found).__name__)
    return metrics_module.MeanMetricWrapper(found, name=name)


def _resolved(given: Any, resolve: Any) -> Any:
    """The structure with every name, function and configuration turned into an object."""
    if isinstance(given, Mapping) and "class_name" not in given:
        return {key: _resolved(value, resolve) for key, value in given.items()}
    if isinstance(given, (list, tuple)):
        return [_resolved(value, resolve) for value in given]
    return resolve(given)


def _listed(given: Any) -> list[Any]:
    listed = given if isinstance(given, (list, tuple)) else [given]
    return [item for item in listed if item is not None]


def _copied(metric: Any) -> Any:
    if isinstance(metric, _ByShape):
        return _ByShape(metric.name)
    copy = type(metric).from_config(metric.get_config())
    copy._is_numbered = getattr(metric, "_is_numbered", False)
    return copy


def _numbered(metric: Any) -> Any:
    """The metric, under the next number if it was given by the name of its class."""
    if getattr(metric, "_is_numbered", False):
        metric._name = unique_name(to_snake_case(type(metric).__name__))
    return metric

