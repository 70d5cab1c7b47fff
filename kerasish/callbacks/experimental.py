"""`keras.callbacks.experimental`: the older place of what is in `keras.callbacks` now."""

from __future__ import annotations

import warnings
from typing import Any

from kerasish.callbacks import backup

__all__ = ["BackupAndRestore"]


class BackupAndRestore(backup.BackupAndRestore):
    """The older name of `callbacks.BackupAndRestore`, whose arguments it takes; says so."""

    def __init__(self, *args: Any, **kwargs: Any):
        warnings.warn("callbacks.experimental.BackupAndRestore is callbacks.BackupAndRestore now.", stacklevel=2)
        super().__init__(*args, **kwargs)
