"""S1-S6, S8, S17-S20: code in a file is not run, and no name in a file reaches a function that was not meant for it.

Every attack is made for real: each kind of code is shown to make the marker where it is trusted.
"""
import base64
import io
import json
import marshal
import os
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import Input, Sequential, layers, models, optimizers, saving, utils
from tests.attacks.entries import ENTRIES, VICTIM, as_config

CODE = base64.encodebytes(
    marshal.dumps((lambda x: (__import__("pathlib").Path(__import__("os").environ["MARKER"]).touch(), x)[1]).__code__)
).decode()


def lambda_layer(function=None, kind="lambda", **config):
    function = [CODE, None, None] if function is None else function
    return {"class_name": "Lambda", "config": {"name": "victim", "function": function, "function_type": kind, **config}}


@pytest.fixture(params=list(ENTRIES))
def entry(request):
    return ENTRIES[request.param]


def test_every_entry_works_without_an_attack(entry, tmp_path):
    assert entry(VICTIM, tmp_path) is not None


# S2, S3, S4: byte code


def test_byte_code_is_refused_by_every_entry(entry, marker, tmp_path):
    for layer in (
        lambda_layer(), lambda_layer("abs", "function", output_shape=[CODE, None, None], output_shape_type="lambda"),
        lambda_layer({"class_name": "__lambda__", "config": {"code": CODE, "defaults": None, "closure": None}}),
    ):  # fmt: skip
        with pytest.raises((ValueError, TypeError)) as error:
            model = entry(layer, tmp_path)
            model(tf.ones((1, 2)))
        assert "victim" in str(error.value)
        assert not marker.exists()


def test_the_refusal_says_how_to_trust(entry, marker, tmp_path):
    with pytest.raises(ValueError, match="holds Python code.*not loaded") as error:
        entry(lambda_layer(), tmp_path)
    assert "custom_objects={'victim'" in str(error.value) and "safe_mode=False" in str(error.value)


def test_byte_code_runs_where_it_is_trusted(entry, tmp_path, monkeypatch):
    monkeypatch.setenv("MARKER", str(tmp_path / "trusted"))
    entry(lambda_layer(), tmp_path, safe_mode=False)(tf.ones((1, 1, 2)))
    assert (tmp_path / "trusted").exists()


def test_the_function_can_be_provided_instead(entry, marker, tmp_path):
    model = entry(lambda_layer(), tmp_path, custom_objects={"victim": tf.abs})
    assert model(-tf.ones((1, 1, 2))).numpy().ravel().tolist() == [1, 1]


def test_copies_within_the_program_need_no_trust(marker):
    model = Sequential([Input((2,)), layers.Lambda(lambda x: 2 * x)])
    copy = models.clone_model(model)
    assert copy(tf.ones((1, 2))).numpy().tolist() == [[2, 2]]


# S5, S6: names of anything

GADGETS = [
    ("builtins", "eval"), ("builtins", "exec"), ("builtins", "open"), ("builtins", "__import__"), ("os", "system"),
    ("subprocess", "Popen"), ("tempfile", "TemporaryFile"), ("pathlib", "Path"), ("shutil", "rmtree"),
    ("pickle", "loads"), ("marshal", "loads"), ("kerasish.utils", "get_file"), ("keras.utils", "get_file"),
    ("keras.src.utils", "get_file"), ("tf_keras.utils", "get_file"), ("keras.models", "load_model"),
    ("keras.saving", "load_model"), ("keras.config", "enable_unsafe_deserialization"),
    ("keras", "enable_unsafe_deserialization"), ("kerasish.core.trust", "safe_mode"),
    ("keras.utils", "deserialize_keras_object"), ("keras.saving", "deserialize_keras_object"),
    ("keras.models", "model_from_json"), ("tensorflow", "py_function"), ("tensorflow", "numpy_function"),
    ("tensorflow", "load_op_library"), ("tensorflow.io", "write_file"), ("tensorflow.io", "read_file"),
    ("tests.attacks.test_code", "gadget"), ("__main__", "gadget"), ("keras.Model", "load_weights"),
    ("keras.callbacks", "CSVLogger"), ("keras.callbacks", "ModelCheckpoint"), ("keras.utils", "Progbar"),
]  # fmt: skip


def gadget(*args, **kwargs):
    raise AssertionError("was called")


def naming(module, name):
    """Configurations that name a function or class in each of the forms of the Keras releases."""
    path = f"{module}.{name}"
    yield {"module": module, "class_name": name, "config": {}, "registered_name": None}
    yield {"module": module, "class_name": name, "config": {}, "registered_name": name}
    yield {"module": module, "class_name": name, "config": {}, "registered_name": f"{module}>{name}"}
    yield {"module": module, "class_name": path, "config": {"name": "victim"}}
    yield {"class_name": path, "config": {}}
    yield {"module": module, "class_name": "function", "config": name, "registered_name": name}
    yield {"module": "builtins", "class_name": "function", "config": path, "registered_name": "function"}
    yield {"module": module, "class_name": "__typespec__", "config": {"spec_name": name, "spec_params": []}}
    for function in (name, path):
        yield lambda_layer(function, "function", module=module)
        yield lambda_layer({"module": module, "class_name": "function", "config": function,
                            "registered_name": function}, "raw")  # fmt: skip
        yield {"class_name": "Dense", "config": {"name": "victim", "units": 1, "activation": function}}
        yield {"class_name": "Dense", "config": {"name": "victim", "units": 1, "activation": {
            "module": module, "class_name": "function", "config": function, "registered_name": function}}}  # fmt: skip
        yield {"class_name": "Dense", "config": {"name": "victim", "units": 1, "kernel_initializer": {
            "module": module, "class_name": function, "config": {"filename": "x"}}}}  # fmt: skip
        yield {"class_name": "TFOpLambda", "config": {"name": "victim", "function": function}}
        yield {"class_name": "TFOpLambda", "config": {"name": "victim", "function": f"keras.{function}"}}
        yield {"class_name": "Activation", "config": {"name": "victim", "activation": function}}
        yield {"class_name": "TextVectorization", "config": {"name": "victim", "standardize": function}}


@pytest.mark.parametrize("module, name", GADGETS, ids=lambda text: text)
def test_names_of_anything_reach_nothing(module, name, marker, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(os.listdir(tmp_path))
    for layer in naming(module, name):
        for entry in ("layers.deserialize", "utils.deserialize_keras_object", "saving.deserialize_keras_object"):
            try:
                found = ENTRIES[entry](layer, tmp_path)
            except (ValueError, TypeError):
                continue
            # a plain dictionary stays one; nothing that can be called has come out of it
            assert isinstance(found, dict) or (isinstance(found, list) and not any(map(callable, found))), layer
    assert set(os.listdir(tmp_path)) == before


@pytest.mark.filterwarnings("ignore:.*runs its graphs")
def test_names_of_anything_in_files(entry, marker, tmp_path):
    for module, name in (("os", "system"), ("keras.utils", "get_file"), ("builtins", "open")):
        for layer in naming(module, name):
            if layer["class_name"] == "__typespec__":
                continue
            try:
                found = entry(layer, tmp_path)
            except (ValueError, TypeError):
                continue
            restored = {type(found).__name__, *(type(one).__name__ for one in found.layers)}
            assert restored & {"RestoredModel", "RestoredLayer"}, layer  # nothing of the name: the saved graph instead


@pytest.mark.parametrize("function", [
    "io.read_file", "io.write_file", "py_function", "numpy_function", "print", "load_op_library", "load_library",
    "raw_ops.ReadFile", "raw_ops.WriteFile", "function", "import_graph_def", "compat.v1.py_func", "device",
    "random.set_seed", "nn.fixed_unigram_candidate_sampler", "random.fixed_unigram_candidate_sampler",
    "compat.v1.nn.fixed_unigram_candidate_sampler", "data.Dataset.from_generator", "saved_model.load",
    "io.gfile.remove", "io.gfile.rmtree", "keras.utils.get_file", "compat.v1.gfile.Remove", "__class__.__init__",
    "_running_from_pip_package", "math.__loader__.get_data", "register_tensor_conversion_function",
    "experimental.dlpack.to_dlpack", "train.load_checkpoint", "summary.create_file_writer", "os.system",
    "compat.v1.io.gfile.rmtree", "compat.v1.compat.v1.py_func", "compat.v1.train.load_checkpoint",
])  # fmt: skip
def test_functions_of_tensorflow_that_reach_out_are_not_layers(function):
    for kind in ("TFOpLambda", "SlicingOpLambda"):
        with pytest.raises(ValueError, match="only name TensorFlow's functions of tensors"):
            layers.deserialize({"class_name": kind, "config": {"name": "x", "function": function}})


def test_arguments_of_tensorflow_functions_are_values_only():
    inputs = Input((2,), name="rows")
    config = json.loads(json.dumps(models.Model(inputs, tf.abs(inputs)).get_config()))
    for function in ("map_fn", "vectorized_map", "foldl", "cond", "while_loop", "grad_pass_through"):
        for value in ("tf.py_function", "tf.load_op_library", "tf.io.gfile.remove", "tf.function"):
            text = json.dumps(config).replace('"math.abs"', json.dumps(function)).replace('"abs"', json.dumps(function))
            hostile = json.loads(text)
            call = hostile["layers"][1]["inbound_nodes"][0]
            call[3].update({key: value for key in ("fn", "true_fn", "false_fn", "cond", "body", "f")})
            with pytest.raises((ValueError, TypeError)):
                models.Model.from_config(hostile)


# S1, S18, S19, S20


def test_yaml_is_refused(marker):
    text = "!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['$MARKER']]"
    with pytest.raises(RuntimeError, match="YAML"):
        models.model_from_yaml(text)
    with pytest.raises(RuntimeError, match="YAML"):
        Sequential().to_yaml()
    with pytest.raises(RuntimeError):
        tf_keras.models.model_from_yaml(text)


TEXTS = ["[" * 200_000, '{"a":' * 200_000, '{"class_name": "Dense"', "[]", "null", "1", '""', "NaN",
         '{"class_name": 1}']  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_texts_that_are_no_configuration(text):
    with pytest.raises((ValueError, TypeError)) as error:
        models.model_from_json(text)
    assert len(str(error.value)) < 1000


def test_deep_but_valid_configurations_are_refused_cleanly():
    layer = VICTIM
    for _ in range(3000):
        layer = {"class_name": "TimeDistributed", "config": {"layer": layer}}
    with pytest.raises(ValueError, match="nested"):
        models.model_from_config(as_config(layer))
    text = '{"class_name": "TimeDistributed", "config": {"layer": ' * 20000 + json.dumps(VICTIM) + "}}" * 20000
    with pytest.raises(ValueError, match="nested"):
        models.model_from_json(text)


def test_callables_in_a_configuration_are_refused(marker):
    for layer in ({"class_name": gadget, "config": {}}, {"class_name": "function", "config": gadget}):
        with pytest.raises((ValueError, TypeError)):
            layers.deserialize(layer)


def test_a_registered_class_does_not_take_the_place_of_the_librarys(monkeypatch):
    class Dense(layers.Layer):
        def __init__(self, **kwargs):
            gadget()

    from kerasish.core import registry

    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(registry, "_registered_names", {})
    utils.register_keras_serializable("Stranger")(Dense)
    own = {"class_name": "Dense", "config": {"units": 2}}
    assert type(layers.deserialize(own)) is layers.Dense
    assert type(layers.deserialize({**own, "module": "keras.layers", "registered_name": None})) is layers.Dense
    with pytest.raises(AssertionError, match="was called"):
        layers.deserialize({**own, "registered_name": "Stranger>Dense"})


def test_other_objects_are_no_loophole():
    for get in (optimizers.deserialize, saving.deserialize_keras_object):
        with pytest.raises((ValueError, TypeError)):
            get({"class_name": "system", "config": {"command": "true"}, "module": "os"})


class Named(pickle.Unpickler):
    """Reads a pickle and lists what it names."""

    def __init__(self, content):
        super().__init__(io.BytesIO(content))
        self.found = []

    def find_class(self, module, name):
        self.found.append(f"{module}.{name}")
        return super().find_class(module, name)


@utils.register_keras_serializable("attacks")
class Doubled(layers.Layer):
    def call(self, inputs):
        return 2 * inputs


def test_a_pickle_of_a_model_is_an_archive_and_names_one_function():
    model = Sequential([Input((2,)), layers.Dense(2), Doubled()])
    model.compile("adam", "mse")
    x = np.arange(6, dtype="float32").reshape(3, 2)
    model.train_on_batch(x, x)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        content = pickle.dumps(model, protocol)
        reader = Named(content)
        copy = reader.load()
        assert set(reader.found) <= {"kerasish.models.persistence.from_archive", f"{__name__}.Doubled",
                                     "_codecs.encode"}  # fmt: skip
        assert b"config.json" in content and b"model.weights.h5" in content
    assert np.array_equal(copy(x), model(x)) and int(copy.optimizer.iterations) == 1
    assert copy.train_on_batch(x, x) == model.train_on_batch(x, x)
    assert all(np.array_equal(a, b) for a, b in zip(copy.get_weights(), model.get_weights(), strict=True))


def test_byte_code_in_the_pickle_of_a_model_is_not_run(marker):
    def trap(x):
        __import__("pathlib").Path(__import__("os").environ["MARKER"]).touch()
        return x

    model = Sequential([Input((2,)), layers.Lambda(trap, name="victim")])
    marker.unlink()  # left by the trap when it was set
    content = pickle.dumps(model)
    with pytest.raises(ValueError, match="holds Python code"):
        pickle.loads(content)
    with utils.custom_object_scope({"victim": tf.abs}):
        assert pickle.loads(content)(-tf.ones((1, 2))).numpy().tolist() == [[1, 1]]
    assert not marker.exists()
