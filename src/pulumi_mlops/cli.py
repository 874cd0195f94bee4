"""``pulumi-mlops``: the sandbox, the capability matrix, and what is missing on this machine.

What a command needs is imported when it runs, so that ``--help`` is quick.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pulumi_mlops_sandbox.errors import SandboxError

if TYPE_CHECKING:
    from rich.table import Table

    from pulumi_mlops_sandbox.environment import Sandbox

app = typer.Typer(
    help="MLOps platforms as Pulumi components.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sandbox_app = typer.Typer(
    help="Pulumi against control planes on this machine: no cloud account needed.", no_args_is_help=True
)
app.add_typer(sandbox_app, name="sandbox")

Home = Annotated[
    Path | None,
    typer.Option(
        help="The sandbox's folder; several can run side by side.",
        envvar="PULUMI_MLOPS_SANDBOX_HOME",
        show_default="the user's state folder",
    ),
]
Planes = Annotated[
    list[str] | None,
    typer.Option(
        "--plane",
        help="A control plane, aws or kubernetes; may be repeated.",
        show_default="what the project names, else what runs, else aws",
    ),
]
PLAIN_WIDTH = 1000
"""More than any line needs."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run a command; an error is a line and an exit code."""
    try:
        app()
    except SandboxError as error:
        sys.exit(f"Error: {error}")
    except ModuleNotFoundError as error:
        sys.exit(f"Error: {error.name} is not installed. Run: pip install 'pulumi-mlops[sandbox]'")
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.exit(f"Error: {error}")


def _sandbox(home: Path | None) -> "Sandbox":
    from pulumi_mlops_sandbox.environment import Sandbox  # noqa: PLC0415

    return Sandbox(home)


def _show(table: "Table") -> None:
    """Print a table: in colours on a terminal that has them, else as plain lines that are not folded."""
    from rich.console import Console  # noqa: PLC0415

    for column in table.columns:
        column.overflow = "fold"  # rather than cut off
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
        return
    console = Console(width=PLAIN_WIDTH, highlight=False, color_system=None)
    with console.capture() as captured:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


@sandbox_app.command()
def up(home: Home = None, plane: Planes = None) -> None:
    """Start the sandbox; the first time this builds what is missing, the engine and Kubernetes among it."""
    sandbox = _sandbox(home)
    sandbox.up(plane or None)
    running = [status for status in sandbox.status() if status.running]
    for status in running:
        typer.echo(f"{status.name}: {status.url}")
    typer.echo(f"Use it: pulumi-mlops sandbox run -- pulumi up -C stacks/{running[-1].name}")


@sandbox_app.command()
def down(home: Home = None) -> None:
    """Stop the sandbox; what exists in it is kept."""
    _sandbox(home).down()


@sandbox_app.command()
def status(home: Home = None, as_json: AsJson = False) -> None:
    """Say what runs; the exit code is 1 if nothing does."""
    sandbox = _sandbox(home)
    planes = sandbox.status()
    if as_json:
        rows = [{"name": plane.name, "running": plane.running, "pid": plane.pid, "url": plane.url} for plane in planes]
        typer.echo(json.dumps({"home": str(sandbox.home), "control_planes": rows}, indent=2))
    else:
        typer.echo(f"home: {sandbox.home}")
        for plane in planes:
            typer.echo(f"{plane.name}: " + (f"{plane.url} (process {plane.pid})" if plane.running else "stopped"))
    raise typer.Exit(0 if any(plane.running for plane in planes) else 1)


@sandbox_app.command()
def env(home: Home = None) -> None:
    """Print shell lines that lead into the sandbox: eval "$(pulumi-mlops sandbox env)"."""
    typer.echo(_sandbox(home).shell())


@sandbox_app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(help="The command, after --")],
    home: Home = None,
    plane: Planes = None,
) -> None:
    """Run a command in the sandbox, as in: pulumi-mlops sandbox run -- pulumi up -C stacks/aws."""
    _sandbox(home).become(command, plane or None)


@app.command()
def matrix(
    backend: Annotated[list[str] | None, typer.Option(help="A backend; all that are installed, unless told.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print what each backend can do."""
    from pulumi_mlops.core import capabilities  # noqa: PLC0415
    from pulumi_mlops.core.errors import MlopsError  # noqa: PLC0415

    try:
        rows = list(capabilities.matrix(backend))
    except MlopsError as error:
        sys.exit(f"Error: {error}")
    if as_json:
        cells = {
            row.capability: {
                name: {"level": entry.level, "reason": entry.reason, "instead": entry.instead}
                for name, entry in row.cells.items()
            }
            for row in rows
        }
        typer.echo(json.dumps(cells, indent=2))
        return
    from rich.table import Table  # noqa: PLC0415

    names = list(rows[0].cells) if rows else []
    table = Table("capability", *names, "reason", box=None, pad_edge=False)
    for row in rows:
        notes = []
        for name, entry in row.cells.items():
            parts = [entry.reason, f"Instead: {entry.instead}" if entry.instead else ""]
            said = " ".join(part for part in parts if part)
            notes += [f"{name}: {said}" if said and len(names) > 1 else said] if said else []
        table.add_row(row.capability, *(entry.level for entry in row.cells.values()), "; ".join(notes))
    _show(table)


@app.command()
def doctor(home: Home = None, as_json: AsJson = False) -> None:
    """Say what is missing on this machine, and the line that mends it; the exit code is 1 if something needed is."""
    from pulumi_mlops import doctor  # noqa: PLC0415

    found = doctor.run(home)
    if as_json:
        typer.echo(json.dumps([vars(check) for check in found], indent=2))
    else:
        from rich.table import Table  # noqa: PLC0415

        styles = {"ok": "green", "optional": "yellow", "missing": "red"}
        table = Table("what", "state", "detail", "mend it", box=None, pad_edge=False)
        for check in found:
            table.add_row(check.what, f"[{styles[check.state]}]{check.state}[/]", check.detail, check.mend)
        _show(table)
    raise typer.Exit(1 if any(check.state == "missing" for check in found) else 0)


if __name__ == "__main__":
    main()
