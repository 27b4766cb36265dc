"""The report as one HTML page: no scripts, nothing from elsewhere but the small pictures.

Whatever comes from files (names, reasons, warnings) passes through `html.escape` or, in links,
through `urllib.parse.quote`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePath
from string import Template
from typing import Any
from urllib.parse import quote

from ahdr_cli.batch.thumbnail import THUMBNAIL_FOLDER

__all__ = ["is_page", "render_page"]

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="ahdr batch $version">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'">
<title>$title</title>
<style>
:root { color-scheme: light dark; --line: #8884; --soft: #888; --bad: #c8372d; --doubt: #b07d12; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1500px;
 padding: 1.5rem clamp(1rem, 3vw, 2.5rem) 4rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .8rem; }
.soft, footer { color: var(--soft); }
.numbers { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0 0; padding: 1rem 0;
 border-block: 1px solid var(--line); }
.numbers div { display: flex; flex-direction: column; }
.numbers b { font-size: 1.4rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.cards { display: grid; gap: 1.2rem;
 grid-template-columns: repeat(auto-fill, minmax(min(320px, 100%), 1fr)); }
article { border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
article > div { padding: .7rem .9rem .9rem; }
article.failed { border-color: var(--bad); }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
a { color: inherit; }
img, .none { display: block; width: 100%; height: 210px; object-fit: cover; background: #8882; }
.none { display: grid; place-items: center; color: var(--soft); height: 60px; }
p { margin: .3rem 0 0; overflow-wrap: anywhere; }
.reason { color: var(--bad); } .warning { color: var(--doubt); }
table { border-collapse: collapse; width: 100%; margin-top: .5rem; font-size: .87rem;
 font-variant-numeric: tabular-nums; }
th { font-weight: 500; color: var(--soft); }
td, th { text-align: right; padding: .12rem 0 .12rem .7rem; white-space: nowrap; }
td:first-child, th:first-child { text-align: left; padding-left: 0; white-space: normal;
 overflow-wrap: anywhere; }
.files td { text-align: left; white-space: normal; vertical-align: top;
 border-top: 1px solid var(--line); padding-block: .3rem; }
footer { margin-top: 3rem; }
</style>
</head>
<body>
<header>
<h1>$title</h1>
<p class="soft">$subtitle</p>
<div class="numbers">$numbers</div>
</header>
$body
<footer>ahdr $version · $written</footer>
</body>
</html>
""")


_MARK = '<meta name="generator" content="ahdr batch '
_EARLIER_MARKS = ("img-src 'self' file:; style-src 'unsafe-inline'\">", "<title>HDR batch")
"""Of pages that do not name their generator."""


def is_page(start: str) -> bool:
    """Whether an HTML file is one of ours, by its first thousand characters or so."""
    return _MARK in start or all(mark in start for mark in _EARLIER_MARKS)


def render_page(content: Mapping[str, Any]) -> str:
    """The page for the contents of a ``report.json``."""
    summary = content["summary"]
    sets = content["sets"]
    bad = [entry for entry in sets if entry["status"] == "failed"]
    good = [entry for entry in sets if entry["status"] != "failed"]
    title = "HDR batch" if content["shard"] == "1/1" else f"HDR batch, shard {content['shard']}"
    body = [
        _cards("Failed", bad),
        _cards("Merged", good),
        _files("Damaged files", content["unreadable"]),
        _files("Files in no set", content["left_out"]),
    ]
    options = content["options"]
    subtitle = f"model {content['model']}"
    if options["reference_ev"] is not None:
        subtitle += f" · 1.0 is white at {options['reference_ev']:+g} EV"
    return _PAGE.substitute(
        title=escape(title),
        subtitle=escape(subtitle),
        numbers=_numbers(summary),
        body="\n".join(part for part in body if part),
        version=escape(str(content["version"])),
        written=escape(str(content["written"])),
    )


def _numbers(summary: Mapping[str, Any]) -> str:
    shown = [
        ("merged now", summary["done"]),
        ("done before", summary["skipped"]),
        ("failed", summary["failed"]),
        ("not reached", summary["waiting"]),
        ("damaged files", summary["unreadable"]),
        ("files in no set", summary["left_out"]),
        ("time", _duration(summary["seconds"])),
    ]
    if summary["images_per_second"]:
        shown.append(("a minute", f"{60 * summary['images_per_second']:.3g}"))
    always = {"merged now", "time"}
    return "".join(
        f"<div><b>{escape(str(value))}</b><span class=soft>{escape(label)}</span></div>"
        for label, value in shown
        if value or label in always
    )


def _cards(title: str, entries: Sequence[Mapping[str, Any]]) -> str:
    if not entries:
        return ""
    cards = "\n".join(_card(entry) for entry in entries)
    return (
        f'<h2>{escape(title)} ({len(entries)})</h2>\n<section class="cards">\n{cards}\n</section>'
    )


def _card(entry: Mapping[str, Any]) -> str:
    name = escape(entry["output"])
    if entry["status"] == "failed":
        picture = ""
        head = f"<h3>{name}</h3><p class=reason>{escape(entry['reason'] or '')}</p>"
    else:
        link = quote(entry["output"])
        source = quote(f"{THUMBNAIL_FOLDER}/{entry['output']}.jpg")
        picture = (
            f'<a href="{link}"><img loading="lazy" alt="preview of {name}" src="{source}"></a>'
        )
        head = f'<h3><a href="{link}">{name}</a></h3>'
    warnings = "".join(f"<p class=warning>{escape(text)}</p>" for text in entry["warnings"])
    return (
        f'<article class="{escape(entry["status"])}">{picture}<div>{head}'
        f"<p class=soft>{escape(_facts(entry))}</p>{warnings}{_frames(entry)}</div></article>"
    )


def _facts(entry: Mapping[str, Any]) -> str:
    facts = []
    if entry["size"]:
        height, width = entry["size"]
        facts.append(f"{width} × {height}")
    if entry["seconds"]:
        facts.append(", ".join(f"{name} {s:.2f} s" for name, s in entry["seconds"].items()))
    if any(entry["aligned_px"]):
        facts.append(
            "aligned by " + " and ".join(f"{px:.1f}" for px in entry["aligned_px"]) + " px"
        )
    if entry["matched_ev"] is not None:
        facts.append(f"with γ 2.2 frames were {entry['matched_ev']:.2f} EV apart")
    if entry["highlights"]:
        names = ", ".join(PurePath(path).name for path in entry["highlights"])
        facts.append(f"highlights from {names}")
    if entry["offset_ev"] is not None:
        facts.append(f"brightened by {entry['offset_ev']:+.2f} EV")
    if entry["status"] == "skipped":
        facts.append("done before")
    if entry["status"] == "failed" and entry["grouped_because"]:
        facts.append(entry["grouped_because"])
    return " · ".join(facts)


def _frames(entry: Mapping[str, Any]) -> str:
    if not entry["frames"]:
        rows = "".join(f"<tr><td>{escape(path)}</td></tr>" for path in entry["inputs"])
        return f"<table>{rows}</table>"
    rows = "".join(
        f"<tr><td title='{escape(frame['path'])}'>{escape(PurePath(frame['path']).name)}</td>"
        f"<td>{escape(_shutter(frame['seconds']))}</td>"
        f"<td>{_or_dash(frame['f_number'], '.3g')}</td>"
        f"<td>{_or_dash(frame['iso'], '.0f')}</td>"
        f"<td>{frame['ev']:+.1f}</td></tr>"
        for frame in entry["frames"]
    )
    return (
        "<table><tr><th>frame</th><th>shutter</th><th>f/</th><th>ISO</th><th>EV</th></tr>"
        f"{rows}</table>"
    )


def _files(title: str, entries: Sequence[Mapping[str, Any]]) -> str:
    if not entries:
        return ""
    rows = "".join(
        f"<tr><td>{escape(entry['path'])}</td><td>{escape(entry['reason'])}</td></tr>"
        for entry in entries
    )
    return f'<h2>{escape(title)} ({len(entries)})</h2>\n<table class="files">{rows}</table>'


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _shutter(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"1/{1 / seconds:.0f} s" if seconds < 0.3 else f"{seconds:.3g} s"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
