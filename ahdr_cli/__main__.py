"""`python -m ahdr_cli` is `ahdr`."""

from ahdr_cli.cli.app import main

if __name__ == "__main__":
    main()
