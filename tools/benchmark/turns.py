"""All engines measured on one workload: their processes stay alive and run one after the other, turn by turn."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .engines import Engine
from .figures import Run, Turn, ratios, slope, spread
from .processes import Worker, WorkerError
from .quiet import Watch
from .workloads import Workload

MOST_ROUNDS = 2**17
MOST_SECONDS = 25.0


@dataclass(frozen=True)
class Settings:
    """`seconds`: how long the longer run of a turn is to take, at least."""

    turns: int = 7
    seconds: float = 0.6

    @property
    def patience(self) -> float:
        """Seconds after which an engine sits out its further turns, once it has had three."""
        return 5 * self.turns * self.seconds


class Player:
    """One engine at the table. After an error it plays no more; the error is its result."""

    def __init__(self, engine: Engine, workload: Workload, settings: Settings) -> None:
        self.engine, self.workload, self.settings = engine, workload, settings
        self.turns: list[Turn | None] = []
        self.starts: list[dict[str, Any]] = []
        self.memory, self.spent, self.unread = 0.0, 0.0, 0
        self.error: str | None = None
        self.worker: Worker | None = None
        self._rounds = 2

    def attempt(self, step: Callable[[], None]) -> None:
        if self.error is None:
            try:
                step()
            except WorkerError as error:
                self.error = str(error)
                self.close()

    def start(self) -> None:
        """A process in which everything was traced and run as long as a turn."""
        self.worker = self._start()
        if self.workload.kind == "slope":
            self._settle()
        elif self.workload.kind == "single":
            self._run(1)

    def turn(self) -> None:
        if self.spent > self.settings.patience and len(self.turns) - self.unread >= 3:
            self.turns.append(None)
        elif self.workload.kind == "slope":
            self._slope()
        elif self.workload.kind == "single":
            self.turns.append(Turn(self._run(1)[0].seconds * 1e3))
        else:
            self.close()
            self.worker = self._start()
            figure = "import_s" if self.workload.kind == "import" else "first_s"
            self.turns.append(Turn(self.worker.ready[figure] * 1e3))

    def close(self) -> None:
        if self.worker is not None:
            self.worker.close()
            self.worker = None

    def result(self) -> dict[str, Any]:
        """The record of this engine, in milliseconds, seconds and MB."""
        if self.error is not None:
            return {"error": self.error}
        kept = [turn for turn in self.turns if turn]
        if not kept:
            return {"error": "no turn could be read: raise --seconds"}
        record: dict[str, Any] = {"ms": spread([turn.ms for turn in kept])}
        fixed = [turn.fixed_ms for turn in kept if turn.fixed_ms is not None]
        if fixed and self.starts[0]["steps"] > 1:
            record["fixed_ms"] = spread(fixed)
        for figure in ("import_s", "first_s"):
            if figure in self.starts[0]:
                record[figure] = round(self.starts[-1][figure], 3)
        record["peak_mb"] = round(self.memory)
        if self.unread:
            record["unread_turns"] = self.unread
        return record

    def _start(self) -> Worker:
        worker = Worker(self.engine, self.workload)
        self.starts.append(worker.ready)
        self.memory = max(self.memory, worker.ready["peak_mb"])
        return worker

    def _run(self, rounds: int) -> tuple[Run, Run | None]:
        """These rounds, and where they were told apart the first of them."""
        assert self.worker is not None
        answer, steps = self.worker.run(rounds), self.worker.ready["steps"]
        self.memory = max(self.memory, answer["peak_mb"])
        self.spent += answer["call_s"]
        first = answer.get("first_round_s")
        run = Run(rounds * steps, answer["seconds"], answer["call_s"])
        return run, None if first is None else Run(steps, first, first)

    def _settle(self) -> None:
        """Doubles the rounds until they take the wanted time beyond what a call of one round takes."""
        one, rounds = self._run(1)[0].seconds, 2
        run, _ = self._run(rounds)
        while run.seconds < one + self.settings.seconds and rounds < MOST_ROUNDS:
            rounds *= 2
            run, _ = self._run(rounds)
        least = -(-self.engine.least_steps * rounds // run.steps)
        if rounds < least and run.seconds / rounds * least < MOST_SECONDS and run.steps > rounds:
            rounds = least
            self._run(rounds)
        self._rounds = rounds
        self.spent = 0.0

    def _slope(self) -> None:
        long, first = self._run(self._rounds)
        if first is None:
            first, _ = self._run(max(1, self._rounds // 8))
        try:
            self.turns.append(slope(first, long))
        except ValueError:
            self.turns.append(None)
            self.unread += 1


def measure(workload: Workload, engines: Sequence[Engine], settings: Settings) -> dict[str, Any]:
    """The record of a workload: each engine's figures, and how many times as fast as each peer kerasish is.

    Processes start one after another, so that import and first step are measured alone. The first to play changes from
    turn to turn, so that a machine that slows down slows nobody in particular.
    """
    players = [Player(engine, workload, settings) for engine in engines if workload.takes(engine.name)]
    with contextlib.ExitStack() as stack:
        for player in players:
            stack.callback(player.close)
            player.attempt(player.start)
        watch = Watch(_processes(players))
        for number in range(settings.turns):
            first = number % max(1, len(players))
            for player in players[first:] + players[:first]:
                player.attempt(player.turn)
        others = watch.others(_processes(players))
    return {
        "title": workload.title,
        "unit": workload.unit,
        "used_by_others": others,
        "engines": {player.engine.name: player.result() for player in players},
        "times_as_fast_as": _against(players),
    }


def _processes(players: Sequence[Player]) -> list[int]:
    return [player.worker.process for player in players if player.worker is not None]


def _against(players: Sequence[Player]) -> dict[str, Any]:
    playing = {player.engine.name: player for player in players if player.error is None}
    ours = playing.pop("kerasish", None)
    if ours is None:
        return {}
    found = {name: ratios(ours.turns, peer.turns) for name, peer in playing.items()}
    return {name: ratio for name, ratio in found.items() if ratio}
