"""FastNet: a small network that corrects the explicit merge, in one reading.

Most of a photograph needs no painting: the frames already show it, and only which frame to
believe is to be found out. So the network works on a quarter of the resolution, where a large
neighbourhood is cheap, and returns weights for the three frames, a picture of its own for where
all frames fail (noise, moving highlights), the weight of that, and a small correction. The
ideas are known from SAFNet (Kong et al., ECCV 2024: masks first, a refinement after) and
CEN-HDR (Tel et al., ECCVW 2022: the body at low resolution); the network is our own.

Axes as in :mod:`ahdr_cli.networks.ahdrnet`. Resolutions are named full, half and quarter; where
a side is no multiple of four, its last pixels are repeated.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ahdr_cli.networks.blend import Choice, blend
from ahdr_cli.networks.blocks import ResidualBlock
from ahdr_cli.networks.config import FAST_OUTPUTS, FAST_SEEN, FAST_STRIDE, FastConfig
from ahdr_cli.networks.constants import DEAD_ZONE
from ahdr_cli.networks.explicit import explicit_weights
from ahdr_cli.networks.input import LDR, RADIANCE
from ahdr_cli.networks.mu_law import mu_law_compress, mu_law_expand
from ahdr_cli.networks.noise import with_variance
from ahdr_cli.networks.precision import without_autocast
from ahdr_cli.networks.shrinkage import shrink_noise

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
            ResidualBlock(features=features, dilation=dilation) for dilation in config.dilations
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
            frames: (N, 3, 6 or 7, H, W) float32, short, reference, long; see `to_network_input`.

        Returns:
            (N, 3, H, W) float32, linear RGB in [0, 1], in units of the shortest frame's white.
        """
        return self.choose(frames).radiance

    def choose(self, frames: Tensor) -> Choice:
        """As :meth:`forward`, with the logits and the own picture that led to the result."""
        height, width = frames.shape[-2:]
        frames = _whole_cells(with_variance(frames))
        seen = self._see(frames)
        half = torch.relu(self.encode(F.pixel_unshuffle(seen, 2)))
        x = torch.relu(self.down(F.pixel_unshuffle(half, 2)))
        for block in self.blocks:
            x = block(x)
        x = F.pixel_shuffle(torch.relu(self.up(x)), 2)
        x = torch.relu(self.fuse(torch.cat((half, x), dim=1)))
        x = F.pixel_shuffle(torch.relu(self.spread(x)), 2)
        x = torch.relu(self.refine(torch.cat((seen, x), dim=1)))
        choice = self._decide(x, frames)
        return Choice._make(part[..., :height, :width] for part in choice)

    def _see(self, frames: Tensor) -> Tensor:
        """(N, 3, 7, H, W) → (N, 18, H, W) in the weights' precision."""
        mapped = mu_law_compress(frames[:, :, RADIANCE])
        seen = torch.cat((frames[:, :, LDR], mapped), dim=2).flatten(1, 2)
        return seen.to(self.encode.weight.dtype)

    def _decide(self, x: Tensor, frames: Tensor) -> Choice:
        """Features (N, detail, H, W) → the choice, in the precision of the last layer."""
        with without_autocast(x.device):
            x = self.output(x.to(self.output.weight.dtype))
            trust, own, correction = torch.split(x, list(FAST_OUTPUTS), dim=1)
            explicit = explicit_weights(frames)
            logits = explicit.with_learnt(trust)
            own = mu_law_expand(own.clamp(0.0, 1.0))
            merged = blend(explicit.radiance, logits, explicit.variance, own)
            correction = F.softshrink(correction, DEAD_ZONE) * (1.0 - explicit.settled)
            mapped = shrink_noise(mu_law_compress(merged.radiance) + correction, merged)
            radiance = mu_law_expand(mapped.clamp(0.0, 1.0))
            return Choice(radiance=radiance, logits=logits, own=own)


def _whole_cells(frames: Tensor) -> Tensor:
    """(N, 3, 7, H, W) with the last rows and columns repeated, up to multiples of the stride."""
    rest = (-frames.shape[-2] % FAST_STRIDE, -frames.shape[-1] % FAST_STRIDE)
    if not any(rest):
        return frames
    padded = F.pad(frames.flatten(1, 2), (0, rest[1], 0, rest[0]), mode="replicate")
    return padded.view(*frames.shape[:3], *padded.shape[-2:])
