"""Training on every replica of a `tf.distribute` strategy.

Each replica takes its share of the rows of a batch; what they return is put together again. Gradients are summed by the
optimizer, so that each replica's loss is divided by the number of replicas (`objective`).

Source: behaviour of tf.keras 2 under MirroredStrategy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import tensorflow as tf

from kerasish.graph.scratch import unconverted


def present_strategy() -> Any:
    """The strategy in whose scope the program is, or None outside of any."""
    return tf.distribute.get_strategy() if tf.distribute.has_strategy() else None


def check(strategy: Any, optimizer: Any) -> None:
    """Refuses to compile under a strategy that is not supported, or with an optimizer that was made outside of it.

    Raises:
        NotImplementedError, ValueError: with what to do.
    """
    if strategy is None:
        return
    if not isinstance(strategy, (tf.distribute.MirroredStrategy, tf.distribute.OneDeviceStrategy)):
        raise NotImplementedError(
            "Models train under `tf.distribute.MirroredStrategy` and `tf.distribute.OneDeviceStrategy`.\n"
            f"Received: a model made in the scope of a {type(strategy).__name__}."
        )
    if not strategy.extended.variable_created_in_scope(optimizer.iterations):
        raise ValueError(
            "`optimizer` was made outside the scope of the strategy that the model was made in.\n"
            f"Received: optimizer={optimizer!r}\nFix: make it under `with strategy.scope():`, or pass its name."
        )


def scope_of(strategy: Any) -> AbstractContextManager[Any]:
    """The scope of a strategy; nothing for None."""
    return nullcontext() if strategy is None else strategy.scope()


@contextmanager
def within(strategy: Any, around: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """The scope of a strategy, and in it another context."""
    with strategy.scope(), around():
        yield


def on_replicas(
    strategy: Any,
    step: Callable[[Any], Any],
    collect: bool,
    results: Callable[[], Any],
    is_deferred: Callable[[Any], bool],
) -> Callable[[Any], Any]:
    """The step as a function of a whole batch, run by every replica on its share of the rows.

    Args:
        strategy: a strategy whose replicas are driven by this process.
        step: the step of one replica.
        collect: whether it returns predictions, which are joined; else the first replica's figures are returned.
        results: the metrics' results, over all replicas.
        is_deferred: whether what a step returned is the metrics' results untouched.
    """

    def run(batch: Any) -> Any:
        deferred = []

        @unconverted
        def on_replica(whole: Any) -> Any:
            returned = step(_share(whole))
            if is_deferred(returned):
                deferred.append(True)
                return {}
            return returned

        returned = strategy.run(on_replica, args=(batch,))
        if deferred:
            return results()
        if strategy.num_replicas_in_sync == 1:
            return returned
        put_together = _joined if collect else _first
        flat = [put_together(strategy.experimental_local_results(value)) for value in tf.nest.flatten(returned)]
        return tf.nest.pack_sequence_as(returned, flat)

    return run


def _share(batch: Any) -> Any:
    """The rows of a batch that the present replica takes: equal parts, the last smaller ones where they do not."""
    replica = tf.distribute.get_replica_context()
    number = replica.num_replicas_in_sync
    if number == 1:
        return batch
    index = replica.replica_id_in_sync_group

    def rows_of(value: Any) -> Any:
        if value is None:
            return None
        rows = value.nrows() if isinstance(value, tf.RaggedTensor) else tf.shape(value)[0]
        return value[rows * index // number : rows * (index + 1) // number]

    return tf.nest.map_structure(rows_of, batch)


def _first(values: tuple[Any, ...]) -> Any:
    return values[0]


def _joined(values: tuple[Any, ...]) -> Any:
    return tf.concat(values, 0)
