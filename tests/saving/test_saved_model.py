"""Whole models: written as SavedModel, read back, run by TensorFlow alone, and continued as if nothing had happened."""
import json
import os
import pathlib

import numpy as np
import pytest
import tensorflow as tf

import kerasish as keras
from kerasish import Input, Model, Sequential, layers, losses, optimizers
from kerasish.models import load_model, save_model
from kerasish.saving import keras_metadata
from tests.saving.examples import CUSTOM, KINDS, Net, X, Y, compiled, functional, same, sequential, subclassed, train


@pytest.mark.parametrize("kind", KINDS)
def test_training_continues_as_if_never_saved(kind, here):
    keras.core.seeds.set_random_seed(3)
    model = compiled(kind, optimizers.Adam(optimizers.schedules.ExponentialDecay(0.01, 3, 0.9)))
    model.save("model")
    copy = load_model("model", custom_objects=CUSTOM)
    assert type(copy) is type(model)
    assert same(copy.get_weights(), model.get_weights())
    assert same(copy.optimizer.get_weights(), model.optimizer.get_weights())
    assert train(copy, 2) == train(model, 2)
    assert same(copy.get_weights(), model.get_weights())
    assert same(copy.optimizer.get_weights(), model.optimizer.get_weights())


@pytest.mark.parametrize("kind", KINDS)
def test_tensorflow_alone_runs_the_model(kind, here):
    model = compiled(kind)
    model.save(pathlib.Path("model"))
    restored = tf.saved_model.load("model")
    np.testing.assert_allclose(restored(X), model(X), atol=1e-6)
    signature = restored.signatures["serving_default"]
    (name,) = signature.structured_input_signature[1]
    (output,) = signature.structured_outputs
    expected = {"functional": ("rows", "last"), "sequential": (f"{model.layers[0].name}_input", model.layers[-1].name),
                "subclassed": ("input_1", "output_1")}  # fmt: skip
    assert (name, output) == expected[kind]
    np.testing.assert_allclose(signature(**{name: tf.constant(X)})[output], model(X), atol=1e-6)
    np.testing.assert_allclose(restored(X[:5], training=True), model(X[:5], training=True), atol=1e-6)


def test_inputs_and_outputs_have_the_names_that_tf_keras_gives_them(here):
    import tf_keras

    def signature(library, path):
        a, b = library.Input((4,), name="a"), library.Input((3,), name="b/c")
        shared = library.layers.Dense(2, name="twice")
        model = library.Model([a, b], [shared(a), library.layers.Dense(1, name="once")(b), shared(a)])
        model.save(path, **({"save_format": "tf"} if library is tf_keras else {}))
        found = tf.saved_model.load(path).signatures["serving_default"]
        return set(found.structured_input_signature[1]), set(found.structured_outputs)

    assert signature(keras, "ours") == signature(tf_keras, "theirs")


def test_structures_of_inputs_are_remembered(here):
    class Pair(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, inputs):
            return {"sum": self.dense(inputs["u"]) + self.dense(inputs["v"]), "u": inputs["u"]}

    model = Pair()
    expected = model({"u": X, "v": 2 * X})
    model.save("pair")
    loaded = load_model("pair", custom_objects={"Pair": Pair})
    np.testing.assert_array_equal(loaded({"u": X, "v": 2 * X})["sum"], expected["sum"])
    signature = tf.saved_model.load("pair").signatures["serving_default"]
    assert set(signature.structured_outputs) == {"sum", "u"}
    np.testing.assert_allclose(signature(u=tf.constant(X), v=tf.constant(2 * X))["sum"], expected["sum"], atol=1e-6)


def test_compile_arguments_come_back(here):
    model = functional()
    model.compile("sgd", {"last": "mse"}, metrics={"last": ["mae", "accuracy"]}, loss_weights={"last": 2.0},
                  weighted_metrics=["mse"], run_eagerly=True)  # fmt: skip
    before = model.evaluate(X, Y, verbose=0, return_dict=True)
    save_model(model, "model")
    loaded = load_model("model")
    assert loaded.run_eagerly and isinstance(loaded.optimizer, optimizers.SGD)
    assert loaded.evaluate(X, Y, verbose=0, return_dict=True) == pytest.approx(before)
    assert load_model("model", compile=False).compiled is False
    was, now = json.loads(json.dumps(model.get_compile_config())), loaded.get_compile_config()
    for name in ("metrics", "weighted_metrics"):  # come back as the objects that the names stood for, by output
        assert was.pop(name) != now.pop(name)
    assert was == now
    assert [metric.name for metric in loaded.metrics] == ["loss", "mae", "accuracy", "mse"]


def test_own_losses_are_asked_for(here):
    def quadratic(y_true, y_pred):
        return tf.reduce_mean((y_true - y_pred) ** 2, -1)

    model = functional()
    model.compile("adam", quadratic)
    model.save("model")
    with pytest.raises(ValueError, match="quadratic(.|\n)*compile=False"):
        load_model("model")
    loaded = load_model("model", custom_objects={"quadratic": quadratic})
    assert loaded.evaluate(X, Y, verbose=0) == pytest.approx(model.evaluate(X, Y, verbose=0))


def test_optimizer_state_survives_a_variable_without_gradient(here):
    class Unused(Model):
        def __init__(self):
            super().__init__()
            self.spare = layers.Dense(3)
            self.dense = layers.Dense(2)

        def call(self, inputs):
            self.spare(inputs)
            return self.dense(inputs)

    model = Unused()
    model.compile(optimizers.SGD(0.1, momentum=0.9), "mse")
    train(model)
    model.save("model")
    loaded = load_model("model", custom_objects={"Unused": Unused})
    assert same(loaded.optimizer.get_weights(), model.optimizer.get_weights())


def test_a_compile_of_the_users_own_is_left_to_the_user(here):
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def compile(self, first, second):
            super().compile()
            self.first, self.second = first, second

        def call(self, inputs):
            return self.dense(inputs)

    model = Two()
    model(X)
    model.compile("sgd", optimizers.Adam())
    model.save("model")
    with pytest.warns(UserWarning, match="`compile` of its own"):
        loaded = load_model("model", custom_objects={"Two": Two})
    assert same(loaded.get_weights(), model.get_weights()) and not loaded.compiled


def test_classes_that_are_not_provided_give_a_model_of_graphs(here):
    model = compiled("subclassed")
    model.save("model")
    with pytest.warns(UserWarning, match="not provided: Block, Net|not provided: Net"):
        loaded = load_model("model")
    np.testing.assert_allclose(loaded.predict(X), model.predict(X), atol=1e-6)
    assert len(loaded.trainable_weights) == len(model.trainable_weights)
    loaded.compile("sgd", "mse")
    before = loaded.evaluate(X, Y, verbose=0)
    loaded.fit(X, Y, epochs=3, verbose=0)
    assert loaded.evaluate(X, Y, verbose=0) < before
    loaded.save("again")
    with pytest.warns(UserWarning, match="no configuration"):
        np.testing.assert_allclose(load_model("again")(X), loaded(X), atol=1e-6)


def test_a_model_without_configuration_is_saved_all_the_same(here):
    class Opaque(Model):
        def __init__(self, function):
            super().__init__()
            self.function, self.dense = function, layers.Dense(2)

        def call(self, inputs):
            return self.function(self.dense(inputs))

    model = Opaque(tf.nn.relu)
    model(X)
    model.save("model")
    with pytest.warns(UserWarning, match="Opaque has no configuration"):
        np.testing.assert_allclose(load_model("model")(X), model(X), atol=1e-6)


def test_a_saved_model_without_description_runs(here):
    model = compiled("functional")
    tf.saved_model.save(model, "plain")
    with pytest.warns(UserWarning, match="no description"):
        np.testing.assert_allclose(load_model("plain").predict(X), model(X), atol=1e-6)


def test_tensorflows_own_save_and_checkpoint_take_a_model(here):
    model = compiled("functional")
    tf.saved_model.save(model, "plain")
    restored = tf.saved_model.load("plain")
    np.testing.assert_allclose(restored.signatures["serving_default"](tf.constant(X))["last"], model(X), atol=1e-6)

    path = tf.train.Checkpoint(model=model, optimizer=model.optimizer).save("ckpt/all")
    other, optimizer = functional(), optimizers.Adam(0.5)
    status = tf.train.Checkpoint(model=other, optimizer=optimizer).restore(path)
    optimizer.build(other.trainable_variables)
    status.assert_consumed()
    assert same(other.get_weights(), model.get_weights())
    assert same(optimizer.get_weights(), model.optimizer.get_weights())
    assert float(optimizer.learning_rate) == pytest.approx(0.01)


def test_python_code_in_a_file_is_refused(here):
    inputs = Input((4,))
    Model(inputs, layers.Lambda(lambda x: x * 3)(inputs)).save("model")
    with pytest.raises(ValueError, match="safe_mode=False"):
        load_model("model")
    np.testing.assert_allclose(load_model("model", safe_mode=False)(X), X * 3)


def first_layer(root):
    return root["config"]["layers"][1]


@pytest.mark.parametrize(
    "change",
    [
        lambda root: first_layer(root)["config"].update(activation="system"),
        lambda root: first_layer(root)["config"].update(
            kernel_initializer={"module": "os", "class_name": "system", "config": {"command": "touch marker"}}
        ),
        lambda root: root["training_config"].update(
            loss={"module": "subprocess", "class_name": "run", "config": {"args": ["touch", "marker"]}}
        ),
        lambda root: root["training_config"].update(loss="system"),
    ],
)  # fmt: skip
def test_names_in_a_description_are_only_looked_up(change, here):
    compiled("functional").save("model")
    rewrite("model", change)
    with pytest.raises(ValueError, match="Unknown|unknown"):
        load_model("model")
    assert not os.path.exists("marker")


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", '{"class_name": "Sequential", "config": {"layers": [5]}}'])
def test_a_damaged_description_is_named(text, here):
    sequential_with_input().save("model")
    keras_metadata.write("model", [(0, "root", "_tf_keras_sequential", text)])
    with pytest.raises(ValueError, match=r"keras_metadata\.pb"):
        load_model("model")
    pathlib.Path("model/keras_metadata.pb").write_bytes(b"\xff" * 40)
    with pytest.raises(ValueError, match=r"keras_metadata\.pb.* damaged"):
        load_model("model")


def rewrite(path, change):
    """Changes what the SavedModel says of its root."""
    records = keras_metadata.read(path)
    change(records[0].metadata)
    keras_metadata.write(path, [(n, r.path, r.kind, json.dumps(r.metadata)) for n, r in records.items()])


def test_damaged_values_are_named(here):
    sequential_with_input().save("model")
    place = next(pathlib.Path("model/variables").glob("*.data*"))
    place.write_bytes(b"\xff" * len(place.read_bytes()))
    with pytest.raises(OSError, match="cannot be read"):
        load_model("model")


def test_what_cannot_be_saved_or_found_is_told(here):
    with pytest.raises(ValueError, match="shape of its inputs"):
        subclassed().save("model")
    with pytest.raises(ValueError, match="shape of its inputs"):
        sequential().save("model")
    with pytest.raises(FileNotFoundError, match="SavedModel"):
        load_model("nowhere")
    with pytest.raises(ValueError, match="save_format"):
        functional().save("model", save_format="protobuf")
    with pytest.raises(TypeError, match="zip"):
        functional().save("model", zip=True)
    assert not os.listdir(here)


def test_an_existing_model_is_overwritten_only_if_allowed(here, monkeypatch):
    first, second = sequential_with_input(), sequential_with_input()
    first.save("new/folder/model")
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(FileExistsError):
        second.save("new/folder/model", overwrite=False)
    assert same(load_model("new/folder/model").get_weights(), first.get_weights())
    second.save("new/folder/model")
    assert same(load_model("new/folder/model").get_weights(), second.get_weights())
    assert os.listdir("new/folder") == ["model"]


def test_metrics_within_layers_are_not_part_of_the_graphs(here):
    model = Net(2)
    model(X)
    model.save("model")
    assert not model.losses or all(not isinstance(loss, tf.Tensor) or hasattr(loss, "numpy") for loss in model.losses)
    before = [m.result().numpy() for m in model.metrics]
    tf.saved_model.load("model")(X)
    assert [m.result().numpy() for m in model.metrics] == before


def sequential_with_input():
    model = Sequential([Input((4,)), layers.Dense(2)])
    model.compile("sgd", losses.MeanSquaredError())
    return model
