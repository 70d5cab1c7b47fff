"""The six rules of the house, read off the source files."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "kerasish"
FILES = sorted(PACKAGE.rglob("*.py"))
LEVELS = {
    "core": 0, "_tensorflow": 0, "ops": 1,
    "activations": 2, "initializers": 2, "regularizers": 2, "constraints": 2, "graph": 3,
    "layers": 4, "losses": 4, "metrics": 4, "optimizers": 4, "callbacks": 4,
    "data_sources": 5, "training": 5, "saving": 5,
    "models": 6, "backend": 7, "utils": 7, "preprocessing": 7, "datasets": 7, "applications": 7, "mixed_precision": 7,
    "experimental": 7, "export": 7, "dropin": 7, "__main__": 8, "": 8,
}  # fmt: skip
FACES = {"backend", "utils", "preprocessing"}
INTERNAL = {"graph/scratch.py", "graph/symbolic_tensor.py", "core/tracking.py"}


def name_of(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}


def top(module):
    return (module.split(".") + [""])[1]


def imports_of(tree):
    """Every (imported module or module.name, line, whether at the top level of the module)."""
    outer = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, id(node) in outer
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno, id(node) in outer


def kerasish_imports(name):
    for target, line, at_top in imports_of(TREES[name]):
        if target.split(".")[0] == "kerasish":
            module = target if target in MODULES else target.rpartition(".")[0]
            if module != name:
                yield module, line, at_top


def docstrings_removed(path):
    """The source without comments and strings, so that only code can break a rule."""
    tree = ast.parse(path.read_text())
    return {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def test_every_module_has_a_level():
    assert {top(name) for name in MODULES} <= set(LEVELS)


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_to_the_same_or_a_lower_level(name):
    higher = [(module, line) for module, line, _ in kerasish_imports(name) if LEVELS[top(module)] > LEVELS[top(name)]]
    assert not higher


@pytest.mark.parametrize("name", MODULES)
def test_the_package_is_imported_at_the_top_of_modules_only(name):
    assert not [(module, line) for module, line, at_top in kerasish_imports(name) if not at_top]


def test_there_is_no_import_cycle():
    edges = {name: {module for module, _, _ in kerasish_imports(name) if module in MODULES} for name in MODULES}
    for name in MODULES:  # a package's own __init__ is imported before its modules, which is no dependency of theirs
        edges[name] = {module for module in edges[name] if not name.startswith(f"{module}.")}
    state = defaultdict(int)

    def visit(name, path):
        assert state[name] != 1, f"cycle: {' -> '.join([*path, name])}"
        if state[name] == 0:
            state[name] = 1
            for other in sorted(edges[name]):
                visit(other, [*path, name])
            state[name] = 2

    for name in MODULES:
        visit(name, [])


def test_the_tape_is_opened_in_two_files_only():
    found = {str(path.relative_to(PACKAGE)) for path in FILES if "tf.GradientTape" in _called(path)}
    assert found == {"models/model.py", "optimizers/base.py"}


def test_training_is_compiled_in_one_file_only():
    found = {str(path.relative_to(PACKAGE)) for path in FILES if "tf.function" in _called(path)}
    assert found <= {"training/program.py", "optimizers/eager.py", "saving/saved_model.py"}
    assert "training/program.py" in found


def test_private_tensorflow_and_other_kerases_are_not_used():
    for name, path in MODULES.items():
        for target, line, _ in imports_of(TREES[name]):
            assert not target.startswith(("tensorflow.python", "keras", "tf_keras")) or target.startswith("kerasish"), (
                f"{name}:{line}"
            )
        attributes = docstrings_removed(path)
        place = str(path.relative_to(PACKAGE))
        assert place == "dropin.py" or not any("tensorflow.python" in a for a in attributes), name
        v1 = {a for a in attributes if "tf.compat.v1" in a}
        allowed = {"tf.compat.v1", "tf.compat.v1.placeholder"} if place == "graph/scratch.py" else set()
        assert place == "dropin.py" or v1 <= allowed, f"{name}: {v1}"
        assert place in INTERNAL or not any("tf.__internal__" in a for a in attributes), name


def test_nobody_inside_imports_the_faces():
    for name in MODULES:
        if top(name) in FACES or name == "kerasish":
            continue
        used = {top(module) for module, _, _ in kerasish_imports(name)} & FACES
        assert not used, f"{name} imports {used}"


@pytest.mark.parametrize("name", [n for n in MODULES if MODULES[n].name == "__init__.py" and n.count(".") <= 1])
def test_public_names_are_listed_and_sorted(name):
    lists = [ast.literal_eval(node.value) for node in TREES[name].body
             if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"]  # fmt: skip
    for names in lists:
        assert names == sorted(names)
    machinery = {"core", "ops", "graph", "data_sources", "training", "saving"}
    assert lists or top(name) in machinery


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_stay_small(path):
    text = path.read_text()
    lines = text.count("\n")
    assert lines <= 600
    if lines > 400:
        assert re.search(r"[Ll]onger than most|[Oo]ver 400", ast.get_docstring(ast.parse(text)) or ""), (
            "needs its reason in the docstring"
        )


def _called(path):
    tree = ast.parse(path.read_text())
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    decorators = {
        ast.unparse(d) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for d in node.decorator_list
    }
    return used & (calls | decorators)


FAMILIES = ("losses", "metrics", "optimizers", "initializers", "regularizers", "constraints", "activations", "backend")
NO_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@pytest.mark.parametrize("folders, most", [(FAMILIES, 6000), (("layers",), 8000)], ids=["functions", "layers"])
def test_the_catalogues_stay_small(folders, most):
    assert sum(lines_of_code(path) for name, path in MODULES.items() if top(name) in folders) <= most


def test_code_is_counted_without_blank_lines_comments_and_docstrings(tmp_path):
    file = tmp_path / "some.py"
    head = '"""One.\n\nMore.\n"""\n\n# why\nx = """a\nb"""  # c\n'
    file.write_text(head + '\n\ndef f():\n    """Two."""\n    return (\n        x\n    )\n')
    assert lines_of_code(file) == 6


def lines_of_code(path):
    source = path.read_text()
    lines = {line for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type not in NO_CODE
             for line in range(token.start[0], token.end[0] + 1)}  # fmt: skip
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)
