"""Overlap of predicted and labelled areas: intersection over union of classes."""
from __future__ import annotations

from typing import Any

import tensorflow as tf

from kerasish.metrics.alignment import spread, to_dtype
from kerasish.metrics.base import METRICS, Metric
from kerasish.ops.bounds import check_range

_OUTSIDE = (
    "Received the class number {number}, which is outside of [0, {size}), the range of the metric.\n"
    "Correct the labels and predictions, or make its num_classes larger."
)


@METRICS.register()
class IoU(Metric):
    """The mean over the target classes of `intersection / union`, that is `TP / (TP + FP + FN)`.

    Classes that occur neither as label nor as prediction do not count.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes whose overlap is looked at.
        name: the name under which the value is reported.
        dtype: type of the variable and the result.
        ignore_class: what is labelled with this class does not count.
        sparse_y_true: whether labels are class indices rather than one value per class.
        sparse_y_pred: whether predictions are class indices rather than one value per class.
        axis: the axis of the classes, where there is one.

    Raises:
        ValueError: if a target class is not below `num_classes`.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: list[int] | tuple[int, ...],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(name, dtype)
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"`target_class_ids` must be below `num_classes`, {num_classes}. "
                f"Received: target_class_ids={target_class_ids!r}"
            )
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_confusion_matrix = self.add_weight("total_confusion_matrix", (num_classes, num_classes))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds the batch's confusion matrix, labels in rows, predictions in columns.

        Args:
            y_true: class indices, or with `sparse_y_true=False` one value per class along `axis`.
            y_pred: class indices, or with `sparse_y_pred=False` one value per class along `axis`.
            sample_weight: weights that can be repeated to the shape of the class indices.

        Raises:
            InvalidArgumentError: for a class index below 0 or not below `num_classes`.
        """
        labels = self._classes(y_true, self.sparse_y_true)
        predictions = tf.reshape(self._classes(y_pred, self.sparse_y_pred), [-1])
        weights = tf.ones(tf.shape(labels), self._dtype)
        if sample_weight is not None:
            weights = spread(to_dtype(sample_weight, self._dtype), labels)
        if self.ignore_class is not None:
            counts = labels != self.ignore_class
            labels, weights = tf.where(counts, labels, 0), tf.where(counts, weights, 0)
        for classes in (labels, predictions):
            check_range(classes, self.num_classes, _OUTSIDE)
        matrix = tf.math.confusion_matrix(
            tf.reshape(labels, [-1]), predictions, self.num_classes, tf.reshape(weights, [-1]), self._dtype
        )
        self.total_confusion_matrix.assign_add(matrix, read_value=False)

    def result(self) -> tf.Tensor:
        """The mean so far, 0 before the first batch."""
        matrix = self.total_confusion_matrix.read_value()
        intersection = tf.gather(tf.linalg.diag_part(matrix), self._targets())
        either = tf.gather(tf.reduce_sum(matrix, 0) + tf.reduce_sum(matrix, 1), self._targets())
        union = either - intersection
        occurring = tf.math.count_nonzero(union, dtype=self._dtype)
        return tf.math.divide_no_nan(tf.reduce_sum(tf.math.divide_no_nan(intersection, union)), occurring)

    def _targets(self) -> list[int]:
        return [class_id % self.num_classes for class_id in self.target_class_ids]

    def _classes(self, values: Any, sparse: bool) -> tf.Tensor:
        values = tf.convert_to_tensor(values)
        return tf.cast(values, tf.int64) if sparse else tf.argmax(values, self.axis)


@METRICS.register()
class BinaryIoU(IoU):
    """`IoU` of two classes, predictions not below a threshold counting as class 1.

    Args:
        target_class_ids: the classes whose overlap is looked at.
        threshold: predictions of at least this count as class 1.
        name: the name under which the value is reported.
        dtype: type of the variable and the result.
    """

    def __init__(
        self,
        target_class_ids: list[int] | tuple[int, ...] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds the batch's confusion matrix.

        Args:
            y_true: labels 0 or 1.
            y_pred: predictions of the same shape.
            sample_weight: weights that can be repeated to that shape.
        """
        super().update_state(y_true, to_dtype(y_pred, self._dtype) >= self.threshold, sample_weight)


@METRICS.register()
class MeanIoU(IoU):
    """`IoU` of all classes; the arguments are its, without the target classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        everything = list(range(num_classes))
        super().__init__(num_classes, everything, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


@METRICS.register()
class OneHotIoU(IoU):
    """`IoU` of one-hot labels and one value per class; the arguments are its, without `sparse_y_true`."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: list[int] | tuple[int, ...],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


@METRICS.register()
class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot labels and one value per class; the arguments are its, without `sparse_y_true`."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
