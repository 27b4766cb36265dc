from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from ahdr_cli.radiometry import transfer
from ahdr_cli.training.batch import Batch
from ahdr_cli.training.loss import CLIPPED, objective, psnr, psnr_mu
from ahdr_cli.training.settings import LossSettings


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(4, 3, 8, 10, generator=generator) ** 4
    prediction = (target + 0.05 * torch.randn(target.shape, generator=generator)).clamp(0, 1)
    ldr = torch.rand(4, 3, 3, 8, 10, generator=generator)
    ldr[:, 1, 0, :, :3] = 1.0
    ratios = torch.tensor([[1.0, 4.0, 16.0]]).expand(4, 3)
    return prediction, Batch(ldr=ldr, ratios=ratios, target=target)


def mapped(values):
    return transfer.mu_law_compress(values.double().numpy())


def test_by_default_it_is_the_papers_loss(pair):
    prediction, batch = pair
    expected = np.abs(mapped(prediction) - mapped(batch.target)).mean()
    assert objective(prediction, batch, LossSettings()).item() == pytest.approx(expected, rel=1e-5)


def test_l2_is_the_mean_square(pair):
    prediction, batch = pair
    expected = ((mapped(prediction) - mapped(batch.target)) ** 2).mean()
    loss = objective(prediction, batch, LossSettings(kind="l2"))
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_terms_add_up(pair):
    prediction, batch = pair
    base = objective(prediction, batch, LossSettings())
    difference = mapped(prediction) - mapped(batch.target)
    linear = (prediction - batch.target).abs().mean()
    spectrum = np.fft.rfft2(difference, norm="ortho")
    fft = 0.5 * (np.abs(spectrum.real).mean() + np.abs(spectrum.imag).mean())
    loss = objective(prediction, batch, LossSettings(linear=0.3, fft=0.1))
    assert loss.item() == pytest.approx((base + 0.3 * linear + 0.1 * fft).item(), rel=1e-5)


def test_clipped_pixels_weigh_more(pair):
    prediction, batch = pair
    clipped = (batch.ldr[:, 1].amax(1, keepdim=True) >= CLIPPED).double().numpy()
    assert 0 < clipped.mean() < 1
    distance = np.abs(mapped(prediction) - mapped(batch.target))
    loss = objective(prediction, batch, LossSettings(clipped=2.0))
    assert loss.item() == pytest.approx((distance * (1 + 2 * clipped)).mean(), rel=1e-5)


def test_the_own_picture_is_measured_like_the_result(pair):
    prediction, batch = pair
    settings = LossSettings(linear=0.3, clipped=1.0)
    own = prediction.flip(-1)
    apart = objective(prediction, batch, settings), objective(own, batch, settings)
    loss = objective(prediction, batch, LossSettings(linear=0.3, clipped=1.0, own=0.25), own=own)
    assert loss.item() == pytest.approx((apart[0] + 0.25 * apart[1]).item(), rel=1e-5)


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_the_loss_of_a_batch_is_the_mean_over_its_halves(pair, kind):
    prediction, batch = pair
    settings = LossSettings(kind=kind, linear=0.3, fft=0.1, clipped=1.0)
    halves = [
        objective(prediction[part], Batch(*(tensor[part] for tensor in batch)), settings)
        for part in (slice(0, 2), slice(2, 4))
    ]
    whole = objective(prediction, batch, settings)
    torch.testing.assert_close(sum(halves) / 2, whole)


def test_a_perfect_prediction_has_no_loss_and_a_finite_gradient(pair):
    _, batch = pair
    prediction = batch.target.clone().requires_grad_()
    loss = objective(prediction, batch, LossSettings(linear=1.0, fft=1.0, clipped=1.0))
    loss.backward()
    assert loss.item() == 0.0
    assert prediction.grad is not None and torch.isfinite(prediction.grad).all()


def test_psnr_agrees_with_scikit_image(pair):
    prediction, batch = pair
    for ours, domain in ((psnr, np.asarray), (psnr_mu, mapped)):
        expected = [
            peak_signal_noise_ratio(domain(t), domain(p), data_range=1.0)
            for p, t in zip(prediction, batch.target, strict=True)
        ]
        np.testing.assert_allclose(ours(prediction, batch.target), expected, rtol=1e-5)


def test_psnr_ignores_what_lies_beyond_the_range(pair):
    prediction, batch = pair
    beyond = torch.where(prediction == 1, 7.0, torch.where(prediction == 0, -7.0, prediction))
    assert not torch.equal(beyond, prediction)
    for measure in (psnr, psnr_mu):
        torch.testing.assert_close(measure(beyond, batch.target), measure(prediction, batch.target))
