import numpy as np
import torch

from ahdr_cli.training.batch import Batch
from ahdr_cli.training.preview import naive_merge, preview_sheet


class _Grey:
    """An engine whose sample `index` is evenly bright."""

    device = torch.device("cpu")

    def batch(self, indices, *, patch):
        (index,) = indices
        truth = torch.full((1, 3, patch, patch), 0.01 * (index + 1))
        ratios = torch.tensor([[1.0, 4.0, 16.0]])
        ldr = (truth[:, None] * ratios.view(1, 3, 1, 1, 1)).clamp(max=1.0).pow(1 / 2.2)
        return Batch(ldr, ratios, truth)


def test_a_sheet_has_a_column_per_sample_and_five_rows():
    sheet = preview_sheet(_Grey(), 3, patch=20, first=2)
    assert sheet.dtype == np.uint8
    assert sheet.shape == (5 * 24 - 4, 3 * 24 - 4, 3)
    for column in range(3):
        cells = [
            sheet[24 * row : 24 * row + 20, 24 * column : 24 * column + 20] for row in range(5)
        ]
        assert all(cell.std() == 0 for cell in cells)
        short, reference, long, truth, merged = (int(cell[0, 0, 0]) for cell in cells)
        assert short < reference < long
        assert abs(truth - merged) <= 1
        expected = 255 * np.log1p(5000 * 0.01 * (column + 3)) / np.log1p(5000)
        assert abs(truth - expected) <= 1


def test_the_naive_merge_covers_black_and_white():
    ends = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1, 1).expand(2, 3, 3, 2, 2)
    merged = naive_merge(Batch(ends, torch.tensor([[1.0, 4.0, 16.0]] * 2), ends[:, 0]))
    assert torch.equal(merged[0], torch.zeros(3, 2, 2))
    assert torch.allclose(merged[1], torch.ones(3, 2, 2))
