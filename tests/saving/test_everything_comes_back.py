"""What a model carries besides its weights: seeds, adapted state, loss, metrics, schedule, loss scale.

`LEFT_OUT` says what a format or tf_keras does not carry.
"""
import warnings

import numpy as np
import pytest

import kerasish as keras

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(4, 8, 8, 1)).astype("float32"), np.ones((4, 2), "float32")
DIRECTIONS = ("ours to ours", "ours to theirs", "theirs to ours")
FORMATS = {".h5": "model.h5", ".keras": "model.keras", "SavedModel": "model"}
LEFT_OUT = {
    ("metrics", ".h5"): "the format has no place for their state",
    ("metrics", "SavedModel", "ours to theirs"): "tf_keras makes new ones when it loads, from its own files too",
    ("metrics", ".keras", "ours to theirs"): "tf_keras makes them with the first step",
    ("scale", "SavedModel", "ours to theirs"): "tf_keras makes a new optimizer, from its own files too",
    ("scale", ".h5", "ours to theirs"): "tf_keras keeps no running loss scale in HDF5",
    ("scale", ".keras", "ours to theirs"): "likewise",
    ("scale", ".h5", "theirs to ours"): "likewise",
    ("scale", ".keras", "theirs to ours"): "likewise",
    ("steps", "SavedModel", "ours to theirs"): "tf_keras makes a new optimizer, from its own files too",
    ("steps", ".h5", "ours to theirs"): "tf_keras reads no optimizer with a loss scale from HDF5",
}


def left_out(what, form, direction):
    return any((what, form, direction)[: len(key)] == key for key in LEFT_OUT)


def made(library):
    layers = library.layers
    scaled = layers.Normalization(name="scaled")
    scaled.adapt(X)
    inputs = library.Input((8, 8, 1))
    x = layers.RandomFlip(seed=3)(scaled(inputs))
    x = layers.RandomRotation(0.1, seed=4)(x)
    x = layers.Flatten()(layers.GaussianNoise(0.1, seed=5)(layers.Dropout(0.5, seed=6)(x)))
    x = layers.Dense(3, kernel_initializer=library.initializers.GlorotUniform(seed=7))(x)
    model = library.Model(inputs, layers.Dense(2, kernel_initializer="zeros")(layers.AlphaDropout(0.1, seed=8)(x)))
    rate = library.optimizers.schedules.PiecewiseConstantDecay([2, 4], [0.1, 0.05, 0.01])
    optimizer = library.mixed_precision.LossScaleOptimizer(
        library.optimizers.SGD(rate, momentum=0.9), initial_scale=64.0, dynamic_growth_steps=3
    )
    metrics = library.metrics
    model.compile(
        optimizer, library.losses.Huber(0.3, name="hub"), loss_weights=[2.0], weighted_metrics=["mae"],
        metrics=[metrics.MeanSquaredError(name="sq"), metrics.TopKCategoricalAccuracy(k=1, name="top")],
        run_eagerly=True,
    )  # fmt: skip
    for _ in range(4):
        model.train_on_batch(X, Y)
    return model


def configurations(layer):
    config = layer.get_config()
    return config.get("seed"), str(config.get("kernel_initializer", {}))


def state(metric):
    return [float(variable.numpy()) for variable in metric.variables]


def rates(optimizer):
    return optimizer.get_config()["inner_optimizer"]["config"]["learning_rate"]["config"]["values"]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_everything_comes_back(direction, form, here):
    import tf_keras

    writer = tf_keras if direction == "theirs to ours" else keras
    reader = tf_keras if direction == "ours to theirs" else keras
    model = made(writer)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are saving your model as an HDF5 file")
        model.save(FORMATS[form], save_format="tf" if form == "SavedModel" else None)
    read = reader.models.load_model(FORMATS[form])

    assert [layer.name for layer in read.layers] == [layer.name for layer in model.layers]
    seeds = [configurations(layer)[0] for layer in read.layers]
    assert [seed for seed in seeds if seed is not None] == [3, 4, 6, 5, 8]
    assert "'seed': 7" in configurations(read.layers[7])[1]
    np.testing.assert_allclose(read.get_layer("scaled")(X), model.get_layer("scaled")(X), atol=1e-6)
    np.testing.assert_allclose(read.predict(X, verbose=0), model.predict(X, verbose=0), atol=1e-6)

    assert type(read.loss).__name__ == "Huber" and read.loss.get_config() == model.loss.get_config()
    was, now = ({metric.name: state(metric) for metric in one.metrics} for one in (model, read))
    if left_out("metrics", form, direction):
        read.evaluate(X, Y, verbose=0)
        model.evaluate(X, Y, verbose=0)
        was, now = ({metric.name: state(metric) for metric in one.metrics} for one in (model, read))
    assert list(now) == list(was) == ["loss", "sq", "top", "mae"]
    for name, values in was.items():
        assert now[name] == pytest.approx(values, rel=1e-5)

    settings = read.optimizer.get_config()
    assert (settings["initial_scale"], settings["dynamic_growth_steps"]) == (64.0, 3)
    assert list(rates(read.optimizer)) == [0.1, 0.05, 0.01]
    assert int(read.optimizer.iterations) == (0 if left_out("steps", form, direction) else 4)
    expected = (64.0, 0) if left_out("scale", form, direction) else (128.0, 1)
    assert (float(read.optimizer.loss_scale), int(read.optimizer.dynamic_counter)) == expected
