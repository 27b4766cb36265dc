"""What is said of networks without torch is what their modules of torch say."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from ahdr_cli.networks.config import AHDRConfig, AnyConfig, FastConfig, stride
from ahdr_cli.networks.convolutions import convolutions, parameter_shapes
from ahdr_cli.networks.cost import parameter_count
from ahdr_cli.networks.families import AnyNetwork, build_network
from ahdr_cli.networks.variants import MODELS

ODD = {
    "small": AHDRConfig(features=5, growth=3, layers=2, num_blocks=4),
    "small rb": AHDRConfig(block="rb", features=3, num_blocks=1, output="blend"),
    "small fast": FastConfig(features=6, shallow=3, detail=11, dilations=(3,)),
    "no blocks": FastConfig(dilations=()),
}


@pytest.fixture(scope="module", params=MODELS | ODD)
def config(request) -> AnyConfig:
    return (MODELS | ODD)[request.param]


@pytest.fixture(scope="module")
def network(config) -> AnyNetwork:
    with torch.device("meta"):
        return build_network(config)


def modules_of(network: AnyNetwork) -> dict[str, nn.Conv2d]:
    return {
        name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d)
    }


def test_the_modules_have_these_convolutions(config, network):
    modules = modules_of(network)
    layers = {layer.name: layer for layer in convolutions(config)}
    assert list(layers) == list(modules)
    for name, module in modules.items():
        layer = layers[name]
        assert (layer.inputs, layer.outputs) == (module.in_channels, module.out_channels)
        assert module.kernel_size == (layer.kernel,) * 2
        assert module.dilation == (layer.dilation,) * 2
        assert module.stride == (1, 1)
        # Padding keeps the size, so it is how far the convolution sees.
        assert module.padding == (layer.radius,) * 2


def test_the_modules_have_these_parameters(config, network):
    state = network.state_dict()
    shapes = dict(parameter_shapes(config))
    assert shapes == {name: tuple(tensor.shape) for name, tensor in state.items()}
    assert parameter_count(config) == sum(tensor.numel() for tensor in state.values())


def test_the_modules_compute_in_these_resolutions_and_so_often(config):
    seen: dict[str, list[torch.Size]] = {}
    network = build_network(config).eval()
    for name, module in modules_of(network).items():
        module.register_forward_hook(
            lambda _module, _inputs, output, name=name: seen.setdefault(name, []).append(
                output.shape[2:]
            )
        )
    side = 4 * stride(config)
    with torch.inference_mode():
        network(torch.rand(1, 3, 7, side, side))
    for layer in convolutions(config):
        assert seen[layer.name] == [(side // layer.cell,) * 2] * layer.uses, layer.name
    assert stride(config) == max(layer.cell for layer in convolutions(config))


def test_torch_is_not_imported():
    script = (
        "import sys\n"
        "from ahdr_cli.networks import constants, convolutions, cost, receptive, variants\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
