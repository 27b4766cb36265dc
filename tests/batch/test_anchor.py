"""One brightness scale: the sign, the amount, and agreement of sets of one scene."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import numpy as np
import pytest

from ahdr_cli import Exposure, HdrImage, read_hdr
from ahdr_cli.batch import make_plan, run_sets
from ahdr_cli.batch.anchor import anchored, offset_ev
from ahdr_cli.bracket.preparation import prepare
from ahdr_cli.merging import MergePlan

BRIGHT = (Fraction(1, 1600), Fraction(1, 400), Fraction(1, 100))
DARK = (Fraction(1, 400), Fraction(1, 100), Fraction(1, 25))


class Classical:
    """The textbook merge for still scenes: each pixel from the longest frame not clipped there."""

    plan = MergePlan(
        model="classical", sha256="", device="cpu", precision="fp32", runtime="-", tile=1, halo=0
    )

    def __init__(self, options) -> None:
        pass

    def warnings(self, bracket) -> list[str]:
        return []

    def prepare(self, bracket, *, shorter):
        return prepare(bracket, align=False, response="gamma", shorter=shorter)

    def merge(self, prepared, *, on_tile=None) -> HdrImage:
        bracket = prepared.taken
        ratios = bracket.ratios
        result = np.zeros_like(bracket.frames[0].pixels)
        for frame, ratio in zip(bracket.frames, ratios, strict=True):
            linear = frame.pixels**2.2 * (ratios[1] / ratio)
            result = np.where(frame.pixels < 0.95, linear, result).astype(np.float32)
        return HdrImage(result, exposure=bracket.reference.exposure)


@pytest.fixture
def scene() -> np.ndarray:
    """(24, 32, 3): nothing that the shortest frame clips, nothing lost in 8 bits of the longest."""
    y, x = np.mgrid[0:24, 0:32]
    ramp = 0.3 + 3.0 * (x / 31) ** 2 + 0.2 * np.sin(y / 4)
    return np.stack((ramp, 0.8 * ramp, 0.6 * ramp), axis=-1)


def test_the_sign():
    """A frame that was exposed longer saw a darker scene for the same value."""
    long, short = Exposure(seconds=1 / 10), Exposure(seconds=1 / 1000)
    assert offset_ev(long, -5.0) < offset_ev(short, -5.0)
    assert offset_ev(long, long.ev) == 0
    image = HdrImage(np.ones((1, 1, 3), np.float32))
    assert anchored(image, 2.0).pixels.max() == 4.0


@pytest.mark.parametrize(
    ("change", "dim"),
    [({"iso": 400}, 4), ({"f_number": 4.0}, 4), ({"seconds": DARK}, 4), ({}, 1)],
)
def test_sets_of_one_scene_agree(tmp_path, photograph, scene, options, change, dim):
    """The same light, once with more of it let in by ISO, aperture or shutter."""
    card = tmp_path / "card"
    settings = {"seconds": BRIGHT, "iso": 100, "f_number": 8.0, "scene": scene}
    photograph(card, first=1, gain=100, **settings)
    gain = 100 if "seconds" in change else 100 * dim
    photograph(card, first=4, gain=gain, when=timedelta(minutes=1), **settings | change)

    def run(out, reference_ev):
        results = run_sets(
            make_plan([card], out).sets,
            out,
            options=replace(options, reference_ev=reference_ev),
            opener=Classical,
        )
        found = sorted(results, key=lambda result: result.output.name)
        return found, [read_hdr(result.output).pixels for result in found]

    apart, (one, other) = run(tmp_path / "own", None)
    assert np.median(other / one) == pytest.approx(dim, rel=0.03)
    assert [result.offset_ev for result in apart] == [None, None]

    common, (one, other) = run(tmp_path / "common", -12.0)
    np.testing.assert_allclose(other, one, rtol=0.1)
    assert np.median(other / one) == pytest.approx(1, rel=0.01)
    first, second = (result.offset_ev for result in common)
    assert first - second == pytest.approx(np.log2(dim), abs=0.01)
    # By hand: 1/400 s, ISO 100, f/8.
    assert first == pytest.approx(-12 - np.log2(1 / 400 / 64))


def test_unknown_fields_are_told(tmp_path, photograph, options):
    photograph(tmp_path / "card", iso=None, f_number=None)
    sets = make_plan([tmp_path / "card"], tmp_path / "out").sets
    with_scale = replace(options, reference_ev=-6.0)
    (result,) = run_sets(sets, tmp_path / "out", options=with_scale)
    assert result.warnings == (
        "ISO and aperture unknown: the common brightness scale takes ISO 100 and f/1, "
        "as for all files that do not tell",
    )


def test_values_beyond_the_file_are_told(tmp_path, photograph, options):
    photograph(tmp_path / "card")
    sets = make_plan([tmp_path / "card"], tmp_path / "out").sets
    far = replace(options, reference_ev=20.0)
    (result,) = run_sets(sets, tmp_path / "out", options=far)
    assert "the file ends at 6.55e+04" in result.warnings[0]
    whole = replace(far, write=replace(far.write, float32=True))
    (result,) = run_sets(sets, tmp_path / "out", options=whole)
    assert result.warnings == ()
