from __future__ import annotations

import pytest
import torch

from ahdr_cli.checkpoints import save_checkpoint
from ahdr_cli.errors import ModelError, UsageError
from ahdr_cli.networks.config import FastConfig, chooses
from ahdr_cli.networks.families import build_network
from ahdr_cli.networks.input import to_network_input
from ahdr_cli.networks.variants import MODELS
from ahdr_cli.training.batch import network_frames
from ahdr_cli.training.initialisation import initial_network
from ahdr_cli.training.settings import TeacherSettings
from ahdr_cli.training.teacher import Choosing, Teacher, divergence

CPU = torch.device("cpu")
SMALL = FastConfig(features=4, shallow=4, detail=10, dilations=(1,))
CHOOSING = ("model.variant=ahdrnet-blend", "model.features=8", "model.growth=4")


@pytest.fixture
def teacher(tmp_path):
    """A file of a small network with a choice of its own."""
    net, _ = initial_network(SMALL, init="kaiming", seed=3)
    torch.nn.init.normal_(net.output.weight, std=0.3, generator=torch.Generator().manual_seed(1))
    path = tmp_path / "teacher.safetensors"
    save_checkpoint(path, config=SMALL, state_dict=net.state_dict(), provenance={}, overwrite=False)
    return path


@pytest.fixture
def moving(batch):
    """Frames that disagree: where they agree there is nothing to choose."""
    ldr = batch.ldr.clone()
    ldr[:, 0], ldr[:, 2] = ldr[:, 0].roll(5, dims=-1), ldr[:, 2].roll(5, dims=-2)
    return batch._replace(ldr=ldr)


def test_the_divergence_is_that_of_the_definition():
    generator = torch.Generator().manual_seed(0)
    said, wanted = torch.randn(2, 2, 4, 3, 5, generator=generator, dtype=torch.float64)
    s, t = said.softmax(dim=1), wanted.softmax(dim=1)
    expected = (t * (t.log() - s.log())).sum(dim=1).mean()
    torch.testing.assert_close(divergence(said, wanted), expected)


def test_who_agrees_does_not_diverge_whatever_the_offset_of_the_logits():
    logits = torch.randn(1, 4, 3, 5, generator=torch.Generator().manual_seed(0))
    assert divergence(logits + 7.0, logits).item() == pytest.approx(0.0, abs=1e-6)


def test_a_saturated_choice_has_a_gradient():
    logits = torch.tensor([-60.0, 60.0, -60.0, -60.0]).reshape(1, 4, 1, 1).requires_grad_()
    divergence(logits, torch.zeros(1, 4, 1, 1)).backward()
    torch.testing.assert_close(logits.grad.flatten(), torch.tensor([-0.25, 0.75, -0.25, -0.25]))


def test_the_pupil_comes_to_choose_like_the_teacher(learner, moving, teacher):
    subject = learner(*CHOOSING, f"teacher.model={teacher}", "teacher.weight=1.0")
    taught = Teacher.open(TeacherSettings(model=str(teacher)), device=CPU)
    assert taught is not None
    frames = network_frames(moving)

    def distance():
        with torch.no_grad():
            said, wanted = subject.net.choose(frames).logits, taught.net(frames).logits
        return divergence(said[:, :3], wanted[:, :3]).item()

    before = distance()
    for _ in range(30):
        subject.step(moving, lr=3e-3)
    assert distance() < 0.5 * before


def test_a_teacher_is_not_changed(learner, batch, teacher):
    subject = learner(*CHOOSING, f"teacher.model={teacher}")
    assert not any(name.startswith("teacher") for name in subject.state_dict())
    frames = network_frames(batch)
    taught = Teacher.open(TeacherSettings(model=str(teacher)), device=CPU)
    assert taught is not None
    before = taught.net(frames)
    choice = Choosing(subject.net)(frames)
    taught(frames, choice).backward()
    assert all(weight.grad is None for weight in taught.net.parameters())
    torch.testing.assert_close(taught.net(frames).logits, before.logits)


def test_a_teacher_has_no_say_in_the_own_picture(learner, batch, teacher):
    taught = Teacher.open(TeacherSettings(model=str(teacher)), device=CPU)
    assert taught is not None
    frames = network_frames(batch)
    choice = Choosing(learner(*CHOOSING).net)(frames)
    other = choice.logits.clone()
    other[:, 3] += 5.0
    torch.testing.assert_close(
        taught(frames, choice._replace(logits=other)), taught(frames, choice)
    )
    other[:, 1] += 5.0
    assert taught(frames, choice._replace(logits=other)) != taught(frames, choice)


def test_nobody_listens_to_a_teacher_without_weight(teacher):
    assert Teacher.open(TeacherSettings(), device=CPU) is None
    assert Teacher.open(TeacherSettings(model=str(teacher), weight=0.0), device=CPU) is None


def test_the_own_picture_is_trained_where_it_is_never_chosen(learner, moving):
    """Without its term there is next to no gradient."""
    gradients = {}
    for weight in (0.0, 1.0):
        subject = learner(*CHOOSING, f"loss.own={weight}")
        with torch.no_grad():
            subject.net.trust.bias[3] = -200.0
        subject.step(moving, lr=1e-3)
        gradients[weight] = subject.net.output.weight.grad.abs().max().item()
    assert gradients[0.0] < 1e-3 * gradients[1.0]
    assert gradients[1.0] > 1e-4


def test_a_network_that_paints_cannot_be_taught_to_choose(learner, teacher):
    with pytest.raises(UsageError, match="paints"):
        learner(f"teacher.model={teacher}")


def test_what_a_network_paints_is_its_own_picture_already(learner, batch):
    losses = {learner(f"loss.own={own}").step(batch, lr=1e-3)[0].item() for own in (0.0, 0.5)}
    assert len(losses) == 1


def test_a_teacher_that_paints_is_refused(tmp_path, toy):
    config = toy.toy_config().network_config()
    path = tmp_path / "painter.safetensors"
    net = build_network(config)
    save_checkpoint(
        path, config=config, state_dict=net.state_dict(), provenance={}, overwrite=False
    )
    with pytest.raises(UsageError, match="paints"):
        Teacher.open(TeacherSettings(model=str(path)), device=CPU)
    with pytest.raises(ModelError):
        Teacher.open(TeacherSettings(model="nobody"), device=CPU)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_which_models_choose(name):
    with torch.device("meta"):
        net = build_network(MODELS[name])
    assert chooses(net.config) == (name in ("fast", "ahdrnet-blend"))


@pytest.mark.parametrize("config", [SMALL, MODELS["ahdrnet-blend"]])
def test_the_radiance_of_a_choice_is_the_result(config):
    net = build_network(config).eval()
    ldr = torch.rand(1, 3, 3, 12, 16, generator=torch.Generator().manual_seed(0))
    frames = to_network_input(ldr, torch.tensor([[1.0, 4.0, 16.0]]), torch.tensor([1e-4]))
    with torch.no_grad():
        choice = Choosing(net)(frames)
        torch.testing.assert_close(choice.radiance, net(frames), rtol=0, atol=0)
    assert choice.logits.shape == (1, 4, 12, 16)
    assert choice.own.shape == choice.radiance.shape == (1, 3, 12, 16)
    assert choice.own.min() >= 0 and choice.own.max() <= 1


def test_a_painter_has_no_choice_to_tell():
    net = build_network(MODELS["ahdrnet"])
    with pytest.raises(ValueError, match="does not choose"):
        net.choose(torch.zeros(1, 3, 7, 4, 4))
