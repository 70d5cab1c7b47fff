"""Anything a user may pass as data, as blocks of batches.

| file | what is there |
|---|---|
| source.py | `open_source`, the only place that asks what kind of data it is |
| blocks.py | what a source gives: `Source`, `Epoch`, `Block`, `Take` |
| arrays.py | arrays, tensors, frames, lists; `split`, `single_batch` |
| columns.py | one such argument as tensors, with its errors |
| datasets.py | tf.data |
| generators.py | generators and `Sequence`s |
| ahead.py | threads that draw batches ahead |
| processes.py, worker.py, parcels.py | processes that make the batches of a `Sequence` |
| sequence.py | the base class `keras.utils.Sequence` |
| creator.py | `DatasetCreator`, a function in the place of a dataset |
| enqueuers.py | batches drawn ahead for users' own loops |
| weights.py | class weights and missing sample weights |
| order.py | shuffled orders |
| downloads.py | files fetched into a cache; not imported here, for `saving` stands between |
| archives.py | tar and zip files taken apart, inside their folder |
"""
from __future__ import annotations

from kerasish.data_sources.arrays import single_batch, split
from kerasish.data_sources.blocks import (
    Block,
    Epoch,
    Source,
    Take,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
)
from kerasish.data_sources.sequence import Sequence
from kerasish.data_sources.source import open_source

__all__ = [
    "Block",
    "Epoch",
    "Sequence",
    "Source",
    "Take",
    "open_source",
    "pack_x_y_sample_weight",
    "single_batch",
    "split",
    "unpack_x_y_sample_weight",
]
