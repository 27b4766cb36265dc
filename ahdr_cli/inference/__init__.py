"""Running a network on a machine: tiles, devices, memory, and the runtimes that compute.

A runtime computes one tile (:mod:`ahdr_cli.inference.runtime`); :func:`run_tiled` walks an image
with it. TorchRuntime is the readable oracle, OnnxRuntime the fast path on CPUs, PipelinedRuntime
the one on CUDA devices.
"""
