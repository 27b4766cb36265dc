"""The body in 8 bits: what it computes, how close that is, and where it is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ahdr_cli.errors import DeviceError, MissingDependencyError, ModelError
from ahdr_cli.inference import int8_support
from ahdr_cli.inference import runtime as runtime_module
from ahdr_cli.inference.observation import Observer
from ahdr_cli.inference.onnx_graph import build_onnx_graph
from ahdr_cli.inference.onnx_runtime import OnnxRuntime
from ahdr_cli.inference.runtime import open_runtime, select_runtime
from ahdr_cli.inference.tile_stream import run_tiled
from ahdr_cli.inference.torch_runtime import TorchRuntime
from ahdr_cli.metrics.psnr import psnr
from ahdr_cli.networks.activations import activations
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.convolutions import convolutions
from ahdr_cli.networks.input import to_network_input
from ahdr_cli.networks.variants import VARIANTS

exact = pytest.mark.skipif(
    not int8_support._sums_are_exact(), reason="this processor's 8-bit sums overflow"
)


@pytest.fixture
def calibrated(checkpoint_of, make_frames, conditions):
    """A network's checkpoint with the largest values of its activations on some frames."""

    def make(network):
        checkpoint = checkpoint_of(network)
        observe = Observer(checkpoint.config, checkpoint.weights)
        values = observe(np.stack(make_frames(48, 40)), conditions)
        bounds = {name: float(np.abs(value).max()) for name, value in values.items()}
        return replace(checkpoint, bounds=bounds)

    return make


class Reference:
    """The same arithmetic in float64: numbers are rounded to what 8 bits can hold.

    Args:
        network: with attention and dense blocks.
        bounds: of its activations.
    """

    def __init__(self, network: AHDRNet, bounds: dict[str, float]) -> None:
        self.network = network
        self.bounds = bounds
        self.modules = dict(network.named_modules())

    def stored(self, name: str, x: Tensor) -> Tensor:
        step = self.bounds[name] / 127
        return (x / step).round().clamp(-128, 127) * step

    def conv(self, name: str, *parts: tuple[str, Tensor]) -> Tensor:
        """The convolution `name` of named activations, as the activation of that name."""
        module = self.modules[name]
        steps = torch.cat([torch.full((x.shape[1],), self.bounds[n] / 127) for n, x in parts])
        weight = module.weight * steps[:, None, None]
        scale = weight.abs().amax(dim=(1, 2, 3), keepdim=True) / 127
        weight = (weight / scale).round() * scale / steps[:, None, None]
        scale = scale.flatten()
        bias = (module.bias / scale).round() * scale  # a whole number like the sum
        x = torch.cat([x for _, x in parts], dim=1)
        result = F.conv2d(x, weight, bias, padding=module.padding, dilation=module.dilation)
        return self.stored(name, result)

    def attend(self, side: str, outer: Tensor, frames: dict[str, Tensor]) -> Tensor:
        name = f"attention_{side}"
        pair = [(f"encode.{n}", self.stored(f"encode.{n}", frames[n])) for n in (side, "reference")]
        compared = F.leaky_relu(self.conv(f"{name}.compare", *pair), 0.01)
        compared = self.stored(f"{name}.compare", compared)
        gate = self.conv(f"{name}.gate", (f"{name}.compare", compared))
        return self.stored(name, outer * torch.sigmoid(gate))

    def body(self, frames: dict[str, Tensor]) -> Tensor:
        short = self.attend("short", frames["short"], frames)
        long = self.attend("long", frames["long"], frames)
        reference = self.stored("encode.reference", frames["reference"])
        parts = (("attention_short", short), ("encode.reference", reference))
        x = exact = self.conv("merge", *parts, ("attention_long", long))
        inputs, outputs = "merge", []
        for i, block in enumerate(self.network.blocks):
            collected = [(inputs, x)]
            for j in range(len(block.layers)):
                layer = f"blocks.{i}.layers.{j}"
                collected.append((layer, self.conv(layer, *collected).relu()))
            exact = exact + self.conv(f"blocks.{i}.fold", *collected)
            inputs, x = f"blocks.{i}", self.stored(f"blocks.{i}", exact)
            outputs.append((inputs, x))
        return self.conv("spread", ("fold", self.conv("fold", *outputs)))

    @torch.inference_mode()
    def __call__(self, frames: np.ndarray, conditions: np.ndarray) -> np.ndarray:
        ldr = torch.from_numpy(frames).permute(0, 3, 1, 2)[None].double()
        given = torch.from_numpy(conditions).double()
        seen = to_network_input(ldr, given[None, :3], given[3:])
        features = self.network._features(seen)
        x = self.body(dict(zip(("short", "reference", "long"), features, strict=True)))
        x = self.network.refine(x + features[1])
        if self.network.config.output == "blend":
            radiance = self.network._decide(x, seen).radiance
        else:
            radiance = torch.sigmoid(self.network.output(x))
        return radiance[0].permute(1, 2, 0).numpy()


@exact
def test_it_computes_what_rounded_numbers_give(make_network, calibrated, make_frames, conditions):
    checkpoint = calibrated(make_network())
    frames = np.stack(make_frames(40, 30))
    expected = Reference(make_network().double(), dict(checkpoint.bounds))(frames, conditions)
    actual = open_runtime(checkpoint, precision="int8")(frames, conditions)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)


@exact
@pytest.mark.parametrize("name", VARIANTS)
def test_it_is_close_to_float_for_every_variant(
    name, make_network, calibrated, make_frames, conditions
):
    checkpoint = calibrated(make_network(name))
    runtime = open_runtime(checkpoint, precision="int8")
    assert (runtime.name, runtime.precision) == ("onnxruntime", "int8")
    frames = np.stack(make_frames(33, 50))
    expected = TorchRuntime(make_network(name))(frames, conditions)
    actual = runtime(frames, conditions)
    assert actual.dtype == np.float32 and actual.shape == (33, 50, 3)
    assert 30.0 < psnr(actual, expected) < 80.0  # close, but not the same arithmetic


@exact
def test_tiles_are_exact(make_network, calibrated, make_frames, conditions):
    runtime = open_runtime(calibrated(make_network()), precision="int8")
    frames = make_frames(120, 110)
    whole = runtime(np.stack(frames), conditions)
    tiled = run_tiled(lambda tile: runtime(tile, conditions), frames, halo=runtime.halo, inner=64)
    np.testing.assert_allclose(tiled, whole, rtol=0, atol=1e-6)


@exact
def test_a_bound_clips(make_network, calibrated, make_frames, conditions):
    checkpoint = calibrated(make_network())
    tight = replace(checkpoint, bounds=dict.fromkeys(checkpoint.bounds, 1e-3))
    frames = np.stack(make_frames(20, 20))
    expected = TorchRuntime(make_network())(frames, conditions)
    kept, clipped = (
        open_runtime(each, precision="int8")(frames, conditions) for each in (checkpoint, tight)
    )
    assert psnr(clipped, expected) < psnr(kept, expected) - 10.0


@exact
def test_channels_without_weights_keep_their_bias(
    make_network, calibrated, make_frames, conditions
):
    network = make_network()
    with torch.no_grad():
        network.blocks[0].layers[1].weight.zero_()
        network.blocks[0].layers[1].bias.fill_(0.3)
        network.merge.weight[0] = 0.0
        network.merge.bias.zero_()
    frames = np.stack(make_frames(20, 20))
    actual = open_runtime(calibrated(network), precision="int8")(frames, conditions)
    assert psnr(actual, TorchRuntime(network)(frames, conditions)) > 30.0


@pytest.mark.parametrize("name", VARIANTS)
def test_no_convolution_of_the_body_is_left_in_float(name, make_network, calibrated):
    checkpoint = calibrated(make_network(name))
    graph = build_onnx_graph(checkpoint.config, checkpoint.weights, bounds=checkpoint.bounds).graph
    counts = Counter(node.op_type for node in graph.node)
    in_float = 5 if checkpoint.config.output == "radiance" else 6  # three frames, refine, output
    assert counts["Conv"] == in_float
    assert counts["QLinearConv"] == len(list(convolutions(checkpoint.config))) - (in_float - 2)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_graph_in_float_names_every_activation(name, make_network, checkpoint_of):
    checkpoint = checkpoint_of(make_network(name))
    graph = build_onnx_graph(checkpoint.config, checkpoint.weights).graph
    made = [result for node in graph.node for result in node.output]
    assert set(activations(checkpoint.config)) <= set(made)
    assert len(set(made)) == len(made)


def test_observed_activations_are_the_modules_outputs(
    make_network, checkpoint_of, make_frames, conditions
):
    network = make_network()
    frames = np.stack(make_frames(20, 24))
    checkpoint = checkpoint_of(network)
    observed = Observer(checkpoint.config, checkpoint.weights)(frames, conditions)
    seen: dict[str, Tensor] = {}
    modules = dict(network.named_modules())
    for name in ("merge", "blocks.0", "blocks.1.fold", "blocks.2.layers.1", "fold", "spread"):
        modules[name].register_forward_hook(
            lambda _module, _inputs, result, name=name: seen.__setitem__(name, result)
        )
    TorchRuntime(network)(frames, conditions)
    for name, value in seen.items():
        expected = value.relu() if ".layers." in name else value
        np.testing.assert_allclose(observed[name], expected, rtol=0, atol=1e-5)


def test_weights_without_ranges_are_refused(make_network, checkpoint_of, monkeypatch):
    monkeypatch.setattr(int8_support, "_sums_are_exact", lambda: True)
    with pytest.raises(ModelError, match="carry no activation ranges") as caught:
        open_runtime(checkpoint_of(make_network()), precision="int8")
    assert "ahdr models calibrate" in caught.value.hint


def test_the_fast_network_is_refused(make_network, checkpoint_of):
    with pytest.raises(ModelError, match="int8 is for AHDRNet only"):
        open_runtime(checkpoint_of(make_network("fast")), precision="int8")


def test_a_processor_whose_sums_overflow_is_refused(make_network, calibrated, monkeypatch):
    checkpoint = calibrated(make_network())

    class Overflowing:
        def __init__(self, *_args: object, **_options: object) -> None: ...

        def run(self, _names: object, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            return [inputs["x"] // 2]

    monkeypatch.setattr(int8_support.onnxruntime, "InferenceSession", Overflowing)
    int8_support._sums_are_exact.cache_clear()
    try:
        with pytest.raises(DeviceError, match="8-bit sums overflow"):
            open_runtime(checkpoint, precision="int8")
    finally:
        int8_support._sums_are_exact.cache_clear()


def test_int8_is_onnxruntime_on_the_cpu(monkeypatch):
    def select(name: str) -> str:
        return select_runtime(name, device="cpu", precision="int8", config=AHDRConfig())

    assert select("auto") == "onnxruntime"
    assert select("onnxruntime") == "onnxruntime"
    with pytest.raises(DeviceError, match="torch does not compute in int8"):
        select("torch")
    with pytest.raises(DeviceError, match="winograd computes in fp32"):
        select("winograd")
    monkeypatch.setattr(runtime_module.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingDependencyError, match="not installed"):
        select("auto")


def test_it_takes_less_memory(make_network, calibrated):
    checkpoint = calibrated(make_network())
    in_float = OnnxRuntime(checkpoint.config, checkpoint.weights)
    in_8_bits = OnnxRuntime(checkpoint.config, checkpoint.weights, bounds=checkpoint.bounds)
    assert in_8_bits.bytes_per_pixel < in_float.bytes_per_pixel


def test_scales_of_activations_are_scalars(calibrated, make_network):
    # ONNX takes a list of one for a scale by channel. Older ONNX Runtimes refuse it when they fuse.
    checkpoint = calibrated(make_network())
    graph = build_onnx_graph(checkpoint.config, checkpoint.weights, bounds=checkpoint.bounds).graph
    shapes = {constant.name: tuple(constant.dims) for constant in graph.initializer}
    scales = [
        name
        for node in graph.node
        if node.op_type in {"QuantizeLinear", "DequantizeLinear"}
        for name in node.input[1:]
    ]
    assert scales and all(shapes[name] == () for name in scales)
