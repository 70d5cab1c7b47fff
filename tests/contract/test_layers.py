"""What every layer promises, one promise in each function; the table of layers is in cases.py."""

from __future__ import annotations

import copy
import inspect
import json
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from cases import BATCH, CASES, Case

from kerasish import layers
from kerasish.layers.base import LAYERS, Layer
from kerasish.models.model import Model

# Made for symbolic tensors by functional models, not by users' calls; tests/models has them. Wrapper is a mere base.
_WITHOUT_CASE = {"AddLoss", "AddMetric", "InputLayer", "SlicingOpLambda", "TFOpLambda", "Wrapper"}
# Cells take states besides the inputs; tests/layers has them, and the layers around them stand here.
_WITHOUT_CASE |= {"AbstractRNNCell", "GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"}
# Several arguments, strings, integers, sizes that change: tests/layers has test_attention.py and test_preprocessing.py.
_WITHOUT_CASE |= {"MultiHeadAttention", "CategoryEncoding", "Hashing", "HashedCrossing"}
_WITHOUT_CASE |= {"StringLookup", "IntegerLookup"}
_WITHOUT_CASE |= {"TextVectorization", "Discretization", "CenterCrop", "RandomCrop", "RandomHeight", "RandomWidth"}
# They take a dict of features: tests/layers/test_feature_columns.py.
_WITHOUT_CASE |= {"DenseFeatures", "SequenceFeatures"}
_WITHOUT_CASE |= {"RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast"}
_TAKES_TRAINING = [case for case in CASES if "training" in inspect.signature(case.make().call).parameters]
# The oracle has constants in float32, or no kernel for float64 on the CPU (nor for channels first).
_SINGLE_IN_THE_ORACLE = {"ELU", "Normalization", "RandomFourierFeatures", "MaxPooling3D", "AveragePooling3D"}
_SINGLE_IN_THE_ORACLE |= {"DepthwiseConv2D of two strides"}
_FIRST_OF_EACH = list({type(case.make()): case for case in reversed(CASES)}.values())
# A fit tells something of layers with weights, state or a training flag.
_TRAINED = [case for case in _FIRST_OF_EACH if case in _TAKES_TRAINING or type(case.make()).build is not Layer.build]
# What RandomFourierFeatures draws stays as it is; tests/layers/test_behaviour.py trains its width.
_TRAINED = [case for case in _TRAINED if not case.several and "RandomFourier" not in type(case.make()).__name__]


def _name(case: Case) -> str:
    return f"{type(case.make()).__name__} {case.note}".strip()


every_case = pytest.mark.parametrize("case", CASES, ids=_name)


def _inputs(case: Case, seed: int = 0) -> Any:
    """The case's inputs as tensors, a list for a layer that takes one."""
    tensors = [tf.constant(values.array(seed)) for values in case.values]
    return tensors if case.several else tensors[0]


def _built(case: Case) -> Any:
    """The case's layer with weights that are neither zero nor one."""
    layer = case.make()
    layer(_inputs(case))
    random = np.random.RandomState(1)
    sizes = [random.uniform(0.5, 1.5, weight.shape) for weight in layer.weights]
    signs = [1 if "variance" in w.name else np.sign(random.normal(size=w.shape) + 1.5) for w in layer.weights]
    layer.set_weights([size * sign for size, sign in zip(sizes, signs, strict=True)])
    return layer


def _run(layer: Any, inputs: Any, training: bool | None = None) -> Any:
    takes = "training" in inspect.signature(layer.call).parameters
    return layer(inputs, training=training) if takes else layer(inputs)


def _gradients(layer: Any, inputs: Any, training: bool) -> tuple[Any, Any, list[Any]]:
    """Output, loss with the layer's own losses, and gradients for the weights and the float inputs."""
    sources = [*layer.trainable_weights, *(t for t in tf.nest.flatten(inputs) if t.dtype.is_floating)]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        outputs = _run(layer, inputs, training)
        slopes = tf.reshape(tf.cast(tf.linspace(-1.0, 2.0, tf.size(outputs)), outputs.dtype), tf.shape(outputs))
        loss = tf.add_n([tf.reduce_sum(outputs * slopes), *layer.losses])
    found = tape.gradient(loss, sources)
    return outputs, loss, [None if g is None else tf.convert_to_tensor(g) for g in found]


def _oracle_class(layer: Any) -> Any:
    name = type(layer).__name__
    return getattr(tf_keras.layers, name, None) or getattr(tf_keras.layers.experimental, name)


def _oracle_of(case: Case, layer: Any) -> Any:
    """tf_keras's layer with the same arguments and weights."""
    if case.theirs is not None:
        theirs = case.theirs(tf_keras.layers)
    else:
        theirs = _oracle_class(layer).from_config(layer.get_config())
    _run(theirs, _inputs(case))
    theirs.set_weights(layer.get_weights())
    return theirs


def _close(ours: Any, theirs: Any, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=tolerance, atol=tolerance)


def test_every_layer_has_a_case() -> None:
    tested = {type(case.make()) for case in CASES}
    known = {LAYERS.resolve(name) for name in LAYERS.names()}
    known |= {
        thing
        for name in layers.__all__
        if isinstance(thing := getattr(layers, name), type) and issubclass(thing, Layer)
    }
    own = {cls for cls in known if cls.__module__.startswith("kerasish.layers.") and cls is not Layer}
    assert {cls.__name__ for cls in own - tested} == _WITHOUT_CASE


def test_the_names_are_those_of_the_oracle() -> None:
    assert list(layers.__all__) == sorted(layers.__all__)
    assert set(layers.__all__) <= set(dir(tf_keras.layers))
    assert layers.Convolution2D is layers.Conv2D and layers.GlobalAvgPool1D is layers.GlobalAveragePooling1D


@pytest.mark.parametrize("name", sorted(set(layers.__all__) - {"Layer"}))
def test_the_signature_is_the_oracles(name: str) -> None:
    def arguments(function: Any) -> list[tuple[str, Any, Any]]:
        return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]

    assert arguments(getattr(layers, name)) == arguments(getattr(tf_keras.layers, name))


@every_case
def test_the_symbolic_shape_and_dtype_are_those_of_the_result(case: Case) -> None:
    layer, inputs = case.make(), _inputs(case)
    symbolic = [layers.Input(batch_shape=(None, *values.shape[1:]), dtype=values.dtype) for values in case.values]
    expected = layer(symbolic if case.several else symbolic[0])
    outputs = layer(inputs)
    assert tuple(expected.shape) == (None, *outputs.shape[1:])
    assert expected.dtype == outputs.dtype
    shapes = [values.shape for values in case.values]
    assert tuple(layer.compute_output_shape(shapes if case.several else shapes[0])) == tuple(outputs.shape)
    shapes = [(None, *values.shape[1:]) for values in case.values]
    assert tuple(layer.compute_output_shape(shapes if case.several else shapes[0])) == tuple(expected.shape)


@every_case
def test_the_configuration_survives_json(case: Case) -> None:
    layer = case.make()
    config = layer.get_config()
    own = {layer.name: layer.function} if isinstance(layer, layers.Lambda) else {}
    again = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))), custom_objects=own)
    assert type(again) is type(layer)
    assert json.dumps(again.get_config()) == json.dumps(config)


@every_case
def test_the_configuration_is_the_oracles(case: Case) -> None:
    layer = case.make()
    if case.theirs is not None:
        assert set(layer.get_config()) == set(case.theirs(tf_keras.layers).get_config())
        return
    config = layer.get_config()
    theirs = _oracle_class(layer).from_config(copy.deepcopy(config))
    assert _plain(config) == _plain(theirs.get_config())
    assert _plain(type(layer).from_config(theirs.get_config()).get_config()) == _plain(config)


def _plain(config: Any) -> Any:
    def rounded(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rounded(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [rounded(inner) for inner in value]
        return float(np.float32(value)) if isinstance(value, (float, np.ndarray, np.floating)) else value

    return rounded(config)


@every_case
def test_eager_graph_and_xla_agree(case: Case) -> None:
    results = []
    for compiled in (None, False, True):
        layer, inputs = _built(case), _inputs(case)

        def call(inputs: Any, layer: Any = layer) -> Any:
            return _run(layer, inputs, False), _run(layer, inputs, True)

        call = call if compiled is None else tf.function(call, jit_compile=compiled)
        results.append([*call(inputs), *layer.get_weights()])
    for values in results[1:]:
        for value, expected in zip(values, results[0], strict=True):
            _close(value, expected)


@every_case
def test_no_gradient_is_missing_or_infinite(case: Case) -> None:
    layer = _built(case)
    _, _, gradients = _gradients(layer, _inputs(case), training=True)
    for gradient in gradients:
        assert gradient is not None
        assert np.isfinite(gradient).all()


@every_case
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def test_mixed_precision_computes_in_half_and_keeps_weights_in_float32(case: Case, half: str) -> None:
    full = _built(case)
    layer = type(full).from_config(_with_dtype(full.get_config(), f"mixed_{half}"))
    inputs = _inputs(case)
    layer(inputs)
    layer.set_weights(full.get_weights())
    outputs = _run(layer, inputs, False)
    assert outputs.dtype == half
    assert all(weight.dtype == tf.float32 for weight in layer.weights)
    expected = np.asarray(_run(full, inputs, False))
    _close(
        tf.cast(outputs, tf.float32), expected, (0.01 if half == "float16" else 0.08) * max(1.0, np.abs(expected).max())
    )


@every_case
def test_float64_is_kept_and_equals_the_oracles(case: Case) -> None:
    full = _built(case)
    layer = type(full).from_config(_with_dtype(full.get_config(), "float64"))
    inputs = tf.nest.map_structure(lambda x: tf.cast(x, tf.float64) if x.dtype.is_floating else x, _inputs(case))
    _run(layer, inputs)
    layer.set_weights(full.get_weights())
    outputs = _run(layer, inputs, False)
    assert outputs.dtype == tf.float64
    assert all(weight.dtype == tf.float64 for weight in layer.weights if weight.dtype.is_floating)
    _close(outputs, _run(full, _inputs(case), False))
    if case.theirs is None and _name(case) not in _SINGLE_IN_THE_ORACLE and "channels first" not in case.note:
        theirs = _oracle_class(layer).from_config(layer.get_config())
        _run(theirs, inputs, False)
        theirs.set_weights(full.get_weights())
        _close(outputs, _run(theirs, inputs, False), 1e-9)


def _with_dtype(config: Any, dtype: str) -> Any:
    """The configuration with that dtype, also of the layers within."""
    if isinstance(config, dict):
        return {key: dtype if key == "dtype" else _with_dtype(value, dtype) for key, value in config.items()}
    return [_with_dtype(value, dtype) for value in config] if isinstance(config, list) else config


@every_case
def test_a_row_depends_on_that_row_only(case: Case) -> None:
    layer, inputs, order = _built(case), _inputs(case), [2, 0, 3, 1]
    mixed = tf.nest.map_structure(lambda tensor: tf.gather(tensor, order), inputs)
    outputs, expected = _run(layer, mixed, False), _run(layer, inputs, False)
    if not case.rows:
        assert outputs.shape[0] != BATCH
    else:
        _close(outputs, tf.gather(expected, order))


@pytest.mark.parametrize("case", _TAKES_TRAINING, ids=_name)
def test_training_is_inherited(case: Case) -> None:
    class Outer(Layer):
        def __init__(self, inner: Any):
            super().__init__()
            self.inner = inner

        def call(self, inputs: Any, training: Any = None) -> Any:
            return self.inner(inputs)

    for training in (False, True):
        expected = _built(case)(_inputs(case), training=training)
        _close(Outer(_built(case))(_inputs(case), training=training), expected)


@pytest.mark.parametrize("case", [case for case in CASES if case.random], ids=_name)
def test_random_layers_draw_in_training_only_anew_each_time_and_again_with_the_same_seed(case: Case) -> None:
    first, second, inputs = case.make(), case.make(), _inputs(case)
    draws = [first(inputs, training=True).numpy() for _ in range(3)]
    assert not np.allclose(draws[0], draws[1]) or not np.allclose(draws[0], draws[2])
    np.testing.assert_array_equal(second(inputs, training=True), draws[0])
    np.testing.assert_array_equal(first(inputs, training=False), inputs)


@every_case
@pytest.mark.filterwarnings("ignore:Layer .* drops it")
def test_masks_are_as_declared_and_as_the_oracles(case: Case) -> None:
    if case.mask == "elementwise":
        pytest.skip("tests/layers has its masks")
    results = []
    for layer in (ours := _built(case), _oracle_of(case, ours)):
        inputs = _inputs(case)
        masks = []
        for tensor in tf.nest.flatten(inputs):
            if tensor.shape.rank > 2:
                masks.append(tf.constant(np.arange(BATCH * tensor.shape[1]).reshape(BATCH, -1) % 3 > 0))
                tensor._keras_mask = masks[-1]
        results.append((getattr(layer(inputs), "_keras_mask", None), masks))
    (mask, given), (theirs, _) = results
    if not given and case.mask == "kept" or case.mask == "dropped":
        assert mask is None
    elif case.mask == "kept":
        np.testing.assert_array_equal(mask, given[0])
    else:
        assert mask is not None
    assert (mask is None) == (theirs is None)
    if mask is not None:
        np.testing.assert_array_equal(mask, theirs)


@every_case
def test_weights_go_out_and_in(case: Case) -> None:
    layer, other = _built(case), case.make()
    other(_inputs(case))
    other.set_weights(layer.get_weights())
    for value, expected in zip(other.get_weights(), layer.get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)
    assert layer.count_params() == sum(value.size for value in layer.get_weights())


@every_case
def test_weights_are_named_ordered_and_shaped_as_the_oracles(case: Case) -> None:
    layer = _built(case)
    theirs = _oracle_of(case, layer)
    assert _described(layer.weights) == _described(theirs.weights)
    assert _described(layer.trainable_weights) == _described(theirs.trainable_weights)
    layer.trainable = theirs.trainable = False
    assert _described(layer.weights) == _described(theirs.weights)
    assert layer.trainable_weights == []


def _described(weights: list[Any]) -> list[Any]:
    return [(weight.name, tuple(weight.shape), weight.dtype.name, weight.trainable) for weight in weights]


@every_case
@pytest.mark.parametrize("training", [False, True])
def test_outputs_losses_gradients_and_updates_equal_the_oracles(case: Case, training: bool) -> None:
    if training and case.random:
        pytest.skip("draws differ")
    layer = _built(case)
    theirs = _oracle_of(case, layer)
    outputs, loss, gradients = _gradients(layer, _inputs(case), training)
    # Eagerly TensorFlow lacks kernels for channels first on the CPU; a graph is rewritten.
    compute = tf.function(_gradients) if "channels first" in case.note else _gradients
    expected_outputs, expected_loss, expected = compute(theirs, _inputs(case), training)
    assert outputs.dtype == expected_outputs.dtype
    _close(outputs, expected_outputs)
    _close(loss, expected_loss)
    assert len(gradients) == len(expected)
    for gradient, reference in zip(gradients, expected, strict=True):
        _close(gradient, reference, 2e-5 * max(1.0, np.abs(np.asarray(reference)).max()))
    for value, reference in zip(layer.get_weights(), theirs.get_weights(), strict=True):
        _close(value, reference)


@pytest.mark.parametrize("case", _TRAINED, ids=_name)
def test_a_fit_changes_every_trainable_weight_and_a_second_one_traces_nothing(case: Case) -> None:
    layer, traced = case.make(), []
    symbolic = [layers.Input(values.shape[1:], dtype=values.dtype) for values in case.values]
    outputs = layer(symbolic if case.several else symbolic[0])
    model = Model(symbolic, layers.Dense(1)(layers.Flatten()(outputs)))
    compute = layer.call
    layer.call = lambda *args, **kwargs: traced.append(1) or compute(*args, **kwargs)
    model.compile("sgd", "mse", jit_compile=False)
    x, y = [values.array() for values in case.values], np.linspace(-1, 1, BATCH, dtype="float32")
    before = layer.get_weights()
    model.fit(x, y, batch_size=2, epochs=1, verbose=0)
    assert traced
    traced.clear()
    model.fit(x, y, batch_size=2, epochs=1, verbose=0)
    assert not traced
    for weight, value in zip(layer.weights, before, strict=True):
        assert not np.array_equal(weight, value), weight.name
