"""One set from files to files, in the three stages that a pipeline can overlap.

`Workshop.prepare` reads (disk and decoding), `Workshop.merge` runs the network, and
`Workshop.finish` writes. Each is safe to call from its own thread.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ahdr_cli.batch.anchor import anchor_warning, anchored, offset_ev
from ahdr_cli.batch.options import BatchOptions
from ahdr_cli.batch.place import check_place, kept_preview
from ahdr_cli.batch.plan import PlannedSet
from ahdr_cli.batch.record import (
    Identity,
    Record,
    preview_path,
    read_record,
    sha256_of,
    withdraw_record,
)
from ahdr_cli.batch.result import FrameReport, SetResult
from ahdr_cli.batch.thumbnail import thumbnail_path, write_thumbnail
from ahdr_cli.errors import OutputError, reason_of
from ahdr_cli.io.place import make_folder

if TYPE_CHECKING:
    from ahdr_cli.bracket import Bracket
    from ahdr_cli.bracket.preparation import Preparation
    from ahdr_cli.images import Frame, HdrImage
    from ahdr_cli.merging import Merger

__all__ = ["Merged", "Prepared", "Workshop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A set that has been read."""

    planned: PlannedSet
    output: Path
    identity: Identity
    bracket: Bracket
    shorter: tuple[Frame, ...]
    warnings: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A set that has been through the network; its frames, which take most memory, are let go.

    Attributes:
        identity: of the set.
        image: the merge, 1.0 at the white of its own reference frame.
        result: what became of the set, but for what writing adds.
    """

    identity: Identity
    image: HdrImage
    result: SetResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """The three stages, with what they need for all sets.

    Attributes:
        folder: of the results.
        staging: folder for unfinished files, on the same file system.
        options: of the batch.
        model: SHA-256 of the weights.
    """

    folder: Path
    staging: Path
    options: BatchOptions
    model: str

    def prepare(self, planned: PlannedSet) -> Prepared | SetResult:
        """Read a set, or find that it is done already.

        Raises:
            AhdrError: whatever stops this set.
        """
        from ahdr_cli.bracket import Selection
        from ahdr_cli.images import Exposure
        from ahdr_cli.io import read_frames

        started = time.perf_counter()
        output = self.folder / planned.output
        identity = Identity.of(
            planned.inputs, evs=planned.evs, model=self.model, options=self.options
        )
        done = self._done_before(planned, output, identity)
        if done is not None:
            return done
        check_place(planned, self.folder, options=self.options)
        given = None if planned.evs is None else [Exposure.from_ev(ev) for ev in planned.evs]
        # Several sets are read at once.
        frames = read_frames(planned.inputs, exposures=given, at_once=1)
        selection = Selection.of(frames, extend=self.options.merge.extend == "auto")
        bracket = selection.bracket
        anchor = None if self.options.reference_ev is None else anchor_warning(bracket)
        return Prepared(
            planned=planned,
            output=output,
            identity=identity,
            bracket=bracket,
            shorter=selection.shorter,
            warnings=() if anchor is None else (anchor,),
            seconds=time.perf_counter() - started,
        )

    def merge(
        self,
        prepared: Prepared,
        merger: Merger,
        *,
        on_tile: Callable[[int, int], None] | None = None,
    ) -> Merged:
        """Run the network.

        Raises:
            AhdrError: whatever stops this set.
        """
        started = time.perf_counter()
        warnings = (*prepared.warnings, *merger.warnings(prepared.bracket))
        made = merger.prepare(prepared.bracket, shorter=prepared.shorter)
        image = merger.merge(made, on_tile=on_tile)
        seconds = {"read": prepared.seconds, "merge": time.perf_counter() - started}
        result = replace(
            self._result_of(prepared, made),
            warnings=(*warnings, *made.concerns),
            computed=merger.plan.to_dict(),
            seconds=seconds,
        )
        return Merged(identity=prepared.identity, image=image, result=result)

    def finish(self, merged: Merged) -> SetResult:
        """Write a set: record, result, record again.

        Raises:
            AhdrError: whatever stops this set.
        """
        started = time.perf_counter()
        result, image = merged.result, merged.image
        output = result.output
        make_folder(output.parent)
        if result.offset_ev is not None:
            image = anchored(image, result.offset_ev)
            clipped = self._clipping(image, output)
            result = replace(result, warnings=result.warnings + clipped)
        previous = read_record(output)
        kept = {} if self.options.preview else kept_preview(output, previous)
        record = Record(
            state="writing", identity=merged.identity.to_dict(), outputs=kept, result={}
        )
        record.write(output, staging=self.staging)
        try:
            outputs = {**kept, **self._write_files(merged, image, output)}
        except Exception:
            withdraw_record(output, previous, staging=self.staging)
            raise
        write_thumbnail(
            thumbnail_path(self.folder, result.planned.output),
            merged.image,
            white=_shortest_white(result),
            staging=self.staging,
        )
        seconds = {**result.seconds, "write": time.perf_counter() - started}
        result = replace(result, seconds=seconds)
        done = replace(record, state="done", outputs=outputs, result=result.to_record())
        done.write(output, staging=self.staging)
        return result

    def failure(self, planned: PlannedSet, error: Exception) -> SetResult:
        """What is reported of a set that could not be merged."""
        return SetResult.failure(planned, self.folder / planned.output, error)

    def _done_before(
        self, planned: PlannedSet, output: Path, identity: Identity
    ) -> SetResult | None:
        if self.options.overwrite:
            return None
        record = read_record(output)
        if record is None or not record.vouches_for(output, identity):
            return None
        try:
            result = SetResult.from_record(planned, output, record.result)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
            return None
        self._mend_thumbnail(result)
        return result

    def _mend_thumbnail(self, result: SetResult) -> None:
        path = thumbnail_path(self.folder, result.planned.output)
        if path.is_file():
            return
        from ahdr_cli.io import read_hdr

        white = _shortest_white(result) * 2.0 ** (result.offset_ev or 0.0)
        write_thumbnail(path, read_hdr(result.output), white=white, staging=self.staging)

    def _write_files(self, merged: Merged, image: HdrImage, output: Path) -> dict[str, str]:
        """Write into the staging folder, then move into place; returns the hashes."""
        from ahdr_cli.io import write_hdr, write_preview
        from ahdr_cli.radiometry.tonemap import render

        # Sets are written at the same time and may have the same name in different folders.
        stem = secrets.token_hex(8)
        staged = {output: self.staging / f"{stem}{output.suffix}"}
        try:
            write_hdr(staged[output], image, overwrite=True, options=self.options.write)
            if self.options.preview:
                preview = preview_path(output)
                staged[preview] = self.staging / f"{stem}.png"
                white = _shortest_white(merged.result)
                pixels = render(merged.image.pixels, "mu-law", white=white)
                write_preview(staged[preview], pixels, image=image, overwrite=True)
            hashes = {target.name: sha256_of(path) for target, path in staged.items()}
            for target, path in staged.items():
                path.replace(target)
        except OutputError as error:  # which names the unfinished file
            raise OutputError(error.message, path=output, hint=error.hint) from error
        except OSError as error:
            raise OutputError(f"cannot be written: {reason_of(error)}", path=output) from error
        finally:
            for path in staged.values():
                path.unlink(missing_ok=True)
        return hashes

    def _result_of(self, prepared: Prepared, made: Preparation) -> SetResult:
        """What is known of a set before it is written."""
        bracket = prepared.bracket
        reference = bracket.reference.exposure
        assert reference is not None  # a bracket has exposures
        frames = []
        for frame, ratio in zip(bracket.frames, bracket.ratios, strict=True):
            exposure = frame.exposure
            assert exposure is not None
            frames.append(
                FrameReport(
                    path=frame.name,
                    ev=exposure.ev,
                    ratio=float(ratio),
                    seconds=exposure.shutter,
                    iso=exposure.iso,
                    f_number=exposure.f_number,
                )
            )
        common = self.options.reference_ev
        asked = () if made.highlights is None else made.highlights.frames
        return SetResult(
            planned=prepared.planned,
            status="done",
            output=prepared.output,
            frames=tuple(frames),
            size=bracket.size,
            offset_ev=None if common is None else offset_ev(reference, common),
            aligned_px=made.displacements,
            matched_ev=made.matched_ev,
            highlights=tuple(further.taken.name for further in asked),
        )

    def _clipping(self, image: HdrImage, output: Path) -> tuple[str, ...]:
        from ahdr_cli.io import largest_value

        largest, limit = float(image.pixels.max()), largest_value(output, self.options.write)
        if largest <= limit:
            return ()
        return (
            f"the common brightness scale reaches {largest:.4g}, the file ends at {limit:.4g}: "
            "pass --float, use .hdr, or choose a smaller --reference-ev",
        )


def _shortest_white(result: SetResult) -> float:
    """The white of the shortest frame that was merged, in units of the reference's."""
    return result.frames[1].ratio
