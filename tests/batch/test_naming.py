from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ahdr_cli.batch.naming import check_relative, check_template, output_name
from ahdr_cli.bracket.grouping import Group, Shot
from ahdr_cli.errors import UsageError
from ahdr_cli.images import CaptureMetadata


def group(*names: str, model: str | None = "EOS R/5", evs=(2.0, 0.0, 4.0)) -> Group:
    metadata = CaptureMetadata(model=model, captured_at="2024-05-01T12:30:00.25")
    shots = tuple(Shot(path=Path("trip") / name, size=(2, 3), metadata=metadata) for name in names)
    return Group(shots=shots, rule="exposures", reason="", name=shots[0].path.stem, evs=evs)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{set}", "IMG_1"),
        ("{stem}-{last}", "IMG_1-IMG_3"),
        ("{stem}_{ev}", "IMG_1_-2_0_+2"),
        ("{folder}/{date}", "trip/20240501-123000"),
        ("{camera}_{index:04d}_{count}", "EOS R_5_0007_3"),
        ("plain", "plain"),
    ],
)
def test_fields(template, expected):
    check_template(template)
    name = output_name(template, group("IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg"), index=7)
    assert name == PurePosixPath(expected)


@pytest.mark.parametrize(
    "template",
    ["{nope}", "{", "{0}", "", "/tmp/x", "../x", "a/../../x", "{index:q}", "{stem.__class__}"],
)
def test_bad_templates_are_found_before_any_work(template):
    with pytest.raises(UsageError):
        check_template(template)


def test_attributes_cannot_be_reached():
    with pytest.raises(UsageError, match="no field"):
        check_template("{stem[0]}")


@given(st.text(max_size=20))
def test_whatever_the_camera_calls_itself_stays_one_part_of_the_path(model):
    name = output_name("{camera}/x", group("a.jpg", "b.jpg", "c.jpg", model=model), index=1)
    assert len(name.parts) == 2
    assert check_relative(str(name)) == name
