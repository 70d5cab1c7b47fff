"""The parts of `tools/bench.py`: engines, workloads, the measured process, taking turns, and what is told of it."""
