from __future__ import annotations

import ahdr_cli
from ahdr_cli.batch import PlanOptions


def test_merge_folder_is_public_and_yields_each_set(card, tmp_path, options):
    found = [
        (result.status, result.output.name)
        for result in ahdr_cli.merge_folder(
            card, tmp_path / "out", plan=PlanOptions(suffix=".hdr"), options=options
        )
    ]
    assert sorted(found) == [("done", f"IMG_000{n}.hdr") for n in (1, 4, 7)]
    again = ahdr_cli.merge_folder(
        str(card), str(tmp_path / "out"), plan=PlanOptions(suffix=".hdr"), options=options
    )
    assert [result.status for result in again] == ["skipped"] * 3


def test_merge_folder_of_nothing(tmp_path, options):
    (tmp_path / "empty").mkdir()
    assert list(ahdr_cli.merge_folder(tmp_path / "empty", tmp_path / "o", options=options)) == []
