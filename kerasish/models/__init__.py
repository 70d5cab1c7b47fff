"""Models: layers that can be trained, evaluated, saved and drawn."""

from __future__ import annotations

from kerasish.models import experimental as experimental
from kerasish.models import restored as _restored  # noqa: F401 (registers the model that `load_model` falls back on)
from kerasish.models.cloning import clone_model, model_from_config, model_from_json, model_from_yaml
from kerasish.models.model import Model
from kerasish.models.sequential import Sequential
from kerasish.saving import load_model, save_model

__all__ = [
    "Model", "Sequential", "clone_model", "load_model", "model_from_config", "model_from_json", "model_from_yaml",
    "save_model",
]  # fmt: skip
