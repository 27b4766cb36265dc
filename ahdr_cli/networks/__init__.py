"""AHDRNet, its variants and FastNet: what describes them, and their modules of torch.

Configurations and what follows from them (cost, reach, weights) do without torch, so that a merge
which computes without torch need not import it.

The training core runs from this package on a machine that has only torch, numpy and
safetensors, so nothing here may import more.
"""
