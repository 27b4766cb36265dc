"""The training loop.

A run lives in a folder:

``last.safetensors``   averaged weights at the last save, self-describing, ready to merge with
``best.safetensors``   averaged weights at the best validation
``state.pt``           everything needed to go on exactly (:mod:`ahdr_cli.training.run_state`)
``log.jsonl``          what happened (:mod:`ahdr_cli.training.event_log`)
``tensorboard/``       the same for TensorBoard, if installed

Sample indices count upwards from 0 over the whole run and are never reused, so that the state of
the data is one number. On the CPU, and on a GPU with ``runtime.deterministic``, a resumed run
with a schedule in steps takes bit for bit the steps that an unbroken one would have taken.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch

from ahdr_cli.checkpoints import save_checkpoint
from ahdr_cli.errors import AhdrError
from ahdr_cli.networks.precision import cudnn_flags
from ahdr_cli.training.account import account_of
from ahdr_cli.training.batch import Batch, Engine
from ahdr_cli.training.config import TrainConfig
from ahdr_cli.training.distributed import Processes, training_device
from ahdr_cli.training.event_log import LOG_NAME, JsonLog, open_tensorboard
from ahdr_cli.training.events import Event, EventSink, Progress, Saved, Validated
from ahdr_cli.training.feed import Feed, Request
from ahdr_cli.training.initialisation import RANDOM_INITS, initial_network
from ahdr_cli.training.learner import Learner
from ahdr_cli.training.pace import Pace
from ahdr_cli.training.precision import pays_to_prefetch
from ahdr_cli.training.run_folder import (
    BEST_NAME,
    LAST_NAME,
    check_folder,
    check_resumable,
    only_run,
    remove_if_empty,
)
from ahdr_cli.training.run_state import STATE_NAME, Counters, RunState, save_state
from ahdr_cli.training.schedule import fraction_done, learning_rate_factor, stage_at
from ahdr_cli.training.signals import StopRequest
from ahdr_cli.training.validation import validate

__all__ = ["BEST_NAME", "LAST_NAME", "TrainResult", "train"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """How a run ended.

    Attributes:
        reason: ``finished``, or ``stopped`` by a signal, to be resumed.
        step: optimiser steps taken in all.
        seconds: training time in all.
        best: the best validation score in dB by ``validation.best_by``, None without validation.
        best_step: where it was reached.
        last: file of the final averaged weights.
        exit_code: 0, or 128 + the signal's number, as shells have it.
    """

    reason: Literal["finished", "stopped"]
    step: int
    seconds: float
    best: float | None
    best_step: int
    last: Path
    exit_code: int = 0


def train(  # noqa: PLR0913 - a run has this many parts; all but three have a default
    config: TrainConfig,
    engine: Engine,
    *,
    out: str | Path,
    validation: Sequence[Batch] = (),
    resume: RunState | None = None,
    processes: Processes | None = None,
    on_event: EventSink | None = None,
    provenance: Mapping[str, str] | None = None,
) -> TrainResult:
    """Train a network until its schedule ends or a signal asks to stop.

    Args:
        config: all choices. When resuming, everything but `seed`, `init` and `model` may differ
            from the stored ones.
        engine: makes the training samples, best on the processes' device.
        out: the run's folder; made if needed.
        validation: fixed held-out batches; without any, there is no ``best.safetensors``.
        resume: the stored state to go on from.
        processes: from :func:`ahdr_cli.training.distributed.join_processes`; by default this
            process alone.
        on_event: told of progress, on the main process only.
        provenance: added to the weights' own account, e.g. ``data``.

    Raises:
        UsageError: the configuration contradicts itself, or the state it is to go on from.
        OutputExistsError: `out` holds another run.
        OutputError: `out` cannot be written.
        AhdrError: the loss is no longer finite.
    """
    if processes is None:
        processes = Processes(training_device(config.runtime.device))
    out = Path(out)
    made = not out.exists()
    check_folder(out, resuming=resume is not None)

    device, runtime = processes.device, config.runtime
    with (
        ExitStack() as stack,
        StopRequest() as stop,
        # Patches keep their size for thousands of steps, so a search for algorithms pays.
        torch.backends.cudnn.flags(
            enabled=True,
            benchmark=not runtime.deterministic,
            deterministic=runtime.deterministic,
        ),
    ):
        if processes.is_main:
            if made:
                stack.callback(remove_if_empty, out)  # by whatever fails before the log is opened
            stack.enter_context(only_run(out))
        stack.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(runtime.threads or torch.get_num_threads())
        run = _Run(config, out=out, processes=processes, resume=resume, provenance=provenance or {})
        run.listen(stack, on_event)
        ahead = pays_to_prefetch(runtime, engine=engine.device, device=device)
        feed = stack.enter_context(Feed(engine, device=device, ahead=ahead))
        finished = run.to_the_end(feed, validation, stop)
    return TrainResult(
        reason="finished" if finished else "stopped",
        step=run.at.step,
        seconds=run.at.seconds,
        best=run.at.best,
        best_step=run.at.best_step,
        last=out / LAST_NAME,
        # Where another of several processes was asked to stop, its signal is not known here.
        exit_code=0 if finished else 128 + (stop.number or signal.SIGTERM),
    )


class _Run:
    """The moving parts of one call of :func:`train`; `at` says where it stands."""

    def __init__(
        self,
        config: TrainConfig,
        *,
        out: Path,
        processes: Processes,
        resume: RunState | None,
        provenance: Mapping[str, str],
    ) -> None:
        self.at = Counters() if resume is None else replace(resume.counters)
        self._config = config
        self._out = out
        self._processes = processes
        self._provenance = provenance
        self._network_config = config.network_config()
        if resume is None:
            net, self._origin = initial_network(
                self._network_config, init=config.init, seed=config.seed
            )
            self._learner = Learner(net, config=config, processes=processes)
        else:
            check_resumable(resume.config, config)
            self._origin = resume.origin
            # These weights only hold the place of the stored ones.
            net, _ = initial_network(self._network_config, init="xavier", seed=config.seed)
            self._learner = Learner(net, config=config, processes=processes)
            self._learner.load_state_dict(resume.learner)
            torch.set_rng_state(resume.random)
        # Sums of loss and gradient norm since the last line of the log. They stay on the
        # device, because reading them makes the host wait for a GPU.
        self._window = torch.tensor(self.at.window_sums, device=processes.device)
        self._started = time.monotonic() - self.at.seconds
        self._sinks: list[EventSink] = []
        self._pace = Pace(self.at, self._fraction())

    def listen(self, stack: ExitStack, on_event: EventSink | None) -> None:
        """Open the logs, on the main process, until `stack` unwinds."""
        if not self._processes.is_main:
            return
        log = JsonLog(self._out / LOG_NAME, step=self.at.step)
        stack.callback(log.close)
        self._sinks.append(log)
        board = open_tensorboard(
            self._config.logging.tensorboard, self._out / "tensorboard", step=self.at.step
        )
        if board is not None:
            stack.callback(board.close)
            self._sinks.append(board)
        if on_event is not None:
            self._sinks.append(on_event)

    def to_the_end(self, feed: Feed, validation: Sequence[Batch], stop: StopRequest) -> bool:
        """Step until the schedule ends (true) or a stop is requested (false)."""
        config, at = self._config, self.at
        stopping = self._tick(stop)
        if validation and at.step == 0 and config.init not in RANDOM_INITS:
            self._validate(validation)  # so that the best is never worse than the start
        while (fraction := self._fraction()) < 1 and not stopping:
            self._step(feed, fraction)
            stopping = self._tick(stop)
            finished = self._fraction() >= 1

            if finished or at.step % config.logging.every_steps == 0:
                self._report()
            rule = config.validation
            if validation and (
                finished or self._due(rule.every_steps, rule.every_minutes, since=at.validated_at)
            ):
                self._validate(validation)
                self._save()
            elif finished or self._due(
                config.checkpoint.every_steps, config.checkpoint.every_minutes, since=at.saved_at
            ):
                self._save()
        if fraction < 1:
            self._save()
        return fraction >= 1

    def _tick(self, stop: StopRequest) -> bool:
        """Read the clock that all processes go by; true if any was asked to stop."""
        self.at.seconds, stopping = self._processes.agree(
            seconds=time.monotonic() - self._started, stop=stop.requested
        )
        return stopping

    def _fraction(self) -> float:
        return fraction_done(self._config.schedule, step=self.at.step, seconds=self.at.seconds)

    def _due(self, every_steps: int | None, every_minutes: float | None, *, since: float) -> bool:
        by_steps = every_steps is not None and self.at.step % every_steps == 0
        by_time = every_minutes is not None and self.at.seconds - since >= 60 * every_minutes
        return by_steps or by_time

    def _step(self, feed: Feed, fraction: float) -> None:
        at, count, rank = self.at, self._processes.count, self._processes.rank
        stage = stage_at(self._config.stages, fraction)
        share = Request(at.samples + rank * stage.batch, stage.batch, stage.patch)
        batch = feed.get(share)
        feed.announce(share._replace(first=share.first + count * stage.batch))
        factor = learning_rate_factor(self._config.schedule, step=at.step, fraction=fraction)
        at.lr, at.patch = self._config.optimiser.lr * factor, stage.patch
        self._window += self._learner.step(batch, lr=at.lr)
        at.window_steps += 1
        at.step += 1
        at.samples += count * stage.batch

    def _read_window(self) -> tuple[float, float]:
        """The window's sums, as means over processes; AhdrError if they are not finite."""
        sums = self._processes.total(self._window.cpu()) / self._processes.count
        self._window.copy_(sums)
        loss, norm = sums.tolist()
        # With fp16 a gradient may overflow; the scaler then skips the step and halves its scale.
        if not math.isfinite(loss):
            raise AhdrError(
                f"the loss is {loss} at step {self.at.step}",
                hint="choose a lower optimiser.lr, optimiser.clip above 0, or fp32; "
                "--resume goes on from the last save, if there is one",
            )
        return loss, norm

    def _report(self) -> None:
        at = self.at
        loss, norm = self._read_window()
        rate, remaining = self._pace.measure(at, self._fraction())
        self._tell(
            Progress(
                step=at.step,
                samples=at.samples,
                fraction=min(1.0, self._fraction()),
                loss=loss / at.window_steps,
                gradient_norm=norm / at.window_steps,
                lr=at.lr,
                patch=at.patch,
                samples_per_second=rate,
                seconds=at.seconds,
                remaining=remaining,
            )
        )
        self._window.zero_()
        at.window_steps = 0

    def _validate(self, validation: Sequence[Batch]) -> None:
        at = self.at
        began = time.monotonic()
        self._read_window()  # raises before weights that are no longer finite are written
        # In the arithmetic of a merge, so that scores are those that users will get.
        with cudnn_flags(tf32=False):
            scores = validate(self._learner.average.net, validation, processes=self._processes)
        score = scores.by(self._config.validation.best_by)
        best = at.best is None or score > at.best
        if best:
            at.best, at.best_step = score, at.step
            self._write_weights(BEST_NAME)
        at.validated_at = at.seconds
        self._pace.pause(time.monotonic() - began)
        self._tell(Validated(step=at.step, best=best, **scores._asdict()))

    def _save(self) -> None:
        at = self.at
        at.window_sums = self._read_window()
        at.saved_at = at.seconds
        self._write_weights(LAST_NAME)
        if self._processes.is_main:
            state = RunState(
                config=self._config,
                counters=at,
                origin=self._origin,
                learner=self._learner.state_dict(),
                random=torch.get_rng_state(),
            )
            save_state(self._out / STATE_NAME, state)
        self._processes.wait()
        self._tell(Saved(step=at.step))

    def _write_weights(self, name: str) -> None:
        if not self._processes.is_main:
            return
        at = self.at
        account = account_of(self._config, origin=self._origin, at=at, processes=self._processes)
        if name == BEST_NAME and at.best is not None:
            account["score"] = f"{self._config.validation.best_by} {at.best:.3f} dB"
        save_checkpoint(
            self._out / name,
            config=self._network_config,
            state_dict=self._learner.average.net.state_dict(),
            provenance={**account, **self._provenance},
            overwrite=True,
        )

    def _tell(self, event: Event) -> None:
        for sink in self._sinks:
            sink(event)
