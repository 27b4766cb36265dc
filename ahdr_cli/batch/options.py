"""`BatchOptions`: what is the same for all sets of a batch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ahdr_cli.errors import UsageError
from ahdr_cli.io.options import WriteOptions

if TYPE_CHECKING:
    from ahdr_cli.merging import MergeOptions

__all__ = ["USUAL_IN_FLIGHT", "BatchOptions", "sets_in_flight"]

USUAL_IN_FLIGHT = 3
"""Sets in flight where the network takes most of the time."""

_SET_BYTES = 2 << 30
"""Memory reserved for a set: 24 megapixels take 1.2 GB, and writing them takes more."""


def _merge_options() -> MergeOptions:
    from ahdr_cli.merging import MergeOptions

    return MergeOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOptions:
    """How every set is merged and written.

    Attributes:
        model: a registered name or the path of a checkpoint.
        merge: device, precision, tile, runtime, alignment and response.
        write: variations of the output format.
        reference_ev: exposure whose white is 1.0 in all results; None for each set's own.
        preview: write a full-size tonemapped PNG beside each result.
        overwrite: do everything again, and replace files that ahdr did not write.
        in_flight: sets in memory at once, at most; None is as many as the machine can use, see
            :func:`sets_in_flight`.
    """

    model: str = "ahdrnet"
    merge: MergeOptions = field(default_factory=_merge_options)
    write: WriteOptions = field(default_factory=WriteOptions)
    reference_ev: float | None = None
    preview: bool = False
    overwrite: bool = False
    in_flight: int | None = None

    def __post_init__(self) -> None:
        if self.reference_ev is not None and not (
            math.isfinite(self.reference_ev) and abs(self.reference_ev) <= 64
        ):
            raise UsageError(
                f"the reference exposure must lie within 64 EV of 0, got {self.reference_ev:g}"
            )
        if self.in_flight is not None and self.in_flight < 1:
            raise UsageError(f"at least 1 set must be in flight, got {self.in_flight}")

    def identity(self) -> dict[str, Any]:
        """The options that decide the contents of the results, for their records.

        Device and tile are left out: they do not change what a result is meant to be.
        """
        computing = asdict(self.merge)
        del computing["device"], computing["tile"]
        return {
            **computing,
            "write": asdict(self.write),
            "reference_ev": self.reference_ev,
            "preview": self.preview,
        }


def sets_in_flight(wanted: int | None, *, device: str) -> int:
    """How many sets are in memory at once, at most.

    On a CPU three: one being read, one in the network and one being written. A GPU is faster
    than a processor's core aligns and writes, so that there each core has a set of its own, and
    the GPU two, as far as memory goes.

    Args:
        wanted: what the user asked for, which counts; None is automatic.
        device: as :func:`ahdr_cli.inference.devices.select_device` returns it.
    """
    if wanted is not None:
        return wanted
    if device == "cpu":
        return USUAL_IN_FLIGHT
    from ahdr_cli.inference.memory import free_memory
    from ahdr_cli.inference.threads import cpu_threads

    return max(USUAL_IN_FLIGHT, min(cpu_threads() + 2, free_memory("cpu") // _SET_BYTES))
