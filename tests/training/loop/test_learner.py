from __future__ import annotations

import pytest
import torch

from ahdr_cli.training.precision import choose_precision, pays_to_prefetch

CPU = torch.device("cpu")


def test_a_batch_in_parts_takes_the_same_step(learner, batch):
    whole, parts = learner(), learner("optimiser.accumulate=2")
    torch.testing.assert_close(parts.step(batch, lr=1e-3), whole.step(batch, lr=1e-3))
    for one, other in zip(parts.net.parameters(), whole.net.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-5)


def test_the_layout_does_not_matter(learner, batch):
    one, other = learner(), learner("runtime.channels_last=false")
    torch.testing.assert_close(one.step(batch, lr=1e-3), other.step(batch, lr=1e-3))


def test_the_first_step_of_adam_is_as_long_as_the_learning_rate(learner, batch):
    subject = learner()
    before = subject.net.merge.weight.detach().clone()
    subject.step(batch, lr=1e-3)
    moved = (subject.net.merge.weight - before).abs()
    assert moved.max().item() == pytest.approx(1e-3, rel=1e-3)


def test_the_norm_is_reported_unclipped_and_applied_clipped(learner, batch):
    free, clipped = learner("optimiser.clip=0"), learner("optimiser.clip=1e-3")
    (_, norm), (_, same) = free.step(batch, lr=1e-3), clipped.step(batch, lr=1e-3)
    assert norm == same > 1e-3
    moment = clipped.state_dict()["optimiser"]["state"]
    first = torch.stack([entry["exp_avg"].norm() for entry in moment.values()]).norm()
    assert first.item() == pytest.approx(0.1 * 1e-3, rel=1e-3)  # (1 - beta1) · clipped gradient


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_short_formats_stay_close_and_keep_float32_weights(learner, batch, precision):
    full, short = learner(), learner(f"runtime.precision={precision}")
    loss, norm = short.step(batch, lr=1e-3)
    expected, expected_norm = full.step(batch, lr=1e-3)
    assert loss.item() == pytest.approx(expected.item(), rel=0.02)
    assert norm.item() == pytest.approx(expected_norm.item(), rel=0.05)
    assert {parameter.dtype for parameter in short.net.parameters()} == {torch.float32}


def test_a_restored_learner_takes_the_same_step_with_its_own_settings(learner, batch):
    one = learner()
    one.step(batch, lr=1e-3)
    other = learner("optimiser.beta1=0.5")
    other.load_state_dict(one.state_dict())
    third = learner()
    third.load_state_dict(one.state_dict())
    for subject in (one, other, third):
        subject.step(batch, lr=1e-3)
    assert all(map(torch.equal, one.net.parameters(), third.net.parameters()))
    assert not all(map(torch.equal, one.net.parameters(), other.net.parameters()))


def test_automatic_choices_on_a_cpu(toy):
    runtime = toy.toy_config().runtime
    assert choose_precision(runtime, CPU).name == "fp32"
    assert not pays_to_prefetch(runtime, engine=CPU, device=CPU)
    assert pays_to_prefetch(runtime, engine=CPU, device=torch.device("cuda"))
