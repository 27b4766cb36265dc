"""A camera on a tripod, simulated: radiance in, a static bracket out.

Gives `hdr:DIR` its scenes: nothing moves, so that a merge has no excuse. Moving scenes with
ground truth come from `ahdr data synth`. Deterministic: noise is seeded by the scene's name.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from ahdr_cli.bracket import Bracket
from ahdr_cli.errors import UnreadableImageError
from ahdr_cli.images import Exposure, FloatArray, Frame
from ahdr_cli.radiometry.transfer import gamma_encode

__all__ = ["Capture", "photograph"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """How the bracket is taken.

    Attributes:
        percentile: of the scene's brightest channel that is the shortest frame's white.
        spacing_ev: steps between the frames.
        shot_noise, read_noise: variance a·x + b of the linear value x, in units of each
            frame's white.
        bits: per encoded value; the curve is γ 2.2.
    """

    percentile: float = 99.5
    spacing_ev: float = 2.0
    shot_noise: float = 1e-4
    read_noise: float = 1e-6
    bits: int = 8


def photograph(
    radiance: FloatArray, *, name: str, capture: Capture | None = None
) -> tuple[Bracket, FloatArray]:
    """Three exposures of a scene that does not move.

    Args:
        radiance: (H, W, 3) linear, any unit; negative values count as 0.
        name: seeds the noise.
        capture: how; the defaults of :class:`Capture` if None.

    Returns:
        The bracket, and the truth in units of the shortest frame's white, clipped to [0, 1].

    Raises:
        UnreadableImageError: the scene is black.
    """
    capture = capture or Capture()
    scene = np.maximum(np.nan_to_num(radiance.astype(np.float32)), np.float32(0))
    white = float(np.percentile(scene.max(axis=2), capture.percentile))
    if white <= 0:
        raise UnreadableImageError("the scene is black", path=name)
    scene /= np.float32(white)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    frames = [
        _expose(scene, capture, stops=capture.spacing_ev * step, rng=rng) for step in range(3)
    ]
    return Bracket.from_frames(frames), np.minimum(scene, np.float32(1))


def _expose(
    scene: FloatArray, capture: Capture, *, stops: float, rng: np.random.Generator
) -> Frame:
    # A sensor's noise stops growing at its full well; what lies above only clips.
    light = np.minimum(scene * np.float32(2.0**stops), np.float32(4))
    sigma = np.sqrt(capture.shot_noise * light + capture.read_noise)
    noisy = light + sigma * rng.standard_normal(light.shape, dtype=np.float32)
    steps = np.float32(2**capture.bits - 1)
    encoded = gamma_encode(np.clip(noisy, 0, 1).astype(np.float32))
    return Frame(
        pixels=(np.rint(encoded * steps) / steps).astype(np.float32),
        exposure=Exposure.from_ev(stops),
    )
