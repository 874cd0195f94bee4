"""The gRPC service ``ResourceProvider``: each call of the engine, answered with the help of a :class:`Cloud`."""

import json
import logging
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import grpc
from google.protobuf import any_pb2, empty_pb2, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from pulumi_mlops.sandbox.provider import check, diff
from pulumi_mlops.sandbox.provider.contract import Cloud, Kind, Missing, Partial, ProviderError, Values
from pulumi_mlops.sandbox.provider.diff import DEFAULTS
from pulumi_mlops.sandbox.provider.journal import Journal
from pulumi_mlops.sandbox.provider.values import (
    UNKNOWN,
    conceal,
    has_unknown,
    plain,
    receive,
    secret_names,
    secret_texts,
    send,
    stripped,
)

log = logging.getLogger(__name__)
Method = TypeVar("Method", bound=Callable[..., Any])
INTERNAL = frozenset({"__internal", "version", "pluginDownloadURL"})


class _InitialisationError(ProviderError):
    """The object exists but is not as wanted; carries the status that tells the engine so."""

    def __init__(self, reason: str, status: bytes) -> None:
        super().__init__(reason)
        self.status = status


def _guarded(method: Method) -> Method:
    """Turn every exception into one line for the user, without secrets, and count the calls in hand."""

    @wraps(method)
    def call(self: "Service", request: Any, context: grpc.ServicerContext) -> Any:
        with self.busy:
            try:
                return method(self, request, context)
            except _InitialisationError as error:
                context.set_trailing_metadata((("grpc-status-details-bin", error.status),))
                message = str(error)
            except ProviderError as error:
                message = str(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the user gets a diagnostic, not a stack trace
                log.debug("%s failed with %s", method.__name__, type(error).__name__)
                message = self.cloud.explain(error)
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


class Service(provider_pb2_grpc.ResourceProviderServicer):
    """One provider process."""

    def __init__(self, cloud: Cloud, journal: Journal) -> None:
        self.cloud = cloud
        self.journal = journal
        self.label = f"sandbox {cloud.package}"
        self.busy = Busy()

    # The plugin itself

    def Handshake(self, request: Any, context: Any) -> Any:
        """Say what this provider understands."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, supports_autonaming_configuration=True)

    def Attach(self, request: Any, context: Any) -> Any:
        """Take the address of another engine: nothing depends on it."""
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Tell the version."""
        return plugin_pb2.PluginInfo(version=self.cloud.version)

    def GetSchema(self, request: Any, context: Any) -> Any:
        """Return a schema with names only: SDKs are never generated from a stand-in."""
        schema = {
            "name": self.cloud.package,
            "version": self.cloud.version,
            "resources": {token: {} for token in self.cloud.tokens()},
            "functions": {token: {} for token in self.cloud.functions()},
        }
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def Cancel(self, request: Any, context: Any) -> Any:
        """Stop waiting; what is in hand ends soon."""
        self.cloud.cancel()
        return empty_pb2.Empty()

    # Configuration

    @_guarded
    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Check the provider's own inputs."""
        news = receive(request.news)
        failures = self.cloud.check_config(_config(news))
        return provider_pb2.CheckResponse(
            inputs=send(news), failures=[self._failure(request, *item) for item in failures]
        )

    @_guarded
    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Say whether a change of configuration means other resources."""
        olds, news = plain(receive(request.old_inputs or request.olds)), plain(receive(request.news))
        changed = sorted(
            name for name in {*olds, *news} - INTERNAL if _parsed(olds.get(name)) != _parsed(news.get(name))
        )
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        replaces = [name for name in self.cloud.replaces_provider(_config(olds), _config(news)) if name in changed]
        return provider_pb2.DiffResponse(changes=some, diffs=changed, replaces=replaces)

    @_guarded
    def Configure(self, request: Any, context: Any) -> Any:
        """Take the configuration."""
        self.cloud.configure(_config(plain(receive(request.args))))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    # Functions

    @_guarded
    def Invoke(self, request: Any, context: Any) -> Any:
        """Answer a data source."""
        given = receive(request.args)
        arguments = {key: item for key, item in plain(given).items() if key not in INTERNAL and item is not None}
        if has_unknown(arguments):
            raise ProviderError(f"{request.tok}: an argument is not known yet")
        result = self.cloud.invoke(request.tok, arguments)
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(send(conceal(result, secret_names(given))))
        return response

    # Resources

    @_guarded
    def Check(self, request: Any, context: Any) -> Any:
        """Check the inputs of a resource, fill in defaults and the physical name."""
        token, logical = _identity(request.urn)
        kind = self.cloud.kind(token)
        news, olds = receive(request.news), plain(receive(request.olds))
        failures = check.problems(news, kind.traits)
        naming = check.Naming(
            logical,
            request.randomSeed,
            request.autonaming.proposed_name,
            provider_pb2.CheckRequest.AutonamingOptions.Mode.Name(request.autonaming.mode),
        )
        inputs = news if failures else check.filled(news, olds, kind.traits, naming)
        if not failures:
            failures = kind.validate(plain(inputs), olds)
        return provider_pb2.CheckResponse(
            inputs=send(inputs), failures=[self._failure(request, *item) for item in failures]
        )

    @_guarded
    def Diff(self, request: Any, context: Any) -> Any:
        """Compare the recorded inputs with the wanted ones."""
        token, _ = _identity(request.urn)
        self.journal.acknowledge(request.urn, request.id)
        kind = self.cloud.kind(token)
        traits = kind.traits
        olds, news = plain(receive(request.old_inputs or request.olds)), plain(receive(request.news))
        found = diff.compare(olds, news, traits, list(request.ignoreChanges))
        special = kind.changed_beyond(olds, news)
        replacing = {
            path
            for path in found.paths()
            if (
                special[diff.top(path)]
                if special is not None and diff.top(path) in special
                else traits.forces_replacement(diff.bare(path))
            )
        }
        # A name that was made up is made up anew for a replacement, so it cannot collide.
        renamed = traits.name is not None and traits.name.property in (news.get(DEFAULTS) or [])
        same_place = (
            bool(traits.identity)
            and not renamed
            and all(olds.get(name) == news.get(name) and not has_unknown(news.get(name)) for name in traits.identity)
        )
        detailed = {}
        for word, paths in (("ADD", found.added), ("UPDATE", found.updated), ("DELETE", found.deleted)):
            for path in paths:
                value = f"{word}_REPLACE" if path in replacing else word
                detailed[path] = provider_pb2.PropertyDiff(
                    kind=provider_pb2.PropertyDiff.Kind.Value(value), inputDiff=True
                )
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if detailed else response.DIFF_NONE,
            diffs=sorted({diff.top(path) for path in found.paths()}),
            replaces=sorted({diff.top(path) for path in replacing}),
            deleteBeforeReplace=bool(replacing) and same_place,
            detailedDiff=detailed,
            hasDetailedDiff=True,
            stables=sorted(traits.stables) if not replacing else [],
        )

    @_guarded
    def Create(self, request: Any, context: Any) -> Any:
        """Make a resource, or adopt the one that a killed run has made."""
        token, _ = _identity(request.urn)
        kind = self.cloud.kind(token)
        given = receive(request.properties)
        inputs = _bare(plain(given))
        hidden = secret_names(given) | kind.traits.sensitive
        if request.preview:
            foreseen = {
                name: UNKNOWN
                for name in kind.traits.outputs
                if name not in kind.traits.inputs or name in kind.traits.recomputed
            }
            return provider_pb2.CreateResponse(properties=send(conceal({**foreseen, **inputs}, hidden)))
        try:
            object_id, state = self._adopted(request.urn, kind, inputs) or self._created(request.urn, kind, inputs)
        except Partial as error:
            self.journal.made(request.urn, error.id)
            raise self._initialisation_failed(request, error, given, hidden) from error
        return provider_pb2.CreateResponse(id=object_id, properties=send(conceal(state, hidden)))

    def _created(self, urn: str, kind: Kind, inputs: Values) -> tuple[str, Values]:
        self.journal.begin(urn)
        try:
            object_id, state = kind.create(inputs)
        except Partial:
            raise
        except Exception:
            self.journal.forget(urn)
            raise
        self.journal.made(urn, object_id)
        return object_id, state

    def _adopted(self, urn: str, kind: Kind, inputs: Values) -> tuple[str, Values] | None:
        """Take over the object of a creation that was never recorded; delete what cannot become what is wanted."""
        entry = self.journal.find(urn)
        if entry is None or not entry.id:
            return None
        try:
            state = kind.read(entry.id, inputs)
        except Missing:
            self.journal.forget(urn)
            return None
        present = {
            name: diff.project(state[name], wanted, kind.traits.inputs[name].type) if name in state else None
            for name, wanted in inputs.items()
        }
        found = diff.compare(present, inputs, kind.traits)
        if any(kind.traits.forces_replacement(diff.bare(path)) and path not in found.added for path in found.paths()):
            kind.delete(entry.id, inputs, state)
            self.journal.forget(urn)
            return None
        changed = frozenset(diff.top(path) for path in found.paths())
        return entry.id, kind.update(entry.id, present, inputs, changed) if changed else state

    @_guarded
    def Read(self, request: Any, context: Any) -> Any:
        """Look at a resource: for a refresh, or to import it."""
        token, _ = _identity(request.urn)
        self.journal.acknowledge(request.urn, request.id)
        kind = self.cloud.kind(token)
        given, before = receive(request.inputs), receive(request.properties)
        hidden = secret_names(given) | secret_names(before) | kind.traits.sensitive
        olds = plain(given)
        try:
            state = kind.read(request.id, _bare(olds))
        except Missing:
            return provider_pb2.ReadResponse()
        inputs = _refreshed(state, olds, kind) if olds else _imported(state, kind)
        known = {
            name: item
            for name, item in plain(before).items()
            if name in kind.traits.outputs or name in kind.traits.inputs
        }
        outputs = {**known, **_settled(state, olds, kind)}
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=send(conceal(outputs, hidden)),
            inputs=send(conceal(inputs, hidden)),
        )

    @_guarded
    def Update(self, request: Any, context: Any) -> Any:
        """Bring a resource to its new inputs."""
        token, _ = _identity(request.urn)
        kind = self.cloud.kind(token)
        self.journal.acknowledge(request.urn, request.id)
        given, state = receive(request.news), plain(receive(request.olds))
        hidden = secret_names(given) | kind.traits.sensitive
        olds, news = _bare(plain(receive(request.old_inputs or request.olds))), _bare(plain(given))
        if request.preview:
            gone = set(olds) - set(news)
            kept = {name: item for name, item in state.items() if name not in gone}
            changing = {diff.top(path) for path in diff.compare(olds, news, kind.traits, request.ignoreChanges).paths()}
            for name, causes in kind.traits.recomputed.items():
                if name in state and (not causes or changing.intersection(causes)):
                    kept[name] = UNKNOWN
            return provider_pb2.UpdateResponse(properties=send(conceal({**kept, **news}, hidden)))
        found = diff.compare(olds, news, kind.traits, list(request.ignoreChanges))
        # No difference: the engine asks again because the last attempt did not finish. Everything is set once more.
        changed = frozenset(diff.top(path) for path in found.paths()) or frozenset(news)
        try:
            result = kind.update(request.id, olds, news, changed)
        except Missing as error:
            raise ProviderError(f"{error}; it was deleted by somebody else: run `pulumi refresh`") from error
        except Partial as error:
            raise self._initialisation_failed(request, error, given, hidden) from error
        return provider_pb2.UpdateResponse(properties=send(conceal(result, hidden)))

    @_guarded
    def Delete(self, request: Any, context: Any) -> Any:
        """Delete a resource; that it is gone already is success."""
        token, _ = _identity(request.urn)
        kind = self.cloud.kind(token)
        state, inputs = plain(receive(request.properties)), plain(receive(request.old_inputs))
        try:
            kind.delete(request.id, _bare(inputs or state), state)
        except Missing:
            log.debug("%s was gone already", request.urn)
        self.journal.acknowledge(request.urn, request.id)
        return empty_pb2.Empty()

    # Failures

    def told(self, message: str, request: Any) -> str:
        """Return a diagnostic: one line that names the sandbox and holds no secret of the request."""
        hidden: set[str] = set()
        sensitive: frozenset[str] = frozenset()
        if getattr(request, "urn", "") and not request.urn.rsplit("::", 2)[-2].startswith("pulumi:providers:"):
            token, _ = _identity(request.urn)
            sensitive = self.cloud.kind(token).traits.sensitive if token in self.cloud.tokens() else sensitive
        for name in ("properties", "news", "olds", "inputs", "old_inputs", "args"):
            struct = getattr(request, name, None)
            if isinstance(struct, struct_pb2.Struct):
                hidden |= secret_texts(conceal(receive(struct), sensitive))
        line = " ".join(f"{self.label}: {message}".split())
        for text in sorted(hidden, key=len, reverse=True):
            line = line.replace(text, "[secret]")
        return line

    def _failure(self, request: Any, name: str, reason: str) -> provider_pb2.CheckFailure:
        return provider_pb2.CheckFailure(property=name, reason=self.told(reason, request))

    def _initialisation_failed(
        self, request: Any, error: Partial, given: Values, hidden: frozenset[str]
    ) -> _InitialisationError:
        """Tell the engine that the object exists but is not as wanted: it records it, and the next run tries again."""
        reason = self.told(str(error), request)
        detail = provider_pb2.ErrorResourceInitFailed(
            id=error.id,
            properties=send(conceal(error.state, hidden)),
            reasons=[reason],
            inputs=send(given),
        )
        packed = any_pb2.Any()
        packed.Pack(detail)
        status = status_pb2.Status(code=2, message=reason, details=[packed])
        return _InitialisationError(str(error), status.SerializeToString())


def _identity(urn: str) -> tuple[str, str]:
    """Take the type token and the logical name out of a URN."""
    *_, qualified, name = urn.split("::", 3)
    return qualified.rsplit("$", 1)[-1], name


def _bare(values: Values) -> Values:
    return {name: item for name, item in values.items() if name != DEFAULTS and item is not None}


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


def _refreshed(state: Values, olds: Values, kind: Kind) -> Values:
    """Return the inputs as they would have to be for the object to be as it is."""
    inputs = {}
    for name, asked in olds.items():
        if name == DEFAULTS or name not in state or name not in kind.traits.inputs:
            inputs[name] = asked
            continue
        now = diff.project(state[name], asked, kind.traits.inputs[name].type)
        if now is not None:
            inputs[name] = now
    for name in kind.traits.drifting:
        if name not in olds and state.get(name):
            inputs[name] = state[name]
    return inputs


def _settled(state: Values, olds: Values, kind: Kind) -> Values:
    """Keep the program's own spelling of what means the same."""
    return {
        name: olds[name]
        if name in olds
        and diff.project(item, olds[name]) == olds[name]
        and name in kind.traits.inputs
        and not isinstance(item, (dict, list))
        else item
        for name, item in state.items()
    }


def _imported(state: Values, kind: Kind) -> Values:
    """Return the inputs of an object that no program has described yet."""
    inputs: Values = {
        name: item
        for name, item in stripped(state).items()
        if name in kind.traits.inputs and item and name not in kind.traits.refused
    }
    for name, value in kind.traits.defaults.items():
        inputs.setdefault(name, value)
    inputs[DEFAULTS] = []
    return inputs
