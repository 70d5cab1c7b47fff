"""Every loss function and class gives the numbers, gradients, signatures and configurations of tf_keras."""
import inspect
import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import losses

RANDOM = np.random.default_rng(3)
CLASSES = 4
NUMBERS = RANDOM.normal(size=(6, CLASSES)).astype("float32") * 3
TARGETS = RANDOM.normal(size=(6, CLASSES)).astype("float32")
SHARES = RANDOM.dirichlet(np.ones(CLASSES), 6).astype("float32")
SHARES[0] = [0.0, 1.0, 0.0, 0.0]
OTHER_SHARES = RANDOM.dirichlet(np.ones(CLASSES), 6).astype("float32")
ONE_HOT = np.eye(CLASSES, dtype="float32")[[0, 2, 1, 3, 3, 0]]
ONES_AND_ZEROS = RANDOM.integers(0, 2, (6, CLASSES)).astype("float32")
NUMBERS_OF_CLASSES = np.array([0, 2, 1, 3, 3, 0])
COUNTS = RANDOM.integers(0, 5, (6, CLASSES)).astype("float32")

SPARSE = ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy")
FOCAL = ("categorical_focal_crossentropy", "CategoricalFocalCrossentropy")

CASES = [
    ("mean_squared_error", "MeanSquaredError", TARGETS, NUMBERS, {}),
    ("mean_absolute_error", "MeanAbsoluteError", TARGETS, NUMBERS, {}),
    ("mean_absolute_percentage_error", "MeanAbsolutePercentageError", TARGETS, NUMBERS, {}),
    ("mean_squared_logarithmic_error", "MeanSquaredLogarithmicError", TARGETS, NUMBERS, {}),
    ("mean_squared_logarithmic_error", "MeanSquaredLogarithmicError", COUNTS, SHARES, {}),
    ("huber", "Huber", TARGETS, NUMBERS, {}),
    ("huber", "Huber", TARGETS, NUMBERS, {"delta": 0.3}),
    ("log_cosh", "LogCosh", TARGETS, NUMBERS, {}),
    ("cosine_similarity", "CosineSimilarity", TARGETS, NUMBERS, {}),
    ("cosine_similarity", "CosineSimilarity", TARGETS, NUMBERS, {"axis": 0}),
    ("cosine_similarity", "CosineSimilarity", TARGETS, NUMBERS, {"axis": [0, 1]}),
    ("kl_divergence", "KLDivergence", SHARES, OTHER_SHARES, {}),
    ("poisson", "Poisson", COUNTS, SHARES * 3, {}),
    ("hinge", "Hinge", ONES_AND_ZEROS, NUMBERS, {}),
    ("hinge", "Hinge", ONES_AND_ZEROS * 2 - 1, NUMBERS, {}),
    ("hinge", "Hinge", TARGETS, NUMBERS, {}),
    ("squared_hinge", "SquaredHinge", ONES_AND_ZEROS, NUMBERS, {}),
    ("categorical_hinge", "CategoricalHinge", ONE_HOT, NUMBERS, {}),
    ("binary_crossentropy", "BinaryCrossentropy", ONES_AND_ZEROS, SHARES, {}),
    ("binary_crossentropy", "BinaryCrossentropy", ONES_AND_ZEROS, SHARES, {"label_smoothing": 0.2}),
    ("binary_crossentropy", "BinaryCrossentropy", ONES_AND_ZEROS, SHARES, {"axis": 0}),
    (
        "binary_crossentropy",
        "BinaryCrossentropy",
        ONES_AND_ZEROS,
        NUMBERS,
        {"from_logits": True, "label_smoothing": 0.1},
    ),
    ("categorical_crossentropy", "CategoricalCrossentropy", ONE_HOT, SHARES, {}),
    ("categorical_crossentropy", "CategoricalCrossentropy", ONE_HOT, SHARES * 3, {"label_smoothing": 0.2}),
    ("categorical_crossentropy", "CategoricalCrossentropy", ONE_HOT.T, SHARES.T, {"axis": 0}),
    ("categorical_crossentropy", "CategoricalCrossentropy", ONE_HOT, NUMBERS, {"from_logits": True}),
    ("categorical_crossentropy", "CategoricalCrossentropy", ONE_HOT.T, NUMBERS.T, {"from_logits": True, "axis": 0}),
    (*SPARSE, NUMBERS_OF_CLASSES, SHARES, {}),
    (*SPARSE, NUMBERS_OF_CLASSES[:, None], SHARES, {}),
    (*SPARSE, NUMBERS_OF_CLASSES, NUMBERS, {"from_logits": True}),
    (
        *SPARSE,
        NUMBERS_OF_CLASSES.reshape(2, 3),
        NUMBERS.reshape(2, 3, 4),
        {"from_logits": True, "ignore_class": 3},
    ),
    (*SPARSE, NUMBERS_OF_CLASSES - 1, SHARES, {"ignore_class": -1}),
    ("binary_focal_crossentropy", "BinaryFocalCrossentropy", ONES_AND_ZEROS, SHARES, {}),
    (
        "binary_focal_crossentropy",
        "BinaryFocalCrossentropy",
        ONES_AND_ZEROS,
        NUMBERS,
        {"from_logits": True, "apply_class_balancing": True, "gamma": 3.0, "alpha": 0.4, "label_smoothing": 0.1},
    ),
    (*FOCAL, ONE_HOT, SHARES, {}),
    (
        *FOCAL,
        ONE_HOT,
        NUMBERS,
        {"from_logits": True, "gamma": 1.5, "alpha": 0.4, "label_smoothing": 0.1},
    ),
    (*FOCAL, ONE_HOT, SHARES, {"alpha": [0.1, 0.2, 0.3, 0.4]}),
]
FUNCTIONS = sorted({case[0] for case in CASES})
OF_CLASS = sorted({case[1] for case in CASES})


def value_and_gradient(loss, y_true, y_pred, *weights):
    y_true, y_pred = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = loss(y_true, y_pred, *weights)
    return value, tape.gradient(value, y_pred)


def assert_same(ours, theirs, *args):
    for mine, reference in zip(value_and_gradient(ours, *args), value_and_gradient(theirs, *args), strict=True):
        assert mine.dtype == reference.dtype and mine.shape == reference.shape
        np.testing.assert_allclose(mine, reference, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("function, _, y_true, y_pred, options", CASES)
def test_functions(function, _, y_true, y_pred, options):
    ours, theirs = (getattr(module, function) for module in (losses, tf_keras.losses))
    assert_same(lambda *y: ours(*y, **options), lambda *y: theirs(*y, **options), y_true, y_pred)


@pytest.mark.parametrize("reduction", losses.Reduction.all())
@pytest.mark.parametrize("_, kind, y_true, y_pred, options", CASES)
def test_classes(_, kind, y_true, y_pred, options, reduction):
    ours, theirs = (getattr(module, kind)(**options, reduction=reduction) for module in (losses, tf_keras.losses))
    assert_same(ours, theirs, y_true, y_pred)


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "xla"])
def test_eager_equals_graph(compiled):
    made = [getattr(losses, kind)(**options) for _, kind, *_, options in CASES]

    def all_of_them(pairs):
        return [value_and_gradient(loss, *pair) for loss, pair in zip(made, pairs, strict=True)]

    inside = np.clip(SHARES, 0.05, 0.95)  # near 0 and 1 a graph's optimizer rounds 1 - p + epsilon differently
    pairs = [(tf.constant(t), tf.constant(inside if p is SHARES else p)) for _, _, t, p, _ in CASES]
    traced = tf.function(all_of_them, jit_compile=compiled, autograph=False)
    for case, mine, reference in zip(CASES, traced(pairs), all_of_them(pairs), strict=True):
        for got, expected in zip(mine, reference, strict=True):
            np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-6, err_msg=f"{case[1]} {case[-1]}")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_dtypes(function, dtype):
    y_true, y_pred = next(case[2:4] for case in CASES if case[0] == function)
    y_true = tf.cast(y_true, dtype) if y_true.dtype == np.float32 else tf.constant(y_true)
    ours, theirs = (getattr(module, function)(y_true, tf.cast(y_pred, dtype)) for module in (losses, tf_keras.losses))
    assert ours.dtype == theirs.dtype
    tolerance = {"float16": 1e-2, "bfloat16": 1e-1, "float64": 1e-6}[dtype]
    np.testing.assert_allclose(tf.cast(ours, "float64"), tf.cast(theirs, "float64"), rtol=tolerance, atol=tolerance)


def test_sparse_labels_with_classes_on_another_axis():
    scores = RANDOM.random((2, 3, 5)).astype("float32")
    labels = RANDOM.integers(0, 3, (2, 5))
    for from_logits in (False, True):
        ours, theirs = (
            module.sparse_categorical_crossentropy(labels, tf.constant(scores), from_logits=from_logits, axis=1)
            for module in (losses, tf_keras.losses)
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lists_and_arrays(name):
    y_true, y_pred = next(case[2:4] for case in CASES if case[0] == name)
    ours, theirs = (getattr(module, name) for module in (losses, tf_keras.losses))
    np.testing.assert_allclose(ours(y_true, y_pred), theirs(y_true, y_pred), rtol=1e-6, atol=2e-6)
    y_true, y_pred = y_true.tolist(), y_pred.tolist()
    np.testing.assert_allclose(ours(y_true, y_pred), theirs(y_true, y_pred), rtol=1e-5)


@pytest.mark.parametrize("name", losses.__all__)
def test_signature(name):
    ours, theirs = (inspect.signature(getattr(module, name)) for module in (losses, tf_keras.losses))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]


def test_public_names_are_those_of_tf_keras():
    assert set(losses.__all__) == {name for name in dir(tf_keras.losses) if not name.startswith("_")}
    assert losses.__all__ == sorted(losses.__all__)


ALIASES = ["bce", "BCE", "mse", "MSE", "mae", "mape", "MSLE", "huber_loss", "KLD", "kld", "logcosh"]


@pytest.mark.parametrize("name", [*OF_CLASS, *FUNCTIONS, *ALIASES])
def test_get_by_name(name):
    ours, theirs = losses.get(name), tf_keras.losses.get(name)
    kind = type(theirs) if inspect.isclass(type(theirs)) and not inspect.isfunction(theirs) else theirs
    assert (type(ours) if not inspect.isfunction(ours) else ours).__name__ == kind.__name__
    config, reference = losses.serialize(ours), tf_keras.losses.serialize(theirs)
    assert config == reference
    again = losses.deserialize(json.loads(json.dumps(config)))
    assert again is ours or again.get_config() == ours.get_config()
    assert losses.deserialize(losses.serialize(ours, use_legacy_format=True)) is not None


@pytest.mark.parametrize("_, kind, _true, _pred, options", [case for case in CASES if case[-1]])
def test_options_are_in_the_configuration(_, kind, _true, _pred, options):
    ours, theirs = (getattr(module, kind)(**options, reduction="sum", name="x") for module in (losses, tf_keras.losses))
    assert ours.get_config() == theirs.get_config()
    assert type(ours).from_config(theirs.get_config()).get_config() == ours.get_config()
    assert all(getattr(ours, option) == value for option, value in options.items())


def test_help_shows_the_parameters_in_order():
    parameters = list(inspect.signature(losses.binary_crossentropy).parameters)
    assert parameters == ["y_true", "y_pred", "from_logits", "label_smoothing", "axis"]


def test_every_function_and_class_has_a_case():
    rows = {getattr(losses, name) for function, kind, *_ in CASES for name in (function, kind)}
    public = {getattr(losses, name) for name in losses.__all__}
    apart = {losses.Loss, losses.Reduction, losses.get, losses.serialize, losses.deserialize}
    assert public - apart == rows
