"""The fast path agrees with the oracle, and failures speak one language."""

from __future__ import annotations

import importlib.metadata
import importlib.util

import numpy as np
import pytest
import torch
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

from ahdr_cli.errors import DeviceError, MissingDependencyError, OutOfMemoryError, UsageError
from ahdr_cli.inference import runtime as runtime_module
from ahdr_cli.inference import triton_support
from ahdr_cli.inference.runtime import open_runtime, select_runtime
from ahdr_cli.inference.torch_runtime import TorchRuntime
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig, FastConfig
from ahdr_cli.networks.input import to_network_input


@pytest.mark.parametrize("size", [(64, 48), (17, 33), (1, 5)])
def test_onnx_equals_torch_for_every_variant(
    variant, make_network, onnx_of, make_frames, conditions, size
):
    frames = np.stack(make_frames(*size))
    expected = TorchRuntime(make_network(variant))(frames, conditions)
    actual = onnx_of(make_network(variant))(frames, conditions)
    assert actual.dtype == np.float32
    assert actual.shape == (*size, 3)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=5e-5)


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
def test_onnx_equals_torch_where_frames_agree(variant, make_network, onnx_of, conditions, noise):
    """A static scene from black to beyond every white, where explicit rules decide."""
    generator = np.random.default_rng(4)
    light = generator.uniform(0, 1, (24, 32, 3)) ** 6 * 1.5
    exposed = light * conditions[:3, None, None, None] * generator.normal(1, noise, (3, 24, 32, 3))
    frames = exposed.clip(0, 1).astype(np.float32) ** np.float32(1 / 2.2)
    expected = TorchRuntime(make_network(variant))(frames, conditions)
    actual = onnx_of(make_network(variant))(frames, conditions)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4)


def test_onnx_equals_torch_at_full_size(onnx_of, make_frames, conditions):
    torch.manual_seed(0)
    network = AHDRNet().eval()
    with torch.no_grad():
        network.output.weight *= 20
    frames = np.stack(make_frames(40, 50))
    expected = TorchRuntime(network)(frames, conditions)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(onnx_of(network)(frames, conditions), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "shape",
    [
        {"layers": 1},
        {"layers": 2},
        {"layers": 5, "num_blocks": 1},
        {"features": 5, "growth": 3},
        {"block": "rb", "num_blocks": 1},
    ],
)
def test_onnx_equals_torch_for_odd_shapes(shape, onnx_of, make_frames, conditions):
    torch.manual_seed(1)
    network = AHDRNet(AHDRConfig(**{"features": 8, "growth": 4} | shape)).eval()
    frames = np.stack(make_frames(30, 20))
    np.testing.assert_allclose(
        onnx_of(network)(frames, conditions), TorchRuntime(network)(frames, conditions), atol=1e-6
    )


def test_torch_runtime_is_the_network(make_network, make_frames, conditions):
    frames = np.stack(make_frames(20, 30))
    ldr = torch.from_numpy(frames).permute(0, 3, 1, 2)[None]
    with torch.inference_mode():
        given = torch.from_numpy(conditions)
        expected = make_network()(to_network_input(ldr, given[None, :3], given[3:]))
    actual = TorchRuntime(make_network())(frames, conditions)
    np.testing.assert_allclose(actual, expected[0].permute(1, 2, 0).numpy(), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp16", 0.004), ("bf16", 0.03)])
def test_sixteen_bits_are_close_and_smooth(
    make_network, make_frames, conditions, precision, tolerance
):
    frames = np.stack(make_frames(48, 48))
    exact = TorchRuntime(make_network())(frames, conditions)
    rounded = TorchRuntime(make_network(), precision=precision)(frames, conditions)
    assert rounded.dtype == np.float32
    difference = np.abs(rounded - exact)
    assert 0 < difference.mean() < tolerance
    # The result itself is not rounded to 16 bits.
    assert len(np.unique(rounded)) > 0.9 * rounded.size


def test_release_leaves_a_runtime_usable(make_network, onnx_of, make_frames, conditions):
    frames = np.stack(make_frames(20, 20))
    for runtime in (TorchRuntime(make_network()), onnx_of(make_network())):
        before = runtime(frames, conditions)
        runtime.release()
        np.testing.assert_array_equal(runtime(frames, conditions), before)


def test_failed_allocations_of_torch_are_translated(make_network, make_frames, conditions):
    runtime = TorchRuntime(make_network())

    def exhausted(_x: torch.Tensor) -> torch.Tensor:
        return torch.empty(2**50)  # more than the address space: torch's own error

    runtime._network.forward = exhausted
    with pytest.raises(OutOfMemoryError, match="allocation"):
        runtime(np.stack(make_frames(4, 4)), conditions)


def test_failed_allocations_of_onnxruntime_are_translated(
    make_network, onnx_of, make_frames, conditions
):
    runtime = onnx_of(make_network())

    class Exhausted:
        def run(self, *_args: object) -> None:
            raise RuntimeException("Failed to allocate memory for requested buffer of size 9")

    runtime._session = Exhausted()
    with pytest.raises(OutOfMemoryError, match="requested buffer"):
        runtime(np.stack(make_frames(4, 4)), conditions)


def select(name: str, *, device: str = "cpu", precision: str = "fp32", features: int = 64) -> str:
    config = AHDRConfig(features=features)
    return select_runtime(name, device=device, precision=precision, config=config)


def test_auto_is_the_fastest_that_can_be_used(monkeypatch):
    assert select("auto") == "winograd"
    assert select("auto", features=8) == "onnxruntime"
    assert select("auto", precision="bf16") == "torch"
    assert select("auto", device="cuda:0") == "torch"
    assert select("torch") == "torch"
    assert select("onnxruntime") == "onnxruntime"
    monkeypatch.setattr(runtime_module, "winograd_failure", lambda: "no numba")
    assert select("auto") == "onnxruntime"
    monkeypatch.setattr(runtime_module.importlib.util, "find_spec", lambda _name: None)
    assert select("auto") == "torch"
    with pytest.raises(MissingDependencyError, match="onnxruntime is not installed"):
        select("onnxruntime")
    with pytest.raises(MissingDependencyError, match="winograd cannot be used here: no numba"):
        select("winograd")


def test_fastnet_has_no_winograd_body():
    chosen = select_runtime("auto", device="cpu", precision="fp32", config=FastConfig())
    assert chosen == "onnxruntime"


@pytest.mark.parametrize(("device", "precision"), [("cuda:0", "fp32"), ("cpu", "fp16")])
def test_runtimes_of_cpus_refuse_what_they_cannot_do(device, precision):
    with pytest.raises(DeviceError, match="fp32 or int8 on the CPU"):
        select("onnxruntime", device=device, precision=precision)
    with pytest.raises(DeviceError, match="fp32 on the CPU"):
        select("winograd", device=device, precision=precision)


def test_winograd_refuses_layers_that_it_cannot_cut(make_network, checkpoint_of):
    with pytest.raises(DeviceError, match="whole groups of 32 channels"):
        open_runtime(checkpoint_of(make_network()), name="winograd")


@pytest.fixture
def hopper(monkeypatch):
    """A GPU that the Triton runtime's kernels are made for, as far as a choice looks at it."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: name == "triton" or find_spec(name)
    )
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "3.7.1")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (9, 0))
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(triton_support, "_driver_failure", lambda: None)


def test_triton_is_used_where_it_is_asked_for(hopper):
    for precision in ("fp16", "bf16"):
        assert select("triton", device="cuda:0", precision=precision) == "triton"
        assert select("auto", device="cuda:0", precision=precision) == "torch"


@pytest.mark.parametrize(
    ("device", "precision"), [("cpu", "fp32"), ("cuda:0", "fp32"), ("mps", "fp16")]
)
def test_triton_refuses_other_devices_and_precisions(hopper, device, precision):
    with pytest.raises(DeviceError, match="fp16 or bf16 on CUDA devices, not in"):
        select("triton", device=device, precision=precision)


@pytest.mark.parametrize("config", [AHDRConfig(block="rb"), AHDRConfig(features=160), FastConfig()])
def test_triton_refuses_other_networks(hopper, config):
    with pytest.raises(DeviceError, match="dense blocks of up to 128 features only"):
        select_runtime("triton", device="cuda:0", precision="fp16", config=config)


def test_triton_needs_a_driver_that_starts(hopper, monkeypatch):
    monkeypatch.setattr(triton_support, "_driver_failure", lambda: "no C compiler")
    with pytest.raises(DeviceError, match="cannot be used here: no C compiler"):
        select("triton", device="cuda:0", precision="fp16")
    monkeypatch.undo()
    assert triton_support._driver_failure() or torch.cuda.is_available()


def test_triton_refuses_other_gpus(hopper, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 6))
    with pytest.raises(DeviceError, match=r"capability 9\.0, cuda:0 has 8\.6"):
        select("triton", device="cuda:0", precision="fp16")
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "3.2.0")
    with pytest.raises(DeviceError, match=r"triton 3\.7 or newer, not 3\.2\.0"):
        select("triton", device="cuda:0", precision="fp16")
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "3.10.0")
    monkeypatch.setattr(torch.version, "hip", "6.2")
    with pytest.raises(DeviceError, match="NVIDIA"):
        select("triton", device="cuda:0", precision="fp16")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingDependencyError, match="triton is not installed"):
        select("triton", device="cuda:0", precision="fp16")


def test_an_unknown_runtime_is_a_usage_error(make_network, checkpoint_of):
    with pytest.raises(UsageError, match="'tensorflow'"):
        open_runtime(checkpoint_of(make_network()), name="tensorflow")
