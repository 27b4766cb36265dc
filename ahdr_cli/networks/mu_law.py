"""The μ-law in torch; in numpy it is in :mod:`ahdr_cli.radiometry.transfer`."""

from __future__ import annotations

import math

from torch import Tensor

from ahdr_cli.networks.constants import MU

__all__ = ["mu_law_compress", "mu_law_expand"]


def mu_law_compress(linear: Tensor, mu: float = MU) -> Tensor:
    """log(1 + μx) / log(1 + μ), the tonemapper of Yan et al. (2019); [0, 1] onto [0, 1]."""
    return (linear * mu).log1p() / math.log1p(mu)


def mu_law_expand(mapped: Tensor, mu: float = MU) -> Tensor:
    """Inverse of :func:`mu_law_compress`."""
    return (mapped * math.log1p(mu)).expm1() / mu
