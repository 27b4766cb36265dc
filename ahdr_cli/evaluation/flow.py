"""Optical flow alignment before the merge: the AHDRNet + OF of Yan et al. (2019).

The outer frames are warped onto the reference along dense flow (DIS: Kroeger et al., "Fast
Optical Flow using Dense Inverse Search", ECCV 2016; OpenCV's implementation). Flow needs equal
brightness, so the darker of the two frames is first brought to the brighter one's exposure.
Occluded and clipped places get whatever the flow makes of them, as in the paper.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.bracket import Bracket
from ahdr_cli.bracket.opencv import load_cv2
from ahdr_cli.images import FloatArray, Frame
from ahdr_cli.radiometry.luminance import luminance
from ahdr_cli.radiometry.transfer import gamma_decode, gamma_encode

__all__ = ["align_by_flow"]


def align_by_flow(bracket: Bracket) -> Bracket:
    """The bracket with its outer frames warped onto the reference, pixel by pixel."""
    short, reference, long = bracket.frames
    ratios = bracket.ratios
    return replace(
        bracket,
        frames=(
            _onto(reference, short, gain=float(ratios[0] / ratios[1])),
            reference,
            _onto(reference, long, gain=float(ratios[2] / ratios[1])),
        ),
    )


def _onto(reference: Frame, frame: Frame, *, gain: float) -> Frame:
    """`frame`, exposed `gain` times as long as the reference, in the reference's geometry."""
    cv2 = load_cv2()
    # Brightening loses nothing but what the other frame has lost already.
    fixed = _exposed(reference.pixels, max(gain, 1.0))
    moving = _exposed(frame.pixels, max(1.0 / gain, 1.0))
    matcher = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    try:
        flow = matcher.calc(fixed, moving, None)
    except cv2.error:
        # DIS refuses pictures smaller than its coarsest patches; leave those as they are.
        return frame
    height, width = frame.size
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    warped = cv2.remap(
        frame.pixels,
        x + flow[..., 0],
        y + flow[..., 1],
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return replace(frame, pixels=np.clip(warped, 0.0, 1.0).astype(np.float32))


def _exposed(pixels: FloatArray, gain: float) -> NDArray[np.uint8]:
    """8-bit encoded luma after `gain` times the exposure."""
    linear = np.minimum(gamma_decode(pixels) * np.float32(gain), np.float32(1))
    luma: FloatArray = luminance(gamma_encode(linear)) * np.float32(255)
    return np.rint(luma).clip(0, 255).astype(np.uint8)
