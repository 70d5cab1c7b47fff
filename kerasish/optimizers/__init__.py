"""How gradients change weights: optimizers, and learning rates that follow the step (`schedules`)."""
from __future__ import annotations

from kerasish.optimizers import experimental, legacy, schedules
from kerasish.optimizers import loss_scale as loss_scale
from kerasish.optimizers.adadelta import Adadelta
from kerasish.optimizers.adafactor import Adafactor
from kerasish.optimizers.adagrad import Adagrad
from kerasish.optimizers.adam import Adam, AdamW
from kerasish.optimizers.adamax import Adamax
from kerasish.optimizers.base import Optimizer
from kerasish.optimizers.ftrl import Ftrl
from kerasish.optimizers.lion import Lion
from kerasish.optimizers.nadam import Nadam
from kerasish.optimizers.registry import deserialize, get, serialize
from kerasish.optimizers.rmsprop import RMSprop
from kerasish.optimizers.sgd import SGD

__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "SGD",
    "deserialize",
    "experimental",
    "get",
    "legacy",
    "schedules",
    "serialize",
]
