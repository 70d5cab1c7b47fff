"""What holds for any metric, the library's and a user's: calls, graphs, resets, merging, copies, bad arguments."""
from __future__ import annotations

import copy
import inspect

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import metrics
from kerasish.core.registry import custom_object_scope
from kerasish.core.settings import start_afresh


class TruePositives(metrics.Metric):
    def __init__(self, name="true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="tp", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = tf.reshape(tf.argmax(y_pred, axis=1), shape=(-1, 1))
        values = tf.cast(tf.cast(y_true, "int32") == tf.cast(y_pred, "int32"), "float32")
        if sample_weight is not None:
            values = tf.multiply(values, tf.cast(sample_weight, "float32"))
        self.total.assign_add(tf.reduce_sum(values))

    def result(self):
        return self.total


class Counter(metrics.Metric):
    def __init__(self, name="counter", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight("total", initializer="zeros")

    def update_state(self, values):
        for value in values:
            if value > 0:
                self.total.assign_add(value)
            else:
                self.total.assign_sub(1.0)

    def result(self):
        return {"total": self.total, "double": 2 * self.total}


def batches(steps=3):
    rng = np.random.default_rng(0)
    for _ in range(steps):
        yield tf.constant(rng.integers(0, 2, (8, 1))), tf.constant(rng.random((8, 1)).astype("float32"))


METRICS = {
    "SparseCategoricalAccuracy": lambda: metrics.SparseCategoricalAccuracy(),
    "Accuracy": lambda: metrics.Accuracy(),
    "MeanSquaredError": lambda: metrics.MeanSquaredError(),
    "RootMeanSquaredError": lambda: metrics.RootMeanSquaredError(),
    "BinaryCrossentropy": lambda: metrics.BinaryCrossentropy(),
    "AUC": lambda: metrics.AUC(),
    "AUC of thresholds": lambda: metrics.AUC(thresholds=np.linspace(0.1, 0.7, 12).tolist()),
    "AUC of labels": lambda: metrics.AUC(multi_label=True, curve="PR"),
    "Precision": lambda: metrics.Precision(),
    "Recall": lambda: metrics.Recall(thresholds=[0.2, 0.7]),
    "Recall of one": lambda: metrics.Recall(top_k=1),
    "SensitivityAtSpecificity": lambda: metrics.SensitivityAtSpecificity(0.5),
    "TruePositives": lambda: TruePositives(),
    "R2Score": lambda: metrics.R2Score(),
    "BinaryIoU": lambda: metrics.BinaryIoU(),
    "F1Score": lambda: metrics.F1Score(threshold=0.5),
    "TopK": lambda: metrics.SparseTopKCategoricalAccuracy(k=1),
}


def eager_result(make, weights=None):
    metric = make()
    for y_true, y_pred in batches():
        metric.update_state(y_true, y_pred, sample_weight=weights)
    return metric.result().numpy()


@pytest.mark.parametrize("name", METRICS)
def test_a_traced_call_gives_the_eager_result(name):
    metric = METRICS[name]()
    metric.update_state(*next(batches()))
    metric.reset_state()

    @tf.function
    def step(y_true, y_pred):
        return metric(y_true, y_pred)

    for y_true, y_pred in batches():
        value = step(y_true, y_pred)
    np.testing.assert_allclose(value, eager_result(METRICS[name]), rtol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", METRICS)
def test_updates_in_a_loop_of_a_graph(name, jit_compile):
    metric = METRICS[name]()
    metric.update_state(*next(batches()))
    labels, predictions = (tf.stack(column) for column in zip(*batches(), strict=True))

    @tf.function(jit_compile=jit_compile)
    def run(stop):
        metric.reset_state()

        def body(index):
            metric.update_state(tf.gather(labels, index), tf.gather(predictions, index))
            return (index + 1,)

        tf.while_loop(lambda index: index < stop, body, (0,))
        return metric.result()

    expected = eager_result(METRICS[name])
    for _ in range(2):
        np.testing.assert_allclose(run(3), expected, rtol=1e-5)


@pytest.mark.parametrize("name", METRICS)
def test_unknown_batch_size_and_weights_in_a_graph(name):
    metric = METRICS[name]()
    weights = tf.range(1.0, 9.0)[:, None]

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, 1), tf.int64),
            tf.TensorSpec((None, 1), tf.float32),
            tf.TensorSpec((None, None), tf.float32),
        ]
    )
    def step(y_true, y_pred, sample_weight):
        metric.update_state(y_true, y_pred, sample_weight=sample_weight)

    for y_true, y_pred in batches():
        step(y_true, y_pred, weights)
    np.testing.assert_allclose(metric.result(), eager_result(METRICS[name], weights), rtol=1e-5)


def test_values_of_unknown_rank():
    metric = metrics.Mean()
    update = tf.function(metric.update_state, input_signature=[tf.TensorSpec(None), tf.TensorSpec(None)])
    update(tf.constant([[1.0, 2.0], [3.0, 4.0]]), tf.constant([1.0, 2.0]))
    np.testing.assert_allclose(metric.result(), (1.5 + 2 * 3.5) / 3, rtol=1e-6)


def test_a_users_metric_and_its_result_is_a_value():
    ours = TruePositives()
    y_true, y_pred = tf.constant([[1], [0], [2]]), tf.one_hot([1, 2, 2], 3)
    first = ours(y_true, y_pred)
    ours.update_state(y_true, y_pred, sample_weight=[[3.0], [1.0], [1.0]])
    assert isinstance(first, tf.Tensor) and not isinstance(first, tf.Variable)
    assert (float(first), float(ours.result())) == (2.0, 6.0)
    assert [v.name for v in ours.variables] == ["tp:0"]
    assert ours.get_config() == {"name": "true_positives", "dtype": "float32"}


def test_python_control_flow_on_tensors():
    metric = Counter()
    values = tf.constant([1.0, -1.0, 3.0])
    eager = metric(values)
    metric.reset_state()
    for autograph in (True, False):
        tf.function(metric.update_state, autograph=autograph)(values)
    assert {key: float(value) for key, value in eager.items()} == {"total": 3.0, "double": 6.0}
    assert {key: float(value) for key, value in metric.result().items()} == {"total": 6.0, "double": 12.0}


def test_the_result_of_a_traced_users_metric_is_read_after_the_update():
    metric = TruePositives()
    step = tf.function(lambda a, b: metric(a, b))
    y_true, y_pred = tf.constant([[1], [0], [2]]), tf.one_hot([1, 2, 2], 3)
    assert [float(step(y_true, y_pred)) for _ in range(3)] == [2.0, 4.0, 6.0]


def test_a_result_of_none_is_an_error():
    class Forgetful(TruePositives):
        def result(self):
            self.total.read_value()

    with pytest.raises(RuntimeError, match="Forgetful.result.*None"):
        Forgetful().result()


def test_abstract_methods_must_be_defined():
    class Half(metrics.Metric):
        def result(self):
            return 0.0

    with pytest.raises(TypeError, match="update_state"):
        Half()


@pytest.mark.parametrize("overridden", ["reset_state", "reset_states"])
@pytest.mark.parametrize("called", ["reset_state", "reset_states"])
@pytest.mark.parametrize("calls_super", [False, True])
def test_whichever_reset_is_called_the_override_runs_once(overridden, called, calls_super):
    calls = []

    def override(self):
        calls.append(overridden)
        if calls_super:
            getattr(super(cls, self), overridden)()

    cls = type("Resetting", (TruePositives,), {overridden: override})
    derived = type("Derived", (cls,), {})
    for kind in (cls, derived):
        calls.clear()
        metric = kind()
        metric.total.assign(5.0)
        getattr(metric, called)()
        assert calls == [overridden]
        assert float(metric.total) == (0.0 if calls_super else 5.0)


def test_a_later_override_under_the_other_name_wins():
    calls = []

    class Old(TruePositives):
        def reset_states(self):
            calls.append("old")
            super().reset_states()

    class New(Old):
        def reset_state(self):
            calls.append("new")
            super().reset_state()

    New().reset_states()
    assert calls == ["new", "old"]


def test_a_metric_owns_the_metrics_in_its_attributes():
    class Both(metrics.Metric):
        def __init__(self):
            super().__init__()
            self.precision = metrics.Precision()
            self.means = [metrics.Mean()]
            self.own = self.add_weight("own")
            self.add_weight("unassigned", initializer="ones")

        def update_state(self, y_true, y_pred):
            self.precision.update_state(y_true, y_pred)
            self.means[0].update_state(y_pred)
            self.own.assign_add(1.0)

        def result(self):
            return self.precision.result() + self.means[0].result()

    metric = Both()
    names = ["own:0", "unassigned:0", "true_positives:0", "false_positives:0", "total:0", "count:0"]
    assert [v.name for v in metric.variables] == [v.name for v in metric.weights] == names
    assert metric.metrics == [metric.precision, metric.means[0]]
    assert metric.trainable_weights == metric.losses == []
    assert float(metric([1, 0], [0.75, 0.75])) == 1.25
    metric.reset_state()
    assert not any(v.numpy().any() for v in metric.variables)


def test_names():
    start_afresh()
    assert [metrics.AUC().name, metrics.AUC().name, metrics.Mean().name, metrics.Mean().name] == [
        "auc", "auc_1", "mean", "mean",
    ]  # fmt: skip
    assert metrics.AUC(name="mine").name == "mine"


@pytest.mark.parametrize("dtype", ["float16", "float64", tf.float64, "mixed_float16", "int32"])
def test_dtype(dtype):
    ours, theirs = metrics.Mean(dtype=dtype), tf_keras.metrics.Mean(dtype=dtype)
    assert ours.dtype == theirs.dtype
    got, expected = ours([1, 2]), theirs([1, 2])
    assert (got.dtype, float(got)) == (expected.dtype, float(expected))


def test_merge_state():
    one, two, three = metrics.Mean(), metrics.Mean(), metrics.Mean()
    for metric, values in ((one, [1.0, 2.0]), (two, [6.0]), (three, [7.0])):
        metric.update_state(values)
    one.merge_state([two, three])
    assert float(one.result()) == 4.0
    with pytest.raises(ValueError, match="same kind"):
        one.merge_state([metrics.AUC()])


def test_weights_can_be_read_and_set():
    metric = metrics.Mean()
    metric.set_weights([6.0, 2.0])
    assert float(metric.result()) == 3.0
    assert [float(value) for value in metric.get_weights()] == [6.0, 2.0]
    with pytest.raises(ValueError, match="`weights` must hold 2 values"):
        metric.set_weights([1.0])


def test_a_deep_copy_counts_for_itself():
    metric = metrics.AUC(num_thresholds=5)
    metric.update_state([0, 1], [0.3, 0.6])
    other = copy.deepcopy(metric)
    other.reset_state()
    assert float(metric.result()) == 1.0
    assert float(other.result()) == 0.0


def test_a_checkpoint_restores_the_state(tmp_path):
    metric = metrics.Mean()
    metric.update_state([3.0, 5.0])
    path = tf.train.Checkpoint(metric=metric).write(str(tmp_path / "state"))
    restored = metrics.Mean()
    tf.train.Checkpoint(metric=restored).read(path).assert_consumed()
    assert float(restored.result()) == 4.0


def test_a_wrapped_function_with_options():
    def shifted(y_true, y_pred, by):
        if tf.reduce_sum(y_pred) > 0:
            return tf.abs(y_true - y_pred) + by
        return y_pred

    metric = metrics.MeanMetricWrapper(shifted, name="shifted", by=2.0)
    assert float(metric([1.0, 2.0], [2.0, 2.0])) == 2.5
    tf.function(lambda: metric.update_state([1.0, 2.0], [2.0, 2.0]))()
    assert float(metric.result()) == 2.5
    assert metric.get_config() == {"name": "shifted", "dtype": "float32", "by": 2.0, "fn": "shifted"}
    with custom_object_scope({"shifted": shifted}):
        again = metrics.deserialize(metrics.serialize(metric))
    assert float(again([1.0, 2.0], [2.0, 2.0])) == 2.5


def test_a_mask_on_the_functions_values_leaves_samples_out():
    def masked(y_true, y_pred):
        values = tf.abs(y_true - y_pred)
        values._keras_mask = tf.constant([True, False])
        return values

    metric = metrics.MeanMetricWrapper(masked)
    assert float(metric([1.0, 2.0], [3.0, 9.0])) == 2.0
    assert float(metric([1.0, 2.0], [7.0, 9.0], sample_weight=[3.0, 5.0])) == 5.0


def test_constructor_typos_are_errors():
    for name in ("Mean", "MeanSquaredError", "AUC", "SparseCategoricalAccuracy"):
        with pytest.raises(TypeError, match="nmae"):
            getattr(metrics, name)(nmae="x")
    with pytest.raises(TypeError, match="nmae"):
        TruePositives(nmae="x")
    with pytest.raises(TypeError, match="name=3"):
        metrics.Mean(3)


BAD = {
    "num_thresholds=1": lambda: metrics.AUC(num_thresholds=1),
    "num_thresholds=0": lambda: metrics.RecallAtPrecision(0.5, num_thresholds=0),
    "curve='x'.*|'ROC'": lambda: metrics.AUC(curve="x"),
    "summation_method='x'": lambda: metrics.AUC(summation_method="x"),
    r"thresholds=\[-1\]": lambda: metrics.AUC(thresholds=[-1]),
    r"label_weights=\[1, -2\]": lambda: metrics.AUC(label_weights=[1, -2]),
    "must hold 3 weights": lambda: metrics.AUC(multi_label=True, num_labels=3, label_weights=[1, 2]),
    "thresholds=-0.5": lambda: metrics.Precision(thresholds=-0.5),
    "thresholds='a'": lambda: metrics.Recall(thresholds="a"),
    r"thresholds=\[0.5, None\]": lambda: metrics.TruePositives(thresholds=[0.5, None]),
    "specificity=2": lambda: metrics.SensitivityAtSpecificity(2),
    "average='x'": lambda: metrics.F1Score(average="x"),
    "beta=0": lambda: metrics.FBetaScore(beta=0),
    "class_aggregation='x'": lambda: metrics.R2Score(class_aggregation="x"),
    r"target_class_ids=\[5\]": lambda: metrics.IoU(num_classes=3, target_class_ids=[5]),
    "same shape": lambda: metrics.Precision()([[1, 0, 1]], [0.2, 0.7]),
    "`sample_weight`": lambda: metrics.Mean()([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0, 3.0]),
    "`sample_weight` must": lambda: metrics.AUC()([1, 0], [0.5, 0.2], sample_weight=[1.0, 2.0, 3.0]),
    "class_id=9": lambda: metrics.Precision(class_id=9)([[1, 0]], [[0.2, 0.7]]),
    "of the first": lambda: [metric := metrics.MeanTensor(), metric([1.0]), metric([1.0, 2.0])],
    "no value yet": lambda: metrics.MeanTensor().result(),
    "batch, labels": lambda: metrics.AUC(multi_label=True)(np.ones((2, 2, 2)), np.ones((2, 2, 2))),
    "Expected 2 labels": lambda: metrics.AUC(multi_label=True, num_labels=2)(np.ones((2, 3)), np.ones((2, 3))),
    "'acuracy'.*Did you mean '[aA]ccuracy'": lambda: metrics.get("acuracy"),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_arguments_are_told_briefly(message):
    with pytest.raises(ValueError, match=message) as error:
        BAD[message]()
    assert len(str(error.value).splitlines()) <= 6


def test_a_class_without_parentheses_is_an_error():
    with pytest.raises(TypeError, match=r"AUC\(\)"):
        metrics.get(metrics.AUC)


def test_signatures_survive_for_editors():
    assert str(inspect.signature(TruePositives.update_state)) == "(self, y_true, y_pred, sample_weight=None)"
    assert list(metrics.__all__) == sorted(metrics.__all__)
    assert all(hasattr(metrics, name) for name in metrics.__all__)


def test_a_metric_prints_its_configuration_as_the_oracles_does():
    area = {"name": "area", "num_thresholds": 3}
    for name, arguments in (("Mean", {}), ("BinaryAccuracy", {"threshold": 0.4}), ("AUC", area)):
        assert str(getattr(metrics, name)(**arguments)) == str(getattr(tf_keras.metrics, name)(**arguments))
