"""The benchmark's arithmetic on known numbers, and one real run of two engines on the smallest workload."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

import bench  # noqa: E402
from benchmark import growth, plot, report  # noqa: E402
from benchmark.engines import ENGINES, Engine  # noqa: E402
from benchmark.figures import Run, Turn, ratios, slope, spread  # noqa: E402
from benchmark.quiet import Watch  # noqa: E402
from benchmark.turns import Settings, measure  # noqa: E402
from benchmark.workloads import WORKLOADS  # noqa: E402


def test_a_step_is_the_difference_of_two_runs_and_the_rest_is_the_call() -> None:
    """2 ms a step; the call needs 250 ms before its steps and 30 ms after them."""
    turn = slope(Run(100, 0.45, 0.48), Run(900, 2.05, 2.08))
    assert turn.ms == pytest.approx(2.0) and turn.fixed_ms == pytest.approx(280.0)
    with pytest.raises(ValueError, match="900 steps took"):
        slope(Run(100, 0.5, 0.5), Run(900, 0.4, 0.4))


def test_ratios_are_taken_turn_by_turn() -> None:
    """A machine that slows down tenfold half way changes no ratio; the turn that was not read is left out."""
    ours = [Turn(1.0), Turn(10.0), None, Turn(10.0)]
    theirs = [Turn(3.0), Turn(30.0), Turn(1.0), Turn(30.0)]
    figure = ratios(ours, theirs)
    assert figure == spread([3.0, 3.0, 3.0])
    assert ratios([None], [Turn(1.0)]) is None


def record(times: float, width: float = 0.01) -> dict[str, Any]:
    turns = [times * (1 - width), times, times * (1 + width)]
    return {"title": "work", "times_as_fast_as": {"tf_keras": spread(turns)}, "engines": {}}


@pytest.mark.parametrize(
    ("now", "then", "told"),
    [
        (record(4.0), record(4.1), False),
        (record(3.0), record(4.0), True),
        (record(3.0, width=0.6), record(4.0), False),  # spread so wide that it says nothing
        (record(5.0), record(4.0), False),
    ],
)
def test_slower_is_told_when_the_spreads_are_apart(now: dict, then: dict, told: bool) -> None:
    assert bool([*report.slower(now, then)]) is told


def test_without_a_common_peer_the_times_are_compared() -> None:
    alone: dict[str, Any] = {"title": "work", "times_as_fast_as": {}}
    fast, slow = (alone | {"engines": {"kerasish": {"ms": spread([ms])}}} for ms in (1, 2))
    assert [*report.slower(slow, fast)] == ["work: 2 ms, was 1 ms"]
    assert not [*report.slower(fast, slow)]


def test_every_workload_has_its_programs() -> None:
    from benchmark.keras_work import WORK

    assert set(WORK) == {name for name, workload in WORKLOADS.items() if workload.kind != "import"}


def test_every_workload_that_pytorch_takes_has_its_program() -> None:
    """Read, not imported: PyTorch need not be installed."""
    source = (Path(bench.__file__).parent / "benchmark" / "torch_work.py").read_text()
    table = source[source.index("\nWORK") :]
    for name, workload in WORKLOADS.items():
        assert (f'"{name}":' in table) is (workload.takes("torch") and workload.kind != "import"), name


def test_the_plot_shows_every_workload_with_its_ratio_and_its_peers() -> None:
    figures = report.new_figures()
    slow = record(0.8)
    fast = record(40.0) | {"title": "a < b & c"}
    fast["times_as_fast_as"]["keras3-jax"] = spread([2.0])
    report.add(figures, "slow", slow)
    report.add(figures, "fast", fast)
    picture = ElementTree.fromstring(plot.draw(figures))
    words = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"work", "0.8 x", "a < b & c", "40 x", "Keras 3 on jax"} <= set(words) and "PyTorch" not in words
    bars = [element for element in picture.iter("{http://www.w3.org/2000/svg}rect") if element.get("height") == "14"]
    one = float(bars[1].get("x"))
    assert float(bars[0].get("x")) + float(bars[0].get("width")) == pytest.approx(one, abs=0.2)  # slower: left of 1
    with pytest.raises(ValueError, match="nothing to draw"):
        plot.draw(report.new_figures())


def test_what_other_programs_use_is_told_apart_from_our_own() -> None:
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    ours, stranger = (process.pid for process in spinning)
    try:
        alone, both = Watch([ours]), Watch([ours, stranger])
        time.sleep(0.5)
        assert alone.others([ours]) - both.others([ours, stranger]) > 0.1 / (os.cpu_count() or 1)
    finally:
        for process in spinning:
            process.kill()
            process.wait()


class Growing:
    """A process in which a step costs 1 ms and leaves 10 kB, and a call 100 ms more. Each number runs twice."""

    held = 100.0

    def run(self, rounds: int) -> dict[str, float]:
        self.held += 0.01 * rounds
        return {"seconds": 0.1 + 0.001 * rounds, "rss_mb": self.held}


def test_growth_is_the_cost_of_one_more_and_the_memory_that_stays() -> None:
    series = growth._series(Growing(), (10, 100, 1000, 10**9), seconds=0.01)
    assert series == [{"number": 100, "ms": 1.0, "more_mb": 2.0}, {"number": 1000, "ms": 1.0, "more_mb": 22.0}]


def test_an_engine_that_fails_is_told_and_the_others_are_measured() -> None:
    broken = Engine("tf_keras", "broken", "tf_keras", (), environment={"PYTHONHOME": "/nowhere"})
    figures = measure(WORKLOADS["import"], [broken], Settings(turns=1))
    assert "broken: ended with status 1" in figures["engines"]["tf_keras"]["error"]
    assert figures["times_as_fast_as"] == {}


@pytest.mark.slow
def test_two_engines_take_turns_and_the_file_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The ratio is left to the tool; here only that both were measured, and that a false baseline makes it fail."""
    path, words = tmp_path / "figures.json", ["--only", "predict-1", "--turns", "2", "--seconds", "0.05"]
    words += ["--engines", "kerasish", "tf_keras", "--json", str(path)]
    assert bench.main(words) == 0
    figures = json.loads(path.read_text())
    assert figures["versions"]["tf_keras"].startswith("2.21") and figures["machine"]["cores"] >= 1
    work = figures["workloads"]["predict-1"]
    for result in work["engines"].values():
        ms = result["ms"]
        assert len(ms["turns"]) == 2 and 0 < ms["q1"] <= ms["median"] <= ms["q3"]
        assert result["first_s"] > 0 and result["peak_mb"] > 100
    assert [*work["engines"]] == ["kerasish", "tf_keras"] and [*work["times_as_fast_as"]] == ["tf_keras"]
    assert "predict, one row" in capsys.readouterr().out

    work["engines"]["kerasish"]["ms"]["q3"] /= 1000
    path.write_text(json.dumps(figures))
    assert bench.main([*words[:6], "--engines", "kerasish", "--against", str(path)]) == 1
    assert "slower: predict, one row" in capsys.readouterr().out


def test_figures_of_other_versions_are_not_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = report.new_figures()
    figures["versions"]["tensorflow"] = "1.0"
    path = tmp_path / "figures.json"
    report.write(path, figures)
    with pytest.raises(SystemExit):
        bench.main(["--json", str(path)])
    assert "another versions" in capsys.readouterr().err


def test_engines_that_are_asked_for_only_are_no_peers() -> None:
    assert [engine.name for engine in ENGINES.values() if engine.asked_for_only] == ["kerasish-plain", "kerasish-xla"]
