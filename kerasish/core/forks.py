"""Forked processes: TensorFlow's threads do not come along, so that a child which uses it would wait for ever."""

from __future__ import annotations

import os

import tensorflow as tf


class _Fork:
    """What the fork that made this process found.

    Attributes:
        running: whether TensorFlow had begun to run when a process was forked last.
        lost: whether this process is the child of such a fork.
    """

    running = False
    lost = False

    def before(self) -> None:
        """In the parent: looks whether TensorFlow runs, which then refuses to change its number of threads."""
        threads = tf.config.threading.get_inter_op_parallelism_threads()
        try:
            tf.config.threading.set_inter_op_parallelism_threads(threads + 1)
        except RuntimeError:
            self.running = True
        else:
            tf.config.threading.set_inter_op_parallelism_threads(threads)

    def after(self) -> None:
        """In the child."""
        self.lost = self.running


fork = _Fork()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=fork.before, after_in_child=fork.after)


def refuse_fork() -> None:
    """Refuses to compute where that would never end.

    Raises:
        RuntimeError: in a process that was forked after TensorFlow had begun to run.
    """
    if fork.lost:
        raise RuntimeError(
            "This process was forked from one in which TensorFlow was running, and would wait here for ever.\n"
            'Start processes by "spawn", multiprocessing.get_context("spawn"), or fork before models are made.'
        )
