"""Where a network's weights start: drawn at random, or taken from a checkpoint."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from ahdr_cli.checkpoints import Checkpoint, load_checkpoint
from ahdr_cli.errors import UsageError
from ahdr_cli.networks.config import AHDRConfig, AnyConfig
from ahdr_cli.networks.constants import LEAKY_SLOPE
from ahdr_cli.networks.families import AnyNetwork, build_network

__all__ = ["RANDOM_INITS", "initial_network"]

RANDOM_INITS = ("xavier", "kaiming")
"""Values of ``init`` that draw the weights; any other names a checkpoint."""


def initial_network(config: AnyConfig, *, init: str, seed: int) -> tuple[AnyNetwork, str]:
    """A network ready to train, and one line on where its weights come from.

    Args:
        config: of the network.
        init: ``xavier`` (uniform; Glorot & Bengio, AISTATS 2010), ``kaiming`` (normal; He et
            al., ICCV 2015), both with zero biases; or the name or path of a checkpoint. A
            network whose output is ``blend`` may start from one whose output is ``radiance``.
        seed: of the draw. Torch's global random state stays as it was.

    Raises:
        UsageError: the checkpoint's configuration is another one.
        ModelError: there is no such checkpoint, or it is damaged.
    """
    if init not in RANDOM_INITS:
        checkpoint = load_checkpoint(init)
        origin = f"{checkpoint.name} (sha256 {checkpoint.sha256[:16]})"
        if checkpoint.config == config:
            return checkpoint.build(), origin
        if isinstance(config, AHDRConfig) and checkpoint.config == replace(
            config, output="radiance"
        ):
            return _with_choice(checkpoint, config), origin
        raise UsageError(
            f"init {init!r} is a network with {checkpoint.config}, asked for is {config}",
            hint="change the [model] table to match",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = build_network(config)
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                if init == "xavier":
                    nn.init.xavier_uniform_(module.weight)
                else:
                    nn.init.kaiming_normal_(module.weight, a=LEAKY_SLOPE)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
    net.reset_output()
    return net, f"{init}, seed {seed}"


def _with_choice(checkpoint: Checkpoint, config: AHDRConfig) -> AnyNetwork:
    """A checkpoint's network with an output that chooses, and chooses as the checkpoint did."""
    with torch.random.fork_rng(devices=[]):
        net = build_network(config)
    net.reset_output()
    net.load_state_dict({**net.state_dict(), **checkpoint.state_dict})
    return net
