"""What commands have in common: how a stack is named, how a result is printed, how pairs are read."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Output = Annotated[Literal["text", "json"], typer.Option(help="How the result is printed.")]
Cwd = Annotated[Path | None, typer.Option("--cwd", "-C", help="The folder of the stack's program.")]
StackName = Annotated[str, typer.Argument(help="The stack, as `pulumi --stack` takes it.")]


def pairs(given: list[str], option: str) -> dict[str, str]:
    """Read pairs as they stand on the command line; whose value is given twice is an error."""
    found: dict[str, str] = {}
    for pair in given:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            sys.exit(f"Error: {option} takes NAME=VALUE; this is {pair!r}")
        if name in found:
            sys.exit(f"Error: {option} {name} is given twice")
        found[name] = value
    return found
