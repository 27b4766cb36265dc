"""AHDRNet: attention-guided merging of three exposures, in one reading.

Q. Yan, D. Gong, Q. Shi, A. van den Hengel, C. Shen, I. Reid, Y. Zhang, "Attention-guided
Network for Ghost-free High Dynamic Range Imaging", CVPR 2019.

Axes are (N, frame, channel, H, W); frames are ordered short, reference, long; a frame's six
channels are LDR RGB, then the same linearised and divided by its exposure ratio. A seventh, the
variance by noise, only the choice between the frames uses (see :mod:`ahdr_cli.networks.input`).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ahdr_cli.networks.attention import SpatialAttention
from ahdr_cli.networks.blend import Choice, blend
from ahdr_cli.networks.blocks import DenseBlock, ResidualBlock
from ahdr_cli.networks.config import AHDRConfig
from ahdr_cli.networks.constants import LEAKY_SLOPE
from ahdr_cli.networks.explicit import explicit_weights
from ahdr_cli.networks.input import VARIANCE
from ahdr_cli.networks.mu_law import mu_law_compress, mu_law_expand
from ahdr_cli.networks.noise import with_variance
from ahdr_cli.networks.precision import without_autocast
from ahdr_cli.networks.shrinkage import shrink_noise

__all__ = ["AHDRNet", "AttentionMaps"]


class AttentionMaps(NamedTuple):
    """Masks of the short and the long frame, each (N, features, H, W) in (0, 1)."""

    short: Tensor
    long: Tensor


class AHDRNet(nn.Module):
    """Merges three exposures into radiance, in the geometry of the reference frame."""

    def __init__(self, config: AHDRConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or AHDRConfig()
        features = config.features
        self.encode = nn.Conv2d(6, features, kernel_size=3, padding=1)
        if config.attention:
            self.attention_short = SpatialAttention(features=features)
            self.attention_long = SpatialAttention(features=features)
        self.merge = nn.Conv2d(3 * features, features, kernel_size=3, padding=1)
        self.blocks = nn.ModuleList(_make_block(config) for _ in range(config.num_blocks))
        self.fold = nn.Conv2d(config.num_blocks * features, features, kernel_size=1)
        self.spread = nn.Conv2d(features, features, kernel_size=3, padding=1)
        self.refine = nn.Conv2d(features, features, kernel_size=3, padding=1)
        self.output = nn.Conv2d(features, 3, kernel_size=3, padding=1)
        if config.output == "blend":
            self.trust = nn.Conv2d(features, 4, kernel_size=3, padding=1)

    def reset_output(self) -> None:
        """Let an untrained choice, if there is one, be the explicit merge's."""
        if self.config.output == "blend":
            nn.init.zeros_(self.trust.weight)
            assert self.trust.bias is not None
            nn.init.zeros_(self.trust.bias)

    def forward(self, frames: Tensor) -> Tensor:
        """Merge.

        Args:
            frames: (N, 3, 6 or 7, H, W) float32, short, reference, long; see `to_network_input`.

        Returns:
            (N, 3, H, W) float32, linear RGB in [0, 1], in units of the shortest frame's white.
        """
        return self.finish(self._body(frames), frames)

    def finish(self, features: Tensor, frames: Tensor) -> Tensor:
        """The rest of :meth:`forward`, for whoever computed the last features otherwise.

        Args:
            features: (N, features, H, W) in any precision.
            frames: as there.

        Returns:
            The same.
        """
        x = features.to(self.output.weight.dtype)
        with without_autocast(x.device):
            if self.config.output == "radiance":
                return torch.sigmoid(self.output(x))
            return self._decide(x, frames).radiance

    def choose(self, frames: Tensor) -> Choice:
        """As :meth:`forward`, with the logits and the own picture that led to the result.

        Raises:
            ValueError: the configuration's output is not ``blend``.
        """
        if self.config.output != "blend":
            raise ValueError("this configuration paints and does not choose")
        x = self._body(frames).to(self.output.weight.dtype)
        with without_autocast(x.device):
            return self._decide(x, frames)

    def _body(self, frames: Tensor) -> Tensor:
        """(N, 3, 7, H, W) → (N, features, H, W).

        Whoever runs the body in 16 bits leaves what follows in float32, autocast included:
        of a logit near -5, bf16 keeps two digits, which would band the shadows by 1.6 %.
        """
        short, reference, long = self._features(frames)
        if self.config.attention:
            attention = self._attend(short, reference, long)
            short = short * attention.short
            long = long * attention.long

        x = self.merge(torch.cat((short, reference, long), dim=1))
        outputs = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        x = self.spread(self.fold(torch.cat(outputs, dim=1)))
        features: Tensor = self.refine(x + reference)
        return features

    def attention_maps(self, frames: Tensor) -> AttentionMaps:
        """The masks alone, for (N, 3, 7, H, W) as in :meth:`forward`.

        Raises:
            ValueError: the configuration has no attention.
        """
        if not self.config.attention:
            raise ValueError("this configuration has no attention")
        return self._attend(*self._features(frames))

    def _features(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shared encoder on each frame: three (N, features, H, W) in the weights' precision."""
        short, reference, long = (
            F.leaky_relu(self.encode(frame), LEAKY_SLOPE)
            for frame in frames[:, :, :VARIANCE].to(self.encode.weight.dtype).unbind(dim=1)
        )
        return short, reference, long

    def _decide(self, x: Tensor, frames: Tensor) -> Choice:
        """Features (N, features, H, W) → the choice."""
        own = torch.sigmoid(self.output(x))
        frames = with_variance(frames)
        explicit = explicit_weights(frames)
        logits = explicit.with_learnt(self.trust(x))
        merged = blend(explicit.radiance, logits, explicit.variance, own)
        mapped = shrink_noise(mu_law_compress(merged.radiance), merged)
        return Choice(radiance=mu_law_expand(mapped.clamp(0.0, 1.0)), logits=logits, own=own)

    def _attend(self, short: Tensor, reference: Tensor, long: Tensor) -> AttentionMaps:
        return AttentionMaps(
            short=self.attention_short(short, reference),
            long=self.attention_long(long, reference),
        )


def _make_block(config: AHDRConfig) -> nn.Module:
    if config.block == "rb":
        return ResidualBlock(features=config.features)
    return DenseBlock(
        features=config.features,
        growth=config.growth,
        layers=config.layers,
        dilation=2 if config.block == "drdb" else 1,
    )
