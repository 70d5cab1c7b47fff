"""`keras.utils.experimental`: datasets that are made by a function."""

from __future__ import annotations

from kerasish.data_sources.creator import DatasetCreator

__all__ = ["DatasetCreator"]
