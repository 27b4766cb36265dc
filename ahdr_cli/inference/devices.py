"""Where to compute, and how precisely.

Devices are named as in torch: ``cpu``, ``cuda:0``, ``mps``.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from ahdr_cli.errors import DeviceError, UsageError

if TYPE_CHECKING:
    import torch

__all__ = ["Precision", "select_device", "select_precision", "torch_dtype"]

_BUILT_FOR = re.compile(r"^(cuda|hip|xpu)\b[^=\n]*= *(\S+)", re.MULTILINE)
"""A line of torch's ``version.py``, such as ``cuda: Optional[str] = None``."""

_DRIVERS = tuple(
    map(
        Path,
        (
            *("/dev/nvidiactl", "/dev/nvidia0"),  # NVIDIA
            *("/dev/nvmap", "/dev/nvhost-gpu"),  # NVIDIA's boards with memory in common (Tegra)
            "/dev/kfd",  # AMD
            "/dev/dxg",  # Windows' subsystem for Linux
        ),
    )
)
"""Device files of GPU drivers: under Linux torch needs one of them."""

Precision: TypeAlias = Literal["fp32", "fp16", "bf16", "int8"]
"""Number format of the network's arithmetic; images are float32 before and after."""


def select_device(name: str = "auto") -> str:
    """The device that a name means: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Auto takes the first CUDA device, else Apple's GPU, else the CPU.

    Raises:
        UsageError: no device has such a name.
        DeviceError: there is no such device here.
    """
    if name == "cpu" or (name == "auto" and not _may_have_gpu()):
        return "cpu"
    import torch

    kind, _, index = name.partition(":")
    if name == "auto":
        if torch.cuda.is_available():
            return "cuda:0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise DeviceError("no Apple GPU answers", hint="use --device auto or --device cpu")
        return name
    if kind == "cuda" and (name == kind or index.isdecimal()):
        return _cuda_device(int(index or 0))
    raise UsageError(f"device must be auto, cpu, cuda, cuda:N or mps, got {name!r}")


def select_precision(name: str = "auto", *, device: str) -> Precision:
    """The precision that a name means on a device.

    Auto is fp32 on a CPU, where 16 bit is slower, and fp16 on a GPU that is fast in it: as fast
    as bf16 and, for the shipped models, 18 dB nearer to fp32, with a thousandth of its range in
    use (``benchmarks/gpu.md``). Other weights that overflow it are noticed by their result.

    Args:
        name: ``auto``, ``fp32``, ``fp16``, ``bf16`` or ``int8``, which auto never is.
        device: as :func:`select_device` returns it.

    Raises:
        UsageError: no such precision.
        DeviceError: the device does not have it.
    """
    if name == "auto":
        return _automatic_precision(device)
    for precision in get_args(Precision):
        if name == precision:
            if precision == "fp16" and device == "cpu":
                # Neither torch nor the processor has a kernel: measured 50 times slower.
                raise DeviceError("the CPU does not compute in fp16", hint="use --precision fp32")
            if precision == "bf16" and device != "cpu" and not _has_bf16(device):
                raise DeviceError(f"{device} has no bf16", hint="use --precision fp16 or fp32")
            if precision == "int8" and device != "cpu":
                raise DeviceError(
                    f"int8 is for the CPU, not for {device}",
                    hint="use --device cpu, or another --precision",
                )
            return precision  # type: ignore[no-any-return] # get_args is typed as Any
    raise UsageError(f"precision must be auto, fp32, fp16, bf16 or int8, got {name!r}")


def _may_have_gpu() -> bool:
    """False where torch surely finds no GPU; decided without importing torch, which takes a second.

    That is the case if its version file says that it is built for the CPU, or on Linux if there is
    no device file of a GPU's driver.
    """
    if "torch" in sys.modules or sys.platform == "darwin":
        return True
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    try:
        version = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return True
    builds = dict(_BUILT_FOR.findall(version))
    if builds and all(value == "None" for value in builds.values()):
        return False
    return sys.platform != "linux" or any(path.exists() for path in _DRIVERS)


def torch_dtype(precision: Precision) -> torch.dtype:
    """The torch dtype of a floating-point precision."""
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]


def _cuda_device(index: int) -> str:
    import torch

    if not torch.cuda.is_available():
        built = "for the CPU only" if torch.version.cuda is None else f"for {torch.version.cuda}"
        raise DeviceError(
            f"no CUDA device answers (torch is built {built})",
            hint="use --device auto or --device cpu; `ahdr doctor` shows what is there",
        )
    count = torch.cuda.device_count()
    if index >= count:
        raise DeviceError(
            f"no device cuda:{index}, the last one is cuda:{count - 1}",
            hint="`ahdr doctor` lists the devices",
        )
    return f"cuda:{index}"


def _automatic_precision(device: str) -> Precision:
    if device == "cpu":
        return "fp32"
    return "fp16" if _has_fast_fp16(device) else "fp32"


def _has_bf16(device: str) -> bool:
    import torch

    if device == "mps":
        # Needs macOS 14; torch says so only by failing.
        try:
            torch.zeros(1, device="mps", dtype=torch.bfloat16)
        except (RuntimeError, TypeError):
            return False
        return True
    # torch.cuda.is_bf16_supported() also counts emulation; the hardware came with Ampere.
    return torch.version.hip is not None or torch.cuda.get_device_capability(device) >= (8, 0)


def _has_fast_fp16(device: str) -> bool:
    """Pascal's consumer cards have fp16 at a 64th of the rate of fp32; Volta has tensor cores."""
    import torch

    return device == "mps" or torch.cuda.get_device_capability(device) >= (7, 0)
