from __future__ import annotations

from dataclasses import replace

import pytest

from ahdr_cli.networks.activations import activations
from ahdr_cli.networks.config import AHDRConfig, FastConfig
from ahdr_cli.networks.convolutions import convolutions
from ahdr_cli.networks.variants import VARIANTS

IN_FLOAT = {"encode", "refine", "output", "trust"}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_convolution_in_8_bits_has_an_activation(name):
    names = list(activations(VARIANTS[name]))
    assert len(set(names)) == len(names)
    assert {c.name for c in convolutions(VARIANTS[name])} - IN_FLOAT <= set(names)


def test_of_ahdrnet_there_are_36():
    assert len(list(activations(AHDRConfig()))) == 36
    assert len(list(activations(replace(AHDRConfig(), attention=False)))) == 30


def test_fastnet_has_none():
    assert not list(activations(FastConfig()))
