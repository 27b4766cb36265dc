"""AHDRNet and its variants: modules of torch and nothing else.

The training core runs from this package on a machine that has only torch, numpy and
safetensors, so nothing here may import more.
"""
