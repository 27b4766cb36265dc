from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ahdr_cli.checkpoints import CheckpointHeader, read_header
from ahdr_cli.errors import CorruptWeightsError, ForeignCheckpointError

HEADER = CheckpointHeader(
    architecture="ahdrnet",
    config={"features": 8, "attention": True},
    provenance={"data": "μ", "steps": "4"},
    spacing_ev=(0.5, 4.0),
)


def test_round_trip():
    metadata = HEADER.to_metadata()
    assert metadata["format"] == "ahdr"
    assert metadata["architecture"] == "ahdrnet"
    assert CheckpointHeader.from_metadata(metadata, path=Path("x")) == HEADER


def test_bounds_round_trip():
    calibrated = replace(HEADER, bounds={"merge": 0.5, "fold": 3.0})
    metadata = calibrated.to_metadata()
    assert CheckpointHeader.from_metadata(metadata, path=Path("x")) == calibrated
    assert "bounds" not in HEADER.to_metadata()


def test_read_from_a_file(tiny_file, tiny_config):
    header = read_header(tiny_file)
    assert header.architecture == "ahdrnet"
    assert header.config == tiny_config.to_dict()
    assert header.provenance == {"origin": "a test"}
    assert header.spacing_ev == (1.0, 3.3)


@pytest.mark.parametrize(
    ("changes", "error", "reason"),
    [
        ({"format": None}, ForeignCheckpointError, "format None, expected 'ahdr'"),
        ({"format": "pt"}, ForeignCheckpointError, "format 'pt'"),
        ({"version": None}, ForeignCheckpointError, "layout None"),
        ({"version": "2"}, ForeignCheckpointError, "layout '2', expected '1'"),
        ({"architecture": None}, CorruptWeightsError, "no architecture"),
        ({"config": None}, CorruptWeightsError, "no config"),
        ({"config": "{"}, CorruptWeightsError, "config is not JSON"),
        ({"config": "[" * 100_000}, CorruptWeightsError, "config is not JSON"),
        ({"config": "[1]"}, CorruptWeightsError, "config is not a table"),
        ({"provenance": None}, CorruptWeightsError, "no provenance"),
        ({"provenance": '"text"'}, CorruptWeightsError, "provenance is not a table"),
        ({"provenance": '{"steps": 4}'}, CorruptWeightsError, "more than text"),
        ({"spacing_ev": None}, CorruptWeightsError, "no spacing_ev"),
        ({"spacing_ev": "[3, 1]"}, CorruptWeightsError, "ascending"),
        ({"spacing_ev": "[0, 1]"}, CorruptWeightsError, "ascending"),
        ({"spacing_ev": "[1]"}, CorruptWeightsError, "ascending"),
        ({"spacing_ev": "[1, Infinity]"}, CorruptWeightsError, "ascending"),
        ({"spacing_ev": "[true, 2]"}, CorruptWeightsError, "ascending"),
        ({"spacing_ev": '["1", "2"]'}, CorruptWeightsError, "ascending"),
        ({"bounds": "{"}, CorruptWeightsError, "bounds is not JSON"),
        ({"bounds": "[1]"}, CorruptWeightsError, "bounds is not a table"),
        ({"bounds": '{"merge": 0}'}, CorruptWeightsError, "bound of 'merge' is 0, expected"),
        ({"bounds": '{"merge": -1}'}, CorruptWeightsError, "bound of 'merge'"),
        ({"bounds": '{"merge": NaN}'}, CorruptWeightsError, "bound of 'merge' is nan"),
        ({"bounds": '{"merge": Infinity}'}, CorruptWeightsError, "bound of 'merge'"),
        ({"bounds": '{"merge": 1e-30}'}, CorruptWeightsError, "bound of 'merge'"),
        ({"bounds": '{"merge": true}'}, CorruptWeightsError, "bound of 'merge' is True"),
        ({"bounds": '{"merge": "1"}'}, CorruptWeightsError, "bound of 'merge'"),
        ({"bounds": '{"merge": [0, 1]}'}, CorruptWeightsError, "bound of 'merge'"),
        ({"bounds": '{"merge": 1' + "0" * 400 + "}"}, CorruptWeightsError, "bound of 'merge'"),
    ],
)
def test_wrong_headers(changes, error, reason):
    metadata = {k: v for k, v in (HEADER.to_metadata() | changes).items() if v is not None}
    with pytest.raises(error, match=reason) as caught:
        CheckpointHeader.from_metadata(metadata, path=Path("x.safetensors"))
    assert caught.value.path == Path("x.safetensors")
