"""Files of TensorFlow 2.0 to 2.10: slots beside the variables they belong to, descriptions within `saved_model.pb`."""
import os

import numpy as np
import pytest
import tf_keras
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tf_keras.protobuf import saved_metadata_pb2

import kerasish as keras

X = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
Y = np.ones((16, 2), "float32")
OPTIMIZERS = [
    ("SGD", {}), ("SGD", {"momentum": 0.9}), ("RMSprop", {}), ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adam", {}), ("Adam", {"amsgrad": True}), ("Adagrad", {}), ("Adadelta", {}), ("Adamax", {}), ("Nadam", {}),
    ("Ftrl", {}),
]  # fmt: skip


def made(library, optimizer, units=3, dtype=None):
    model = library.Sequential([
        library.layers.Dense(units, input_shape=(4,), name="first", dtype=dtype),
        library.layers.Dense(2, name="last", dtype="float32"),
    ])  # fmt: skip
    model.compile(optimizer, "mse", run_eagerly=True)
    random = np.random.default_rng(7)
    model.set_weights([0.5 * random.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def steps(model, count=3):
    return [float(model.train_on_batch(X, Y)) for _ in range(count)]


def trained(name, arguments):
    model = made(tf_keras, getattr(tf_keras.optimizers.legacy, name)(0.05, **arguments))
    steps(model)
    model.optimizer.learning_rate = 0.02
    return model


def check_goes_on(model, *others):
    expected = steps(model)
    for other in others:
        assert steps(other) == pytest.approx(expected, abs=1e-5)
        assert int(other.optimizer.iterations) == 6
        for one, theirs in zip(other.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_allclose(one, theirs, atol=1e-6)


@pytest.mark.parametrize(("name", "arguments"), OPTIMIZERS)
def test_training_goes_on_from_older_checkpoints(name, arguments, here):
    model = trained(name, arguments)
    model.save_weights("weights")
    others = [made(keras, getattr(keras.optimizers.legacy, name)(0.05, **arguments))]
    if (name, arguments) not in (("Nadam", {}), ("RMSprop", {})):  # whose rules are others since
        others.append(made(keras, getattr(keras.optimizers, name)(0.05, **arguments)))
    for other in others:
        other.load_weights("weights")
        assert float(other.optimizer.learning_rate) == pytest.approx(0.02)
    check_goes_on(model, *others)


@pytest.mark.parametrize(("name", "arguments"), [("SGD", {"momentum": 0.9}), ("Adam", {"amsgrad": True})])
def test_slots_replace_those_of_an_optimizer_that_has_some(name, arguments, here):
    model = trained(name, arguments)
    model.save_weights("weights")
    other = made(keras, getattr(keras.optimizers, name)(0.3, **arguments))
    steps(other, 5)
    other.load_weights("weights")
    check_goes_on(model, other)


@pytest.mark.parametrize(("name", "arguments"), [*OPTIMIZERS[1:4], OPTIMIZERS[5], OPTIMIZERS[9]])
def test_training_goes_on_from_older_saved_models(name, arguments, here):
    model = trained(name, arguments)
    model.save("model", save_format="tf")
    loaded = keras.models.load_model("model")
    assert type(loaded.optimizer) is getattr(keras.optimizers.legacy, name)
    check_goes_on(model, loaded)


def test_the_loss_scale_comes_with_older_checkpoints(here):
    def scaled(library):
        inner = library.optimizers.legacy.Adam(0.05)
        return library.mixed_precision.LossScaleOptimizer(inner, initial_scale=8.0, dynamic_growth_steps=2)

    model = made(tf_keras, scaled(tf_keras), dtype="mixed_float16")
    steps(model)
    model.save_weights("weights")
    other = made(keras, scaled(keras), dtype="mixed_float16")
    other.load_weights("weights")
    assert float(other.optimizer.loss_scale) == 16 and int(other.optimizer.dynamic_counter) == 1
    check_goes_on(model, other)
    assert float(other.optimizer.loss_scale) == float(model.optimizer.loss_scale) == 64


def test_an_older_checkpoint_that_does_not_fit_changes_nothing(here):
    trained("Adam", {}).save_weights("weights")
    other = made(keras, keras.optimizers.Adam(0.05), units=5)
    steps(other)
    before = other.get_weights(), other.optimizer.get_weights()
    with pytest.raises(ValueError, match=r"\(4, 5\).*\(4, 3\)|\(5,\).*\(3,\)|\(5, 2\).*\(3, 2\)"):
        other.load_weights("weights")
    for one, now in zip(before, (other.get_weights(), other.optimizer.get_weights()), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, now, strict=True))


def describe_within_the_graph(path):
    """Moves what `keras_metadata.pb` says to where releases before 2.5 had it."""
    place = os.path.join(path, "keras_metadata.pb")
    with open(place, "rb") as file:
        records = saved_metadata_pb2.SavedMetadata.FromString(file.read()).nodes
    os.unlink(place)
    with open(os.path.join(path, "saved_model.pb"), "rb") as file:
        whole = SavedModel.FromString(file.read())
    for record in records:
        thing = whole.meta_graphs[0].object_graph_def.nodes[record.node_id].user_object
        thing.identifier, thing.metadata = record.identifier, record.metadata
    with open(os.path.join(path, "saved_model.pb"), "wb") as file:
        file.write(whole.SerializeToString())


def test_descriptions_within_the_graph_are_read(here):
    model = trained("Adam", {})
    model.save("model", save_format="tf")
    describe_within_the_graph("model")
    loaded = keras.models.load_model("model")
    assert [type(layer).__name__ for layer in loaded.layers] == ["Dense", "Dense"]
    assert type(loaded) is keras.Sequential
    check_goes_on(model, loaded)


def test_own_classes_within_the_graph_are_asked_for(here):
    def own(library):
        class Doubled(library.layers.Layer):
            def call(self, inputs):
                return 2 * inputs

        return Doubled

    inputs = tf_keras.Input((4,))
    tf_keras.Model(inputs, tf_keras.layers.Dense(2)(own(tf_keras)(name="own")(inputs))).save("model", save_format="tf")
    describe_within_the_graph("model")
    with pytest.warns(UserWarning, match="not provided: Doubled"):
        assert keras.models.load_model("model")(X).shape == (16, 2)
    loaded = keras.models.load_model("model", custom_objects={"Doubled": own(keras)})
    assert type(loaded.get_layer("own")).__name__ == "Doubled"


def test_code_within_the_graph_is_not_run(here):
    def trap(x):
        return __import__("pathlib").Path("marker").touch() or x

    layers = [tf_keras.layers.Dense(2, input_shape=(4,)), tf_keras.layers.Lambda(trap, name="trap")]
    tf_keras.Sequential(layers).save("model", save_format="tf")
    describe_within_the_graph("model")
    (here / "marker").unlink()
    with pytest.raises(ValueError, match=r'(?s)"trap".*safe_mode=False'):
        keras.models.load_model("model")
    assert not (here / "marker").exists()
