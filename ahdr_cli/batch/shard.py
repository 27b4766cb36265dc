"""`Shard`: the share of a batch that one of several independent processes does."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ahdr_cli.errors import UsageError

__all__ = ["Shard", "parse_shard", "shard_of_environment"]

T = TypeVar("T")

_HINT = "give --shard I/N with I from 1 to N, e.g. --shard 2/8; --shard 1/1 is everything"


@dataclass(frozen=True, slots=True)
class Shard:
    """Share `index` of `count`, counted from 1.

    Every `count`-th set, so that neighbours, which are alike in size, are spread evenly.
    """

    index: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            raise UsageError(f"there is no shard {self.index} of {self.count}", hint=_HINT)

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def suffix(self) -> str:
        """For file names: empty if the share is everything."""
        return "" if self.count == 1 else f"-{self.index}-of-{self.count}"

    def of(self, items: Sequence[T]) -> tuple[T, ...]:
        """This share of `items`, which all processes must list in the same order."""
        return tuple(items[self.index - 1 :: self.count])


def parse_shard(text: str) -> Shard:
    """``2/8`` as the second of eight.

    Raises:
        UsageError: it is not of that form.
    """
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
    if match is None:
        raise UsageError(f"--shard must be I/N, got {text!r}", hint=_HINT)
    return Shard(int(match[1]), int(match[2]))


def shard_of_environment(environment: Mapping[str, str] | None = None) -> Shard | None:
    """The share of a SLURM array task, or None outside of one.

    SLURM numbers the tasks of ``--array=MIN-MAX:STEP`` by ``SLURM_ARRAY_TASK_ID``, and tells
    ``_COUNT``, ``_MIN`` and ``_STEP``.

    Raises:
        UsageError: the numbers make no regular series, as with ``--array=1,5,6``.
    """
    values = os.environ if environment is None else environment
    if "SLURM_ARRAY_TASK_ID" not in values or "SLURM_ARRAY_TASK_COUNT" not in values:
        return None
    try:
        number, count, first, step = (
            int(values.get(f"SLURM_ARRAY_TASK_{name}", default))
            for name, default in (("ID", ""), ("COUNT", ""), ("MIN", "0"), ("STEP", "1"))
        )
    except ValueError as error:
        raise UsageError(
            "the SLURM_ARRAY_TASK variables are not numbers", hint="pass --shard I/N"
        ) from error
    offset, remainder = divmod(number - first, step) if step > 0 else (-1, 0)
    if remainder or not 0 <= offset < count:
        raise UsageError(
            f"SLURM array task {number} has no place in a series of {count} from {first}",
            hint="number the tasks without gaps (--array=1-8), or pass --shard I/N",
        )
    return Shard(offset + 1, count)
