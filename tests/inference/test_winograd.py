"""Winograd's convolutions and the body made of them agree with torch."""

from __future__ import annotations

import threading
from fractions import Fraction

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits
from torch.nn import functional as F

from ahdr_cli.errors import OutOfMemoryError
from ahdr_cli.inference import winograd_support
from ahdr_cli.inference.blas import SingleThreadedBlas
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
    [(32, 32, 1, 1.0), (64, 32, 2, 0.0), (224, 32, 2, 0.0), (32, 128, 1, 0.01)],
)
def test_a_convolution_is_torchs(workers, size, inputs, outputs, dilation, slope):
    generator = np.random.default_rng(inputs + outputs)
    x = generator.normal(0, 1, (inputs // GROUP, *size, GROUP)).astype(np.float32)
    weight = generator.normal(0, inputs**-0.5, (outputs, inputs, 3, 3)).astype(np.float32)
    bias = generator.normal(0, 1, outputs).astype(np.float32)
    actual = np.full((outputs // GROUP, *size, GROUP), np.nan, np.float32)

    convolution = WinogradConvolution(weight, bias, dilation=dilation, slope=slope)
    convolution(x, actual, workers=workers)

    planes = torch.from_numpy(x).permute(0, 3, 1, 2).reshape(1, inputs, *size).double()
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


def test_values_outside_of_floats_stay_where_they_are(workers):
    """NaN and infinity spoil the pixels that see them and the rest of their blocks, no others."""
    x = np.zeros((1, 24, 24, GROUP), np.float32)
    x[0, 5, 6, 7] = np.inf
    x[0, 17, 18, 3] = np.nan
    out = np.empty_like(x)
    weight = np.ones((GROUP, GROUP, 3, 3), np.float32)
    WinogradConvolution(weight, np.zeros(GROUP, np.float32))(x, out, workers=workers)
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
        {"features": 64, "num_blocks": 1},
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


def test_memory_of_a_larger_tile_serves_a_smaller_one(
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


def test_failed_allocations_are_translated(make_wide, winograd_of, make_frames, conditions):
    runtime = winograd_of(make_wide())
    runtime._channels = 2**45
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


def test_an_import_that_fails_is_a_reason(monkeypatch):
    def fail(name: str) -> None:
        if name == "numba":
            raise ImportError("Numba needs NumPy 2.9 or less.\nGot 3.0")

    assert winograd_support.winograd_failure() is None
    monkeypatch.setattr(winograd_support.importlib, "import_module", fail)
    assert winograd_support.winograd_failure() == "Numba needs NumPy 2.9 or less."
