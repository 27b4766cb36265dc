"""The package as a whole: light to import, and without need of OpenCV."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import ahdr_cli.io
from ahdr_cli.io import HDR_SUFFIXES, read_frame, read_hdr, write_hdr, write_preview

HEAVY = ("torch", "cv2", "PIL", "imageio", "imagecodecs", "tifffile", "OpenEXR", "piexif", "rawpy")


def test_importing_it_imports_no_imaging_library():
    code = f"import sys, ahdr_cli.io; print([n for n in {HEAVY} if n in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_all_is_sorted_and_complete():
    assert ahdr_cli.io.__all__ == sorted(ahdr_cli.io.__all__, key=lambda n: (not n.isupper(), n))
    assert all(hasattr(ahdr_cli.io, name) for name in ahdr_cli.io.__all__)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_everything_works_without_opencv(tmp_path, monkeypatch, picture, hdr_image, suffix):
    monkeypatch.setitem(sys.modules, "cv2", None)
    path = write_preview(tmp_path / f"a{suffix}", picture(20, 30), image=hdr_image)
    assert read_frame(path).size == (20, 30)
    for hdr_suffix in HDR_SUFFIXES:
        written = write_hdr(tmp_path / f"b{hdr_suffix}", hdr_image)
        assert np.isfinite(read_hdr(written).pixels).all()
