"""Weights alone: checkpoints that tf_keras reads and writes, HDF5 files in its layout, all values or none."""
import os
import pathlib

import h5py
import numpy as np
import pytest
import tensorflow as tf

import kerasish as keras
from kerasish import Input, Model, Sequential, layers, optimizers
from tests.saving.examples import KINDS, X, Y, compiled, functional, same, sequential, subclassed, train


def twin(library, kind):
    """The same small model from either library, built."""

    class Inner(library.layers.Layer):
        def __init__(self):
            super().__init__()
            self.blocks = [library.layers.Dense(3), library.layers.Dense(3)]
            self.by_name = {"b": library.layers.Dense(3), "a": library.layers.Dense(3)}

        def build(self, input_shape):
            self.own = self.add_weight("scale", (3,), initializer="ones")

        def call(self, inputs):
            for layer in (*self.blocks, self.by_name["a"], self.by_name["b"]):
                inputs = layer(inputs)
            return inputs * self.own

    class Outer(library.Model):
        def __init__(self):
            super().__init__()
            self.inner, self.norm = Inner(), library.layers.BatchNormalization()
            self.head = library.Sequential([library.layers.Dense(2)])

        def call(self, inputs):
            return self.head(self.norm(self.inner(inputs)))

    if kind == "subclassed":
        model = Outer()
    elif kind == "sequential":
        model = library.Sequential([library.layers.Dense(3), library.layers.Flatten(), library.layers.Dense(2)])
    else:
        a, b = library.Input((4,)), library.Input((4,))
        shared = library.Sequential([library.layers.Dense(3)])
        joined = library.layers.concatenate([shared(b), library.layers.BatchNormalization()(shared(a)), a])
        model = library.Model([a, b], library.layers.Dense(2)(tf.reduce_sum(joined, -1, keepdims=True)))
    model(rows(kind))
    return model


def rows(kind):
    return [X, 2 * X] if kind == "functional" else X


def scatter(model):
    generator = np.random.default_rng(5)
    model.set_weights([generator.normal(size=w.shape).astype("float32") ** 2 for w in model.get_weights()])
    return model


@pytest.mark.parametrize("path", ["weights", "weights.h5"])
@pytest.mark.parametrize("kind", KINDS)
def test_tf_keras_reads_what_we_write_and_we_what_it_writes(kind, path, here):
    import tf_keras

    for writer, reader in ((keras, tf_keras), (tf_keras, keras)):
        written, read = scatter(twin(writer, kind)), twin(reader, kind)
        written.save_weights(path)
        assert not np.allclose(read(rows(kind)), written(rows(kind)))
        read.load_weights(path)
        np.testing.assert_allclose(read(rows(kind)), written(rows(kind)), rtol=1e-5)


def test_the_optimizer_goes_to_tf_keras_and_back(here):
    import tf_keras

    def trained(library, epochs):
        model = twin(library, "subclassed")
        model.compile(library.optimizers.Adam(0.01), "mse")
        model.fit(X, Y, shuffle=False, batch_size=16, epochs=epochs, verbose=0)
        return model

    for writer, reader in ((keras, tf_keras), (tf_keras, keras)):
        written, read = trained(writer, 3), trained(reader, 1)
        written.save_weights("all")
        read.load_weights("all")
        assert int(read.optimizer.iterations) == 9
        values = [[v.numpy() for v in model.optimizer.variables] for model in (written, read)]
        assert same(*values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ["sub/weights", "sub/weights.hdf5"])
def test_weights_come_back(kind, path, here):
    model, other = compiled(kind), KINDS[kind]()
    other(X)
    assert not same(other.get_weights(), model.get_weights())
    model.save_weights(path)
    other.load_weights(path)
    assert same(other.get_weights(), model.get_weights())
    assert not [name for name in os.listdir("sub") if name.startswith(".")]


def test_training_continues_from_a_checkpoint(here):
    model, other = compiled("functional"), compiled("functional")
    model.save_weights("weights")
    other.load_weights("weights")
    assert train(other, 2) == train(model, 2)
    assert same(other.get_weights(), model.get_weights())


def test_weights_that_are_made_later_are_read_then(here):
    model = compiled("sequential")
    model.save_weights("weights")
    other = sequential()
    other.load_weights("weights")
    assert not other.weights
    np.testing.assert_array_equal(other(X), model(X))
    fresh = subclassed()
    compiled("subclassed").save("whole")
    fresh.load_weights("whole")
    fresh(X)
    assert float(fresh.norm.moving_mean[0]) != 0


def test_the_latest_checkpoint_is_noted(here):
    model = functional()
    model.save_weights('folder/first "a"')
    assert tf.train.latest_checkpoint("folder") == 'folder/first "a"'
    status = model.load_weights(tf.train.latest_checkpoint("folder"))
    status.assert_existing_objects_matched()


@pytest.mark.parametrize("path", ["weights", "weights.h5"])
def test_a_shape_that_differs_changes_nothing(path, here):
    def model(units):
        made = Sequential([Input((4,)), layers.Dense(3), layers.Dense(units)])
        made.compile(optimizers.SGD(0.1, momentum=0.9), "mse")
        made.fit(X, X[:, :units], verbose=0)
        return made

    small, large = model(2), model(3)
    large.save_weights(path)
    before = small.get_weights(), small.optimizer.get_weights()
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)|\(3, 2\).*\(3, 3\)"):
        small.load_weights(path)
    assert same(small.get_weights(), before[0]) and same(small.optimizer.get_weights(), before[1])
    assert np.isfinite(small.fit(X, X[:, :2], verbose=0).history["loss"]).all()


def test_damaged_values_leave_the_model_as_it_was(here):
    model = compiled("functional")
    model.save_weights("weights")
    train(model)
    before = model.get_weights(), model.optimizer.get_weights()
    path = "weights.data-00000-of-00001"
    content = bytearray(pathlib.Path(path).read_bytes())
    for place in range(40, 200, 8):
        content[place] ^= 0xFF
    pathlib.Path(path).write_bytes(content)
    with pytest.raises(OSError, match="cannot be read"):
        model.load_weights("weights")
    assert same(model.get_weights(), before[0]) and same(model.optimizer.get_weights(), before[1])


def test_weights_that_are_missing_are_told(here):
    Sequential([Input((4,)), layers.Dense(3)]).save_weights("short")
    longer = Sequential([Input((4,)), layers.Dense(3), layers.Dense(2, name="later")])
    with pytest.warns(UserWarning, match="later/kernel"):
        longer.load_weights("short")
    with pytest.raises(ValueError, match="lacks weights"):
        subclassed_and_built().load_weights("short")
    for path in ("nowhere", "nowhere.h5"):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            longer.load_weights(path)


def subclassed_and_built():
    model = subclassed()
    model(X)
    return model


def test_arguments_are_checked(here):
    model = functional()
    model.save_weights("weights")
    with pytest.raises(NotImplementedError, match="by_name"):
        model.load_weights("weights", by_name=True)
    with pytest.raises(ValueError, match="save_format"):
        model.save_weights("weights", save_format="zip")
    with pytest.raises(ValueError, match="by_name=True"):
        model.load_weights("weights.h5", skip_mismatch=True)
    with pytest.raises(ValueError, match="has none yet"):
        subclassed().save_weights("x.h5")
    with pytest.raises(FileExistsError):
        model.save_weights("weights", overwrite=False)


def test_hdf5_by_name(here):
    def model(units, name):
        return Sequential([Input((4,)), layers.Dense(3, name="shared"), layers.Dense(units, name=name)])

    source, target = model(2, "head"), model(3, "other")
    source.save_weights("w.h5")
    other = target.get_weights()[2:]
    target.load_weights("w.h5", by_name=True)
    assert same(target.get_weights()[:2], source.get_weights()[:2]) and same(target.get_weights()[2:], other)
    target = model(3, "head")
    with pytest.raises(ValueError, match="head/kernel"):
        target.load_weights("w.h5", by_name=True)
    with pytest.warns(UserWarning, match="Left out: .*head.kernel(?!.*Nothing was loaded)"):
        target.load_weights("w.h5", by_name=True, skip_mismatch=True)
    assert same(target.get_weights()[:2], source.get_weights()[:2])


def small():
    return Sequential([Input((4,)), layers.Dense(2, name="d")])


def _external(group):
    group.create_dataset("bias:0", (2,), "f4", external=[("canary", 0, 8)])


def _linked(group):
    group["bias:0"] = h5py.ExternalLink("other.h5", "/secret")


def _soft(group):
    group["bias:0"] = h5py.SoftLink("/d/d/kernel:0")


def _huge(group):
    group.create_dataset("bias:0", (2**33,), "f4", chunks=(2**20,))


def _virtual(group):
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "secret", (2,))
    group.create_virtual_dataset("bias:0", layout)


@pytest.mark.parametrize("attack", [_external, _linked, _soft, _huge, _virtual])
def test_an_hdf5_file_leads_nowhere_else(attack, here):
    pathlib.Path("canary").write_bytes(np.array([7, 8], "f4").tobytes())
    with h5py.File("other.h5", "w") as file:
        file["secret"] = np.array([42, 42], "f4")
    model = small()
    model.save_weights("w.h5")
    with h5py.File("w.h5", "a") as file:
        del file["d/d/bias:0"]
        attack(file["d/d"])
    before = model.get_weights()
    with pytest.raises(ValueError):
        model.load_weights("w.h5")
    assert same(model.get_weights(), before)


def test_a_damaged_hdf5_file_is_named(here):
    model = small()
    model.save_weights("w.h5")
    content = pathlib.Path("w.h5").read_bytes()
    pathlib.Path("w.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(OSError, match=r"w\.h5"):
        model.load_weights("w.h5")


def test_names_too_long_for_one_attribute(here):
    inputs = outputs = Input((1,))
    for number in range(35):
        outputs = layers.Dense(1, name=f"{'long' * 500}_{number}")(outputs)
    model = Model(inputs, outputs)
    model.save_weights("w.h5")
    with h5py.File("w.h5") as file:
        assert "layer_names" not in file.attrs and "layer_names1" in file.attrs
    clone = keras.models.clone_model(model)
    clone.load_weights("w.h5")
    assert same(clone.get_weights(), model.get_weights())


def test_whole_files_of_tf_keras_give_their_weights(here):
    import tf_keras

    theirs = tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(2)])
    theirs.save("whole.h5")
    ours = small()
    ours.load_weights("whole.h5")
    assert same(ours.get_weights(), theirs.get_weights())
    theirs.save("whole", save_format="tf")
    ours = small()
    ours.load_weights("whole")
    assert same(ours.get_weights(), theirs.get_weights())


def test_a_functional_model_with_layers_beside_its_graph(here):
    class Two(Model):
        def __init__(self):
            inputs = Input((4,))
            super().__init__(inputs, layers.Dense(2)(inputs))
            self.beside = layers.Dense(2)
            self.beside.build((None, 2))

    one, other = Two(), Two()
    one.save_weights("w")
    other.load_weights("w")
    assert same(one.get_weights(), other.get_weights())
