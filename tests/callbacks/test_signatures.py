"""Names, order and defaults of all arguments are those of tf_keras."""

import inspect

import pytest
import tf_keras

from kerasish import callbacks
from kerasish.callbacks.progress import Progbar

ADDED = {"TerminateOnNaN": ["restore"]}
OF_KERAS_3 = {"SwapEMAWeights"}
CLASSES = [name for name in callbacks.__all__ if inspect.isclass(getattr(callbacks, name)) and name not in OF_KERAS_3]


def parameters(function):
    return [(p.name, p.default, p.kind) for p in inspect.signature(function).parameters.values()]


def test_all_is_complete_and_sorted():
    theirs = {name for name in dir(tf_keras.callbacks) if inspect.isclass(getattr(tf_keras.callbacks, name))}
    assert set(callbacks.__all__) == theirs | OF_KERAS_3 | {"experimental"}
    assert callbacks.__all__ == sorted(callbacks.__all__)


@pytest.mark.parametrize("name", CLASSES)
def test_constructor(name):
    ours = parameters(getattr(callbacks, name))
    assert [one for one in ours if one[0] not in ADDED.get(name, ())] == parameters(getattr(tf_keras.callbacks, name))


@pytest.mark.parametrize("name", CLASSES)
def test_hooks(name):
    ours, theirs = getattr(callbacks, name), getattr(tf_keras.callbacks, name)
    for hook in (hook for hook in dir(theirs) if hook.startswith("on_")):
        assert parameters(getattr(ours, hook)) == parameters(getattr(theirs, hook)), hook


def test_what_keras_3_has():
    keras = pytest.importorskip("keras")
    for name in OF_KERAS_3:
        assert parameters(getattr(callbacks, name)) == parameters(getattr(keras.callbacks, name))


def test_progbar():
    for method in ("__init__", "update", "add"):
        assert parameters(getattr(Progbar, method)) == parameters(getattr(tf_keras.utils.Progbar, method))
