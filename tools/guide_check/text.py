"""Output as a list of lines made of tokens, so that two outputs can be compared for what they say.

White space and blank lines say nothing; object addresses, module paths of reprs and times are taken out; a bracket
that closes on a later line makes one line of the lines between; `help()` becomes a name and its parameters; lines that
only count up (`Epoch 1/3`, `Epoch 2/3`, ...) become one line with a count.
"""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["word", "integer", "float"]
Origin = Literal["printed", "shown"]

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
CLASS_PATH = re.compile(r"<(class ')?(?:\w+\.)*_*(\w+)")
ADDRESS = re.compile(r"(?: object)? at 0x[0-9a-fA-F]+")
ETA = re.compile(r"\bETA: *[\d:]+s?")
DURATION = re.compile(r"\b\d+(?:\.\d+)? ?(?:s|ms|us|µs|seconds?)\b(?:/(?:step|sample|epoch))?")
TIMES = re.compile(r"<time>(?: <time>)+")
FINISHED_BAR = re.compile(r"^\s*(\d+)/(?:\1|Unknown)\s(?:\[=+\]|- <time>)")
HELP_TITLE = re.compile(r"^Help on [\w -]*?(?P<name>\w+)(?: in module (?P<module>[\w.]+))?:\s*$")
TOKEN = re.compile(
    r"(?P<float>(?<![\w.])[-+]?(?:\d+\.\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|\d+e[-+]?\d+|nan|inf)(?!\.?\w))"
    r"|(?P<integer>(?<![\w.])[-+]?\d+(?!\.?\w))"
    r"|(?P<word>\w+|<time>|\S)",
    re.IGNORECASE,
)
STANDS_FOR = {"integer": "#", "float": "~"}
LONGEST_JOIN = 200  # lines; an opening bracket that is never closed joins nothing


@dataclass(frozen=True)
class Token:
    """A word, a punctuation mark or a number; `array` numbers the bracketed list it stands in, from 1, or is 0."""

    text: str
    kind: Kind = "word"
    array: int = 0

    @property
    def pattern(self) -> str:
        return STANDS_FOR.get(self.kind, self.text)


@dataclass(frozen=True)
class Line:
    """A line, or `count` lines that differ in one number which counts up; `partial` when its end was cut off."""

    text: str
    tokens: tuple[Token, ...]
    origin: Origin = "printed"
    count: int = 1
    partial: bool = False

    @property
    def template(self) -> tuple[str, ...]:
        return tuple(token.pattern for token in self.tokens)

    @property
    def numbers(self) -> list[Token]:
        return [token for token in self.tokens if token.kind != "word"]


@dataclass(frozen=True)
class Help:
    """What `help()` printed about one function."""

    text: str
    name: str
    module: str
    parameters: tuple[str, ...]
    origin: Origin = "printed"


@dataclass(frozen=True)
class Gap:
    """A place where the reference has lost output: any lines of ours may stand there."""

    allowance: str


Item = Line | Help | Gap


def rendered(text: str) -> str:
    """The text as a terminal would show it: carriage returns and backspaces obeyed, colours dropped."""
    return "\n".join(map(_overwritten, ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")))


def _overwritten(line: str) -> str:
    if "\r" not in line and "\b" not in line:
        return line
    shown: list[str] = []
    at = 0
    for character in line:
        if character == "\r":
            at = 0
        elif character == "\b":
            at = max(at - 1, 0)
        else:
            shown[at : at + 1] = [character]
            at += 1
    return "".join(shown)


def normalised(line: str) -> str:
    """The line without addresses, module paths and times."""
    line = CLASS_PATH.sub(r"<\1\2", ADDRESS.sub(" at 0x", line))
    line = DURATION.sub("<time>", ETA.sub("ETA: <time>", line))
    return TIMES.sub("<time>", line)


def tokens_of(line: str) -> tuple[Token, ...]:
    """The tokens of a normalised line."""
    tokens = []
    depth = arrays = 0
    for match in TOKEN.finditer(line):
        text = match.group()
        if text == "[":
            depth += 1
            arrays += depth == 1
        elif text == "]":
            depth = max(depth - 1, 0)
        kind: Kind = "float" if match["float"] else "integer" if match["integer"] else "word"
        tokens.append(Token(text, kind, arrays if depth else 0))
    return tuple(tokens)


def line_of(text: str, origin: Origin = "printed", partial: bool = False) -> Line:
    tokens = tokens_of(normalised(text))
    while partial and tokens and (tokens[-1].kind != "word" or tokens[-1].text in "+-."):
        tokens = tokens[:-1]
    return Line(text.strip(), tokens, origin, partial=partial)


def items_of(text: str, origin: Origin = "printed", cut: bool = False) -> list[Item]:
    """The lines and help texts of one output; of a cut output the last line is partial."""
    rows = rendered(text).split("\n")
    items: list[Item] = []
    while rows:
        title = HELP_TITLE.match(rows[0])
        if title:
            items.append(_take_help(rows, title))
            continue
        row = _take_joined(rows)
        if row.strip():
            items.append(line_of(row, origin, partial=cut and not rows))
    return [item for item in items if not isinstance(item, Line) or item.tokens]


def _unclosed(text: str) -> int:
    return sum(map(text.count, "([{")) - sum(map(text.count, ")]}"))


def _take_joined(rows: list[str]) -> str:
    """Removes one line from the front, with the lines its open brackets reach."""
    for end in range(1, min(len(rows), LONGEST_JOIN) + 1):
        joined = " ".join(rows[:end])
        if _unclosed(joined) <= 0:
            del rows[:end]
            return joined
    return rows.pop(0)


def _take_help(rows: list[str], title: re.Match[str]) -> Help:
    """Removes a help text from the front: its title, the signature, and what is indented below."""
    taken = [rows.pop(0)]
    while rows and not rows[0].strip():
        taken.append(rows.pop(0))
    signature = _take_joined(rows) if rows else ""
    taken.append(signature)
    while rows and (not rows[0].strip() or rows[0][0] in " |"):
        taken.append(rows.pop(0))
    return Help("\n".join(taken).strip(), title["name"], title["module"] or "", parameters_of(signature))


def parameters_of(signature: str) -> tuple[str, ...]:
    """The names between the first bracket and the one that closes it, catch-alls left out."""
    inside = signature.partition("(")[2]
    names, depth, name = [], 0, ""
    for character in inside:
        depth += (character in "([{") - (character in ")]}")
        if depth < 0:
            break
        if character == "," and depth == 0:
            names.append(name)
            name = ""
        else:
            name += character
    if depth < 0:
        names.append(name)
    bare = (re.split(r"[=:]", name)[0].strip() for name in names)
    return tuple(name for name in bare if name not in ("", "self", "/") and not name.startswith("*"))


def is_finished_bar(item: Item) -> bool:
    """Whether the line is a progress bar that has reached its end."""
    if not isinstance(item, Line) or item.origin != "printed":
        return False
    return FINISHED_BAR.match(normalised(item.text)) is not None


def counted(items: Sequence[Item]) -> list[Item]:
    """Neighbouring lines that are the same but for one number which counts up by one become one line with a count."""
    result: list[Item] = []
    last, column = None, None
    for item in items:
        step = _step(last, item)
        if step is not None and column in (None, step):
            before = result[-1]
            assert isinstance(before, Line)
            result[-1] = replace(before, count=before.count + 1)
            column = step
        else:
            result.append(item)
            column = None
        last = item
    return result


def _step(before: Item | None, after: Item) -> int | None:
    """The place of the only number that differs, if it went up by one."""
    if not (isinstance(before, Line) and isinstance(after, Line)) or before.template != after.template:
        return None
    places = [i for i, (a, b) in enumerate(zip(before.tokens, after.tokens, strict=True)) if a.text != b.text]
    if len(places) != 1 or after.tokens[places[0]].kind != "integer":
        return None
    up = int(after.tokens[places[0]].text) - int(before.tokens[places[0]].text)
    return places[0] if up == 1 else None
