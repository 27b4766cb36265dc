"""The μ-law in torch is that of radiometry."""

from __future__ import annotations

import numpy as np
import torch

from ahdr_cli.networks.mu_law import mu_law_compress, mu_law_expand
from ahdr_cli.radiometry import transfer

VALUES = torch.linspace(0, 1, 101, dtype=torch.float64)


def test_it_is_that_of_radiometry():
    expected = transfer.mu_law_compress(VALUES.numpy())
    np.testing.assert_allclose(mu_law_compress(VALUES), expected, rtol=1e-12)
    expected = transfer.mu_law_expand(VALUES.numpy())
    np.testing.assert_allclose(mu_law_expand(VALUES), expected, rtol=1e-12)


def test_expanding_undoes_compressing():
    torch.testing.assert_close(mu_law_expand(mu_law_compress(VALUES)), VALUES)
    torch.testing.assert_close(mu_law_expand(mu_law_compress(VALUES, 100.0), 100.0), VALUES)
