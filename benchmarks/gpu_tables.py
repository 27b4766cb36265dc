"""The figures of `gpu.py` as tables in Markdown."""

from __future__ import annotations

import time
from typing import Any

__all__ = ["tabulate"]


def tabulate(found: dict[str, Any]) -> str:
    """Everything that `gpu.py` found."""
    width, height = found["size"]
    machine = ", ".join(f"{name} {value}" for name, value in found["machine"].items())
    peaks = ", ".join(f"{p} {v / 1e12:.3g} TFLOP/s" for p, v in found["matrix_flops"].items())
    lines = [
        f"{time.strftime('%Y-%m-%d')}. {machine}. {found['model']}, {width}×{height}.",
        f"Matrix products: {peaks}.",
        "",
        "| what | precision | form | way | median (ms) | least to most | of the matrix rate "
        "| memory (GB) | PSNR-μ to fp32 (dB) | largest difference |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_line(row) for row in found["cases"]),
        "",
        "| `ahdr batch`, JPEG to EXR | processes | precision | in flight of each | sets "
        "| images/s | processor seconds a set |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| align {row['align']} | {row['processes']} | {row['precision']} "
            f"| {row['in_flight']} | {row['sets']} | {row['images_per_second']:.3g} "
            f"| {row['processor_seconds_a_set']:.3g}"
            + (f" (no graph: {row['refusal']})" if "refusal" in row else "")
            + " |"
            for row in found["batches"]
        ),
    ]
    return "\n".join(lines) + "\n"


def _line(row: dict[str, Any]) -> str:
    head = [row["what"], row["precision"], row.get("form", ""), row["way"]]
    if "median" not in row:
        return "| " + " | ".join([*head, row.get("skipped") or row["error"], *[""] * 5]) + " |"
    agreement = "equal" if row["psnr_mu"] is None else f"{row['psnr_mu']:.1f}"
    cells = [
        f"{1e3 * row['median']:.2f}",
        f"{1e3 * row['least']:.2f} to {1e3 * row['most']:.2f}",
        f"{row['share']:.0%}" if "share" in row else "",
        f"{row['device_bytes'] / 1e9:.2f}" if "device_bytes" in row else "",
        agreement,
        f"{row['largest']:.2g}" + (f" (no graph: {row['refusal']})" if "refusal" in row else ""),
    ]
    return "| " + " | ".join([*head, *cells]) + " |"
