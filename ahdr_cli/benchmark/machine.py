"""Hardware and versions that a measurement depends on."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path

from ahdr_cli._version import __version__
from ahdr_cli.inference.threads import available_cores

__all__ = ["describe_machine"]

_PACKAGES = ("torch", "onnxruntime", "numba", "numpy", "opencv-python", "pillow", "OpenEXR")


def describe_machine(device: str) -> dict[str, str]:
    """By name; what is not known or not installed is left out.

    Args:
        device: as :func:`ahdr_cli.inference.devices.select_device` returns it.
    """
    found = {
        "processor": f"{available_cores()} cores, {platform.machine()} {_processor()}".strip(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "ahdr": __version__,
    }
    if device.startswith("cuda"):
        import torch

        found["gpu"] = torch.cuda.get_device_name(device)
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
