"""The eight EXIF orientations, applied to arrays. Photographs are turned here and nowhere else."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

__all__ = ["turned"]

# Orientation to: exchange axes, then reverse rows, then reverse columns.
_TURNS = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def turned(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """A view of a (H, W, …) array as it should be looked at.

    Args:
        array: pixels as stored.
        orientation: EXIF tag 274 (Exif 3.0, 4.6.5): where the stored first row and column lie.
            5 to 8 exchange height and width.
    """
    transposed, rows_reversed, columns_reversed = _TURNS.get(orientation, _TURNS[1])
    if transposed:
        array = array.swapaxes(0, 1)
    return array[:: -1 if rows_reversed else 1, :: -1 if columns_reversed else 1]
