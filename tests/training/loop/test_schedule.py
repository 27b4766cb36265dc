from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.training.schedule import fraction_done, learning_rate_factor, stage_at
from ahdr_cli.training.settings import ScheduleSettings, StageSettings


@pytest.mark.parametrize(
    ("settings", "step", "seconds", "expected"),
    [
        ({"steps": 100}, 25, 1e9, 0.25),
        ({"max_minutes": 2.0}, 10**9, 30.0, 0.25),
        ({"steps": 100, "max_minutes": 2.0}, 50, 30.0, 0.5),
        ({"steps": 100, "max_minutes": 2.0}, 10, 90.0, 0.75),
    ],
)
def test_the_fraction_follows_steps_time_or_the_further_of_both(settings, step, seconds, expected):
    assert fraction_done(ScheduleSettings(**settings), step=step, seconds=seconds) == expected


def test_the_cosine_falls_from_one_to_its_floor():
    settings = ScheduleSettings(steps=10, floor=0.1)
    factors = [
        learning_rate_factor(settings, step=0, fraction=fraction) for fraction in (0, 0.5, 1, 2)
    ]
    assert factors == pytest.approx([1.0, 0.55, 0.1, 0.1])


def test_the_warm_up_is_linear_and_ends_at_the_full_rate():
    settings = ScheduleSettings(steps=1000, warmup_steps=4, shape="constant")
    factors = [learning_rate_factor(settings, step=step, fraction=0.0) for step in range(6)]
    assert factors == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_after_the_warm_up_the_rate_never_rises(floor, one, other):
    settings = ScheduleSettings(steps=10, floor=floor)
    early, late = (
        learning_rate_factor(settings, step=100, fraction=fraction)
        for fraction in sorted((one, other))
    )
    assert late <= early + 1e-12
    assert floor - 1e-12 <= late and math.isfinite(late)


def test_stages_follow_each_other():
    stages = tuple(
        StageSettings(patch=patch, batch=1, until=until)
        for patch, until in ((64, 0.5), (128, 0.75), (256, 1.0))
    )
    patches = [stage_at(stages, fraction).patch for fraction in (0, 0.49, 0.5, 0.75, 1.0, 1.5)]
    assert patches == [64, 64, 128, 256, 256, 256]
