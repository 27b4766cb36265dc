"""From photographs to a bracket: exposures, order, choice and validation. Needs only numpy."""

from ahdr_cli.bracket.bracket import Bracket
from ahdr_cli.bracket.exposures import parse_evs, parse_exposures, read_ev_file, with_exposures
from ahdr_cli.bracket.relative import EQUAL_EV, relative_exposures
from ahdr_cli.bracket.select import select_three
from ahdr_cli.bracket.selection import Selection
from ahdr_cli.bracket.spacing import TRAINED_SPACING_EV
from ahdr_cli.bracket.warnings import bracket_warnings

__all__ = [
    "EQUAL_EV",
    "TRAINED_SPACING_EV",
    "Bracket",
    "Selection",
    "bracket_warnings",
    "parse_evs",
    "parse_exposures",
    "read_ev_file",
    "relative_exposures",
    "select_three",
    "with_exposures",
]
