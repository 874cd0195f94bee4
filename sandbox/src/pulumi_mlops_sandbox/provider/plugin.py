"""What is the same for every stand-in of the gRPC service ``ResourceProvider``: all but its resources."""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from pulumi_mlops_sandbox.provider.contract import Partial, Provider, ProviderError, Values
from pulumi_mlops_sandbox.provider.diagnostics import Diagnostics
from pulumi_mlops_sandbox.provider.journal import Journal
from pulumi_mlops_sandbox.provider.values import (
    conceal,
    has_unknown,
    plain,
    receive,
    secret_names,
    secret_texts,
    send,
)

log = logging.getLogger(__name__)
Method = TypeVar("Method", bound=Callable[..., Any])
INTERNAL = frozenset({"__internal", "version", "pluginDownloadURL"})
_STRUCTS = ("properties", "news", "olds", "inputs", "old_inputs", "args")


class InitialisationError(ProviderError):
    """The object exists but is not as wanted; carries the status that tells the engine so."""

    def __init__(self, reason: str, status: bytes) -> None:
        super().__init__(reason)
        self.status = status


def guarded(method: Method) -> Method:
    """Turn every exception into one line for the user, without secrets, and count the calls in hand."""

    @wraps(method)
    def call(self: "Plugin", request: Any, context: grpc.ServicerContext) -> Any:
        with self.busy:
            try:
                return method(self, request, context)
            except InitialisationError as error:
                context.set_trailing_metadata((("grpc-status-details-bin", error.status),))
                message = str(error)
            except ProviderError as error:
                message = str(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the user gets a diagnostic, not a stack trace
                log.debug("%s failed with %s", method.__name__, type(error).__name__)
                message = self.provider.explain(error)
        return context.abort(grpc.StatusCode.UNKNOWN, self.told(message, request))

    return cast("Method", call)


class Busy:
    """Counts the calls in hand, so that a provider can finish them before it leaves."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self.count += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self.count -= 1
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is in hand; False if it took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count == 0, seconds)


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """One provider process, without its resources."""

    def __init__(self, provider: Provider, journal: Journal, diagnostics: Diagnostics | None = None) -> None:
        self.provider = provider
        self.journal = journal
        self.diagnostics = diagnostics or Diagnostics()
        self.label = f"sandbox {provider.package}"
        self.busy = Busy()

    # The plugin itself

    def Handshake(self, request: Any, context: Any) -> Any:
        """Say what this provider understands."""
        if request.engine_address:
            self.diagnostics.attach(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def Attach(self, request: Any, context: Any) -> Any:
        """Take the address of another engine."""
        self.diagnostics.attach(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Tell the version."""
        return plugin_pb2.PluginInfo(version=self.provider.version)

    def GetSchema(self, request: Any, context: Any) -> Any:
        """Return a schema with names only: SDKs are never generated from a stand-in."""
        schema = {
            "name": self.provider.package,
            "version": self.provider.version,
            "resources": {token: {} for token in self.provider.tokens()},
            "functions": {token: {} for token in self.provider.functions()},
        }
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def Cancel(self, request: Any, context: Any) -> Any:
        """Stop waiting; what is in hand ends soon."""
        self.provider.cancel()
        return empty_pb2.Empty()

    # Configuration

    @guarded
    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Check the provider's own inputs."""
        news = receive(request.news)
        failures = self.provider.check_config(_config(news))
        return provider_pb2.CheckResponse(
            inputs=send(news), failures=[self.failure(request, *item) for item in failures]
        )

    @guarded
    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Say whether a change of configuration means other resources."""
        olds, news = plain(receive(request.old_inputs or request.olds)), plain(receive(request.news))
        changed = sorted(
            name for name in {*olds, *news} - INTERNAL if _parsed(olds.get(name)) != _parsed(news.get(name))
        )
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        replaces = [name for name in self.provider.replaces_provider(_config(olds), _config(news)) if name in changed]
        return provider_pb2.DiffResponse(changes=some, diffs=changed, replaces=replaces)

    @guarded
    def Configure(self, request: Any, context: Any) -> Any:
        """Take the configuration."""
        self.provider.configure(_config(plain(receive(request.args))))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    # Functions

    @guarded
    def Invoke(self, request: Any, context: Any) -> Any:
        """Answer a data source."""
        given = receive(request.args)
        arguments = {key: item for key, item in plain(given).items() if key not in INTERNAL and item is not None}
        if has_unknown(arguments):
            raise ProviderError(f"{request.tok}: an argument is not known yet")
        result = self.provider.invoke(request.tok, arguments)
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(send(conceal(result, secret_names(given))))
        return response

    # Failures

    def sensitive(self, token: str) -> frozenset[str]:
        """Name the properties of a resource type that are secret whatever the program says of them."""
        return frozenset()

    def hidden_texts(self, request: Any) -> set[str]:
        """Collect what is secret in a request."""
        sensitive: frozenset[str] = frozenset()
        if getattr(request, "urn", "") and not request.urn.rsplit("::", 2)[-2].startswith("pulumi:providers:"):
            sensitive = self.sensitive(identity(request.urn)[0])
        texts: set[str] = set()
        for name in _STRUCTS:
            struct = getattr(request, name, None)
            if isinstance(struct, struct_pb2.Struct):
                texts |= secret_texts(conceal(receive(struct), sensitive))
        return texts

    def told(self, message: str, request: Any) -> str:
        """Return a diagnostic: one line that names the sandbox and holds no secret of the request."""
        line = " ".join(f"{self.label}: {message}".split())
        for text in sorted(self.hidden_texts(request), key=len, reverse=True):
            line = line.replace(text, "[secret]")
        return line

    def failure(self, request: Any, name: str, reason: str) -> provider_pb2.CheckFailure:
        """Return what is wrong with one property."""
        return provider_pb2.CheckFailure(property=name, reason=self.told(reason, request))

    def initialisation_failed(
        self, request: Any, error: Partial, state: Mapping[str, Any], given: Values
    ) -> InitialisationError:
        """Tell the engine that the object exists but is not as wanted: it records it, and the next run tries again."""
        reason = self.told(str(error), request)
        detail = provider_pb2.ErrorResourceInitFailed(
            id=error.id,
            properties=send(state),
            reasons=[reason],
            inputs=send(given),
        )
        packed = any_pb2.Any()
        packed.Pack(detail)
        status = status_pb2.Status(code=2, message=reason, details=[packed])
        return InitialisationError(str(error), status.SerializeToString())


def identity(urn: str) -> tuple[str, str]:
    """Take the type token and the logical name out of a URN."""
    *_, qualified, name = urn.split("::", 3)
    return qualified.rsplit("$", 1)[-1], name


def _parsed(value: Any) -> Any:
    """Read a provider's property, which the SDK sends as JSON text unless it is a string."""
    if isinstance(value, str) and value[:1] in {"{", "[", "t", "f", '"'}:
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _config(values: Values) -> Values:
    return {name: _parsed(item) for name, item in values.items() if name not in INTERNAL}
