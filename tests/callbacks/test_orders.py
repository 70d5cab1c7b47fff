"""The hooks that a callback is given, with their arguments and the names in their logs, beside those of tf_keras.

Left out of the comparison is what kerasish adds as TensorFlow 2.1 did: `batch` and `size` in the logs of batches.
"""

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish

RNG = np.random.default_rng(2)
X, Y = RNG.random((20, 4), "float32"), RNG.random((20, 1), "float32")
WHATS = ("train", "test", "predict", "epoch", "train_batch", "test_batch", "predict_batch")
HOOKS = tuple(f"on_{what}_{when}" for what in WHATS for when in ("begin", "end"))
OLDER = ("on_batch_begin", "on_batch_end", "on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end")
_models = {}


def model_of(library, kind):
    """One model of each kind and library: what is recorded does not depend on its weights."""
    if (library, kind) not in _models:
        _models[library, kind] = MAKERS[kind](library)
    _models[library, kind].stop_training = False
    return _models[library, kind]


def single(library, **options):
    model = library.Sequential([library.layers.Dense(1, input_shape=(4,))])
    model.compile("sgd", "mse", metrics=["mae"], **options)
    return model


def double(library):
    first, second = library.Input((4,), name="first"), library.Input((4,), name="second")
    outputs = [library.layers.Dense(1, name="a")(first), library.layers.Dense(1, name="b")(second)]
    model = library.Model([first, second], outputs)
    model.compile("sgd", "mse", metrics={"b": "mae"})
    return model


def own_steps(library):
    class Own(library.Sequential):
        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
            self.optimizer.apply_gradients(
                zip(tape.gradient(loss, self.trainable_variables), self.trainable_variables, strict=True))
            return {"mine": loss, "loss": loss}

        def test_step(self, data):
            return {"tested": tf.reduce_mean((self(data[0]) - data[1]) ** 2)}

    model = Own([library.layers.Dense(1, input_shape=(4,))])
    model.compile("sgd")
    return model


def unnamed(library):
    class Subclassed(library.Model):
        def __init__(self):
            super().__init__()
            self.dense = library.layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs)

    model = Subclassed()
    model.compile("sgd", "mse")
    return model


MAKERS = {
    "single": single, "double": double, "own steps": own_steps, "subclassed": unnamed,
    "eager": lambda library: single(library, run_eagerly=True),
}  # fmt: skip


def dataset():
    return tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)


def batches(count):
    return ((X[:5], Y[:5]) for _ in range(count))


def sequence(library):
    class Batches(library.utils.Sequence):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return X[index * 5 : index * 5 + 5], Y[index * 5 : index * 5 + 5]

    return Batches()


def fit(kind="single", *data, **options):
    """A run of fit; functions among the arguments are called with the library."""

    def run(library, callbacks):
        filled = [made(library) if callable(made) else made for made in data or (X, Y)]
        rest = {name: made(library) if callable(made) else made for name, made in options.items()}
        model_of(library, kind).fit(*filled, **{"epochs": 2, "batch_size": 8, "verbose": 0, **rest},
                                    callbacks=callbacks)

    return run


def method(name, *data, kind="single", **options):
    def run(library, callbacks):
        filled = [made(library) if callable(made) else made for made in data]
        getattr(model_of(library, kind), name)(*filled, verbose=0, callbacks=callbacks, **options)

    return run


def with_library_s_own(make, *data, **options):
    """A callback of the library before the recording one."""

    def run(library, callbacks):
        filled = data or (X, Y)
        model_of(library, "single").fit(*filled, **{"epochs": 4, "batch_size": 8, "verbose": 0, **options},
                                        callbacks=[make(library.callbacks), *callbacks])

    return run


def stopping(hook, at):
    """Ends the training from a hook."""

    def run(library, callbacks):
        model = model_of(library, "single")
        stop = library.callbacks.LambdaCallback(
            **{hook: lambda index, logs=None: setattr(model, "stop_training", True) if index == at else None})
        model.fit(X, Y, epochs=3, batch_size=4, validation_data=(X, Y), verbose=0, callbacks=[stop, *callbacks])

    return run


def failing(hook, at, error=ArithmeticError, **options):
    """An error in a hook of another callback, before or after the recording one."""

    def run(library, callbacks):
        def fail(index=None, logs=None):
            if index == at or at is None:
                raise error("mine")

        broken = library.callbacks.LambdaCallback(**{hook: fail})
        listed = [*callbacks, broken] if options.get("after") else [broken, *callbacks]
        with pytest.raises(error):
            model_of(library, "single").fit(X, Y, epochs=2, batch_size=8, validation_data=(X, Y), verbose=0,
                                            callbacks=listed)

    return run


def nested(library, callbacks):
    model = model_of(library, "single")
    inner = library.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: (model.evaluate(X, Y, verbose=0, callbacks=callbacks),
                                          model.predict(X, verbose=0, callbacks=callbacks)))
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[inner, *callbacks])


def not_finite():
    wrong = Y.copy()
    wrong[9] = np.nan
    return wrong


RUNS = {
    "arrays": fit(),
    "no batch size": fit(batch_size=None),
    "tensors": fit("single", tf.constant(X), tf.constant(Y)),
    "lists of inputs": fit("double", [X, X], [Y, Y]),
    "dicts of inputs": fit("double", {"first": X, "second": X}, {"a": Y, "b": Y}),
    "sample weights": fit(sample_weight=np.ones(20)),
    "dataset": fit("single", dataset(), batch_size=None),
    # tf_keras cuts later epochs to the size of the first one; here they visit all that there is then.
    "dataset of unknown size": fit("single", dataset().filter(lambda x, y: True), batch_size=None, epochs=1),
    "dataset with steps": fit("single", dataset().repeat(), batch_size=None, steps_per_epoch=2),
    "generator": fit("single", lambda library: batches(6), batch_size=None, steps_per_epoch=3),
    "sequence": fit("single", sequence, batch_size=None),
    "subclassed": fit("subclassed"),
    "own steps": fit("own steps", validation_data=(X, Y)),
    "eager": fit("eager", validation_data=(X, Y)),
    "steps of arrays": fit(steps_per_epoch=2),
    "initial epoch": fit(epochs=4, initial_epoch=2),
    "validation": fit(validation_data=(X, Y)),
    "validation of arrays with weights": fit(validation_data=(X, Y, np.ones(20))),
    "validation of a dataset": fit(validation_data=lambda library: dataset()),
    "validation of a sequence": fit(validation_data=sequence),
    "validation with steps": fit(validation_data=lambda library: dataset().repeat(), validation_steps=2),
    "validation of two outputs": fit("double", [X, X], [Y, Y], validation_data=([X, X], [Y, Y])),
    "validation split": fit(validation_split=0.25),
    "validation batch size": fit(validation_data=(X, Y), validation_batch_size=5),
    "validation every second epoch": fit(epochs=5, validation_data=(X, Y), validation_freq=2),
    "validation in some epochs": fit(epochs=4, validation_data=(X, Y), validation_freq=[1, 4]),
    "validation of a dataset beside a generator": fit(
        "single", lambda library: batches(6), batch_size=None, steps_per_epoch=3,
        validation_data=lambda library: dataset()),
    "evaluate": method("evaluate", X, Y, batch_size=8),
    "evaluate a dataset": method("evaluate", dataset()),
    "evaluate with steps": method("evaluate", dataset().repeat(), steps=2),
    "evaluate own steps": method("evaluate", X, Y, kind="own steps"),
    "predict": method("predict", X, batch_size=8),
    "predict a dataset": method("predict", dataset().map(lambda x, y: x)),
    "predict a sequence": method("predict", sequence),
    "early stopping": with_library_s_own(lambda C: C.EarlyStopping("loss", patience=1, min_delta=9)),
    "early stopping by validation": with_library_s_own(
        lambda C: C.EarlyStopping(patience=1, min_delta=9, restore_best_weights=True), validation_data=(X, Y)),
    "plateau": with_library_s_own(lambda C: C.ReduceLROnPlateau("loss", patience=1, min_delta=9)),
    "scheduler": with_library_s_own(lambda C: C.LearningRateScheduler(lambda epoch, rate: rate * 0.9)),
    "stopped in a batch": stopping("on_batch_end", 2),
    "stopped at the begin of a batch": stopping("on_batch_begin", 2),
    "stopped in an epoch": stopping("on_epoch_end", 1),
    "stopped at the begin of an epoch": stopping("on_epoch_begin", 1),
    "error in a batch": failing("on_batch_end", 1),
    "error at the begin of a batch": failing("on_batch_begin", 1, after=True),
    "error at the end of an epoch": failing("on_epoch_end", 0),
    "error at the begin of an epoch, after": failing("on_epoch_begin", 1, after=True),
    "error at the begin": failing("on_train_begin", None, after=True),
    "error at the end": failing("on_train_end", None),
    "error in validation": failing("on_test_batch_end", 1),
    "interrupt in a batch": failing("on_batch_end", 1, KeyboardInterrupt),
    "evaluate and predict in a fit": nested,
}


def recorder(bases, hooks):
    """A callback that notes the hooks it was given, with its model's and parameters' arrival."""
    record = []

    def note(hook):
        def call(self, *args, **kwargs):
            args += tuple(kwargs.values())
            names = [sorted(set(arg) - {"batch", "size"}) if isinstance(arg, dict) else arg for arg in args]
            record.append((hook, *names))

        return call

    def arrival(hook):
        def call(self, value):
            record.append(hook)
            for base in bases:
                getattr(base, hook)(self, value)

        return call

    members = {hook: note(hook) for hook in hooks} | {hook: arrival(hook) for hook in ("set_model", "set_params")}
    return type("Recorder", bases, members)(), record


def recorded(library, run, hooks, bases=None):
    callback, record = recorder((library.callbacks.Callback,) if bases is None else bases, hooks)
    run(library, [callback])
    return record


@pytest.fixture(autouse=True)
def no_warnings(monkeypatch):
    with np.errstate(all="ignore"):
        yield


@pytest.mark.parametrize("name", RUNS)
def test_hooks_are_those_of_tf_keras(name):
    theirs, ours = recorded(tf_keras, RUNS[name], HOOKS), recorded(kerasish, RUNS[name], HOOKS)
    assert len(theirs) > 2 and ours == theirs


USERS = ["arrays", "dataset", "validation every second epoch", "own steps", "early stopping", "stopped in a batch",
         "error in a batch", "generator", "evaluate and predict in a fit"]  # fmt: skip


@pytest.mark.parametrize("name", USERS)
def test_a_callback_of_tensorflow_2_0_gets_its_older_hooks(name):
    expected = recorded(tf_keras, RUNS[name], OLDER)
    assert recorded(kerasish, RUNS[name], OLDER) == expected
    assert recorded(kerasish, RUNS[name], OLDER, bases=()) == expected, "without a base class"


@pytest.mark.parametrize("name", USERS)
def test_a_callback_of_keras_3_gets_the_same_hooks(name):
    keras = pytest.importorskip("keras", "3")
    expected = recorded(tf_keras, RUNS[name], HOOKS)
    ours = recorded(kerasish, RUNS[name], HOOKS, bases=(keras.callbacks.Callback,))
    assert ours == expected
