"""Whatever the form, each layer gets every channel once, and none before it is there."""

from __future__ import annotations

import numpy as np
import pytest

from ahdr_cli.inference.dense_steps import DENSE_FORMS, dense_steps
from ahdr_cli.networks.config import AHDRConfig


@pytest.mark.parametrize("form", DENSE_FORMS)
@pytest.mark.parametrize("layers", [1, 2, 3, 6, 7])
def test_every_layer_sees_all_that_comes_before_it(form, layers):
    config = AHDRConfig(features=5, growth=3, layers=layers)
    seen = np.zeros((layers, 5 + 3 * layers), int)
    touched: set[int] = set()
    complete = 0
    for step in dense_steps(config, form):
        assert step.inputs[1] <= 5 + 3 * complete
        assert step.fresh == touched.isdisjoint(range(*step.layers))
        assert step.fresh or touched.issuperset(range(*step.layers))
        assert step.layers[0] == complete
        touched.update(range(*step.layers))
        seen[slice(*step.layers), slice(*step.inputs)] += 1
        complete += 1
    assert complete == layers
    for layer in range(layers):
        assert (seen[layer, : 5 + 3 * layer] == 1).all()
        assert (seen[layer, 5 + 3 * layer :] == 0).all()
