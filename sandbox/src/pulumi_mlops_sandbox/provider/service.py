"""The gRPC service ``ResourceProvider``: each call of the engine, answered with the help of a :class:`Cloud`."""

import logging
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from pulumi_mlops_sandbox.provider import check, diff
from pulumi_mlops_sandbox.provider.contract import Cloud, Kind, Missing, Partial, ProviderError, Values
from pulumi_mlops_sandbox.provider.diagnostics import Diagnostics
from pulumi_mlops_sandbox.provider.diff import DEFAULTS
from pulumi_mlops_sandbox.provider.journal import Journal
from pulumi_mlops_sandbox.provider.naming import Naming
from pulumi_mlops_sandbox.provider.plugin import Plugin, guarded, identity
from pulumi_mlops_sandbox.provider.values import (
    UNKNOWN,
    conceal,
    has_unknown,
    marked,
    plain,
    receive,
    secret_names,
    send,
    stripped,
)

log = logging.getLogger(__name__)


class Service(Plugin):
    """One provider process, whose resources are a table of kinds."""

    def __init__(self, cloud: Cloud, journal: Journal, diagnostics: Diagnostics | None = None) -> None:
        super().__init__(cloud, journal, diagnostics)
        self.cloud = cloud

    def sensitive(self, token: str) -> frozenset[str]:
        """Name the properties that the table calls secret."""
        return self.cloud.kind(token).traits.sensitive if token in self.cloud.tokens() else frozenset()

    @guarded
    def Check(self, request: Any, context: Any) -> Any:
        """Check the inputs of a resource, fill in defaults and the physical name."""
        token, logical = identity(request.urn)
        kind = self.cloud.kind(token)
        news, olds = receive(request.news), plain(receive(request.olds))
        failures = check.problems(news, kind.traits)
        naming = Naming(
            logical,
            request.randomSeed,
            request.autonaming.proposed_name,
            provider_pb2.CheckRequest.AutonamingOptions.Mode.Name(request.autonaming.mode),
        )
        inputs = news
        if not failures:
            try:
                inputs = check.filled(news, olds, kind.traits, naming)
                for name, value in kind.completed(plain(inputs), olds).items():
                    inputs[name] = value
                    inputs[DEFAULTS].append(name)
            except ProviderError as error:
                failures = [(kind.traits.name.property if kind.traits.name else "", str(error))]
        if not failures:
            failures = kind.validate(plain(inputs), olds)
        return provider_pb2.CheckResponse(
            inputs=send(inputs), failures=[self.failure(request, *item) for item in failures]
        )

    @guarded
    def Diff(self, request: Any, context: Any) -> Any:
        """Compare the recorded inputs with the wanted ones."""
        token, _ = identity(request.urn)
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
        auto = traits.name
        renamed = auto is not None and auto.form != "copy" and auto.property in (news.get(DEFAULTS) or [])
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
            deleteBeforeReplace=bool(replacing) and (same_place or (traits.gives_way and not renamed)),
            detailedDiff=detailed,
            hasDetailedDiff=True,
            stables=sorted(traits.stables) if not replacing else [],
        )

    @guarded
    def Create(self, request: Any, context: Any) -> Any:
        """Make a resource, or adopt the one that a killed run has made."""
        token, _ = identity(request.urn)
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
            return provider_pb2.CreateResponse(
                properties=send(conceal({**foreseen, **kind.foreseen(inputs, {})}, hidden))
            )
        try:
            object_id, state = self._adopted(request.urn, kind, inputs) or self._created(request.urn, kind, inputs)
        except Partial as error:
            self.journal.made(request.urn, error.id)
            raise self.initialisation_failed(request, error, conceal(error.state, hidden), given) from error
        return provider_pb2.CreateResponse(id=object_id, properties=send(conceal(state, hidden)))

    def _created(self, urn: str, kind: Kind, inputs: Values) -> tuple[str, Values]:
        self.journal.begin(urn, kind.intended(inputs))
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
        """Take over the object of a creation that was never recorded; delete what cannot become what is wanted.

        One whose provider was killed as well may be on its way still: it is sent again, and waited for.
        """
        entry = self.journal.find(urn)
        object_id = (entry.id or entry.intended) if entry is not None else ""
        if entry is None or not object_id:
            return None
        try:
            state = kind.read(object_id, inputs)
        except Missing:
            self.journal.forget(urn)
            return None
        found_as = kind.as_inputs(object_id, state, inputs, state)
        present = {
            name: diff.project(found_as[name], wanted, kind.traits.inputs[name].type) if name in found_as else None
            for name, wanted in inputs.items()
        }
        found = diff.compare(present, inputs, kind.traits)
        if any(kind.traits.forces_replacement(diff.bare(path)) and path not in found.added for path in found.paths()):
            kind.delete(object_id, inputs, state)
            self.journal.forget(urn)
            return None
        changed = frozenset(diff.top(path) for path in found.paths())
        again = changed or not entry.id
        return object_id, kind.update(object_id, present, inputs, changed) if again else state

    @guarded
    def Read(self, request: Any, context: Any) -> Any:
        """Look at a resource: for a refresh, or to import it."""
        token, _ = identity(request.urn)
        self.journal.acknowledge(request.urn, request.id)
        kind = self.cloud.kind(token)
        given, before = receive(request.inputs), receive(request.properties)
        hidden = secret_names(given) | secret_names(before) | kind.traits.sensitive
        olds = plain(given)
        try:
            state = kind.read(request.id, _bare(olds))
        except Missing:
            return provider_pb2.ReadResponse()
        found = kind.as_inputs(request.id, state, _bare(olds), plain(before))
        inputs = _refreshed(found, olds, kind) if olds else _imported(found, kind)
        known = {
            name: item
            for name, item in plain(before).items()
            if name in kind.traits.outputs or name in kind.traits.inputs
        }
        outputs = {**known, **_settled(state, olds, kind)}
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=send(conceal(outputs, hidden)),
            inputs=send(conceal(marked(inputs, given), kind.traits.sensitive)),
        )

    @guarded
    def Update(self, request: Any, context: Any) -> Any:
        """Bring a resource to its new inputs."""
        token, _ = identity(request.urn)
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
            return provider_pb2.UpdateResponse(properties=send(conceal({**kept, **kind.foreseen(news, state)}, hidden)))
        found = diff.compare(olds, news, kind.traits, list(request.ignoreChanges))
        # No difference: the engine asks again because the last attempt did not finish. Everything is set once more.
        changed = frozenset(diff.top(path) for path in found.paths()) or frozenset(news)
        try:
            result = kind.update(request.id, olds, news, changed)
        except Missing as error:
            raise ProviderError(f"{error}; it was deleted by somebody else: run `pulumi refresh`") from error
        except Partial as error:
            raise self.initialisation_failed(request, error, conceal(error.state, hidden), given) from error
        return provider_pb2.UpdateResponse(properties=send(conceal(result, hidden)))

    @guarded
    def Delete(self, request: Any, context: Any) -> Any:
        """Delete a resource; that it is gone already is success."""
        token, _ = identity(request.urn)
        kind = self.cloud.kind(token)
        state, inputs = plain(receive(request.properties)), plain(receive(request.old_inputs))
        try:
            kind.delete(request.id, _bare(inputs or state), state)
        except Missing:
            log.debug("%s was gone already", request.urn)
        self.journal.acknowledge(request.urn, request.id)
        return empty_pb2.Empty()


def _bare(values: Values) -> Values:
    return {name: item for name, item in values.items() if name != DEFAULTS and item is not None}


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
