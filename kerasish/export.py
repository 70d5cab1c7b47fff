"""`keras.export`: models and functions for serving."""

from kerasish.saving.export_archive import ExportArchive

__all__ = ["ExportArchive"]
