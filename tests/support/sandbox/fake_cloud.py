"""A cloud made of a dictionary, and the protocol half before it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pulumi_mlops_sandbox.provider.contract import (
    AutoName,
    Cloud,
    Missing,
    OneForm,
    Partial,
    ProviderError,
    Traits,
    Values,
)
from pulumi_mlops_sandbox.provider.journal import Journal
from pulumi_mlops_sandbox.provider.schema import Property, Type
from pulumi_mlops_sandbox.provider.service import Service
from support.engine_calls import Engine, served

TEXT = Type("string")
BOX = {
    "name": Property(TEXT),
    "size": Property(Type("integer"), required=True),
    "colour": Property(Type("string", enum=("red", "blue"))),
    "policy": Property(TEXT),
    "password": Property(TEXT),
    "tags": Property(Type("map", TEXT)),
    "labels": Property(Type("list", TEXT)),
    "lid": Property(Type("object", fields={"open": Property(Type("boolean")), "hinges": Property(Type("integer"))})),
    "old": Property(TEXT),
}


@dataclass
class BoxKind(OneForm):
    """A resource kind in a dictionary."""

    objects: dict[str, Values]
    calls: list[str] = field(default_factory=list)
    failing: str = ""
    partial: str = ""
    traits: Traits = field(
        default_factory=lambda: Traits(
            inputs=BOX,
            outputs={**BOX, "arn": Property(TEXT)},
            refused={"old": "it is old"},
            name=AutoName(limit=16),
            defaults={"colour": "red"},
            replace=("name", "lid.hinges"),
            identity=("name",),
            sets=frozenset({"labels"}),
            sensitive=frozenset({"password"}),
            drifting=frozenset({"tags"}),
            stables=frozenset({"arn"}),
        )
    )

    def validate(self, inputs: Values, olds: Values) -> list[tuple[str, str]]:
        return []

    def changed_beyond(self, olds: Values, news: Values) -> dict[str, bool] | None:
        return None

    def create(self, inputs: Values) -> tuple[str, Values]:
        self.calls.append("create")
        if self.failing:
            raise ProviderError(self.failing)
        object_id = inputs["name"]
        if object_id in self.objects:
            raise ProviderError(f"{object_id} exists")
        self.objects[object_id] = {**inputs, "arn": f"arn:{object_id}"}
        if self.partial:
            raise Partial(self.partial, object_id, self.objects[object_id])
        return object_id, dict(self.objects[object_id])

    def read(self, object_id: str, inputs: Values) -> Values:
        if object_id not in self.objects:
            raise Missing(object_id)
        return dict(self.objects[object_id])

    def update(self, object_id: str, olds: Values, news: Values, changed: frozenset[str]) -> Values:
        self.calls.append(f"update {','.join(sorted(changed))}")
        if object_id not in self.objects:
            raise Missing(f"{object_id} does not exist")
        if self.partial:
            raise Partial(self.partial, object_id, self.objects[object_id])
        self.objects[object_id] = {**news, "arn": f"arn:{object_id}"}
        return dict(self.objects[object_id])

    def delete(self, object_id: str, inputs: Values, state: Values) -> None:
        self.calls.append("delete")
        if self.objects.pop(object_id, None) is None:
            raise Missing(object_id)


class BoxCloud:
    """One kind, one function."""

    package = "box"
    version = "1.0.0"

    def __init__(self) -> None:
        self.box = BoxKind({})
        self.config: Values = {}
        self.cancelled = False

    def check_config(self, config: Values) -> list[tuple[str, str]]:
        return [(name, "unknown") for name in config if name != "region"]

    def replaces_provider(self, olds: Values, news: Values) -> list[str]:
        return ["region"]

    def configure(self, config: Values) -> None:
        self.config = config

    def kind(self, token: str) -> BoxKind:
        if token not in self.tokens():
            raise ProviderError(f"no resource {token!r}")
        return self.box

    def tokens(self) -> list[str]:
        return ["box:index/box:Box"]

    def functions(self) -> list[str]:
        return ["box:index/echo:echo"]

    def invoke(self, token: str, arguments: Values) -> Values:
        return arguments

    def explain(self, error: Exception) -> str:
        return f"odd: {error}"

    def cancel(self) -> None:
        self.cancelled = True


URN = "urn:pulumi:dev::p::box:index/box:Box::mine"


def serving(cloud: Cloud, folder: Path) -> Iterator[Engine]:
    """Serve a cloud and connect to it."""
    return served(Service(cloud, Journal(folder)), URN)
