"""Rule 6: what each public module offers is listed in names.json, so that a name comes or goes only on purpose.

After such a change, write the listing anew and look at its difference: `python tests/api/test_names.py`.
"""

import importlib
import json
import pkgutil
from pathlib import Path

import pytest

import kerasish

LISTING = Path(__file__).with_name("names.json")
MACHINERY = {"core", "ops", "graph", "data_sources", "training", "saving"}


def public_modules():
    """Names of the package, its public folders and files, and the folders and files in them that say `__all__`."""
    found = ["kerasish"]
    for entry in pkgutil.walk_packages(kerasish.__path__, "kerasish."):
        parts = entry.name.split(".")[1:]
        public = parts[0] not in MACHINERY and not any(part.startswith("_") for part in parts)
        if public and (entry.ispkg or len(parts) == 1):
            found.append(entry.name)
    return found


def names():
    """The `__all__` of each public module that has one."""
    modules = {name: importlib.import_module(name) for name in public_modules()}
    return {name: list(module.__all__) for name, module in sorted(modules.items()) if hasattr(module, "__all__")}


@pytest.mark.parametrize("module", public_modules())
def test_a_public_module_offers_what_is_listed(module):
    offered = getattr(importlib.import_module(module), "__all__", None)
    listed = json.loads(LISTING.read_text()).get(module)
    assert offered == listed, "If that is meant, run: python tests/api/test_names.py"
    for name in offered or ():
        assert hasattr(importlib.import_module(module), name)


def test_nothing_is_listed_that_is_not_there():
    assert set(json.loads(LISTING.read_text())) <= set(public_modules())


if __name__ == "__main__":
    LISTING.write_text(json.dumps(names(), indent=1) + "\n")
