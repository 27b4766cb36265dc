"""HDR-VDP-2 against the original program: whole results."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ahdr_cli.errors import DeviceError, InputError, UsageError
from ahdr_cli.metrics.hdrvdp2 import HdrVdp2Options, hdrvdp2, metric, pooling

REC709 = np.array([0.2126, 0.7152, 0.0722])
RGB_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)


@pytest.mark.parametrize("pair", ["p02", "p10", "p12"])
@pytest.mark.parametrize("resolution", ["A", "B"])
def test_results_equal_the_original(pair, resolution, vdp_pairs, vdp_expected, monkeypatch):
    expected = vdp_expected["pairs"][pair]["results"][resolution]
    errors = []
    pool = metric.quality

    def spy(differences, changed, frequencies):
        for band in differences:
            errors.extend(pooling.band_error(band, changed).tolist())
        return pool(differences, changed, frequencies)

    monkeypatch.setattr(metric, "quality", spy)
    result = hdrvdp2(
        vdp_pairs[f"{pair}_test"],
        vdp_pairs[f"{pair}_ref"],
        options=HdrVdp2Options(
            pixels_per_degree=vdp_expected["pixels_per_degree"][resolution],
            encoding=vdp_expected["pairs"][pair]["encoding"],
        ),
    )
    assert result.quality == pytest.approx(expected["Q"], abs=1e-9)
    assert result.maps.detection == pytest.approx(expected["P_det"], abs=1e-9)
    assert result.maps.max_contrast == pytest.approx(expected["C_max"], rel=1e-9)
    assert result.maps.probability.mean() == pytest.approx(expected["P_map_mean"], rel=1e-9)
    np.testing.assert_allclose(errors, expected["band_errors"], rtol=1e-8)


CASES = {
    "rgb_display=led-lcd": {"emission": "led-lcd"},
    "rgb_display=crt": {"emission": "crt"},
    "surround_l=10": {"surround": 10.0},
    "surround_l=-1": {"surround": None},
    "peak_sensitivity=3": {"peak_sensitivity": 3.0},
    "do_mtf=false": {"optics": False},
    "do_masking=false": {"masking": False},
    "do_spatial_pooling=false": {"spatial_pooling": False},
    "swapped": {},
    "luminance": {"encoding": "luminance"},
    "XYZ": {"encoding": "XYZ"},
}


@pytest.mark.parametrize("case", CASES)
def test_options_equal_the_original(case, vdp_pairs, vdp_expected):
    expected = next(row for row in vdp_expected["option_variants"] if row["case"] == case)
    test, reference = (vdp_pairs[f"p10_{role}"].astype(np.float64) for role in ("test", "ref"))
    if case == "swapped":
        test, reference = reference, test
    elif case == "luminance":
        test, reference = test @ REC709, reference @ REC709
    elif case == "XYZ":
        test, reference = test @ RGB_TO_XYZ.T, reference @ RGB_TO_XYZ.T
    result = hdrvdp2(test, reference, options=HdrVdp2Options(pixels_per_degree=30.0, **CASES[case]))
    assert result.quality == pytest.approx(expected["Q"], abs=1e-9)
    assert result.maps.detection == pytest.approx(expected["P_det"], abs=1e-9)
    assert result.maps.max_contrast == pytest.approx(expected["C_max"], rel=1e-9)


def test_all_pairs_equal_the_original(shared_dir):
    folder = shared_dir / "parity" / "hdrvdp2"
    reference = json.loads((folder / "reference.json").read_text("utf-8"))
    with np.load(folder / "pairs.npz") as pairs, np.load(folder / "p_maps_quarter.npz") as maps:
        for pair in reference["pairs"]:
            name, expected = pair["id"], pair["results"]["A"]
            result = hdrvdp2(
                pairs[f"{name}_test"],
                pairs[f"{name}_ref"],
                options=HdrVdp2Options(
                    pixels_per_degree=reference["pixels_per_degree"]["A"]["value"],
                    encoding=pair["color_encoding"],
                ),
            )
            assert result.quality == pytest.approx(expected["Q"], abs=1e-9), name
            assert result.maps.max_contrast == pytest.approx(expected["C_max"], rel=1e-9), name
            np.testing.assert_allclose(
                result.maps.probability[::4, ::4], maps[f"{name}_A_P_map"], atol=1e-7
            )


OPTIONS = HdrVdp2Options(pixels_per_degree=30.0)


def scene(seed: int = 0, shape=(40, 53, 3)) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(3.0, 1.0, shape)


def test_identical_images_have_quality_100_and_nothing_to_see():
    result = hdrvdp2(scene(), scene(), options=OPTIONS)
    assert result.quality == 100.0
    assert result.maps.max_contrast == 0.0
    assert result.maps.detection == 0.0


def test_more_noise_is_worse():
    reference = scene()
    noise = np.random.default_rng(1).normal(0, 1, reference.shape)
    values = [
        hdrvdp2(reference * np.exp(s * noise), reference, options=OPTIONS, maps=False).quality
        for s in (0.01, 0.03, 0.1, 0.3)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] < 100.0


def test_a_local_change_is_seen_where_it_is():
    reference = np.full((64, 64, 3), 50.0)
    test = reference.copy()
    test[40:48, 8:16] *= 2.0
    maps = hdrvdp2(test, reference, options=OPTIONS).maps
    row, column = np.unravel_index(maps.contrast.argmax(), maps.contrast.shape)
    assert 38 <= row < 50
    assert 6 <= column < 18
    assert maps.contrast[:16, 40:].max() < 0.01 * maps.max_contrast


def test_maps_are_left_out_on_request_and_inputs_are_kept():
    test, reference = scene(1).astype(np.float32), scene(0).astype(np.float32)
    copies = test.copy(), reference.copy()
    with_maps = hdrvdp2(test, reference, options=OPTIONS)
    without = hdrvdp2(test, reference, options=OPTIONS, maps=False)
    assert without.maps is None
    assert without.quality == with_maps.quality
    assert with_maps.maps.probability.shape == (40, 53)
    np.testing.assert_array_equal(test, copies[0])
    np.testing.assert_array_equal(reference, copies[1])


@pytest.mark.parametrize("shape", [(15, 15, 3), (16, 40, 3), (17, 33, 3), (64, 15, 3)])
def test_the_smallest_images_work(shape):
    result = hdrvdp2(scene(1, shape), scene(0, shape), options=OPTIONS)
    assert np.isfinite(result.quality)
    assert np.all(np.isfinite(result.maps.contrast))


def test_unusable_pairs_are_refused():
    with pytest.raises(InputError, match="at least 15 pixels a side, got 40 x 14"):
        hdrvdp2(scene(0, (14, 40, 3)), scene(0, (14, 40, 3)), options=OPTIONS)
    with pytest.raises(InputError, match="one shape"):
        hdrvdp2(scene(0, (20, 40, 3)), scene(0, (20, 41, 3)), options=OPTIONS)
    with pytest.raises(InputError, match=r"'rgb-bt.709' needs images \(H, W, 3\), got \(20, 40\)"):
        hdrvdp2(scene(0, (20, 40)), scene(0, (20, 40)), options=OPTIONS)
    broken = scene()
    broken[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="the test image holds 1 NaN"):
        hdrvdp2(broken, scene(), options=OPTIONS)
    with pytest.raises(DeviceError, match="float64"):
        hdrvdp2(scene(), scene(), options=OPTIONS, device="mps")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pixels_per_degree": 0.0}, "pixels per degree must be finite and positive, got 0.0"),
        ({"pixels_per_degree": 30.0, "encoding": "rgb"}, "unknown encoding 'rgb'"),
        ({"pixels_per_degree": 30.0, "emission": "oled"}, "unknown emission spectrum 'oled'"),
        ({"pixels_per_degree": 30.0, "surround": 0.0}, "surround must be finite and positive"),
    ],
)
def test_meaningless_options_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        HdrVdp2Options(**settings)
