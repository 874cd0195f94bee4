"""``pulumi-mlops sandbox``: the entry point by which the library's command finds these commands.

What a command needs is imported when it runs, so that ``--help`` is quick.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from pulumi_mlops_sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pulumi_mlops_sandbox.environment import Sandbox


class Commands(TyperGroup):
    """Commands whose errors are a line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except SandboxError as error:
            sys.exit(f"Error: {error}")
        except ModuleNotFoundError as error:
            sys.exit(f"Error: {error.name} is not installed. Run: pip install pulumi-mlops-sandbox")


app = typer.Typer(
    cls=Commands,
    help="Pulumi against control planes on this machine: no cloud account needed.",
    no_args_is_help=True,
    add_completion=False,
)

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
        help="A control plane, aws, azure or kubernetes; may be repeated.",
        show_default="what the project names, else what runs, else aws",
    ),
]
Nodes = Annotated[
    str | None,
    typer.Option(
        help="What Kubernetes has for nodes: played, or real, on which containers run (Linux, root).",
        show_default="what the sandbox had the last time, else played",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _sandbox(home: Path | None) -> "Sandbox":
    from pulumi_mlops_sandbox.environment import Sandbox  # noqa: PLC0415

    return Sandbox(home)


@app.command()
def up(home: Home = None, plane: Planes = None, nodes: Nodes = None) -> None:
    """Start the sandbox; the first time this builds what is missing, the engine and Kubernetes among it."""
    sandbox = _sandbox(home)
    sandbox.up(plane or None, nodes)
    running = [status for status in sandbox.status() if status.running]
    for status in running:
        typer.echo(f"{status.name}: {status.url}")
    typer.echo(f"Use it: pulumi-mlops sandbox run -- pulumi up -C stacks/{running[-1].name}")


@app.command()
def down(home: Home = None) -> None:
    """Stop the sandbox; what exists in it is kept."""
    _sandbox(home).down()


@app.command()
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
        for said in sandbox.warnings():
            typer.echo(f"Warning: {said}")
    raise typer.Exit(0 if any(plane.running for plane in planes) else 1)


@app.command()
def env(home: Home = None) -> None:
    """Print shell lines that lead into the sandbox: eval "$(pulumi-mlops sandbox env)"."""
    typer.echo(_sandbox(home).shell())


@app.command()
def operators(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names, as `Platform(addons=[…])` has them, or a set: serving, training.", show_default="all of them"
        ),
    ] = None,
    home: Home = None,
) -> None:
    """Install operators as they are into a sandbox whose nodes are real; the first time this builds them."""
    from pulumi_mlops_sandbox.kubernetes.operators import running  # noqa: PLC0415  (only who wants a cluster)

    for name in running.install(_sandbox(home), names or None):
        typer.echo(name)


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def run(
    command: Annotated[list[str], typer.Argument(help="The command, after --")],
    home: Home = None,
    plane: Planes = None,
    nodes: Nodes = None,
) -> None:
    """Run a command in the sandbox, as in: pulumi-mlops sandbox run -- pulumi up -C stacks/aws."""
    _sandbox(home).become(command, plane or None, nodes)


@app.command()
def image(
    pattern: Annotated[str | None, typer.Argument(help="An image's address; * stands for any part of it.")] = None,
    folder: Annotated[Path | None, typer.Argument(help="A folder with its programs.", show_default="none")] = None,
    entrypoint: Annotated[str, typer.Option(help="What the image starts where a job names no command.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Forget what stands in for it.")] = False,
    home: Home = None,
) -> None:
    """Have a folder stand in for an image, so that jobs which start the image run; without arguments, list them."""
    import shlex  # noqa: PLC0415

    from pulumi_mlops_sandbox.running.images import Images  # noqa: PLC0415

    images = Images(_sandbox(home).home)
    try:
        if pattern and remove:
            images.remove(pattern)
        elif pattern:
            images.put(pattern, str(folder or ""), shlex.split(entrypoint))
    except ValueError as error:
        raise SandboxError(str(error)) from None
    for one in images.all():
        typer.echo(f"{one.image}: {one.folder or 'the programs of this machine'} {shlex.join(one.entrypoint)}".rstrip())


@app.command()
def fire(schedule: Annotated[str, typer.Argument(help="Its name, or its id on Azure.")], home: Home = None) -> None:
    """Let a schedule fire now, whatever its time is."""
    from pulumi_mlops_sandbox import firing  # noqa: PLC0415

    for reached in firing.fire(_sandbox(home), schedule):
        typer.echo(reached)
