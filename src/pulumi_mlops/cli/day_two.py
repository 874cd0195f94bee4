"""The commands of day two: versions of models, predictions, the way back, and what monitors found.

``cli`` adds them; what they need is imported when one runs.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pulumi_mlops.cli.words import Cwd, Output, StackName, pairs

if TYPE_CHECKING:
    from pulumi_mlops.clients.client import Client
    from pulumi_mlops.clients.results import RegisteredVersion, Report

_STANDARD_INPUT = "-"
_KINDS = {".json": "application/json", ".csv": "text/csv", ".txt": "text/plain"}

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="The model, by its name in the program.")]
EndpointName = Annotated[str, typer.Argument(metavar="ENDPOINT", help="The endpoint, by its name in the program.")]
Number = Annotated[int, typer.Argument(metavar="VERSION", min=1)]
Reason = Annotated[str, typer.Option("--reason", "-r", help="Why; it stands with the version.")]
By = Annotated[str | None, typer.Option(help="Who decides; whom the backend knows as the caller unless told.")]


@contextmanager
def _asking(stack: str, cwd: Path | None) -> Iterator["Client"]:
    """Ask a stack; an error is a line and the exit code 1."""
    from pulumi_mlops.clients import client as clients  # noqa: PLC0415
    from pulumi_mlops.core.errors import MlopsError  # noqa: PLC0415

    try:
        yield clients.client(stack, cwd=cwd)
    except MlopsError as error:
        sys.exit(f"Error: {error}")


def _line(one: "RegisteredVersion") -> str:
    decided = f" by {one.decision.by}: {one.decision.reason}" if one.decision else ""
    measured = ", ".join(f"{name}={value:g}" for name, value in one.metrics.items())
    return f"{one.model} version {one.version}: {one.approval}{decided}{f' ({measured})' if measured else ''}"


def _print(found: "list[RegisteredVersion]", output: str, *, several: bool) -> None:
    if output == "json":
        plain = [one.plain() for one in found]
        typer.echo(json.dumps(plain if several else plain[0], indent=2))
        return
    for one in found:
        typer.echo(_line(one))


def register(
    stack: StackName,
    model: ModelName,
    files: Annotated[Path, typer.Argument(metavar="FILES", help="A folder, or one file.")],
    *,
    metric: Annotated[list[str] | None, typer.Option("--metric", "-m", metavar="NAME=NUMBER")] = None,
    metadata: Annotated[list[str] | None, typer.Option(metavar="NAME=TEXT")] = None,
    image: Annotated[str | None, typer.Option(help="The image that serves it.")] = None,
    output: Output = "text",
    cwd: Cwd = None,
) -> None:
    """Upload files and register them as a model's next version, which waits for its approval."""
    measured: dict[str, float] = {}
    for name, value in pairs(metric or [], "--metric").items():
        try:
            measured[name] = float(value)
        except ValueError:
            sys.exit(f"Error: --metric {name} is {value!r}, which is no number")
    told = pairs(metadata or [], "--metadata")
    with _asking(stack, cwd) as asked:
        made = asked.register(model, files, metrics=measured, metadata=told, image=image)
    _print([made], output, several=False)


def versions(
    stack: StackName,
    model: ModelName,
    *,
    approval: Annotated[
        Literal["pending", "approved", "rejected", "none"] | None, typer.Option(help="Only these.")
    ] = None,
    last: Annotated[int | None, typer.Option(min=1, help="At most so many, the newest.")] = None,
    output: Output = "text",
    cwd: Cwd = None,
) -> None:
    """List the versions of a model, the newest first."""
    with _asking(stack, cwd) as asked:
        found = asked.versions(model, approval=approval, last=last)
    _print(found, output, several=True)


def _deciding(call: Literal["approve", "reject"], told: str) -> Callable[..., None]:
    """Make the command of a decision.

    :param told: what it says of itself.
    """

    def decide(
        stack: StackName,
        model: ModelName,
        version: Number,
        *,
        reason: Reason,
        by: By = None,
        output: Output = "text",
        cwd: Cwd = None,
    ) -> None:
        with _asking(stack, cwd) as asked:
            ask = asked.approve if call == "approve" else asked.reject
            made = ask(model, version, reason=reason, by=by)
        _print([made], output, several=False)

    decide.__name__, decide.__doc__ = call, told
    return decide


approve = _deciding(
    "approve", "Approve a version of a model: endpoints of its approved version take it with their next pulumi up."
)
reject = _deciding("reject", "Reject a version of a model, also one that was approved.")


def predict(
    stack: StackName,
    endpoint: EndpointName,
    question: Annotated[
        str, typer.Argument(metavar="FILE", help="What is sent; - for what comes by standard input.")
    ] = _STANDARD_INPUT,
    *,
    content_type: Annotated[
        str | None, typer.Option(help="What it is; told by the file's name, else JSON where it is that.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help="Which variant is to answer.")] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer piece by piece, as it comes.")] = False,
    cwd: Cwd = None,
) -> None:
    """Ask an endpoint, and print its answer as it is."""
    if question == _STANDARD_INPUT:
        body = sys.stdin.buffer.read()
    elif (path := Path(question)).is_file():
        body = path.read_bytes()
    else:
        sys.exit(f"Error: {question} is not there; write a file, or - for standard input")
    kind = content_type or _KINDS.get(Path(question).suffix) or _guessed(body)
    with _asking(stack, cwd) as asked:
        if stream:
            for piece in asked.stream(endpoint, body, content_type=kind, variant=variant):
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
            return
        answer = asked.predict(endpoint, body, content_type=kind, variant=variant)
    sys.stdout.buffer.write(answer.body)
    if answer.body[-1:] != b"\n" and sys.stdout.isatty():
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


def _guessed(body: bytes) -> str:
    try:
        json.loads(body)
    except ValueError:
        return "text/csv"
    return "application/json"


def rollback(
    stack: StackName,
    endpoint: EndpointName,
    *,
    reason: Reason,
    to: Annotated[int | None, typer.Option(min=1, help="The version; the approved one before unless told.")] = None,
    by: By = None,
    up: Annotated[bool, typer.Option(help="Run pulumi up; without, the next one brings the version.")] = True,
    output: Output = "text",
    cwd: Cwd = None,
) -> None:
    """Take an endpoint back to the version before: newer ones are rejected, and the stack is brought up.

    The exit code is 3 if the version does not serve by now.
    """
    with _asking(stack, cwd) as asked:
        found = asked.roll_back(endpoint, reason=reason, to=to, by=by, up=up)
    if output == "json":
        typer.echo(json.dumps(found.plain(), indent=2))
    else:
        was = ", ".join(map(str, found.before))
        gone = ", ".join(map(str, found.rejected)) or "none"
        typer.echo(f"{found.endpoint} served {found.model} version {was}; rejected: {gone}")
        if found.serves:
            typer.echo(f"{found.endpoint} serves version {found.version} again")
        elif up:
            typer.echo(f"{found.endpoint} does not serve version {found.version}: does its program pin another one?")
        else:
            typer.echo(f"The next pulumi up brings version {found.version}")
    raise typer.Exit(0 if found.serves else NOT_SERVED)


def reports(
    stack: StackName,
    monitor: Annotated[str, typer.Argument(metavar="MONITOR", help="The monitor, by its name in the program.")],
    *,
    last: Annotated[int, typer.Option(min=1, help="How many runs are looked at, the newest.")] = 10,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the newest report for people there, a page of one file.")
    ] = None,
    output: Output = "text",
    cwd: Cwd = None,
) -> None:
    """Say what a monitor found in its newest runs."""
    with _asking(stack, cwd) as asked:
        found = asked.reports(monitor, last=last)
        written = asked.report_page(monitor) if page else ""
    if output == "json":
        typer.echo(json.dumps([one.plain() for one in found], indent=2))
    else:
        for one in found:
            for line in _reported(one):
                typer.echo(line)
    if page:
        page.write_text(written, encoding="utf-8")
        typer.echo(f"{page.resolve()} is written; open it in a browser", err=output == "json")


def _reported(one: "Report") -> Iterator[str]:
    if one.insufficient:
        how = "too few rows"
    elif one.signals:
        how = "BREACHED" if one.breached else "within its thresholds"
    else:
        how = one.state
    at = f"{one.at:%Y-%m-%d %H:%M}  " if one.at else ""
    rows = f", {one.rows} rows" if one.rows else ""
    yield f"{at}{one.run}: {how}{rows}{f' ({one.reason})' if one.reason else ''}"
    for signal in one.signals:
        mark = "BREACHED " if signal.breached else ""
        value = signal.reason if signal.value is None else f"{signal.value:.4g}"
        bound = "" if signal.threshold is None else f", threshold {signal.threshold:g}"
        yield f"  {mark}{signal.name}: {value}{bound}"


NOT_SERVED = 3
"""The exit code of a way back that has not been gone to its end."""
COMMANDS: tuple[Callable[..., Any], ...] = (
    register,
    versions,
    approve,
    reject,
    predict,
    rollback,
    reports,
)
