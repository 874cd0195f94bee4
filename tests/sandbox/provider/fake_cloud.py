"""A cloud made of a dictionary, and the protocol half before it, spoken to by gRPC."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from pulumi_mlops.sandbox.provider.contract import AutoName, Cloud, Missing, Partial, ProviderError, Traits, Values
from pulumi_mlops.sandbox.provider.journal import Journal
from pulumi_mlops.sandbox.provider.schema import Property, Type
from pulumi_mlops.sandbox.provider.service import Service
from pulumi_mlops.sandbox.provider.values import receive, send

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
class BoxKind:
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


@dataclass
class Engine:
    """Speaks to a provider as the engine does."""

    stub: provider_pb2_grpc.ResourceProviderStub
    journal: Journal

    def check(
        self, news: Values, olds: Values | None = None, urn: str = URN, **more: Any
    ) -> tuple[Values, dict[str, str]]:
        request = provider_pb2.CheckRequest(urn=urn, news=send(news), olds=send(olds or {}), randomSeed=b"seed", **more)
        answer = self.stub.Check(request)
        return receive(answer.inputs), {item.property: item.reason for item in answer.failures}

    def diff(
        self, olds: Values, news: Values, object_id: str = "x", urn: str = URN, ignore: tuple[str, ...] = ()
    ) -> Any:
        request = provider_pb2.DiffRequest(
            id=object_id, urn=urn, olds=send(olds), old_inputs=send(olds), news=send(news), ignoreChanges=ignore
        )
        return self.stub.Diff(request)

    def create(self, inputs: Values, urn: str = URN, *, preview: bool = False) -> tuple[str, Values]:
        answer = self.stub.Create(provider_pb2.CreateRequest(urn=urn, properties=send(inputs), preview=preview))
        return answer.id, receive(answer.properties)

    def read(self, object_id: str, inputs: Values | None = None, state: Values | None = None, urn: str = URN) -> Any:
        request = provider_pb2.ReadRequest(
            id=object_id, urn=urn, inputs=send(inputs or {}), properties=send(state or {})
        )
        return self.stub.Read(request)

    def update(self, object_id: str, olds: Values, news: Values, urn: str = URN, *, preview: bool = False) -> Values:
        request = provider_pb2.UpdateRequest(
            id=object_id, urn=urn, olds=send(olds), old_inputs=send(olds), news=send(news), preview=preview
        )
        return receive(self.stub.Update(request).properties)

    def delete(self, object_id: str, inputs: Values, urn: str = URN) -> None:
        self.stub.Delete(
            provider_pb2.DeleteRequest(id=object_id, urn=urn, properties=send(inputs), old_inputs=send(inputs))
        )


def serving(cloud: Cloud, folder: Path) -> Iterator[Engine]:
    """Serve a cloud and connect to it."""
    journal = Journal(folder)
    server = grpc.server(ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Service(cloud, journal), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Engine(provider_pb2_grpc.ResourceProviderStub(channel), journal)
    server.stop(None).wait()


def init_failed(error: grpc.RpcError) -> Any:
    """Return the detail by which the engine learns of a half-made object."""
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(packed)
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    return detail
