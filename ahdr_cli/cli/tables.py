"""The tables of an evaluation, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from ahdr_cli.errors import counted

if TYPE_CHECKING:
    from ahdr_cli.evaluation.results import Evaluation

__all__ = ["cause_table", "mean_table", "scene_table"]


def mean_table(found: Evaluation) -> Table:
    """One row for each method, the best of a column in bold."""
    table = _table(f"mean of {counted(len(found.scenes), 'scene')}")
    table.add_column("method")
    best = {key: found.best(key) for key in found.columns}
    for column in found.columns.values():
        table.add_column(column.heading, justify="right")
    for method in found.methods:
        cells = [
            _bold(column.format(found.mean(method, key)), method in best[key])
            for key, column in found.columns.items()
        ]
        table.add_row(_plain(method), *cells)
    return table


def cause_table(found: Evaluation) -> Table:
    """PSNR-μ on the pixels of each cause, and the share of the whole squared error there."""
    table = _table("PSNR-μ dB by cause of error (share of the squared error)")
    table.add_column("method")
    rows = {method: found.causes(method) for method in found.methods}
    rows = {method: causes for method, causes in rows.items() if causes}
    first = next(iter(rows.values()))
    pixels = sum(share.pixels for share in first.values())
    for name, share in first.items():
        table.add_column(f"{name}\n{100 * share.pixels / pixels:.1f} % of pixels", justify="right")
    for method, causes in rows.items():
        error = sum(share.squared_error for share in causes.values())
        cells = [
            "-"
            if share.psnr is None
            else f"{share.psnr:.2f} ({100 * share.squared_error / error:.0f} %)"
            for share in causes.values()
        ]
        table.add_row(_plain(method), *cells)
    return table


def scene_table(found: Evaluation, key: str) -> Table:
    """One row for each scene, one column for each method, of one measure."""
    column = found.columns[key]
    table = _table(column.heading)
    table.add_column("scene")
    for method in found.methods:
        table.add_column(_plain(method), justify="right")
    values = {(r.scene, r.method): r.values.get(key) for r in found.results}
    for scene in found.scenes:
        cells = [column.format(values.get((scene, method))) for method in found.methods]
        table.add_row(_plain(scene), *cells)
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, pad_edge=False)


def _bold(text: str, best: bool) -> str:
    return f"[bold]{text}[/bold]" if best else text


def _plain(name: str) -> str:
    """Names are no markup, and do not move the cursor."""
    from rich.markup import escape

    from ahdr_cli.cli.streams import visible

    return escape(visible(name))
