"""Archives `.keras` and files `.weights.h5`: their layout, what is refused, and that a failed load changes nothing."""

import json
import os
import pathlib
import zipfile

import h5py
import numpy as np
import pytest
import tensorflow as tf

import kerasish as keras
from tests.saving.examples import same
from tests.saving.zoo import KINDS, train


def weights_within(path):
    with zipfile.ZipFile(path) as archive:
        return h5py.File(archive.open("model.weights.h5"))


def groups(path):
    found = {}
    weights_within(path).visititems(lambda name, item: found.update({name: getattr(item, "shape", None)}))
    return found


def rewritten(path, **members):
    """The archive with other members in place of those it has; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content.update({name.replace("__", "."): value for name, value in members.items()})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in content.items():
            if value is not None:
                archive.writestr(name, value)


@pytest.mark.parametrize("name", ["shared layers, several inputs", "CNN with BatchNormalization", "subclassed"])
def test_archives_are_laid_out_as_those_of_tf_keras(name, here):
    import tf_keras

    for library, path in ((keras, "ours.keras"), (tf_keras, "theirs.keras")):
        library.backend.clear_session()
        kind = KINDS[name]
        train(kind, kind.compiled(library)).save(path)
    extra = {key for key in groups("ours.keras") if "further_state" in key}
    assert {key: value for key, value in groups("ours.keras").items() if key not in extra} == groups("theirs.keras")
    with zipfile.ZipFile("ours.keras") as ours, zipfile.ZipFile("theirs.keras") as theirs:
        assert ours.namelist() == theirs.namelist()
        assert set(json.loads(theirs.read("config.json"))) <= set(json.loads(ours.read("config.json")))


def test_containers_within_containers_and_modules_are_kept(here):
    """tf_keras's archives lose them without a word."""

    class Deep(keras.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.rows = [[keras.layers.Dense(2), keras.layers.Dense(2)], {"a": keras.layers.Dense(2)}]
            self.module = tf.Module()
            self.module.scale = tf.Variable(3.0)

        def call(self, inputs):
            for layer in (*self.rows[0], self.rows[1]["a"]):
                inputs = layer(inputs)
            return inputs * self.module.scale

    x = np.ones((2, 2), "float32")
    model = keras.Sequential([keras.Input((2,)), Deep()])
    model.layers[0].module.scale.assign(5.0)
    model.save("model.keras")
    read = keras.models.load_model("model.keras", custom_objects={"Deep": Deep})
    assert same([model(x).numpy()], [read(x).numpy()])


def test_metrics_keep_their_state(here):
    kind = KINDS["Sequential"]
    model = train(kind, kind.compiled(keras))
    model.save("model.keras")
    read = keras.models.load_model("model.keras")
    assert [m.result().numpy() for m in model.metrics] == [m.result().numpy() for m in read.metrics]


def test_a_load_of_weights_changes_all_or_nothing(here):
    kind = KINDS["Sequential"]
    model = kind.compiled(keras)
    model.save_weights("all.weights.h5")
    model.save("model.keras")
    layers = keras.layers
    other = keras.Sequential([layers.Dense(3, input_shape=(4,)), layers.LayerNormalization(), layers.Dense(5)])
    before = other.get_weights()
    for path in ("all.weights.h5", "model.keras"):
        with pytest.raises(ValueError, match=r"(?s)does not fit.*\(3, 5\), in the file \(3, 2\).*as it was"):
            other.load_weights(path)
        assert same(before, other.get_weights())
        with pytest.raises(ValueError, match="by_name"):
            other.load_weights(path, by_name=True)
    with pytest.warns(UserWarning, match="Left out"):
        other.load_weights("all.weights.h5", skip_mismatch=True)
    assert same(model.get_weights()[:4], other.get_weights()[:4])
    assert same(before[4:], other.get_weights()[4:])


def test_a_users_own_way_of_reading_is_taken_back_if_it_fails(here):
    class Own(keras.layers.Layer):
        fails = False

        def build(self, input_shape):
            self.scale = self.add_weight("scale", (), initializer="ones")

        def call(self, inputs):
            return inputs * self.scale

        def save_own_variables(self, store):
            store["twice"] = 2 * self.scale.numpy()

        def load_own_variables(self, store):
            self.scale.assign(store["twice"] / 2)
            if self.fails:
                raise ValueError("no")

    def made():
        return keras.Sequential([keras.layers.Dense(2, input_shape=(2,)), Own()])

    model, other = made(), made()
    model.layers[1].scale.assign(7.0)
    model.save_weights("all.weights.h5")
    before = other.get_weights()
    Own.fails = True
    with pytest.raises(ValueError, match="no"):
        other.load_weights("all.weights.h5")
    assert same(before, other.get_weights())
    Own.fails = False
    other.load_weights("all.weights.h5")
    assert same(model.get_weights(), other.get_weights())


@pytest.fixture
def archive(here):
    KINDS["Sequential"].compiled(keras).save("model.keras")
    return "model.keras"


def test_damage_is_told_with_the_file_and_what_is_wrong(archive, here):
    content = (here / archive).read_bytes()
    flipped = bytearray(content)
    flipped[content.index(b"\x89HDF") + 3000] ^= 1
    (here / "flipped.keras").write_bytes(flipped)
    with pytest.raises(OSError, match=r"(?s)flipped\.keras.*damaged.*CRC"):
        keras.models.load_model("flipped.keras")
    (here / "cut.keras").write_bytes(content[:3000])
    with pytest.raises(OSError, match=r"cut\.keras.*damaged"):
        keras.models.load_model("cut.keras")
    rewritten(archive, config__json=b'{"class_name": "Sequential", "config": {"layers": 7}}')
    with pytest.raises(ValueError, match=r"config\.json' in 'model\.keras' does not describe a model"):
        keras.models.load_model(archive)


@pytest.mark.parametrize("member", ["config.json", "metadata.json", "model.weights.h5"])
def test_a_missing_member_is_told(member, archive):
    rewritten(archive, **{member: None})
    with pytest.raises(ValueError, match=f"it has no '{member}'"):
        keras.models.load_model(archive)


def test_members_that_would_grow_too_much_are_not_read(archive):
    rewritten(archive, config__json=b" " * 2**27)
    with pytest.raises(ValueError, match="would grow"):
        keras.models.load_model(archive)
    rewritten(archive, metadata__json=b"{}", config__json=b"{}", model__weights__h5=b"\0" * 2**27)
    with pytest.raises(ValueError, match="does not describe|class_name"):
        keras.models.load_model(archive)


def test_an_archive_of_keras_3_is_told_from_ours(archive):
    rewritten(archive, metadata__json=b'{"keras_version": "3.3.0"}')
    with pytest.raises(ValueError, match="written by Keras 3"):
        keras.models.load_model(archive)


def test_code_in_the_archive_is_not_run(here):
    def trap(x):
        return __import__("pathlib").Path("marker").touch() or x

    keras.Sequential([keras.layers.Dense(2, input_shape=(4,)), keras.layers.Lambda(trap, name="trap")]).save("a.keras")
    (here / "marker").unlink()
    with pytest.raises(ValueError, match=r'(?s)"trap".*safe_mode=False'):
        keras.models.load_model("a.keras")
    assert not (here / "marker").exists()
    keras.models.load_model("a.keras", safe_mode=False)
    assert (here / "marker").exists()


def test_a_missing_class_is_named_with_the_line_that_provides_it(here):
    kind = KINDS["custom layer, loss and metric"]
    kind.compiled(keras).save("model.keras")
    classes = kind.custom(keras)
    for missing in ("Block", "Far", "closeness"):
        provided = {name: thing for name, thing in classes.items() if name != missing}
        with pytest.raises(ValueError, match=rf"(?s){missing}.*custom_objects=\{{'{missing}'"):
            keras.models.load_model("model.keras", custom_objects=provided)
    only = {"Block": classes["Block"]}
    assert not keras.models.load_model("model.keras", custom_objects=only, compile=False).compiled


def test_keys_of_other_releases_are_left_out_and_unknown_ones_told(archive):
    def changed(**keys):
        with zipfile.ZipFile(archive) as file:
            config = json.loads(file.read("config.json"))
        config["config"]["layers"][1]["config"].update(keys)
        rewritten(archive, config__json=json.dumps(config).encode())

    changed(time_major=False, groups=1, autocast=True)
    keras.models.load_model(archive)
    changed(surprise=7)
    with pytest.raises(ValueError, match=r"(?s)Dense 'dense\w*' has the key 'surprise'.*surprise='7'"):
        keras.models.load_model(archive)
    changed(surprise=None, time_major=True)
    with pytest.raises(ValueError, match="has the key '(surprise|time_major)'"):
        keras.models.load_model(archive)


@pytest.mark.parametrize("path", ["model.keras", "model.h5"])
def test_a_small_file_cannot_ask_for_huge_weights(path, here):
    KINDS["Sequential"].compiled(keras).save(path)
    if path.endswith(".h5"):
        with h5py.File(path, "a") as file:
            config = json.loads(file.attrs["model_config"])
            config["config"]["layers"][1]["config"]["units"] = 10**9
            file.attrs["model_config"] = json.dumps(config)
    else:
        with zipfile.ZipFile(path) as file:
            config = json.loads(file.read("config.json"))
        config["config"]["layers"][1]["config"]["units"] = 10**9
        rewritten(path, config__json=json.dumps(config).encode())
    with pytest.raises(ValueError, match="would take 16000000000 bytes"):
        keras.models.load_model(path)


@pytest.mark.parametrize("path", ["model.keras", "model.h5"])
def test_a_vocabulary_from_a_file_goes_with_the_model(path, here):
    (here / "words.txt").write_text("a\nb\n")
    layer = keras.layers.StringLookup(vocabulary="words.txt")
    model = keras.Sequential([keras.Input((1,), dtype="string"), layer])
    model.save(path)
    (here / "words.txt").unlink()
    assert keras.models.load_model(path)(tf.constant([["b"]])).numpy().item() == 2


def test_weights_are_written_straight_into_the_archive(here):
    """No copy of them lies beside it; what is there in the end is a sound archive."""

    class Watching(keras.layers.Dense):
        def save_own_variables(self, store):
            super().save_own_variables(store)
            beside.append([name for name in os.listdir(here) if name != "model.keras"])

        def save_assets(self, folder):
            (pathlib.Path(folder) / "words.txt").write_text("words")

    beside = []
    model = keras.Sequential([keras.Input((4,)), Watching(300), keras.layers.Dense(2000), Watching(2)])
    for _ in range(2):
        model.save("model.keras")
    assert [len(names) for names in beside] == [1] * 4
    assert os.listdir(here) == ["model.keras"]
    with zipfile.ZipFile("model.keras") as archive:
        assert archive.testzip() is None
        assert [name for name in archive.namelist() if "words" not in name] == [
            "metadata.json", "config.json", "model.weights.h5"
        ]  # fmt: skip
        assert sum("words.txt" in name for name in archive.namelist()) == 2
    other = keras.models.load_model("model.keras", custom_objects={"Watching": Watching})
    assert same(other.get_weights(), model.get_weights())


def test_a_layer_that_cannot_be_written_leaves_the_earlier_archive(here):
    class Failing(keras.layers.Dense):
        def save_own_variables(self, store):
            super().save_own_variables(store)
            raise error

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.save("model.keras")
    failing = keras.Sequential([keras.Input((4,)), keras.layers.Dense(300), Failing(2)])
    for error in (RuntimeError("no more"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            failing.save("model.keras")
        assert os.listdir(here) == ["model.keras"]
        assert same(keras.models.load_model("model.keras").get_weights(), model.get_weights())
