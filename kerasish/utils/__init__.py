"""`keras.utils`: labels as vectors, seeds, custom objects, pictures of models, and what users build sources from."""
from __future__ import annotations

from kerasish.models.plotting import model_to_dot, plot_model

__all__ = [
    "model_to_dot",
    "plot_model",
]
