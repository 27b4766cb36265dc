import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.training.camera import add_noise, apply_response, encode
from ahdr_cli.training.jpeg import simulate_jpeg


@pytest.mark.parametrize("grain", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("level", [0.05, 0.5])
def test_noise_has_the_promised_variance(grain, level):
    shape = (1, 3, 3, 96, 96)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    noisy = add_noise(
        torch.full(shape, level),
        shot=torch.tensor([1e-3]),
        read=torch.tensor([2e-3]),
        grain=torch.tensor([grain]),
        noise=noise,
    )[..., 2:-2, 2:-2]
    assert noisy.mean().item() == pytest.approx(level, abs=3e-4)
    assert noisy.var().item() == pytest.approx(1e-3 * level + 4e-6, rel=0.05)


def test_a_clipped_signal_has_no_more_noise_than_white():
    signal = torch.full((1, 3, 3, 64, 64), 50.0)
    noise = torch.randn(signal.shape, generator=torch.Generator().manual_seed(1))
    one, zero = torch.tensor([1e-3]), torch.zeros(1)
    noisy = add_noise(signal, shot=one, read=zero, grain=zero, noise=noise)
    assert (noisy - signal).var().item() == pytest.approx(1e-3, rel=0.05)


@given(coefficients=st.tuples(*[st.floats(-0.2, 0.2)] * 3))
def test_the_response_is_monotonic_and_keeps_black_and_white(coefficients):
    ramp = torch.linspace(0.0, 1.0, 600).view(1, 1, 1, 1, -1)
    encoded = apply_response(ramp, torch.tensor([coefficients])).flatten()
    assert encoded[0] == 0.0
    assert encoded[-1].item() == pytest.approx(1.0, abs=1e-5)
    assert (encoded.diff() > -1e-6).all()


def test_without_deviation_the_response_is_gamma():
    ramp = torch.linspace(0.0, 1.0, 50).view(1, 1, 1, 1, -1)
    assert torch.allclose(apply_response(ramp, torch.zeros(1, 3)), ramp.pow(1 / 2.2))


def test_codings():
    frames = torch.rand((3, 3, 3, 32, 32), generator=torch.Generator().manual_seed(3))
    coded = encode(
        frames,
        coding=torch.tensor([0, 1, 2]),
        jpeg_rows=torch.tensor([2]),
        quality=torch.tensor([90.0]),
        subsample=torch.tensor([False]),
        grid=torch.tensor([[0, 0]]),
    )
    for row, steps in ((0, 65535), (1, 255), (2, 255)):
        values = (coded[row] * steps).double().numpy()
        assert values == pytest.approx(np.rint(values), abs=0.01)
    error = (coded - frames).abs().flatten(1).amax(1)
    assert error[0] <= 0.51 / 65535
    assert 0.3 / 255 < error[1] <= 0.51 / 255
    assert error[2] > 1 / 255


def test_each_samples_jpeg_has_its_own_settings():
    frames = torch.rand((2, 3, 3, 32, 32), generator=torch.Generator().manual_seed(4))
    settings = {
        "quality": torch.tensor([30.0, 98.0]),
        "subsample": torch.tensor([True, False]),
        "grid": torch.tensor([[3, 5], [0, 1]]),
    }
    rows = torch.tensor([0, 1])
    together = encode(frames, coding=torch.tensor([2, 2]), jpeg_rows=rows, **settings)
    for row in range(2):
        for frame in range(3):  # all of a bracket alike
            alone = simulate_jpeg(
                torch.round(frames[row, frame : frame + 1] * 255.0) / 255.0,
                **{name: value[row : row + 1] for name, value in settings.items()},
            )
            assert torch.allclose(together[row, frame], alone[0], atol=0.5 / 255)
