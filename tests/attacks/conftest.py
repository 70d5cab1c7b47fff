"""What an attack would leave: a marker that its code makes, and a canary whose text it would read."""
import pytest


@pytest.fixture
def marker(tmp_path, monkeypatch):
    """A path at which the code of every attack makes a file; nothing is there when the test ends."""
    made = tmp_path / "marker"
    monkeypatch.setenv("MARKER", str(made))
    yield made
    assert not made.exists()


@pytest.fixture
def canary(tmp_path):
    """A file outside of every model, with words that no model knows."""
    made = tmp_path / "canary.txt"
    made.write_text("secretword\nanotherword\n")
    return made
