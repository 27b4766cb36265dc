"""HDR-VDP-2.2.1, after the published method.

Reading order: `metric` (the whole), `receptors`, `pyramid`, `contrast`, `masking`, `pooling`.
Arrays inside are torch float64, channels first; (O, h, w) for a band with O orientations.
"""

from __future__ import annotations

from ahdr_cli.metrics.hdrvdp2.metric import VERSION, HdrVdp2Maps, HdrVdp2Result, hdrvdp2
from ahdr_cli.metrics.hdrvdp2.options import EmissionSpectrum, Encoding, HdrVdp2Options

__all__ = [
    "VERSION",
    "EmissionSpectrum",
    "Encoding",
    "HdrVdp2Maps",
    "HdrVdp2Options",
    "HdrVdp2Result",
    "hdrvdp2",
]
