"""One row for each layer: how it is made, what it is called on, and what it declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from kerasish import activations, constraints, initializers, layers, regularizers

BATCH = 4


@dataclass(frozen=True)
class Values:
    """An input: shape with the batch, dtype, and for integers the number of different ones."""

    shape: tuple[int, ...]
    dtype: str
    different: int = 0

    def array(self, seed: int = 0) -> np.ndarray:
        random = np.random.RandomState(seed + sum(self.shape))
        if self.different:
            return random.randint(0, self.different, self.shape).astype(self.dtype)
        return random.normal(size=self.shape).astype(self.dtype)


def float32(*shape: int) -> Values:
    return Values(shape, "float32")


def int32(different: int, *shape: int) -> Values:
    return Values(shape, "int32", different)


@dataclass(frozen=True)
class Case:
    """What one layer promises.

    Attributes:
        make: makes the layer.
        inputs: the input, or several for a layer that takes a list.
        random: training draws random numbers (the layer has a fixed seed).
        mask: what becomes of the mask `(batch, time)` of the input: "kept", "dropped", "made" (by the layer itself),
            "joined", "elementwise" (it needs one of the input's shape).
        theirs: makes the oracle's layer; None: it is made from our configuration.
        note: what distinguishes the case among those of the layer.
        rows: whether, outside training, the output of a row depends on that row only.
    """

    make: Callable[[], Any]
    inputs: Values | tuple[Values, ...]
    random: bool = False
    mask: str = "dropped"
    theirs: Callable[[Any], Any] | None = None
    rows: bool = True
    note: str = ""

    @property
    def several(self) -> bool:
        return isinstance(self.inputs, tuple)

    @property
    def values(self) -> tuple[Values, ...]:
        return self.inputs if isinstance(self.inputs, tuple) else (self.inputs,)


_SERIES, _IMAGE, _VOLUME = float32(BATCH, 6, 4), float32(BATCH, 6, 5, 4), float32(BATCH, 4, 5, 6, 4)
_VECTOR, _INDICES, _PAIR = float32(BATCH, 5), int32(7, BATCH, 5), (float32(BATCH, 3, 4), float32(BATCH, 3, 4))
_TENSORS = (float32(BATCH, 2, 5, 3), float32(BATCH, 5, 4))

CASES = [
    Case(lambda: layers.Dense(3), _VECTOR, mask="kept"),
    Case(lambda: layers.Dense(3, "relu"), _SERIES, mask="kept", note="of series"),
    Case(lambda: layers.Dense(2, use_bias=False), _IMAGE, mask="kept", note="of images"),
    Case(
        lambda: layers.Dense(
            3,
            "tanh",
            kernel_initializer=initializers.Orthogonal(seed=1),
            kernel_regularizer=regularizers.L2(0.1),
            bias_regularizer="l1",
            activity_regularizer=regularizers.L1L2(0.1, 0.2),
            kernel_constraint=constraints.MaxNorm(1),
        ),
        _VECTOR,
        mask="kept",
        note="regularized",
    ),
    Case(lambda: layers.Activation("tanh"), _VECTOR, mask="kept"),
    Case(lambda: layers.Activation("softmax"), _VECTOR, mask="kept", note="softmax"),
    Case(lambda: layers.ReLU(), _SERIES, mask="kept"),
    Case(lambda: layers.ReLU(6.0, 0.1, 0.2), _SERIES, mask="kept", note="bounded"),
    Case(lambda: layers.LeakyReLU(), _SERIES, mask="kept"),
    Case(lambda: layers.ELU(0.7), _SERIES, mask="kept"),
    Case(lambda: layers.ThresholdedReLU(0.5), _SERIES, mask="kept"),
    Case(lambda: layers.PReLU(), _SERIES, mask="kept"),
    Case(lambda: layers.PReLU(shared_axes=[1, 2]), _IMAGE, mask="kept", note="shared"),
    Case(lambda: layers.Softmax(), _VECTOR, mask="kept"),
    Case(lambda: layers.Softmax(axis=[1, 2]), _SERIES, mask="elementwise", note="of two axes"),
    Case(lambda: layers.Flatten(), _IMAGE),
    Case(lambda: layers.Flatten(), float32(BATCH), note="of numbers"),
    Case(lambda: layers.Flatten("channels_first"), _IMAGE, note="channels first"),
    Case(lambda: layers.Reshape((3, -1)), _SERIES),
    Case(lambda: layers.Permute((2, 1)), _SERIES),
    Case(lambda: layers.RepeatVector(3), _VECTOR),
    Case(lambda: layers.Dropout(0.4, seed=3), _VECTOR, random=True, mask="kept"),
    Case(lambda: layers.Dropout(0.4, (None, 1, None), seed=3), _SERIES, random=True, mask="kept", note="by shape"),
    Case(lambda: layers.Dropout(0), _VECTOR, mask="kept", note="of nothing"),
    Case(lambda: layers.SpatialDropout1D(0.4, seed=3), _SERIES, random=True, mask="kept"),
    Case(lambda: layers.SpatialDropout2D(0.4, seed=3), _IMAGE, random=True, mask="kept"),
    Case(lambda: layers.SpatialDropout3D(0.4, seed=3), _VOLUME, random=True, mask="kept"),
    Case(lambda: layers.GaussianNoise(0.4, seed=3), _VECTOR, random=True, mask="kept"),
    Case(lambda: layers.GaussianDropout(0.4, seed=3), _VECTOR, random=True, mask="kept"),
    Case(lambda: layers.AlphaDropout(0.4, seed=3), _VECTOR, random=True, mask="kept"),
    Case(lambda: layers.ActivityRegularization(0.1, 0.2), _VECTOR, mask="kept"),
    Case(lambda: layers.BatchNormalization(), _VECTOR, mask="kept"),
    Case(lambda: layers.BatchNormalization(momentum=0.5, scale=False), _SERIES, mask="kept", note="of series"),
    Case(lambda: layers.BatchNormalization(axis=1), _SERIES, note="along time", mask="kept"),
    Case(lambda: layers.BatchNormalization(epsilon=1e-7), _IMAGE, note="fused", mask="kept"),
    Case(lambda: layers.BatchNormalization(axis=1, center=False), _IMAGE, note="fused, first", mask="kept"),
    Case(lambda: layers.BatchNormalization(), _VOLUME, note="of volumes", mask="kept"),
    Case(lambda: layers.BatchNormalization(axis=[1, 3]), _IMAGE, note="of two axes", mask="kept"),
    Case(lambda: layers.BatchNormalization(renorm=True, renorm_momentum=0.7), _VECTOR, note="renorm", mask="kept"),
    Case(
        lambda: layers.BatchNormalization(
            1, 0.9, renorm=True, renorm_clipping={"rmax": 1.1, "rmin": 0.9, "dmax": 0.1}, scale=False
        ),
        _IMAGE,
        mask="kept",
        note="renorm, clipped",
    ),
    Case(lambda: layers.BatchNormalization([1, 3], renorm=True), _IMAGE, note="renorm of two axes", mask="kept"),
    Case(lambda: layers.experimental.SyncBatchNormalization(momentum=0.5), _IMAGE, mask="kept"),
    Case(lambda: layers.BatchNormalization(synchronized=True, name="together"), _IMAGE, note="synchronized",
         mask="kept", theirs=lambda keras: keras.BatchNormalization(synchronized=True, name="together")),
    Case(lambda: layers.LayerNormalization(), _SERIES, mask="kept"),
    Case(lambda: layers.LayerNormalization(axis=[1, 2], epsilon=1e-6), _SERIES, mask="kept", note="of two axes"),
    Case(lambda: layers.LayerNormalization(center=False, gamma_initializer="zeros"), _VECTOR, mask="kept",
         note="without centre"),
    Case(lambda: layers.LayerNormalization(axis=1, scale=False), _IMAGE, mask="kept", note="along height"),
    Case(lambda: layers.Embedding(7, 3), _INDICES),
    Case(lambda: layers.Embedding(7, 3, mask_zero=True, input_length=5), _INDICES, mask="made", note="masked"),
    Case(
        lambda: layers.Embedding(7, 3, "ones", "l2", embeddings_constraint="unit_norm"), int32(7, BATCH, 2, 3),
        note="of tables",
    ),
    Case(lambda: layers.Lambda(lambda x: x * 2.0), _SERIES, theirs=lambda keras: keras.Lambda(lambda x: x * 2.0)),
    Case(lambda: layers.Lambda(activations.relu), _SERIES, theirs=lambda keras: keras.Lambda(tf.nn.relu), note="named"),
    Case(lambda: layers.Masking(0.5), _SERIES, mask="made"),
    Case(lambda: layers.Conv1D(3, 2), _SERIES),
    Case(lambda: layers.Conv1D(3, 2, strides=2, padding="same", activation="relu"), _SERIES, note="strided"),
    Case(lambda: layers.Conv1D(3, 3, padding="causal", dilation_rate=2), _SERIES, note="causal"),
    Case(lambda: layers.Conv1D(3, 3, data_format="channels_first"), _SERIES, note="channels first"),
    Case(lambda: layers.Conv2D(3, 2), _IMAGE),
    Case(lambda: layers.Conv2D(3, 2), float32(BATCH, 2, 6, 5, 4), note="of films"),
    Case(lambda: layers.Conv2D(6, (2, 3), (2, 1), "same", groups=2, use_bias=False), _IMAGE, note="grouped"),
    Case(lambda: layers.Conv2D(3, 2, dilation_rate=2, activation="elu"), _IMAGE, note="dilated"),
    Case(lambda: layers.Conv2D(4, 3, data_format="channels_first", strides=2), _IMAGE, note="channels first"),
    Case(lambda: layers.Conv3D(3, 2), _VOLUME),
    Case(lambda: layers.Conv3D(4, 2, (1, 2, 1), "same", groups=2), _VOLUME, note="grouped"),
    Case(lambda: layers.Conv3D(2, 2, data_format="channels_first"), _VOLUME, note="channels first"),
    Case(lambda: layers.Conv1DTranspose(3, 2), _SERIES),
    Case(lambda: layers.Conv1DTranspose(3, 3, 2, "same", 1, activation="relu"), _SERIES, note="padded"),
    Case(lambda: layers.Conv1DTranspose(3, 2, data_format="channels_first", strides=2), _SERIES, note="channels first"),
    Case(lambda: layers.Conv2DTranspose(3, 2), _IMAGE),
    Case(lambda: layers.Conv2DTranspose(3, (3, 2), (2, 3), use_bias=False), _IMAGE, note="strided"),
    Case(lambda: layers.Conv2DTranspose(3, 3, 2, "same", (1, 0)), _IMAGE, note="padded"),
    Case(lambda: layers.Conv2DTranspose(3, 3, dilation_rate=2), _IMAGE, note="dilated"),
    Case(lambda: layers.Conv2DTranspose(3, (3, 2), padding="same", dilation_rate=2), _IMAGE, note="dilated, same"),
    Case(lambda: layers.Conv2DTranspose(3, 3, 2, data_format="channels_first"), _IMAGE, note="channels first"),
    Case(lambda: layers.Conv3DTranspose(2, 2), _VOLUME),
    Case(lambda: layers.Conv3DTranspose(2, 3, (1, 2, 2), "same", (0, 1, 0)), _VOLUME, note="padded"),
    Case(lambda: layers.Conv3DTranspose(2, 2, data_format="channels_first"), _VOLUME, note="channels first"),
    Case(lambda: layers.DepthwiseConv1D(2), _SERIES),
    Case(lambda: layers.DepthwiseConv1D(3, 2, "same", depth_multiplier=2, activation="relu"), _SERIES, note="doubled"),
    Case(lambda: layers.DepthwiseConv1D(2, dilation_rate=2, data_format="channels_first"), _SERIES,
         note="channels first"),
    Case(lambda: layers.DepthwiseConv2D(2, depthwise_regularizer="l2"), _IMAGE),
    Case(lambda: layers.DepthwiseConv2D((2, 3), 2, "same", 2, use_bias=False), _IMAGE, note="doubled"),
    Case(lambda: layers.DepthwiseConv2D(2, (1, 2), "same"), _IMAGE, note="of two strides"),
    Case(lambda: layers.DepthwiseConv2D(2, dilation_rate=(2, 1)), _IMAGE, note="dilated"),
    Case(lambda: layers.DepthwiseConv2D(3, data_format="channels_first"), _IMAGE, note="channels first"),
    Case(lambda: layers.SeparableConv1D(3, 2), _SERIES),
    Case(lambda: layers.SeparableConv1D(3, 2, padding="causal", dilation_rate=2), _SERIES, note="causal"),
    Case(lambda: layers.SeparableConv2D(3, 2, dilation_rate=2, use_bias=False), _IMAGE, note="dilated"),
    Case(lambda: layers.SeparableConv1D(3, 2, 2, data_format="channels_first"), _SERIES, note="channels first"),
    Case(lambda: layers.SeparableConv2D(3, 2, pointwise_constraint="nonneg"), _IMAGE),
    Case(lambda: layers.SeparableConv2D(3, (2, 3), 2, "same", depth_multiplier=2), _IMAGE, note="doubled"),
    Case(lambda: layers.SeparableConv2D(3, 3, data_format="channels_first"), _IMAGE, note="channels first"),
    Case(lambda: layers.LocallyConnected1D(3, 2, 2, activation="relu"), _SERIES),
    Case(lambda: layers.LocallyConnected1D(3, 2, padding="same", implementation=2), _SERIES, note="of all pairs"),
    Case(lambda: layers.LocallyConnected1D(3, 3, 2, "same", implementation=3), _SERIES, note="in one row"),
    Case(lambda: layers.LocallyConnected1D(3, 2, data_format="channels_first"), _SERIES, note="channels first"),
    Case(lambda: layers.LocallyConnected2D(2, (2, 3), (2, 1)), _IMAGE),
    Case(lambda: layers.LocallyConnected2D(2, 3, padding="same", implementation=2), _IMAGE, note="of all pairs"),
    Case(lambda: layers.LocallyConnected2D(2, (3, 2), 2, "same", implementation=3), _IMAGE, note="in one row"),
    Case(lambda: layers.LocallyConnected2D(2, 2, data_format="channels_first"), _IMAGE, note="channels first"),
    Case(lambda: layers.LocallyConnected2D(2, 2, data_format="channels_first", implementation=2), _IMAGE,
         note="of all pairs, channels first"),
    Case(lambda: layers.LocallyConnected2D(2, 3, 2, "same", "channels_first", implementation=3), _IMAGE,
         note="in one row, channels first"),
    Case(lambda: layers.Cropping1D((1, 2)), _SERIES),
    Case(lambda: layers.Cropping2D(((0, 2), (1, 0))), _IMAGE),
    Case(lambda: layers.Cropping2D(1, "channels_first"), _IMAGE, note="channels first"),
    Case(lambda: layers.Cropping3D((1, 0, 2)), _VOLUME),
    Case(lambda: layers.ZeroPadding1D(2), _SERIES),
    Case(lambda: layers.ZeroPadding2D((1, 2), "channels_first"), _IMAGE, note="channels first"),
    Case(lambda: layers.ZeroPadding2D(((0, 1), (2, 0))), _IMAGE),
    Case(lambda: layers.ZeroPadding3D(), _VOLUME),
    Case(lambda: layers.UpSampling1D(3), _SERIES),
    Case(lambda: layers.UpSampling2D((2, 3)), _IMAGE),
    Case(lambda: layers.UpSampling2D(interpolation="bilinear"), _IMAGE, note="smooth"),
    Case(lambda: layers.UpSampling2D(2, "channels_first"), _IMAGE, note="channels first"),
    Case(lambda: layers.UpSampling3D((1, 2, 3)), _VOLUME),
    Case(lambda: layers.UpSampling3D(2, "channels_first"), _VOLUME, note="channels first"),
    Case(lambda: layers.ZeroPadding3D(((0, 1), (2, 0), (1, 1)), "channels_first"), _VOLUME, note="channels first"),
    Case(lambda: layers.Cropping3D(1, "channels_first"), _VOLUME, note="channels first"),
    Case(lambda: layers.Identity(), _SERIES),
    Case(lambda: layers.EinsumDense("ab,bc->ac", 3, "relu", "c"), _VECTOR),
    Case(lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de"), _SERIES, note="to heads"),
    Case(lambda: layers.EinsumDense("...x,xy->...y", 3, bias_axes="y"), _IMAGE, note="of the last axis"),
    Case(lambda: layers.EinsumDense("ab...,bc->ac...", (3, None), bias_axes="c"), _SERIES, note="of the first axis"),
    Case(lambda: layers.UnitNormalization(), _VECTOR, mask="kept"),
    Case(lambda: layers.UnitNormalization((1, 2)), _IMAGE, mask="kept", note="of two axes"),
    Case(lambda: layers.GroupNormalization(1), _VECTOR, mask="kept"),
    Case(lambda: layers.GroupNormalization(2, epsilon=1e-5), _IMAGE, mask="elementwise", note="of images"),
    Case(lambda: layers.GroupNormalization(-1, axis=1, scale=False), _IMAGE, mask="elementwise", note="of instances"),
    Case(lambda: layers.SpectralNormalization(layers.Dense(3), 2), _VECTOR),
    Case(lambda: layers.SpectralNormalization(layers.Conv2D(3, 2)), _IMAGE, note="of a convolution"),
    Case(lambda: layers.experimental.RandomFourierFeatures(3, scale=2.0, trainable=True), _VECTOR),
    Case(lambda: layers.MaxPooling1D(), _SERIES),
    Case(lambda: layers.MaxPooling1D(3, 2, "same", "channels_first"), _SERIES, note="channels first"),
    Case(lambda: layers.MaxPooling2D(3, 2, "same"), _IMAGE),
    Case(lambda: layers.MaxPooling2D(data_format="channels_first"), _IMAGE, note="channels first"),
    Case(lambda: layers.MaxPooling3D(2), _VOLUME),
    Case(lambda: layers.AveragePooling1D(3, 1, "same"), _SERIES),
    Case(lambda: layers.AveragePooling1D(data_format="channels_first"), _SERIES, note="channels first"),
    Case(lambda: layers.AveragePooling2D((2, 3)), _IMAGE),
    Case(lambda: layers.AveragePooling3D(2, padding="same"), _VOLUME),
    Case(lambda: layers.AveragePooling2D(2, 1, "same", "channels_first"), _IMAGE, note="channels first"),
    Case(lambda: layers.GlobalAveragePooling1D(), _SERIES),
    Case(lambda: layers.GlobalAveragePooling1D(keepdims=True), _SERIES, note="keepdims"),
    Case(lambda: layers.GlobalAveragePooling2D(), _IMAGE),
    Case(lambda: layers.GlobalAveragePooling3D("channels_first"), _VOLUME),
    Case(lambda: layers.GlobalMaxPooling1D(), _SERIES),
    Case(lambda: layers.GlobalMaxPooling2D("channels_first", keepdims=True), _IMAGE),
    Case(lambda: layers.GlobalMaxPooling3D(keepdims=True), _VOLUME),
    Case(lambda: layers.Add(), (*_PAIR, float32(BATCH, 3, 4)), mask="kept"),
    Case(lambda: layers.Add(), (float32(BATCH, 3, 4), float32(BATCH, 4)), note="broadcast", mask="kept"),
    Case(lambda: layers.Subtract(), _PAIR, mask="kept"),
    Case(lambda: layers.Multiply(), _PAIR, mask="kept"),
    Case(lambda: layers.Average(), _PAIR, mask="kept"),
    Case(lambda: layers.Maximum(), _PAIR, mask="kept"),
    Case(lambda: layers.Minimum(), _PAIR, mask="kept"),
    Case(lambda: layers.Concatenate(), (float32(BATCH, 3, 4), float32(BATCH, 3, 2)), mask="kept"),
    Case(lambda: layers.Concatenate(axis=0), _PAIR, rows=False, note="of batches", mask="joined"),
    Case(lambda: layers.Concatenate(axis=1), _PAIR, note="of time", mask="joined"),
    Case(lambda: layers.Rescaling(0.5, 0.25), _IMAGE),
    Case(lambda: layers.Rescaling([0.5, 1.0, 2.0, 3.0]), _IMAGE, note="of channels"),
    Case(lambda: layers.Resizing(9, 3, "nearest"), _IMAGE, note="nearest"),
    Case(lambda: layers.Resizing(3, 7), _IMAGE),
    Case(lambda: layers.Resizing(4, 2, crop_to_aspect_ratio=True), _IMAGE, note="cut"),
    Case(lambda: layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=2.0), _SERIES),
    Case(lambda: layers.RandomFlip(seed=3), _IMAGE, random=True),
    Case(lambda: layers.RandomBrightness(0.4, (-2, 2), seed=3), _IMAGE, random=True),
    Case(lambda: layers.Attention(), (float32(BATCH, 3, 4), float32(BATCH, 5, 4)), mask="kept"),
    Case(lambda: layers.Attention(True, "concat"), (float32(BATCH, 3, 4), float32(BATCH, 5, 4)), mask="kept",
         note="concat"),  # fmt: skip
    Case(lambda: layers.AdditiveAttention(), (float32(BATCH, 3, 4), float32(BATCH, 5, 4)), mask="kept"),
    Case(lambda: layers.Dot(1), (_VECTOR, float32(BATCH, 5))),
    Case(lambda: layers.Dot((2, 1), normalize=True), _TENSORS, note="of tensors"),
    Case(lambda: layers.SimpleRNN(3), _SERIES),
    Case(
        lambda: layers.SimpleRNN(3, "sigmoid", return_sequences=True, unroll=True),
        _SERIES,
        mask="kept",
        note="unrolled",
    ),
    Case(
        lambda: layers.GRU(3, bias_regularizer="l2", recurrent_constraint="unit_norm", return_sequences=True),
        _SERIES,
        mask="kept",
    ),
    Case(lambda: layers.GRU(3, reset_after=False, go_backwards=True), _SERIES, note="reset before, backwards"),
    Case(lambda: layers.GRU(2, reset_after=False, return_sequences=True, use_bias=False), _SERIES, mask="kept",
         note="reset before"),
    Case(lambda: layers.LSTM(3), _SERIES),
    Case(lambda: layers.LSTM(2, go_backwards=True, unroll=True, kernel_regularizer="l2"), _SERIES,
         note="unrolled, backwards"),
    Case(
        lambda: layers.LSTM(3, "softsign", "hard_sigmoid", False, unit_forget_bias=False, return_sequences=True),
        _SERIES,
        mask="kept",
        note="of other activations",
    ),
    Case(lambda: layers.RNN(layers.LSTMCell(3), return_sequences=True), _SERIES, mask="kept"),
    Case(lambda: layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)]), _SERIES, note="stacked"),
    Case(lambda: layers.Bidirectional(layers.LSTM(3, return_sequences=True)), _SERIES, mask="kept"),
    Case(lambda: layers.Bidirectional(layers.GRU(3), merge_mode="sum"), _SERIES, note="summed"),
    Case(lambda: layers.Bidirectional(layers.SimpleRNN(3, return_sequences=True), "ave"), _SERIES, mask="kept",
         note="averaged"),
    Case(
        lambda: layers.Bidirectional(layers.LSTM(2), "mul", backward_layer=layers.GRU(2, go_backwards=True)),
        _SERIES,
        note="of two layers",
    ),
    Case(lambda: layers.TimeDistributed(layers.Dense(3)), _SERIES, mask="kept"),
    Case(lambda: layers.TimeDistributed(layers.GRU(3)), _IMAGE, mask="elementwise", note="recurrent"),
    Case(lambda: layers.ConvLSTM1D(3, 2), float32(BATCH, 3, 6, 4)),
    Case(lambda: layers.ConvLSTM2D(2, 2, return_sequences=True), float32(BATCH, 3, 5, 4, 2), mask="kept"),
    Case(lambda: layers.ConvLSTM2D(2, 3, 2, "same", use_bias=False), float32(BATCH, 3, 5, 4, 2), note="strided"),
    Case(lambda: layers.ConvLSTM2D(2, 2, dilation_rate=2, go_backwards=True), float32(BATCH, 3, 5, 4, 2),
         note="dilated"),
    Case(lambda: layers.ConvLSTM3D(2, 2), float32(BATCH, 2, 3, 4, 3, 2)),
]  # fmt: skip
