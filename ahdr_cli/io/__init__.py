"""Photographs and radiance, in and out. The only place that knows file formats.

Importing this package is light: imaging libraries are imported when a file needs them.
"""

from __future__ import annotations

from ahdr_cli.io.atomic import atomic_path, check_output
from ahdr_cli.io.guard import MAX_PIXELS
from ahdr_cli.io.ldr import read_frame, read_frames
from ahdr_cli.io.options import EXR_COMPRESSIONS, WriteOptions
from ahdr_cli.io.preview import PREVIEW_SUFFIXES, write_preview
from ahdr_cli.io.probe import FileInfo, HdrStatistics, probe
from ahdr_cli.io.readers import read_hdr
from ahdr_cli.io.writers import HDR_SUFFIXES, heeded_by, largest_value, write_hdr

__all__ = [
    "EXR_COMPRESSIONS",
    "HDR_SUFFIXES",
    "MAX_PIXELS",
    "PREVIEW_SUFFIXES",
    "FileInfo",
    "HdrStatistics",
    "WriteOptions",
    "atomic_path",
    "check_output",
    "heeded_by",
    "largest_value",
    "probe",
    "read_frame",
    "read_frames",
    "read_hdr",
    "write_hdr",
    "write_preview",
]
