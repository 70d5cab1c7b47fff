"""Every metric against tf_keras: results, variables, configuration and signature."""
from __future__ import annotations

import inspect

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import losses, metrics
from kerasish.core.settings import start_afresh
from kerasish.metrics.base import METRICS

N, CLASSES = 7, 4


def one_hot(rng):
    return np.eye(CLASSES, dtype="float32")[rng.integers(0, CLASSES, N)], rng.dirichlet(np.ones(CLASSES), N).astype("f")


def sparse(rng):
    return rng.integers(0, CLASSES, N), rng.dirichlet(np.ones(CLASSES), N).astype("float32")


def sparse_column(rng):
    labels, predictions = sparse(rng)
    return labels[:, None].astype("float32"), predictions


def sparse_sequence(rng):
    return rng.integers(0, CLASSES, (N, 3)), rng.dirichlet(np.ones(CLASSES), (N, 3)).astype("float32")


def binary(rng):
    return rng.integers(0, 2, (N, 1)), np.round(rng.random((N, 1)), 1).astype("float32")


def many_binary(rng):
    return rng.integers(0, 2, (N, 3)), np.round(rng.random((N, 3)), 1).astype("float32")


def numbers(rng):
    return rng.random((N, 3)) + 0.1, (rng.random((N, 3)) + 0.1).astype("float32")


def number_sequence(rng):
    return rng.random((N, 3, 3)) + 0.1, (rng.random((N, 3, 3)) + 0.1).astype("float32")


def equal_numbers(rng):
    return rng.integers(0, 2, (N, 2)), rng.integers(0, 2, (N, 2)).astype("float32")


def flat_binary(rng):
    labels, predictions = binary(rng)
    return labels[:, 0], predictions[:, 0]


def sparse_indices(rng):
    return rng.integers(0, CLASSES, N), rng.integers(0, CLASSES, N)


ONLY_PER_SAMPLE = ("F1Score", "FBetaScore", "R2Score")
CASES = [
    ("Accuracy", {}, equal_numbers),
    ("BinaryAccuracy", {}, many_binary),
    ("BinaryAccuracy", {"threshold": 0.3}, binary),
    ("CategoricalAccuracy", {}, one_hot),
    ("SparseCategoricalAccuracy", {}, sparse),
    ("SparseCategoricalAccuracy", {}, sparse_column),
    ("SparseCategoricalAccuracy", {}, sparse_sequence),
    ("TopKCategoricalAccuracy", {"k": 2}, one_hot),
    ("TopKCategoricalAccuracy", {}, one_hot),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, sparse),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, sparse_column),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, sparse_sequence),
    ("MeanSquaredError", {}, numbers),
    ("MeanSquaredError", {"dtype": "float64"}, number_sequence),
    ("RootMeanSquaredError", {}, numbers),
    ("MeanAbsoluteError", {}, numbers),
    ("MeanAbsolutePercentageError", {}, numbers),
    ("MeanSquaredLogarithmicError", {}, numbers),
    ("CosineSimilarity", {}, numbers),
    ("CosineSimilarity", {"axis": 1}, number_sequence),
    ("LogCoshError", {}, numbers),
    ("MeanRelativeError", {"normalizer": [0.5, 0.0, 2.0]}, numbers),
    ("BinaryCrossentropy", {}, many_binary),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, many_binary),
    ("CategoricalCrossentropy", {}, one_hot),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, one_hot),
    ("SparseCategoricalCrossentropy", {}, sparse),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, sparse_sequence),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, sparse),
    ("KLDivergence", {}, one_hot),
    ("Poisson", {}, numbers),
    ("Hinge", {}, many_binary),
    ("SquaredHinge", {}, many_binary),
    ("CategoricalHinge", {}, one_hot),
    ("TruePositives", {}, many_binary),
    ("TrueNegatives", {"thresholds": 0.3}, many_binary),
    ("FalsePositives", {"thresholds": [0.7, 0.1]}, many_binary),
    ("FalseNegatives", {"thresholds": np.linspace(0.9, 0.05, 13).tolist()}, many_binary),
    ("Precision", {}, binary),
    ("Precision", {"thresholds": [0.25, 0.65]}, many_binary),
    ("Precision", {"top_k": 2}, one_hot),
    ("Precision", {"top_k": 2, "class_id": 1}, one_hot),
    ("Precision", {"class_id": 2, "thresholds": 0.2}, one_hot),
    ("Recall", {}, flat_binary),
    ("Recall", {"thresholds": np.linspace(0, 1, 11).tolist()}, many_binary),
    ("Recall", {"top_k": 1, "thresholds": 0.4}, one_hot),
    ("SensitivityAtSpecificity", {"specificity": 0.5}, many_binary),
    ("SensitivityAtSpecificity", {"specificity": 0.6, "num_thresholds": 1}, many_binary),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5, "num_thresholds": 11}, many_binary),
    ("PrecisionAtRecall", {"recall": 0.4, "class_id": 1}, many_binary),
    ("RecallAtPrecision", {"precision": 0.4, "num_thresholds": 6}, many_binary),
    ("RecallAtPrecision", {"precision": 1.0}, many_binary),
    ("AUC", {}, binary),
    ("AUC", {"num_thresholds": 11}, flat_binary),
    ("AUC", {"num_thresholds": 2}, many_binary),
    ("AUC", {"curve": "PR"}, many_binary),
    ("AUC", {"curve": "PR_GAIN"}, many_binary),
    ("AUC", {"curve": "PR_GAIN", "summation_method": "majoring", "num_thresholds": 5}, flat_binary),
    ("AUC", {"summation_method": "minoring"}, many_binary),
    ("AUC", {"curve": "PR", "summation_method": "minoring"}, many_binary),
    ("AUC", {"curve": "PR", "summation_method": "majoring", "thresholds": [0.8, 0.2, 0.5]}, many_binary),
    ("AUC", {"thresholds": np.linspace(0.03, 0.9, 12).tolist()}, many_binary),
    ("AUC", {"multi_label": True, "thresholds": np.linspace(0.03, 0.9, 12).tolist()}, many_binary),
    ("AUC", {"multi_label": True, "num_labels": 3, "curve": "PR"}, many_binary),
    ("AUC", {"multi_label": True, "num_thresholds": 5, "label_weights": [0.2, 0.5, 2.0]}, many_binary),
    ("AUC", {"multi_label": True, "label_weights": [0.2, 0.5, 2.0], "curve": "PR"}, many_binary),
    ("AUC", {"label_weights": [0.2, 0.5, 2.0]}, many_binary),
    ("AUC", {"from_logits": True, "thresholds": [0.6]}, many_binary),
    ("F1Score", {}, one_hot),
    ("F1Score", {"average": "weighted", "threshold": 0.3}, one_hot),
    ("FBetaScore", {"beta": 2.0, "average": "macro"}, one_hot),
    ("FBetaScore", {"beta": 0.5, "average": "micro", "threshold": 0.3}, one_hot),
    ("R2Score", {}, numbers),
    ("R2Score", {"class_aggregation": None, "num_regressors": 2}, numbers),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, numbers),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, sparse_indices),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2], "sparse_y_pred": False}, sparse),
    ("MeanIoU", {"num_classes": 4, "ignore_class": 2}, sparse_indices),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [1]}, one_hot),
    ("OneHotMeanIoU", {"num_classes": 4}, one_hot),
    ("BinaryIoU", {"threshold": 0.3}, flat_binary),
    ("BinaryIoU", {"target_class_ids": [1]}, flat_binary),
]
IDS = [f"{name}-{index}" for index, (name, _, _) in enumerate(CASES)]


def weightings(name, y_true, y_pred, rng):
    yield None
    yield rng.random(N).astype("float32")
    if y_true.ndim > 1 and y_pred.ndim > 1 and name not in ONLY_PER_SAMPLE:
        yield rng.random((N, *y_true.shape[1:2]) if y_true.ndim > 2 else (N, 1)).astype("float32")


@pytest.mark.parametrize(("name", "options", "batch"), CASES, ids=IDS)
def test_same_values_after_several_batches(name, options, batch):
    rng = np.random.default_rng(3)
    ours, theirs = getattr(metrics, name)(**options), getattr(tf_keras.metrics, name)(**options)
    for weights in weightings(name, *batch(rng), rng):
        y_true, y_pred = batch(rng)
        got, expected = (metric(y_true, y_pred, sample_weight=weights) for metric in (ours, theirs))
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
    assert [v.name for v in ours.variables] == [v.name for v in theirs.variables]
    for one, other in zip(ours.variables, theirs.variables, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    ours.reset_state()
    assert all(not variable.numpy().any() for variable in ours.variables)


@pytest.mark.parametrize(("name", "options", "batch"), CASES, ids=IDS)
def test_same_configuration_and_back(name, options, batch):
    tf_keras.backend.clear_session()
    start_afresh()
    ours, theirs = getattr(metrics, name)(**options), getattr(tf_keras.metrics, name)(**options)
    ours_config, theirs_config = ours.get_config(), theirs.get_config()
    assert ours_config.keys() == theirs_config.keys()
    for key, value in theirs_config.items():
        np.testing.assert_equal(ours_config[key], value if value is None else np.asarray(value).tolist(), err_msg=key)
    assert metrics.serialize(ours)["module"] == "keras.metrics"
    again = metrics.deserialize(metrics.serialize(ours))
    assert type(again) is type(ours)
    np.testing.assert_equal(again.get_config(), ours_config)
    rng = np.random.default_rng(0)
    y_true, y_pred = batch(rng)
    np.testing.assert_array_equal(again(y_true, y_pred), ours(y_true, y_pred))


def public_metrics():
    return [name for name in sorted(dir(tf_keras.metrics)) if not name.startswith("_") and name != "experimental"]


@pytest.mark.parametrize("name", public_metrics())
def test_every_public_name_has_its_signature(name):
    assert name in metrics.__all__
    ours, theirs = getattr(metrics, name), getattr(tf_keras.metrics, name)
    expected = [] if name == "Metric" else parameters(theirs)
    assert expected == [] or parameters(ours) == expected
    if inspect.isclass(theirs):
        assert parameters(ours.update_state) == parameters(theirs.update_state)


def parameters(thing):
    return [(p.name, p.default, p.kind) for p in inspect.signature(thing).parameters.values()]


def test_every_metric_class_has_a_case():
    classes = {name for name in metrics.__all__ if inspect.isclass(getattr(metrics, name))}
    covered = {name for name, _, _ in CASES} | {"Metric", "Mean", "Sum", "MeanTensor", "MeanMetricWrapper"}
    assert classes <= covered
    assert {METRICS.resolve(name).__name__ for name in classes - {"Metric"}} == classes - {"Metric"}


VALUES = np.arange(6.0).reshape(2, 3)
DEEP = np.arange(12.0).reshape(2, 3, 2)


@pytest.mark.parametrize("name", ["Mean", "Sum"])
@pytest.mark.parametrize(
    ("values", "weights"),
    [
        (VALUES, None),
        (VALUES, 2.0),
        (VALUES, [1, 2]),
        (VALUES, [[1], [2]]),
        (VALUES, [[1, 2, 3], [4, 5, 6]]),
        (VALUES, [[1, 2, 3]]),
        (VALUES, [[[1]], [[2]]]),
        (DEEP, [1, 2]),
        (DEEP, [[1], [2]]),
        (DEEP, [[1, 2, 3], [4, 5, 6]]),
        ([1.0, 5.0], [[1], [2]]),
        ([1, 5], [3, 4]),
        ([True, False], None),
        (3.0, None),
        (3.0, 2.0),
        (np.zeros((0, 3)), None),
    ],
)
def test_mean_and_sum_take_weights_alike(name, values, weights):
    ours, theirs = getattr(metrics, name)(), getattr(tf_keras.metrics, name)()
    for _ in range(2):
        np.testing.assert_allclose(ours(values, weights), theirs(values, weights), rtol=1e-6)
    for one, other in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_ragged_values(name):
    values = tf.ragged.constant([[1.0, 2.0], [3.0]])
    ours, theirs = getattr(metrics, name)(), getattr(tf_keras.metrics, name)()
    np.testing.assert_allclose(ours(values, values), theirs(values, values))
    with pytest.raises(TypeError, match="ragged"):
        ours(values, [1.0, 2.0])


@pytest.mark.parametrize("shape", [None, (1, 2)])
def test_mean_tensor(shape):
    ours, theirs = metrics.MeanTensor(shape=shape), tf_keras.metrics.MeanTensor(shape=shape)
    for values, weights in (([[1.0, 2.0]], None), ([[3.0, 5.0]], [3.0]), ([[0.0, 5.0]], [[0.5, 2.0]])):
        np.testing.assert_allclose(ours(values, weights), theirs(values, weights))
    assert [(v.name, v.shape) for v in ours.variables] == [(v.name, v.shape) for v in theirs.variables]
    assert ours.get_config() == {**theirs.get_config(), "name": ours.name}


@pytest.mark.parametrize("y_true_shape", [(5,), (5, 1)])
@pytest.mark.parametrize("y_pred_shape", [(5,), (5, 1)])
def test_a_last_axis_of_one_is_removed(y_true_shape, y_pred_shape):
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.random(y_true_shape), rng.random(y_pred_shape).astype("float32")
    for name in ("MeanSquaredError", "RootMeanSquaredError", "Accuracy", "AUC", "Precision"):
        ours, theirs = getattr(metrics, name)(), getattr(tf_keras.metrics, name)()
        np.testing.assert_allclose(ours(y_true, y_pred), theirs(y_true, y_pred), rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("scores", [[0.0, 0.0, 1.0, 1.0], [-0.5, 0.5, 1.5, 2.0], [0.25, 0.75, 0.5, 0.5]])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("AUC", {}),
        ("AUC", {"num_thresholds": 5}),
        ("AUC", {"num_thresholds": 20, "curve": "PR"}),
        ("SensitivityAtSpecificity", {"specificity": 0.4}),
        ("PrecisionAtRecall", {"recall": 0.4, "num_thresholds": 5}),
        ("Precision", {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}),
        ("TruePositives", {"thresholds": [0.0, 1.0]}),
    ],
)
def test_scores_on_and_beyond_the_limits(name, options, scores):
    ours, theirs = getattr(metrics, name)(**options), getattr(tf_keras.metrics, name)(**options)
    np.testing.assert_allclose(ours([0, 1, 0, 1], scores), theirs([0, 1, 0, 1], scores), rtol=1e-6)
    for one, other in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_array_equal(one, other)


FUNCTIONS = [
    ("binary_accuracy", many_binary, {}),
    ("binary_accuracy", flat_binary, {"threshold": 0.3}),
    ("categorical_accuracy", one_hot, {}),
    ("sparse_categorical_accuracy", sparse, {}),
    ("sparse_categorical_accuracy", sparse_column, {}),
    ("sparse_categorical_accuracy", sparse_sequence, {}),
    ("top_k_categorical_accuracy", one_hot, {"k": 2}),
    ("sparse_top_k_categorical_accuracy", sparse, {"k": 2}),
    ("sparse_top_k_categorical_accuracy", sparse_column, {"k": 2}),
    ("sparse_top_k_categorical_accuracy", sparse_sequence, {"k": 2}),
]


@pytest.mark.parametrize(("name", "batch", "options"), FUNCTIONS)
def test_functions(name, batch, options):
    y_true, y_pred = batch(np.random.default_rng(1))
    got, expected = (getattr(m, name)(y_true, y_pred, **options) for m in (metrics, tf_keras.metrics))
    wide = getattr(metrics, name)(y_true, y_pred.astype("float64"), **options)
    np.testing.assert_allclose(wide, expected, rtol=1e-6)
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "float32"])
def test_a_class_number_beyond_the_labels_type_is_no_hit(dtype):
    y_true, y_pred = np.array([44, 44], dtype), np.eye(301, dtype="float32")[[300, 44]]
    for metric in (metrics.SparseCategoricalAccuracy(), tf_keras.metrics.SparseCategoricalAccuracy()):
        assert float(metric(y_true, y_pred)) == 0.5
    np.testing.assert_array_equal(metrics.sparse_categorical_accuracy(y_true, y_pred), [0.0, 1.0])


def test_every_function_has_a_case():
    public = {name for name in metrics.__all__ if inspect.isfunction(getattr(metrics, name))}
    of_losses = {name for name in public if getattr(metrics, name) is getattr(losses, name, None)}
    covered = {name for name, _, _ in FUNCTIONS} | of_losses | {"get", "serialize", "deserialize"}
    assert public == covered


def test_equal_scores_share_their_rank():
    got = metrics.sparse_top_k_categorical_accuracy([1, 2], np.zeros((2, 3), "float32"), k=1)
    assert got.numpy().tolist() == [1, 1]


@pytest.mark.parametrize("name", ["mse", "MSE", "mae", "mape", "msle", "acc", "accuracy", "cosine_similarity"])
def test_get_finds_functions_by_alias(name):
    rng = np.random.default_rng(0)
    y_true, y_pred = tf.constant(rng.random((4, 3))), tf.constant(rng.random((4, 3)))
    np.testing.assert_allclose(
        metrics.get(name)(y_true, y_pred), tf_keras.metrics.get(name)(y_true, y_pred), rtol=1e-5
    )


def test_get_makes_classes_by_name_and_rebuilds_configurations():
    assert isinstance(metrics.get("AUC"), metrics.AUC)
    assert metrics.get({"class_name": "Mean", "config": {"name": "m"}}).name == "m"
    metric = metrics.Mean()
    assert metrics.get(metric) is metric
    assert metrics.deserialize(metrics.serialize(metrics.mse)) is metrics.mse
    assert metrics.serialize(metric, use_legacy_format=True) == {"class_name": "Mean", "config": metric.get_config()}
