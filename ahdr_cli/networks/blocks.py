"""The residual blocks that the bodies of the networks are stacked from.

All map (N, C, H, W) to the same shape; convolutions are 3×3, zero-padded to keep the size,
unless said otherwise.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["DenseBlock", "ResidualBlock"]


class DenseBlock(nn.Module):
    """(Dilated) residual dense block: DRDB with `dilation` 2, RDB with 1.

    Each layer sees the block's input and the outputs of all layers before it; a 1×1
    convolution folds everything back to `features` channels and the input is added
    (Yan et al. 2019, section 3.2; Zhang et al., "Residual Dense Network", CVPR 2018).

    Args:
        features: channels in and out.
        growth: channels that each layer adds.
        layers: number of dense layers.
        dilation: spacing of the 3×3 taps.
    """

    def __init__(self, *, features: int, growth: int, layers: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.layers = nn.ModuleList(
            nn.Conv2d(
                features + i * growth, growth, kernel_size=3, padding=dilation, dilation=dilation
            )
            for i in range(layers)
        )
        self.fold = nn.Conv2d(features + layers * growth, features, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, features, H, W) → the same shape."""
        collected = x
        for layer in self.layers:
            collected = torch.cat((collected, torch.relu(layer(collected))), dim=1)
        folded: Tensor = self.fold(collected)
        return folded + x


class ResidualBlock(nn.Module):
    """Plain residual block: convolution, ReLU, convolution, sum (He et al., CVPR 2016).

    Args:
        features: channels in and out.
        dilation: spacing of the second convolution's taps.
    """

    def __init__(self, *, features: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(features, features, kernel_size=3, padding=1)
        self.second = nn.Conv2d(
            features, features, kernel_size=3, padding=dilation, dilation=dilation
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, features, H, W) → the same shape."""
        change: Tensor = self.second(torch.relu(self.first(x)))
        return change + x
