"""FastNet: a small network that corrects the explicit merge, in one reading.

Most of a photograph needs no painting: the frames already show it, and only which frame to
believe is to be found out. So the network works on a quarter of the resolution, where a large
neighbourhood is cheap, and returns weights for the three frames, a picture of its own for where
all frames fail (noise, moving highlights), the weight of that, and a small correction. The
ideas are known from SAFNet (Kong et al., ECCV 2024: masks first, a refinement after) and
CEN-HDR (Tel et al., ECCVW 2022: the body at low resolution); the network is our own.

Axes as in :mod:`ahdr_cli.networks.ahdrnet`. Resolutions are named full, half and quarter; where
a side is no multiple of four, zeros (black) are appended at its end.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ahdr_cli.networks.blend import Choice, blend, explicit_weights, without_autocast
from ahdr_cli.networks.config import FAST_OUTPUTS, FAST_SEEN, FAST_STRIDE, FastConfig
from ahdr_cli.networks.constants import DEAD_ZONE
from ahdr_cli.networks.mu_law import mu_law_compress, mu_law_expand

__all__ = ["FastNet"]


class FastNet(nn.Module):
    """Merges three exposures into radiance, in the geometry of the reference frame."""

    def __init__(self, config: FastConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or FastConfig()
        features, shallow, detail = config.features, config.shallow, config.detail
        self.encode = nn.Conv2d(4 * FAST_SEEN, shallow, kernel_size=3, padding=1)
        self.down = nn.Conv2d(4 * shallow, features, kernel_size=3, padding=1)
        self.blocks = nn.ModuleList(
            DilatedBlock(features=features, dilation=dilation) for dilation in config.dilations
        )
        self.up = nn.Conv2d(features, 4 * shallow, kernel_size=1)
        self.fuse = nn.Conv2d(2 * shallow, shallow, kernel_size=3, padding=1)
        self.spread = nn.Conv2d(shallow, 4 * (2 * detail - FAST_SEEN), kernel_size=3, padding=1)
        self.refine = nn.Conv2d(2 * detail, detail, kernel_size=3, padding=1)
        self.output = nn.Conv2d(detail, sum(FAST_OUTPUTS), kernel_size=3, padding=1)

    def reset_output(self) -> None:
        """Let an untrained network return the explicit merge and little of its own, a grey."""
        assert self.output.bias is not None
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        with torch.no_grad():
            self.output.bias[3] = -6.0
            self.output.bias[4:7] = 0.5  # amid what is not clipped, where there is a gradient

    def forward(self, frames: Tensor) -> Tensor:
        """Merge.

        Args:
            frames: (N, 3, 6, H, W) float32, short, reference, long; see `to_network_input`.

        Returns:
            (N, 3, H, W) float32, linear RGB in [0, 1], in units of the shortest frame's white.
        """
        return self.choose(frames).radiance

    def choose(self, frames: Tensor) -> Choice:
        """As :meth:`forward`, with what led to the result; the correction comes after it all."""
        seen = self._see(frames)
        half = torch.relu(self.encode(F.pixel_unshuffle(seen, 2)))
        x = torch.relu(self.down(F.pixel_unshuffle(half, 2)))
        for block in self.blocks:
            x = block(x)
        x = F.pixel_shuffle(torch.relu(self.up(x)), 2)
        x = torch.relu(self.fuse(torch.cat((half, x), dim=1)))
        x = F.pixel_shuffle(torch.relu(self.spread(x)), 2)
        x = torch.relu(self.refine(torch.cat((seen, x), dim=1)))
        return self._decide(x, frames)

    def _see(self, frames: Tensor) -> Tensor:
        """(N, 3, 6, H, W) → (N, 18, H', W') in the weights' precision, H' and W' padded."""
        height, width = frames.shape[-2:]
        mapped = mu_law_compress(frames[:, :, 3:])
        seen = torch.cat((frames[:, :, :3], mapped), dim=2).flatten(1, 2)
        padded = F.pad(seen, (0, -width % FAST_STRIDE, 0, -height % FAST_STRIDE))
        return padded.to(self.encode.weight.dtype)

    def _decide(self, x: Tensor, frames: Tensor) -> Choice:
        """Features (N, detail, H', W') → the choice, in the precision of the last layer."""
        height, width = frames.shape[-2:]
        with without_autocast(x.device):
            x = self.output(x.to(self.output.weight.dtype))[:, :, :height, :width]
            trust, own, correction = torch.split(x, list(FAST_OUTPUTS), dim=1)
            explicit = explicit_weights(frames)
            logits = explicit.with_learnt(trust)
            own = mu_law_expand(own.clamp(0.0, 1.0))
            merged = blend(frames, logits, own)
            correction = F.softshrink(correction, DEAD_ZONE) * (1.0 - explicit.settled)
            radiance = mu_law_expand((mu_law_compress(merged) + correction).clamp(0.0, 1.0))
            return Choice(radiance=radiance, logits=logits, own=own)


class DilatedBlock(nn.Module):
    """Residual block whose second convolution is dilated, so that it sees far."""

    def __init__(self, *, features: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, kernel_size=3, padding=1)
        self.second = nn.Conv2d(
            features, features, kernel_size=3, padding=dilation, dilation=dilation
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, features, H, W) → the same shape."""
        change: Tensor = self.second(torch.relu(self.first(x)))
        return change + x
