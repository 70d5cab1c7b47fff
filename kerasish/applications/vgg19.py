"""VGG19, the deepest of the networks that `vgg16` describes."""

from __future__ import annotations

from kerasish.applications.imagenet_utils import decode_predictions
from kerasish.applications.vgg16 import preprocess_input, vgg

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

VGG19 = vgg("VGG19", (2, 2, 4, 4, 4), ("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6"))
