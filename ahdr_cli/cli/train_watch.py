"""What `ahdr train` shows as it goes: how far it has read, then how far it has trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Self

from ahdr_cli.cli.console import note, progress, shows_bars, stderr
from ahdr_cli.errors import counted

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from ahdr_cli.training.events import Event, Progress

__all__ = ["Watch"]


class Watch:
    """Bars on a terminal, lines elsewhere. Leaving its context takes the bar away.

    Args:
        quiet: show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._shown = ExitStack()  # at most one bar
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.close()

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """While data are opened; yields what is called with (done, total)."""
        self._shown.close()
        self._bar = None
        with progress("reading", quiet=self._quiet) as update:

            def on_scene(done: int, total: int) -> None:
                if done == 0 and not (self._quiet or shows_bars()):
                    note(f"reading {counted(total, 'scene')}")
                update(done, total)

            yield on_scene
        self._start()

    def on_event(self, event: Event) -> None:
        """What the run reports."""
        if self._quiet:
            return
        from ahdr_cli.training.events import Progress, Validated

        if isinstance(event, Progress):
            told = f"loss {event.loss:.4f}  {event.samples_per_second:.1f} images/s"
            self._update(completed=event.fraction, step=event.step, told=told)
            if not shows_bars():
                note(_line(event))
        elif isinstance(event, Validated):
            score = f"PSNR-μ {event.psnr_mu:.2f}, PSNR-L {event.psnr_l:.2f} dB"
            self._update(score=score)
            note(f"step {event.step}: {score}{' (best)' if event.best else ''}")

    def _start(self) -> None:
        if self._quiet or not shows_bars():
            return
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("step {task.fields[step]}"),
            BarColumn(),
            TextColumn("{task.percentage:.0f} %"),
            TextColumn("{task.fields[told]}"),
            TextColumn("{task.fields[score]}"),
            TimeRemainingColumn(),
        )
        self._bar = self._shown.enter_context(Bar(*columns, console=stderr()))
        self._bar.add_task("", total=1.0, step=0, told="", score="")

    def _update(self, **changes: Any) -> None:  # noqa: ANN401 # as rich has it
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], **changes)


def _line(event: Progress) -> str:
    left = "" if event.remaining is None else f", {event.remaining / 60:.0f} min left"
    return (
        f"step {event.step}: loss {event.loss:.4f}, lr {event.lr:.1e}, "
        f"{event.samples_per_second:.1f} images/s{left}"
    )
