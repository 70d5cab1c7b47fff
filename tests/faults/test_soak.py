"""A sample of the soak; all of it with `KERASISH_SOAK=10000 pytest tests/faults/test_soak.py`."""

import os

from tests.faults.soak import soak

WORKS = int(os.environ.get("KERASISH_SOAK", "200"))


def test_four_threads_with_faults_among_their_works():
    outcome = soak(WORKS)
    assert not outcome.wrong and outcome.done >= WORKS and outcome.faults > WORKS / 10
    assert not outcome.threads
    settled = outcome.memory[len(outcome.memory) // 4 :]
    assert max(settled) - settled[0] < 20, outcome.memory
