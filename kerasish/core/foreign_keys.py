"""Keys of configurations that a class does not take: those of other releases of tf.keras, or of none.

Source: configurations that tf.keras 2.0 to 2.15 and tf_keras wrote.
"""

from __future__ import annotations

from typing import Any

# What other releases wrote where nothing had been asked for: leaving it out changes nothing.
_USUAL: dict[str, tuple[Any, ...]] = {
    "autocast": (True,), "dynamic": (False,), "implementation": (0, 1, 2), "input_length": (None,),
    "time_major": (False,), "zero_output_for_mask": (False,), "reset_after": (True,), "groups": (1,),
    "keepdims": (False,), "synchronized": (False,), "fused": (None, True, False), "virtual_batch_size": (None,),
    "adjustment": (None,), "renorm": (False,), "renorm_clipping": (None,), "renorm_momentum": (0.99,),
    "optional": (False,), "force_generator": (False,), "rng_type": (None,), "crop_to_aspect_ratio": (False,),
    "vocabulary_dtype": ("int64",), "encoding": ("utf-8",), "idf_weights": (None,), "split": (False,),
    "is_legacy_optimizer": (False, True), "jit_compile": (False, True), "weight_decay": (None, 0, 0.0),
    "use_ema": (False,), "ema_momentum": (0.99,), "ema_overwrite_frequency": (None, 100), "decay": (0, 0.0),
    "clipnorm": (None,), "clipvalue": (None,), "global_clipnorm": (None,), "dtype": (None, "float32"),
    "is_graph_network": (True, False), "training": (None,), "mask": (None,), "trainable": (True,),
}  # fmt: skip


def left_out(kind: type, config: dict[str, Any], error: TypeError) -> dict[str, Any]:
    """The configuration without the keys that the class has just refused, where another release's default stands.

    Args:
        kind: the class.
        config: its configuration.
        error: what it said, in which the keys are quoted.

    Raises:
        ValueError: for a key with another value, or of no release.
        TypeError: the given error, if it is about something else.
    """
    refused = [key for key in config if f"'{key}'" in str(error) or f"`{key}`" in str(error)]
    said_by = str(error).partition(" ")[0].partition(".")[0]
    if not refused or "argument" not in str(error) or said_by not in [base.__name__ for base in kind.__mro__]:
        raise error
    for key in refused:
        if not any(type(config[key]) is type(usual) and config[key] == usual for usual in _USUAL.get(key, ())):
            name = f" {config['name']!r}" if isinstance(config.get("name"), str) else ""
            raise ValueError(
                f"The configuration of {kind.__name__}{name} has the key {key!r}, which {kind.__name__} does not take. "
                f"Received: {key}={str(config[key])[:100]!r}\n"
                "Make the model in Python and read its weights: model.load_weights(path)."
            ) from error
    return {key: value for key, value in config.items() if key not in refused}
