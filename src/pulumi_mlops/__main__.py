"""``pulumi-mlops``, and ``python -m pulumi_mlops``: starts the command, or says what to install for it."""

import importlib.util
import sys

NEEDED = ("typer", "rich")


def main() -> None:
    """Run the command line."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(f"Error: the command needs {' and '.join(missing)}. Run: pip install 'pulumi-mlops[cli]'")
    from pulumi_mlops import cli  # noqa: PLC0415  (it needs what was looked for)

    cli.main()


if __name__ == "__main__":
    main()
