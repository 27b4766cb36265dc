"""The root of the commands: what is refused before any of them looks at its arguments."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from ahdr_cli.cli.console import guarded
from ahdr_cli.errors import UsageError

__all__ = ["Root"]


class Root(TyperGroup):
    """Refuses empty arguments.

    No argument of ours means anything when it is empty, but an empty path would mean the folder
    that we are in, which is read and written to where a variable of a script is not set.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 # no public type
        """Called with everything after `ahdr`."""
        if not ctx.resilient_parsing:  # completion asks what may stand for an empty word
            guarded(_refuse_empty)(args)
        return super().parse_args(ctx, args)


def _refuse_empty(args: list[str]) -> None:
    before = None
    for argument in args:
        option, equals, value = argument.partition("=")
        if argument.startswith("--") and equals and not value:
            raise UsageError(f"{option} is empty", hint=_HINT)
        if not argument:
            place = "the first argument" if before is None else f"the argument after {before}"
            raise UsageError(f"{place} is empty", hint=_HINT)
        before = argument


_HINT = "is a variable of the shell not set?"
