"""The explicit merge against what it promises."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ahdr_cli.networks.blend import blend
from ahdr_cli.networks.constants import EXPLICIT_RADIUS, FILL, TAIL
from ahdr_cli.networks.explicit import explicit_weights
from ahdr_cli.networks.input import RADIANCE, VARIANCE, to_network_input

RATIOS = torch.tensor([[1.0, 4.0, 16.0]])
NOISE = 1e-5
LOUD = 1e-3


def photograph(radiance: torch.Tensor, noise: float = NOISE) -> torch.Tensor:
    """(N, 3, H, W) radiance → (N, 3, 7, H, W) as three frames that happen to have no noise."""
    exposed = radiance[:, None] * RATIOS[:, :, None, None, None]
    ldr = exposed.clamp(0, 1).pow(1 / 2.2)
    count = len(radiance)
    return to_network_input(ldr, RATIOS.expand(count, 3), torch.full((count,), noise))


def grey(light: float, noise: float = NOISE, *, size: int = 1) -> torch.Tensor:
    """Frames of a grey picture."""
    return photograph(torch.full((1, 3, size, size), light), noise)


def shares(frames: torch.Tensor) -> list[float]:
    """Of the three frames, in the middle."""
    middle = frames.shape[-1] // 2
    weights = explicit_weights(frames).logits[:, :3].softmax(dim=1)
    return weights[0, :, middle, middle].tolist()


def plain_merge(frames: torch.Tensor) -> torch.Tensor:
    """The mean of the frames alone."""
    explicit = explicit_weights(frames)
    return blend(explicit.radiance, explicit.logits[:, :3], explicit.variance).radiance


def noisy(noise: float, *, size: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames of one grey with noise, and the grey."""
    generator = torch.Generator().manual_seed(seed)
    light = torch.full((1, 1, 3, size, size), 0.02) * RATIOS[:, :, None, None, None]
    spread = (noise * (light + 0.005)).sqrt() * torch.randn(light.shape, generator=generator)
    ldr = (light + spread).clamp(0, 1).pow(1 / 2.2)
    truth = torch.full((1, 3, size, size), 0.02)
    return to_network_input(ldr, RATIOS, torch.tensor([noise])), truth


def test_a_static_scene_comes_out_exactly():
    radiance = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).pow(3)
    frames = photograph(radiance)
    merged = plain_merge(frames)
    torch.testing.assert_close(merged, radiance, rtol=2e-3, atol=1e-6)


def test_weights_are_inverse_variances():
    frames = grey(0.02)
    expected = 1 / frames[0, :, VARIANCE, 0, 0]
    expected = (expected / expected.sum()).tolist()
    assert shares(frames) == pytest.approx(expected, rel=1e-3)
    assert expected[0] < expected[1] < expected[2]


@pytest.mark.parametrize("noise", [1e-5, 1e-4, 1e-3])
def test_noise_is_averaged_as_well_as_it_can_be(noise):
    frames, truth = noisy(noise, size=64)
    merged = plain_merge(frames)
    variance = (merged - truth).square().mean()
    least = 1 / (1 / frames[0, :, VARIANCE].mean(dim=(1, 2))).sum()
    assert variance < 1.15 * least


@pytest.mark.parametrize("outer", [0, 2])
def test_what_moved_does_not_count(outer):
    frames = grey(0.02, size=9)
    assert shares(frames)[outer] > 0.03
    frames[:, outer] = grey(0.03, size=9)[:, outer]
    assert shares(frames)[outer] < 1e-3


def test_what_noise_explains_counts():
    """The same difference, once beyond the noise and once within."""
    kept = []
    for noise in (NOISE, LOUD):
        frames = grey(0.02, noise, size=9)
        frames[:, 2] = grey(0.0215, noise, size=9)[:, 2]
        kept.append(shares(frames)[2])
    assert kept[0] < 0.05
    assert kept[1] > 0.7


def test_the_noise_may_be_exceeded_so_far():
    frames = grey(0.02, LOUD, size=9)
    allowed = (TAIL * frames[0, 1:, VARIANCE].sum(dim=0).mean()).sqrt()
    same = explicit_weights(frames).logits[0, 2, 4, 4].item()
    for factor, counts in ((0.99, True), (1.5, False)):
        frames[:, 2, RADIANCE] = 0.02 + factor * allowed
        logit = explicit_weights(frames).logits[0, 2, 4, 4].item()
        assert (logit == pytest.approx(same)) == counts


def test_a_percent_is_the_curve():
    frames = grey(0.02, 1e-7, size=9)
    frames[:, 2] = grey(0.0202, 1e-7, size=9)[:, 2]
    assert shares(frames)[2] > 0.7


def test_one_pixel_of_noise_is_no_motion():
    """The mean over a neighbourhood counts."""
    frames = grey(0.02, LOUD, size=9)
    deviation = frames[0, 2, VARIANCE].mean().sqrt()
    frames[:, 2, RADIANCE, 4, 4] += 4 * deviation
    assert shares(frames)[2] > 0.7


def test_a_clipped_frame_hardly_counts():
    assert shares(grey(0.5))[0] > 0.99  # the others 2 and 8 times over white
    assert shares(grey(0.1))[2] < 1e-6  # the long one alone


def test_one_clipped_channel_is_enough():
    radiance = torch.full((1, 3, 1, 1), 0.02)
    radiance[:, 0] = 0.5
    assert shares(photograph(radiance))[0] > 0.98


def test_the_short_frame_is_all_there_is_where_even_it_clips():
    frames = grey(2.0)
    merged = plain_merge(frames)
    torch.testing.assert_close(merged, torch.ones(1, 3, 1, 1), rtol=0, atol=1e-3)


def test_a_short_frame_that_lacks_light_is_not_believed():
    """The reference is clipped, so there is at least a quarter; the short frame shows less."""
    frames = grey(0.5)
    frames[:, 0] = grey(0.1)[:, 0]
    short, reference, long = shares(frames)
    assert short < 0.6  # of the two that are left, neither is right: let a network decide
    assert reference > 0.4
    assert long < 1e-3
    own = explicit_weights(frames).logits.softmax(dim=1)[0, 3].item()
    assert own > 0.3


def test_a_little_less_light_is_noise():
    frames = grey(0.26)
    frames[:, 0] = grey(0.24)[:, 0]
    assert shares(frames)[0] > 0.99


@pytest.mark.parametrize("colour", [(0.5, 0.5, 0.5), (1.0, 0.3, 0.0), (0.0, 0.001, 0.9)])
def test_nothing_counts_beside_a_short_frame_that_explains_a_clipped_reference(colour):
    explicit = explicit_weights(photograph(torch.tensor(colour).reshape(1, 3, 1, 1)))
    short, reference, long, own = explicit.logits[0, :, 0, 0].tolist()
    assert short > -3
    assert max(reference, long) < -18
    assert own == pytest.approx(-12)
    assert explicit.settled.item() == pytest.approx(1)


@pytest.mark.parametrize(
    "moved", [(0.1, 0.1, 0.1), (0.9, 0.1, 0.0), (0.5, 0.2, 0.4)], ids=["dark", "one", "hue"]
)
def test_a_short_frame_of_another_thing_leaves_the_choice_open(moved):
    """Darker in a clipped channel, or of another colour in a channel that is not clipped."""
    frames = photograph(torch.tensor((0.9, 0.1, 0.2)).reshape(1, 3, 1, 1))
    frames[:, 0] = photograph(torch.tensor(moved).reshape(1, 3, 1, 1))[:, 0]
    explicit = explicit_weights(frames)
    short, reference, long, own = explicit.logits[0, :, 0, 0].tolist()
    assert reference > -12
    assert own == 0
    assert max(short, reference, long) < 0.1  # no frame is surer than a network
    assert explicit.settled.item() == 0


@pytest.mark.parametrize("noise", [1e-6, 1e-5])
def test_nothing_is_to_be_learnt_where_there_is_hardly_noise(noise):
    explicit = explicit_weights(grey(0.02, noise))
    assert explicit.settled.item() == 1
    assert explicit.logits[0, 3].item() == -12


@pytest.mark.parametrize("encoded", [0.5, 0.8, 0.86, 0.87, 0.88, 0.89, 0.9, 0.92, 0.95, 0.99, 1.0])
def test_there_is_no_gap_below_white_in_which_anything_is_to_be_learnt(encoded):
    """Of a still picture without noise; the reference is ever less believed from 0.86 on."""
    explicit = explicit_weights(grey(encoded**2.2 / 4.0, 1e-6))
    assert explicit.settled.item() > 0.6


def test_noise_is_to_be_learnt():
    explicit = explicit_weights(grey(0.001, LOUD))
    assert explicit.settled.item() == 0
    assert explicit.logits[0, 3].item() == 0


def test_what_is_learnt_counts_where_nothing_is_settled():
    trust = torch.full((1, 4, 1, 1), 3.0)
    for frames, counted in ((grey(0.02), 0.0), (grey(0.5), 0.0), (grey(0.001, LOUD), 3.0)):
        explicit = explicit_weights(frames)
        added = explicit.with_learnt(trust) - explicit.logits
        torch.testing.assert_close(added, torch.full((1, 4, 1, 1), counted), rtol=0, atol=0.01)


def test_less_is_certain_with_more_noise():
    certain = [explicit_weights(grey(0.01, noise)).logits[0, 1].item() for noise in (1e-6, 1e-4)]
    assert certain[0] - certain[1] == pytest.approx(torch.tensor(100.0).log().item(), rel=1e-3)


def test_black_frames_have_finite_weights():
    frames = to_network_input(torch.zeros(1, 3, 3, 2, 2), RATIOS, torch.tensor([1e-7]))
    explicit = explicit_weights(frames)
    assert torch.isfinite(explicit.logits).all()
    assert (plain_merge(frames) == 0).all()


@settings(deadline=None)
@given(row=st.integers(0, 32), column=st.integers(0, 32), seed=st.integers(0, 9))
def test_nothing_farther_than_the_radius_matters(row, column, seed):
    generator = torch.Generator().manual_seed(seed)
    ldr = torch.rand(1, 3, 3, 33, 33, generator=generator)
    ldr[:, 1] = 1.0 - 0.2 * ldr[:, 1]  # clipped here and there, where most is asked
    changed = ldr.clone()
    changed[..., row, column] = torch.rand(3, 3, generator=generator)
    before, after = (
        explicit_weights(to_network_input(x, RATIOS, torch.tensor([1e-4]))) for x in (ldr, changed)
    )
    for x, y in zip(before, after, strict=True):
        # Sums over the neighbourhood are rounded differently.
        rows, columns = ((x - y).abs().flatten(0, -3).amax(dim=0) > 1e-5).nonzero().T
        assert ((rows - row).abs() <= EXPLICIT_RADIUS).all()
        assert ((columns - column).abs() <= EXPLICIT_RADIUS).all()
    assert not torch.equal(before.logits, after.logits)


@settings(deadline=None)
@given(noise=st.floats(1e-7, 1e-2), seed=st.integers(0, 99))
def test_anything_has_weights(noise, seed):
    ldr = torch.rand(1, 3, 3, 7, 6, generator=torch.Generator().manual_seed(seed)) ** 3
    explicit = explicit_weights(to_network_input(ldr, RATIOS, torch.tensor([noise])))
    assert torch.isfinite(explicit.logits).all()
    assert (explicit.logits[:, 3] <= 0).all()
    assert explicit.settled.min() >= 0
    assert explicit.settled.max() <= 1 + 1e-6


def test_nothing_is_to_be_learnt_near_white_if_the_short_frame_shows_the_same():
    """The reference at an encoded 0.97: no evidence any more, but not clipped either."""
    frames = grey(0.97**2.2 / 4, 1e-4)
    assert explicit_weights(frames).settled.item() > 0.99
    frames[:, 0] = grey(0.1, 1e-4)[:, 0]
    assert explicit_weights(frames).settled.item() < 0.01


@pytest.mark.parametrize("light", [0.24, 0.5], ids=["near white", "clipped"])
def test_a_long_frame_that_should_be_clipped_and_is_not_shows_something_else(light):
    frames = grey(light)
    frames[:, 2] = grey(0.01)[:, 2]
    assert shares(frames)[2] < 1e-6


def before_a_sky(*, edge: float) -> torch.Tensor:
    """A sky of 0.9 that the reference clips, and before it, in the short frame alone, a wall of
    0.05 from column 20 on; column 19 is the wall's edge."""
    frames = photograph(torch.full((1, 3, 40, 40), 0.9))
    frames[:, 0, RADIANCE, :, 20:] = 0.05
    frames[:, 0, RADIANCE, :, 19] = edge
    return frames


def test_a_clipped_reference_is_filled_from_the_light_around():
    filled = explicit_weights(before_a_sky(edge=0.9)).radiance[0, 1, :, 20]
    white = 0.25
    expected = torch.full((3, 21), white + FILL * (0.9 - white))
    torch.testing.assert_close(filled[:, 20:22].T, expected[:, :2].T, rtol=1e-3, atol=0)
    # Where no light is known, it stays as it was.
    torch.testing.assert_close(filled[:, 30:], torch.full_like(filled[:, 30:], white))
    # So do the outer frames, and what nothing contradicts.
    frames = before_a_sky(edge=0.9)
    radiance = explicit_weights(frames).radiance
    torch.testing.assert_close(radiance[:, ::2], frames[:, ::2, RADIANCE])
    torch.testing.assert_close(radiance[0, 1, :, :, :18], frames[0, 1, RADIANCE, :, :18])


@pytest.mark.parametrize(("edge", "believed"), [(0.9, True), (0.45, False)])
def test_the_edge_of_what_moved_before_a_sky_is_not_believed(edge, believed):
    """It is mixed with the sky, and so not darker than the reference's white."""
    logits = explicit_weights(before_a_sky(edge=edge)).logits[0, :, 20, 19]
    short, reference = logits[:2].tolist()
    assert (short > reference) == believed
    assert plain_merge(before_a_sky(edge=edge))[0, 0, 20, 19].item() > 0.5


def test_a_static_lamp_of_two_pixels_keeps_its_light():
    radiance = torch.full((1, 3, 40, 40), 0.02)
    radiance[..., 20:22, 20:22] = 0.9
    radiance[..., 19, 20] = 0.4  # its rim
    torch.testing.assert_close(plain_merge(photograph(radiance)), radiance, rtol=2e-3, atol=1e-6)
