"""`ahdr`, also as `python -m ahdr_cli`.

Importing the commands takes a fifth of a second, in which a user may already press Ctrl-C.
"""

import sys

__all__ = ["main"]


def main() -> None:
    """Entry point of the `ahdr` command."""
    try:
        from ahdr_cli.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("ahdr: error: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
