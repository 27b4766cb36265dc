"""HTML of the reports: document, sections, figures and tables; no script, nothing from outside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape

from ahdr_cli._version import __version__
from ahdr_cli.errors import counted
from ahdr_cli.evaluation.causes import CAUSES
from ahdr_cli.evaluation.results import Evaluation

__all__ = ["cell", "figure", "page", "section", "table", "tables"]

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 84rem; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; font-weight: 600; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #8884; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; }
td { white-space: nowrap; }
.wide { overflow-x: auto; } .best { font-weight: 700; }
.row { display: flex; flex-wrap: wrap; gap: .6rem; margin-bottom: .6rem; }
figure { margin: 0; } figcaption { font-size: .8rem; opacity: .8; }
img { display: block; max-width: 100%; height: auto; }
img.pixels { image-rendering: pixelated; }
pre { background: #8881; padding: .8rem; overflow-x: auto; font-size: .8rem; }
p.note { opacity: .8; max-width: 60rem; }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """A whole document."""
    heading = escape(title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{heading}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{heading}</h1>\n" + "\n".join(parts) + f"\n<p class=note>ahdr {__version__}</p>\n"
        "</body>\n</html>\n"
    )


def section(title: str, *rows: str) -> str:
    """A heading with rows of figures."""
    body = "\n".join(f"<div class=row>{row}</div>" for row in rows if row)
    return f"<section>\n<h3>{escape(title)}</h3>\n{body}\n</section>"


def figure(caption: str, address: str, shape: Sequence[int], *, factor: int = 1) -> str:
    """A picture with its caption below; `factor` shows every pixel as a square of that side."""
    height, width = (side * factor for side in shape[:2])
    text = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    kind = " class=pixels" if factor > 1 else ""
    return (
        f'<figure><img src="{address}" alt="{escape(caption)}" width={width} height={height}'
        f"{kind}>{text}</figure>"
    )


def tables(evaluation: Evaluation) -> str:
    """All numbers: means, errors by cause, every scene, and what was set."""
    parts = [
        "<p class=note>Whole images, no border crop, no renormalisation; means of per-image "
        "values. Best in bold.</p>",
        _means(evaluation),
    ]
    if any(evaluation.causes(method) for method in evaluation.methods):
        parts.append(_causes(evaluation))
    parts.append(_scenes(evaluation))
    settings = escape(json.dumps(dict(evaluation.settings), indent=1, ensure_ascii=False))
    parts.append(f"<h2>Settings</h2><pre>{settings}</pre>")
    return "\n".join(parts)


def _means(evaluation: Evaluation) -> str:
    columns = evaluation.columns
    best = {key: evaluation.best(key) for key in columns}
    rows = [
        [
            escape(method),
            *(
                cell(column.format(evaluation.mean(method, key)), method in best[key])
                for key, column in columns.items()
            ),
        ]
        for method in evaluation.methods
    ]
    head = ["method", *(column.heading for column in columns.values())]
    meaning = "; ".join(
        f"<b>{escape(method)}</b>: {escape(summary)}"
        for method, summary in evaluation.methods.items()
    )
    return (
        f"<h2>{counted(len(evaluation.scenes), 'scene')}</h2>"
        + table(head, rows)
        + f"<p class=note>{meaning}.</p>"
    )


def _causes(evaluation: Evaluation) -> str:
    rows = []
    shares: list[str] = []
    for method in evaluation.methods:
        found = evaluation.causes(method)
        if not found:
            continue
        pixels = sum(share.pixels for share in found.values())
        error = sum(share.squared_error for share in found.values())
        shares = [cell(f"{100 * share.pixels / pixels:.1f} %") for share in found.values()]
        cells = [
            cell(
                "–"
                if share.psnr is None
                else f"{share.psnr:.2f} ({100 * share.squared_error / max(error, 1e-300):.0f} %)"
            )
            for share in found.values()
        ]
        rows.append([escape(method), *cells])
    rows.insert(0, ["share of pixels", *shares])
    meaning = "; ".join(f"{escape(name)}: {escape(text)}" for name, text in CAUSES.items())
    return (
        "<h2>Errors by cause</h2><p class=note>PSNR-μ over the pixels of each cause, all scenes "
        f"together, and in brackets their share of the squared error. {meaning}.</p>"
        + table(["method", *CAUSES], rows)
    )


def _scenes(evaluation: Evaluation) -> str:
    parts = ["<h2>Every scene</h2>"]
    by_place = {(result.scene, result.method): result for result in evaluation.results}
    for key, column in evaluation.columns.items():
        rows = []
        for scene in evaluation.scenes:
            cells = []
            for method in evaluation.methods:
                found = by_place.get((scene, method))
                cells.append(cell(column.format(found.values.get(key) if found else None)))
            rows.append([escape(scene), *cells])
        parts.append(
            f"<details{' open' if len(parts) == 1 else ''}><summary>{escape(column.heading)}"
            f"</summary>{table(['scene', *evaluation.methods], rows)}</details>"
        )
    return "\n".join(parts)


def cell(text: str, best: bool = False) -> str:
    """One field of a :func:`table`."""
    return f"<td{' class=best' if best else ''}>{escape(text)}</td>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of a plain first cell and further cells that are HTML already."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "\n".join(f"<tr><td>{first}</td>{''.join(cells)}</tr>" for first, *cells in rows)
    return f"<div class=wide><table>\n<tr>{top}</tr>\n{body}\n</table></div>"
