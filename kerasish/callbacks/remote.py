"""`RemoteMonitor`: sends the values of every epoch to a server."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np

from kerasish.callbacks.base import Callback, Logs


class RemoteMonitor(Callback):
    """Posts `{"epoch": ..., "loss": ..., ...}` to `root + path` after every epoch; needs the package `requests`.

    Args:
        root: the server.
        path: where on the server.
        field: the form field that holds the JSON text.
        headers: HTTP headers.
        send_as_json: whether the body is the JSON itself instead of a form.

    Raises:
        ImportError: at the end of the first epoch, without `requests`.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ):
        super().__init__()
        self.root, self.path = root, path
        self.headers = headers
        self.field, self.send_as_json = field, send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        try:
            import requests
        except ImportError as error:
            raise ImportError("RemoteMonitor needs the package `requests`: pip install requests") from error
        values = {"epoch": epoch, **{name: _plain(value) for name, value in (logs or {}).items()}}
        body = {"json": values} if self.send_as_json else {"data": {self.field: json.dumps(values)}}
        try:
            requests.post(self.root + self.path, headers=self.headers, **body)
        except requests.exceptions.RequestException:
            warnings.warn(f"RemoteMonitor could not reach {self.root}; the values of epoch {epoch} were not sent.",
                          stacklevel=2)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
