"""ColorVideoVDP (Mantiuk et al., ACM TOG 43(4), 2024), by its authors' package `cvvdp`.

An optional extra that `ahdr` does not depend on: it imports torchvision, which must match the
installed torch, and more. Where that import fails there is one message and no substitute.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np

from ahdr_cli.errors import MissingDependencyError
from ahdr_cli.images import FloatArray
from ahdr_cli.metrics.display import Display

__all__ = ["colorvideovdp", "load_cvvdp"]


def colorvideovdp(
    test: FloatArray, reference: FloatArray, *, display: Display, device: str = "cpu"
) -> float:
    """Quality in just-objectionable differences: 10 if nothing differs, less the worse.

    Args:
        test: (H, W, 3) linear radiance in [0, 1]; 1.0 becomes the display's peak.
        reference: same shape.
        display: the screen; its surroundings are dark.
        device: where to compute.

    Raises:
        MissingDependencyError: `cvvdp` or something that it imports is absent.
    """
    package = load_cvvdp()
    import torch

    photometry = package.vvdp_display_photo_eotf(
        display.peak,
        contrast=display.peak / display.black,
        source_colorspace="BT.709-linear",
        EOTF="linear",  # cd/m², as `Display.emitted` gives them
        E_ambient=0,
    )
    geometry = package.vvdp_display_geometry(
        list(display.resolution),
        distance_m=display.distance,
        diagonal_size_inches=display.diagonal,
    )
    metric = package.cvvdp(
        display_photometry=photometry,
        display_geometry=geometry,
        quiet=True,
        device=torch.device(device),
    )
    images = [display.emitted(image).astype(np.float32) for image in (test, reference)]
    quality, _ = metric.predict(*images, dim_order="HWC")
    return float(quality)


def load_cvvdp() -> ModuleType:
    """The authors' package.

    Raises:
        MissingDependencyError: it, or something that it imports, is absent or broken.
    """
    try:
        return importlib.import_module("pycvvdp")
    except ModuleNotFoundError as error:
        reason = f"{error.name} is not installed"
        raise MissingDependencyError(
            f"ColorVideoVDP cannot be imported: {reason}", hint=_HINT
        ) from error
    # A torchvision that does not match torch raises RuntimeError where it registers operators.
    except (ImportError, RuntimeError, OSError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MissingDependencyError(
            f"ColorVideoVDP cannot be imported: {reason}", hint=_HINT
        ) from error


_HINT = (
    "pip install 'ahdr[cvvdp]', with a torchvision that matches the installed torch, "
    "or leave cvvdp out of --metrics"
)
