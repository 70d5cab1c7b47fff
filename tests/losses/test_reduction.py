"""Weights, masks, ranks and reductions as tf_keras has them, and errors where it would compute nonsense."""
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import losses
from kerasish.losses.base import FunctionLoss

RANDOM = np.random.default_rng(5)
TRUE = RANDOM.normal(size=(3, 4, 2)).astype("float32")
PRED = RANDOM.normal(size=(3, 4, 2)).astype("float32")
MASK = np.array([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0]], bool)
WEIGHTS = {
    "none": None,
    "scalar": 2.0,
    "one per sample": np.array([1.0, 0.0, 2.0]),
    "one per sample, column": np.array([[1.0], [0.0], [2.0]]),
    "one per step": RANDOM.random((3, 4)),
    "one per step, integers": RANDOM.integers(0, 3, (3, 4)),
    "one per step, column": RANDOM.random((3, 4, 1)),
    "bool": MASK,
}


def masked(y, mask):
    y = tf.constant(y)
    if mask is not None:
        y._keras_mask = tf.constant(mask)
    return y


@pytest.mark.parametrize("mask", [None, MASK], ids=["plain", "masked"])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("reduction", losses.Reduction.all())
def test_same_as_tf_keras(reduction, weights, mask):
    ours, theirs = (
        module.MeanSquaredError(reduction=reduction)(TRUE, masked(PRED, mask), WEIGHTS[weights])
        for module in (losses, tf_keras.losses)
    )
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("weights", [None, 3.0, np.array([1.0, 0.0, 2.0]), np.array([[1.0], [0.0], [2.0]]), [2.0]])
def test_one_value_per_sample(weights):
    ours, theirs = (
        module.MeanAbsoluteError()(TRUE[:, 0], masked(PRED[:, 0], MASK[:, 1]), weights)
        for module in (losses, tf_keras.losses)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


RAGGED = ["MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredLogarithmicError",
          "Huber", "BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"]  # fmt: skip


@pytest.mark.parametrize("reduction", losses.Reduction.all())
@pytest.mark.parametrize("name", RAGGED)
def test_rows_of_different_lengths(name, reduction):
    lengths = [2, 3, 1]
    shares = tf.nn.softmax(RANDOM.normal(size=(6, 3)).astype("float32"))
    labels = RANDOM.integers(0, 3, 6) if name.startswith("Sparse") else tf.nn.softmax(RANDOM.normal(size=(6, 3)))
    y_true, y_pred = (tf.RaggedTensor.from_row_lengths(values, lengths) for values in (labels, shares))
    ours, theirs = (getattr(module, name)(reduction=reduction)(y_true, y_pred) for module in (losses, tf_keras.losses))
    assert type(ours) is type(theirs) and ours.shape.as_list() == theirs.shape.as_list()
    if isinstance(ours, tf.RaggedTensor):
        np.testing.assert_array_equal(ours.row_splits, theirs.row_splits)
        ours, theirs = ours.flat_values, theirs.flat_values
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


SURPLUS = [((3, 1), (3,)), ((3,), (3, 1)), ((3, 4, 1), (3, 4)), ((1, 1), (1,))]


@pytest.mark.parametrize("pred_shape, true_shape", SURPLUS)
@pytest.mark.parametrize("known", [True, False], ids=["shapes known", "shapes unknown"])
def test_a_last_axis_of_one_is_dropped(pred_shape, true_shape, known):
    y_true, y_pred = (tf.constant(RANDOM.normal(size=shape).astype("float32")) for shape in (true_shape, pred_shape))
    expected = tf_keras.losses.MeanSquaredError()(y_true, y_pred)
    ours = losses.MeanSquaredError()
    if not known:
        spec = tf.TensorSpec(None, tf.float32)
        ours = tf.function(ours, input_signature=[spec, spec])
    np.testing.assert_allclose(ours(y_true, y_pred), expected, rtol=1e-6)
    np.testing.assert_allclose(losses.MeanSquaredError()(y_true.numpy(), y_pred.numpy()), expected, rtol=1e-6)


def test_weights_of_unknown_shape():
    spec = tf.TensorSpec(None, tf.float32)
    traced = tf.function(losses.MeanSquaredError(), input_signature=[spec, spec, spec])
    for name in ("scalar", "one per sample", "one per sample, column", "one per step", "one per step, column"):
        weights = tf.constant(WEIGHTS[name], tf.float32)
        expected = losses.MeanSquaredError()(TRUE, PRED, weights)
        np.testing.assert_allclose(traced(tf.constant(TRUE), tf.constant(PRED), weights), expected, rtol=1e-6)


def test_one_weight_per_sample_for_values_of_three_axes():
    values = losses.MeanSquaredError(reduction="none")(TRUE[..., None], PRED[..., None], [1.0, 0.0, 2.0])
    np.testing.assert_allclose(values, (TRUE - PRED) ** 2 * np.reshape([1.0, 0.0, 2.0], (3, 1, 1)), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int32"])
def test_dtypes(dtype):
    y_true, y_pred = tf.cast(TRUE * 4, dtype), tf.cast(PRED * 4, dtype)
    for weights in (None, WEIGHTS["one per step"]):
        ours, theirs = (module.MeanSquaredError()(y_true, y_pred, weights) for module in (losses, tf_keras.losses))
        assert ours.dtype == theirs.dtype
        tolerance = 1e-6 if dtype in ("float64", "int32") else 2e-2
        np.testing.assert_allclose(tf.cast(ours, "float64"), tf.cast(theirs, "float64"), rtol=tolerance)


def test_half_precision_does_not_overflow():
    wrong = tf.fill((300, 1), tf.constant(16.0, tf.float16))
    assert losses.MeanSquaredError()(tf.zeros_like(wrong), wrong).numpy() == 256.0


def test_nothing_counts_as_zero():
    empty = np.zeros((0, 2), np.float32)
    assert losses.MeanSquaredError()(empty, empty).numpy() == 0.0
    assert losses.MeanSquaredError()(TRUE, masked(PRED, np.zeros_like(MASK))).numpy() == 0.0


def test_ignored_classes_count_as_masked():
    labels, scores = np.array([[0, -1, 1, 1], [-1, -1, 0, 1], [1, 1, -1, 0]]), tf.constant(PRED)
    for weights in (None, WEIGHTS["one per sample"], WEIGHTS["one per step"]):
        for mask in (None, MASK):
            made = (
                module.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
                for module in (losses, tf_keras.losses)
            )
            ours, theirs = (loss(labels, masked(scores, mask), weights) for loss in made)
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)


class Squared:
    """A loss as users write them, once per library."""

    def __new__(cls, module, **kwargs):
        class Mine(module.losses.Loss):
            def call(self, y_true, y_pred):
                return tf.square(y_pred - y_true)

        return Mine(**kwargs)


@pytest.mark.parametrize("reduction", losses.Reduction.all())
def test_a_users_loss(reduction):
    import kerasish.losses as ours_module

    class Ours:
        losses = ours_module

    ours, theirs = (Squared(module, reduction=reduction, name="mine") for module in (Ours, tf_keras))
    for weights in (None, 2.0, np.ones((3, 4, 2)) * 3):
        np.testing.assert_allclose(ours(TRUE, PRED, weights), theirs(TRUE, PRED, weights), rtol=1e-6)
    assert ours.get_config() == theirs.get_config() == {"reduction": reduction, "name": "mine"}


def test_a_users_loss_with_arguments_is_rebuilt():
    class Weighted(losses.Loss):
        def __init__(self, factor, reduction="auto", name="weighted"):
            super().__init__(reduction=reduction, name=name)
            self.factor = factor

        def call(self, y_true, y_pred):
            return self.factor * losses.mean_squared_error(y_true, y_pred)

    loss = Weighted(3.0)
    np.testing.assert_allclose(loss(TRUE, PRED), 3 * losses.MeanSquaredError()(TRUE, PRED), rtol=1e-6)
    again = losses.deserialize(losses.serialize(loss), custom_objects={"Weighted": Weighted})
    assert again.factor == 3.0 and again.name == "weighted"


def test_a_subclass_of_a_library_loss():
    class Strict(losses.Huber):
        def __init__(self, delta=0.1, name="strict"):
            super().__init__(delta=delta, name=name)

    expected = tf_keras.losses.Huber(delta=0.1)(TRUE, PRED)
    np.testing.assert_allclose(Strict()(TRUE, PRED), expected, rtol=1e-6)
    assert Strict().name == "strict" and Strict().get_config()["delta"] == 0.1


def test_a_function_as_a_loss():
    def cubed(y_true, y_pred, power=3):
        return tf.reduce_mean(tf.abs(y_true - y_pred) ** power, axis=-1)

    loss = FunctionLoss(cubed, reduction="sum", power=4)
    assert loss.name == "cubed"
    np.testing.assert_allclose(loss(TRUE, PRED), np.sum(np.mean(np.abs(TRUE - PRED) ** 4, -1)), rtol=1e-5)
    again = FunctionLoss.from_config(FunctionLoss(losses.huber, delta=2.0).get_config())
    assert again.fn is losses.huber and again.delta == 2.0


def test_a_loss_that_returns_a_number():
    ours = FunctionLoss(lambda a, b: tf.reduce_mean(tf.square(a - b)))
    np.testing.assert_allclose(ours(TRUE, PRED), np.mean((TRUE - PRED) ** 2), rtol=1e-6)
    np.testing.assert_allclose(ours(TRUE, PRED, 3.0), 3 * np.mean((TRUE - PRED) ** 2), rtol=1e-6)
    assert FunctionLoss(lambda a, b: 3.0)(TRUE, PRED).numpy() == 3.0


def one_sided(y_true, y_pred):
    if tf.reduce_mean(y_pred) > tf.reduce_mean(y_true):
        return tf.square(y_true - y_pred)
    return tf.zeros_like(y_pred)


class OneSided(losses.Loss):
    def call(self, y_true, y_pred):
        return one_sided(y_true, y_pred)


@pytest.mark.parametrize("loss", [FunctionLoss(one_sided), OneSided()], ids=["function", "class"])
@pytest.mark.parametrize("autograph", [False, True])
def test_python_conditions_of_user_code_work_in_graphs(loss, autograph):
    traced = tf.function(loss, autograph=autograph)
    for shift in (5.0, -5.0):
        y_true, y_pred = tf.zeros((3, 2)), tf.fill((3, 2), shift)
        assert traced(y_true, y_pred).numpy() == loss(y_true, y_pred).numpy() == (25.0 if shift > 0 else 0.0)


@pytest.mark.parametrize(
    "act, error, words",
    [
        (lambda: losses.MeanSquaredError(reduction="mean"), ValueError, "sum_over_batch_size"),
        (lambda: losses.Reduction.validate("x"), ValueError, "reduction='x'"),
        (lambda: losses.BinaryCrossentropy(from_logit=True), TypeError, "from_logits"),
        (lambda: losses.Huber(delta=-1), ValueError, "delta=-1"),
        (lambda: losses.Huber("a"), ValueError, "delta='a'"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2), ValueError, "label_smoothing=2"),
        (lambda: losses.BinaryFocalCrossentropy(gamma=-1), ValueError, "gamma=-1"),
        (lambda: losses.CategoricalCrossentropy(axis="a"), ValueError, "axis='a'"),
        (lambda: losses.binary_crossentropy(TRUE, PRED, axis=True), ValueError, "axis=True"),
        (lambda: losses.MeanSquaredError()(TRUE, PRED, np.ones((2,))), ValueError, r"\(2,\)"),
        (lambda: losses.MeanSquaredError()(TRUE, PRED, np.ones((3, 4, 2))), ValueError, r"\(3, 4, 2\)"),
        (lambda: FunctionLoss(lambda a, b: 1.0)(TRUE, PRED, np.ones(3)), ValueError, "per sample"),
        (lambda: losses.MeanSquaredError()(TRUE[:, 0], masked(PRED[:, 0], MASK)), ValueError, "mask"),
        (lambda: losses.MeanSquaredError()(None, PRED), ValueError, "y_true=None"),
        (lambda: losses.categorical_crossentropy(TRUE, PRED[..., :1]), ValueError, "sparse_categorical_crossentropy"),
        (lambda: losses.sparse_categorical_crossentropy(TRUE, PRED), ValueError, "categorical_crossentropy"),
        (lambda: losses.sparse_categorical_crossentropy([0, 1], PRED[:, 0]), ValueError, r"y_true of shape \(2,\)"),
        (lambda: losses.get("mean_squred_error"), ValueError, "mean_squared_error"),
        (lambda: losses.get("CategoricalCrossentropi"), ValueError, "CategoricalCrossentropy"),
        (lambda: losses.get(losses.Huber), TypeError, r"Huber\(\)"),
        (lambda: losses.get(3), TypeError, "3"),
        (lambda: losses.Loss()(TRUE, PRED), NotImplementedError, "call"),
    ],
)
def test_errors(act, error, words):
    with pytest.raises(error, match=words) as caught:
        act()
    assert len(str(caught.value).splitlines()) <= 6
