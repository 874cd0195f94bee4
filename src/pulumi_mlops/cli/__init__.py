"""The commands of ``pulumi-mlops``: those of the library, and those that other distributions add.

A distribution adds a command by an entry point of the group ``pulumi_mlops.commands``: its name is the command's, its
value a Typer app. What a command needs is imported when it runs, so that ``--help`` is quick.
"""

import json
import os
import shlex
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from pulumi_mlops.cli import day_two
from pulumi_mlops.cli.words import AsJson, Cwd, Output, StackName, pairs

if TYPE_CHECKING:
    from rich.table import Table

    from pulumi_mlops.clients.client import Client
    from pulumi_mlops.clients.runs import Run
    from pulumi_mlops.policies.report import Format

COMMANDS = "pulumi_mlops.commands"
"""The group of entry points that add commands."""

NOT_INSTALLED = {"sandbox": "The sandbox is a distribution of its own. Run: pip install pulumi-mlops-sandbox"}
"""Commands of distributions that may be absent, and what is said then."""

PLAIN_WIDTH = 1000
"""More than any line needs."""

LEFT_OUT = 3
"""The exit code of a run that succeeded, and of which a condition left steps out."""
INTERRUPTED = 130
NOT_CHECKED = 2
"""The exit code of a check that saw no whole stack."""


class Commands(TyperGroup):
    """The library's commands, and after them those of other distributions, each loaded when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Name the commands."""
        own = super().list_commands(ctx)
        return [*own, *sorted(metadata.entry_points(group=COMMANDS).names - set(own))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Find a command; one that cannot be loaded says so when it is called."""
        if own := super().get_command(ctx, cmd_name):
            return own
        for entry in metadata.entry_points(group=COMMANDS, name=cmd_name):
            return _loaded(entry)
        return _saying(cmd_name, NOT_INSTALLED[cmd_name]) if cmd_name in NOT_INSTALLED else None


def _loaded(entry: metadata.EntryPoint) -> Any:
    try:
        command = typer.main.get_command(entry.load())
    except Exception as error:  # noqa: BLE001  (whatever the other distribution raises: the other commands still work)
        owner = entry.dist.name if entry.dist else entry.value
        cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return _saying(entry.name, f"The command {entry.name} of {owner} cannot be loaded: {cause}")
    command.name = entry.name
    return command


def _saying(name: str, sentence: str) -> Any:
    """Make a command that says why it is not the real one."""
    app = typer.Typer(add_completion=False)

    @app.command(
        name,
        help=sentence,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    )
    def say() -> None:
        sys.exit(f"Error: {sentence}")

    return typer.main.get_command(app)


app = typer.Typer(
    cls=Commands,
    help="MLOps platforms as Pulumi components.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run a command; an error is a line and an exit code."""
    try:
        app(prog_name="pulumi-mlops")
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.exit(f"Error: {error}")


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


@app.command()
def matrix(
    backend: Annotated[
        list[str] | None, typer.Option(help="A backend or an engine; the default is all that are installed.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print what each backend and each engine can do."""
    from pulumi_mlops.core import matrix as table_of  # noqa: PLC0415
    from pulumi_mlops.core.errors import MlopsError  # noqa: PLC0415

    try:
        rows = list(table_of.matrix(backend))
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

    names = list(dict.fromkeys(name for row in rows for name in row.cells))
    table = Table("capability", *names, "reason", box=None, pad_edge=False)
    for row in rows:
        notes = []
        for name, entry in row.cells.items():
            parts = [entry.reason, f"Instead: {entry.instead}" if entry.instead else ""]
            said = " ".join(part for part in parts if part)
            notes += [f"{name}: {said}" if said and len(names) > 1 else said] if said else []
        levels = [row.cells[name].level if name in row.cells else "" for name in names]
        table.add_row(row.capability, *levels, "; ".join(notes))
    _show(table)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is missing on this machine, and the line that mends it; the exit code is 1 if something needed is."""
    from pulumi_mlops import doctor  # noqa: PLC0415

    found = doctor.run()
    if as_json:
        typer.echo(json.dumps([vars(check) for check in found], indent=2))
    else:
        from rich.markup import escape  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        styles = {"ok": "green", "optional": "yellow", "missing": "red"}
        table = Table("what", "state", "detail", "mend it", box=None, pad_edge=False)
        for check in found:
            state = f"[{styles[check.state]}]{check.state}[/]"
            table.add_row(escape(check.what), state, escape(check.detail), escape(check.mend))
        _show(table)
    raise typer.Exit(1 if any(check.state == "missing" for check in found) else 0)


@app.command()
def image(
    name: Annotated[str, typer.Argument(help="The image, such as drift.")],
    tag: Annotated[bool, typer.Option("--tag", help="Print its tag instead, which monitors ask for.")] = False,
) -> None:
    """Print the Dockerfile of an image that the library's own steps need: pipe it into docker build -t IMAGE -."""
    from pulumi_mlops import images  # noqa: PLC0415

    if name not in images.IMAGES:
        sys.exit(f"Error: there is no image {name!r}; there is {', '.join(images.IMAGES)}")
    typer.echo(images.tag(name) if tag else images.dockerfile(name), nl=tag)


@app.command()
def run(
    stack: StackName,
    pipeline: Annotated[str, typer.Argument(help="The pipeline, by its name in the program or by the output.")],
    *,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="What it is started with.")
    ] = None,
    follow: Annotated[
        str | None, typer.Option(metavar="RUN", help="Follow a run that goes on, instead of starting one.")
    ] = None,
    detach: Annotated[bool, typer.Option("--detach", help="Start it, and do not wait for its end.")] = False,
    output: Output = "text",
    cwd: Cwd = None,
) -> None:
    """Start a pipeline of a stack and follow it to its end.

    The exit code is 0 if it succeeded, 1 if it failed or was stopped, 3 if it succeeded and a condition left steps out.
    """
    from pulumi_mlops.clients.client import client  # noqa: PLC0415
    from pulumi_mlops.core.errors import MlopsError  # noqa: PLC0415

    given: dict[str, Any] = {**pairs(parameter or [], "--parameter")}
    if follow and (given or detach):
        sys.exit("Error: --follow looks at a run that was started; leave out --parameter and --detach")
    try:
        asked = client(stack, cwd=cwd)
        began = asked.look(pipeline, follow) if follow else asked.start(pipeline, given)
        if detach:
            _started(began, stack, pipeline, cwd, output)
            return
        typer.echo(f"Run {began.id} of {pipeline}", err=output == "json")
        try:
            ended = _followed(asked, pipeline, began, quiet=output == "json")
        except KeyboardInterrupt:
            again = _again(stack, pipeline, began, cwd)
            typer.echo(f"\nThe run goes on. Follow it again with: {again}", err=True)
            raise typer.Exit(INTERRUPTED) from None
    except MlopsError as error:
        sys.exit(f"Error: {error}")
    raise typer.Exit(_told(asked, pipeline, ended, output))


def _again(stack: str, pipeline: str, run: "Run", cwd: Path | None) -> str:
    words = ["pulumi-mlops", "run", stack, pipeline, "--follow", run.id, *(["--cwd", str(cwd)] if cwd else [])]
    return shlex.join(words)


def _started(run: "Run", stack: str, pipeline: str, cwd: Path | None, output: str) -> None:
    if output == "json":
        typer.echo(json.dumps(run.plain(), indent=2))
        return
    typer.echo(f"Run {run.id} of {pipeline} has begun. Follow it with: {_again(stack, pipeline, run, cwd)}")


def _followed(asked: "Client", pipeline: str, began: "Run", *, quiet: bool) -> "Run":
    """Tell of each change of a run until it ends."""
    from pulumi_mlops.clients import telling  # noqa: PLC0415

    seen, now = None, began
    for now in asked.follow(pipeline, began.id):
        for line in telling.changes(now, seen):
            typer.echo(line, err=quiet)
        seen = now
    return now


def _told(asked: "Client", pipeline: str, ended: "Run", output: str) -> int:
    """Print how a run ended; return the exit code."""
    from pulumi_mlops.clients import telling  # noqa: PLC0415

    logs = {step.name: asked.last_lines(pipeline, ended, step) for step in ended.steps if step.state == "failed"}
    if output == "json":
        typer.echo(json.dumps({**ended.plain(), "logs": logs}, indent=2))
    else:
        for name, lines in logs.items():
            for line in [f"The last lines of {name}:", *(f"  {line}" for line in lines)] if lines else []:
                typer.echo(line)
        for line in telling.ending(ended):
            typer.echo(line)
    if ended.state != "succeeded":
        return 1
    return LEFT_OUT if ended.left_out else 0


@app.command()
def lineage(
    stack: StackName,
    what: Annotated[str, typer.Argument(metavar="ENDPOINT|MODEL[:VERSION]", help="An endpoint, or a model's version.")],
    output: Output = "text",
    cwd: Cwd = None,
) -> None:
    """Say where what an endpoint serves, or a version of a model, comes from: run, step, code, parameters, data."""
    from pulumi_mlops.clients import telling  # noqa: PLC0415
    from pulumi_mlops.clients.client import client  # noqa: PLC0415
    from pulumi_mlops.core.errors import MlopsError  # noqa: PLC0415

    name, sign, number = what.partition(":")
    if sign and not number.isdecimal():
        sys.exit(f"Error: {number!r} is no version; write a number, such as {name}:3")
    try:
        found = client(stack, cwd=cwd).lineage(name, int(number) if sign else None)
    except MlopsError as error:
        sys.exit(f"Error: {error}")
    if output == "json":
        typer.echo(json.dumps(found.plain(), indent=2))
        return
    for line in telling.tree(found):
        typer.echo(line)


@app.command()
def show(
    stack: StackName,
    output: Annotated[Literal["page", "json"], typer.Option(help="A page of one file, or JSON.")] = "page",
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where it is written; a page goes to STACK.html unless told, JSON is printed."
        ),
    ] = None,
    cwd: Cwd = None,
) -> None:
    """Show what a stack is: its nouns, what serves, what ran and was approved last, what it costs."""
    from pulumi_mlops.clients.client import client  # noqa: PLC0415
    from pulumi_mlops.core.errors import MlopsError  # noqa: PLC0415

    try:
        found = client(stack, cwd=cwd).picture()
    except MlopsError as error:
        sys.exit(f"Error: {error}")
    if output == "json":
        text = json.dumps(found.plain(), indent=2) + "\n"
    else:
        from pulumi_mlops.clients import page  # noqa: PLC0415

        text = page.written(found)
        to = to or Path(f"{stack.replace('/', '-')}.html")
    if to is None:
        typer.echo(text, nl=False)
        return
    to.write_text(text, encoding="utf-8")
    typer.echo(f"{to.resolve()} is written; open it in a browser")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="The folder of a stack's program.", metavar="STACK_FOLDER")],
    *,
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="The stack; the selected one unless told.")] = None,
    profile: Annotated[
        Literal["dev", "prod", "regulated"] | None,
        typer.Option(help="How strict it is; the stack's setting pulumi-mlops:profile unless told, else prod."),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Levels, settings and exceptions, as JSON.")] = None,
    pack: Annotated[Path | None, typer.Option(help="A policy pack of your own instead of the library's.")] = None,
    output: Annotated[
        Literal["text", "json", "sarif", "junit", "markdown"] | None,
        typer.Option(help="How the result is printed; text unless told."),
    ] = None,
    to: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file for it; the summary is printed all the same. Several may be given: each is what its name ends "
            "in, .txt, .json, .sarif, .xml (JUnit) or .md."
        ),
    ] = None,
) -> None:
    """Hold the rules against a preview of a stack.

    The exit code is 0 if no mandatory rule is violated, 1 if one is, 2 if the stack could not be checked.
    """
    from pulumi_mlops.policies import check as checking  # noqa: PLC0415
    from pulumi_mlops.policies.report import WRITERS, form  # noqa: PLC0415

    files: dict[Path, Format] = {}
    for path in to or ():
        if (known := output or form(path)) is None:
            raise typer.BadParameter(f"{path.name} does not say what it is: name --output", param_hint="--to")
        files[path] = known
    if output and len(files) > 1:
        raise typer.BadParameter("is of one file: leave it out, and each is what it ends in", param_hint="--output")
    try:
        report = checking.check(folder, stack, profile=profile, config=config, pack=pack)
    except checking.NotChecked as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(NOT_CHECKED) from None
    for path, known in files.items():
        path.write_text(WRITERS[known](report) + "\n", encoding="utf-8")
    typer.echo(report.summary() if files else WRITERS[output or "text"](report))
    raise typer.Exit(1 if report.blocking else 0)


@app.command()
def cost(
    folder: Annotated[Path, typer.Argument(help="The folder of a stack's program.", metavar="STACK_FOLDER")],
    *,
    stack: Annotated[str | None, typer.Option("--stack", "-s", help="The stack; the selected one unless told.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="What is used and what may be spent, as `check` takes it, as JSON.")
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(help="A table of your own prices, which win over the library's, as CSV.")
    ] = None,
    output: Annotated[Literal["text", "json", "markdown"], typer.Option(help="How the result is printed.")] = "text",
    to: Annotated[Path | None, typer.Option(help="A file for it; the summary is printed all the same.")] = None,
) -> None:
    """Estimate what a month of a stack costs, by resource, out of a preview, and what an edit adds to it.

    What no table has a price for is named, and never counted as 0. The exit code is 2 if there was no preview.
    """
    from pulumi_mlops.policies import check as checking  # noqa: PLC0415
    from pulumi_mlops.policies.costs.report import WRITERS  # noqa: PLC0415

    try:
        found = checking.costs(folder, stack, config=config, prices=prices)
    except checking.NotChecked as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(NOT_CHECKED) from None
    written = WRITERS[output](found)
    if to:
        to.write_text(written + "\n", encoding="utf-8")
        typer.echo(found.summary())
    else:
        typer.echo(written)


@app.command("refresh-prices")
def refresh_prices(
    *,
    provider: Annotated[Literal["aws", "azure"], typer.Option(help="Whose prices.")],
    region: Annotated[str, typer.Option(help="Where, such as us-east-1 or eastus.")],
    service: Annotated[
        str | None, typer.Option(help="Of AWS sagemaker unless told, ec2, s3, …; of Azure azure-vm, storage, ….")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="What was fetched on another machine: AWS's index.csv, a page of Azure.")
    ] = None,
) -> None:
    """Fetch what a cloud publishes of its prices, for `cost` and `check` on this machine; it needs no account."""
    from pulumi_mlops.policies.costs.prices import BadPrices  # noqa: PLC0415
    from pulumi_mlops.policies.costs.refresh import refresh  # noqa: PLC0415

    try:
        path, number = refresh(provider, region, service, file)
    except BadPrices as error:
        sys.exit(f"Error: {error}")
    typer.echo(f"{number} prices are in {path}")


for command in day_two.COMMANDS:
    app.command()(command)


@app.command()
def verify(
    *,
    backend: Annotated[str, typer.Option(help="Where: aws or kubernetes, those that it verifies so far.")],
    image: Annotated[
        str | None,
        typer.Option(
            help="The image that trains the toy model, with Python, numpy and MLflow; on AWS it serves it as well, "
            "and `pulumi-mlops image toy` has the Dockerfile."
        ),
    ] = None,
    drift_image: Annotated[
        str | None,
        typer.Option(help="The image of the drift program, of which `pulumi-mlops image drift` has the Dockerfile."),
    ] = None,
    region: Annotated[str | None, typer.Option(help="The region, on AWS.")] = None,
    name: Annotated[str, typer.Option(help="What the platform is called; the name must not be taken.")] = "verify",
    existing: Annotated[
        str, typer.Option(metavar="JSON", help="Parts that are there already, as Platform(existing=…) takes them.")
    ] = "{}",
    report: Annotated[Path, typer.Option(help="The folder for the report, a page and JSON.")] = Path("verify-report"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before anything is made.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave what was made where a part fails.")] = False,
) -> None:
    """Prove it in your own account or cluster: a small platform goes once round with a toy model, and leaves nothing.

    It trains, approves, serves and releases under load; a version that is broken on purpose is sent back, drift starts
    a training, a batch is scored. The exit code is 0 if every part showed what it has to. Interrupted, it takes
    down what it has made; killed, the next start goes on.
    """
    from pulumi_mlops.core.errors import MlopsError  # noqa: PLC0415
    from pulumi_mlops.verify import command, project  # noqa: PLC0415

    try:
        settings = command.settings(
            backend=backend, name=name, existing=existing, image=image, drift_image=drift_image, region=region
        )
        place = project.folder(name)
        code = command.verify(
            project.Project(place, settings, typer.echo),
            settings,
            say=typer.echo,
            confirmed=lambda said: yes or typer.confirm(f"{said} Go on?"),
            reports=report,
            keep=keep,
        )
    except MlopsError as error:
        sys.exit(f"Error: {error}")
    raise typer.Exit(code)
