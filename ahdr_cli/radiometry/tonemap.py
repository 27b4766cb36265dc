"""Tone mapping: linear radiance of any range as a picture for a screen.

An operator is a pure function ``operator(linear, *, white, exposure)``:

* ``linear`` is (H, W, 3) float32 RGB, finite, ≥ 0, of any scale;
* ``white`` > 0 is the radiance that becomes display white, in the units of ``linear``.
  What is brighter is clipped (`reinhard`: unless it is coloured, approximately so);
* ``exposure`` in stops brightens the picture as a longer exposure would: more of it then
  reaches display white;
* the result is (H, W, 3) float32 in [0, 1], display-encoded, ready for :func:`to_uint8`.

:data:`OPERATORS` names them and :func:`tonemap` adds what they share: it makes any input safe,
finds a white where none is given and applies a final gamma.

**Which white?** An `HdrImage` has 1.0 = white of the reference frame; the highlights that the
shorter frame saved lie above. The figures of the deghosting papers are μ-law pictures of
radiance in units of the *shortest* frame's white, so a merge is previewed as in the papers
with ``white`` = the reference's exposure relative to the shortest frame (`Bracket.ratios[1]`).
Where that is not known (a file), :func:`estimate_white` reads it off the picture.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ahdr_cli.errors import UsageError
from ahdr_cli.images import FloatArray
from ahdr_cli.radiometry.luminance import luminance
from ahdr_cli.radiometry.transfer import mu_law_compress, srgb_encode

__all__ = [
    "OPERATORS",
    "Operator",
    "ToneOperator",
    "estimate_white",
    "filmic",
    "linear",
    "mu_law",
    "reinhard",
    "render",
    "to_uint8",
    "tonemap",
]

WHITE_PERCENTILE = 99.9
"""Ignores up to one pixel in a thousand, so that a few hot pixels do not darken a picture."""

REINHARD_KEY = 0.18
"""Reinhard et al. (2002), section 3.1: the log-average luminance is shown as middle grey."""

MAX_RADIANCE = 1e10
"""More than the sun's disc in cd/m² (1.6e9); brighter pixels are taken for this bright."""

MIN_WHITE = 1e-6
"""An image darker than this is black. With MAX_EXPOSURE it keeps float32 from overflowing."""

MAX_EXPOSURE = 30.0
"""In stops, either way."""

_INFINITE = float(np.finfo(np.float32).max)

_STRIP = 1 << 15  # pixels shown at once


class ToneOperator(Protocol):
    """What every operator looks like; see the module's docstring."""

    def __call__(self, radiance: FloatArray, *, white: float, exposure: float = 0.0) -> FloatArray:
        """Map linear radiance to display-encoded values in [0, 1]."""
        ...


def mu_law(radiance: FloatArray, *, white: float, exposure: float = 0.0) -> FloatArray:
    """μ-law with μ = 5000: log(1 + μx) / log(1 + μ) with x = radiance / white.

    The result is shown as it is, as in the figures of Kalantari & Ramamoorthi (2017)
    and Yan et al. (2019): the curve stands for both tone mapping and display encoding.
    """
    return mu_law_compress(_relative(radiance, white=white, exposure=exposure))


def linear(radiance: FloatArray, *, white: float, exposure: float = 0.0) -> FloatArray:
    """Exposure, clip, sRGB: what a camera without a tone curve would have recorded."""
    return srgb_encode(_relative(radiance, white=white, exposure=exposure))


def reinhard(radiance: FloatArray, *, white: float, exposure: float = 0.0) -> FloatArray:
    """The global photographic operator of Reinhard et al. (2002), equations 1, 2 and 4, then sRGB.

    L = key / L̄ · Y scales luminance Y by its log-average L̄ = exp(mean(log(δ + Y))), then
    L_d = L (1 + L / L_white²) / (1 + L). RGB is scaled by L_d / Y, which keeps the hue.
    """
    strips = (radiance[rows] for rows in _strips(radiance))
    return _adapt_reinhard(strips, white=white)(radiance, white=white, exposure=exposure)


def _adapt_reinhard(strips: Iterable[FloatArray], *, white: float) -> ToneOperator:
    """`reinhard` for one image, whose log-average is taken here: applicable strip by strip then."""
    delta = 1e-6 * white  # keeps black pixels finite, whatever the scale of the image
    total, pixels = 0.0, 0
    for strip in strips:
        scene = luminance(strip).astype(np.float64)
        total += float(np.log(scene + delta).sum())
        pixels += scene.size
    return functools.partial(_reinhard, key=REINHARD_KEY / math.exp(total / max(pixels, 1)))


def _reinhard(
    radiance: FloatArray, *, white: float, exposure: float = 0.0, key: float
) -> FloatArray:
    """`reinhard` where key / L̄ is known."""
    scene = luminance(radiance).astype(np.float64)
    gain = key * 2.0**exposure
    scaled = gain * scene
    # L_d / Y, written so that black needs no special case.
    ratio = gain * (1.0 + scaled / (key * white) ** 2) / (1.0 + scaled)
    factor = np.minimum(ratio, 1e20).astype(np.float32)[..., np.newaxis]  # no overflow below
    return srgb_encode(np.clip(radiance * factor, np.float32(0.0), np.float32(1.0)))


def filmic(radiance: FloatArray, *, white: float, exposure: float = 0.0) -> FloatArray:
    """The filmic curve of Hable ("Uncharted 2: HDR Lighting", GDC 2010), then sRGB.

    Per channel f(2x) / f(2·white) with his constants and exposure bias of 2: a toe that keeps
    blacks deep, a shoulder that rolls highlights off.
    """
    bias = 2.0
    shown = _hable(radiance * np.float32(bias * 2.0**exposure))
    peak = _hable(np.asarray(bias * white, dtype=np.float64))
    return srgb_encode(np.clip(shown / peak, 0.0, 1.0).astype(np.float32))


def _hable(x: NDArray[Any]) -> NDArray[Any]:
    """((x(Ax + CB) + DE) / (x(Ax + B) + DF)) - E/F with A … F of the talk; f(0) = 0."""
    shoulder, straight, angle, toe, numerator, denominator = 0.15, 0.50, 0.10, 0.20, 0.02, 0.30
    # The same function over one denominator, so that nothing cancels for small x.
    slope = straight * (angle - numerator / denominator)
    curvature = shoulder * (1.0 - numerator / denominator)
    curve: NDArray[Any] = x * (curvature * x + slope)
    return curve / (x * (shoulder * x + straight) + toe * denominator)


def _relative(radiance: FloatArray, *, white: float, exposure: float) -> FloatArray:
    relative: FloatArray = radiance * np.float32(2.0**exposure / white)
    return np.clip(relative, np.float32(0.0), np.float32(1.0))


class Adaptation(Protocol):
    """Makes an operator that shows each pixel of one image by itself."""

    def __call__(self, strips: Iterable[FloatArray], /, *, white: float) -> ToneOperator:
        """Look at all strips of the image, as they will be shown."""
        ...


class Operator(NamedTuple):
    """An entry of :data:`OPERATORS`.

    Attributes:
        function: the operator.
        white: its `white` where the caller gives none; None means :func:`estimate_white`.
        summary: one line for help texts.
        adapt: makes the operator for one image, from its strips and white, where `function`
            looks at more than each pixel by itself; None where it does not.
    """

    function: ToneOperator
    white: float | None
    summary: str
    adapt: Adaptation | None = None


OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        "mu-law": Operator(mu_law, None, "logarithmic, μ = 5000, as in the papers' figures"),
        "reinhard": Operator(
            reinhard, None, "photographic operator of Reinhard et al. (2002)", adapt=_adapt_reinhard
        ),
        "filmic": Operator(filmic, None, "film-like curve of Hable (2010)"),
        "linear": Operator(linear, 1.0, "no compression: the exposure of the reference frame"),
    }
)
"""Every operator by the name that the user gives."""


def tonemap(
    radiance: FloatArray,
    operator: str = "mu-law",
    *,
    exposure: float = 0.0,
    gamma: float = 1.0,
    white: float | None = None,
) -> FloatArray:
    """Turn linear radiance into display-encoded values.

    Args:
        radiance: (H, W, 3) linear RGB. NaN and negative values count as 0, +inf as the largest
            finite value of the image; values above 1e10 as 1e10.
        operator: a name in :data:`OPERATORS`.
        exposure: in stops; 0 leaves the operator's own exposure.
        gamma: a last adjustment v^(1/gamma) of the encoded values; above 1 lifts the mid-tones.
        white: radiance that becomes display white, 1e-6 … 1e10; None leaves it to the operator:
            1.0 (the reference frame's white) for `linear`, else :func:`estimate_white`.

    Returns:
        (H, W, 3) float32 in [0, 1].

    Raises:
        UsageError: for an unknown operator or a number without meaning.
    """
    return _operation(radiance, operator, exposure=exposure, gamma=gamma, white=white)(radiance)


def render(
    radiance: FloatArray,
    operator: str = "mu-law",
    *,
    exposure: float = 0.0,
    gamma: float = 1.0,
    white: float | None = None,
) -> NDArray[np.uint8]:
    """:func:`to_uint8` of :func:`tonemap`, to the bit, in little memory beyond the result.

    Arguments and errors are those of :func:`tonemap`.

    Returns:
        (H, W, 3) uint8.
    """
    operate = _operation(radiance, operator, exposure=exposure, gamma=gamma, white=white)
    shown = np.empty(radiance.shape, np.uint8)
    for rows in _strips(radiance):
        shown[rows] = to_uint8(operate(radiance[rows]))
    return shown


def _operation(
    radiance: FloatArray, operator: str, *, exposure: float, gamma: float, white: float | None
) -> Callable[[FloatArray], FloatArray]:
    """:func:`tonemap` of one image as a function that can be applied to any rows of it."""
    entry = OPERATORS.get(operator)
    if entry is None:
        raise UsageError(
            f"unknown tone mapping operator {operator!r}",
            hint=f"choose from {', '.join(OPERATORS)}",
        )
    if radiance.ndim != 3 or radiance.shape[2] != 3:
        raise ValueError(f"radiance must be (H, W, 3), got {radiance.shape}")
    if not abs(exposure) <= MAX_EXPOSURE:
        raise UsageError(f"exposure must lie within ±{MAX_EXPOSURE:g} EV, got {exposure}")
    if not (math.isfinite(gamma) and gamma > 0):
        raise UsageError(f"gamma must be finite and positive, got {gamma}")
    if white is not None and not MIN_WHITE <= white <= MAX_RADIANCE:
        raise UsageError(f"white must lie between {MIN_WHITE:g} and {MAX_RADIANCE:g}, got {white}")

    brightest = _brightest_finite(radiance)
    if white is None:
        white = entry.white if entry.white is not None else _white_of(radiance, brightest)
    known = white
    function = entry.function
    if entry.adapt is not None:
        strips = (_sanitise(radiance[rows], brightest) for rows in _strips(radiance))
        function = entry.adapt(strips, white=known)

    def operate(rows: FloatArray) -> FloatArray:
        shown = function(_sanitise(rows, brightest), white=known, exposure=exposure)
        return shown if gamma == 1.0 else np.power(shown, np.float32(1.0 / gamma))

    return operate


def estimate_white(radiance: FloatArray) -> float:
    """A white for radiance whose scale is not known: its 99.9th percentile.

    Taken over the brightest channel of each pixel. For a merge whose highlights reach the
    shortest frame's white in more than 0.1 % of the pixels this *is* that white.

    Args:
        radiance: (H, W, 3) linear, finite.

    Returns:
        A positive number; 1.0 for an image that is black or nearly so.
    """
    return _white_of(radiance, math.inf)


def to_uint8(shown: FloatArray) -> NDArray[np.uint8]:
    """Quantise display-encoded [0, 1] to 0 … 255, rounding to nearest; NaN becomes 0."""
    steps: FloatArray = np.nan_to_num(np.clip(shown, 0.0, 1.0)) * np.float32(255.0)
    return np.rint(steps).astype(np.uint8)


def _white_of(radiance: FloatArray, brightest: float) -> float:
    """`estimate_white` of an image that may not be finite yet."""
    peaks = np.empty(radiance.shape[:2], np.float32)
    if peaks.size == 0:
        return 1.0
    for rows in _strips(radiance):
        _sanitise(radiance[rows], brightest).max(axis=2, out=peaks[rows])
    for white in (float(np.percentile(peaks, WHITE_PERCENTILE)), float(peaks.max())):
        if white >= MIN_WHITE:
            return white
    return 1.0


def _brightest_finite(radiance: FloatArray) -> float:
    """The largest finite value, at least 1; only where some are not finite is it looked for.

    The largest float32 is not: files are read with that in place of Inf.
    """
    if radiance.size == 0 or (np.isfinite(radiance.min()) and radiance.max() < _INFINITE):
        return math.inf
    strips = (radiance[rows] for rows in _strips(radiance))
    # Comparisons with NaN are false.
    return max(float(strip.max(where=np.abs(strip) < _INFINITE, initial=1.0)) for strip in strips)


def _strips(radiance: FloatArray) -> Iterator[slice]:
    """Rows that fit into a processor's cache, from top to bottom."""
    step = max(_STRIP // max(radiance.shape[1], 1), 1)
    for top in range(0, len(radiance), step):
        yield slice(top, top + step)


def _sanitise(radiance: FloatArray, brightest: float) -> FloatArray:
    """Finite, non-negative float32; an infinite sun becomes the `brightest` in the picture."""
    pixels = radiance.astype(np.float32, copy=False)
    if math.isfinite(brightest):
        pixels = np.nan_to_num(pixels, nan=0.0, posinf=brightest, neginf=0.0)
    return np.clip(pixels, np.float32(0.0), np.float32(min(brightest, MAX_RADIANCE)))
