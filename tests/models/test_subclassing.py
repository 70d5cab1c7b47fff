"""Subclassed models and layers: what they own, in which order, and what their calls pass on."""

import copy
import json
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish

X = np.random.RandomState(0).rand(6, 3).astype("float32")


@pytest.fixture(autouse=True)
def fresh_oracle():
    tf_keras.backend.clear_session()


def attributes(k):
    class Net(k.Model):
        def __init__(self):
            super().__init__()
            self.first = k.layers.Dense(2)
            self.stack = k.Sequential([k.layers.Dense(3), k.layers.BatchNormalization()])
            self.several = [k.layers.Dense(1), k.layers.Dense(2)]
            self.named = {"b": k.layers.Dense(1), "a": (k.layers.Dense(1), k.layers.Dense(2))}
            self.scale = tf.Variable(2.0, name="scale")
            self.size = 3

        def call(self, x):
            x = self.stack(self.first(x))
            parts = [layer(x) for layer in (*self.several, self.named["b"], *self.named["a"])]
            return tf.concat(parts, 1) * self.scale

    return Net()


def own_weights(k):
    class Inner(k.layers.Layer):
        def build(self, shape):
            self.fixed = self.add_weight("fixed", (2,), trainable=False)
            self.free = self.add_weight("free", (shape[-1], 2))
            self.inside = k.layers.Dense(2)

        def call(self, x):
            return self.inside(x @ self.free + self.fixed)

    class Outer(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner, self.other = Inner(), Inner()
            self.last = self.add_weight("last", (2,), initializer="ones")

        def call(self, x):
            return self.other(self.inner(x)) + self.last

    return Outer()


def grown(k):
    class Net(k.Model):
        def __init__(self):
            super().__init__()
            self.parts = []
            for _ in range(2):
                self.parts.append(k.layers.Dense(3))
            self.by_name = {}
            self.by_name["z"] = k.layers.Dense(3)
            self.by_name["a"] = k.layers.Dense(3)

        def call(self, x):
            for part in self.parts:
                x = part(x)
            return self.by_name["a"](self.by_name["z"](x))

    return Net()


@pytest.mark.parametrize("build", [attributes, own_weights, grown])
def test_weights_and_layers_are_found_in_the_oracle_s_order(build):
    ours, theirs = build(kerasish), build(tf_keras)
    ours(X), theirs(X)
    for kind in ("weights", "trainable_weights", "non_trainable_weights"):
        assert [v.name for v in getattr(ours, kind)] == [v.name for v in getattr(theirs, kind)], kind
    if isinstance(ours, kerasish.Model):
        assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(X), theirs(X), atol=1e-6)


@pytest.mark.parametrize("build", [attributes, own_weights])
def test_trainable_is_recursive(build):
    ours, theirs = build(kerasish), build(tf_keras)
    ours(X), theirs(X)
    for model in (ours, theirs):
        (model.inner if build is own_weights else model.several[0]).trainable = False
    assert [v.name for v in ours.trainable_weights] == [v.name for v in theirs.trainable_weights]
    for model in (ours, theirs):
        model.trainable = False
    assert not ours.trainable_weights
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    for model in (ours, theirs):
        model.trainable = True
    assert [v.name for v in ours.trainable_weights] == [v.name for v in theirs.trainable_weights]


def test_containers_stay_what_the_user_assigned():
    model = attributes(kerasish)
    given = [1, {"a": (2, 3)}]
    model.plain = given
    assert model.plain is given and type(model.several) is list and type(model.named) is dict
    assert json.loads(json.dumps(model.plain)) == [1, {"a": [2, 3]}]
    assert pickle.loads(pickle.dumps(model.plain)) == given and copy.deepcopy(model.plain) == given


def test_replaced_and_deleted_layers_are_gone():
    model = attributes(kerasish)
    model(X)
    model.several = [model.several[0]]
    del model.named
    assert [layer.name for layer in model.layers] == ["dense", "sequential", "dense_2"]


def nested_training(k, seen):
    class Probe(k.layers.Layer):
        def call(self, x, training=None):
            seen.append(training)
            return x

    class Blind(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.probe = Probe()

        def call(self, x):
            return self.probe(x)

    class Strict(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.probe, self.blind = Probe(), Blind()

        def call(self, x, training=False):
            return self.blind(self.probe(x, training=True))

    class Net(k.Model):
        def __init__(self):
            super().__init__()
            self.blind, self.strict, self.stack = Blind(), Strict(), k.Sequential([Probe(), Blind()])
            self.last = k.layers.Dense(3)

        def call(self, x, training=None):
            return self.last(self.stack(self.strict(self.blind(x))))

    return Net()


@pytest.mark.parametrize("given", [{}, {"training": True}, {"training": False}])
def test_the_training_argument_is_inherited_as_in_the_oracle(given):
    ours, theirs = [], []
    first, second = nested_training(kerasish, ours), nested_training(tf_keras, theirs)
    for model, seen in ((first, ours), (second, theirs)):
        model(X)
        seen.clear()
        model(X, **given)
    assert [bool(flag) for flag in ours] == [bool(flag) for flag in theirs]


@pytest.mark.parametrize("method, flag", [("fit", True), ("evaluate", False), ("predict", False)])
def test_loops_say_whether_they_train(method, flag):
    seen = []
    model = nested_training(kerasish, seen)
    model(X)
    model.compile("sgd", "mse", run_eagerly=True)
    seen.clear()
    getattr(model, method)(*((X, X) if method != "predict" else (X,)), verbose=0)
    outer, strict, *rest = seen[-5:]
    assert outer is flag and strict is True and rest[1:] == [flag, flag]


def test_python_control_flow_on_tensors_in_call():
    class Branching(kerasish.layers.Layer):
        def call(self, x):
            total = tf.zeros_like(x)
            for i in tf.range(3):
                if tf.reduce_mean(x) > 0.5 + tf.cast(i, tf.float32):
                    total += x
                else:
                    total -= x
            while tf.reduce_max(total) > 1.0:
                total /= 2.0
            return total

    layer = Branching()
    expected = layer(X)
    x = kerasish.Input((3,))
    model = kerasish.Model(x, layer(x))
    np.testing.assert_allclose(model.predict(X), expected, atol=1e-6)
    np.testing.assert_allclose(tf.function(layer, autograph=False)(X), expected, atol=1e-6)
    np.testing.assert_allclose(tf.function(lambda x: model(x))(X), expected, atol=1e-6)


def test_weights_keep_their_shapes_and_count():
    layer = own_weights(kerasish)
    layer(X)
    before = layer.get_weights()
    with pytest.raises(ValueError, match="`weights`"):
        layer.set_weights(before[:-1])
    with pytest.raises(ValueError, match="`weights`"):
        layer.set_weights([value[..., None] for value in before])
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_dtype_policies_cast_inputs_and_weights():
    double = kerasish.layers.Dense(2, dtype="float64")
    assert double(X).dtype == tf.float64 and double.kernel.dtype == tf.float64
    mixed = kerasish.layers.Dense(2, dtype="mixed_bfloat16")
    assert mixed(X).dtype == tf.bfloat16 and mixed.kernel.dtype == tf.float32
    assert mixed.compute_dtype == "bfloat16" and mixed.variable_dtype == "float32"

    class Uncast(kerasish.layers.Layer):
        def call(self, x):
            return x

    assert Uncast(dtype="float16", autocast=False)(X).dtype == tf.float32
    assert Uncast(dtype="float16")(X).dtype == tf.float16
    assert Uncast(dtype="float16")(tf.constant([1, 2])).dtype == tf.int32


def test_a_model_without_call_says_so():
    class Empty(kerasish.Model):
        pass

    with pytest.raises(NotImplementedError, match="call"):
        Empty()(X)


def test_deepcopy_of_a_layer_copies_its_weights():
    layer = kerasish.layers.Dense(2)
    layer(X)
    twin = copy.deepcopy(layer)
    twin.kernel.assign_add(tf.ones_like(twin.kernel))
    assert np.abs(np.asarray(twin(X)) - np.asarray(layer(X))).max() > 0.1


def test_deepcopy_of_a_model_copies_all_it_holds():
    class Twice(kerasish.layers.Layer):
        def call(self, x):
            return 2.0 * x

    scaled = kerasish.layers.Lambda(lambda x: x / 2)
    model = kerasish.Sequential([Twice(), scaled, kerasish.layers.Dense(1, input_shape=X.shape[1:])])
    model.compile("adam", "mse", metrics=["mae"])
    y = np.ones((len(X), 1), "float32")
    model.fit(X, y, verbose=0)
    twin = copy.deepcopy(model)
    assert int(twin.optimizer.iterations) == int(model.optimizer.iterations) > 0
    for one, other in zip(twin.weights, model.weights, strict=True):
        assert one is not other
        np.testing.assert_array_equal(one, other)
    histories = [one.fit(X, y, epochs=2, shuffle=False, verbose=0).history for one in (model, twin)]
    assert histories[0] == histories[1]


def test_metrics_held_by_layers_are_no_weights_of_theirs_but_those_of_models_are():
    def build(k):
        class Counting(k.layers.Layer):
            def __init__(self):
                super().__init__()
                self.seen, self.more = k.metrics.Mean(name="seen"), [k.metrics.Sum(name="s")]
                self.dense = k.layers.Dense(1)

            def call(self, x):
                self.add_metric(self.seen(x))
                return self.dense(x)

        class Net(k.Model):
            def __init__(self):
                super().__init__()
                self.counting, self.own = Counting(), k.metrics.Mean(name="own")

            def call(self, x):
                return self.counting(x)

        return Net()

    ours, theirs = build(kerasish), build(tf_keras)
    ours(X), theirs(X)
    for one, other in ((ours, theirs), (ours.counting, theirs.counting)):
        for kind in ("weights", "trainable_weights", "non_trainable_weights"):
            assert [v.name for v in getattr(one, kind)] == [v.name for v in getattr(other, kind)]
        assert [metric.name for metric in one.metrics] == [metric.name for metric in other.metrics]


def test_a_call_that_requires_training_gets_none_where_nobody_told():
    """`def call(self, inputs, training)`, as the older examples of transformers have it."""

    def seen(k):
        flags = []

        class Block(k.layers.Layer):
            def call(self, inputs, training):
                flags.append(training)
                return inputs

        inputs = k.Input((3,))
        model = k.Model(inputs, Block()(inputs))
        Block()(X), model(X), model(X, training=True), Block()(X, training=False)
        return flags

    assert seen(kerasish) == seen(tf_keras) == [None, None, None, True, False]


def test_build_of_a_user_gets_tensor_shapes_and_may_pass_them_on():
    def seen(k):
        shapes = []

        class Own(k.layers.Layer):
            def build(self, input_shape):
                shapes.append(input_shape)
                super().build(input_shape)

            def call(self, inputs):
                return tf.add_n(tf.nest.flatten(inputs))

        class Wide(k.layers.Dense):
            def build(self, input_shape):
                shapes.append(input_shape.as_list())
                super().build(input_shape)

        class Net(k.Model):
            def build(self, input_shape):
                shapes.append(input_shape[1:].num_elements())
                super().build(input_shape)

            def call(self, inputs):
                return inputs

        a, b = k.Input((3,)), k.Input((3,))
        layer = Own()
        layer([a, b]), Own()({"a": a, "b": b}), Own()(X), Wide(2)(X), Net()(X)
        return shapes

    ours, theirs = seen(kerasish), seen(tf_keras)
    assert [repr(shape) for shape in ours] == [repr(shape) for shape in theirs]
    assert repr(ours[0]) == "[TensorShape([None, 3]), TensorShape([None, 3])]"


class Times(kerasish.layers.Layer):
    """A layer whose constructor takes no name and that says nothing of its configuration."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


def test_a_layer_that_describes_itself_is_made_again_without_get_config(tmp_path):
    assert Times(2.0).get_config() == {"factor": 2.0}
    assert Times.from_config(Times(2.0).get_config()).factor == 2.0
    inputs = kerasish.Input((3,))
    model = kerasish.Model(inputs, Times(2.0)(Times(3.0)(inputs)))
    np.testing.assert_allclose(kerasish.models.clone_model(model)(X), X * 6)
    for name in ("model.h5", "model.keras"):
        model.save(tmp_path / name)
        again = kerasish.models.load_model(tmp_path / name, custom_objects={"Times": Times})
        np.testing.assert_allclose(again(X), X * 6)


def test_a_layer_that_takes_no_name_is_blamed_itself():
    class Described(Times):
        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    model = kerasish.Sequential([kerasish.Input((3,)), Described(2.0)])
    with pytest.raises(TypeError, match="Times.__init__.. got an unexpected keyword argument 'name'"):
        kerasish.Sequential.from_config(model.get_config(), custom_objects={"Described": Described})


@pytest.mark.parametrize("base", [kerasish.Model, kerasish.layers.Layer])
def test_a_constructor_that_does_not_call_its_base_is_told(base):
    class Own(base):
        def __init__(self):
            self.inner = kerasish.layers.Dense(2)

        def call(self, inputs):
            return self.inner(inputs)

    with pytest.raises(RuntimeError, match=r"`Own.__init__` must call `super\(\).__init__\(\)`"):
        Own()(X)


def test_weights_without_a_name_are_named_as_in_the_oracle():
    def name(k):
        class Own(k.layers.Layer):
            def build(self, input_shape):
                self.scale = self.add_weight(shape=(input_shape[-1],))

            def call(self, inputs):
                return inputs * self.scale

        layer = Own()
        layer(X)
        return layer.scale.name

    assert name(kerasish) == name(tf_keras)
