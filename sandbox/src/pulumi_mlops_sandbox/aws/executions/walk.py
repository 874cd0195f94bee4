"""The order of an execution: what runs when, what a condition leaves out, how often a step is begun again.

It knows nothing of the account: what a step does is somebody else's (`Acts`).
"""

import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from pulumi_mlops_sandbox.aws.executions.values import Json, UnknownValueError, Values, references
from pulumi_mlops_sandbox.running.order import AT_ONCE

SUCCEEDED, FAILED, STOPPED, EXECUTING, STARTING = "Succeeded", "Failed", "Stopped", "Executing", "Starting"
Branch = tuple[tuple[str, bool], ...]
"""The conditions that a step stands in, and what has to come out of each."""


class StepError(Exception):
    """A step failed."""

    def __init__(self, reason: str, kind: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        """As which exception retry policies know it."""


@dataclass
class State:
    """How a step is doing."""

    name: str
    type: str
    status: str = STARTING
    before: str = STARTING
    """The status before this one."""
    start: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    end: dt.datetime | None = None
    reason: str = ""
    metadata: Json = field(default_factory=dict)
    """Which job it is, as ``ListPipelineExecutionSteps`` tells it."""
    attempts: int = 1
    properties: Json = field(default_factory=dict)
    """What later steps can refer to."""
    arguments: Json = field(default_factory=dict)
    """What it was called with, worked out."""
    cached: str = ""
    """The execution whose result this is."""


class Acts(Protocol):
    """What steps do, and who is told of them."""

    def perform(self, step: Json, state: State, arguments: Json, /) -> Json:
        """Do what a step does, and return what later steps can refer to; a `StepError` is a failure."""
        ...

    def cached(self, step: Json, arguments: Json, /) -> tuple[str, Json] | None:
        """Find the result of an earlier step that did the same: the execution, and what it left."""
        ...

    def tell(self, state: State, /) -> None:
        """Take note that a step has changed."""
        ...


@dataclass(frozen=True)
class Node:
    """A step, and what has to be there before it."""

    step: Json
    within: Branch
    before: frozenset[str]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.step["Name"])


def nodes(definition: Json) -> dict[str, Node]:
    """List the steps of a definition, those within conditions too."""
    found: dict[str, Node] = {}
    steps = list(_all(definition.get("Steps", []), ()))
    names = {str(step["Name"]) for step, _ in steps}
    for step, within in steps:
        said = step.get("Arguments", {})
        read = said.get("Conditions", []) if step["Type"] == "Condition" else said
        named = {_step_of(path, names) for path in references([read, step.get("CacheConfig", {})])}
        named |= {str(one).partition(".")[0] for one in step.get("DependsOn", [])}
        before = {one for one in named if one in names} | {name for name, _ in within}
        found[str(step["Name"])] = Node(step, within, frozenset(before))
    return found


def _all(steps: list[Json], within: Branch) -> Iterator[tuple[Json, Branch]]:
    for step in steps:
        yield step, within
        if step["Type"] == "Condition":
            for branch, outcome in (("IfSteps", True), ("ElseSteps", False)):
                yield from _all(step["Arguments"].get(branch) or [], (*within, (str(step["Name"]), outcome)))


def _step_of(path: str, names: set[str]) -> str:
    rest = path.removeprefix("Steps.") if path.startswith("Steps.") else ""
    return max((one for one in names if rest == one or rest.startswith((f"{one}.", f"{one}["))), key=len, default="")


class Walk:
    """One execution."""

    def __init__(self, definition: Json, values: Values, acts: Acts, stop: threading.Event, parallel: int = 0) -> None:
        self.values, self.acts, self.stop, self.parallel = values, acts, stop, parallel or AT_ONCE
        self.nodes = nodes(definition)
        self.outcomes: dict[str, bool] = {}
        """What came out of conditions."""
        self.states: dict[str, State] = {}
        self.skipped: set[str] = set()

    def resume(self, done: Mapping[str, State]) -> None:
        """Take what succeeded before, in an execution that is begun again."""
        for name, state in done.items():
            self.states[name] = state
            self._remember(self.nodes[name].step, state)

    def run(self) -> str:
        """Run what is to run, and return how it ended."""
        running: dict[Future[None], str] = {}
        with ThreadPoolExecutor(self.parallel) as pool:
            while True:
                for name in [] if self.stop.is_set() or self._failed() else self._ready(set(running.values())):
                    running[pool.submit(self._step, self.nodes[name])] = name
                if not running:
                    break
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for one in done:
                    running.pop(one)
                    one.result()
        if self.stop.is_set():
            return STOPPED
        return FAILED if self._failed() else SUCCEEDED

    def _failed(self) -> bool:
        return any(state.status == FAILED for state in self.states.values())

    def _ready(self, running: set[str]) -> Iterator[str]:
        for name, node in self.nodes.items():
            if name in self.states or name in self.skipped or name in running:
                continue
            left_out = any(one in self.skipped for one, _ in node.within)
            if left_out or any(self.outcomes.get(one, wanted) != wanted for one, wanted in node.within):
                self.skipped.add(name)
            elif all(one in self.skipped or self._succeeded(one) for one in node.before):
                yield name

    def _succeeded(self, name: str) -> bool:
        return name in self.states and self.states[name].status == SUCCEEDED

    def _step(self, node: Node) -> None:
        step, state = node.step, State(node.name, str(node.step["Type"]))
        self.states[node.name] = state
        self._told(state, STARTING)
        try:
            self._act(step, state)
        except StepError as error:
            state.reason = str(error)
            self._ended(state, STOPPED if self.stop.is_set() else FAILED)
        except (UnknownValueError, KeyError) as error:
            state.reason = f"ClientError: {error}"
            self._ended(state, FAILED)
        except BaseException:
            state.reason = "InternalServerError: the sandbox failed here; its log says where"
            self._ended(state, FAILED)
            raise
        else:
            self._remember(step, state)
            self._ended(state, SUCCEEDED)

    def _act(self, step: Json, state: State) -> None:
        if step["Type"] == "Condition":
            self._told(state, EXECUTING)
            held = all(self.values.holds(one) for one in step["Arguments"]["Conditions"])
            self.outcomes[state.name] = held
            state.metadata = {"Condition": {"Outcome": "True" if held else "False"}}
            state.properties = {"Outcome": held}
            return
        state.arguments = self.values.of(step.get("Arguments", {}))
        if (step.get("CacheConfig") or {}).get("Enabled") and (known := self.acts.cached(step, state.arguments)):
            state.cached, state.properties = known
            return
        self._told(state, EXECUTING)
        left = {index: int(one.get("MaxAttempts", 1)) for index, one in enumerate(step.get("RetryPolicies", []))}
        while True:
            try:
                state.properties = self.acts.perform(step, state, state.arguments)
            except StepError as error:
                index = _policy(step.get("RetryPolicies", []), error.kind, left)
                if index is None or self.stop.is_set():
                    raise
                left[index] -= 1
                state.attempts += 1
            else:
                return

    def _remember(self, step: Json, state: State) -> None:
        """Let later steps refer to a step, and read its property files."""
        if state.type == "Condition":
            self.outcomes[state.name] = bool(state.properties["Outcome"])
        self.values.steps[state.name] = state.properties
        outputs = (state.properties.get("ProcessingOutputConfig") or {}).get("Outputs", [])
        for one in step.get("PropertyFiles", []):
            where = next(made for made in outputs if made["OutputName"] == one["OutputName"])
            uri = f"{where['S3Output']['S3Uri'].rstrip('/')}/{one['FilePath']}"
            self.values.files[state.name, one["PropertyFileName"]] = uri

    def _told(self, state: State, status: str) -> None:
        state.before, state.status = state.status, status
        self.acts.tell(state)

    def _ended(self, state: State, status: str) -> None:
        state.end = dt.datetime.now(dt.UTC)
        self._told(state, status)


def _policy(policies: list[Json], kind: str, left: Mapping[int, int]) -> int | None:
    """Find the policy by which a step is begun again after such a failure."""
    for index, one in enumerate(policies):
        if kind and kind in one.get("ExceptionType", []) and left[index] > 0:
            return index
    return None


def given(definition: Json, told: Mapping[str, Any]) -> Json:
    """Return the parameters of an execution, of their types; what is wrong with them is a `ValueError`."""
    declared = {str(one["Name"]): one for one in definition.get("Parameters", [])}
    if unknown := sorted(set(told) - set(declared)):
        raise ValueError(f"Unknown parameters: {', '.join(unknown)}")
    found: Json = {}
    for name, one in declared.items():
        if name not in told and "DefaultValue" not in one:
            raise ValueError(f"Parameter {name} has no default value and is not given")
        found[name] = _typed(name, str(one["Type"]), told[name]) if name in told else one["DefaultValue"]
        allowed = one.get("EnumValues")
        if allowed and found[name] not in allowed:
            raise ValueError(f"Parameter {name} is {found[name]!r}, which is none of {allowed}")
    return found


def _typed(name: str, kind: str, value: Any) -> Any:
    text = str(value)
    try:
        if kind == "Integer":
            return int(text)
        if kind == "Float":
            return float(text)
    except ValueError:
        raise ValueError(f"Parameter {name} is {text!r}, which is no {kind}") from None
    if kind == "Boolean":
        if text.lower() not in {"true", "false"}:
            raise ValueError(f"Parameter {name} is {text!r}, which is no Boolean")
        return text.lower() == "true"
    return text
