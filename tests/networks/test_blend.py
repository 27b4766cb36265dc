"""The explicit merge against what it promises."""

from __future__ import annotations

import pytest
import torch

from ahdr_cli.networks.blend import blend, explicit_weights
from ahdr_cli.networks.input import to_network_input

RATIOS = torch.tensor([[1.0, 4.0, 16.0]])


def photograph(radiance: torch.Tensor) -> torch.Tensor:
    """(N, 3, H, W) radiance → (N, 3, 6, H, W) as three noise-free frames see it."""
    exposed = radiance[:, None] * RATIOS[:, :, None, None, None]
    ldr = exposed.clamp(0, 1).pow(1 / 2.2)
    return to_network_input(ldr, RATIOS.expand(len(radiance), 3))


def frame_logits(frames: torch.Tensor) -> torch.Tensor:
    """Of the three frames alone."""
    return explicit_weights(frames).logits[:, :3]


def test_a_static_scene_comes_out_exactly():
    radiance = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).pow(3)
    frames = photograph(radiance)
    merged = blend(frames, frame_logits(frames))
    # Clipped frames keep a ten-thousandth of the weight.
    torch.testing.assert_close(merged, radiance, rtol=2e-3, atol=1e-6)


def test_a_clipped_frame_hardly_counts():
    frames = photograph(torch.full((1, 3, 1, 1), 0.5))  # 2 and 8 times over white
    weights = frame_logits(frames).softmax(dim=1)[0, :, 0, 0]
    assert weights[0] > 0.99


def test_the_longest_unclipped_frame_counts_most():
    frames = photograph(torch.full((1, 3, 1, 1), 0.02))
    short, reference, long = frame_logits(frames).softmax(dim=1)[0, :, 0, 0].tolist()
    assert short < reference < long


def test_one_clipped_channel_is_enough():
    radiance = torch.full((1, 3, 1, 1), 0.02)
    radiance[:, 0] = 0.5
    weights = frame_logits(photograph(radiance)).softmax(dim=1)[0, :, 0, 0]
    assert weights[0] > 0.98


def test_the_short_frame_is_all_there_is_where_even_it_clips():
    frames = photograph(torch.full((1, 3, 1, 1), 2.0))
    merged = blend(frames, frame_logits(frames))
    torch.testing.assert_close(merged, torch.ones(1, 3, 1, 1), rtol=0, atol=1e-3)


def test_a_short_frame_that_lacks_light_is_not_believed():
    """The reference is clipped, so there is at least a quarter; the short frame shows less."""
    frames = photograph(torch.full((1, 3, 1, 1), 0.5))
    moved = photograph(torch.full((1, 3, 1, 1), 0.1))
    frames[:, 0] = moved[:, 0]
    weights = frame_logits(frames).softmax(dim=1)[0, :, 0, 0]
    assert weights[0] < 0.6  # of the two that are left, neither is right: let a network decide
    assert weights[1] > 0.4


def test_a_little_less_light_is_noise():
    frames = photograph(torch.full((1, 3, 1, 1), 0.26))
    nearly = photograph(torch.full((1, 3, 1, 1), 0.24))
    frames[:, 0] = nearly[:, 0]
    assert frame_logits(frames).softmax(dim=1)[0, 0, 0, 0] > 0.99


@pytest.mark.parametrize("colour", [(0.5, 0.5, 0.5), (1.0, 0.3, 0.0), (0.0, 0.001, 0.9)])
def test_nothing_counts_beside_a_short_frame_that_explains_a_clipped_reference(colour):
    frames = photograph(torch.tensor(colour).reshape(1, 3, 1, 1))
    short, reference, _, own = explicit_weights(frames).logits[0, :, 0, 0].tolist()
    assert short > -3
    assert reference < -20
    assert own == pytest.approx(-12)


@pytest.mark.parametrize(
    "moved", [(0.1, 0.1, 0.1), (0.9, 0.1, 0.0), (0.5, 0.2, 0.4)], ids=["dark", "one", "hue"]
)
def test_a_short_frame_of_another_thing_leaves_the_choice_open(moved):
    """Darker in a clipped channel, or of another colour in a channel that is not clipped."""
    frames = photograph(torch.tensor((0.9, 0.1, 0.2)).reshape(1, 3, 1, 1))
    frames[:, 0] = photograph(torch.tensor(moved).reshape(1, 3, 1, 1))[:, 0]
    _, reference, _, own = explicit_weights(frames).logits[0, :, 0, 0].tolist()
    assert reference > -12
    assert own == 0


@pytest.mark.parametrize("light", [0.01, 0.02, 0.15], ids=["three", "two", "long clipped"])
def test_nothing_is_added_to_what_frames_agree_on(light):
    frames = photograph(torch.full((1, 3, 1, 1), light))
    assert explicit_weights(frames).settled.item() == pytest.approx(1, abs=0.05)
    assert explicit_weights(frames).logits[0, 3, 0, 0] < -11
    frames[:, :, 3:] *= torch.tensor([1.02, 1.0, 0.98]).reshape(1, 3, 1, 1, 1)
    assert explicit_weights(frames).settled.item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("light", "neighbour"), [(0.02, 2), (0.15, 0)], ids=["long", "short, as long is clipped"]
)
@pytest.mark.parametrize("moved", [(1.2, 1.2, 1.2), (1.2, 0.8, 1.0)], ids=["light", "colour"])
def test_where_the_neighbour_shows_something_else_they_do_not_agree(light, neighbour, moved):
    frames = photograph(torch.full((1, 3, 1, 1), light))
    elsewhere = photograph(light * torch.tensor(moved).reshape(1, 3, 1, 1))
    frames[:, neighbour] = elsewhere[:, neighbour]
    assert explicit_weights(frames).settled.item() == pytest.approx(0, abs=0.05)
    assert explicit_weights(frames).logits[0, 3, 0, 0] > -1


def test_nothing_agrees_with_a_clipped_reference_that_the_short_frame_does_not_confirm():
    frames = photograph(torch.full((1, 3, 1, 1), 0.25))
    frames[:, 0] = photograph(torch.full((1, 3, 1, 1), 0.1))[:, 0]
    assert explicit_weights(frames).settled.item() == 0


@pytest.mark.parametrize("factor", [0.2, 2.5])
def test_a_long_frame_that_differs_does_not_count(factor):
    frames = photograph(torch.full((1, 3, 1, 1), 0.02))
    same = explicit_weights(frames).logits[0, 2, 0, 0].item()
    frames[:, 2] = photograph(torch.full((1, 3, 1, 1), 0.02 * factor))[:, 2]
    assert explicit_weights(frames).logits[0, 2, 0, 0].item() < same - 9


def test_noise_in_the_dark_is_no_difference():
    frames = photograph(torch.full((1, 3, 1, 1), 1e-4))
    same = explicit_weights(frames).logits[0, 2, 0, 0].item()
    frames[:, 1] = photograph(torch.full((1, 3, 1, 1), 3e-4))[:, 1]
    assert explicit_weights(frames).logits[0, 2, 0, 0].item() == pytest.approx(same)


def test_what_is_learnt_counts_where_nothing_is_settled():
    trust = torch.full((1, 4, 1, 1), 3.0)
    agreeing = photograph(torch.full((1, 3, 1, 1), 0.02))
    moved = agreeing.clone()
    moved[:, 2] = photograph(torch.full((1, 3, 1, 1), 0.04))[:, 2]
    for frames, counted in ((agreeing, 0.0), (moved, 3.0)):
        explicit = explicit_weights(frames)
        added = explicit.with_learnt(trust) - explicit.logits
        torch.testing.assert_close(added, torch.full((1, 4, 1, 1), counted), rtol=0, atol=0.05)


def test_black_frames_have_finite_weights():
    frames = to_network_input(torch.zeros(1, 3, 3, 2, 2), RATIOS)
    assert torch.isfinite(explicit_weights(frames).logits).all()
    assert (blend(frames, frame_logits(frames)) == 0).all()


def test_a_large_logit_selects_its_candidate():
    frames = torch.rand(2, 3, 6, 4, 5, generator=torch.Generator().manual_seed(1))
    own = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(2))
    candidates = [*frames[:, :, 3:].unbind(dim=1), own]
    for chosen, candidate in enumerate(candidates):
        logits = torch.zeros(2, 4, 4, 5)
        logits[:, chosen] = 100.0
        torch.testing.assert_close(blend(frames, logits, own), candidate)


def test_as_many_logits_as_candidates():
    with pytest.raises(ValueError, match=r"argument 2 is shorter"):
        blend(torch.rand(1, 3, 6, 2, 2), torch.zeros(1, 4, 2, 2))
