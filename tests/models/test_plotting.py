"""`plot_model` and `model_to_dot`: the graph is tf_keras's, the picture Graphviz's."""

import re
import shutil
import sys
from types import SimpleNamespace

import pytest
import tensorflow as tf
import tf_keras

import kerasish
from kerasish.models import plotting

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def two_by_two(keras):
    first, second = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    x = keras.layers.Dense(5, activation="relu", name="d")(first)
    z = keras.layers.Concatenate(name="c")([x, keras.layers.Dense(5, name="e")(second)])
    outputs = [keras.layers.Dense(1, name="o")(z), keras.layers.Dense(2, name="p", trainable=False)(z)]
    return keras.Model([first, second], outputs, name="m")


def nested(keras):
    inner = keras.Sequential(
        [keras.Input((5,), name="in"), keras.layers.Dense(3, name="q"), keras.layers.Dense(2, name="r")], name="inner"
    )
    inputs, shared = keras.Input((5,), name="i5"), keras.layers.Dense(5, name="w")
    once = inner(shared(inputs))
    return keras.Model(inputs, [once, inner(shared(once[:, :1] + inputs))], name="nested")


def dicts(keras):
    inputs = {"p": keras.Input((4,), name="p"), "q": keras.Input((2,), name="q")}
    outputs = {"u": keras.layers.Dense(3, name="u")(inputs["p"]), "v": keras.layers.Dense(2, name="v")(inputs["q"])}
    around = {"p": keras.Input((4,), name="p2"), "q": keras.Input((2,), name="q2")}
    return keras.Model(around, keras.Model(inputs, outputs, name="dicts")(around), name="outer")


def several_shapes(keras):
    inputs, layer = keras.Input((None, 3), name="f1"), keras.layers.Dense(2, name="sh")
    return keras.Model(inputs, [layer(inputs), layer(inputs[:, 0])], name="shared")


def stack(keras):
    return keras.Sequential(
        [keras.layers.Dense(3, name="q", input_shape=(5,)), keras.layers.Dense(2, name="r")], name="s"
    )


def subclass(keras):
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = keras.layers.Dense(3)

        def call(self, inputs):
            return self.dense(inputs)

    model = Own()
    model(tf.zeros((1, 4)))
    return model


def text(keras, make, **options):
    """The graph as text, its boxes numbered in order of appearance."""
    keras.backend.clear_session()
    numbers = {}
    found = keras.utils.model_to_dot(make(keras), **options).to_string()
    return re.sub(r"\b\d{12,}\b", lambda match: f"box{numbers.setdefault(match.group(), len(numbers))}", found)


OPTIONS = [
    {}, {"show_shapes": True}, {"show_dtype": True}, {"show_layer_names": False}, {"show_layer_activations": True},
    {"show_trainable": True, "rankdir": "LR", "dpi": 50}, {"subgraph": True},
    {"show_shapes": True, "show_dtype": True, "show_layer_activations": True, "show_trainable": True},
    {"show_shapes": True, "show_dtype": True, "show_layer_names": False},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_option_draws_what_tf_keras_draws(options):
    assert text(kerasish, two_by_two, **options) == text(tf_keras, two_by_two, **options)


@pytest.mark.parametrize("make", [nested, dicts, several_shapes, stack, subclass], ids=lambda make: make.__name__)
def test_every_kind_of_model_is_drawn_as_by_tf_keras(make):
    assert text(kerasish, make, show_shapes=True) == text(tf_keras, make, show_shapes=True)


def test_the_inside_of_models_is_drawn():
    assert text(kerasish, nested, expand_nested=True) == text(tf_keras, nested, expand_nested=True)


def test_each_input_of_an_inner_model_is_entered_by_its_own_tensor():
    drawn = text(kerasish, dicts, expand_nested=True)
    names = dict(re.findall(r'(box\d+) \[label="(\w+)\|', drawn))
    arrows = {(names[a], names[b]) for a, b in re.findall(r"(box\d+) -> (box\d+)", drawn)}
    assert {("p2", "p"), ("q2", "q")} <= arrows


def test_a_range_of_layers_is_drawn_with_the_arrows_within():
    drawn = text(kerasish, two_by_two, layer_range=["d", "c"])
    assert re.findall(r'label="(\w)\|', drawn) == ["d", "e", "c"]
    assert drawn.count("->") == 2
    assert re.findall(r'label="(\w)\|', text(kerasish, stack, layer_range=["r", "r"])) == ["r"]
    with pytest.raises(ValueError, match="layer_range"):
        text(kerasish, stack, layer_range=["x", "r"])


@needs_dot
@pytest.mark.parametrize(
    ("name", "start"), [("m.png", b"\x89PNG"), ("without", b"\x89PNG"), ("m.svg", b"<?xml"), ("m.pdf", b"%PDF")]
)
def test_pictures_are_written_in_the_format_of_the_extension(tmp_path, name, start):
    assert kerasish.utils.plot_model(two_by_two(kerasish), tmp_path / name, show_shapes=True) is None
    assert (tmp_path / name).read_bytes().startswith(start)


@needs_dot
def test_an_unknown_format_is_named(tmp_path):
    with pytest.raises(ValueError, match="xyz"):
        kerasish.utils.plot_model(stack(kerasish), str(tmp_path / "m.xyz"))


def test_without_graphviz_the_graph_itself_is_still_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImportError, match="`dot` is not on the PATH"):
        kerasish.utils.plot_model(stack(kerasish), tmp_path / "m.png")
    kerasish.utils.plot_model(stack(kerasish), tmp_path / "m.dot")
    assert (tmp_path / "m.dot").read_text().startswith("digraph G {")


def test_without_pydot_the_message_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(ImportError, match="pip install pydot"):
        kerasish.utils.model_to_dot(stack(kerasish))


def test_a_notebook_gets_the_picture_or_the_message(tmp_path, monkeypatch, capsys):
    shown = SimpleNamespace(Image=lambda filename: ("image", filename), SVG=lambda filename: ("svg", filename))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: object(), display=shown))
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    monkeypatch.setattr(plotting.subprocess, "run", lambda *args, **kwargs: SimpleNamespace(returncode=0))
    monkeypatch.setattr(plotting.shutil, "which", lambda name: name)
    model = stack(kerasish)
    assert kerasish.utils.plot_model(model, "m.png") == ("image", "m.png")
    assert kerasish.utils.plot_model(model, "m.svg") == ("svg", "m.svg")
    monkeypatch.setattr(plotting.shutil, "which", lambda name: None)
    assert kerasish.utils.plot_model(model, "m.png") is None
    assert "`dot`" in capsys.readouterr().out


@pytest.mark.parametrize(
    "make", [lambda: kerasish.Sequential([kerasish.layers.Dense(3)]), lambda: kerasish.Sequential()]
)
def test_a_model_that_is_not_built_cannot_be_drawn(make):
    with pytest.raises(ValueError, match="build"):
        kerasish.utils.model_to_dot(make())
