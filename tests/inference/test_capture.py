"""Nothing is copied from the host while a network runs, which a CUDA graph could not repeat."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig, FastConfig
from ahdr_cli.networks.fast import FastNet
from ahdr_cli.networks.input import to_network_input


class Crossings(TorchDispatchMode):
    """Collects the operations that see tensors of more than one device."""

    def __init__(self) -> None:
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        tensors = [x for x in tree_leaves((args, kwargs, result)) if isinstance(x, torch.Tensor)]
        if len({tensor.device.type for tensor in tensors}) > 1:
            self.found.append(str(func))
        return result


@pytest.mark.parametrize(
    "network",
    [FastNet(FastConfig()), AHDRNet(AHDRConfig()), AHDRNet(AHDRConfig(output="blend"))],
    ids=["fast", "ahdrnet", "ahdrnet-blend"],
)
def test_a_network_stays_on_its_device(network):
    """The meta device stands for any that is not the host."""
    network = network.to("meta")
    frames, conditions = (torch.empty(*shape, device="meta") for shape in ((3, 33, 40, 3), (4,)))
    with Crossings() as crossings, torch.inference_mode():
        ldr = frames.permute(0, 3, 1, 2)[None]
        radiance = network(to_network_input(ldr, conditions[None, :3], conditions[3:]))
    assert radiance.device.type == "meta"
    assert crossings.found == []


def test_a_copy_from_the_host_would_be_found():
    with Crossings() as crossings:
        torch.empty(2, device="meta") + torch.ones(2).to("meta")
    assert len(crossings.found) == 1
