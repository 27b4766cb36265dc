"""ONNX Runtime without its telemetry.

The builds that Microsoft publishes report to it (1.32 does on Linux, too), from the moment they are
imported: an identifier of the machine that they keep below the home folder, its processor and
system, the path of the program, and each session. Nobody who merges photographs has asked for
that. Every import of `onnxruntime` therefore goes through here; who sets the variable, keeps it.
"""

from __future__ import annotations

import os

# It counts only at the first import; `disable_telemetry_events` comes after identifier and event.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

# The switch of older builds for Windows, which do not know the variable.
onnxruntime.disable_telemetry_events()

__all__ = ["onnxruntime"]
