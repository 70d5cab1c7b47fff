"""What went wrong inside a graph, in a few lines instead of TensorFlow's dozens."""

from __future__ import annotations

import re
from pathlib import Path

import tensorflow as tf

_LIBRARIES = (str(Path(__file__).parents[1]), str(Path(tf.__file__).parent))

_DEFINITION = "Stack trace for op definition"


def brief(error: tf.errors.OpError) -> tf.errors.OpError:
    """An error of the same type that says the cause, the operation, and the user's line that asked for it.

    Errors that do not come out of a graph are returned as they are.
    """
    text = error.message
    if text.startswith("Detected unsupported operations"):
        return type(error)(error.node_def, error.op, _refusal(text))
    if _DEFINITION in text:
        return type(error)(error.node_def, error.op, _uncompiled(text))
    node = re.search(r"Detected at node (\S+)", text)
    if node is None:
        return error
    cause = [line.strip()[:300] for line in text.rpartition("\n\n")[2].splitlines() if "[[{{" not in line]
    frames = re.findall(r'File "([^"]+)", line (\d+)', text)
    own = [f'File "{file}", line {line}' for file, line in frames if not file.startswith(_LIBRARIES)]
    where = f"In the operation {node[1]} of the model" + (f", asked for in {own[-1]}" if own else "")
    return type(error)(error.node_def, error.op, "\n".join([*cause[:4], where]))


def _uncompiled(text: str) -> str:
    """Why XLA could not compile a part of the model, and which."""
    cause = [line.strip()[:300] for line in text.partition(_DEFINITION)[0].splitlines() if line.strip()]
    nodes = re.findall(r"{{node ([^}]+)}}", text)
    where = [f"In the operation {nodes[0]} of the model"] if nodes else []
    return "\n".join([*cause[:3], *where, "Leave jit_compile out: then only what XLA can compile is compiled."])


def _refusal(text: str) -> str:
    """What XLA cannot compile, and where it stands in the model."""
    operations = sorted(set(re.findall(r"(\w+) \(No registered", text)))
    places = sorted({node.rpartition("/")[0] or node for node in re.findall(r"{{node ([^}]+)}}", text)} - {"while"})
    return (
        f"XLA cannot compile {', '.join(operations[:6])}, which the model uses in {', '.join(places[:4])}.\n"
        "Leave jit_compile out: then only what XLA can compile is compiled."
    )
