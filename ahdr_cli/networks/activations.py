"""Names of a network's activations that 8-bit arithmetic has to store."""

from __future__ import annotations

from collections.abc import Iterator

from ahdr_cli.networks.config import AHDRConfig, AnyConfig

__all__ = ["activations"]


def activations(config: AnyConfig) -> Iterator[str]:
    """The name of every activation of AHDRNet that is stored in 8 bits; FastNet has none.

    An activation has the name of the module that makes it, its non-linearity included: a
    convolution (``blocks.0.layers.1``), a block with its sum (``blocks.0``). The encoder makes
    one for each frame (``encode.short``). ``attention_short`` are the frame's features after
    the mask, ``attention_short.gate`` is the mask before the sigmoid.
    """
    if not isinstance(config, AHDRConfig):
        return
    yield from ("encode.short", "encode.reference", "encode.long")
    if config.attention:
        for side in ("attention_short", "attention_long"):
            yield from (f"{side}.compare", f"{side}.gate", side)
    yield "merge"
    for i in range(config.num_blocks):
        block = f"blocks.{i}"
        if config.block == "rb":
            yield from (f"{block}.first", f"{block}.second", block)
        else:
            yield from (f"{block}.layers.{layer}" for layer in range(config.layers))
            yield from (f"{block}.fold", block)
    yield from ("fold", "spread")
