"""The HTML file: every cell's code, the reference's output, ours and the verdict, on one page without scripts."""
from __future__ import annotations

from collections.abc import Sequence
from html import escape

from guide_check.comparison import ALLOWANCES, Result
from guide_check.figures import Judged, short
from guide_check.report import Checked, seconds_text, summary, verdict_text
from guide_check.running import Record
from guide_check.text import rendered

NOTHING = "(nothing)"
STYLE = """
:root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --line: #8884; --soft: #8881; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 100rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; overflow-wrap: anywhere; }
nav { line-height: 2.1; }
nav a { border: 1px solid; border-radius: 4px; padding: 0 .4em; text-decoration: none; }
section { border-top: 1px solid var(--line); margin-top: 1.5rem; padding-top: .3rem; }
h2 { font-size: 1rem; margin: .3rem 0; }
h3 { font-size: .85rem; font-weight: 600; margin: .4rem 0 .2rem; opacity: .75; }
.match { color: var(--good); } .differs, .error { color: var(--bad); }
.outputs { display: grid; gap: 0 1rem; grid-template-columns: 1fr 1fr; }
@media (max-width: 60rem) { .outputs { grid-template-columns: 1fr; } }
pre { background: var(--soft); margin: 0; max-height: 26rem; overflow: auto; padding: .5rem; white-space: pre-wrap;
      overflow-wrap: anywhere; font-size: .82rem; }
table { border-collapse: collapse; font-size: .82rem; }
td, th { border: 1px solid var(--line); padding: .1rem .5rem; text-align: left; }
details { margin: .4rem 0; } summary { cursor: pointer; font-size: .85rem; }
"""


def html_page(notebooks: Sequence[Checked]) -> str:
    """One page that reads without scripts and loads nothing."""
    body = "\n".join(_notebook(checked, number) for number, checked in enumerate(notebooks))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>check_guide</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _notebook(checked: Checked, number: int) -> str:
    links = " ".join(
        f'<a class="{result.verdict}" href="#c{number}-{place}">{escape(result.cell.label)}</a>'
        for place, result in enumerate(checked.results)
    )
    cells = "\n".join(_cell(result, f"c{number}-{place}") for place, result in enumerate(checked.results))
    title = escape(f"{checked.path.name}: {'match' if checked.matches else 'does not match'}")
    told = escape(f"{summary(checked)}; engine {checked.engine}, seeds {', '.join(map(str, checked.seeds))}")
    return f"<h1>{title}</h1>\n<p>{told}</p>\n<nav>{links}</nav>\n{cells}"


def _cell(result: Result, anchor: str) -> str:
    heading = f"Cell {result.cell.label}: <span class=\"{result.verdict}\">{escape(verdict_text(result))}</span>"
    reference = result.cell.text or (NOTHING if result.cell.executed else "(never executed)")
    return "\n".join(
        [
            f'<section id="{anchor}">\n<h2>{heading}, {seconds_text(result)} s</h2>',
            _differences(result),
            _block("Code", result.cell.source),
            '<div class="outputs">',
            f"<div>{_block('Reference', reference)}</div>",
            f"<div>{_block('Ours, first run', _output(result.records[0]))}</div>",
            "</div>",
            _other_runs(result),
            _figures(result.figures),
            _allowances(result),
            "</section>",
        ]
    )


def _block(title: str, text: str) -> str:
    return f"<h3>{escape(title)}</h3><pre>{escape(text)}</pre>"


def _output(record: Record) -> str:
    parts = [rendered(record.stdout).rstrip("\n"), record.value or "", record.error or ""]
    return "\n".join(part for part in parts if part) or NOTHING


def _differences(result: Result) -> str:
    if not result.differences:
        return ""
    rows = "".join(
        f"<tr><td>{escape(d.reason)}</td><td>{escape(d.reference)}</td><td>{escape(d.ours)}</td></tr>"
        for d in result.differences
    )
    return f"<table><tr><th>difference</th><th>reference</th><th>ours</th></tr>{rows}</table>"


def _other_runs(result: Result) -> str:
    outputs = [_output(record) for record in result.records]
    if all(output == NOTHING for output in outputs):
        return ""
    blocks = "".join(_block(f"Run {run}", output) for run, output in enumerate(outputs) if run > 0)
    return f"<details><summary>Other runs</summary>{blocks}</details>"


def _figures(figures: Sequence[Judged]) -> str:
    if not figures:
        return ""
    rows = "".join(
        f"<tr><td>{escape(j.figure.reference)}</td><td>{escape(', '.join(map(short, j.figure.values)))}</td>"
        f"<td>{short(j.low)} .. {short(j.high)}</td><td class=\"{'match' if j.fits else 'differs'}\">"
        f"{'yes' if j.fits else 'no'}</td></tr>"
        for j in figures
    )
    heads = "<tr><th>reference</th><th>ours</th><th>limits</th><th>fits</th></tr>"
    return f"<details><summary>{len(figures)} figures</summary><table>{heads}{rows}</table></details>"


def _allowances(result: Result) -> str:
    items = "".join(f"<li>{escape(name)}: {escape(ALLOWANCES[name])}</li>" for name in result.allowances)
    return f"<h3>Allowances</h3><ul>{items}</ul>" if items else ""
