"""Reading whole epochs the way the training loop does, and the batches that tf_keras hands to `train_step`."""
from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf


def loop(take):
    """The function that takes all batches of a block and adds up what identifies their rows."""

    def total(arguments, stop):
        i, rows, rank = tf.constant(0, tf.int64), tf.constant(0), tf.constant(0.0)
        going = tf.constant(True)
        while going and i < stop:
            batch = take.batch(arguments, i)
            if take.drawn:
                going = batch.has_value()
            if going:
                taken = batch.get_value() if take.drawn else batch
                first = tf.nest.flatten(taken)[0]
                rows += tf.shape(first)[0]
                rank += tf.cast(i + 1, tf.float32) * tf.reduce_sum(tf.cast(first, tf.float32))
                i += 1
        return i, rows, rank

    return total


def read_epoch(source, index=0, count=100):
    """The batches of an epoch, as tensors."""
    batches = []
    with source.epoch(index) as epoch:
        while (block := epoch.next(count)) is not None:
            assert block.steps <= count
            taken = 0
            for i in range(block.steps):
                batch = block.take.batch(block.arguments, tf.constant(i, tf.int64))
                if block.take.drawn:
                    if not batch.has_value():
                        break
                    batch = batch.get_value()
                batches.append(batch)
                taken += 1
            if block.take.drawn:
                epoch.taken(block, taken)
            if block.samples is not None:
                assert block.samples == sum(int(tf.nest.flatten(b)[0].shape[0]) for b in batches[-taken:])
    return batches


@pytest.fixture
def block_loop():
    return loop


@pytest.fixture
def read():
    return read_epoch


@pytest.fixture
def targets():
    """The y of each batch of an epoch, as lists."""

    def of(source, index=0, count=100):
        return [np.ravel(batch[1]).tolist() for batch in read_epoch(source, index, count)]

    return of


@pytest.fixture
def oracle():
    """What `train_step` of tf_keras receives in a fit with these arguments, and the history."""
    tf_keras = pytest.importorskip("tf_keras")

    class Recorder(tf_keras.Model):
        def __init__(self):
            super().__init__()
            self.seen = []

        def call(self, inputs):
            return tf.zeros((1,))

        def train_step(self, data):
            self.seen.append(data)
            return {"loss": tf.constant(0.0)}

    def fit(*args, **settings):
        model = Recorder()
        model.compile(run_eagerly=True)
        model.fit(*args, verbose=0, **settings)
        return model.seen

    return fit
