"""`ahdr doctor`: what this installation can do, and what is missing."""

from __future__ import annotations

import importlib
import os
import platform
from dataclasses import asdict, dataclass
from typing import Literal

import typer

from ahdr_cli._version import __version__
from ahdr_cli.cli.console import guarded, print_json, stdout
from ahdr_cli.cli.options import JsonOption

__all__ = ["Finding", "doctor", "examine"]

Status = Literal["ok", "missing", "broken", "info"]

# Distribution, module, whether merging needs it, and how to get it.
_PACKAGES = (
    ("torch", "torch", True, "pip install torch"),
    ("numpy", "numpy", True, "pip install numpy"),
    ("pillow", "PIL", True, "pip install pillow"),
    ("imageio", "imageio", True, "pip install imageio"),
    ("tifffile", "tifffile", True, "pip install tifffile"),
    ("imagecodecs", "imagecodecs", True, "pip install imagecodecs"),
    ("OpenEXR", "OpenEXR", True, "pip install OpenEXR"),
    ("safetensors", "safetensors", True, "pip install safetensors"),
    ("piexif", "piexif", True, "pip install piexif"),
    ("onnxruntime", "onnxruntime", False, "pip install onnxruntime onnx"),
    ("numba", "numba", False, "pip install numba threadpoolctl, to compute AHDRNet faster"),
    (
        "opencv-python",
        "cv2",
        False,
        "pip install opencv-python; on a server without libGL install opencv-python-headless "
        "in its place",
    ),
    ("rawpy", "rawpy", False, "pip install 'ahdr[raw]' to read RAW files"),
    ("accelerate", "accelerate", False, "pip install 'ahdr[train]' to train on several GPUs"),
    ("tensorboard", "tensorboard", False, "pip install 'ahdr[train]' to log to TensorBoard"),
)


_KEEP = "set NUMBA_CACHE_DIR to a folder that may be written to"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        topic: ``system``, ``package``, ``device``, ``runtime`` or ``weights``.
        name: what was looked at.
        status: ``ok``, ``missing`` (optional), ``broken`` (merging needs it) or ``info``.
        detail: version or fact, or the way to get what is missing.
    """

    topic: str
    name: str
    status: Status
    detail: str


@guarded
def doctor(as_json: JsonOption = False) -> None:
    """Show versions, devices, runtimes and weights, and how to get what is missing."""
    findings = examine()
    if as_json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        colours = {"ok": "green", "info": "default", "missing": "yellow", "broken": "red"}
        for finding in findings:
            colour = colours[finding.status]
            stdout().print(
                f"[{colour}]{finding.status:<8}[/{colour}]{finding.topic:<9}{finding.name:<16}",
                end="",
            )
            stdout().print(finding.detail, markup=False)
    broken = [finding for finding in findings if finding.status == "broken"]
    if broken:
        raise typer.Exit(5 if all(finding.topic == "weights" for finding in broken) else 1)


def examine() -> list[Finding]:
    """Look at everything; nothing that is found wrong raises."""
    return [*_system(), *_packages(), *_devices(), *_runtimes(), *_weights()]


def _system() -> list[Finding]:
    import psutil

    memory = psutil.virtual_memory()
    return [
        _info("system", "ahdr", __version__),
        _info("system", "python", platform.python_version()),
        _info("system", "platform", platform.platform()),
        _info("system", "processors", str(os.cpu_count())),
        _info(
            "system", "memory", f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB"
        ),
    ]


def _packages() -> list[Finding]:
    findings = []
    for distribution, module, needed, remedy in _PACKAGES:
        absent: Status = "broken" if needed else "missing"
        try:
            _load(module)
        except ModuleNotFoundError:
            findings.append(Finding("package", distribution, absent, remedy))
        except Exception as error:  # a library that is there and fails to load, whatever it raises
            detail = f"does not load: {' '.join(str(error).split())}; {remedy}"
            findings.append(Finding("package", distribution, absent, detail))
        else:
            findings.append(
                Finding("package", distribution, "ok", _version_of(distribution, module))
            )
    return findings


def _load(module: str) -> None:
    """Import a module; ONNX Runtime by way of ours, or it would report to its makers."""
    from ahdr_cli.inference.winograd_support import ONNXRUNTIME

    if module == "onnxruntime":
        module = ONNXRUNTIME
    importlib.import_module(module)


def _version_of(usual: str, module: str) -> str:
    """Version and name of the distribution that provides a module, by which name it usually goes.

    Several may provide it (opencv). Which ones do, Python 3.11 does not know of a module that is
    a single compiled file (OpenEXR).
    """
    from importlib import metadata  # takes as long to import as all of our commands

    distribution = next(iter(metadata.packages_distributions().get(module, [])), usual)
    try:
        return f"{metadata.version(distribution)} ({distribution})"
    except metadata.PackageNotFoundError:
        return "version unknown"


def _devices() -> list[Finding]:
    try:
        import torch
    except Exception:
        return []  # reported among the packages
    findings = [_info("device", "cpu", f"{torch.get_num_threads()} threads")]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            memory = f"{properties.total_memory / 2**30:.0f} GiB"
            findings.append(
                Finding("device", f"cuda:{index}", "ok", f"{properties.name}, {memory}")
            )
    else:
        built = torch.version.cuda
        detail = (
            "this torch is built for the CPU; the install page of pytorch.org has others"
            if built is None
            else f"torch is built for CUDA {built}, but no GPU or driver answers"
        )
        findings.append(Finding("device", "cuda", "missing", detail))
    if torch.backends.mps.is_available():
        findings.append(Finding("device", "mps", "ok", "Apple GPU"))
    return findings


def _runtimes() -> list[Finding]:
    from ahdr_cli.inference.winograd_support import is_kept, winograd_failure

    findings = []
    for name in ("torch", "onnxruntime"):
        try:
            _load(name)
        except Exception:
            status: Status = "missing"
            detail = "not importable"
        else:
            status, detail = "ok", "on CPUs" if name == "onnxruntime" else "everywhere"
        findings.append(Finding("runtime", name, status, detail))
    failure = winograd_failure()
    detail = failure or "AHDRNet in fp32 on CPUs"
    if failure is None and not is_kept():
        detail += f", compiled anew by each run, which takes seconds; {_KEEP}"
    findings.append(Finding("runtime", "winograd", "missing" if failure else "ok", detail))
    findings.append(_triton())
    return findings


def _triton() -> Finding:
    from ahdr_cli.inference.triton_support import triton_failure

    try:
        import torch

        device = "cuda:0" if torch.cuda.is_available() else None
    except Exception:
        device = None  # reported among the packages
    failure = triton_failure(device) if device else "needs a CUDA device"
    detail = failure or "AHDRNet in 16 bits on CUDA devices, not measured"
    return Finding("runtime", "triton", "missing" if failure else "ok", detail)


def _weights() -> list[Finding]:
    from ahdr_cli.checkpoints import available_models, default_model, verify_model
    from ahdr_cli.errors import ModelError

    findings = []
    try:
        for entry in available_models():
            try:
                verify_model(entry)
            except ModelError as error:
                findings.append(Finding("weights", entry.name, "broken", str(error)))
            else:
                findings.append(Finding("weights", entry.name, "ok", str(entry.path)))
        default_model()  # raises also where there is no manifest at all, and so no entry above
    except ModelError as error:
        findings.append(Finding("weights", "manifest", "broken", str(error)))
    return findings


def _info(topic: str, name: str, detail: str) -> Finding:
    return Finding(topic, name, "info", detail)
