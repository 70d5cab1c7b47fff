"""Windows with weights of their own at each position, over time or images, however the weights are stored.

Three ways to store them, by `form`:
1. `(positions, window * channels, filters)`, only what is used (with channels first: `channels * window`);
2. everything of the input times everything of the output, `(*space, channels, *positions, filters)` (with channels
   first: `(channels, *space, filters, *positions)`), of which only the pairs within a window are used;
3. the used ones of form 2 in one row, ordered by output, then by input.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from kerasish.ops.convolution import channels_to_end, channels_to_front, output_length


class LocalWindows:
    """Where the windows of a locally connected layer lie, for one shape of inputs.

    Args:
        space: the input's sizes in space.
        size: the window's size.
        strides: how far the window moves at each step.
        padding: `"valid"`, or `"same"` (each window's middle lies on a multiple of its stride).
        channels: the number of input channels.
        filters: the number of output channels.
        channels_first: where the channels are.
    """

    def __init__(
        self, space: Sequence[int], size: Sequence[int], strides: Sequence[int], padding: str,
        channels: int, filters: int, channels_first: bool,
    ):  # fmt: skip
        windows = list(zip(space, size, strides, strict=True))
        self.space, self.channels, self.filters = tuple(space), channels, filters
        self.channels_first = channels_first
        self.positions = tuple(output_length(length, window, padding, step) or 0 for length, window, step in windows)
        self.window = math.prod(size)
        starts = [
            np.arange(count) * step - (window // 2 if padding == "same" else 0)
            for (_, window, step), count in zip(windows, self.positions, strict=True)
        ]
        corners = list(itertools.product(*starts))
        offsets = list(itertools.product(*map(range, size)))
        places = np.asarray(corners)[:, None] + np.asarray(offsets)
        self.inside = np.all((places >= 0) & (places < np.asarray(self.space)), -1)
        # `(positions, window)`: the index in flat space of each element of each window, -1 outside of it
        flat = np.ravel_multi_index(tuple(np.moveaxis(places.clip(0), -1, 0)), self.space, mode="clip")
        self.places = np.where(self.inside, flat, -1)

    def kernel_shape(self, form: int) -> tuple[int, ...]:
        """The shape in which that form stores the weights."""
        if form == 1:
            return (math.prod(self.positions), self.window * self.channels, self.filters)
        if form == 3:
            return (int(self.inside.sum()) * self.channels * self.filters,)
        if self.channels_first:
            return (self.channels, *self.space, self.filters, *self.positions)
        return (*self.space, self.channels, *self.positions, self.filters)

    def apply(self, inputs: tf.Tensor, kernel: tf.Tensor, form: int) -> tf.Tensor:
        """The weighted sums `(batch, *positions, filters)`, or `(batch, filters, *positions)` with channels first.

        Args:
            inputs: `(batch, *space, channels)`, or `(batch, channels, *space)`.
            kernel: the weights in that form.
            form: 1, 2 or 3.
        """
        rank = len(self.space)
        inputs = channels_to_end(inputs, rank) if self.channels_first else inputs
        positions = len(self.places)
        flat = tf.reshape(inputs, [-1, math.prod(self.space), self.channels])
        if not self.inside.all():
            flat = tf.pad(flat, [[0, 0], [0, 1], [0, 0]])
        places = np.where(self.inside, self.places, math.prod(self.space)).reshape(-1)
        seen = tf.reshape(tf.gather(flat, places, axis=1), [-1, positions, self.window * self.channels])
        sums = tf.einsum("bpk,pkf->bpf", seen, self._by_position(kernel, form))
        outputs = tf.reshape(sums, [-1, *self.positions, self.filters])
        return channels_to_front(outputs, rank) if self.channels_first else outputs

    def _by_position(self, kernel: tf.Tensor, form: int) -> tf.Tensor:
        """The weights as `(positions, window * channels, filters)`, zero outside of space."""
        shape = [len(self.places), self.window * self.channels, self.filters]
        if form == 1 and self.channels_first:
            turned = tf.reshape(kernel, [len(self.places), self.channels, self.window, self.filters])
            return tf.reshape(tf.transpose(turned, [0, 2, 1, 3]), shape)
        if form == 1:
            return kernel
        source, target = self._pairs()
        inside = np.broadcast_to(self.inside[:, :, None, None], source.shape)
        if form == 2:
            elements = (math.prod(self.space) * self.channels, math.prod(self.positions) * self.filters)
            index = np.where(inside, source * elements[1] + target, math.prod(elements))
        else:
            order = np.lexsort((source[inside], target[inside]))
            index = np.full(source.shape, len(order))
            index[inside] = np.argsort(order)
        flat = tf.reshape(kernel, [-1])
        return tf.reshape(tf.gather(tf.pad(flat, [[0, 1]]), index.reshape(-1)), shape)

    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """`(positions, window, channels, filters)`: the flat index of the input and of the output of each weight."""
        positions, space = len(self.places), math.prod(self.space)
        place, at = self.places[:, :, None, None], np.arange(positions)[:, None, None, None]
        channel, output = np.arange(self.channels)[:, None], np.arange(self.filters)
        if self.channels_first:
            source, target = channel * space + place, output * positions + at
        else:
            source, target = place * self.channels + channel, at * self.filters + output
        shape = (positions, self.window, self.channels, self.filters)
        return np.broadcast_to(source, shape), np.broadcast_to(target, shape)
