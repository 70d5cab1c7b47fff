"""Every loss for drawn shapes, types, weights and reductions: the oracle's numbers, and laws of its own."""
import inspect

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kerasish import losses

CLASSES = sorted(
    name for name in losses.__all__ if inspect.isclass(getattr(losses, name)) and name not in ("Loss", "Reduction")
)
CLASS_NUMBERS = ("SparseCategoricalCrossentropy",)
ONE_HOT = ("CategoricalCrossentropy", "CategoricalFocalCrossentropy", "CategoricalHinge")
TOLERANCE = {"float16": 2e-2, "float32": 3e-5, "float64": 1e-6}
few = settings(
    max_examples=8, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@st.composite
def batches(draw, dtypes=("float16", "float32", "float64")):
    """Shape, type, kind of weights and a seed for one batch."""
    return {
        "shape": tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))) + (draw(st.integers(2, 4)),),
        "dtype": draw(st.sampled_from(dtypes)),
        "labels": draw(st.sampled_from(["float32", "float64", "int32"])),
        "weights": draw(st.sampled_from(["none", "scalar", "batch", "column", "full"])),
        "seed": draw(st.integers(0, 2**16)),
    }


def made(name, batch):
    """Labels, predictions and weights for a loss."""
    random, shape = np.random.default_rng(batch["seed"]), batch["shape"]
    scores = random.random(shape) * 0.8 + 0.1
    predictions = tf.constant(scores / scores.sum(-1, keepdims=True), batch["dtype"])
    classes = random.integers(0, shape[-1], shape[:-1])
    if name in CLASS_NUMBERS:
        labels = tf.constant(classes)
    elif name in ONE_HOT:
        labels = tf.constant(np.eye(shape[-1])[classes], batch["labels"])
    else:
        labels = tf.constant(random.integers(0, 2, shape), batch["labels"])
    weight_shapes = {"scalar": (), "batch": shape[:1], "column": (*shape[:-2], 1), "full": shape[:-1]}
    if batch["weights"] == "none":
        return labels, predictions, None
    return labels, predictions, random.random(weight_shapes[batch["weights"]]).astype("float32")


def value(loss, arguments):
    """What the loss gives, or None if it refuses the shapes or types."""
    try:
        return loss(*arguments).numpy()
    except (TypeError, ValueError, tf.errors.InvalidArgumentError):
        return None


@few
@given(batch=batches(), reduction=st.sampled_from(["auto", "none", "sum", "sum_over_batch_size"]))
@pytest.mark.parametrize("name", CLASSES)
def test_values_are_those_of_tf_keras(name, batch, reduction):
    arguments = made(name, batch)
    kinds = [getattr(family, name) for family in (losses, tf_keras.losses)]
    ours, theirs = (value(kind(reduction=reduction), arguments) for kind in kinds)
    if theirs is None:
        return
    assert ours is not None and ours.shape == theirs.shape and ours.dtype == theirs.dtype
    tolerance = TOLERANCE[batch["dtype"]]
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance * 10)


@few
@given(batch=batches(["float32"]), factor=st.floats(0.1, 10))
@pytest.mark.parametrize("name", CLASSES)
def test_the_sum_is_that_of_the_values_and_follows_the_weights(name, batch, factor):
    labels, predictions, weights = made(name, {**batch, "weights": "full"})
    kind = getattr(losses, name)
    values = kind(reduction="none")(labels, predictions, weights).numpy()
    assert values.shape == batch["shape"][:-1]
    total = kind(reduction="sum")(labels, predictions, weights).numpy()
    np.testing.assert_allclose(total, values.sum(), rtol=1e-4, atol=1e-5)
    larger = kind(reduction="sum")(labels, predictions, weights * np.float32(factor)).numpy()
    np.testing.assert_allclose(larger, total * factor, rtol=1e-4, atol=1e-4)


@few
@given(batch=batches(["float32"]))
@pytest.mark.parametrize("name", CLASSES)
def test_padding_counts_neither_in_value_nor_in_gradient(name, batch):
    batch = {**batch, "shape": (batch["shape"][0], 3, batch["shape"][-1])}
    labels, predictions, _ = made(name, batch)
    predictions = tf.Variable(predictions)
    mask = np.random.default_rng(batch["seed"]).random(batch["shape"][:-1]) < 0.5
    with tf.GradientTape() as tape:
        outputs = tf.identity(predictions)
        outputs._keras_mask = tf.constant(mask)
        masked = getattr(losses, name)(reduction="sum")(labels, outputs)
    gradient = tape.gradient(masked, predictions).numpy()
    values = getattr(losses, name)(reduction="none")(labels, tf.identity(predictions)).numpy()
    np.testing.assert_allclose(masked, values[mask].sum(), rtol=1e-4, atol=1e-4)
    assert not gradient[~mask].any() and np.isfinite(gradient).all()

