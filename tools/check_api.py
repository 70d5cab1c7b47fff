#!/usr/bin/env python3
"""Compares the public names of kerasish with those of tf.keras 2: what is missing, what has another signature.

    python tools/check_api.py [NAMESPACE ...] [--json FILE] [--write]

Without a namespace (`losses`, `optimizers.schedules`, ...) all are counted, one line each; with some, every difference
in them is listed. Exit status 0 when nothing differs but what is absent on purpose, else 1.

    names        public functions and classes under each of their names
    signatures   the same things, each counted once: parameters, their order, kinds and defaults (not annotations)
    members      methods (with signatures), properties and class attributes of the classes, inherited ones included

What tf.keras has is read from a listing, tests/api/reference.json; `--write` makes it anew from the installed tf_keras.
What kerasish leaves out on purpose stands, with its reason, in tests/api/absent.json.
"""
from __future__ import annotations

import argparse
import fnmatch
import importlib
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "tests" / "api" / "reference.json"
ABSENT = ROOT / "tests" / "api" / "absent.json"
NO_NAMESPACE = "(top)"
LEFT_OUT = ("api", "dtensor", "estimator", "protobuf", "src")

Listing = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    parser = argparse.ArgumentParser(description="Compares kerasish's public names with those of tf.keras 2.")
    parser.add_argument("namespaces", nargs="*", metavar="NAMESPACE", help="list the differences in these")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all differences there")
    parser.add_argument("--write", action="store_true", help="make the listing anew from an installed tf_keras")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if options.write:
        made = listing(importlib.import_module("tf_keras"))
        REFERENCE.write_text(json.dumps(made, indent=0, sort_keys=True) + "\n")
    compared = compare(json.loads(REFERENCE.read_text()), importlib.import_module("kerasish"), Absent.read(ABSENT))
    unknown = set(options.namespaces) - {report.namespace for report in compared}
    if unknown:
        parser.error(f"no such namespace: {', '.join(sorted(unknown))}")
    if options.json:
        options.json.write_text(json.dumps([vars(report) for report in compared], indent=1) + "\n")
    print("\n".join(lines(compared, options.namespaces)))
    chosen = [report for report in compared if not options.namespaces or report.namespace in options.namespaces]
    return int(any(report.differences for report in chosen))


# What a package has


def public_objects(package: ModuleType) -> Iterator[tuple[str, Any]]:
    """Dotted name and object of everything public in a package, `losses.MSE`, except modules."""
    return _public_in(package, "")


def _public_in(module: ModuleType, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in sorted(dir(module)):
        value = getattr(module, name)
        if name.startswith("_") or (inspect.ismodule(value) and name in LEFT_OUT):
            continue
        if inspect.ismodule(value):
            yield from _public_in(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def listing(package: ModuleType) -> Listing:
    """The package's names, signatures and members as plain JSON.

    `names` maps each public name to the name under which `objects` has the thing; a class names its nearest public base
    class there, and only the members in which it differs from it.
    """
    named = sorted(public_objects(package), key=lambda pair: (pair[0].count("."), pair[0]))
    main_names: dict[int, str] = {}
    for name, value in named:
        main_names.setdefault(id(value), name)
    things = {main_names[id(value)]: value for _, value in named}
    bases = {name: _public_base(value, main_names) for name, value in things.items() if inspect.isclass(value)}
    objects: dict[str, Any] = {}
    for name, value in things.items():
        objects[name] = {"signature": signature_text(value)}
        if inspect.isclass(value):
            base = bases[name]
            inherited = members(things[base]) if base else {}
            own = members(value)
            objects[name]["members"] = {k: v for k, v in own.items() if inherited.get(k, None) != v}
            objects[name]["hidden"] = sorted(set(inherited) - set(own))
            objects[name]["base"] = base
    names = {name: main_names[id(value)] for name, value in sorted(named)}
    return {"of": f"{package.__name__} {package.__version__}", "names": names, "objects": objects}


def _public_base(value: type, main_names: dict[int, str]) -> str | None:
    return next((main_names[id(base)] for base in value.__mro__[1:] if id(base) in main_names), None)


def listed_members(reference: Listing, name: str) -> dict[str, str]:
    """All members of a class of a listing, inherited ones included."""
    entry = reference["objects"][name]
    inherited = listed_members(reference, entry["base"]) if entry["base"] else {}
    return {**{key: text for key, text in inherited.items() if key not in entry["hidden"]}, **entry["members"]}


def members(owner: type) -> dict[str, str]:
    """The public members of a class: the signature of a method, "" for a property or an attribute."""
    found = {name: _member_text(owner, name) for name in dir(owner) if not name.startswith("_")}
    for base in owner.__mro__:
        annotated = {name: "" for name in base.__dict__.get("__annotations__", ()) if not name.startswith("_")}
        found = {**annotated, **found}
    return dict(sorted(found.items()))


def _member_text(owner: type, name: str) -> str:
    member = inspect.getattr_static(owner, name)
    if isinstance(member, (classmethod, staticmethod)):
        return signature_text(member.__func__, skip=int(isinstance(member, classmethod)))
    return signature_text(member, skip=1) if inspect.isroutine(member) else ""


def signature_text(value: Callable[..., Any], skip: int = 0) -> str:
    """The parameters without annotations, `(x, axis=-1, **kwargs)`; `skip` leaves the first ones out (self)."""
    try:
        parameters = list(inspect.signature(value).parameters.values())[skip:]
    except (TypeError, ValueError):
        return "(...)"
    plain = [one.replace(annotation=inspect.Parameter.empty, default=_default(one.default)) for one in parameters]
    return str(inspect.Signature(plain))


class _Text:
    """A default value that is shown as a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _default(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return value
    if inspect.isroutine(value) or inspect.isclass(value):
        return _Text(value.__name__)
    if value is None or isinstance(value, (bool, int, float, str, tuple, list, dict)):
        return _Text(repr(getattr(value, "value", value)))
    return _Text(re.sub(r" at 0x[0-9a-f]+|\b[\w.]+\.(?=\w)", "", repr(value)))


# What differs


@dataclass
class Absent:
    """What is left out on purpose: pairs of a pattern of names (`metrics.*.call`) and the reason."""

    entries: list[tuple[str, str]]

    @classmethod
    def read(cls, path: Path) -> Absent:
        """The list of a file that maps each reason to its patterns."""
        groups: dict[str, list[str]] = json.loads(path.read_text())
        return cls([(pattern, reason) for reason, patterns in groups.items() for pattern in patterns])

    def reason(self, name: str) -> str | None:
        """Why the name is left out; None if it is not in the list."""
        return next((reason for pattern, reason in self.entries if fnmatch.fnmatchcase(name, pattern)), None)


@dataclass
class Report:
    """What one namespace has of what it should have."""

    namespace: str
    names: int = 0
    names_there: int = 0
    signatures: int = 0
    signatures_equal: int = 0
    members: int = 0
    members_equal: int = 0
    absent: dict[str, str] = field(default_factory=dict)
    differences: dict[str, str] = field(default_factory=dict)

    def note(self, name: str, difference: str | None, absent: Absent) -> bool:
        """Keeps a difference, if it is one; whether all is well, or as it is on purpose."""
        reason = absent.reason(name) if difference else None
        if difference:
            (self.absent if reason else self.differences)[name] = reason or difference
        return not difference or reason is not None


def compare(reference: Listing, package: ModuleType, absent: Absent) -> list[Report]:
    """One report for each namespace of the listing; what is absent on purpose counts as there."""
    reports: dict[str, Report] = {}
    own = {name: value for name in reference["names"] for value in _found(package, name)}
    for name, main_name in reference["names"].items():
        namespace = name.rpartition(".")[0] or NO_NAMESPACE
        report = reports.setdefault(namespace, Report(namespace))
        entry = reference["objects"][main_name]
        report.names += 1
        report.names_there += report.note(name, None if name in own else "missing", absent)
        if name == main_name:
            _compare_object(report, name, reference, own.get(name), absent)
        elif name in own and main_name in own:
            difference = _difference(entry["signature"], signature_text(own[name]))
            report.note(name, difference, absent)
    return sorted(reports.values(), key=lambda report: report.namespace)


def _found(package: ModuleType, name: str) -> list[Any]:
    """What the package has under a dotted name, in a list; an empty list if nothing."""
    value: Any = package
    for part in name.split("."):
        if not hasattr(value, part):
            return []
        value = getattr(value, part)
    return [] if inspect.ismodule(value) else [value]


def _compare_object(report: Report, name: str, reference: Listing, value: Any, absent: Absent) -> None:
    entry = reference["objects"][name]
    report.signatures += 1
    if value is None:
        report.signatures_equal += absent.reason(name) is not None
    else:
        difference = _difference(entry["signature"], signature_text(value))
        report.signatures_equal += report.note(name, difference, absent)
    if "members" not in entry:
        return
    wanted = listed_members(reference, name)
    own = members(value) if inspect.isclass(value) else None
    report.members += len(wanted)
    for member, text in wanted.items():
        full_name = f"{name}.{member}"
        if own is None:
            report.members_equal += absent.reason(name) is not None
        else:
            report.members_equal += report.note(full_name, _difference(text, own.get(member)), absent)


def _difference(wanted: str, found: str | None) -> str | None:
    if found is None:
        return "missing"
    return None if found == wanted else f"{found or 'no method'} instead of {wanted or 'a property or attribute'}"


# What is printed


def lines(reports: Sequence[Report], namespaces: Sequence[str] = ()) -> list[str]:
    """The table of counts, or the differences in the namespaces, and the closing line."""
    shown = [report for report in reports if not namespaces or report.namespace in namespaces]
    text = [f"{'namespace':34}{'names':>12}{'signatures':>14}{'members':>16}{'on purpose':>14}"]
    for report in shown:
        text.append(
            f"{report.namespace:34}{f'{report.names_there}/{report.names}':>12}"
            f"{f'{report.signatures_equal}/{report.signatures}':>14}"
            f"{f'{report.members_equal}/{report.members}':>16}{len(report.absent) or '':>14}"
        )
        if namespaces:
            text.extend(f"    {line}" for line in _differences(report))
    counts = [
        f"{_total(reports, f'{kind}_{good}')} of {_total(reports, kind)} {kind}"
        for kind, good in (("names", "there"), ("signatures", "equal"), ("members", "equal"))
    ]
    on_purpose = sum(len(one.absent) for one in reports)
    text.append(f"{', '.join(counts)}; absent on purpose: {on_purpose}")
    return text


def _total(reports: Sequence[Report], count: str) -> int:
    return sum(getattr(report, count) for report in reports)


def _differences(report: Report) -> Iterator[str]:
    """One line for each name and for each member, with the classes that share the difference."""
    owners: dict[tuple[str, str], list[str]] = {}
    for name, difference in report.differences.items():
        inner = name.removeprefix(f"{report.namespace}.")
        owner, _, member = inner.rpartition(".")
        owners.setdefault((member, difference), []).append(owner)
    for (name, difference), classes in owners.items():
        first = f"{', '.join(classes[:3])}{f' and {len(classes) - 3} more' if len(classes) > 3 else ''}"
        yield f"{first + ': ' if first else ''}{name}: {difference}"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
