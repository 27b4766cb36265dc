"""Where a run stands, and what follows from it: learning rate, patch and batch size.

Everything hangs on one number, the *fraction* of the run that is done. It is measured in steps,
in training time, or as the larger of both::

    fraction = max(step / steps, seconds / (60 * max_minutes))

`seconds` counts the time that was trained *and kept*: it is stored with every training state and
goes on from there, so that an interruption costs no schedule, and work that is lost in a kill is
not counted. A schedule in steps alone is a function of the step, hence exactly repeatable; one in
time adapts to the machine, and repeats only as well as the machine's speed does.
"""

from __future__ import annotations

import math

from ahdr_cli.training.settings import ScheduleSettings, StageSettings

__all__ = ["fraction_done", "learning_rate_factor", "stage_at"]


def fraction_done(settings: ScheduleSettings, *, step: int, seconds: float) -> float:
    """The fraction of the run that is done, ≥ 0; the run ends at 1.

    Args:
        settings: of the schedule.
        step: steps taken.
        seconds: training time kept so far.
    """
    fraction = 0.0
    if settings.steps is not None:
        fraction = step / settings.steps
    if settings.max_minutes is not None:
        fraction = max(fraction, seconds / (60.0 * settings.max_minutes))
    return fraction


def learning_rate_factor(settings: ScheduleSettings, *, step: int, fraction: float) -> float:
    """The learning rate of the step after `step`, as a multiple of the top one.

    The linear warm-up multiplies the cosine (Loshchilov & Hutter, "SGDR", ICLR 2017, one cycle).
    """
    factor = 1.0
    if settings.shape == "cosine":
        cosine = 0.5 * (1.0 + math.cos(math.pi * min(fraction, 1.0)))
        factor = settings.floor + (1.0 - settings.floor) * cosine
    if step < settings.warmup_steps:
        factor *= (step + 1) / settings.warmup_steps
    return factor


def stage_at(stages: tuple[StageSettings, ...], fraction: float) -> StageSettings:
    """The stage in force at `fraction`; the last one also beyond the end."""
    return next((stage for stage in stages if fraction < stage.until), stages[-1])
