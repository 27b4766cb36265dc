"""HDR-VDP-2 against the original program, stage by stage, and its tools against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from ahdr_cli.metrics.hdrvdp2 import HdrVdp2Options, masking, pooling, pyramid
from ahdr_cli.metrics.hdrvdp2.contrast import neural_sensitivity, sensitivity_table
from ahdr_cli.metrics.hdrvdp2.lookup import UniformTable
from ahdr_cli.metrics.hdrvdp2.metric import decompose
from ahdr_cli.metrics.hdrvdp2.receptors import (
    joint_sensitivity,
    optical_transfer,
    response_tables,
    retinal_response,
    rod_sensitivity,
)
from ahdr_cli.metrics.hdrvdp2.resize import resize

CPU = torch.device("cpu")
OPTIONS = HdrVdp2Options(pixels_per_degree=30.0)


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(array, dtype=np.float64))


def assert_stage(stages, name: str, value: torch.Tensor, *, rtol: float = 1e-6) -> None:
    """Large maps are kept as every 4th sample, most of them in single precision."""
    expected = stages[name].astype(np.float64)
    found = value.numpy()
    if found.shape != expected.shape:
        found = found[::4, ::4]
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


@pytest.fixture(scope="module")
def responses(vdp_pairs):
    surround = torch.full((3,), 1e-5, dtype=torch.float64)

    def respond(role):
        light = tensor(np.moveaxis(vdp_pairs[f"p10_{role}"], 2, 0)).contiguous()
        return retinal_response(light, surround=surround, options=OPTIONS)

    return respond("test"), respond("ref")


@pytest.fixture(scope="module")
def bands(responses):
    return decompose(*responses, pixels_per_degree=30.0)


def test_fitted_curves(vdp_stages):
    rho, luminance = tensor(vdp_stages["unit_rho"]), vdp_stages["unit_lum"]
    np.testing.assert_allclose(optical_transfer(rho), vdp_stages["unit_mtf"], rtol=1e-12)
    np.testing.assert_allclose(
        neural_sensitivity(rho[:, None], tensor(luminance)), vdp_stages["unit_ncsf"], rtol=1e-12
    )
    np.testing.assert_allclose(joint_sensitivity(luminance), vdp_stages["unit_sA"], rtol=1e-12)
    np.testing.assert_allclose(rod_sensitivity(luminance), vdp_stages["unit_sR"], rtol=1e-12)


def test_response_tables(vdp_stages):
    cones, rods = response_tables(2.4, device=CPU)
    np.testing.assert_allclose(cones.values[::8], vdp_stages["jnd_cone"], rtol=1e-11)
    np.testing.assert_allclose(rods.values[::8], vdp_stages["jnd_rod"], rtol=1e-11)


def test_sensitivity_tables(vdp_stages):
    for band, frequency in enumerate(pyramid.band_frequencies(5, 30.0)):
        assert frequency == pytest.approx(vdp_stages["band_freq"][band], rel=1e-14)
        table = sensitivity_table(frequency, device=CPU)
        np.testing.assert_allclose(table.values[::8], vdp_stages["csf_lut"][:, band], rtol=1e-11)


def test_responses(responses, vdp_stages):
    test, reference = responses
    assert_stage(vdp_stages, "test_P", test.achromatic, rtol=1e-11)
    assert_stage(vdp_stages, "ref_P", reference.achromatic, rtol=1e-11)
    adaptation = (test.adaptation + reference.adaptation) / 2
    assert_stage(vdp_stages, "L_adapt", adaptation, rtol=1e-11)


def test_bands(bands, responses, vdp_stages):
    for role, split in zip(("test", "ref"), bands[:2], strict=True):
        for b, band in enumerate(split, start=1):
            for o, orientation in enumerate(band, start=1):
                assert_stage(vdp_stages, f"{role}_band{b}_o{o}", orientation)
    for role, response in zip(("test", "ref"), responses, strict=True):
        base = pyramid.build(response.achromatic)[-1]
        assert_stage(vdp_stages, f"{role}_base_before_csf", base[0])


def test_differences_and_maps(bands, responses, vdp_stages):
    test, reference, frequencies = bands
    adaptation = (responses[0].adaptation + responses[1].adaptation) / 2
    shapes = [tuple(band.shape[-2:]) for band in test]
    thresholds = masking.band_thresholds(adaptation.log10(), shapes, frequencies)
    for b, threshold in enumerate(thresholds, start=1):
        assert_stage(vdp_stages, f"NnCSF_band{b}", threshold)
    differences = masking.band_differences(test, reference, thresholds, masking=True)
    for b, band in enumerate(differences, start=1):
        for o, orientation in enumerate(band, start=1):
            assert_stage(vdp_stages, f"D_band{b}_o{o}", orientation)
    raw = pooling.visible_contrast(differences, spatial_pooling=False)
    assert_stage(vdp_stages, "S0", raw, rtol=1e-10)
    pooled = pooling.visible_contrast(differences, spatial_pooling=True)
    assert_stage(vdp_stages, "C_map", pooled)


def test_resizing(vdp_stages):
    image = tensor(vdp_stages["unit_im_in"])
    np.testing.assert_allclose(resize(image, (74, 82)), vdp_stages["unit_im_big"], atol=1e-12)
    # The reference for shrinking did not normalise its weights.
    np.testing.assert_allclose(resize(image, (5, 6)), vdp_stages["unit_im_half"], atol=1e-6)
    assert resize(image, (37, 41)) is image


@settings(max_examples=25)
@given(
    old=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    new=st.tuples(st.integers(1, 60), st.integers(1, 60)),
)
def test_resizing_keeps_constants_and_is_separable(old, new):
    constant = torch.full(old, 3.5, dtype=torch.float64)
    np.testing.assert_allclose(resize(constant, new), 3.5, rtol=1e-12)
    image = tensor(np.random.default_rng(0).random(old))
    step = resize(resize(image, (new[0], old[1])), new)
    np.testing.assert_allclose(resize(image, new), step, atol=1e-12)


@pytest.mark.parametrize(("image", "prefix"), [("in", "unit_"), ("even", "unit_even_")])
def test_halving_and_doubling(image, prefix, vdp_stages):
    source = tensor(vdp_stages[f"unit_im_{image}"])
    low = pyramid._filters().low
    halved = pyramid.correlate(source[None], low)[:, ::2, ::2]
    np.testing.assert_allclose(halved[0], vdp_stages[f"{prefix}corr_lo_down2"], atol=1e-13)
    doubled = pyramid.expand(halved, low, step=2, shape=tuple(source.shape))
    np.testing.assert_allclose(doubled[0], vdp_stages[f"{prefix}up2_of_that"], atol=1e-13)


def test_convolution_flips_the_odd_kernels(vdp_stages):
    image = tensor(vdp_stages["unit_im_in"])[None]
    filters = pyramid._filters()
    for kernel, name in (
        (filters.oriented[1:2], "unit_upconv_band2"),
        (filters.high_residual, "unit_upconv_hi0"),
    ):
        found = pyramid.expand(image, kernel, step=1, shape=(37, 41))
        np.testing.assert_allclose(found[0], vdp_stages[name], atol=1e-13)


@settings(max_examples=25)
@given(height=st.integers(9, 40), width=st.integers(9, 40), seed=st.integers(0, 99))
def test_correlation_agrees_with_scipy(height, width, seed):
    rng = np.random.default_rng(seed)
    image, kernels = rng.normal(size=(height, width)), rng.normal(size=(3, 17, 17))
    found = pyramid.correlate(tensor(image)[None], tensor(kernels))
    for kernel, result in zip(kernels, found, strict=True):
        np.testing.assert_allclose(
            result, ndimage.correlate(image, kernel, mode="mirror"), atol=1e-11
        )


@pytest.mark.parametrize("shape", [(64, 48), (37, 51), (128, 96)])
def test_the_pyramid_nearly_reconstructs(shape):
    image = tensor(np.random.default_rng(2).normal(size=shape))
    bands = pyramid.build(image)
    assert len(bands) == pyramid.levels(*shape) + 2
    # The filters are approximations: 1 % on noise. Mirrored borders are no inverse of themselves.
    inside = (slice(8, -8), slice(8, -8))
    error = torch.linalg.vector_norm((pyramid.reconstruct(bands) - image)[inside])
    assert error < 0.02 * torch.linalg.vector_norm(image[inside])


@pytest.mark.parametrize(
    ("shape", "count"), [((192, 256), 4), ((96, 128), 3), ((17, 17), 1), ((16, 400), 0)]
)
def test_levels(shape, count):
    assert pyramid.levels(*shape) == count


@given(x=st.lists(st.floats(-5.0, 5.0), min_size=1, max_size=30))
def test_tables_interpolate_like_numpy(x):
    values = np.random.default_rng(3).normal(size=33)
    found = UniformTable(-5.0, 5.0, tensor(values))(tensor(x))
    np.testing.assert_allclose(found, np.interp(x, np.linspace(-5, 5, 33), values), atol=1e-12)


def test_signed_power():
    x = tensor([-8.0, 0.0, 8.0])
    np.testing.assert_allclose(masking.signed_power(x, 1 / 3), [-2.0, 0.0, 2.0])
