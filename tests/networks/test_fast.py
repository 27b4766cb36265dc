from __future__ import annotations

import pytest
import torch

from ahdr_cli.networks.blend import blend
from ahdr_cli.networks.config import FastConfig, stride
from ahdr_cli.networks.cost import macs_per_pixel, parameter_count
from ahdr_cli.networks.explicit import explicit_weights
from ahdr_cli.networks.fast import FastNet
from ahdr_cli.networks.input import to_network_input
from ahdr_cli.networks.mu_law import mu_law_compress, mu_law_expand
from ahdr_cli.networks.shrinkage import shrink_noise

TINY = FastConfig(features=8, shallow=4, detail=10, dilations=(1, 2))


def tiny(config: FastConfig = TINY) -> FastNet:
    torch.manual_seed(0)
    return FastNet(config)


def test_it_is_small():
    config = FastConfig()
    assert macs_per_pixel(config) == 65_024  # of the 80,000 that a fast model may have
    assert parameter_count(config) == 611_722
    assert stride(config) == 4


def test_without_an_output_it_is_the_explicit_merge_without_its_noise():
    net = tiny()
    net.reset_output()
    radiance = torch.rand(1, 3, 17, 21, generator=torch.Generator().manual_seed(0)) ** 2
    ratios = torch.tensor([[1.0, 4.0, 16.0]])
    exposed = radiance[:, None] * ratios[:, :, None, None, None]
    noise = torch.tensor([1e-4])
    frames = to_network_input(exposed.clamp(max=1.0).pow(1 / 2.2), ratios, noise)
    # The network's own picture, grey so far, has a weight of e⁻⁶ beside that of the frames.
    explicit = explicit_weights(frames)
    merged = blend(explicit.radiance, explicit.logits[:, :3], explicit.variance)
    merged = mu_law_expand(shrink_noise(mu_law_compress(merged.radiance), merged))
    lit = frames[:, :, :3].mean(dim=2).amax(dim=1, keepdim=True).expand_as(merged) > 0.4
    assert lit.sum() > 800
    torch.testing.assert_close(net(frames)[lit], merged[lit], rtol=0.05, atol=5e-4)


def test_dilations_may_be_a_list_as_in_json():
    assert FastConfig(**{"dilations": [1, 3]}).dilations == (1, 3)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"features": 0}, ValueError),
        ({"shallow": 2.5}, ValueError),
        ({"detail": 9}, ValueError),
        ({"dilations": [0]}, ValueError),
        ({"dilations": 3}, ValueError),
        ({"dilations": "12"}, ValueError),
        ({"growth": 2}, TypeError),
    ],
)
def test_wrong_configurations(values, error):
    with pytest.raises(error):
        FastConfig(**values)
