"""Winograd's convolutions and the body made of them agree with torch."""

from __future__ import annotations

import random
import threading
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits
from torch.nn import functional as F

from ahdr_cli.errors import OutOfMemoryError
from ahdr_cli.inference import winograd_runtime, winograd_support
from ahdr_cli.inference.blas import SingleThreadedBlas
from ahdr_cli.inference.runtime import tile_stream
from ahdr_cli.inference.tile_stream import Crop, stream_tiled
from ahdr_cli.inference.tiling import Box, Tile, plan_tiles
from ahdr_cli.inference.torch_runtime import TorchRuntime
from ahdr_cli.inference.winograd import SCRATCH, WinogradConvolution
from ahdr_cli.inference.winograd_kernels import POINTS
from ahdr_cli.inference.winograd_runtime import WinogradRuntime
from ahdr_cli.inference.workers import Workers
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig

GROUP = winograd_support.CHANNELS


@pytest.fixture(scope="module")
def workers() -> Workers:
    return Workers(2, scratch=SCRATCH)


@pytest.fixture
def make_wide():
    """AHDRNet as narrow as whole groups allow, whose output depends strongly on its input."""

    def make(**shape: object) -> AHDRNet:
        torch.manual_seed(3)
        small = {"features": 32, "growth": 32, "layers": 2, "num_blocks": 2}
        network = AHDRNet(AHDRConfig(**(small | shape))).eval()
        with torch.no_grad():
            network.output.weight *= 30
        return network

    return make


@pytest.fixture
def winograd_of(checkpoint_of):
    def make(network: AHDRNet) -> WinogradRuntime:
        checkpoint = checkpoint_of(network)
        return WinogradRuntime(checkpoint.config, checkpoint.weights)

    return make


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (16, 16), (17, 30), (50, 9)])
@pytest.mark.parametrize(
    ("inputs", "outputs", "dilation", "slope"),
    [(6, 32, 1, 1.0), (32, 32, 1, 1.0), (64, 32, 2, 0.0), (192, 64, 2, 0.0), (32, 128, 1, 0.01)],
)
def test_a_convolution_is_torchs(workers, size, inputs, outputs, dilation, slope):
    generator = np.random.default_rng(inputs + outputs)
    x = generator.normal(0, 1, (-(-inputs // GROUP), *size, GROUP)).astype(np.float32)
    weight = generator.normal(0, inputs**-0.5, (outputs, inputs, 3, 3)).astype(np.float32)
    bias = generator.normal(0, 1, outputs).astype(np.float32)
    actual = np.full((outputs // GROUP, *size, GROUP), np.nan, np.float32)

    convolution = WinogradConvolution(weight, bias, dilation=dilation, slopes=slope)
    convolution(x, actual, known=Box(0, 0, *size), wanted=Box(0, 0, *size), workers=workers)

    planes = torch.from_numpy(x).permute(0, 3, 1, 2).reshape(1, -1, *size).double()[:, :inputs]
    expected = F.conv2d(
        planes,
        torch.from_numpy(weight).double(),
        torch.from_numpy(bias).double(),
        padding=dilation,
        dilation=dilation,
    )
    expected = F.leaky_relu(expected, slope)[0].numpy()
    actual = actual.transpose(0, 3, 1, 2).reshape(outputs, *size)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("lower", [-3, 0, 7])
@pytest.mark.parametrize("dilation", [1, 2])
def test_what_is_known_and_wanted_is_read_and_written_and_nothing_else(workers, dilation, lower):
    """Also where the source has other rows than the target."""
    generator = np.random.default_rng(dilation)
    known, wanted = Box(3, 5, 29, 31), Box(6, 4, 30, 25)
    x = np.full((1, 36, 40, GROUP), np.nan, np.float32)
    zeros_around = np.zeros_like(x)
    zeros_around[:, *known.slices] = generator.normal(0, 1, (1, *known.size, GROUP))
    x[:, *known.slices] = zeros_around[:, *known.slices]
    there = generator.normal(0, 1, x.shape).astype(np.float32)
    weight = generator.normal(0, 0.1, (GROUP, GROUP, 3, 3)).astype(np.float32)
    bias = generator.normal(0, 1, GROUP).astype(np.float32)
    convolution = WinogradConvolution(weight, bias, dilation=dilation, slopes=0.0, add=True)

    actual = there.copy()
    source = np.full((1, 36 + lower, 40, GROUP), np.nan, np.float32)
    source[:, known.top + lower : known.bottom + lower] = x[:, known.top : known.bottom]
    convolution(
        source, actual, known=known.moved(lower, 0), wanted=wanted, workers=workers, lower=lower
    )

    planes = torch.from_numpy(zeros_around[0]).permute(2, 0, 1)[None]
    sums = F.conv2d(planes, torch.from_numpy(weight), None, padding=dilation, dilation=dilation)
    expected = there.copy()
    inside = (0, *wanted.slices)
    expected[inside] += sums[0].permute(1, 2, 0).numpy()[wanted.slices] + bias
    expected[inside] = expected[inside].clip(0)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)
    actual[inside] = there[inside]
    np.testing.assert_array_equal(actual, there)


def test_every_group_of_outputs_has_its_slope(workers):
    generator = np.random.default_rng(4)
    x = generator.normal(0, 1, (1, 9, 9, GROUP)).astype(np.float32)
    weight = generator.normal(0, 0.1, (3 * GROUP, GROUP, 3, 3)).astype(np.float32)
    slopes = [0.0, 1.0, 0.01]
    plain, sloped = (np.empty((3, 9, 9, GROUP), np.float32) for _ in range(2))
    whole = Box(0, 0, 9, 9)
    for out, given in ((plain, 1.0), (sloped, np.array(slopes))):
        convolution = WinogradConvolution(weight, np.zeros(3 * GROUP, np.float32), slopes=given)
        convolution(x, out, known=whole, wanted=whole, workers=workers)
    for group, slope in enumerate(slopes):
        expected = np.where(plain[group] > 0, plain[group], np.float32(slope) * plain[group])
        np.testing.assert_allclose(sloped[group], expected, rtol=0, atol=1e-7)


def test_values_outside_of_floats_stay_where_they_are(workers):
    """NaN and infinity spoil the pixels that see them and the rest of their blocks, no others."""
    x = np.zeros((1, 24, 24, GROUP), np.float32)
    x[0, 5, 6, 7] = np.inf
    x[0, 17, 18, 3] = np.nan
    out = np.empty_like(x)
    weight = np.ones((GROUP, GROUP, 3, 3), np.float32)
    whole = Box(0, 0, 24, 24)
    WinogradConvolution(weight, np.zeros(GROUP, np.float32))(
        x, out, known=whole, wanted=whole, workers=workers
    )
    spoilt = ~np.isfinite(out).all(axis=(0, 3))
    assert spoilt[4:7, 5:8].all()
    assert spoilt[16:19, 17:20].all()
    spoilt[0:12, 0:12] = spoilt[12:24, 12:24] = False
    assert not spoilt.any()


def test_the_points_are_what_the_kernels_compute_with():
    """Halves, twos and sums in the kernels are powers of the points."""
    near, far = (Fraction(point**2).limit_denominator(100) for point in (POINTS[1], POINTS[3]))
    assert (near, far, near + far, near * far) == (Fraction(1, 2), 2, Fraction(5, 2), 1)
    assert POINTS[2] == -POINTS[1]
    assert POINTS[4] == -POINTS[3]


@pytest.mark.parametrize("size", [(64, 48), (17, 33), (1, 5)])
@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"block": "rdb"},
        {"block": "rb"},
        {"block": "rb", "growth": 5},
        {"attention": False},
        {"output": "blend"},
        {"num_blocks": 1, "layers": 1},
        {"num_blocks": 1, "layers": 3},
        {"features": 64, "num_blocks": 1},
        {"features": 96, "num_blocks": 1},
        {"growth": 192, "num_blocks": 1, "layers": 3},
    ],
    ids=str,
)
def test_the_runtime_is_the_network(make_wide, winograd_of, make_frames, conditions, shape, size):
    network = make_wide(**shape)
    frames = np.stack(make_frames(*size))
    actual = winograd_of(network)(frames, conditions)
    expected = TorchRuntime(network)(frames, conditions)
    assert actual.dtype == np.float32
    assert actual.shape == (*size, 3)
    assert np.ptp(expected) > 0.02
    np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-5)


def test_the_shipped_network_is_within_the_oracles_tolerance(make_frames, conditions, winograd_of):
    torch.manual_seed(0)
    network = AHDRNet(AHDRConfig(output="blend")).eval()
    frames = np.stack(make_frames(40, 50))
    expected = TorchRuntime(network)(frames, conditions)
    np.testing.assert_allclose(winograd_of(network)(frames, conditions), expected, atol=1e-4)


@pytest.mark.parametrize(
    "shape", [{}, {"output": "blend"}, {"block": "rb"}, {"layers": 3, "attention": False}], ids=str
)
@pytest.mark.parametrize("inner", [(33, 41), (16, 110), (70, 110), (200, 24)])
def test_tiles_are_parts_of_the_whole(
    make_wide, winograd_of, make_frames, conditions, shape, inner
):
    """Also where what nobody computed is left over from another picture."""
    network = make_wide(num_blocks=1, **shape)
    runtime = winograd_of(network)
    frames = make_frames(150, 110)
    whole = TorchRuntime(network)(np.stack(frames), conditions)
    used = np.full(20_000_000, np.nan, np.float32)
    runtime._kept.append(used)
    stream = tile_stream(runtime, conditions)
    tiled = stream_tiled(stream, frames, halo=runtime.halo, inner=inner)
    assert runtime._kept[0] is used
    assert np.ptp(whole) > 0.02
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=2e-5)


@pytest.fixture
def computed(monkeypatch) -> Counter[WinogradConvolution]:
    """Pixels that every convolution was asked for."""
    pixels: Counter[WinogradConvolution] = Counter()
    call = WinogradConvolution.__call__

    def counting(self, *maps, wanted, **rest):
        pixels[self] += wanted.size[0] * wanted.size[1]
        call(self, *maps, wanted=wanted, **rest)

    monkeypatch.setattr(WinogradConvolution, "__call__", counting)
    return pixels


@pytest.mark.parametrize("rows", [8, 40, 200])
def test_tiles_below_each_other_compute_nothing_twice(
    make_wide, winograd_of, make_frames, conditions, computed, rows
):
    runtime = winograd_of(make_wide())
    frames = make_frames(150, 40)
    stream = tile_stream(runtime, conditions)
    stream_tiled(stream, frames, halo=runtime.halo, inner=(rows, 40), align=runtime.stride)
    encode = computed.pop(runtime._body.encode)
    assert encode == 3 * 150 * 40
    assert set(computed.values()) == {150 * 40}


def test_a_part_takes_less_than_the_whole_of_its_tile(make_wide, winograd_of, conditions, computed):
    """What no later layer sees is not computed."""
    runtime = winograd_of(make_wide())
    size = 2 * runtime.halo + 8
    frames = np.full((3, size, size, 3), 0.5, np.float32)
    part = Box(runtime.halo, runtime.halo, runtime.halo + 8, runtime.halo + 8)
    crop = Crop(frames, part, Box(100, 100, 100 + size, 100 + size))
    (merged,) = runtime.merge_crops(iter([crop]), conditions)
    assert merged.shape == (8, 8, 3)
    body, beyond = runtime._body, runtime._radius.features
    assert computed[body.refine] == (8 + 2 * beyond) ** 2
    assert computed[body.spread] == (8 + 2 * beyond + 2) ** 2
    assert computed[body.encode] == 3 * (8 + 2 * beyond + 2 * body.radius) ** 2 < 3 * size**2


@pytest.mark.parametrize("seed", range(3))
def test_crops_may_come_in_any_order(make_wide, winograd_of, make_frames, conditions, seed):
    """Also one that lies below the last one and is taller, or has other columns."""
    runtime = winograd_of(make_wide(num_blocks=1))
    frames = np.stack(make_frames(260, 70))
    whole = runtime(frames, conditions)
    tiles = plan_tiles((260, 70), halo=runtime.halo, inner=(50, 30))
    tiles += [Tile(Box(0, 0, 260, 70), box) for box in (Box(0, 0, 20, 70), Box(20, 0, 255, 70))]
    tiles += [Tile(Box(0, 0, 260, 70), Box(255, 0, 260, 70))]
    if seed:
        random.Random(seed).shuffle(tiles)
    crops = (
        Crop(frames[:, *tile.outer.slices], tile.inner.within(tile.outer), tile.outer)
        for tile in tiles
    )
    for tile, part in zip(tiles, runtime.merge_crops(crops, conditions), strict=True):
        np.testing.assert_allclose(part, whole[tile.inner.slices], rtol=0, atol=2e-5)


def test_memory_of_a_wider_column_serves_a_narrower_one(
    make_wide, winograd_of, make_frames, conditions
):
    runtime = winograd_of(make_wide())
    small, large = (np.stack(make_frames(*size)) for size in ((20, 30), (40, 50)))
    fresh = runtime(small, conditions)
    runtime(large, conditions)
    (kept,) = runtime._kept
    np.testing.assert_array_equal(runtime(small, conditions), fresh)
    assert runtime._kept[0] is kept
    runtime.release()
    assert not runtime._kept
    np.testing.assert_array_equal(runtime(small, conditions), fresh)


def test_who_stops_half_way_leaves_memory_to_others(
    make_wide, winograd_of, make_frames, conditions
):
    runtime = winograd_of(make_wide())
    frames = np.stack(make_frames(20, 30))
    crop = Crop(frames, Box(0, 0, 20, 30), Box(0, 0, 20, 30))
    stream = runtime.merge_crops(iter([crop, crop]), conditions)
    next(stream)
    assert not runtime._kept
    stream.close()
    assert len(runtime._kept) == 1


def test_several_threads_may_call_it(make_wide, winograd_of, make_frames, conditions):
    runtime = winograd_of(make_wide())
    given = [np.stack(make_frames(20 + i, 30)) for i in range(4)]
    expected = [runtime(frames, conditions) for frames in given]
    actual = [np.empty(0)] * len(given)

    def call(i: int) -> None:
        actual[i] = runtime(given[i], conditions)

    threads = [threading.Thread(target=call, args=(i,)) for i in range(len(given))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_failed_allocations_are_translated(
    make_wide, winograd_of, make_frames, conditions, monkeypatch
):
    runtime = winograd_of(make_wide())
    monkeypatch.setattr(winograd_runtime, "column_floats", lambda *_, **__: 2**55)
    with pytest.raises(OutOfMemoryError):
        runtime(np.stack(make_frames(4, 4)), conditions)


def test_the_first_error_of_the_workers_is_raised_when_all_have_stopped(workers):
    done = []

    def work(block: int) -> None:
        if block == 3:
            raise ValueError("block 3")
        done.append(block)

    with pytest.raises(ValueError, match="block 3"):
        workers.run(work, 50)
    assert set(done) == set(range(50)) - {3}


def test_blas_gets_its_threads_back_from_the_last_to_leave():
    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    single = SingleThreadedBlas()
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        first, second = single(), single()
        first.__enter__()
        second.__enter__()
        assert threads() == {1}
        first.__exit__(None, None, None)
        assert threads() == {1}
        second.__exit__(None, None, None)
        assert threads() == before


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ({}, True),
        ({"layers": 7}, True),
        ({"features": 96}, True),
        ({"features": 48}, False),
        ({"growth": 24}, False),
        ({"growth": 192, "layers": 2}, True),
        ({"block": "rb", "growth": 5}, True),
    ],
    ids=str,
)
def test_which_networks_it_can_compute(shape, expected):
    assert winograd_support.has_winograd_body(AHDRConfig(**shape)) is expected


def test_an_import_that_fails_is_a_reason(monkeypatch):
    def fail(name: str) -> None:
        if name == "numba":
            raise ImportError("Numba needs NumPy 2.9 or less.\nGot 3.0")

    assert winograd_support.winograd_failure() is None
    monkeypatch.setattr(winograd_support.importlib, "import_module", fail)
    assert winograd_support.winograd_failure() == "Numba needs NumPy 2.9 or less."
