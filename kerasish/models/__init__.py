"""Models: layers that can be trained, evaluated, saved and drawn."""
from __future__ import annotations

from kerasish.models.model import Model
from kerasish.models.sequential import Sequential

__all__ = ["Model", "Sequential"]
