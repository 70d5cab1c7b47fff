from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import kerasish

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
CI = (ROOT / ".ci" / "run").read_text()


@pytest.fixture(scope="module")
def project():
    return pytest.importorskip("tomllib", reason="Python 3.10 has no reader of TOML").loads(
        (ROOT / "pyproject.toml").read_text()
    )


def commands_of(section):
    text = README.split(f"## {section}\n")[1].split("\n## ")[0]
    return [line for block in re.findall(r"```bash\n(.*?)```", text, re.S) for line in block.splitlines()]


def test_the_readme_has_two_commands_each_with_its_set_up():
    main_job, tests = commands_of("Two commands")
    for command in (main_job, tests):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert "tools/check_guide.py" in main_job and ".venv/bin/pytest -n 2" in tests


def test_ci_runs_the_commands_of_the_readme_word_for_word():
    assert set(commands_of("Two commands")) <= set(CI.splitlines())
    assert "set -euo pipefail" in CI
    subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=True)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_runtime_dependencies(project):
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in project["project"]["dependencies"]}
    assert names == {"tensorflow", "numpy", "pydot"}
    assert project["project"]["requires-python"] == ">=3.10"
    extras = project["project"]["optional-dependencies"]
    assert any(requirement.startswith("tf_keras") for requirement in extras["test"])


def test_version_and_licence(project):
    assert project["tool"]["hatch"]["version"]["path"] == "kerasish/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", kerasish.__version__)
    assert f"## {kerasish.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert "Apache License" in (ROOT / "LICENSE").read_text()
    assert "CC BY-SA 3.0" in (ROOT / "kerasish" / "datasets" / "mnist.LICENSE.md").read_text()
    assert (ROOT / "kerasish" / "py.typed").is_file()


def test_contributing_has_three_commands():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert len(re.findall(r"```bash\n(.*?)```", text, re.S)[0].splitlines()) == 3
