import io

import numpy as np
import pytest
import torch
from PIL import Image

from ahdr_cli.training.jpeg import simulate_jpeg

H, W = 64, 96


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    y, x = np.mgrid[:H, :W]
    waves = [np.sin(0.21 * x + 0.07 * y), np.cos(0.13 * y - 0.1 * x), np.sin(0.05 * x * y / 20)]
    pixels = 0.5 + 0.4 * np.stack(waves)
    pixels[:, 20:40, 30:60] = np.array([0.9, 0.2, 0.1])[:, None, None]
    return torch.from_numpy(np.rint(pixels * 255) / 255).float()[None]


def _simulate(picture, quality, *, subsample=False, grid=(0, 0)):
    return simulate_jpeg(
        picture,
        quality=torch.tensor([float(quality)]),
        subsample=torch.tensor([subsample]),
        grid=torch.tensor([grid]),
    )


def _psnr(a, b):
    return -10.0 * torch.log10((a - b).square().mean()).item()


@pytest.mark.parametrize("quality", [75, 90, 97])
@pytest.mark.parametrize("subsample", [False, True])
def test_agrees_with_libjpeg(picture, quality, subsample):
    pixels = (picture[0].permute(1, 2, 0) * 255).round().byte().numpy()
    file = io.BytesIO()
    mode = 2 if subsample else 0
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=mode)
    decoded = torch.from_numpy(np.asarray(Image.open(file)).copy()).permute(2, 0, 1)[None] / 255
    simulated = _simulate(picture, quality, subsample=subsample)
    # Much closer to libjpeg's result than either is to the original.
    assert _psnr(simulated, decoded) > _psnr(picture, decoded) + 4.0
    assert _psnr(simulated, picture) == pytest.approx(_psnr(decoded, picture), abs=0.5)


def test_the_block_grid_moves_with_its_phase(picture):
    """Compressing a crop at the right phase is cropping the compressed picture."""
    whole = _simulate(picture, 80)
    crop = _simulate(picture[:, :, 5:53, 11:75], 80, grid=(5, 11))
    # Blocks that lie inside the crop see the same pixels.
    assert torch.allclose(crop[:, :, 3:43, 5:61], whole[:, :, 8:48, 16:72], atol=1.01 / 255)
    assert (crop[:, :, 3:43, 5:61] == whole[:, :, 8:48, 16:72]).float().mean() > 0.99
    wrong = _simulate(picture[:, :, 5:53, 11:75], 80)
    assert (wrong[:, :, 3:43, 5:61] == whole[:, :, 8:48, 16:72]).float().mean() < 0.9


def test_quality_orders_the_damage(picture):
    damage = [_psnr(_simulate(picture, q), picture) for q in (40, 70, 90, 98)]
    assert damage == sorted(damage)


def test_rows_are_independent(picture):
    two = torch.cat([picture, picture.flip(-1)])
    both = simulate_jpeg(
        two,
        quality=torch.tensor([60.0, 95.0]),
        subsample=torch.tensor([True, False]),
        grid=torch.tensor([[3, 4], [0, 9]]),
    )
    assert torch.equal(both[:1], _simulate(picture, 60, subsample=True, grid=(3, 4)))
    assert torch.equal(both[1:], _simulate(picture.flip(-1), 95, grid=(0, 9)))
