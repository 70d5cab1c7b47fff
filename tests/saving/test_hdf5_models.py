"""Whole models in HDF5: tf_keras reads what we write and we what it writes, the optimizer's state included."""

import json

import h5py
import numpy as np
import pytest
import tensorflow as tf

import kerasish as keras
from tests.saving.examples import KINDS, X, Y, same, subclassed

OPTIMIZERS = ("SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion", "Adafactor")
OLDER = ("SGD", "RMSprop", "Adam", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl")
ARGUMENTS = {"SGD": {"momentum": 0.9}, "RMSprop": {"momentum": 0.5, "centered": True}, "Adam": {"amsgrad": True}}


def two_outputs(library):
    """Two inputs, a shared layer, operations, a model within, a loss and a metric within, two outputs."""
    layers = library.layers
    first, second = library.Input((4,), name="first"), library.Input((4,), name="second")
    shared = layers.Dense(3, activation="tanh", kernel_regularizer="l2", name="shared")
    x = layers.Concatenate()([shared(first), shared(second)])
    x = x * tf.reduce_sum(x, -1, keepdims=True)
    within = [layers.Dense(3, use_bias=False, name="within"), layers.BatchNormalization(name="norm")]
    inner = library.Sequential(within, name="inner")
    model = library.Model([first, second], [layers.Dense(2, name="left")(inner(x)), layers.Dense(2, name="right")(x)])
    model.add_loss(1e-2 * tf.reduce_mean(x))
    model.add_metric(tf.reduce_mean(x), name="mean_of_x", aggregation="mean")
    return model


def compiled(library, optimizer=None):
    model = two_outputs(library)
    rate = library.optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)
    model.compile(
        optimizer or library.optimizers.Adam(rate, clipnorm=1.0),
        {"left": "mse", "right": library.losses.Huber(0.3)},
        metrics={"left": ["mae"], "right": [library.metrics.MeanSquaredError(name="squares")]},
        weighted_metrics=[["mse"], []],
        loss_weights={"left": 1.0, "right": 0.5},
    )
    return trained(model)


def trained(model):
    model.fit([X, 2 * X], [Y, Y], batch_size=16, epochs=1, shuffle=False, verbose=0)
    return model


def outputs(model):
    return [np.asarray(value) for value in model([X, 2 * X])]


def libraries():
    import tf_keras

    return (keras, keras), (keras, tf_keras), (tf_keras, keras)


@pytest.mark.parametrize("direction", range(3), ids=["ours to ours", "ours to theirs", "theirs to ours"])
def test_everything_comes_back_and_training_goes_on(direction, here):
    writer, reader = libraries()[direction]
    model = compiled(writer)
    model.save("model.h5")
    read = reader.models.load_model("model.h5")
    assert same(outputs(model), outputs(read))
    assert read.optimizer.iterations.numpy() == 3
    assert type(read.optimizer._learning_rate).__name__ == "ExponentialDecay"
    assert read.metrics_names == model.metrics_names
    for one in (model, read):
        trained(one)
    exactly = {} if writer is reader else {"rtol": 1e-6, "atol": 1e-6}
    for one, other in zip(model.get_weights(), read.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, **(exactly or {"rtol": 0}))


def test_the_file_is_laid_out_as_theirs(here):
    def entries(path):
        found = {}
        with h5py.File(path) as file:
            found["/"] = sorted(file.attrs)
            names = lambda item: {k: [str(n) for n in np.ravel(item.attrs[k])] for k in item.attrs if "names" in k}  # noqa: E731
            file.visititems(lambda name, item: found.update({name: getattr(item, "shape", names(item))}))
            return found, json.loads(file.attrs["model_config"]), json.loads(file.attrs["training_config"])

    for library, path in zip(libraries()[1], ("ours.h5", "theirs.h5"), strict=True):
        library.backend.clear_session()
        compiled(library).save(path)
    ours, theirs = entries("ours.h5"), entries("theirs.h5")
    assert ours[0] == theirs[0]
    assert plain(ours[1]) == plain(theirs[1])
    assert plain(ours[2]) == plain(theirs[2])


def plain(config):
    """A configuration without what later releases add: modules and registered names."""
    if isinstance(config, dict):
        return {key: plain(value) for key, value in config.items() if key not in ("module", "registered_name")}
    return [plain(item) for item in config] if isinstance(config, list) else config


@pytest.mark.parametrize("name", [*OPTIMIZERS, *(f"legacy.{name}" for name in OLDER)])
def test_every_optimizer_goes_on_where_it_was(name, here):
    namespace, _, name = name.rpartition(".")

    def fresh(library):
        found = library.optimizers.legacy if namespace else library.optimizers
        return getattr(found, name)(**ARGUMENTS.get(name, {}))

    for writer, reader in libraries():
        if name == "Nadam" and not namespace and writer is not reader:
            continue  # tf_keras's does not keep the product of the momentums in a graph
        model = writer.Sequential([writer.layers.Dense(3, input_shape=(4,)), writer.layers.Dense(2)])
        model.compile(fresh(writer), "mse")
        three_steps(model)
        model.save("model.h5")
        read = reader.models.load_model("model.h5")
        assert type(read.optimizer).__name__ == name
        assert namespace in type(read.optimizer).__module__
        for one in (model, read):
            three_steps(one)
        for one, other in zip(model.get_weights(), read.get_weights(), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=0 if writer is reader else 1e-6)


def three_steps(model):
    """As `fit` would take them, but without the time that tracing it takes."""
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(X) - Y) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        model.optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))


def test_the_loss_scale_comes_back(here):
    model = keras.Sequential([keras.layers.Dense(3, input_shape=(4,)), keras.layers.Dense(2)])
    model.compile(keras.mixed_precision.LossScaleOptimizer(keras.optimizers.Adam(), initial_scale=8.0), "mse")
    model.fit(X, Y, verbose=0)
    model.optimizer._scale.current_loss_scale.assign(4.0)
    model.save("model.h5")
    read = keras.models.load_model("model.h5")
    assert float(read.optimizer.loss_scale) == 4.0
    assert read.optimizer.dynamic_counter.numpy() == model.optimizer.dynamic_counter.numpy() == 2


def test_open_files_are_taken_as_paths_are(here):
    model = compiled(keras)
    with h5py.File("open.h5", "w") as file:
        model.save(file)
        model.save(file.create_group("second"))
    with h5py.File("open.h5") as file:
        assert same(outputs(model), outputs(keras.models.load_model(file)))
        assert same(outputs(model), outputs(keras.models.load_model(file["second"])))


def test_the_optimizer_can_be_left_out(here):
    model = compiled(keras)
    model.save("model.h5", include_optimizer=False)
    assert not keras.models.load_model("model.h5").compiled
    model.save("model.h5")
    assert not keras.models.load_model("model.h5", compile=False).compiled
    fresh = two_outputs(keras)
    fresh.load_weights("model.h5")
    assert same(outputs(model), outputs(fresh))


def test_the_format_follows_the_path_or_the_argument(here):
    model = KINDS["functional"]()
    for path, save_format in (("a.h5", None), ("b.hdf5", None), ("c", "h5"), ("d", "hdf5")):
        model.save(path, save_format=save_format)
        assert h5py.is_hdf5(path)
        assert same([model(X).numpy()], [keras.models.load_model(path)(X).numpy()])


def test_what_hdf5_cannot_hold_is_said(here):
    model = subclassed()
    model(X)
    with pytest.raises(NotImplementedError, match="neither"):
        model.save("model.h5")
    KINDS["functional"]().save_weights("weights.h5")
    with pytest.raises(ValueError, match="weights only"):
        keras.models.load_model("weights.h5")
    with pytest.raises(FileNotFoundError, match=r"missing\.h5"):
        keras.models.load_model("missing.h5")
    (here / "text.h5").write_text("no model")
    with pytest.raises(ValueError, match="nor HDF5"):
        keras.models.load_model("text.h5")


def test_code_in_the_file_is_not_run(here):
    import tf_keras

    layer = tf_keras.layers.Lambda(lambda x: __import__("pathlib").Path("marker").touch() or x, name="trap")
    tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(4,)), layer]).save("model.h5")
    (here / "marker").unlink()  # left by the trap when it was set
    with pytest.raises(ValueError, match=r'(?s)"trap".*safe_mode=False'):
        keras.models.load_model("model.h5")
    assert not (here / "marker").exists()
    keras.models.load_model("model.h5", custom_objects={"trap": lambda x: x})(X)
    assert not (here / "marker").exists()
    keras.models.load_model("model.h5", safe_mode=False)
    assert (here / "marker").exists()


@pytest.mark.parametrize("name", ["model.h5", "model.keras", "model"])
def test_a_loss_of_the_user_s_is_known_after_loading_without_a_scope(tmp_path, name):
    def own(y_true, y_pred):
        return tf.reduce_mean(tf.square(y_true - y_pred), -1)

    model = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", own)
    model.save(tmp_path / name)
    loaded = keras.models.load_model(tmp_path / name, custom_objects={"own": own})
    assert loaded.loss is own
    loaded.compile("adam", loaded.loss)
