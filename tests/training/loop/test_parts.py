"""The small parts of the loop: average, feed, log, state, initial weights, devices."""

from __future__ import annotations

import json
import math
import signal
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from ahdr_cli.checkpoints import save_checkpoint
from ahdr_cli.errors import (
    DeviceError,
    InputError,
    MissingDependencyError,
    UnknownModelError,
    UsageError,
)
from ahdr_cli.networks.ahdrnet import AHDRNet
from ahdr_cli.networks.config import AHDRConfig, FastConfig
from ahdr_cli.networks.explicit import explicit_weights
from ahdr_cli.networks.input import to_network_input
from ahdr_cli.training.distributed import join_processes, training_device
from ahdr_cli.training.ema import WeightAverage
from ahdr_cli.training.event_log import JsonLog, open_tensorboard, read_log
from ahdr_cli.training.events import Saved, Validated
from ahdr_cli.training.feed import Feed, Request
from ahdr_cli.training.initialisation import initial_network
from ahdr_cli.training.run_state import Counters, RunState, load_state, save_state
from ahdr_cli.training.signals import StopRequest

TINY = AHDRConfig(features=8, growth=4)


class TestWeightAverage:
    def test_it_follows_the_formula(self):
        net = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(net.weight)
        average = WeightAverage(net, decay=0.5)
        expected = 0.0
        for update in range(20):
            nn.init.constant_(net.weight, update)
            average.update(net)
            decay = min(0.5, (1 + update) / (10 + update))
            expected = decay * expected + (1 - decay) * update
            assert average.net.weight.item() == pytest.approx(expected)

    def test_without_decay_it_is_the_latest_weights(self):
        net = nn.Linear(3, 3)
        average = WeightAverage(net, decay=0.0)
        nn.init.normal_(net.weight)
        average.update(net)
        assert torch.equal(average.net.weight, net.weight)
        assert average.net.weight is not net.weight

    def test_a_restored_one_goes_on_alike(self):
        net = nn.Linear(3, 3)
        one = WeightAverage(net, decay=0.9)
        one.update(net)
        other = WeightAverage(nn.Linear(3, 3), decay=0.9)
        other.load_state_dict(one.state_dict())
        nn.init.normal_(net.weight)
        for average in (one, other):
            average.update(net)
        assert torch.equal(one.net.weight, other.net.weight)


class TestFeed:
    @pytest.mark.parametrize("ahead", [False, True])
    def test_a_request_is_served_whatever_was_announced(self, toy, ahead):
        engine = toy.ToyEngine()
        wanted = [Request(0, 2, 8), Request(2, 2, 8), Request(4, 2, 12)]
        announced = [Request(2, 2, 8), Request(4, 2, 8), Request(6, 2, 12)]
        with Feed(toy.ToyEngine(), device=torch.device("cpu"), ahead=ahead) as feed:
            for request, following in zip(wanted, announced, strict=True):
                batch = feed.get(request)
                feed.announce(following)
                first = request.first
                expected = engine.batch(range(first, first + request.size), patch=request.patch)
                assert all(map(torch.equal, batch, expected))

    def test_an_announced_batch_is_made_once(self, toy):
        engine = toy.ToyEngine()
        with Feed(engine, device=torch.device("cpu"), ahead=True) as feed:
            feed.announce(Request(0, 2, 8))
            feed.get(Request(0, 2, 8))
        assert engine.patches == [8]

    def test_an_error_in_the_thread_comes_out(self, toy):
        class Broken(toy.ToyEngine):
            def batch(self, indices, *, patch):
                raise InputError("no scenes")

        with (
            Feed(Broken(), device=torch.device("cpu"), ahead=True) as feed,
            pytest.raises(InputError, match="no scenes"),
        ):
            feed.announce(Request(0, 2, 8))
            feed.get(Request(0, 2, 8))


class TestLog:
    def test_lines_of_lost_steps_and_torn_lines_are_dropped(self, tmp_path):
        path = tmp_path / "log.jsonl"
        log = JsonLog(path, step=0)
        for step in (1, 2, 3):
            log(Saved(step=step))
        log.close()
        with path.open("a") as file:
            file.write('{"event": "saved", "st')
        log = JsonLog(path, step=2)
        log(Saved(step=4))
        log.close()
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert lines == [{"event": "saved", "step": step} for step in (1, 2, 4)]
        assert read_log(path) == lines

    def test_infinity_is_no_number(self, tmp_path):
        path = tmp_path / "log.jsonl"
        log = JsonLog(path, step=0)
        log(Validated(step=1, best=False, psnr_mu=math.inf, psnr_l=3.5))
        log.close()
        (line,) = path.read_text().splitlines()
        found = json.loads(line, parse_constant=pytest.fail)
        assert (found["psnr_mu"], found["psnr_l"]) == (None, 3.5)

    def test_a_new_run_starts_an_empty_log(self, tmp_path):
        path = tmp_path / "log.jsonl"
        path.write_text('{"event": "saved", "step": 0}\n')
        JsonLog(path, step=0).close()
        assert read_log(path) == []

    def test_tensorboard_is_optional(self, tmp_path, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        assert open_tensorboard("auto", tmp_path, step=0) is None
        with pytest.raises(MissingDependencyError, match="TensorBoard"):
            open_tensorboard("on", tmp_path, step=0)


class TestRunState:
    def state(self, toy):
        return RunState(
            config=toy.toy_config(),
            counters=Counters(step=3, samples=12, seconds=1.5, best=30.0),
            origin="xavier, seed 0",
            learner={"net": {"weight": torch.arange(3.0)}},
            random=torch.get_rng_state(),
        )

    def test_it_survives_a_round_trip(self, toy, tmp_path):
        state = self.state(toy)
        save_state(tmp_path / "state.pt", state)
        for path in (tmp_path, tmp_path / "state.pt"):
            loaded = load_state(path)
            assert (loaded.config, loaded.counters) == (state.config, state.counters)
            assert torch.equal(loaded.learner["net"]["weight"], torch.arange(3.0))

    def test_a_missing_one_says_so(self, tmp_path):
        with pytest.raises(InputError, match="no training state to resume from"):
            load_state(tmp_path)

    @pytest.mark.parametrize("damage", ["cut", "text", "empty", "other", "code"])
    def test_a_damaged_one_is_refused(self, toy, tmp_path, damage):
        path = tmp_path / "state.pt"
        save_state(path, self.state(toy))
        if damage == "cut":
            path.write_bytes(path.read_bytes()[:-500])
        elif damage == "text":
            path.write_text("hello")
        elif damage == "empty":
            path.write_bytes(b"")
        elif damage == "other":
            torch.save({"weights": torch.ones(1)}, path)
        else:
            torch.save({"format": "ahdr-training-state", "code": print}, path)
        with pytest.raises(InputError, match="not a training state"):
            load_state(path)

    def test_another_version_is_refused(self, tmp_path):
        torch.save({"format": "ahdr-training-state", "version": 99}, tmp_path / "state.pt")
        with pytest.raises(InputError, match="version 99, this ahdr reads 1"):
            load_state(tmp_path)


class TestInitialNetwork:
    def test_xavier_has_its_bound_and_zero_biases(self):
        net, origin = initial_network(TINY, init="xavier", seed=3)
        weight = net.merge.weight
        bound = (6 / (9 * (weight.shape[0] + weight.shape[1]))) ** 0.5
        assert 0.9 * bound < weight.abs().max() <= bound
        assert net.merge.bias.abs().max() == 0
        assert origin == "xavier, seed 3"

    def test_kaiming_has_its_spread(self):
        net, _ = initial_network(AHDRConfig(growth=4), init="kaiming", seed=0)
        weight = net.merge.weight
        expected = (2 / (1 + 0.01**2) / (9 * weight.shape[1])) ** 0.5
        assert weight.std().item() == pytest.approx(expected, rel=0.02)

    @pytest.mark.parametrize("init", ["xavier", "kaiming"])
    def test_the_seed_decides_and_nothing_else_is_disturbed(self, init):
        before = torch.get_rng_state()
        one, other, third = (
            initial_network(TINY, init=init, seed=seed)[0].merge.weight for seed in (1, 1, 2)
        )
        assert torch.equal(one, other) and not torch.equal(one, third)
        assert torch.equal(torch.get_rng_state(), before)

    def test_a_checkpoint_gives_its_weights(self, tmp_path):
        net = AHDRNet(TINY)
        path = tmp_path / "some.safetensors"
        save_checkpoint(path, config=TINY, state_dict=net.state_dict(), provenance={})
        warm, origin = initial_network(TINY, init=str(path), seed=0)
        assert all(map(torch.equal, warm.parameters(), net.parameters()))
        assert all(parameter.requires_grad for parameter in warm.parameters())
        assert origin.startswith("some.safetensors (sha256 ")

    def test_another_configuration_or_name_is_refused(self, tmp_path):
        path = tmp_path / "some.safetensors"
        net = AHDRNet(TINY)
        save_checkpoint(path, config=TINY, state_dict=net.state_dict(), provenance={})
        with pytest.raises(UsageError, match="asked for is"):
            initial_network(AHDRConfig(), init=str(path), seed=0)
        with pytest.raises(UnknownModelError):
            initial_network(TINY, init="no-such-model", seed=0)

    def test_a_network_that_chooses_starts_as_the_one_that_did_not(self, tmp_path):
        path = tmp_path / "some.safetensors"
        net = AHDRNet(TINY)
        save_checkpoint(path, config=TINY, state_dict=net.state_dict(), provenance={})
        before = torch.get_rng_state()
        warm, _ = initial_network(replace(TINY, output="blend"), init=str(path), seed=0)
        assert torch.equal(torch.get_rng_state(), before)
        state = warm.state_dict()
        for key, tensor in net.state_dict().items():
            assert torch.equal(state[key], tensor), key
        assert state["trust.weight"].abs().max() == 0
        ratios, noise = torch.tensor([[1.0, 4.0, 16.0]]), torch.tensor([1e-3])
        frames = to_network_input(torch.rand(1, 3, 3, 9, 9), ratios, noise)
        explicit = explicit_weights(frames)
        choice = warm.choose(frames)
        torch.testing.assert_close(choice.own, net(frames))
        torch.testing.assert_close(choice.logits, explicit.logits)

    def test_an_untrained_fast_network_is_the_explicit_merge(self):
        config = FastConfig(features=8, shallow=4, detail=10, dilations=(1,))
        net, _ = initial_network(config, init="kaiming", seed=0)
        ratios = torch.tensor([[1.0, 4.0, 16.0]])
        exposed = torch.rand(1, 1, 3, 8, 8) * ratios[:, :, None, None, None]
        noise = torch.tensor([1e-4])
        frames = to_network_input(exposed.clamp(max=1.0).pow(1 / 2.2), ratios, noise)
        # The network's own picture, a grey, has a weight of e⁻⁶ against those of the frames.
        own = torch.tensor([0.0, 0.0, 0.0, -6.0]).view(1, 4, 1, 1)
        expected = explicit_weights(frames).with_learnt(own)
        torch.testing.assert_close(net.choose(frames).logits, expected)


class TestProcesses:
    @pytest.mark.parametrize("name", ["nonsense", "cuda:99"])
    def test_an_absent_device_is_named(self, name):
        with pytest.raises(DeviceError, match=name):
            training_device(name)

    def test_one_process_needs_no_accelerate(self, monkeypatch):
        monkeypatch.delenv("WORLD_SIZE", raising=False)
        monkeypatch.setitem(sys.modules, "accelerate", None)
        processes = join_processes("cpu")
        assert (processes.rank, processes.count, processes.is_main) == (0, 1, True)

    def test_several_processes_without_accelerate_say_what_to_install(self, monkeypatch):
        monkeypatch.setenv("WORLD_SIZE", "2")
        monkeypatch.setitem(sys.modules, "accelerate", None)
        with pytest.raises(MissingDependencyError, match="accelerate") as caught:
            join_processes("cpu")
        assert "ahdr[train]" in caught.value.hint

    def test_several_processes_cannot_share_one_gpu(self, monkeypatch):
        monkeypatch.setenv("WORLD_SIZE", "2")
        with pytest.raises(UsageError, match="cuda:0"):
            join_processes("cuda:0")


class TestStopRequest:
    def test_the_second_interrupt_is_real_and_handlers_come_back(self):
        before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        with StopRequest() as stop:
            signal.raise_signal(signal.SIGTERM)
            assert stop.requested
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
