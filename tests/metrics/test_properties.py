"""Metrics for drawn batches, weights and types: the oracle's numbers, the same whole, in parts and merged."""
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kerasish import metrics

few = settings(
    max_examples=6, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
BINARY, ONE_HOT, NUMBERS, CLASSES, GUESSES = "binary", "one_hot", "numbers", "classes", "guesses"
CASES = {
    "AUC": (BINARY, {"num_thresholds": 20}), "Accuracy": (GUESSES, {}), "BinaryAccuracy": (BINARY, {}),
    "BinaryCrossentropy": (BINARY, {}), "BinaryIoU": (BINARY, {}), "CategoricalAccuracy": (ONE_HOT, {}),
    "CategoricalCrossentropy": (ONE_HOT, {}), "CategoricalHinge": (ONE_HOT, {}), "CosineSimilarity": (NUMBERS, {}),
    "F1Score": (ONE_HOT, {}), "FBetaScore": (ONE_HOT, {"average": "macro", "beta": 0.5}),
    "FalseNegatives": (BINARY, {}), "FalsePositives": (BINARY, {"thresholds": [0.2, 0.7]}), "Hinge": (BINARY, {}),
    "IoU": (GUESSES, {"num_classes": 3, "target_class_ids": [0, 2]}), "KLDivergence": (ONE_HOT, {}),
    "LogCoshError": (NUMBERS, {}), "MeanAbsoluteError": (NUMBERS, {}), "MeanAbsolutePercentageError": (NUMBERS, {}),
    "MeanIoU": (GUESSES, {"num_classes": 3}), "MeanRelativeError": (NUMBERS, {"normalizer": [1.0, 2.0, 3.0]}),
    "MeanSquaredError": (NUMBERS, {}), "MeanSquaredLogarithmicError": (NUMBERS, {}),
    "OneHotIoU": (ONE_HOT, {"num_classes": 3, "target_class_ids": [1]}), "OneHotMeanIoU": (ONE_HOT, {"num_classes": 3}),
    "Poisson": (NUMBERS, {}), "Precision": (BINARY, {}), "PrecisionAtRecall": (BINARY, {"recall": 0.5}),
    "R2Score": (NUMBERS, {}), "Recall": (BINARY, {"thresholds": 0.3}),
    "RecallAtPrecision": (BINARY, {"precision": 0.4}), "RootMeanSquaredError": (NUMBERS, {}),
    "SensitivityAtSpecificity": (BINARY, {"specificity": 0.5}),
    "SparseCategoricalAccuracy": (CLASSES, {}), "SparseCategoricalCrossentropy": (CLASSES, {}),
    "SparseTopKCategoricalAccuracy": (CLASSES, {"k": 2}), "SpecificityAtSensitivity": (BINARY, {"sensitivity": 0.5}),
    "SquaredHinge": (BINARY, {}), "TopKCategoricalAccuracy": (ONE_HOT, {"k": 2}), "TrueNegatives": (BINARY, {}),
    "TruePositives": (BINARY, {}),
}  # fmt: skip
OF_VALUES = {"Mean", "MeanTensor", "Sum", "Metric", "MeanMetricWrapper"}
# tf_keras fails on weights of this one.
UNWEIGHTED = {"MeanRelativeError"}
ONLY_FLOAT32 = {"F1Score", "FBetaScore", "R2Score"}  # for tf_keras


def test_every_metric_has_a_case():
    public = {name for name in metrics.__all__ if isinstance(getattr(metrics, name), type)}
    assert public == set(CASES) | OF_VALUES


@st.composite
def batches(draw):
    """Sizes, types and a seed for two batches."""
    return {
        "sizes": draw(st.tuples(st.integers(1, 5), st.integers(1, 5))),
        "dtype": draw(st.sampled_from(["float16", "float32", "float64"])),
        "weighted": draw(st.booleans()),
        "seed": draw(st.integers(0, 2**16)),
    }


def made(name, batch):
    """Labels, predictions and weights of both batches together."""
    kind, random, count = CASES[name][0], np.random.default_rng(batch["seed"]), sum(batch["sizes"])
    classes, scores = random.integers(0, 3, count), random.random((count, 3)) * 0.8 + 0.1
    scores /= scores.sum(-1, keepdims=True)
    labels, predictions = {
        BINARY: (random.integers(0, 2, (count, 1)), random.random((count, 1))),
        ONE_HOT: (np.eye(3)[classes], scores),
        NUMBERS: (random.random((count, 3)) + 0.1, random.random((count, 3)) + 0.1),
        CLASSES: (classes, scores),
        GUESSES: (classes, random.integers(0, 3, count)),
    }[kind]
    predictions = predictions.astype(batch["dtype"])
    if name in ONLY_FLOAT32:
        labels, predictions = labels.astype("float32"), predictions.astype("float32")
    if not batch["weighted"] or name in UNWEIGHTED:
        return labels, predictions
    return labels, predictions, random.random(count).astype("float32")


def new(family, name):
    return getattr(family, name)(**CASES[name][1])


@few
@given(batch=batches())
@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_tf_keras_in_parts_whole_and_merged(name, batch):
    arguments = [tf.constant(values) for values in made(name, batch)]
    first = batch["sizes"][0]
    parts = [[values[:first] for values in arguments], [values[first:] for values in arguments]]
    theirs, in_parts, whole, *pair = (new(family, name) for family in (tf_keras.metrics, *[metrics] * 4))
    for part, one in zip(parts, pair, strict=True):
        theirs.update_state(*part)
        in_parts.update_state(*part)
        one.update_state(*part)
    whole.update_state(*arguments)
    pair[0].merge_state(pair[1:])
    wanted = theirs.result()
    for metric in (in_parts, whole, pair[0]):
        np.testing.assert_allclose(metric.result(), wanted, rtol=2e-5, atol=2e-6)
        assert metric.result().dtype == wanted.dtype and metric.result().shape == wanted.shape
    in_parts.reset_state()
    in_parts.update_state(*arguments)
    np.testing.assert_allclose(in_parts.result(), whole.result(), rtol=1e-5, atol=1e-6)
