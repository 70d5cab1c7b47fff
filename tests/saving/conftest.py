"""A directory to save to."""
import pytest


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty directory, which is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
