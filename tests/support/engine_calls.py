"""Speaks to a provider by gRPC, as the engine does."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from pulumi_mlops_sandbox.provider.contract import Values
from pulumi_mlops_sandbox.provider.journal import Journal
from pulumi_mlops_sandbox.provider.plugin import Plugin
from pulumi_mlops_sandbox.provider.values import receive, send


@dataclass
class Engine:
    """The calls of an engine; those that name no resource speak of ``urn``."""

    stub: provider_pb2_grpc.ResourceProviderStub
    journal: Journal
    urn: str = ""

    def configure(self, **config: Any) -> None:
        self.stub.Configure(provider_pb2.ConfigureRequest(args=send(config)))

    def check(
        self, news: Values, olds: Values | None = None, urn: str = "", **more: Any
    ) -> tuple[Values, dict[str, str]]:
        request = provider_pb2.CheckRequest(
            urn=urn or self.urn, news=send(news), olds=send(olds or {}), randomSeed=b"seed", **more
        )
        answer = self.stub.Check(request)
        return receive(answer.inputs), {item.property: item.reason for item in answer.failures}

    def diff(
        self, olds: Values, news: Values, object_id: str = "x", urn: str = "", ignore: tuple[str, ...] = ()
    ) -> Any:
        request = provider_pb2.DiffRequest(
            id=object_id,
            urn=urn or self.urn,
            olds=send(olds),
            old_inputs=send(olds),
            news=send(news),
            ignoreChanges=ignore,
        )
        return self.stub.Diff(request)

    def create(self, inputs: Values, urn: str = "", *, preview: bool = False, timeout: float = 0) -> tuple[str, Values]:
        request = provider_pb2.CreateRequest(
            urn=urn or self.urn, properties=send(inputs), preview=preview, timeout=timeout
        )
        answer = self.stub.Create(request)
        return answer.id, receive(answer.properties)

    def read(self, object_id: str, inputs: Values | None = None, state: Values | None = None, urn: str = "") -> Any:
        request = provider_pb2.ReadRequest(
            id=object_id, urn=urn or self.urn, inputs=send(inputs or {}), properties=send(state or {})
        )
        return self.stub.Read(request)

    def update(
        self,
        object_id: str,
        olds: Values,
        news: Values,
        urn: str = "",
        *,
        preview: bool = False,
        ignore: tuple[str, ...] = (),
    ) -> Values:
        request = provider_pb2.UpdateRequest(
            id=object_id,
            urn=urn or self.urn,
            olds=send(olds),
            old_inputs=send(olds),
            news=send(news),
            preview=preview,
            ignoreChanges=ignore,
        )
        return receive(self.stub.Update(request).properties)

    def delete(self, object_id: str, inputs: Values, urn: str = "", *, timeout: float = 0) -> None:
        request = provider_pb2.DeleteRequest(
            id=object_id, urn=urn or self.urn, properties=send(inputs), old_inputs=send(inputs), timeout=timeout
        )
        self.stub.Delete(request)


def served(plugin: Plugin, urn: str = "") -> Iterator[Engine]:
    """Serve a provider and connect to it."""
    server = grpc.server(ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(plugin, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Engine(provider_pb2_grpc.ResourceProviderStub(channel), plugin.journal, urn)
    server.stop(None).wait()


def init_failed(error: grpc.RpcError) -> Any:
    """Return the detail by which the engine learns of a half-made object."""
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(packed)
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    return detail
