"""The public names, signatures and members are those of tf.keras 2, read from a listing that is checked in."""

import json
from types import ModuleType, SimpleNamespace

import check_api
import pytest

import kerasish

REFERENCE = json.loads(check_api.REFERENCE.read_text())
ABSENT = check_api.Absent.read(check_api.ABSENT)
COMPLETE = [
    "activations",
    "applications", "applications.convnext", "applications.densenet", "applications.efficientnet",
    "applications.efficientnet_v2", "applications.imagenet_utils", "applications.inception_resnet_v2",
    "applications.inception_v3", "applications.mobilenet", "applications.mobilenet_v2", "applications.mobilenet_v3",
    "applications.nasnet", "applications.regnet", "applications.resnet", "applications.resnet50",
    "applications.resnet_rs", "applications.resnet_v2", "applications.vgg16", "applications.vgg19",
    "applications.xception",
    "backend", "backend.experimental", "constraints", "experimental", "initializers", "layers", "layers.experimental",
    "layers.experimental.preprocessing", "losses", "metrics", "metrics.experimental", "mixed_precision", "models",
    "models.experimental", "(top)",
    "optimizers", "optimizers.experimental", "optimizers.legacy",
    "optimizers.schedules", "preprocessing", "preprocessing.image", "preprocessing.sequence", "preprocessing.text",
    "regularizers", "utils", "utils.experimental", "utils.legacy",
]  # fmt: skip


@pytest.fixture(scope="module")
def reports():
    return {report.namespace: report for report in check_api.compare(REFERENCE, kerasish, ABSENT)}


def test_the_listing_is_that_of_tf_keras():
    tf_keras = pytest.importorskip("tf_keras", "2.21")
    assert json.loads(json.dumps(check_api.listing(tf_keras))) == REFERENCE


def test_the_listing_has_every_name(reports):
    assert sum(report.names for report in reports.values()) == 885
    assert sum(report.signatures for report in reports.values()) == 678
    assert sum(report.members for report in reports.values()) == 11379


@pytest.mark.parametrize("namespace", COMPLETE)
def test_nothing_is_missing_or_different(reports, namespace):
    assert reports[namespace].differences == {}


def test_what_is_absent_on_purpose_is_listed_and_absent(reports):
    found = {name for report in reports.values() for name in report.absent}
    useless = [pattern for pattern, _ in ABSENT.entries if not any(_matches(name, pattern) for name in found)]
    assert not useless


def _matches(name, pattern):
    return check_api.Absent([(pattern, "reason")]).reason(name) is not None


class Base:
    size: int
    make: object

    def scaled(self, x, by=1.0, *, loud=False):
        pass

    @classmethod
    def make(cls, config):
        pass


class Derived(Base):
    scaled = None

    def extra(self, x=abs):
        pass


def package(**names):
    made = ModuleType("keras_of_the_test")
    made.__version__ = "1"
    made.things = ModuleType("keras_of_the_test.things")
    vars(made.things).update(names)
    return made


def test_a_listing_has_signatures_and_the_members_that_differ_from_the_public_base():
    made = check_api.listing(package(Base=Base, Derived=Derived, Alias=Base, _hidden=1))
    assert list(made["names"].items()) == [
        ("things.Alias", "things.Alias"), ("things.Base", "things.Alias"), ("things.Derived", "things.Derived")
    ]  # fmt: skip
    assert made["objects"]["things.Alias"]["members"] == {
        "make": "(config)", "scaled": "(x, by=1.0, *, loud=False)", "size": ""
    }  # fmt: skip
    assert made["objects"]["things.Derived"]["members"] == {"extra": "(x=abs)", "scaled": ""}
    assert check_api.listed_members(made, "things.Derived")["make"] == "(config)"


def test_what_is_missing_differs_or_is_left_out_is_told():
    reference = check_api.listing(package(Base=Base, Derived=Derived, run=lambda x: x, gone=lambda: 0))

    class Other:
        size = 1

        def scaled(self, x, by=2.0):
            pass

    absent = check_api.Absent([("things.Base.make", "why")])
    (report,) = check_api.compare(reference, package(Base=Other, Derived=Derived, run=lambda y: y), absent)
    assert report.differences == {
        "things.Base.scaled": "(x, by=2.0) instead of (x, by=1.0, *, loud=False)",
        "things.gone": "missing",
        "things.run": "(y) instead of (x)",
    }
    assert report.absent == {"things.Base.make": "why"}
    assert (report.names, report.names_there, report.signatures, report.signatures_equal) == (4, 3, 4, 2)


def test_one_line_tells_all_classes_that_share_a_difference():
    differences = {f"things.{name}.run": "missing" for name in "ABCDE"} | {"things.f": "missing"}
    text = check_api.lines([check_api.Report("things", differences=differences)], ["things"])
    assert text[2:4] == ["    A, B, C and 2 more: run: missing", "    f: missing"]


def test_the_exit_status_tells_whether_something_differs(capsys, tmp_path):
    assert check_api.main(["losses", "--json", str(tmp_path / "all.json")]) == 0
    assert "885 names" in capsys.readouterr().out.splitlines()[-1]
    assert {"namespace", "differences"} <= set(json.loads((tmp_path / "all.json").read_text())[0])
    with pytest.raises(SystemExit):
        check_api.main(["no_such_namespace"])


def test_defaults_are_shown_without_addresses():
    def function(a, b=len, c=SimpleNamespace, d=object(), *args, e=(1, None)):  # noqa: B008
        pass

    assert check_api.signature_text(function) == "(a, b=len, c=SimpleNamespace, d=<object object>, *args, e=(1, None))"
