from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.bracket.relative import relative_exposures, unequal_fields
from ahdr_cli.errors import ExposureError
from ahdr_cli.images import Exposure

seconds = st.floats(min_value=1e-5, max_value=60.0)
isos = st.sampled_from([50.0, 100.0, 125.0, 160.0, 200.0, 400.0, 800.0, 1600.0])
apertures = st.sampled_from([1.4, 2.0, 2.8, 4.0, 5.6, 6.3, 8.0, 11.0])
full = st.builds(Exposure, seconds=seconds, iso=isos, f_number=apertures)
partial = st.builds(Exposure, seconds=seconds, iso=st.none() | isos, f_number=st.none() | apertures)


def test_shutter_times_give_their_quotients():
    exposures = [Exposure(seconds=s) for s in (1 / 1000, 1 / 250, 1 / 60)]
    assert relative_exposures(exposures) == (1.0, 4.0, pytest.approx(1000 / 60, rel=1e-15))


def test_steps_of_whole_stops_are_exact():
    exposures = [Exposure.from_ev(ev) for ev in (2, -2, 0)]
    assert relative_exposures(exposures) == (16.0, 1.0, 4.0)


def test_a_bracket_made_with_the_aperture():
    exposures = [Exposure(seconds=0.01, iso=100, f_number=n) for n in (8.0, 4.0, 2.0)]
    assert relative_exposures(exposures) == (1.0, 4.0, 16.0)


def test_a_bracket_made_with_iso():
    exposures = [Exposure(seconds=0.01, iso=i, f_number=2.8) for i in (100, 400, 1600)]
    assert relative_exposures(exposures) == (1.0, 4.0, 16.0)


def test_a_field_that_one_frame_lacks_is_ignored_for_all():
    exposures = [
        Exposure(seconds=0.01, iso=100, f_number=8.0),
        Exposure(seconds=0.02, iso=3200, f_number=8.0),
        Exposure(seconds=0.04, f_number=8.0),
    ]
    assert relative_exposures(exposures) == (1.0, 2.0, 4.0)
    assert unequal_fields(exposures) == ("ISO",)


def test_a_missing_field_that_is_otherwise_equal_is_no_concern():
    exposures = [Exposure(seconds=0.01, iso=100), Exposure(seconds=0.02, iso=100)]
    exposures.append(Exposure(seconds=0.04))
    assert unequal_fields(exposures) == ()


@given(
    st.lists(partial, min_size=1, max_size=7).flatmap(
        lambda items: st.tuples(st.just(items), st.permutations(range(len(items))))
    )
)
def test_order_does_not_matter(case):
    exposures, order = case
    straight = relative_exposures(exposures)
    assert relative_exposures([exposures[i] for i in order]) == tuple(straight[i] for i in order)


@given(st.lists(full, min_size=1, max_size=5), st.integers(min_value=-8, max_value=8))
def test_scaling_all_by_a_power_of_two_changes_nothing(exposures, stops):
    scaled = [
        Exposure(seconds=e.seconds * 2.0**stops, iso=e.iso, f_number=e.f_number) for e in exposures
    ]
    assert relative_exposures(scaled) == relative_exposures(exposures)


@given(st.lists(full, min_size=1, max_size=5), st.floats(min_value=1e-3, max_value=1e3))
def test_scaling_all_by_any_factor_changes_nothing_but_rounding(exposures, factor):
    scaled = [
        Exposure(seconds=e.seconds * factor, iso=e.iso, f_number=e.f_number) for e in exposures
    ]
    assert relative_exposures(scaled) == pytest.approx(relative_exposures(exposures), rel=1e-14)


@given(st.lists(full, min_size=2, max_size=5))
def test_iso_and_aperture_are_worth_the_same_as_time(exposures):
    first, *rest = exposures
    twice_iso = Exposure(seconds=first.seconds, iso=first.iso * 2, f_number=first.f_number)
    half_n = Exposure(seconds=first.seconds, iso=first.iso, f_number=first.f_number / 2)
    assert relative_exposures([twice_iso, *rest]) == relative_exposures(
        [Exposure(seconds=first.seconds * 2, iso=first.iso, f_number=first.f_number), *rest]
    )
    assert relative_exposures([half_n, *rest]) == relative_exposures(
        [Exposure(seconds=first.seconds * 4, iso=first.iso, f_number=first.f_number), *rest]
    )


@given(st.lists(full, min_size=1, max_size=5), isos, apertures)
def test_an_equal_field_may_as_well_be_unknown(exposures, iso, f_number):
    known = [Exposure(seconds=e.seconds, iso=iso, f_number=f_number) for e in exposures]
    unknown = [Exposure(seconds=e.seconds) for e in exposures]
    assert relative_exposures(known) == relative_exposures(unknown)


@given(st.lists(full, min_size=1, max_size=5))
def test_agrees_with_differences_of_ev(exposures):
    evs = [e.ev for e in exposures]
    logs = [math.log2(r) for r in relative_exposures(exposures)]
    assert logs == pytest.approx([ev - min(evs) for ev in evs], abs=1e-12)


def test_the_shortest_is_exactly_one():
    exposures = [Exposure(seconds=s) for s in (0.1, 0.3, 0.7)]
    assert relative_exposures(exposures)[0] == 1.0


def test_no_exposures():
    with pytest.raises(ExposureError, match="no exposures"):
        relative_exposures([])


def test_absurd_exposures_do_not_overflow():
    with pytest.raises(ExposureError, match="64 EV"):
        relative_exposures([Exposure(seconds=1e-300), Exposure(seconds=1e300)])
