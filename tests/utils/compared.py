"""tf.data datasets of both libraries compared element by element."""

import numpy as np
import tensorflow as tf
import tf_keras

from kerasish import utils


def elements(dataset):
    return [tf.nest.map_structure(np.asarray, tuple(dataset.as_numpy_iterator())) for _ in range(2)]


def same(ours, wanted):
    """Two epochs of both have the same elements in the same order."""
    if isinstance(wanted, list | tuple):
        assert type(ours) is type(wanted)
        for one, other in zip(ours, wanted, strict=True):
            same(one, other)
        return
    for epoch, wanted_epoch in zip(elements(ours), elements(wanted), strict=True):
        tf.nest.assert_same_structure(epoch, wanted_epoch)
        for one, other in zip(tf.nest.flatten(epoch), tf.nest.flatten(wanted_epoch), strict=True):
            assert one.dtype == other.dtype and one.shape == other.shape
            if one.dtype.kind == "f":
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-4)
            else:
                assert np.array_equal(one, other)
    for name in ("class_names", "file_paths"):
        assert getattr(ours, name, None) == getattr(wanted, name, None)
    assert int(ours.cardinality()) == int(wanted.cardinality())
    for one, other in zip(*(tf.nest.flatten(made.element_spec) for made in (ours, wanted)), strict=True):
        assert one.dtype == other.dtype and one.is_compatible_with(other) | other.is_compatible_with(one)


def compare(name, *arguments, **options):
    made = []
    for module in (utils, tf_keras.utils):
        np.random.seed(5)
        tf.random.set_seed(5)
        made.append((getattr(module, name)(*arguments, **options), np.random.rand()))
    assert made[0][1] == made[1][1]
    same(made[0][0], made[1][0])
