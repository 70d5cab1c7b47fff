"""Preprocessing layers in `dataset.map` and in models, on a licence's text and on MNIST, give what the oracle gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import kerasish

ROOT = Path(__file__).parents[2]
LINES = [line for line in (ROOT / "LICENSE").read_text().splitlines() if line.strip()]
TEXTS = {
    "numbers": ("TextVectorization", {"output_sequence_length": 12}),
    "letters": ("TextVectorization", {"split": "character", "standardize": "lower", "output_sequence_length": 20}),
    "pairs": ("TextVectorization", {"ngrams": 2, "output_mode": "multi_hot", "max_tokens": 200}),
    "counts": ("TextVectorization", {"output_mode": "count", "max_tokens": 50, "pad_to_max_tokens": True}),
    "weights": ("TextVectorization", {"output_mode": "tf_idf"}),
    "lines": ("StringLookup", {"num_oov_indices": 2}),
    "hashes": ("Hashing", {"num_bins": 7, "salt": 3}),
}
IMAGES = {
    "size": ("Resizing", {"height": 11, "width": 17}),
    "nearest": ("Resizing", {"height": 40, "width": 9, "interpolation": "nearest"}),
    "cubic": ("Resizing", {"height": 20, "width": 20, "interpolation": "bicubic", "crop_to_aspect_ratio": True}),
    "middle": ("CenterCrop", {"height": 13, "width": 20}),
    "range": ("Rescaling", {"scale": 1 / 127.5, "offset": -1.0}),
    "standard": ("Normalization", {"axis": None}),
    "bins": ("Discretization", {"num_bins": 4, "epsilon": 0.01}),
}


def adapted(library, kind, options, examples):
    layer = getattr(library.layers, kind)(**options)
    if kind in ("TextVectorization", "StringLookup", "Normalization", "Discretization"):
        layer.adapt(examples)
    return layer


@pytest.mark.parametrize("case", TEXTS)
def test_real_text_is_read_as_by_the_oracle(case):
    kind, options = TEXTS[case]
    lines = tf.data.Dataset.from_tensor_slices(LINES).batch(32)
    found = []
    for library in (kerasish, tf_keras):
        layer = adapted(library, kind, options, lines)
        mapped = np.concatenate(list(lines.map(layer).as_numpy_iterator()))
        if case == "lines":
            model = library.Sequential([library.layers.Input((), dtype="string"), layer])
        else:
            model = library.Sequential([library.layers.Input((1,), dtype="string"), layer])
        in_model = model(tf.constant(LINES) if case == "lines" else tf.constant(LINES)[:, None]).numpy()
        found.append((mapped, in_model, layer.get_vocabulary() if kind != "Hashing" else None))
    assert found[0][2] == found[1][2]
    for ours, theirs in zip(found[0][:2], found[1][:2], strict=True):
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert len(np.unique(found[0][0])) > 1


@pytest.mark.parametrize("case", IMAGES)
def test_real_images_are_prepared_as_by_the_oracle(case, mnist):
    kind, options = IMAGES[case]
    images = tf.data.Dataset.from_tensor_slices(mnist[0][0][:64, :, :, None].astype("int32")).batch(16)
    found = []
    for library in (kerasish, tf_keras):
        layer = adapted(library, kind, options, images)
        mapped = list(images.map(layer).as_numpy_iterator())
        single = next(images.unbatch().map(layer).as_numpy_iterator()) if kind not in ("Normalization",) else mapped[0]
        model = library.Sequential([library.layers.Input((28, 28, 1)), layer])
        found.append([np.concatenate(mapped), single, model(next(iter(images))).numpy()])
    for ours, theirs in zip(*found, strict=True):
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-3 if case == "cubic" else 1e-4)


def test_real_images_are_varied_in_datasets_as_much_as_by_the_oracle(mnist):
    images = tf.data.Dataset.from_tensor_slices(mnist[0][0][:1024, :, :, None].astype("float32")).batch(64)
    original = np.concatenate(list(images.as_numpy_iterator()))
    moved = []
    for library in (kerasish, tf_keras):
        vary = library.Sequential([
            library.layers.RandomRotation(0.1, seed=1), library.layers.RandomTranslation(0.1, 0.1, seed=2),
            library.layers.RandomZoom(0.2, seed=3), library.layers.RandomContrast(0.3, seed=4),
        ])  # fmt: skip
        mapped = images.map(lambda batch, vary=vary: vary(batch, training=True))
        varied = np.concatenate(list(mapped.as_numpy_iterator()))
        assert varied.shape == original.shape
        moved.append([varied.mean(), varied.std(), np.abs(varied - original).mean()])
        same = images.map(lambda batch, vary=vary: vary(batch, training=False)).as_numpy_iterator()
        np.testing.assert_array_equal(np.concatenate(list(same)), original)
    np.testing.assert_allclose(*moved, rtol=0.1)
