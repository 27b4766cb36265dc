"""Patterns of file names in which ``{set}`` stands for what the files of one set share."""

from __future__ import annotations

import re

from ahdr_cli.errors import UsageError

__all__ = ["pattern_expression"]


def pattern_expression(pattern: str) -> re.Pattern[str]:
    """A regular expression with the group `set` for a shell pattern with ``{set}``.

    Raises:
        UsageError: the pattern does not hold ``{set}`` exactly once, or a range in brackets runs
            backwards.
    """
    if pattern.count("{set}") != 1:
        raise UsageError(
            f"--pattern must hold {{set}} once, got {pattern!r}", hint="e.g. '{set}_[0-9].jpg'"
        )
    before, after = (_shell_to_regex(part) for part in pattern.split("{set}"))
    try:
        return re.compile(rf"(?:(?<=/)|^){before}(?P<set>[^/]+?){after}$")
    except re.error as error:
        raise UsageError(
            f"--pattern {pattern!r} is no pattern: {error.msg}",
            hint="a range runs upwards, as in [0-9] or [a-z]",
        ) from error


def _shell_to_regex(pattern: str) -> str:
    expression = ""
    i = 0
    while i < len(pattern):
        char = pattern[i]
        close = pattern.find("]", i + 2) if char == "[" else -1
        if close > 0:
            body = pattern[i + 1 : close].replace("\\", r"\\").replace("[", r"\[")
            expression += f"[{'^' + body[1:] if body.startswith('!') else body}]"
            i = close
        else:
            expression += {"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char))
        i += 1
    return expression
