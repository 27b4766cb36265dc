"""`Pace`: how fast a run goes."""

from __future__ import annotations

from ahdr_cli.training.run_state import Counters

__all__ = ["Pace"]


class Pace:
    """How fast the run goes, and how long it will still take."""

    def __init__(self, at: Counters, fraction: float) -> None:
        self._began_seconds, self._began_fraction = at.seconds, fraction
        self._seconds, self._samples, self._paused = at.seconds, at.samples, 0.0

    def pause(self, seconds: float) -> None:
        """Leave `seconds` out of the next measurement of speed."""
        self._paused += seconds

    def measure(self, at: Counters, fraction: float) -> tuple[float, float | None]:
        """(samples per second since the last call, seconds to the end or None)."""
        busy = at.seconds - self._seconds - self._paused
        rate = (at.samples - self._samples) / busy if busy > 0 else 0.0
        self._seconds, self._samples, self._paused = at.seconds, at.samples, 0.0
        done = fraction - self._began_fraction
        remaining = None
        if done > 0:
            remaining = max(0.0, 1 - fraction) / done * (at.seconds - self._began_seconds)
        return rate, remaining
