"""Every network has the layers, connections, weights and files of tf.keras's, from a listing checked in."""

import json

import fingerprints
import pytest

import kerasish

LISTING = json.loads(fingerprints.LISTING.read_text())
QUICK = {
    "ConvNeXtTiny",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "MobileNetV2",
    "RegNetY002",
    "ResNet50V2",
    "VGG16",
    "VGG19",
}


def test_the_listing_has_every_case():
    assert set(LISTING) == {fingerprints.key(*case) for case in fingerprints.CASES}
    assert {name for name in kerasish.applications.__all__ if name[0].isupper()} == set(fingerprints.NAMES)


@pytest.mark.parametrize(
    "name, arguments",
    [
        pytest.param(*case, id=fingerprints.key(*case), marks=[] if case[0] in QUICK else pytest.mark.slow)
        for case in fingerprints.CASES
    ],
)
def test_structure(name, arguments):
    assert fingerprints.fingerprint(kerasish, name, arguments) == LISTING[fingerprints.key(name, arguments)]
