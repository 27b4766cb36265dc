import numpy as np
import pytest

from ahdr_cli.training.draws import Draws, stream_seed


def test_a_sample_does_not_depend_on_its_neighbours():
    together = Draws(3, [5, 9, 2], width=4).unit(4)
    alone = Draws(3, [9], width=4).unit(4)
    assert np.array_equal(together[1:2], alone)


@pytest.mark.parametrize("other", [(4, 9), (3, 10)])
def test_seed_and_index_both_matter(other):
    seed, index = other
    assert not np.array_equal(Draws(3, [9], width=4).unit(4), Draws(seed, [index], width=4).unit(4))


def test_successive_draws_are_different_columns():
    draws = Draws(0, range(200), width=2)
    first, second = draws.unit(), draws.unit()
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.25


def test_reading_beyond_the_width_is_noticed():
    draws = Draws(0, [0], width=3)
    draws.unit(2)
    with pytest.raises(AssertionError, match="width"):
        draws.unit(2)


def test_distributions():
    draws = Draws(1, range(4000), width=8)
    normal = draws.normal(2.0)
    assert normal.mean() == pytest.approx(0.0, abs=0.15)
    assert normal.std() == pytest.approx(2.0, rel=0.05)
    log_uniform = draws.log_uniform(1.0, 100.0)
    assert log_uniform.min() >= 1.0
    assert log_uniform.max() < 100.0
    assert np.median(log_uniform) == pytest.approx(10.0, rel=0.15)
    assert draws.chance(0.25).mean() == pytest.approx(0.25, abs=0.03)
    chosen = np.bincount(draws.choice((1.0, 0.0, 3.0)), minlength=3) / 4000
    assert chosen == pytest.approx([0.25, 0.0, 0.75], abs=0.03)


def test_stream_seeds_are_distinct_and_fit_a_generator():
    seeds = {stream_seed(s, i, p) for s in range(5) for i in range(50) for p in range(3)}
    assert len(seeds) == 750
    assert all(0 <= seed < 2**63 for seed in seeds)
