"""RMSprop without momentum lends the fused kernel a work space, which must never be felt."""

import numpy as np

import kerasish as keras

X, Y = np.random.RandomState(0).rand(24, 3).astype("float32"), np.arange(24.0, dtype="float32")


def trained_after(spoil):
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(4, input_shape=(3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.RMSprop(0.01), "mse")
    model.fit(X, Y, shuffle=False, verbose=0)
    weights, state = model.get_weights(), model.optimizer.get_weights()
    if spoil:
        model.fit(X * np.nan, Y, shuffle=False, verbose=0)
        assert not np.isfinite(model.get_weights()[0]).any()
        model.set_weights(weights)
        model.optimizer.set_weights(state)
    history = model.fit(X, Y, epochs=3, batch_size=8, shuffle=False, verbose=0)
    return history.history["loss"], model.get_weights()


def test_weights_that_were_not_finite_leave_no_trace():
    losses, weights = trained_after(spoil=True)
    expected_losses, expected_weights = trained_after(spoil=False)
    assert losses == expected_losses
    for weight, expected in zip(weights, expected_weights, strict=True):
        np.testing.assert_array_equal(weight, expected)
