from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ahdr_cli.bracket import Bracket, bracket_warnings
from ahdr_cli.images import CaptureMetadata, Exposure, Frame


@pytest.mark.parametrize(
    ("evs", "steps"),
    [
        ((-2, 0, 2), []),
        ((0, 1, 2), []),
        ((0, 3.3, 6.6), []),
        ((0, 0.5, 2), ["0.5 EV"]),
        ((0, 2, 6), ["4.0 EV"]),
        ((0, 0.5, 6), ["0.5 EV", "5.5 EV"]),
    ],
)
def test_spacing(make_frame, evs, steps):
    found = bracket_warnings(Bracket.from_frames([make_frame(ev) for ev in evs]))
    assert len(found) == len(steps)
    for warning, step in zip(found, steps, strict=True):
        assert f"are {step} apart; the model was trained on" in warning


def test_rounded_shutter_times_are_whole_stops(make_frame):
    times = (1 / 60, 1 / 125, 1 / 30)  # 1 and 1.06 EV; 1/15 and 1/8 would be 0.91
    bracket = Bracket.from_frames([make_frame(exposure=Exposure(seconds=t)) for t in times])
    assert bracket_warnings(bracket) == []
    times = (1 / 8, 1 / 15, 1 / 30)
    bracket = Bracket.from_frames([make_frame(exposure=Exposure(seconds=t)) for t in times])
    assert bracket_warnings(bracket) == []


def test_the_message_names_frames_and_range(make_frame):
    frames = [make_frame(0, name="a"), make_frame(2, name="b"), make_frame(6, name="c")]
    (warning,) = bracket_warnings(Bracket.from_frames(frames))
    assert warning == "b and c are 4.0 EV apart; the model was trained on 1 to 3.3 EV"


def test_the_range_is_the_models(make_frame):
    bracket = Bracket.from_frames([make_frame(ev) for ev in (0, 4, 8)])
    assert bracket_warnings(bracket, trained_ev=(1.0, 5.0)) == []


def test_an_ignored_field_is_told(make_frame):
    exposures = [
        Exposure(seconds=1 / 100, iso=100),
        Exposure(seconds=1 / 25, iso=400),
        Exposure(seconds=1 / 6),
    ]
    bracket = Bracket.from_frames([make_frame(exposure=e) for e in exposures])
    (warning,) = bracket_warnings(bracket)
    assert warning.startswith("ISO differs")


def test_exposures_in_the_wrong_order_are_noticed():
    """Given with --ev in another order than the files."""
    light = np.linspace(0.01, 0.5, 48 * 64 * 3, dtype=np.float32).reshape(48, 64, 3)
    pixels = [np.clip(light * 2.0**ev, 0, 1) ** np.float32(1 / 2.2) for ev in (-2, 0, 2)]

    def warnings(order):
        frames = [
            Frame(pixels[i], exposure=Exposure(seconds=4.0**n), path=Path(f"{i}.jpg"))
            for n, i in enumerate(order)
        ]
        return bracket_warnings(Bracket.from_frames(frames))

    assert warnings((0, 1, 2)) == []
    found = warnings((2, 1, 0))
    assert "1.jpg had 2.0 EV more light than 2.jpg, and is darker" in found[0]
    assert "0.jpg had 2.0 EV more light than 1.jpg, and is darker" in found[1]


def textured(
    ev: float, *, name: str, seed: int = 0, camera: tuple[str, str] | None = None
) -> Frame:
    pixels = np.random.default_rng(seed).random((8, 9, 3), dtype=np.float32) * 0.3 + 0.2 * seed
    metadata = (
        CaptureMetadata() if camera is None else CaptureMetadata(make=camera[0], model=camera[1])
    )
    return Frame(pixels, exposure=Exposure.from_ev(ev), path=Path(name), metadata=metadata)


@pytest.mark.parametrize(
    ("seeds", "names"),
    [((0, 0, 0), "a and b and c"), ((0, 1, 1), "b and c"), ((0, 0, 1), "a and b")],
)
def test_the_same_picture_twice_is_noticed(seeds, names):
    frames = [
        textured(ev, name=name, seed=seed)
        for ev, name, seed in zip((-2, 0, 2), "abc", seeds, strict=True)
    ]
    (warning,) = bracket_warnings(Bracket.from_frames(frames))
    assert warning == (
        f"{names} are the same picture, though their exposures differ; check the files"
    )


@pytest.mark.parametrize(
    ("cameras", "words"),
    [
        ((("Canon", "Canon EOS 550D"),) * 3, []),
        ((("Canon", "Canon EOS 550D"), None, ("CANON", "EOS 550D")), []),
        (
            (("Canon", "Canon EOS 550D"), ("Apple", "iPhone 12"), None),
            ["taken by different cameras: a by Canon EOS 550D, b by Apple iPhone 12"],
        ),
    ],
)
def test_frames_of_different_cameras_are_noticed(cameras, words):
    frames = [
        textured(ev, name=name, seed=seed, camera=camera)
        for ev, name, seed, camera in zip((-2, 0, 2), "abc", range(3), cameras, strict=True)
    ]
    assert bracket_warnings(Bracket.from_frames(frames)) == words
