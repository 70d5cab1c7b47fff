"""`keras.mixed_precision`: arithmetic in 16 bits, weights in 32."""
from __future__ import annotations

import types
from typing import Any

import tensorflow as tf

from kerasish.core import dtype_policy
from kerasish.core.dtype_policy import Policy, global_policy
from kerasish.optimizers.loss_scale import LossScaleOptimizer

__all__ = ["LossScaleOptimizer", "Policy", "global_policy", "set_global_policy"]


def set_global_policy(policy: Any) -> None:
    """Sets the policy of layers made from here on: a `Policy`, its name, or None for that of `floatx()`.

    Raises:
        TypeError: for a dtype or anything else that is neither a policy nor a name.
        ValueError: for a name that is no policy's, or one that does not compute in floating point.
    """
    chosen = policy if policy is None or isinstance(policy, Policy) else Policy(policy)
    if chosen is not None and chosen.compute_dtype and not tf.as_dtype(chosen.compute_dtype).is_floating:
        raise ValueError(
            "The global policy must compute in floating point, such as 'float32' or 'mixed_float16'. "
            f"Received: policy={policy!r}"
        )
    dtype_policy.set_global_policy(chosen)


def _with_loss_scale(optimizer: Any, loss_scale: Any) -> LossScaleOptimizer:
    """`LossScaleOptimizer` as TensorFlow 2.1 to 2.3 made it: `loss_scale` is "dynamic" or a number."""
    if loss_scale == "dynamic":
        return LossScaleOptimizer(optimizer)
    return LossScaleOptimizer(optimizer, dynamic=False, initial_scale=loss_scale)


experimental = types.SimpleNamespace(  # the names of TensorFlow 2.1 to 2.8
    LossScaleOptimizer=_with_loss_scale, Policy=Policy, global_policy=global_policy, set_policy=set_global_policy
)
