"""``python -m ahdr_cli.training``: train where there is torch, numpy and safetensors only.

``ahdr train`` does the same with more comfort, and needs the packages of the command line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ahdr_cli.errors import AhdrError
from ahdr_cli.training.events import Event, Progress, Saved, Validated

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Args:
        arguments: of the command line; by default those of this process.
    """
    options = _parser().parse_args(arguments)
    from ahdr_cli.training.distributed import is_first_process
    from ahdr_cli.training.overlap import overlap_warning
    from ahdr_cli.training.session import run_session
    from ahdr_cli.training.sources import open_engine

    doubt = overlap_warning(options.data, options.validation)
    if doubt is not None and is_first_process():
        sys.stderr.write(f"warning: {doubt}\n")
    try:
        result = run_session(
            open_engine,
            data=options.data,
            validation=options.validation,
            out=options.out,
            preset_or_path=options.preset,
            overrides=options.set,
            resume=options.resume,
            on_event=_print,
        )
    except AhdrError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{result.reason} after {result.step} steps: {result.last}\n")
    if result.reason == "stopped":
        sys.stdout.write("go on with the same command and --resume instead of --preset\n")
    return result.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ahdr_cli.training", description=__doc__)
    parser.add_argument("--data", action="append", required=True, help="source; may be repeated")
    parser.add_argument(
        "--validation", "--val", action="append", default=[], help="held-out source"
    )
    parser.add_argument("--out", required=True, type=_not_empty, help="folder of the run")
    parser.add_argument("--preset", "--config", help="preset or TOML file (default: release)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    return parser


def _not_empty(text: str) -> str:
    """An empty path would be the folder that we are in."""
    if not text:
        raise argparse.ArgumentTypeError("is empty")
    return text


def _print(event: Event) -> None:
    match event:
        case Progress():
            left = "" if event.remaining is None else f"  {event.remaining / 60:.0f} min left"
            line = (
                f"{event.step:>8} {event.fraction:6.1%}  loss {event.loss:.5f}  "
                f"lr {event.lr:.2e}  patch {event.patch}  {event.samples_per_second:.1f}/s{left}"
            )
        case Validated():
            line = (
                f"{event.step:>8} PSNR-μ {event.psnr_mu:.2f} dB  PSNR-L {event.psnr_l:.2f} dB"
                + ("  best" if event.best else "")
            )
        case Saved():
            return
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
