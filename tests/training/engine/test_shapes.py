import math

import pytest
import torch

from ahdr_cli.training.sampling import patch_points
from ahdr_cli.training.shapes import blob_distance, limbs_distance, polygon_distance

POINTS = patch_points((81, 81), torch.device("cpu"))[None]
RADIUS = torch.tensor([20.0])


def test_a_blob_without_harmonics_is_an_ellipse():
    distance = blob_distance(
        POINTS, radius=RADIUS, aspect=torch.tensor([4.0]), harmonics=torch.zeros(1, 4, 2)
    )
    area = (distance <= 0).sum().item()
    assert area == pytest.approx(math.pi * 20.0 * 5.0, rel=0.03)
    assert distance[0, 40, 60].item() == pytest.approx(0.0, abs=1e-4)
    assert distance[0, 45, 40].item() == pytest.approx(0.0, abs=1e-4)


def test_a_square_polygon_has_exact_distances():
    turns = torch.arange(4) * (math.pi / 2)
    sides = torch.stack([turns, torch.full((4,), 0.5)], -1)[None]
    distance = polygon_distance(POINTS, radius=RADIUS, sides=sides)
    assert distance[0, 40, 40].item() == pytest.approx(-10.0, abs=1e-4)
    assert distance[0, 40, 55].item() == pytest.approx(5.0, abs=1e-4)


def test_limbs_are_capsules():
    capsules = torch.tensor([[[-0.5, 0.0, 0.5, 0.0, 0.2]]])
    distance = limbs_distance(POINTS, radius=RADIUS, capsules=capsules)
    assert distance[0, 40, 40].item() == pytest.approx(-2.0, abs=1e-4)
    assert distance[0, 47, 40].item() == pytest.approx(5.0, abs=1e-4)
    assert distance[0, 40, 60].item() == pytest.approx(8.0, abs=1e-4)
