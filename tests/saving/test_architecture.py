"""Architectures: JSON to and from tf_keras, clones, and refusals."""
import json

import numpy as np
import pytest
import tensorflow as tf

import kerasish as keras
from kerasish import Input, Model, Sequential, layers
from kerasish.models import clone_model, model_from_config, model_from_json
from tests.saving.examples import CUSTOM, X, functional, same, sequential, subclassed


@pytest.mark.parametrize("make", [functional, sequential])
def test_json_goes_to_tf_keras_and_back(make):
    import tf_keras

    model = make()
    outputs = model(X)
    theirs = tf_keras.models.model_from_json(model.to_json())
    theirs.set_weights(model.get_weights())
    np.testing.assert_allclose(theirs(X), outputs, atol=1e-6)
    ours = model_from_json(theirs.to_json(indent=1))
    assert not ours.compiled
    ours.set_weights(model.get_weights())
    np.testing.assert_allclose(ours(X), outputs, atol=1e-6)
    assert set(json.loads(model.to_json())) == set(json.loads(theirs.to_json()))


def test_signatures_are_those_of_tf_keras():
    import inspect

    import tf_keras

    def listed(owner, name):
        return [(p.name, p.default) for p in inspect.signature(getattr(owner, name)).parameters.values()]

    for name in ("save_model", "load_model", "clone_model", "model_from_config", "model_from_json", "model_from_yaml"):
        assert listed(keras.models, name) == listed(tf_keras.models, name), name
    for name in ("save", "save_weights", "load_weights", "to_json", "save_spec", "compile_from_config"):
        assert listed(keras.Model, name) == listed(tf_keras.Model, name), name


@pytest.mark.parametrize("make", [functional, sequential, subclassed])
def test_a_clone_has_the_same_layers_and_its_own_weights(make):
    model = make()
    model(X)
    clone = clone_model(model)
    clone(X)
    assert type(clone) is type(model)
    assert [w.shape for w in clone.weights] == [w.shape for w in model.weights]
    assert not {id(w) for w in clone.weights} & {id(w) for w in model.weights}
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(clone(X), model(X), atol=1e-6)


def test_a_clone_keeps_losses_metrics_and_lambdas():
    inputs = Input((4,))
    x = layers.Lambda(lambda value: value * 2)(inputs)
    model = Model(inputs, layers.Dense(2)(x))
    model.add_loss(tf.reduce_sum(x))
    model.add_metric(tf.reduce_mean(x), "mean_of_x", aggregation="mean")
    clone = clone_model(model)
    clone(X)
    model(X)
    assert [float(loss) for loss in clone.losses] == [float(loss) for loss in model.losses]
    assert "mean_of_x" in [metric.name for metric in clone.metrics]


@pytest.mark.parametrize("make", [functional, sequential])
def test_clone_function_makes_the_layers(make):
    def wider(layer):
        config = layer.get_config()
        if config.get("activation") == "relu":
            config["activation"] = "tanh"
        if isinstance(layer, layers.Dense):
            config["use_bias"] = False
        return type(layer).from_config(config)

    model = make()
    model(X)
    clone = clone_model(model, clone_function=wider)
    clone(X)
    assert not [layer for layer in clone.layers if getattr(layer, "bias", None) is not None]
    assert not {id(w) for w in clone.weights} & {id(w) for w in model.weights}
    with pytest.raises(ValueError, match="must return a layer"):
        clone_model(model, clone_function=lambda layer: None)


def test_a_clone_may_start_from_given_tensors():
    model = functional()
    inputs = Input((4,), name="other_rows")
    clone = clone_model(model, input_tensors=inputs)
    clone.set_weights(model.get_weights())
    assert clone.input_names == ["other_rows"]
    np.testing.assert_allclose(clone(X), model(X), atol=1e-6)
    clone = clone_model(sequential(), input_tensors=Input((4,), name="rows"))
    assert clone.input_names == ["rows"]


def test_refusals():
    with pytest.raises(ValueError, match="must be a model"):
        clone_model(layers.Dense(2))
    with pytest.raises(ValueError, match="symbolic tensors"):
        clone_model(subclassed(), clone_function=lambda layer: layer)
    with pytest.raises(RuntimeError, match="YAML"):
        functional().to_yaml()
    with pytest.raises(RuntimeError, match="YAML"):
        keras.models.model_from_yaml("!!python/object/apply:os.system ['true']")
    with pytest.raises(TypeError, match="from_config"):
        model_from_config([{"class_name": "Dense", "config": {"units": 2}}])
    with pytest.raises(ValueError, match="not valid JSON"):
        model_from_json("{")
    with pytest.raises(ValueError, match="Unknown layer"):
        model_from_json('{"class_name": "Popen", "config": {}}')


def test_python_code_in_json_is_refused():
    text = Sequential([Input((4,)), layers.Lambda(lambda x: x + 1)]).to_json()
    with pytest.raises(ValueError, match="Python code"):
        model_from_json(text)


def test_a_users_model_from_its_json():
    model = subclassed()
    model(X)
    rebuilt = model_from_json(model.to_json(), custom_objects=CUSTOM)
    rebuilt(X)
    rebuilt.set_weights(model.get_weights())
    assert same([rebuilt(X).numpy()], [model(X).numpy()]) and rebuilt.name == model.name


@pytest.mark.parametrize("spec", [
    tf.TensorSpec((None, 3), tf.float32), tf.RaggedTensorSpec([None, None], tf.int32, ragged_rank=1),
    tf.SparseTensorSpec([None, 4], tf.float32),
], ids=lambda spec: type(spec).__name__)  # fmt: skip
def test_inputs_given_by_their_type_come_from_tf_keras_and_go_there(spec):
    import tf_keras

    for source, target in ((tf_keras, keras), (keras, tf_keras)):
        inputs = source.Input(type_spec=spec)
        model = target.models.model_from_json(source.Model(inputs, inputs).to_json())
        read = model.input.type_spec
        assert type(read) is type(spec) and read.shape == spec.shape and read.dtype == spec.dtype
