"""ResNet of 50 layers, under the name of the module that had it first."""

from kerasish.applications.imagenet_utils import decode_predictions
from kerasish.applications.resnet import ResNet50, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]
