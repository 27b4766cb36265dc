"""What was measured, as data. Times are in seconds, memory in bytes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["STAGES", "Benchmark", "Peak", "SizeResult", "Timing"]

STAGES = ("decode", "align", "input", "network", "exr", "hdr", "preview", "command")
"""``input`` is cutting and warping tiles and putting results together; ``command`` is all of
`ahdr merge`, from its start to its end, with an .exr and a preview."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Repeated runs of one thing.

    Attributes:
        runs: seconds of each, in order.
    """

    runs: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("a timing needs at least one run")

    @property
    def median(self) -> float:
        """The median run, in seconds."""
        return statistics.median(self.runs)

    @property
    def spread(self) -> tuple[float, float]:
        """The shortest and the longest, in seconds."""
        return min(self.runs), max(self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The machine's own rate of multiplying matrices.

    Attributes:
        flops: floating-point operations a second, the best of some runs; 2 for each
            multiply-accumulate.
        threads: that were used, on a CPU.
        precision: of the factors.
    """

    flops: float
    threads: int
    precision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeResult:
    """Everything about one size of frames.

    Attributes:
        width, height: in pixels.
        timings: by the name of the stage, see `STAGES`; those that were not measured are absent.
        stages_rss: peak memory of the process that ran all stages.
        command_rss: peak memory of `ahdr merge`; None if it was not run, or is not known here.
        device_bytes: peak memory on a CUDA device; None elsewhere.
        macs_per_pixel: multiply-accumulates of the network's convolutions per pixel.
        plan: what was chosen: model, device, precision, runtime, tiles.
    """

    width: int
    height: int
    timings: Mapping[str, Timing]
    stages_rss: int | None
    command_rss: int | None
    device_bytes: int | None
    macs_per_pixel: int
    plan: Mapping[str, Any]

    @property
    def megapixels(self) -> float:
        """Size of one frame in megapixels."""
        return self.width * self.height / 1e6

    @property
    def network_flops(self) -> float | None:
        """Operations a second that direct convolutions without halos would need in that time."""
        network = self.timings.get("network")
        if network is None:
            return None
        return 2.0 * self.macs_per_pixel * self.width * self.height / network.median


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A whole run.

    Attributes:
        machine: hardware and versions, by name.
        peak: of the device that the network ran on.
        sizes: one result each, in the order of the options.
    """

    machine: Mapping[str, str]
    peak: Peak
    sizes: Sequence[SizeResult]

    def share(self, result: SizeResult) -> float | None:
        """The network's rate as a share of the machine's peak; may exceed 1 (Winograd)."""
        flops = result.network_flops
        return None if flops is None else flops / self.peak.flops

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "machine": dict(self.machine),
            "peak": asdict(self.peak),
            "sizes": [self._size_to_dict(result) for result in self.sizes],
        }

    def _size_to_dict(self, result: SizeResult) -> dict[str, Any]:
        return {
            "width": result.width,
            "height": result.height,
            "seconds": {
                name: {"median": timing.median, "runs": list(timing.runs)}
                for name, timing in result.timings.items()
            },
            "stages_rss": result.stages_rss,
            "command_rss": result.command_rss,
            "device_bytes": result.device_bytes,
            "macs_per_pixel": result.macs_per_pixel,
            "network_flops": result.network_flops,
            "share_of_peak": self.share(result),
            "plan": dict(result.plan),
        }
