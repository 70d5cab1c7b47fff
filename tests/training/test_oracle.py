"""The same model, weights and data: what training computes equals tf_keras, step by step."""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish

ROWS, BATCH = 44, 8  # five whole batches and a short one
rng = np.random.RandomState(0)
X = rng.rand(ROWS, 6).astype("float32")
REAL = rng.rand(ROWS, 3).astype("float32")
ONE = rng.rand(ROWS, 1).astype("float32")
CLASSES = rng.randint(0, 3, ROWS)
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]
BITS = (rng.rand(ROWS, 1) > 0.5).astype("float32")
TOKENS = rng.randint(0, 6, (ROWS, 4)).astype("int32")
PER_STEP = rng.rand(ROWS, 4, 2).astype("float32")
WEIGHTS = rng.rand(ROWS).astype("float32")


def dense(units=3, activation=None):
    def build(k):
        return k.Sequential([k.layers.Dense(5, "tanh", input_shape=(6,)), k.layers.Dense(units, activation)])

    return build


def normalized(k):
    return k.Sequential([k.layers.Dense(5, input_shape=(6,)), k.layers.BatchNormalization(), k.layers.Dense(3)])


def regularized(k):
    inputs = k.Input((6,))
    hidden = k.layers.Dense(5, "relu", kernel_regularizer="l2", activity_regularizer=k.regularizers.l1(0.02))(inputs)
    model = k.Model(inputs, k.layers.Dense(3, bias_regularizer=k.regularizers.l1_l2(0.1, 0.1))(hidden))
    model.add_loss(0.1 * tf.reduce_mean(hidden))
    model.add_metric(tf.math.reduce_std(hidden), name="deviation", aggregation="mean")
    return model


def masked(k):
    inputs = k.Input((4,), dtype="int32")
    hidden = k.layers.Embedding(6, 3, mask_zero=True)(inputs)
    return k.Model(inputs, k.layers.Dense(2)(hidden))


def pooled(k):
    inputs = k.Input((4,), dtype="int32")
    hidden = k.layers.Embedding(6, 3)(inputs)
    return k.Model(inputs, k.layers.Dense(3)(k.layers.GlobalAveragePooling1D()(hidden)))


def two_outputs(k):
    first, second = k.Input((6,), name="first"), k.Input((3,), name="second")
    joined = k.layers.concatenate([k.layers.Dense(4, "relu")(first), second])
    score = k.layers.Dense(1, name="score")(joined)
    kind = k.layers.Dense(3, "softmax", name="kind")(joined)
    return k.Model([first, second], [score, kind])


def of_dicts(k):
    first, second = k.Input((6,), name="first"), k.Input((3,), name="second")
    joined = k.layers.concatenate([first, second])
    return k.Model({"first": first, "second": second},
                   {"s": k.layers.Dense(1, name="score")(joined), "k": k.layers.Dense(3, name="kind")(joined)})


def subclassed(k):
    class Both(k.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = k.layers.Dense(4, "relu"), k.layers.Dense(3)

        def call(self, inputs, training=False):
            hidden = self.first(inputs)
            self.add_loss(0.01 * tf.reduce_sum(hidden))
            self.add_metric(tf.reduce_mean(hidden), name="activity", aggregation="mean")
            return self.second(hidden)

    model = Both()
    model(X[:2])
    return model


def pair(build):
    """The model in both libraries with the same weights."""
    tf_keras.backend.clear_session()
    ours, theirs = build(kerasish), build(tf_keras)
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def same(ours, theirs, atol=1e-5):
    tf.nest.map_structure(
        lambda a, b: np.testing.assert_allclose(np.array(a, "float64"), np.array(b, "float64"), atol=atol, rtol=1e-4),
        ours, theirs)  # fmt: skip


def same_weights(ours, theirs, atol=1e-5):
    for a, b, variable in zip(ours.get_weights(), theirs.get_weights(), theirs.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=atol, rtol=1e-4, err_msg=variable.name)


def trained(build, x, y, epochs=2, fit=None, evaluate=None, **compiled):
    """Trains, evaluates and predicts in both, compares everything, and returns the history."""
    models = pair(build)
    found = []
    for k, model in zip((kerasish, tf_keras), models, strict=True):
        model.compile(**{name: value(k) if callable(value) else value for name, value in compiled.items()})
        options = {"batch_size": BATCH, "epochs": epochs, "shuffle": False, "verbose": 0, **(fit or {})}
        history = model.fit(x, y, **options).history
        scores = model.evaluate(x, y, batch_size=BATCH, verbose=0, **(evaluate or {}))
        found.append((history, scores, model.predict(x, batch_size=BATCH, verbose=0), model.metrics_names))
    ours, theirs = found
    assert list(ours[0]) == list(theirs[0])
    assert ours[3] == theirs[3]
    same(ours[:3], theirs[:3])
    same_weights(*models)
    return ours[0]


def slowly(*values):
    """A case beyond the guide's, left out with `-m "not slow"`."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize("name, options", [
    ("SGD", {}), ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}), ("Adam", {}),
    ("Adam", {"amsgrad": True, "clipnorm": 0.1, "use_ema": True}), ("RMSprop", {}),
    ("RMSprop", {"centered": True, "momentum": 0.5}), slowly("Adagrad", {}),
    slowly("Adadelta", {"learning_rate": 1.0}), slowly("Adamax", {}), slowly("Ftrl", {"learning_rate": 0.1}),
    slowly("AdamW", {}), slowly("Adafactor", {}), slowly("Lion", {"learning_rate": 1e-3}),
])  # fmt: skip
def test_a_hundred_steps_of_every_optimizer(name, options):
    """But for Nadam, which goes wrong in graphs of tf_keras (tests/optimizers compares it step by step)."""
    models = pair(dense())
    for k, model in zip((kerasish, tf_keras), models, strict=True):
        model.compile(getattr(k.optimizers, name)(**options), "mse", steps_per_execution=10)
        history = model.fit(X[:40], REAL[:40], batch_size=BATCH, epochs=20, shuffle=False, verbose=0).history
        model.losses_seen = np.array(history["loss"])
    assert int(models[0].optimizer.iterations) == 100
    same_weights(*models)
    same(models[0].losses_seen, models[1].losses_seen)


LOSSES = [
    ("mse", 3, None, REAL), ("mae", 3, None, REAL), ("huber", 3, None, REAL), ("cosine_similarity", 3, None, REAL),
    ("kld", 3, "softmax", ONE_HOT), slowly("mape", 3, None, REAL + 0.5), slowly("msle", 3, "sigmoid", REAL),
    slowly("log_cosh", 3, None, REAL), slowly("poisson", 3, "softplus", REAL),
    slowly("hinge", 1, "tanh", 2 * BITS - 1), slowly("squared_hinge", 1, "tanh", 2 * BITS - 1),
    slowly("categorical_hinge", 3, None, ONE_HOT),
    ("binary_crossentropy", 1, "sigmoid", BITS), ("categorical_crossentropy", 3, "softmax", ONE_HOT),
    ("sparse_categorical_crossentropy", 3, "softmax", CLASSES),
]  # fmt: skip


@pytest.mark.parametrize("loss, units, activation, y", LOSSES)
def test_every_loss_weighted(loss, units, activation, y):
    trained(dense(units, activation), X, y, 1, optimizer="sgd", loss=loss, fit={"sample_weight": WEIGHTS})


@pytest.mark.parametrize("reduction", ["sum", "sum_over_batch_size"])
def test_reductions(reduction):
    trained(dense(), X, REAL, optimizer="sgd", loss=lambda k: k.losses.MeanSquaredError(reduction),
            fit={"sample_weight": WEIGHTS})  # fmt: skip


METRICS = [
    (1, "sigmoid", BITS, lambda k: ["accuracy", "acc", "mse", "AUC", k.metrics.Precision(), k.metrics.Recall(0.4),
                                    k.metrics.TruePositives(), "binary_crossentropy"]),
    (3, "softmax", ONE_HOT, lambda k: ["accuracy", "crossentropy", k.metrics.TopKCategoricalAccuracy(2),
                                       k.metrics.Precision(class_id=1), k.metrics.CosineSimilarity()]),
    (3, "softmax", CLASSES, lambda k: ["accuracy", "ce", k.metrics.SparseTopKCategoricalAccuracy(2, name="top")]),
    (3, None, REAL, lambda k: ["mae", "mape", "msle", k.metrics.RootMeanSquaredError(), k.metrics.R2Score(),
                               k.metrics.MeanRelativeError([1.0, 2.0, 3.0])]),
]  # fmt: skip


@pytest.mark.parametrize("units, activation, y, metrics", METRICS, ids=["binary", "one-hot", "sparse", "real"])
@pytest.mark.parametrize("weighted", [False, slowly(True)])
def test_metrics(units, activation, y, metrics, weighted):
    trained(dense(units, activation), X, y, optimizer="sgd", loss="mse" if y is not CLASSES else
            "sparse_categorical_crossentropy", fit={"sample_weight": WEIGHTS},
            **{"weighted_metrics" if weighted else "metrics": metrics})  # fmt: skip


def test_class_weight_equals_and_reaches_weighted_metrics():
    trained(dense(3, "softmax"), X, CLASSES, optimizer="adam", loss="sparse_categorical_crossentropy",
            metrics=["accuracy"], weighted_metrics=["sparse_categorical_accuracy"],
            fit={"class_weight": {0: 1.0, 1: 2.5, 2: 0.1}})  # fmt: skip


def test_class_weight_of_one_hot_targets():
    """Class and row weights together fail in tf_keras; test_inputs compares them with their product."""
    trained(dense(3, "softmax"), X, ONE_HOT, optimizer="adam", loss="categorical_crossentropy",
            weighted_metrics=["accuracy"], fit={"class_weight": {0: 1.0, 1: 2.5, 2: 0.1}})  # fmt: skip


def test_batch_normalization_and_its_moving_averages():
    trained(normalized, X, REAL, 3, optimizer="sgd", loss="mse")


def test_regularizers_and_symbolic_losses_and_metrics():
    history = trained(regularized, X, REAL, optimizer="sgd", loss="mse", metrics=["mae"])
    assert list(history) == ["loss", "mae", "deviation"]


def test_losses_and_metrics_of_a_subclass():
    history = trained(subclassed, X, REAL, optimizer="adam", loss="mse", metrics=["mae"])
    assert list(history) == ["loss", "mae", "activity"]


@pytest.mark.parametrize("weights", [None, WEIGHTS, rng.rand(ROWS, 4).astype("float32")], ids=["none", "rows", "steps"])
def test_a_mask_weighs_losses_and_metrics(weights):
    """Tokens of value 0 are masked."""
    trained(masked, TOKENS, PER_STEP, optimizer="sgd", loss="mse", metrics=["mae"],
            weighted_metrics=["mape"], fit={"sample_weight": weights})  # fmt: skip


def test_sparse_gradients():
    trained(pooled, TOKENS, CLASSES, 3, optimizer="adam", metrics=["accuracy"],
            loss=lambda k: k.losses.SparseCategoricalCrossentropy(from_logits=True))  # fmt: skip


BY_OUTPUT = {
    "one loss, lists": dict(loss=["mse", "sparse_categorical_crossentropy"], metrics=[["mae"], ["accuracy"]]),
    "dicts": dict(loss={"score": "mse", "kind": "sparse_categorical_crossentropy"},
                  loss_weights={"score": 0.3, "kind": 2}, metrics={"kind": "accuracy"},
                  weighted_metrics={"score": ["mse", "mae"]}),
    "weights in a list": dict(loss=["mse", "sparse_categorical_crossentropy"], loss_weights=[0.5, 2.0],
                              metrics=["accuracy", "mae"]),
    "no loss for one": dict(loss={"score": "mae"}, metrics={"kind": ["accuracy"]}),
    "none in the list": dict(loss=[None, "sparse_categorical_crossentropy"], metrics=[None, "accuracy"]),
}  # fmt: skip


@pytest.mark.parametrize("compiled", BY_OUTPUT.values(), ids=BY_OUTPUT)
def test_several_outputs(compiled):
    trained(two_outputs, [X, REAL], [ONE, CLASSES], optimizer="adam", **compiled)


@pytest.mark.parametrize("x, y, weights", [
    ({"first": X, "second": REAL}, {"kind": CLASSES, "score": ONE}, {"score": WEIGHTS, "kind": np.ones(ROWS)}),
    ([X, REAL], [ONE, CLASSES], [WEIGHTS, WEIGHTS * 2]),
], ids=["dicts", "lists"])  # fmt: skip
def test_weights_by_output(x, y, weights):
    trained(two_outputs, x, y, optimizer="sgd", loss=["mse", "sparse_categorical_crossentropy"],
            weighted_metrics=[["mae"], ["accuracy"]], fit={"sample_weight": weights})  # fmt: skip


def test_models_of_dicts():
    trained(of_dicts, {"first": X, "second": REAL}, {"s": ONE, "k": REAL}, optimizer="sgd",
            loss={"s": "mse", "k": "mae"}, metrics={"k": ["mse"]})  # fmt: skip


def test_one_loss_for_all_outputs():
    trained(of_dicts, {"first": X, "second": REAL}, {"s": ONE, "k": REAL}, optimizer="sgd", loss="mse", metrics=["mae"])


@pytest.mark.parametrize("y, weights", [
    (REAL, WEIGHTS[:, None]), (np.stack([REAL] * 4, 1), rng.rand(ROWS, 4).astype("float32")),
    (np.stack([REAL] * 4, 1), rng.rand(ROWS).astype("float32")),
])  # fmt: skip
def test_sample_weights_of_every_rank(y, weights):
    def build(k):
        model = dense()(k)
        return model if y.ndim == 2 else k.Sequential([k.layers.RepeatVector(4, input_shape=(6,)), k.layers.Dense(3)])

    trained(build, X, y, optimizer="sgd", loss="mse", metrics=["mae"], weighted_metrics=["mse"],
            fit={"sample_weight": weights})  # fmt: skip


def test_targets_of_rank_one():
    trained(dense(1), X, ONE[:, 0], optimizer="sgd", loss="mse", metrics=["mae"], weighted_metrics=["mse"],
            fit={"sample_weight": WEIGHTS, "validation_split": 0.3})  # fmt: skip


def test_validation_keys_and_order():
    history = trained(dense(), X, REAL, optimizer="sgd", loss="mse", metrics=["mae"],
                      fit={"validation_data": (X[:9], REAL[:9], WEIGHTS[:9])})  # fmt: skip
    assert list(history) == ["loss", "mae", "val_loss", "val_mae"]


def test_functions_as_losses_and_metrics():
    def error(y_true, y_pred):
        return tf.reduce_mean(tf.abs(y_true - y_pred) ** 1.5, -1)

    history = trained(dense(), X, REAL, optimizer=lambda k: "sgd", loss=lambda k: error, metrics=lambda k: [error],
                      fit={"sample_weight": WEIGHTS})  # fmt: skip
    assert list(history) == ["loss", "error"]


def test_on_batch_methods():
    ours, theirs = pair(dense())
    for model in (ours, theirs):
        model.compile("adam", "mse", ["mae"], weighted_metrics=["mse"])
    for start in (0, 8, 16):
        rows = slice(start, start + 8)
        batch = (X[rows], REAL[rows])
        same(ours.train_on_batch(*batch, sample_weight=WEIGHTS[rows]),
             theirs.train_on_batch(*batch, sample_weight=WEIGHTS[rows]))  # fmt: skip
        same(ours.train_on_batch(*batch, reset_metrics=False), theirs.train_on_batch(*batch, reset_metrics=False))
        same(ours.test_on_batch(*batch, return_dict=True), theirs.test_on_batch(*batch, return_dict=True))
        same(ours.predict_on_batch(X[rows]), theirs.predict_on_batch(X[rows]))
    same_weights(ours, theirs)


@pytest.mark.parametrize("dtype", ["float64", "mixed_bfloat16"])
def test_mixed_and_double_precision(dtype):
    def build(k):
        hidden = k.layers.Dense(5, "tanh", input_shape=(6,), dtype=dtype)
        return k.Sequential([hidden, k.layers.Dense(3, dtype="float32")])

    trained(build, X, REAL, optimizer="sgd", loss="mse", metrics=["mae"])


def test_dropout_acts_in_training_only():
    model = kerasish.Sequential([kerasish.layers.Dropout(0.5, input_shape=(6,)), kerasish.layers.Dense(1)])
    model.compile(kerasish.optimizers.SGD(0.0), "mse")
    target = model.predict(X)
    assert model.evaluate(X, target, verbose=0) < 1e-10
    losses = model.fit(X, target, epochs=2, verbose=0).history["loss"]
    assert losses[0] > 1e-4 and losses[0] != losses[1]


@pytest.mark.parametrize("heads", [1, 2])
def test_metrics_have_the_names_of_the_oracle(heads):
    """Of a metric named by its class each model has the first; one that is weighted too says so."""

    tf_keras.backend.clear_session()

    def names(k):
        found = []
        for _ in range(2):
            inputs = k.Input((6,))
            model = k.Model(inputs, [k.layers.Dense(1, "sigmoid", name=f"head_{n}")(inputs) for n in range(heads)])
            model.compile("sgd", "mse", metrics=["AUC", "mae", "accuracy"], weighted_metrics=["mae", "mse", "AUC"])
            history = model.fit(X, [BITS] * heads if heads > 1 else BITS, verbose=0).history
            found += [list(history), model.metrics_names]
        return [*found, k.metrics.AUC().name]

    assert names(kerasish) == names(tf_keras)


def test_compile_takes_the_older_word_for_weights_of_time_steps():
    def figures(k):
        k.utils.set_random_seed(1)
        model = k.Sequential([k.layers.Dense(2, kernel_initializer="ones", input_shape=(4, 2))])
        model.compile("sgd", "mse", weighted_metrics=["mae"], sample_weight_mode="temporal")
        return model.evaluate(PER_STEP, PER_STEP, sample_weight=TOKENS.astype("float32"), verbose=0)

    np.testing.assert_allclose(figures(kerasish), figures(tf_keras), rtol=1e-5)


def test_a_step_of_ones_own_reports_a_loss_only_if_it_computed_one():
    """The distiller of Keras's examples: `compile` without a loss, and only `compiled_metrics` are used."""

    def reported(k):
        class Distiller(k.Model):
            def train_step(self, data):
                self.compiled_metrics.update_state(data[1], self(data[0], training=True))
                return {**{metric.name: metric.result() for metric in self.metrics}, "own": tf.constant(1.0)}

            def test_step(self, data):
                return self.train_step(data)

        class Total(k.Model):
            def train_step(self, data):
                outputs = self(data[0])
                self.compiled_loss(data[1], outputs, regularization_losses=self.losses)
                self.compiled_metrics.update_state(data[1], outputs)
                return {metric.name: metric.result() for metric in self.metrics}

        found = []
        for kind in (Distiller, Total):
            inputs = k.Input((6,))
            model = kind(inputs, k.layers.Dense(3)(inputs))
            model.add_loss(tf.reduce_mean(model.output))
            model.compile("sgd", metrics=["mae"])
            found.append((list(model.fit(X, REAL, verbose=0).history), model.metrics_names))
        return found

    assert reported(kerasish) == reported(tf_keras)


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_a_step_that_returns_nothing_is_told(run_eagerly):
    class Silent(kerasish.Model):
        def train_step(self, data):
            pass

    inputs = kerasish.Input((6,))
    model = Silent(inputs, kerasish.layers.Dense(3)(inputs))
    model.compile("sgd", "mse", run_eagerly=run_eagerly)
    with pytest.raises(TypeError, match="`train_step` .* must return a dict"):
        model.fit(X, REAL, verbose=0)
