"""Everything that decides a network's shape, without torch, which describing one does not need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

__all__ = [
    "FAST_OUTPUTS",
    "FAST_SEEN",
    "FAST_STRIDE",
    "AHDRConfig",
    "AnyConfig",
    "BlockKind",
    "FastConfig",
    "OutputKind",
    "chooses",
    "stride",
]

BlockKind = Literal["drdb", "rdb", "rb"]
OutputKind = Literal["radiance", "blend"]

FAST_STRIDE = 4
"""Pixels per cell of FastNet's coarsest grid."""

FAST_SEEN = 18
"""Channels that FastNet sees: for each frame LDR RGB, then its radiance after the μ-law."""

FAST_OUTPUTS = (4, 3, 3)
"""Channels of FastNet's result: logits of the frames and of its own picture, that picture and the
correction, both after the μ-law."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AHDRConfig:
    """Everything that decides the network's shape; the defaults are AHDRNet as published.

    Attributes:
        attention: gate the outer frames' features by comparison with the reference.
        block: ``drdb`` (dense, dilation 2), ``rdb`` (dense) or ``rb`` (plain residual).
        num_blocks: blocks in the body.
        layers: dense layers in a block; unused by ``rb``.
        features: channels of the trunk.
        growth: channels that a dense layer adds; unused by ``rb``.
        output: ``radiance`` is the paper's: the last convolution gives the result.
            ``blend`` (ours) lets the network choose, per pixel, between that and the three
            frames themselves, so that it need not paint what a frame already shows.
    """

    attention: bool = True
    block: BlockKind = "drdb"
    num_blocks: int = 3
    layers: int = 6
    features: int = 64
    growth: int = 32
    output: OutputKind = "radiance"

    def __post_init__(self) -> None:
        if self.block not in ("drdb", "rdb", "rb"):
            raise ValueError(f"block must be drdb, rdb or rb, got {self.block!r}")
        if self.output not in ("radiance", "blend"):
            raise ValueError(f"output must be radiance or blend, got {self.output!r}")
        for name in ("num_blocks", "layers", "features", "growth"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values, as stored in a checkpoint's header."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class FastConfig:
    """Everything that decides the network's shape; the defaults are the model ``fast``.

    Attributes:
        features: channels at a quarter of the resolution.
        shallow: channels at half the resolution.
        detail: channels at full resolution. They are made from twice as many: the 18 channels of
            the input and the rest from half resolution, so 10 is the least.
        dilations: of the second convolution of each residual block at quarter resolution.
    """

    features: int = 64
    shallow: int = 32
    detail: int = 24
    dilations: tuple[int, ...] = (1, 2, 4, 4, 2, 1)

    def __post_init__(self) -> None:
        for name in ("features", "shallow", "detail"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")
        if 2 * self.detail <= FAST_SEEN:
            raise ValueError(f"detail must be at least {FAST_SEEN // 2 + 1}, got {self.detail}")
        # JSON and TOML know lists only.
        dilations = self.dilations
        if not isinstance(dilations, Sequence) or not all(
            isinstance(value, int) and value >= 1 for value in dilations
        ):
            raise ValueError(f"dilations must be positive integers, got {dilations!r}")
        object.__setattr__(self, "dilations", tuple(dilations))

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values, as stored in a checkpoint's header."""
        return asdict(self) | {"dilations": list(self.dilations)}


AnyConfig: TypeAlias = AHDRConfig | FastConfig


def chooses(config: AnyConfig) -> bool:
    """Whether the network chooses between the frames and a picture of its own."""
    return isinstance(config, FastConfig) or config.output == "blend"


def stride(config: AnyConfig) -> int:
    """Pixels per cell of the network's coarsest grid: tiles must begin at multiples of it."""
    return FAST_STRIDE if isinstance(config, FastConfig) else 1
