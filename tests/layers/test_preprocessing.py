"""Preprocessing layers beside tf_keras's on text, categories, numbers and images; in models, datasets and files.

Longer than most files because every option of every preprocessing layer is compared here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import layers
from kerasish.core import trust
from kerasish.layers.experimental import preprocessing
from kerasish.models import Model, Sequential

BOTH = (layers, tf_keras.layers)
TEXTS = ["The quick, brown fox!", "jumps over the lazy dog. Dog's", "über-Ärger \t  the  end", ""]


def _values(result: Any) -> Any:
    """A result as plain Python, of any kind of tensor."""
    if isinstance(result, tf.RaggedTensor):
        return ["ragged", result.dtype, result.to_list()]
    if isinstance(result, tf.SparseTensor):
        parts = [result.indices, np.round(result.values.numpy(), 4), result.dense_shape]
        return ["sparse", result.dtype, *[np.asarray(part).tolist() for part in parts]]
    if isinstance(result, tf.Tensor):
        array = result.numpy()
        rounded = np.round(array, 3) if array.dtype.kind == "f" else array
        return [result.dtype, result.shape.as_list(), rounded.tolist()]
    if isinstance(result, (list, tuple)):
        return [_values(one) for one in result]
    return str(result) if isinstance(result, str) else result


def _same(compute: Callable[[Any], Any]) -> Any:
    """What both give, or that both refuse."""
    found = []
    for module in BOTH:
        try:
            found.append(_values(compute(module)))
        except (ValueError, TypeError, tf.errors.OpError):
            found.append("refused")
    assert found[0] == found[1]
    return found[0]


def _plain_config(layer: Any) -> dict[str, Any]:
    return json.loads(json.dumps(layer.get_config(), default=lambda value: np.asarray(value).tolist()))


_ROWS = [
    {"output_mode": mode, **options}
    for mode in ("one_hot", "multi_hot", "count")
    for options in (
        {},
        {"mask_token": "c"},
        {"sparse": True},
        {"max_tokens": 7, "pad_to_max_tokens": True},
        {"num_oov_indices": 2},
    )
]
_IDF = {"output_mode": "tf_idf", "idf_weights": [0.1, 0.2, 0.3]}


@pytest.mark.parametrize(
    "options",
    [
        {}, {"mask_token": ""}, {"num_oov_indices": 0}, {"num_oov_indices": 3}, {"max_tokens": 3}, {"dtype": "int32"},
        {"mask_token": "a", "num_oov_indices": 2}, *_ROWS, _IDF, {**_IDF, "sparse": True}, {"output_mode": "words"},
        {"sparse": True}, {"max_tokens": 1}, {"num_oov_indices": -1}, {"pad_to_max_tokens": True},
        {"idf_weights": [1.0, 2.0, 3.0]}, {"output_mode": "tf_idf"}, {"invert": True, "output_mode": "count"},
    ],
    ids=str,
)  # fmt: skip
def test_string_lookup_is_the_oracles(options: dict[str, Any]) -> None:
    def make(module: Any) -> Any:
        return module.StringLookup(vocabulary=["a", "b", "c"], name="words", **options)

    if _same(lambda module: make(module).get_vocabulary()) == "refused":
        return
    _same(lambda module: make(module).get_vocabulary(include_special_tokens=False))
    _same(lambda module: make(module).vocabulary_size())
    assert _plain_config(make(layers)) == _plain_config(make(tf_keras.layers))
    inputs = [[["a", "c"], ["z", "b"]], [["a"], ["q"]], ["a", "zz"], "a", [["a", "a"], ["a", "c"]]]
    inputs += [tf.ragged.constant([["a"], ["b", "q"]]), tf.sparse.from_dense([["a", ""], ["b", "q"]])]
    for values in inputs:
        _same(lambda module, values=values: make(module)(values))
    for shape in ((), (1,), (2,)):
        _same(lambda module, shape=shape: make(module)(module.Input(shape, dtype="string")).shape.as_list())


@pytest.mark.parametrize(
    "vocabulary",
    [["a", "a"], ["[UNK]", "a"], ["", "[UNK]", "a"], ["a", "[UNK]"], ["a", ""], ["", "a"], [], [1, 2], "/no/file",
     np.array(["x", "y"]), tf.constant(["x", "y"]), ("a", "b")],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("mask", [None, ""])
def test_vocabularies_are_read_as_the_oracle_does(vocabulary: Any, mask: Any) -> None:
    _same(lambda module: module.StringLookup(vocabulary=vocabulary, mask_token=mask).get_vocabulary())


@pytest.mark.parametrize("options", [{}, {"max_tokens": 3}, {"mask_token": "b"}, {"output_mode": "tf_idf"},
                                     {"num_oov_indices": 2, "max_tokens": 4}], ids=str)  # fmt: skip
def test_vocabularies_are_learned_as_the_oracle_does(options: dict[str, Any]) -> None:
    words = tf.data.Dataset.from_tensor_slices(["b", "a", "a", "b", "c", "d"])
    several = [[["b", "a", "q"], ["c", "a", "b"]], np.array(["a", "b", "b"]), words, words.batch(2)]
    several.append(tf.constant([["z"], ["y"], ["y"]]))
    for examples in several if options.get("output_mode") == "tf_idf" else several[::3]:

        def learned(module: Any, examples: Any = examples) -> Any:
            layer = module.StringLookup(**options)
            layer.adapt(examples)
            return [layer.get_vocabulary(), layer([["a", "b"], ["zz", "d"]])]

        assert _same(learned) != "refused"


@pytest.mark.parametrize(
    "options",
    [{}, {"num_oov_indices": 2}, {"num_oov_indices": 5}, {"mask_token": 0}, {"mask_token": 0, "num_oov_indices": 0},
     {"output_mode": "multi_hot"}, {"output_mode": "count", "mask_token": 36}, {"output_mode": "one_hot"},
     {"oov_token": "x"}, {"vocabulary_dtype": "float32"}],
    ids=str,
)  # fmt: skip
def test_integer_lookup_is_the_oracles(options: dict[str, Any]) -> None:
    def make(module: Any) -> Any:
        return module.IntegerLookup(vocabulary=[12, 36, 1138], name="numbers", **options)

    for values in ([[12, 1138], [1, -1]], [[12, 36], [0, 12]], tf.constant([12, 7]), np.array([[37], [38]], "int32")):
        _same(lambda module, values=values: make(module)(values))
    if _same(lambda module: [int(token) for token in make(module).get_vocabulary()]) != "refused":
        assert _plain_config(make(layers)) == _plain_config(make(tf_keras.layers))


def test_numbers_become_tokens_again() -> None:
    for options in ({}, {"mask_token": ""}, {"oov_token": "?"}):
        _same(lambda m, o=options: m.StringLookup(vocabulary=["a", "b"], invert=True, **o)([[0, 1], [2, 9]]))
    for mask in (None, 0):
        _same(lambda m, k=mask: m.IntegerLookup(vocabulary=[12, 36], invert=True, mask_token=k)([[0, 1], [2, 7]]))


@pytest.mark.parametrize(
    "options",
    [
        {}, {"standardize": None}, {"standardize": "lower"}, {"standardize": "strip_punctuation"}, {"split": None},
        {"split": None, "output_mode": "multi_hot"}, {"split": "character"}, {"ngrams": 2}, {"ngrams": (3,)},
        {"ngrams": (1, 3)}, {"max_tokens": 5}, {"output_sequence_length": 3}, {"output_sequence_length": 9},
        {"output_mode": "multi_hot"}, {"output_mode": "count"}, {"output_mode": "tf_idf"}, {"ragged": True},
        {"output_mode": "tf_idf", "max_tokens": 30, "pad_to_max_tokens": True},
        {"output_mode": "count", "sparse": True}, {"standardize": lambda texts: tf.strings.upper(texts)},
        {"split": lambda texts: tf.strings.split(texts, "e")},
        {"output_mode": "count", "ragged": True}, {"split": "lines"}, {"standardize": "upper"}, {"ngrams": "two"},
        {"max_tokens": 0}, {"output_mode": "one_hot"}, {"output_mode": "count", "output_sequence_length": 3},
    ],
    ids=lambda options: "-".join(options) or "plain",
)  # fmt: skip
def test_text_vectorization_is_the_oracles(options: dict[str, Any]) -> None:
    texts = TEXTS if options.get("split", "") is not None else [[text] for text in TEXTS]

    pair = []

    def vocabulary(module: Any) -> Any:
        pair.append(module.TextVectorization(name="texts", **options))
        pair[-1].adapt(texts if module is tf_keras.layers else tf.data.Dataset.from_tensor_slices(texts).batch(2))
        return pair[-1].get_vocabulary()

    if _same(vocabulary) == "refused":
        return
    assert [str(token) for token in pair[1].get_vocabulary()] == pair[0].get_vocabulary()
    for values in (texts, [[text] for text in TEXTS], tf.constant([["the fox zz"], ["end"]]), "the fox"):
        assert _values(pair[0](values)) == _values(pair[1](values))
    if options.get("split", "") is not None:
        shapes = [make(module.Input((1,), dtype="string")).shape for make, module in zip(pair, BOTH, strict=True)]
        assert tuple(shapes[0]) == tuple(shapes[1])
    learned = {"vocabulary", "idf_weights", "batch_input_shape", "standardize", "split"}
    configs = [{key: v for key, v in layer.get_config().items() if key not in learned} for layer in pair]
    assert configs[0] == configs[1]


def test_text_vectorization_keeps_its_vocabulary_through_its_configuration() -> None:
    layer = layers.TextVectorization(output_mode="tf_idf")
    layer.adapt(TEXTS)
    again = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
    assert again.get_vocabulary() == layer.get_vocabulary()
    np.testing.assert_array_equal(again(TEXTS), layer(TEXTS))
    theirs = tf_keras.layers.TextVectorization.from_config(layer.get_config())
    np.testing.assert_allclose(theirs(TEXTS), layer(TEXTS), atol=1e-6)


def test_functions_of_a_configuration_are_provided() -> None:
    def shout(texts: Any) -> Any:
        return tf.strings.upper(texts)

    layer = layers.TextVectorization(standardize=shout, vocabulary=["A", "B"])
    config = json.loads(json.dumps(layers.serialize(layer)))
    np.testing.assert_array_equal(layers.deserialize(config, {"shout": shout})(["b a"]), [[3, 2]])
    with pytest.raises(ValueError, match="shout"):
        layers.deserialize(config)


@pytest.mark.parametrize("name", ["StringLookup", "TextVectorization"])
def test_a_vocabulary_file_is_read_for_the_user_and_refused_to_strangers(tmp_path: Any, name: str) -> None:
    path = tmp_path / "words.txt"
    path.write_text("x\ny\n")
    layer = getattr(layers, name)(vocabulary=str(path))
    assert layer.get_vocabulary()[-2:] == ["x", "y"]
    assert type(layer).from_config(layer.get_config()).get_vocabulary() == layer.get_vocabulary()
    from_a_file = json.loads(json.dumps(layers.serialize(layer)))
    with pytest.raises(ValueError, match="safe_mode"):
        layers.deserialize(from_a_file)
    with trust.safe_mode(False):
        assert layers.deserialize(from_a_file).get_vocabulary() == layer.get_vocabulary()


def test_vocabularies_go_out_and_in_as_files(tmp_path: Any) -> None:
    layer, other = layers.StringLookup(), tf_keras.layers.StringLookup()
    layer.adapt(["b", "a", "b"])
    layer.save_assets(str(tmp_path))
    other.load_assets(str(tmp_path))
    again = layers.StringLookup()
    again.load_assets(str(tmp_path))
    assert again.get_vocabulary() == layer.get_vocabulary() == [str(token) for token in other.get_vocabulary()]


def test_without_a_vocabulary_nothing_is_looked_up() -> None:
    with pytest.raises(ValueError, match="adapt"):
        layers.StringLookup()(["a"])
    with pytest.raises(TypeError, match="Received"):
        layers.StringLookup(vocabulary=["a"])([1, 2])
    with pytest.raises(tf.errors.InvalidArgumentError, match="num_oov_indices"):
        layers.StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"])


NUMBERS = np.random.RandomState(0).normal(3, 2, (6, 4)).astype("float32")
VOLUME = np.random.RandomState(0).normal(3, 2, (3, 4, 5, 2))


@pytest.mark.parametrize(
    ("options", "examples"),
    [({}, NUMBERS), ({"axis": None}, NUMBERS), ({"axis": (1, 2)}, VOLUME), ({"axis": 1}, VOLUME),
     ({"invert": True}, NUMBERS), ({"dtype": "float64"}, NUMBERS), ({"axis": 0}, NUMBERS), ({"axis": 5}, NUMBERS),
     ({"mean": [1.0, 2, 3, 4], "variance": 2.0}, None), ({"mean": 2.0, "variance": 3.0}, None), ({"mean": 1.0}, None)],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_normalization_is_the_oracles(options: dict[str, Any], examples: Any) -> None:
    def made(module: Any) -> Any:
        layer = module.Normalization(name="norm", **options)
        if examples is not None:
            layer.adapt(examples)
        return layer

    values = NUMBERS if examples is None else examples
    if _same(lambda module: made(module).get_config()["name"]) == "refused":
        return
    pair = [made(module) for module in BOTH]
    outputs = [layer(values) for layer in pair]
    assert outputs[0].dtype == outputs[1].dtype
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-4, atol=1e-5)
    for moment in ("mean", "variance"):
        found = [getattr(layer, moment) for layer in pair]
        assert found[0].shape == found[1].shape
        np.testing.assert_allclose(found[0], found[1], rtol=1e-5)
    assert [(w.shape, w.dtype, w.trainable) for w in pair[0].weights] == [
        (w.shape, w.dtype, w.trainable) for w in pair[1].weights
    ]
    plain = [{k: v for k, v in _plain_config(layer).items() if k != "batch_input_shape"} for layer in pair]
    assert plain[0] == plain[1]


def test_normalization_learns_batch_by_batch_and_anew() -> None:
    layer = layers.Normalization()
    batches = tf.data.Dataset.from_tensor_slices(NUMBERS).batch(4)
    for _ in range(2):
        layer.adapt(batches)
        np.testing.assert_allclose(layer.mean[0], NUMBERS.mean(0), rtol=1e-5)
        np.testing.assert_allclose(layer.variance[0], NUMBERS.var(0), rtol=1e-5)
    assert layer.is_adapted and int(layer.count) == 6
    layer.adapt(NUMBERS, batch_size=2, steps=1)
    np.testing.assert_allclose(layer.mean[0], NUMBERS[:2].mean(0), rtol=1e-5)
    layer.reset_state()
    np.testing.assert_array_equal(layer(NUMBERS), NUMBERS)
    with pytest.raises(ValueError, match="batch_size"):
        layer.adapt(batches, batch_size=2)


@pytest.mark.parametrize("mode", ["int", "one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("sparse", [False, True])
def test_discretization_is_the_oracles(mode: str, sparse: bool) -> None:
    ragged, sparsely = tf.ragged.constant([[1.0, 2], [3]]), tf.sparse.from_dense([[1.0, 2], [3, 0]])
    for values in (NUMBERS, NUMBERS[:, :1], NUMBERS[:, 0], 5.0, np.array([[1, 2], [3, 4]]), ragged, sparsely,
                   tf.constant([0.0, 1, 5])):  # fmt: skip
        _same(lambda module, v=values: module.Discretization([0.0, 1.0, 5.0], output_mode=mode, sparse=sparse)(v))


@pytest.mark.parametrize("bins", [2, 3, 4, 5, 7])
def test_boundaries_are_learned_as_the_oracle_does(bins: int) -> None:
    pair = [module.Discretization(num_bins=bins) for module in BOTH]
    for layer in pair:
        layer.adapt(NUMBERS)
    np.testing.assert_allclose(pair[0].bin_boundaries, list(pair[1].bin_boundaries), rtol=1e-6)
    np.testing.assert_array_equal(pair[0](NUMBERS), pair[1](NUMBERS))
    again = layers.Discretization(num_bins=bins)
    again(NUMBERS)
    again.set_weights(pair[0].get_weights())
    np.testing.assert_array_equal(again(NUMBERS), pair[1](NUMBERS))
    assert _plain_config(layers.Discretization(num_bins=bins, name="bins")) == _plain_config(
        tf_keras.layers.Discretization(num_bins=bins, name="bins")
    )


def test_boundaries_of_many_numbers_are_exact() -> None:
    many = np.random.RandomState(1).normal(size=(5000, 1)).astype("float32")
    layer = layers.Discretization(num_bins=10)
    layer.adapt(tf.data.Dataset.from_tensor_slices(many).batch(512))
    np.testing.assert_allclose(layer.bin_boundaries, np.quantile(many, np.arange(1, 10) / 10), atol=2e-3)


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count", "int"])
@pytest.mark.parametrize("sparse", [False, True])
def test_category_encoding_is_the_oracles(mode: str, sparse: bool) -> None:
    for values in ([3, 2, 0, 1], [[0, 1], [0, 0], [1, 2], [3, 1]], [[1], [2]], 3, [[0, 5]], [[0, -1]],
                   tf.ragged.constant([[1, 2], [3]]), tf.sparse.from_dense([[1, 2], [3, 0]])):  # fmt: skip
        _same(lambda module, v=values: module.CategoryEncoding(4, mode, sparse)(v))
    weights = [[0.1, 0.2], [0.3, 0.4]]
    _same(lambda module: module.CategoryEncoding(4, mode)([[0, 1], [0, 0]], count_weights=weights))


@pytest.mark.parametrize("options", [{}, {"mask_value": ""}, {"salt": [133, 137]}, {"salt": 133}, {"salt": "salt"},
                                     {"output_mode": "one_hot"}, {"output_mode": "count"},
                                     {"output_mode": "multi_hot", "sparse": True}], ids=str)  # fmt: skip
def test_hashes_are_the_oracles(options: dict[str, Any]) -> None:
    ragged, sparse = tf.ragged.constant([["a"], ["b", "c"]]), tf.sparse.from_dense([["a", ""], ["b", "c"]])
    for values in ([["A"], ["B"], ["C"], [""]], [["A", "C"], ["B", ""]], ["A"], [1, 2, 3, 4], [[1.5]], ragged, sparse):
        _same(lambda module, v=values: module.Hashing(3, **options)(v))
    _same(lambda module: module.Hashing(3, mask_value=2)([1, 2, 3]))


def test_hashed_crosses_are_the_oracles() -> None:
    words, numbers = tf.constant(["A", "B", "A", "B", "A"]), tf.constant([101, 101, 101, 102, 102])
    for options in ({}, {"output_mode": "one_hot"}, {"output_mode": "one_hot", "sparse": True}):
        for values in ((words, numbers), (words[:, tf.newaxis], numbers[:, tf.newaxis]), (words[0], numbers[0]),
                       (words,), (numbers,) * 3, (words, tf.cast(numbers, "float32")), (np.ones((2, 2), int),) * 2,
                       (np.array(["x", "y"]), np.array([1, 2]))):  # fmt: skip
            _same(lambda module, v=values, o=options: module.HashedCrossing(5, **o)(v))


IMAGES = [
    np.random.RandomState(0).randint(0, 255, shape).astype(dtype)
    for shape in ((2, 6, 8, 3), (2, 7, 5, 3), (9, 6, 1))
    for dtype in ("uint8", "float32")
]


@pytest.mark.parametrize("size", [(3, 4), (10, 12), (10, 4), (7, 7)])
def test_resized_and_cropped_images_are_the_oracles(size: tuple[int, int]) -> None:
    for images in IMAGES:
        for interpolation in ("bilinear", "nearest", "bicubic", "area"):
            for crop in (False, True):
                _near(lambda m, i=interpolation, c=crop: m.Resizing(*size, i, c), images)
        _near(lambda module: module.CenterCrop(*size), images)
        _near(lambda module: module.RandomCrop(*size), images, training=False)
        _near(lambda module: module.Rescaling(1 / 255.0, -0.5), images)


def _near(make: Callable[[Any], Any], images: Any, **options: Any) -> None:
    ours, theirs = (make(module)(images, **options) for module in BOTH)
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomRotation", ((0.1, 0.1),)), ("RandomRotation", ((-0.3, -0.3), "constant", "nearest", None, 3.0)),
        ("RandomRotation", ((0.3, 0.3), "wrap")), ("RandomZoom", ((0.2, 0.2),)),
        ("RandomZoom", ((-0.2, -0.2), (0.3, 0.3), "nearest")), ("RandomTranslation", ((0.2, 0.2), (-0.3, -0.3))),
        ("RandomTranslation", ((0.2, 0.2), (-0.3, -0.3), "constant", "nearest", None, 9.0)),
        ("RandomHeight", ((0.3, 0.3),)), ("RandomHeight", ((-0.35, -0.35),)), ("RandomWidth", ((0.3, 0.3), "nearest")),
        ("RandomBrightness", ((0.1, 0.1),)), ("RandomBrightness", ((-0.1, -0.1), (0, 100))),
    ],
)  # fmt: skip
def test_what_is_drawn_acts_on_images_as_the_oracles(name: str, arguments: Any) -> None:
    for images in IMAGES:
        _near(lambda module: getattr(module, name)(*arguments), images, training=True)
    configs = [_plain_config(getattr(module, name)(*arguments, name="images")) for module in BOTH]
    assert configs[0] == configs[1]


RANDOM = [
    ("RandomFlip", ()), ("RandomRotation", (0.2,)), ("RandomZoom", (0.3,)), ("RandomTranslation", (0.3, 0.3)),
    ("RandomCrop", (3, 4)), ("RandomHeight", (0.5,)), ("RandomWidth", (0.5,)), ("RandomContrast", (0.5,)),
    ("RandomBrightness", (0.3,)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments"), RANDOM)
def test_draws_follow_the_seed_and_go_on(name: str, arguments: Any) -> None:
    images = IMAGES[1] * 0.5 + 60
    first, second = (getattr(layers, name)(*arguments, seed=5) for _ in range(2))
    draws = [first(images, training=True).numpy() for _ in range(6)]
    assert len({draw.tobytes() for draw in draws}) > 1
    compiled = tf.function(lambda batch: second(batch, training=True))
    for draw in draws:
        np.testing.assert_allclose(compiled(images), draw, atol=1e-3)
    calm = first(images, training=False)
    assert name == "RandomCrop" or np.array_equal(calm, images)
    assert tuple(first.compute_output_shape((None, 6, 8, 3))) == tuple(
        getattr(tf_keras.layers, name)(*arguments).compute_output_shape((None, 6, 8, 3))
    )


def test_draws_are_distributed_as_the_oracles() -> None:
    images = np.tile(IMAGES[1][:1] * 0.3 + 80, (400, 1, 1, 1))
    found = {}
    for module in BOTH:
        module_draws = [module.RandomBrightness(0.3)(images, training=True).numpy() - images]
        amounts = np.concatenate(module_draws).mean((1, 2, 3))
        flips = module.RandomFlip()(images, training=True).numpy()
        contrast = module.RandomContrast(0.5)(images, training=True).numpy()
        crops = module.RandomCrop(3, 4)(images, training=True).numpy()
        kinds = [len({image.tobytes() for image in batch}) for batch in (flips, contrast, crops)]
        found[module] = (amounts.mean(), amounts.std(), kinds)
    for mean, deviation, kinds in found.values():
        assert abs(mean) < 8 and abs(deviation - 0.3 * 255 / 3**0.5) < 4
        assert kinds == [4, 1, 1]


@pytest.mark.parametrize(
    "wrong",
    [lambda: layers.RandomFlip("diagonal"), lambda: layers.RandomRotation(-0.1), lambda: layers.RandomZoom(1.5),
     lambda: layers.RandomHeight((-2, 0.1)), lambda: layers.RandomContrast(1.5), lambda: layers.RandomBrightness(2),
     lambda: layers.RandomBrightness(0.1, (1, 2, 3)), lambda: layers.Resizing(3, 4, "cubic"),
     lambda: layers.CenterCrop(0, 4), lambda: layers.CategoryEncoding(), lambda: layers.Hashing(0)],
)  # fmt: skip
def test_wrong_arguments_are_value_errors(wrong: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="Received"):
        wrong()


def test_unknown_fill_modes_are_not_implemented() -> None:
    with pytest.raises(NotImplementedError, match="fill_mode"):
        layers.RandomRotation(0.1, "mirror")


def test_layers_work_in_datasets() -> None:
    words = layers.StringLookup(vocabulary=["a", "b"])
    texts = layers.TextVectorization(output_sequence_length=3)
    texts.adapt(TEXTS)
    flip = layers.RandomFlip(seed=1)
    found = list(tf.data.Dataset.from_tensor_slices([["a", "z"]]).map(words).as_numpy_iterator())
    np.testing.assert_array_equal(found, [[1, 0]])
    batches = tf.data.Dataset.from_tensor_slices(TEXTS).batch(2).map(texts)
    np.testing.assert_array_equal(np.concatenate(list(batches.as_numpy_iterator())), texts(TEXTS))
    images = tf.data.Dataset.from_tensor_slices(IMAGES[1]).repeat(8).map(lambda image: flip(image, training=True))
    assert len({image.tobytes() for image in images.as_numpy_iterator()}) > 2


def test_a_model_of_text_learns_and_is_rebuilt() -> None:
    vectorize = layers.TextVectorization(output_sequence_length=4)
    vectorize.adapt(TEXTS)
    text = layers.Input((1,), dtype="string")
    embedded = layers.Embedding(vectorize.vocabulary_size(), 4, mask_zero=True)(vectorize(text))
    model = Model(text, layers.Dense(1)(layers.GlobalAveragePooling1D()(embedded)))
    model.compile("adam", "mse", jit_compile=False)
    x, y = tf.constant(TEXTS * 4)[:, tf.newaxis], np.arange(16.0)
    history = model.fit(x, y, epochs=3, batch_size=8, verbose=0).history["loss"]
    assert history[-1] < history[0]
    again = Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)


def test_a_model_of_images_is_augmented_in_training_only() -> None:
    model = Sequential([layers.Rescaling(1 / 255.0), layers.RandomFlip(seed=1), layers.RandomRotation(0.1, seed=1)])
    np.testing.assert_allclose(model.predict(IMAGES[1], verbose=0), IMAGES[1] / 255, rtol=1e-6)
    assert not np.allclose(model(IMAGES[1], training=True), IMAGES[1] / 255)


def test_a_new_vocabulary_reaches_models_and_compiled_functions() -> None:
    words = layers.StringLookup(vocabulary=["a", "b"])
    text = layers.Input((1,), dtype="string")
    model = Model(text, words(text))
    compiled = tf.function(model)
    np.testing.assert_array_equal(compiled(tf.constant([["b"]])), [[2]])
    words.set_vocabulary(["b", "a"])
    np.testing.assert_array_equal(compiled(tf.constant([["b"]])), [[1]])


def test_the_earlier_names_are_the_same_classes() -> None:
    assert layers.experimental.preprocessing is preprocessing
    for name in preprocessing.__all__:
        assert name == "PreprocessingLayer" or getattr(preprocessing, name) is getattr(layers, name)
    theirs = {name for name in dir(tf_keras.layers.experimental.preprocessing) if name[0].isupper()}
    assert set(preprocessing.__all__) == theirs
    assert layers.experimental.EinsumDense is layers.EinsumDense


def test_output_signatures_are_known() -> None:
    text, number = tf.TensorSpec((None, 2), tf.string), tf.TensorSpec((None, 2))
    words = layers.StringLookup(vocabulary=["a"])
    assert words.compute_output_signature(text) == tf.TensorSpec((None, 2), tf.int64)
    counts = layers.TextVectorization(vocabulary=["a", "b"], output_mode="count")
    assert counts.compute_output_signature(tf.TensorSpec((None, 1), tf.string)) == tf.TensorSpec((None, 3), tf.float32)
    assert layers.Normalization().compute_output_signature(number) == number
    crossed = layers.HashedCrossing(5).compute_output_signature([tf.TensorSpec((None, 1), tf.string)] * 2)
    assert crossed == tf.TensorSpec((None, 1), tf.int64)


@pytest.mark.parametrize("mode", ["binary", "tf-idf"])
def test_output_modes_by_their_names_in_the_experimental_layers(mode):
    for name, data in (("TextVectorization", ["a b", "a q q"]), ("StringLookup", [["a", "b"], ["q", "q"]])):
        ours, theirs = (
            getattr(k, name)(
                vocabulary=["a", "b"], output_mode=mode, idf_weights=[1.0, 2.0] if mode == "tf-idf" else None
            )
            for k in (layers, tf_keras.layers)
        )
        assert ours.get_config()["output_mode"] == theirs.get_config()["output_mode"]
        np.testing.assert_allclose(ours(tf.constant(data)), theirs(tf.constant(data)))


def test_arguments_by_their_names_in_the_experimental_layers():
    assert layers.CategoryEncoding(max_tokens=3, output_mode="binary").num_tokens == 3
    lookup = layers.IntegerLookup(vocabulary=[5], mask_value=0, oov_value=-2)
    assert (lookup.mask_token, lookup.oov_token) == (0, -2)
    np.testing.assert_array_equal(lookup(tf.constant([0, 5, 7])), [0, 2, 1])
