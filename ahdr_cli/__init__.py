"""ahdr: ghost-free HDR merging of bracketed photographs.

    from ahdr_cli import Bracket, Merger, read_frame, write_hdr

    bracket = Bracket.from_frames([read_frame(p) for p in ("low.jpg", "mid.jpg", "high.jpg")])
    image = Merger.open("ahdrnet")(bracket)
    write_hdr("out.exr", image)

Names are loaded when they are first used (PEP 562): importing the package costs nothing,
and torch is imported only by what needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ahdr_cli._lazy import lazy_names
from ahdr_cli._version import __version__

if TYPE_CHECKING:
    from ahdr_cli.batch import merge_folder
    from ahdr_cli.bracket import (
        Bracket,
        Selection,
        parse_evs,
        parse_exposures,
        read_ev_file,
        select_three,
    )
    from ahdr_cli.checkpoints import (
        Checkpoint,
        available_models,
        import_checkpoint,
        load_checkpoint,
        save_checkpoint,
    )
    from ahdr_cli.errors import AhdrError
    from ahdr_cli.images import CaptureMetadata, Exposure, Frame, HdrImage
    from ahdr_cli.io import (
        WriteOptions,
        probe,
        read_frame,
        read_hdr,
        write_hdr,
        write_preview,
    )
    from ahdr_cli.merging import MergeOptions, Merger
    from ahdr_cli.networks.ahdrnet import AHDRNet
    from ahdr_cli.networks.config import AHDRConfig

__all__ = [
    "AHDRConfig",
    "AHDRNet",
    "AhdrError",
    "Bracket",
    "CaptureMetadata",
    "Checkpoint",
    "Exposure",
    "Frame",
    "HdrImage",
    "MergeOptions",
    "Merger",
    "Selection",
    "WriteOptions",
    "__version__",
    "available_models",
    "import_checkpoint",
    "load_checkpoint",
    "merge_folder",
    "parse_evs",
    "parse_exposures",
    "probe",
    "read_ev_file",
    "read_frame",
    "read_hdr",
    "save_checkpoint",
    "select_three",
    "write_hdr",
    "write_preview",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "batch": ("merge_folder",),
        "bracket": (
            "Bracket",
            "Selection",
            "parse_evs",
            "parse_exposures",
            "read_ev_file",
            "select_three",
        ),
        "checkpoints": (
            "Checkpoint",
            "available_models",
            "import_checkpoint",
            "load_checkpoint",
            "save_checkpoint",
        ),
        "errors": ("AhdrError",),
        "images": ("CaptureMetadata", "Exposure", "Frame", "HdrImage"),
        "io": ("WriteOptions", "probe", "read_frame", "read_hdr", "write_hdr", "write_preview"),
        "merging": ("MergeOptions", "Merger"),
        "networks.ahdrnet": ("AHDRNet",),
        "networks.config": ("AHDRConfig",),
    },
)
