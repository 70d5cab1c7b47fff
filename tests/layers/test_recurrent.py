"""Recurrent layers beyond the contract of all: states, masks, batches that follow one another, directions, dropout."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from kerasish import layers
from kerasish.core import settings
from kerasish.models import Model, Sequential
from kerasish.optimizers import Adam

_KERAS = tf_keras.layers


def _normal(*shape: int) -> np.ndarray:
    return np.random.RandomState(sum(shape)).normal(size=shape).astype("float32")


X, H, C = _normal(4, 5, 3), _normal(4, 2), _normal(4, 2) * 0.5
MASK = np.array([[1, 1, 1, 1, 1], [0, 0, 1, 1, 0], [0, 0, 0, 0, 0], [1, 0, 1, 0, 1]], bool)
OPTIONS = [
    {},
    {"return_sequences": True, "return_state": True},
    {"return_sequences": True, "zero_output_for_mask": True, "go_backwards": True},
    {"return_sequences": True, "time_major": True},
]
MAKERS = {
    "SimpleRNN": lambda keras, **options: keras.SimpleRNN(2, **options),
    "GRU": lambda keras, **options: keras.GRU(2, **options),
    "GRU before": lambda keras, **options: keras.GRU(2, reset_after=False, **options),
    "LSTM": lambda keras, **options: keras.LSTM(2, **options),
    "LSTM relu": lambda keras, **options: keras.LSTM(2, "relu", **options),
    "RNN": lambda keras, **options: keras.RNN([keras.LSTMCell(3), keras.GRUCell(2)], **options),
}


def _pair(make: Any, x: Any = X) -> tuple[Any, Any]:
    """Our layer and the oracle's, with the same weights."""
    tf_keras.backend.reset_uids()
    ours, theirs = make(layers), make(_KERAS)
    ours(x), theirs(x)
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def _close(ours: Any, theirs: Any) -> None:
    ours, theirs = tf.nest.flatten(ours), tf.nest.flatten(theirs)
    assert len(ours) == len(theirs)
    for value, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)


def _gradients(layer: Any, x: Any, **call: Any) -> Any:
    sources = [x, *tf.nest.flatten(call.get("initial_state", [])), *layer.trainable_weights]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        outputs = tf.nest.flatten(layer(x, **call))
        loss = tf.add_n([tf.reduce_sum(tf.sin(part) * (1.0 + place)) for place, part in enumerate(outputs)])
    return outputs, tape.gradient(loss, sources)


# Numbers of the oracle.


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "plain")
@pytest.mark.parametrize("name", MAKERS)
def test_masked_outputs_states_and_gradients_are_the_oracles(name: str, options: dict[str, Any]) -> None:
    ours, theirs = _pair(lambda keras: MAKERS[name](keras, **options))
    assert [weight.name for weight in ours.weights] == [weight.name for weight in theirs.weights]
    mask, x = tf.constant(MASK), tf.constant(X)
    for given in (None, mask):
        _close(_gradients(ours, x, mask=given), _gradients(theirs, x, mask=given))


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM", "LSTM relu"])
def test_states_given_by_the_caller_are_used_and_get_gradients(name: str) -> None:
    ours, theirs = _pair(lambda keras: MAKERS[name](keras, return_sequences=True, return_state=True))
    states = [tf.constant(H), tf.constant(C)][: 2 if "LSTM" in name else 1]
    mask = tf.constant(MASK)
    _close(
        tf.function(_gradients)(ours, tf.constant(X), initial_state=states, mask=mask),
        _gradients(theirs, tf.constant(X), initial_state=states, mask=mask),
    )


@pytest.mark.parametrize(("rows", "steps"), [(4, 1), (4, 5), (4, 7), (4, 10), (4, 13), (1, 7), (17, 7), (32, 10)])
@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_graphs_of_known_and_of_open_lengths_give_the_oracles_numbers(name: str, rows: int, steps: int) -> None:
    x, mask = tf.constant(_normal(rows, steps, 3)), tf.constant(_normal(rows, steps) > -0.5)
    for options in ({}, {"return_sequences": True, "return_state": True}):
        ours, theirs = _pair(lambda keras, options=options: MAKERS[name](keras, **options))
        for masks in ([], [mask]):
            graph = tf.function(lambda x, *masks, ours=ours: _gradients(ours, x, mask=masks[0] if masks else None))
            opened = [tf.TensorSpec([None, None, 3]), *(tf.TensorSpec([None, None], tf.bool) for _ in masks)]
            expected = _gradients(theirs, x, mask=masks[0] if masks else None)
            _close(graph.get_concrete_function(x, *masks)(x, *masks), expected)
            _close(graph.get_concrete_function(*opened)(x, *masks), expected)


@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_gradients_in_half_precision_do_not_lose_small_parts_of_long_sequences(name: str) -> None:
    x = tf.constant(_normal(2, 300, 3))
    half = MAKERS[name](layers, dtype="mixed_bfloat16")
    single = MAKERS[name](layers)
    half(x), single(x)
    single.set_weights(half.get_weights())
    found, expected = _gradients(half, x)[1][1:], _gradients(single, x)[1][1:]
    for value, true in zip(found, expected, strict=True):
        assert np.abs(value - true).max() < 0.05 * np.abs(true).max()


@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_the_gradient_by_hand_has_a_gradient(name: str) -> None:
    def penalty(layer: Any) -> Any:
        x = tf.constant(X)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                loss = tf.reduce_sum(layer(x) ** 2)
            slope = tf.reduce_sum(inner.gradient(loss, x) ** 2)
        return outer.gradient(slope, layer.trainable_weights)

    ours, theirs = _pair(lambda keras: MAKERS[name](keras))
    reference = _KERAS.RNN(theirs.cell)
    expected = penalty(reference)
    _close(penalty(ours), expected)
    _close(tf.function(penalty)(ours), expected)


def test_ragged_sequences_are_as_long_as_they_are() -> None:
    ragged = tf.RaggedTensor.from_tensor(X, lengths=[5, 2, 1, 3])
    ours, theirs = _pair(lambda keras: keras.LSTM(2, return_sequences=True))
    found, expected = ours(ragged), theirs(ragged)
    np.testing.assert_array_equal(found.row_lengths(), expected.row_lengths())
    _close(found.flat_values, expected.flat_values)
    with pytest.raises(ValueError, match="mask"):
        ours(ragged, mask=tf.constant(MASK))


# Cells.


def test_a_cell_is_called_with_and_without_a_list_of_states() -> None:
    tf_keras.backend.reset_uids()
    for kind in ("SimpleRNNCell", "GRUCell", "LSTMCell"):
        ours, theirs = getattr(layers, kind)(2), getattr(_KERAS, kind)(2)
        states = [tf.constant(H), tf.constant(C)][: 2 if kind == "LSTMCell" else 1]
        theirs(X[:, 0], states), ours(X[:, 0], states)
        theirs.set_weights(ours.get_weights())
        assert [weight.name for weight in ours.weights] == [weight.name for weight in theirs.weights]
        _close(ours(X[:, 0], states), theirs(X[:, 0], states))
        assert ours.get_config().keys() == theirs.get_config().keys()
        assert ours.state_size == theirs.state_size and ours.output_size == theirs.output_size
        _close(ours.get_initial_state(batch_size=3, dtype="float32"), theirs.get_initial_state(None, 3, "float32"))
    output, state = layers.GRUCell(2)(X[:, 0], tf.constant(H))
    assert output is state


def test_a_users_cell_with_nested_states_runs_and_is_rebuilt() -> None:
    class Counting(layers.AbstractRNNCell):
        state_size = [2, tf.TensorShape([2, 3])]
        output_size = 3

        def call(self, inputs: Any, states: Any) -> Any:
            total, outer = states
            return inputs + tf.reduce_sum(total, 1, keepdims=True), [total + 1.0, outer + inputs[:, None, :]]

    layer = layers.RNN(Counting(), return_sequences=True, return_state=True)
    outputs, total, outer = tf.function(layer)(tf.constant(X))
    _close(outputs, X + 2.0 * np.arange(5, dtype="float32")[:, None])
    _close([total, outer[:, 1]], [np.full((4, 2), 5.0), X.sum(1)])
    again = layers.RNN.from_config(layer.get_config(), custom_objects={"Counting": Counting})
    _close(again(X), [outputs, total, outer])


def test_constants_reach_every_step_and_survive_the_configuration() -> None:
    class Scaled(layers.Layer):
        state_size = 3

        def call(self, inputs: Any, states: Any, constants: Any) -> Any:
            return inputs * constants[0] + states[0], [states[0] + inputs]

    inputs, factor = layers.Input((5, 3)), layers.Input((3,))
    with_factor = layers.RNN(Scaled(), return_sequences=True)
    model = Model([inputs, factor], with_factor(inputs, constants=factor))
    scale = _normal(4, 3)
    expected = X * scale[:, None] + np.concatenate([np.zeros((4, 1, 3)), np.cumsum(X, 1)[:, :-1]], 1)
    _close(model([X, scale]), expected)
    _close(with_factor(tf.constant(X), constants=tf.constant(scale)), expected)
    config = json.loads(json.dumps(model.get_config()))
    assert config["layers"][-1]["config"]["num_constants"] == 1
    _close(Model.from_config(config, {"Scaled": Scaled})([X, scale]), expected)


def test_stacked_cells_take_arguments_of_every_kind() -> None:
    ours, theirs = _pair(lambda keras: keras.RNN([keras.GRUCell(2), keras.LSTMCell(3)], return_state=True))
    assert tf.nest.map_structure(int, ours.cell.state_size) == (2, [3, 3])
    _close(ours(X), theirs(X))
    assert [tuple(shape) for shape in ours.compute_output_shape((4, 5, 3))] == [(4, 3), (4, 2), (4, 3), (4, 3)]
    backwards = layers.StackedRNNCells([layers.GRUCell(2), layers.LSTMCell(3)], reverse_state_order=True)
    assert backwards.state_size == ([3, 3], 2)
    with pytest.raises(ValueError, match="state_size"):
        layers.RNN([layers.Dense(2)])
    with pytest.raises(ValueError, match="call"):
        layers.RNN(3)


# Models.


@pytest.mark.parametrize("kind", ["LSTM", "Bidirectional"])
def test_symbolic_states_are_written_as_the_oracle_writes_them(kind: str) -> None:
    def build(keras: Any, model: Any) -> Any:
        inputs, h, c = keras.Input((5, 3), name="x"), keras.Input((2,), name="h"), keras.Input((2,), name="c")
        layer = keras.LSTM(2, name="a") if kind == "LSTM" else keras.Bidirectional(keras.GRU(2), name="a")
        return model([inputs, h, c], layer(inputs, initial_state=[h, c]))

    ours, theirs = build(layers, Model), build(_KERAS, tf_keras.Model)
    theirs.set_weights(ours.get_weights())
    expected = theirs([X, H, C])
    _close(ours([X, H, C]), expected)
    again = Model.from_config(json.loads(json.dumps(ours.get_config())))
    again.set_weights(ours.get_weights())
    _close(again([X, H, C]), expected)
    read = tf_keras.Model.from_config(json.loads(json.dumps(ours.get_config())))
    read.set_weights(ours.get_weights())
    _close(read([X, H, C]), expected)
    theirs_here = Model.from_config(json.loads(json.dumps(theirs.get_config())))
    theirs_here.set_weights(ours.get_weights())
    _close(theirs_here([X, H, C]), expected)


def test_an_encoder_hands_its_states_to_a_decoder() -> None:
    source, target = layers.Input((None, 3)), layers.Input((None, 3))
    _, h, c = layers.LSTM(4, return_state=True)(source)
    decoded, _, _ = layers.LSTM(4, return_sequences=True, return_state=True)(target, initial_state=[h, c])
    model = Model([source, target], layers.Dense(3)(decoded))
    model.compile("adam", "mse")
    history = model.fit([X, X], X, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    again = Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    _close(again.predict([X, X], verbose=0), model.predict([X, X], verbose=0))


def test_a_masked_bidirectional_text_model_trains_as_the_oracles() -> None:
    random = np.random.RandomState(0)
    words = random.randint(1, 20, (64, 5)) * (np.arange(5) < random.randint(1, 6, (64, 1)))
    labels = (words.sum(1) % 2).astype("float32")

    def build(keras: Any, sequential: Any, optimizer: Any) -> Any:
        model = sequential(
            [
                keras.Embedding(20, 6, mask_zero=True),
                keras.Bidirectional(keras.LSTM(4)),
                keras.Dense(1, "sigmoid"),
            ]
        )
        model.compile(optimizer, "binary_crossentropy", run_eagerly=keras is _KERAS)
        model.build((None, 5))
        return model

    ours = build(layers, Sequential, Adam(0.01))
    theirs = build(_KERAS, tf_keras.Sequential, tf_keras.optimizers.Adam(0.01))
    assert [tuple(weight.shape) for weight in ours.weights] == [tuple(weight.shape) for weight in theirs.weights]
    theirs.set_weights(ours.get_weights())
    for start in range(30):
        rows = np.arange(start, start + 16) % 64
        loss, expected = (model.train_on_batch(words[rows], labels[rows]) for model in (ours, theirs))
        assert abs(loss - expected) < 1e-4
    _close(ours(words), theirs(words))


# States from batch to batch.


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM", "RNN"])
def test_a_stateful_layer_goes_on_where_it_was(name: str) -> None:
    ours, theirs = _pair(lambda keras: MAKERS[name](keras, stateful=True))
    assert len(ours.weights) == len(theirs.weights)
    ours.reset_states(), theirs.reset_states()
    for _ in range(3):
        _close(ours(X), theirs(X))
    _close(ours.states, theirs.states)
    ours.reset_states()
    assert all(not np.any(state) for state in tf.nest.flatten(ours.states))
    whole = MAKERS[name](layers)
    whole(X)
    whole.set_weights(ours.get_weights())
    ours(X[:, :2])
    _close(ours(X[:, 2:]), whole(X))


def test_a_stateful_model_is_trained_in_order_and_reset() -> None:
    def build(keras: Any, sequential: Any) -> Any:
        model = sequential([keras.LSTM(3, stateful=True, batch_input_shape=(4, 5, 3)), keras.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=keras is _KERAS)
        return model

    x, y = _normal(12, 5, 3), _normal(12, 1)
    ours, theirs = build(layers, Sequential), build(_KERAS, tf_keras.Sequential)
    theirs.set_weights(ours.get_weights())
    for _ in range(2):
        losses = [
            model.fit(x, y, batch_size=4, shuffle=False, epochs=2, verbose=0).history["loss"]
            for model in (ours, theirs)
        ]
        _close(losses[0], losses[1])
        ours.reset_states(), theirs.reset_states()
    _close(ours.predict(x, batch_size=4, verbose=0), np.concatenate([theirs(x[rows : rows + 4]) for rows in (0, 4, 8)]))


def test_states_are_set_to_given_arrays_of_the_right_shape() -> None:
    layer = layers.LSTM(2, stateful=True)
    with pytest.raises(ValueError, match="batch size"):
        layer(layers.Input((5, 3)))
    layer = layers.LSTM(2, stateful=True)
    assert layer.states == [None, None]
    layer(X)
    layer.reset_states([H, C])
    _close(layer.states, [H, C])
    with pytest.raises(ValueError, match="Received: 1 arrays"):
        layer.reset_states([H])
    with pytest.raises(ValueError, match=r"shape \(4, 2\)"):
        layer.reset_states([H, _normal(4, 3)])
    with pytest.raises(AttributeError, match="stateful=True"):
        layers.LSTM(2).reset_states()


def test_another_batch_size_is_refused_by_a_stateful_layer() -> None:
    model = Sequential([layers.GRU(2, stateful=True, batch_input_shape=(4, 5, 3))])
    assert model(X).shape == (4, 2)
    with pytest.raises(ValueError, match="batches of 4(.|\n)*batch of 3"):
        model(X[:3])
    model.compile("sgd", "mse")
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="batches of 4"):
        model.predict(_normal(7, 5, 3), batch_size=4, verbose=0)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="batches of 4"):
        model.fit(_normal(7, 5, 3), _normal(7, 2), batch_size=4, verbose=0)


# Bidirectional and TimeDistributed.


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave", None])
@pytest.mark.parametrize("sequences", [False, True])
def test_both_directions_are_merged_as_the_oracle_does(merge_mode: str | None, sequences: bool) -> None:
    def make(keras: Any) -> Any:
        inner = keras.LSTM(2, return_sequences=sequences, return_state=True)
        return keras.Bidirectional(inner, merge_mode=merge_mode)

    ours, theirs = _pair(make)
    assert [weight.name for weight in ours.weights] == [weight.name for weight in theirs.weights]
    for mask in (None, tf.constant(MASK)):
        found, expected = ours(tf.constant(X), mask=mask), theirs(tf.constant(X), mask=mask)
        _close(found, expected)
    states = [tf.constant(state) for state in (H, C, C, H)]
    _close(ours(X, initial_state=states), theirs(X, initial_state=states))
    shapes = [tuple(shape) for shape in ours.compute_output_shape((4, 5, 3))]
    assert shapes == [tuple(value.shape) for value in found]
    masks = ours.compute_mask(X, tf.constant(MASK))
    assert [one is None for one in masks] == [one is None for one in theirs.compute_mask(X, tf.constant(MASK))]


def test_both_directions_keep_states_and_are_reset() -> None:
    ours, theirs = _pair(lambda keras: keras.Bidirectional(keras.GRU(2, stateful=True)))
    ours.reset_states(), theirs.reset_states()
    for _ in range(2):
        _close(ours(X), theirs(X))
    with pytest.raises(ValueError, match="first"):
        ours(X, initial_state=[H])


def test_two_directions_must_match() -> None:
    with pytest.raises(ValueError, match="merge_mode='both'"):
        layers.Bidirectional(layers.GRU(2), merge_mode="both")
    with pytest.raises(ValueError, match="opposite"):
        layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2))
    other = layers.GRU(2, go_backwards=True, return_sequences=True)
    with pytest.raises(ValueError, match="return_sequences"):
        layers.Bidirectional(layers.GRU(2), backward_layer=other)
    with pytest.raises(ValueError, match="recurrent layer"):
        layers.Bidirectional(layers.Dense(2))


def test_words_of_sentences_are_read_within_and_across() -> None:
    words = np.random.RandomState(0).randint(0, 4, (2, 2, 3))

    def build(keras: Any, model: Any) -> Any:
        inputs = keras.Input((2, 3))
        vectors = keras.TimeDistributed(keras.Embedding(4, 3, mask_zero=True))(inputs)
        sentences = keras.TimeDistributed(keras.Bidirectional(keras.LSTM(2)))(vectors)
        return model(inputs, keras.GRU(2)(sentences))

    ours, theirs = build(layers, Model), build(_KERAS, tf_keras.Model)
    theirs.set_weights(ours.get_weights())
    _close(ours(words), theirs(words))
    again = Model.from_config(json.loads(json.dumps(ours.get_config())))
    again.set_weights(ours.get_weights())
    _close(again(words), ours(words))


def test_each_step_goes_through_layers_of_many_kinds() -> None:
    film = _normal(2, 3, 6, 5, 2)
    ours, theirs = _pair(lambda keras: keras.TimeDistributed(keras.Conv2D(3, 2)), film)
    _close(ours(film), theirs(film))
    assert tuple(ours.compute_output_shape((None, 3, 6, 5, 2))) == (None, 3, 5, 4, 3)
    both = layers.TimeDistributed(layers.Concatenate())([X, X])
    _close(both, np.concatenate([X, X], -1))
    states = layers.TimeDistributed(layers.GRU(2, return_state=True))(_normal(2, 3, 5, 4))
    assert [tuple(state.shape) for state in states] == [(2, 3, 2)] * 2
    with pytest.raises(ValueError, match="at least 3 axes"):
        layers.TimeDistributed(layers.Dense(2))(_normal(2, 3))


# Dropout.


@pytest.mark.parametrize("kind", ["SimpleRNN", "GRU", "LSTM"])
@pytest.mark.parametrize("rates", [(0.5, 0.0), (0.0, 0.5), (0.3, 0.3)])
def test_dropout_draws_in_training_only_and_once_for_a_sequence(kind: str, rates: tuple[float, float]) -> None:
    layer = getattr(layers, kind)(2, dropout=rates[0], recurrent_dropout=rates[1], seed=3)
    plain = getattr(layers, kind)(2)
    plain(X), layer(X)
    plain.set_weights(layer.get_weights())
    _close(layer(X), plain(X))
    results = [np.asarray(layer(X, training=True)) for _ in range(4)]
    assert any(not np.allclose(results[0], result) for result in results[1:])
    compiled = tf.function(layer)
    results = [np.asarray(compiled(X, training=True)) for _ in range(4)]
    assert any(not np.allclose(results[0], result) for result in results[1:])
    theirs = getattr(_KERAS, kind)(2, dropout=rates[0], recurrent_dropout=rates[1])
    assert layer.get_config().keys() == theirs.get_config().keys()
    assert getattr(layer, "implementation", None) == getattr(theirs, "implementation", None)


def test_inputs_are_dropped_with_the_given_chance_and_alike_in_every_step() -> None:
    layer = layers.SimpleRNN(1, "linear", dropout=0.25, kernel_initializer="ones", return_sequences=True)
    layer(np.ones((2000, 3, 1), "float32"))
    layer.set_weights([np.ones((1, 1)), np.zeros((1, 1)), np.zeros(1)])
    outputs = layer(tf.ones((2000, 3, 1)), training=True).numpy()
    assert (outputs == outputs[:, :1]).all()
    assert abs((outputs[:, 0] == 0).mean() - 0.25) < 0.04
    np.testing.assert_allclose(outputs[outputs != 0], 1 / 0.75, rtol=1e-6)


def test_cells_draw_once_for_a_sequence_inside_a_stack_too() -> None:
    cells = [layers.GRUCell(2, dropout=0.4, recurrent_dropout=0.4), layers.LSTMCell(2, dropout=0.4)]
    model = Sequential([layers.RNN(cells), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, H[:, :1], epochs=2, verbose=0)
    drawn = [np.asarray(model(X, training=True)) for _ in range(4)]
    assert any(not np.allclose(drawn[0], other) for other in drawn[1:])
    cell = layers.GRUCell(2, dropout=0.4)
    masks = [cell.get_dropout_mask_for_cell(tf.ones((9, 9)), True)[0] for _ in range(2)]
    assert masks[0] is masks[1]
    cell.reset_dropout_mask()
    assert not np.array_equal(cell.get_dropout_mask_for_cell(tf.ones((9, 9)), True)[0], masks[0])


# Arguments.


def test_unknown_lengths_are_not_unrolled() -> None:
    with pytest.raises(ValueError, match="[Uu]nroll"):
        layers.LSTM(2, unroll=True)(layers.Input((None, 3)))


def test_states_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="2 state"):
        layers.LSTM(2)(X, initial_state=[tf.constant(H)])
    with pytest.raises(ValueError, match="initial_state"):
        layers.GRU(3)(X, initial_state=tf.constant(H))


def test_computations_run_in_double_precision() -> None:
    settings.set_floatx("float64")
    assert layers.LSTM(2)(X.astype("float64")).dtype == tf.float64
