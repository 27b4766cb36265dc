from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def vdp_pairs() -> dict[str, np.ndarray]:
    """Image pairs `pNN_ref`, `pNN_test`; see data/README.md."""
    with np.load(DATA / "hdrvdp2_pairs.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="session")
def vdp_expected() -> dict:
    """Results of the original program for the pairs."""
    return json.loads((DATA / "hdrvdp2_expected.json").read_text("utf-8"))


@pytest.fixture(scope="session")
def vdp_stages() -> dict[str, np.ndarray]:
    """Intermediate values of the original program for p10, and unit vectors."""
    with np.load(DATA / "hdrvdp2_stages.npz") as archive:
        return dict(archive)
