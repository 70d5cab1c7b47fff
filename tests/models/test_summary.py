"""`model.summary()` line by line as tf_keras prints it."""

import inspect

import pytest
import tensorflow as tf
import tf_keras

import kerasish

LONG = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def lines(model, **options):
    found = []
    model.summary(print_fn=found.append, **options)
    return found


def two_by_two(keras):
    first, second = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    x = keras.layers.Dense(5, activation="relu", name="d")(first)
    z = keras.layers.Concatenate(name="c")([x, keras.layers.Dense(5, name="e")(second)])
    outputs = [keras.layers.Dense(1, name="o")(z), keras.layers.Dense(2, name="p", trainable=False)(z)]
    return keras.Model([first, second], outputs, name="m")


def chain(keras):
    inputs = keras.Input((784,), name="digits")
    x = keras.layers.Dense(64, activation="relu", name="dense_1")(inputs)
    return keras.Model(inputs, keras.layers.Dense(10, name="predictions")(x))


def chain_with_losses(keras):
    inputs = keras.Input((8,), name="a")
    x = keras.layers.Dense(4, name="d" * 70)(inputs)
    x = keras.layers.Dense(4, name="with.points-and_more.points.here.and.there")(x)
    model = keras.Model(inputs, keras.layers.Dense(4, name="b" * 19)(x), name="m1")
    model.add_loss(tf.reduce_sum(x) * 0.1)
    model.add_metric(keras.backend.std(x), name="deviation", aggregation="mean")
    return model


def stack(keras):
    layers = keras.layers
    return keras.Sequential(
        [layers.Dense(3, name=LONG, input_shape=(5,)), layers.BatchNormalization(), layers.Dropout(0.5),
         layers.Dense(1200, dtype="float64"), layers.Dense(833, trainable=False)]
    )  # fmt: skip


def convolutions(keras):
    layers = keras.layers
    return keras.Sequential(
        [layers.Reshape((28, 28, 1), input_shape=(784,)), layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D(),
         layers.Flatten(), layers.Dense(10)]
    )  # fmt: skip


def deferred(keras):
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(2)], name="later")
    model.build((None, 4))
    return model


def nested(keras):
    inner = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(3, name="q"), keras.layers.Dense(2, name="r")], name="inner"
    )
    inputs, shared = keras.Input((5,), name="i5"), keras.layers.Dense(5, name="w")
    once = inner(shared(inputs))
    return keras.Model(inputs, [once, inner(shared(once[:, :1] + inputs))], name="nested")


def nested_twice(keras):
    layers = keras.layers
    deep = keras.Sequential([layers.Dense(6, name=LONG)], name="deep")
    inner = keras.Sequential([layers.Dense(4, name=LONG), deep, layers.Dense(4, name="after")], name="inner")
    return keras.Sequential([keras.Input((5,)), inner], name="outer")


def dicts(keras):
    def inputs(suffix):
        return {"p": keras.Input((4,), name=f"p{suffix}"), "q": keras.Input((2,), name=f"q{suffix}")}

    first, second = inputs(""), inputs(2)
    u, v = keras.layers.Dense(3, name="u")(first["p"]), keras.layers.Dense(2, name="v")(first["q"])
    return keras.Model(second, keras.Model(first, {"u": u, "v": v}, name="dicts")(second), name="outer")


def several_shapes(keras):
    inputs, layer = keras.Input((None, 3), name="f1"), keras.layers.Dense(2, name="sh")
    first, second = tf.split(layer(inputs), 2, axis=-1)
    return keras.Model(inputs, [first, second, layer(inputs[:, 0])], name="shared")


def unused_input(keras):
    inputs = [keras.Input((3,), name="used", dtype="int32", batch_size=7), keras.Input((3,), name="unused")]
    return keras.Model(inputs, keras.layers.Embedding(10, 4, name="emb")(inputs[0]), name="g")


def subclass(keras):
    class Own(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = keras.layers.Dense(2)
            self.counts = self.add_weight("counts", (3,), trainable=False, dtype="int32", initializer="zeros")

        def call(self, inputs):
            return self.dense(inputs)

    class Inner(keras.Model):
        def __init__(self):
            super().__init__(name="inner")
            self.own = Own(name="own")
            self.scale = self.add_weight("scale", (3,))
            self.unused = keras.layers.Dense(3)
            self.stack = [keras.layers.Dense(2), keras.layers.Dropout(0.1)]

        def call(self, inputs, training=None):
            return self.stack[1](self.stack[0](self.own(inputs)))

    class Outer(keras.Model):
        def __init__(self):
            super().__init__(name="outer")
            self.inner, self.last = Inner(), keras.layers.Dense(1)

        def call(self, inputs):
            return self.last(self.inner(inputs))

    model = Outer()
    model(tf.zeros((1, 3)))
    return model


MODELS = [
    two_by_two, chain, chain_with_losses, stack, convolutions, deferred, nested, nested_twice, dicts, several_shapes,
    unused_input, subclass,
]  # fmt: skip


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_the_table_is_that_of_tf_keras(make):
    tf_keras.backend.clear_session()
    theirs, ours = make(tf_keras), make(kerasish)
    for options in (
        {},
        {"expand_nested": True},
        {"show_trainable": True},
        {"expand_nested": True, "show_trainable": True},
    ):
        assert lines(ours, **options) == lines(theirs, **options)


OPTIONS = [
    {"line_length": 60}, {"line_length": 150}, {"line_length": 80, "show_trainable": True},
    {"positions": [0.2, 0.5, 0.7, 1.0]},
    {"positions": [30, 60, 70, 110]}, {"positions": (0.3, 0.5, 0.6, 1.0), "show_trainable": True},
    {"layer_range": ["d", "c"]},
    {"layer_range": ["c", "d"]}, {"layer_range": ("d|e", "[co]")}, {"layer_range": ["o", "o"]},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_options(options):
    assert lines(two_by_two(kerasish), **options) == lines(two_by_two(tf_keras), **options)


def test_what_is_not_trained_is_counted_apart():
    for keras in (kerasish, tf_keras):
        model = chain(keras)
        model.compile("sgd", "mse")
        model.trainable = False
        assert lines(model)[-4:-1] == ["Total params: 50890 (198.79 KB)", "Trainable params: 0 (0.00 Byte)",
                                       "Non-trainable params: 50890 (198.79 KB)"]  # fmt: skip


def test_a_model_that_was_trained_by_its_call_has_its_shapes():
    for keras in (kerasish, tf_keras):
        model = keras.Sequential([keras.layers.Dense(3)], name="s")
        model.compile("sgd", "mse")
        model.fit(tf.zeros((4, 2)), tf.zeros((4, 3)), verbose=0)
        assert "(None, 3)                 9" in "\n".join(lines(model))


def test_it_is_printed(capsys):
    model = chain(kerasish)
    assert model.summary() is None
    assert capsys.readouterr().out.splitlines() == lines(model)


def test_the_signature_is_that_of_tf_keras():
    parameters = [inspect.signature(keras.Model.summary).parameters.values() for keras in (kerasish, tf_keras)]
    assert [(p.name, p.default) for p in parameters[0]] == [(p.name, p.default) for p in parameters[1]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer_range": ["d"]}, "layer_range"), ({"layer_range": [1, 2]}, "layer_range"),
        ({"layer_range": ["d", "zzz"]}, "The layers are a, b, d"), ({"positions": [0.5, 1.0]}, "positions"),
    ],
)  # fmt: skip
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        two_by_two(kerasish).summary(**options)


@pytest.mark.parametrize(
    "make", [lambda: kerasish.Sequential([kerasish.layers.Dense(3)]), lambda: kerasish.Sequential()]
)
def test_a_model_that_is_not_built_has_no_summary(make):
    with pytest.raises(ValueError, match="build"):
        make().summary()


def test_a_line_too_short_for_a_column_still_ends():
    assert len(lines(chain(kerasish), line_length=4)) > 10
