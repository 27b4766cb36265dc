"""`Measure`: a metric by the name that the user gives, with its heading and settings.

All compare (H, W, 3) radiance in units of the shortest frame's white, clipped to [0, 1], with
the truth in the same unit. A *picture* (exposure fusion) has no radiance, so it gets none of
them. What can be compared are pictures: the truth, exposed again like the three frames and
fused by the same algorithm, is what the fusion would have made of the scene without motion,
noise and rounding. The ``fused`` measures compare with that; radiance goes through the same
steps first, so that networks and fusion stand side by side in these columns only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from ahdr_cli.bracket import Bracket
from ahdr_cli.errors import UsageError
from ahdr_cli.evaluation.baselines import mertens
from ahdr_cli.evaluation.colorvideovdp import colorvideovdp, load_cvvdp
from ahdr_cli.evaluation.results import Column
from ahdr_cli.images import Exposure, FloatArray, Frame
from ahdr_cli.metrics.display import Display
from ahdr_cli.metrics.perceptual import pu21_psnr, pu21_ssim
from ahdr_cli.metrics.psnr import psnr, psnr_mu
from ahdr_cli.metrics.ssim import ssim, ssim_mu
from ahdr_cli.radiometry.transfer import gamma_encode

__all__ = [
    "DEFAULT_MEASURES",
    "MEASURES",
    "PICTURE_MEASURES",
    "Measure",
    "Viewing",
    "select_measures",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewing:
    """What the perceptual measures are told, recorded with every result.

    Attributes:
        display: the screen; 1.0 (the shortest frame's white) is its peak.
        device: where HDR-VDP-2 and ColorVideoVDP compute.
    """

    display: Display = field(default_factory=Display)
    device: str = "cpu"

    def to_dict(self) -> dict[str, Any]:
        """Plain values; the device does not change the results and is left out."""
        return {
            "display": asdict(self.display),
            "pixels_per_degree": self.display.pixels_per_degree,
            "unit": "1.0 = white of the shortest frame = peak of the display; clipped to [0, 1]",
            "mean": "of per-image values, whole images",
        }


Compare = Callable[[FloatArray, FloatArray, Viewing], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A column of the table; larger is better for all.

    Attributes:
        key: in options, JSON and CSV.
        column: how it is shown.
        compare: (prediction, truth, viewing) → value; of pictures if `on_pictures`.
        on_pictures: compares fused pictures instead of radiance.
        check: raises MissingDependencyError if what the measure needs is not there.
    """

    key: str
    column: Column
    compare: Compare
    on_pictures: bool = False
    check: Callable[[], object] = lambda: None

    def __call__(
        self,
        prediction: FloatArray,
        truth: FloatArray,
        bracket: Bracket,
        *,
        viewing: Viewing,
        is_picture: bool = False,
    ) -> float | None:
        """The value, or None where the measure makes no sense.

        Args:
            prediction: (H, W, 3) in [0, 1]: radiance in units of the shortest frame's white,
                or a picture.
            truth: radiance, in the same unit.
            bracket: gives the exposures.
            viewing: for the perceptual measures.
            is_picture: `prediction` is a picture.
        """
        if self.on_pictures:
            shown = prediction if is_picture else fuse(prediction, bracket)
            return self.compare(shown, fuse(truth, bracket), viewing)
        if is_picture:
            return None
        return self.compare(prediction, truth, viewing)


def fuse(radiance: FloatArray, bracket: Bracket) -> FloatArray:
    """Exposure fusion of radiance, photographed again with the bracket's exposures.

    Args:
        radiance: (H, W, 3) in units of the shortest frame's white, in [0, 1].
        bracket: gives the exposures.
    """
    frames = [
        Frame(
            pixels=gamma_encode(np.minimum(radiance * np.float32(ratio), np.float32(1))),
            exposure=Exposure(seconds=float(ratio)),
        )
        for ratio in bracket.ratios
    ]
    return mertens(Bracket.from_frames(frames))


def _hdrvdp2(prediction: FloatArray, truth: FloatArray, viewing: Viewing) -> float:
    # Here, because it imports torch.
    from ahdr_cli.metrics.hdrvdp2 import HdrVdp2Options, hdrvdp2

    display = viewing.display
    return hdrvdp2(
        display.emitted(prediction),
        display.emitted(truth),
        options=HdrVdp2Options(pixels_per_degree=display.pixels_per_degree),
        maps=False,
        device=viewing.device,
    ).quality


def _cvvdp(prediction: FloatArray, truth: FloatArray, viewing: Viewing) -> float:
    return colorvideovdp(prediction, truth, display=viewing.display, device=viewing.device)


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        measure.key: measure
        for measure in (
            Measure(
                key="psnr-mu",
                column=Column(heading="PSNR-μ dB", decimals=2),
                compare=lambda x, y, _: psnr_mu(x, y),
            ),
            Measure(
                key="psnr-l",
                column=Column(heading="PSNR-L dB", decimals=2),
                compare=lambda x, y, _: psnr(x, y),
            ),
            Measure(
                key="ssim-mu",
                column=Column(heading="SSIM-μ", decimals=4),
                compare=lambda x, y, _: ssim_mu(x, y),
            ),
            Measure(
                key="ssim-l",
                column=Column(heading="SSIM-L", decimals=4),
                compare=lambda x, y, _: ssim(x, y),
            ),
            Measure(
                key="hdr-vdp-2", column=Column(heading="HDR-VDP-2 Q", decimals=2), compare=_hdrvdp2
            ),
            Measure(
                key="pu21-psnr",
                column=Column(heading="PU21-PSNR dB", decimals=2),
                compare=lambda x, y, viewing: pu21_psnr(x, y, display=viewing.display),
            ),
            Measure(
                key="pu21-ssim",
                column=Column(heading="PU21-SSIM", decimals=4),
                compare=lambda x, y, viewing: pu21_ssim(x, y, display=viewing.display),
            ),
            Measure(
                key="cvvdp",
                column=Column(heading="ColorVideoVDP JOD", decimals=2),
                compare=_cvvdp,
                check=load_cvvdp,
            ),
            Measure(
                key="fused-psnr",
                column=Column(heading="fused PSNR dB", decimals=2),
                compare=lambda x, y, _: psnr(x, y),
                on_pictures=True,
            ),
            Measure(
                key="fused-ssim",
                column=Column(heading="fused SSIM", decimals=4),
                compare=lambda x, y, _: ssim(x, y),
                on_pictures=True,
            ),
        )
    }
)
"""Every measure by its key, in the order of the table."""

DEFAULT_MEASURES = (
    "psnr-mu",
    "psnr-l",
    "ssim-mu",
    "ssim-l",
    "hdr-vdp-2",
    "pu21-psnr",
    "pu21-ssim",
)
"""Without an option: all that need no extra package and apply to radiance."""


PICTURE_MEASURES = tuple(key for key, measure in MEASURES.items() if measure.on_pictures)
"""What can be said of exposure fusion."""


def select_measures(text: str) -> tuple[Measure, ...]:
    """Measures by their keys, separated by commas, in the order of the table.

    Args:
        text: keys; ``all`` stands for all but ``cvvdp``, which needs an extra package.

    Raises:
        UsageError: no such measure.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in (*MEASURES, "all"):
            raise UsageError(
                f"unknown metric {name!r}", hint=f"choose from {', '.join(MEASURES)}, all"
            )
    every = "all" in names
    return tuple(
        measure for key, measure in MEASURES.items() if key in names or (every and key != "cvvdp")
    )
