"""What some models begin with: images of values from 0 to 255 as their weights expect them."""

from __future__ import annotations

from typing import Any

from kerasish.applications.request import channel_axis
from kerasish.layers import Normalization, Rescaling

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


def standardized(x: Any) -> Any:
    """Values from 0 to 1; colours then less their mean over ImageNet and over their standard deviation."""
    x = Rescaling(1.0 / 255.0)(x)
    if x.shape[channel_axis()] != len(MEAN):
        return x
    return Normalization(mean=list(MEAN), variance=[value**2 for value in DEVIATION], axis=channel_axis())(x)
