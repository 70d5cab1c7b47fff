"""Sizes that several families reckon alike: numbers of channels in steps, paddings for strides."""

from __future__ import annotations

from typing import Any

from kerasish.applications.request import channel_axis

Padding = tuple[tuple[int, int], tuple[int, int]]


def divisible(channels: float, step: int = 8, least: int | None = None) -> int:
    """The multiple of `step` nearest to the number of channels, but not below nine tenths of it.

    Source: Sandler and others, "MobileNetV2", 2018, whose published models have their channels so.
    """
    found = nearest(channels, step, least)
    return found + step if found < 0.9 * channels else found


def nearest(channels: float, step: int = 8, least: int | None = None) -> int:
    """The multiple of `step` nearest to the number of channels, not below `least`, which is `step` unless given."""
    return max(step if least is None else least, int(channels + step / 2) // step * step)


def padding_before_stride(x: Any, kernel: int) -> Padding:
    """The zeros before a convolution of stride 2 with which its result has half the size, rounded up.

    They are those that TensorFlow's "same" padding adds; a size that is not known counts as even.

    Args:
        x: the symbolic images.
        kernel: the size of the kernel, an odd number.
    """
    sizes = x.shape[2:] if channel_axis() == 1 else x.shape[1:3]
    rows, columns = ((kernel // 2 - (1 - (size or 0) % 2), kernel // 2) for size in sizes)
    return rows, columns
