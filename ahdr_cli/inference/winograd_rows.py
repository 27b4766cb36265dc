"""Feature maps of some rows of a picture, which go down it."""

from __future__ import annotations

from typing import TypeAlias

from ahdr_cli.images import FloatArray
from ahdr_cli.inference.tiling import Box

__all__ = ["Move", "Rows"]

Move: TypeAlias = tuple[FloatArray, FloatArray]
"""Where to copy, and what."""


class Rows:
    """Maps that hold as many rows as are needed at a time.

    Who reads and writes says so, and what nobody will read again makes room for further rows.

    Args:
        maps: (groups, rows, width, `CHANNELS`), to be filled.

    Attributes:
        maps: the same.
        top: row of the picture that is the first of them.
    """

    def __init__(self, maps: FloatArray) -> None:
        self.maps = maps
        self.top = 0
        groups = range(len(maps))
        self._ends = [0 for _ in groups]  # rows up to which the maps are written
        self._needed = [0 for _ in groups]  # rows from which on they will be read
        self._read: list[int | None] = [None for _ in groups]

    def view(self, groups: slice, box: Box) -> FloatArray:
        """(groups, h, w, `CHANNELS`) of a box of the picture."""
        assert self.top <= box.top
        assert box.bottom - self.top <= self.maps.shape[1]
        return self.maps[groups, *self.here(box).slices]

    def here(self, box: Box) -> Box:
        """A box of the picture in these maps."""
        return box.moved(-self.top, 0)

    def written(self, groups: slice, *, until: int) -> None:
        """Say that rows of the picture up to `until` are there, or the beginnings of a sum."""
        assert until - self.top <= self.maps.shape[1]
        for group in range(*groups.indices(len(self.maps))):
            self._ends[group] = max(self._ends[group], until)

    def read(self, groups: slice, *, again: int) -> None:
        """Say that rows from `again` on will be read the next time."""
        for group in range(*groups.indices(len(self.maps))):
            before = self._read[group]
            self._read[group] = again if before is None else min(before, again)

    def descend(self) -> list[Move]:
        """Give up the rows that nobody will read again.

        Returns:
            What has to be copied before anything is read or written.
        """
        self._needed = [
            before if read is None else read
            for before, read in zip(self._needed, self._read, strict=True)
        ]
        self._read = [None for _ in self._read]
        down = min(self._needed) - self.top
        if down <= 0:
            return []
        self.top += down
        moves = []
        for maps, start, end in zip(self.maps, self._needed, self._ends, strict=True):
            if start < end:
                first, last = start - self.top, end - self.top
                moves.append((maps[first:last], maps[first + down : last + down]))
        return moves
