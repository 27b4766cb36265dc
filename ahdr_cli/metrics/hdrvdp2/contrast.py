"""Neural contrast sensitivity: what lies behind the optics and the receptors."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ahdr_cli.metrics.hdrvdp2.constants import (
    CSF_LOW_FREQUENCY,
    CSF_LUMINANCE,
    CSF_PARAMETERS,
)
from ahdr_cli.metrics.hdrvdp2.lookup import UniformTable

__all__ = ["neural_sensitivity", "sensitivity_table"]

_TABLE_POINTS = 256
_LOG_RANGE = (-5.0, 5.0)  # log10 cd/m²


def neural_sensitivity(rho: Tensor, luminance: Tensor) -> Tensor:
    """Neural contrast sensitivity p4 / sqrt((1 + (p1 ρ)^p2) / (1 - exp(-(ρ/7)²))^p3).

    Optics and receptors are not part of it. Zero at ρ = 0.

    Args:
        rho: spatial frequency in cycles per degree, any shape that broadcasts with `luminance`.
        luminance: adapting luminance in cd/m².
    """
    log_luminance = luminance.clamp(CSF_LUMINANCE[0], CSF_LUMINANCE[-1]).log10().cpu().numpy()
    p1, p2, p3, p4 = (
        torch.from_numpy(np.asarray(np.interp(log_luminance, np.log10(CSF_LUMINANCE), column))).to(
            rho
        )
        for column in zip(*CSF_PARAMETERS, strict=True)
    )
    low = -torch.expm1(-((rho / CSF_LOW_FREQUENCY) ** 2))
    return p4 * torch.sqrt(low**p3 / (1.0 + (p1 * rho) ** p2))


def sensitivity_table(frequency: float, *, device: torch.device) -> UniformTable:
    """Neural sensitivity at one frequency over log10 of the adapting luminance."""
    luminance = torch.logspace(*_LOG_RANGE, _TABLE_POINTS, dtype=torch.float64, device=device)
    rho = torch.tensor(frequency, dtype=torch.float64, device=device)
    return UniformTable(*_LOG_RANGE, neural_sensitivity(rho, luminance))
