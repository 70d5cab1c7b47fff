"""Every promise of PROMISES.md names tests that exist, and every fault that is tested is promised."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| F(\d+): .*\| (`test_.*) \|$", (ROOT / "PROMISES.md").read_text(), re.MULTILINE)
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
}


def test_every_promise_is_held_by_tests_that_exist():
    assert ROWS
    for number, names in ROWS:
        wanted = re.findall(r"`(\w+)`", names)
        assert wanted and set(wanted) <= TESTS, f"F{number}"


def test_every_fault_of_the_forty_is_promised():
    assert {int(number) for number, _ in ROWS} == set(range(1, 41))


def test_every_fault_that_is_tested_is_promised():
    tested = {int(number) for name in TESTS for number in re.findall(r"^test_f(\d\d)_", name)}
    assert tested <= {int(number) for number, _ in ROWS}
