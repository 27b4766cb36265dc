"""AHDRNet, its variants and FastNet: their configurations, and their torch modules.

Configurations and what follows from them (cost, receptive radius, shapes of weights) do without
torch, so that a merge which computes without torch need not import it.

The training core runs from this package on a machine that has only torch, numpy and
safetensors, so nothing here may import more.
"""
