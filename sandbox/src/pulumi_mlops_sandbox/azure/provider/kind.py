"""One row of the table at work: every kind of Azure Resource Manager is created, read, updated and deleted alike."""

import copy
from functools import cached_property
from urllib.parse import quote

from pulumi_mlops_sandbox.azure.provider import body, failures, sdk
from pulumi_mlops_sandbox.azure.provider.failures import ArmError
from pulumi_mlops_sandbox.azure.provider.row import Row
from pulumi_mlops_sandbox.azure.provider.session import Session
from pulumi_mlops_sandbox.provider.contract import Missing, Partial, ProviderError, Traits, Values
from pulumi_mlops_sandbox.provider.diff import loosely
from pulumi_mlops_sandbox.provider.schema import Type
from pulumi_mlops_sandbox.provider.values import UNKNOWN

_SAFE = "/:@!$&'()*+,;=-._~"


class ArmKind:
    """Carries out one row. A row that needs more than the table can say names a subclass."""

    def __init__(self, row: Row, session: Session) -> None:
        self.row = row
        self.session = session

    @property
    def version(self) -> str:
        """The api-version of the SDK's class."""
        return sdk.described(self.row.resource).version

    # What the protocol half asks

    @property
    def traits(self) -> Traits:
        """The row in the words of the protocol half."""
        return self._traits

    @cached_property
    def _traits(self) -> Traits:
        row, described = self.row, sdk.described(self.row.resource)
        lists: set[str] = set()

        def look(path: str, kind: Type) -> None:
            if path.rsplit(".", 1)[-1] == body.IDENTITIES and kind.form == "list":
                lists.add(path)

        body.walk(described.inputs, look)
        located = "location" in described.inputs
        return Traits(
            inputs=described.inputs,
            outputs=described.outputs,
            refused=row.refused,
            name=row.name,
            replace=(*row.parameters, *(("location",) if located and not row.unmoved else ()), *row.replace),
            gives_way=True,
            sets=frozenset(lists),
            drifting=frozenset({"tags"} & set(described.inputs)),
            loose=frozenset({"location"}),
            stables=frozenset({"azureApiVersion", "id", "name", "type"} & set(described.outputs)),
        )

    def validate(self, inputs: Values, olds: Values) -> list[tuple[str, str]]:
        """Leave the rest to Azure, as the real provider does."""
        return []

    def changed_beyond(self, olds: Values, news: Values) -> dict[str, bool] | None:
        """Leave the comparison to the protocol half."""
        return None

    def completed(self, inputs: Values, olds: Values) -> Values:
        """Take the location from what it was, from the configuration, or from the resource group."""
        if "location" not in self.traits.inputs or "location" in inputs or self.row.bare:
            return {}
        if olds.get("location"):
            return {"location": olds["location"]}
        if self.session.config.get("location"):
            return {"location": self.session.config["location"]}
        group = inputs.get("resourceGroupName")
        if "resourceGroupName" not in self.row.parameters or group is None:
            return {}
        if group is UNKNOWN:
            return {"location": UNKNOWN}
        found = self.session.location(str(group))
        return {"location": found} if found else {}

    def foreseen(self, inputs: Values, state: Values) -> Values:
        """Return the inputs in the form of outputs."""
        return body.foreseen(inputs, state, self.traits.inputs, self.traits.outputs)

    def as_inputs(self, object_id: str, state: Values, inputs: Values, before: Values) -> Values:
        """Return the outputs in the form of inputs; the parts of the path are in the id alone."""
        parts = self.parts(object_id)
        spelt = {name: inputs[name] if loosely(inputs.get(name), item) else item for name, item in parts.items()}
        return {**body.as_inputs(self.row, state, inputs, self.traits.inputs, before), **spelt}

    def intended(self, inputs: Values) -> str:
        """Refuse what is there already, as the real provider does; settings that are a part of an account are there."""
        path = self.path(inputs)
        if self.row.reset is None and self.found(path):
            raise ProviderError(
                f"cannot create already existing resource '{path}'; adopt it: pulumi import {self.row.resource}"
            )
        return path

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Make the object."""
        path = self.path(inputs)
        wire = self.request(inputs)
        for place, value in self.row.maintained.items():
            if value is not None and body.at(wire, place) is None:
                body.put(wire, place, copy.deepcopy(value))
        return path, self.written(path, wire, inputs, made=True)

    def read(self, object_id: str, inputs: Values) -> Values:
        """Read the object."""
        return self.state(object_id, self.look(object_id))

    def update(self, object_id: str, olds: Values, news: Values, changed: frozenset[str]) -> Values:
        """Put the whole body: what the program has left out is gone, but for what is maintained elsewhere."""
        wire = self.request(news)
        left = [place for place in self.row.maintained if body.at(wire, place) is None]
        if left:
            present = self.look(object_id)
            for place in left:
                if (value := body.at(present, place)) is not None:
                    body.put(wire, place, value)
        return self.written(object_id, wire, news, made=False)

    def delete(self, object_id: str, inputs: Values, state: Values) -> None:
        """Delete the object, or set a part of another one back to what it was."""
        try:
            if self.row.reset is not None:
                self.session.put(_quoted(object_id), self.version, dict(self.row.reset), {})
            else:
                self.session.delete(_quoted(object_id), self.version)
        except ArmError as error:
            if error.status == failures.MISSING:
                raise Missing(str(error)) from error
            raise

    # What subclasses and functions use too

    def path(self, inputs: Values) -> str:
        """Fill in the id."""
        path = self.row.path.replace("{subscriptionId}", self.session.subscription if "{sub" in self.row.path else "")
        for name in self.row.parameters:
            value = inputs.get(name)
            if value is None or value == "":
                raise ProviderError(f"{self.row.label}: {name} is not given")
            path = path.replace(
                f"{{{name}}}", str(value).strip("/") if name in {"scope", "resourceUri"} else str(value)
            )
        return path if path.startswith("/") else f"/{path}"

    def parts(self, object_id: str) -> Values:
        """Take an id apart: the arguments of the path."""
        found = self.row.pattern.fullmatch(object_id)
        if found is None:
            raise ProviderError(f"{object_id!r} is no id of a {self.row.label}; it has the form {self.row.path}")
        parts = {name: value for name, value in found.groupdict().items() if name != "subscriptionId"}
        return {
            name: f"/{value.strip('/')}" if name in {"scope", "resourceUri"} else value for name, value in parts.items()
        }

    def request(self, inputs: Values) -> Values:
        """Make the body of a PUT."""
        return body.request(self.row, inputs)

    def found(self, path: str) -> bool:
        """Say whether there is such an object."""
        try:
            self.look(path)
        except Missing:
            return False
        return True

    def look(self, object_id: str) -> Values:
        """Return what a GET returns."""
        self.parts(object_id)
        try:
            return self.session.get(_quoted(object_id), self.version)
        except ArmError as error:
            if error.status == failures.MISSING:
                raise Missing(f"{self.row.label} {object_id} does not exist") from error
            raise

    def state(self, object_id: str, wire: Values) -> Values:
        """Return the outputs, and the inputs that are none."""
        traits = self.traits
        found = body.answer(self.row, wire, traits.outputs)
        found["azureApiVersion"] = self.version
        known = {*traits.outputs, *traits.inputs} - {"id"}
        return {name: item for name, item in found.items() if name in known}

    def written(self, object_id: str, wire: Values, inputs: Values, *, made: bool) -> Values:
        """Put a body and read what has become of it; what was made and then failed is there all the same."""
        query = {name: str(inputs[name]).lower() for name in self.row.query if inputs.get(name) is not None}
        try:
            self.session.put(_quoted(object_id), self.version, wire, query)
        except (ArmError, ProviderError) as error:
            if isinstance(error, Missing) or not made or not self.found(object_id):
                raise
            state = self.read(object_id, inputs)
            raise Partial(failures.explain(error), object_id, state) from error
        return self.read(object_id, inputs)


def _quoted(path: str) -> str:
    return quote(path, safe=_SAFE)
