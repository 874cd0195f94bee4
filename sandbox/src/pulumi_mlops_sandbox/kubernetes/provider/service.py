"""The resource calls of the engine, each answered by the apiserver."""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from pulumi_mlops_sandbox.kubernetes.provider import checks, diff, failures, managed, objects, waiting
from pulumi_mlops_sandbox.kubernetes.provider.client import Object, StatusError
from pulumi_mlops_sandbox.kubernetes.provider.cluster import Cluster
from pulumi_mlops_sandbox.kubernetes.provider.discovery import Api, Gvk, NoMatch
from pulumi_mlops_sandbox.kubernetes.provider.expressions import condition
from pulumi_mlops_sandbox.provider.contract import Missing, Partial, ProviderError, Values
from pulumi_mlops_sandbox.provider.diagnostics import Diagnostics
from pulumi_mlops_sandbox.provider.journal import Journal
from pulumi_mlops_sandbox.provider.naming import Naming
from pulumi_mlops_sandbox.provider.plugin import Plugin, guarded, identity
from pulumi_mlops_sandbox.provider.values import Secret, has_unknown, plain, receive, secret_texts, send

Result = TypeVar("Result")
_NO_MATCH_PATIENCE, _NOT_FOUND_PATIENCE, _PAUSE = 20.0, 5.0, 0.25
_NOT_FOUND, _INVALID = 404, 422
_PROPAGATION = {"orphan": "Orphan", "background": "Background"}


class Objects(Plugin):
    """One provider process, whose resources are whatever kinds the apiserver has."""

    def __init__(self, cluster: Cluster, journal: Journal, diagnostics: Diagnostics | None = None) -> None:
        super().__init__(cluster, journal, diagnostics)
        self.cluster = cluster

    # What the engine asks

    @guarded
    def Construct(self, request: Any, context: Any) -> Any:
        """Refuse the components that render charts, YAML and kustomizations."""
        objects.gvk_of(request.type)
        raise ProviderError(f"{request.type}: the sandbox's provider has no components")

    @guarded
    def Check(self, request: Any, context: Any) -> Any:
        """Complete the inputs: kind, name, namespace; refuse what no server needs to judge."""
        token, logical = identity(request.urn)
        gvk = objects.gvk_of(token)
        news, olds = receive(request.news), plain(receive(request.olds))
        news = {name: item for name, item in news.items() if item is not None}
        if isinstance(objects.name_of(olds), str):  # the engine has recorded it: it is nobody's leftover
            self.journal.acknowledge(request.urn, objects.identifier(olds))
        wrong = checks.misfits(gvk, plain(news))
        if not wrong:
            naming = Naming(
                logical,
                request.randomSeed,
                request.autonaming.proposed_name,
                provider_pb2.CheckRequest.AutonamingOptions.Mode.Name(request.autonaming.mode),
            )
            news = checks.completed(gvk, news, olds, naming, self._default_namespace(gvk))
            if objects.name_of(plain(news)) is None:
                wrong = [("metadata.name", "missing, and automatic naming is disabled: give a name")]
        return provider_pb2.CheckResponse(
            inputs=send(objects.concealed(gvk, news)),
            failures=[self.failure(request, *item) for item in wrong],
        )

    def _default_namespace(self, gvk: Gvk) -> str:
        return self.cluster.namespace if self._namespaced(gvk) else ""

    def _namespaced(self, gvk: Gvk) -> bool:
        try:
            return self.cluster.api(gvk).namespaced
        except NoMatch:  # its definition may be made by the same program
            return True

    @guarded
    def Diff(self, request: Any, context: Any) -> Any:
        """Compare the recorded inputs with the wanted ones."""
        gvk = objects.gvk_of(identity(request.urn)[0])
        self.journal.acknowledge(request.urn, request.id)
        olds, news = _bare(receive(request.old_inputs or request.olds)), _bare(receive(request.news))
        self._place(gvk, olds, news)
        ignored = tuple(request.ignoreChanges)
        changes = [item for item in diff.compare(olds, news, built_in=gvk.built_in) if not diff.ignored(item, ignored)]
        changes += _written_down(receive(request.olds), news, ignored)
        forcing = diff.rules(gvk, (olds, news), self.cluster.mutable)
        replacing = [item.text for item in changes if diff.replaces(item, forcing)]
        unready = self._unready(gvk, request.id, news)
        same_place = (
            not objects.switched_on(news, "autonamed")
            and objects.name_of(news) == objects.parted(request.id)[1]
            and objects.namespace_of(olds) == objects.namespace_of(news)
        )
        kinds = provider_pb2.PropertyDiff.Kind
        response = provider_pb2.DiffResponse
        return response(
            changes=response.DIFF_SOME if changes or unready else response.DIFF_NONE,
            diffs=sorted({str(item.path[0]) for item in changes}),
            replaces=sorted([*replacing, *unready]),
            deleteBeforeReplace=bool(replacing or unready) and same_place,
            detailedDiff={
                item.text: provider_pb2.PropertyDiff(
                    kind=kinds.Value(f"{item.kind}_REPLACE" if item.text in replacing else item.kind), inputDiff=True
                )
                for item in changes
            },
            hasDetailedDiff=True,
        )

    def _place(self, gvk: Gvk, *inputs: Object) -> None:
        """Give no namespace and the default one the same meaning; cluster-wide objects have none."""
        namespaced = self._namespaced(gvk)
        for item in inputs:
            metadata = item.get("metadata")
            if not isinstance(metadata, dict):
                continue
            if namespaced:
                metadata["namespace"] = metadata.get("namespace") or self.cluster.namespace
            else:
                metadata.pop("namespace", None)

    def _unready(self, gvk: Gvk, object_id: str, news: Object) -> list[str]:
        """Name what makes a Job be replaced that its program wants replaced as long as it has not succeeded."""
        if gvk.kind != "Job" or not objects.switched_on(news, "replaceUnready"):
            return []
        try:
            live = self.cluster.get(self.cluster.api(gvk), *objects.parted(object_id))
        except Missing:
            return []
        return ['metadata.annotations["pulumi.com/replaceUnready"]'] if condition(live, "Complete") else []

    @guarded
    def Create(self, request: Any, context: Any) -> Any:
        """Make an object that does not exist yet, or adopt the one that a killed run has made."""
        gvk = objects.gvk_of(identity(request.urn)[0])
        given = receive(request.properties)
        body = _bare(given)
        if request.preview:
            return provider_pb2.CreateResponse(properties=self._foreseen(request, gvk, given, body))
        api = self._patiently(lambda: self.cluster.api(gvk), NoMatch, _NO_MATCH_PATIENCE)
        manager = manager_of(request.urn)
        self._place(gvk, body)
        wanted = objects.identifier(body)
        with self._explained(gvk, wanted):
            adopting = self._adopts(request.urn, api, manager, wanted)
            if not adopting and not self.cluster.switch("upsertExistingObjects"):
                self._refuse_existing(api, wanted)
            self.journal.begin(request.urn, wanted)
            try:
                live = self._begun(request, api, body, manager, adopting=adopting)
            except (StatusError, ProviderError):  # what the connection lost on its way may have been made
                if not adopting:
                    self.journal.forget(request.urn)
                raise
            self.journal.made(request.urn, wanted)
            state = self._settled(request, api, live, given, manager)
        return provider_pb2.CreateResponse(id=wanted, properties=send(state))

    def _begun(self, request: Any, api: Api, body: Object, manager: str, *, adopting: bool) -> Object:
        """Apply for the first time; a leftover that cannot become what is wanted goes."""

        def apply() -> Object:
            return self._patiently(
                lambda: self._applied(request, api, body, manager), failures.NotThere, _NOT_FOUND_PATIENCE
            )

        try:
            return apply()
        except StatusError as error:
            if not adopting or error.code != _INVALID:
                raise
        self._remove(api, objects.identifier(body))
        return apply()

    def _remove(self, api: Api, object_id: str) -> None:
        self.cluster.delete(api, *objects.parted(object_id), "Foreground")
        waiting.until_gone(self.cluster, api, objects.parted(object_id), {}, 0)

    def _refuse_existing(self, api: Api, object_id: str) -> None:
        try:
            live = self.cluster.get(api, *objects.parted(object_id))
        except Missing:
            return
        owners = ", ".join(managed.managers(live)) or "nobody that says so"
        raise ProviderError(
            f"it exists already, written by {owners}. Import it (`import_={object_id!r}`), delete it, or name "
            "yours otherwise"
        )

    def _adopts(self, urn: str, api: Api, manager: str, wanted: str) -> bool:
        """Take over the object of a creation that was never recorded; one under another name goes."""
        entry = self.journal.find(urn)
        object_id = (entry.id or entry.intended) if entry is not None else ""
        if not object_id:
            return False
        try:
            live = self.cluster.get(api, *objects.parted(object_id))
        except Missing:
            self.journal.forget(urn)
            return False
        if managed.applied(live, manager) is None:  # somebody else's, who came later
            self.journal.forget(urn)
            return False
        if object_id == wanted:
            return True
        self._remove(api, object_id)
        self.journal.forget(urn)
        return False

    @guarded
    def Read(self, request: Any, context: Any) -> Any:
        """Look at an object: for a refresh, or to import it."""
        gvk = objects.gvk_of(identity(request.urn)[0])
        self.journal.acknowledge(request.urn, request.id)
        given, before = receive(request.inputs), plain(receive(request.properties))
        manager = before.get(objects.FIELD_MANAGER) or manager_of(request.urn)
        try:
            api = self.cluster.api(gvk)
            namespace, name = objects.parted(request.id)
            live = self.cluster.get(api, (namespace or self.cluster.namespace) if api.namespaced else "", name)
        except (Missing, NoMatch):
            return provider_pb2.ReadResponse()
        except failures.UNREACHABLE:
            if self.cluster.switch("deleteUnreachable"):
                return provider_pb2.ReadResponse()
            raise
        if given:
            seen = objects.with_text(live, plain(given)) if gvk.secret else live
            found = managed.observed(objects.unwire(seen), plain(given), manager, built_in=gvk.built_in)
            inputs = objects.marked(found, given)
        else:
            inputs = objects.imported(managed.chosen(live))
        inputs = objects.concealed(gvk, inputs)
        state = objects.outputs(gvk, live, inputs, manager)
        object_id = request.id if given else objects.identifier(live)
        missing = waiting.unready(self.cluster, api, live, plain(given)) if given else ""
        if missing:
            raise self.initialisation_failed(request, Partial(missing, object_id, {}), state, inputs)
        return provider_pb2.ReadResponse(id=object_id, properties=send(state), inputs=send(inputs))

    @guarded
    def Update(self, request: Any, context: Any) -> Any:
        """Bring an object to its new inputs."""
        gvk = objects.gvk_of(identity(request.urn)[0])
        self.journal.acknowledge(request.urn, request.id)
        given, before = receive(request.news), plain(receive(request.olds))
        body = _bare(given)
        manager = before.get(objects.FIELD_MANAGER) or manager_of(request.urn)
        if request.preview and has_unknown(body):
            return provider_pb2.UpdateResponse(properties=request.news)
        try:
            api = self.cluster.api(gvk)
        except NoMatch:
            if not request.preview:
                raise
            return provider_pb2.UpdateResponse(properties=request.news)
        self._place(gvk, body)
        with self._explained(gvk, request.id):
            try:
                live = self.cluster.get(api, *objects.parted(request.id))
            except Missing as error:
                raise ProviderError("it was deleted by somebody else: run `pulumi refresh`") from error
            managed.let_go(body, live, manager, tuple(request.ignoreChanges))
            patch = managed.taken_over(live, manager)
            if request.preview:
                dry = self._applied(request, api, body, manager, dry=True, force=patch is not None)
                return provider_pb2.UpdateResponse(properties=send(objects.outputs(gvk, dry, given, manager)))
            if patch is not None:
                self._take_over(api, request.id, manager)
            live = self._applied(request, api, body, manager)
            state = self._settled(request, api, live, given, manager)
        if gvk.kind == "Job" and any(path.split(".")[0] == "spec" for path in request.ignoreChanges):
            state[_WRITTEN_DOWN] = plain(state)["spec"]
        return provider_pb2.UpdateResponse(properties=send(state))

    @guarded
    def Delete(self, request: Any, context: Any) -> Any:
        """Delete an object and wait until it is gone; that it is gone already is success."""
        gvk = objects.gvk_of(identity(request.urn)[0])
        inputs = _bare(receive(request.old_inputs or request.properties))
        noted = str(objects.annotations(inputs).get("pulumi.com/deletionPropagationPolicy") or "").lower()
        place = objects.parted(request.id)
        with self._explained(gvk, request.id):
            try:
                api = self.cluster.api(gvk)
                self.cluster.delete(api, *place, _PROPAGATION.get(noted, "Foreground"))
                waiting.until_gone(self.cluster, api, place, inputs, request.timeout)
            except (Missing, NoMatch):
                pass
            except failures.UNREACHABLE:
                if not self.cluster.switch("deleteUnreachable"):
                    raise
        self.journal.acknowledge(request.urn, request.id)
        return empty_pb2.Empty()

    # How it is done

    def _take_over(self, api: Api, object_id: str, manager: str) -> None:
        """Become the owner of what kubectl or another Pulumi wrote; its controller may write at the same moment."""
        stale = retry_if_exception(lambda error: isinstance(error, StatusError) and error.stale)
        for attempt in Retrying(retry=stale, stop=stop_after_attempt(10), reraise=True):
            with attempt:
                patch = managed.taken_over(self.cluster.get(api, *objects.parted(object_id)), manager)
                if patch is not None:
                    self.cluster.patch(api, *objects.parted(object_id), patch, manager)

    def _foreseen(self, request: Any, gvk: Gvk, given: Values, body: Object) -> Any:
        """Ask the apiserver what would be made; where it cannot say, the inputs are all that is known."""
        if has_unknown(body):
            return request.properties
        try:
            api = self.cluster.api(gvk)
        except NoMatch:
            return request.properties
        self._place(gvk, body)
        object_id = objects.identifier(body)
        manager = manager_of(request.urn)
        with self._explained(gvk, object_id):
            trial = body
            try:
                live = self.cluster.get(api, *objects.parted(object_id))
                # A predecessor that is replaced is still there: another name stands for the new one.
                if not any(item.startswith("pulumi-kubernetes") for item in managed.managers(live)):
                    self._refuse_existing(api, object_id)
                trial = {**body, "metadata": {**body["metadata"], "name": objects.other_name(body["metadata"]["name"])}}
            except Missing:
                pass
            try:
                dry = self._applied(request, api, trial, manager, dry=True, force=True)
            except failures.NotThere:  # the namespace is made by the same program
                return request.properties
        return send(objects.outputs(gvk, objects.foreseen(dry, body), given, manager))

    def _applied(
        self, request: Any, api: Api, body: Object, manager: str, *, dry: bool = False, force: bool = False
    ) -> Object:
        """Apply, with the apiserver's warnings shown."""
        forced = force or objects.switched_on(body, "patchForce") or self.cluster.switch("enablePatchForce")
        try:
            return self.cluster.apply(
                api,
                objects.wire(body),
                manager,
                lambda text: self.diagnostics.warn(self.told(text, request), request.urn),
                force=forced,
                dry=dry,
            )
        except StatusError as error:
            if error.code == _NOT_FOUND:
                raise failures.NotThere(failures.refused(error, self.cluster.client.access)) from error
            raise

    def _settled(self, request: Any, api: Api, live: Object, given: Values, manager: str) -> Object:
        """Wait until an object is ready; one that does not become so is recorded, and tried again with the next run."""
        gvk = api.gvk
        try:
            live = waiting.until_ready(self.cluster, api, live, plain(given), request.timeout)
        except waiting.NotReady as error:
            partial = Partial(f"{gvk} {objects.identifier(live)}: {error}", objects.identifier(live), {})
            state = objects.outputs(gvk, error.live, given, manager)
            raise self.initialisation_failed(request, partial, state, given) from error
        return objects.outputs(gvk, live, given, manager)

    def _explained(self, gvk: Gvk, object_id: str) -> AbstractContextManager[None]:
        return failures.explained(lambda: self.cluster.client.access, gvk, object_id)

    def _patiently(self, call: Callable[[], Result], passing: type[Exception], seconds: float) -> Result:
        """Call again for a while: a definition or a namespace of the same program may still be on its way."""
        limit = time.monotonic() + seconds
        while True:
            try:
                return call()
            except passing:
                if time.monotonic() > limit or self.cluster.cancelled.wait(_PAUSE):
                    raise

    # Secrets

    def sensitive(self, token: str) -> frozenset[str]:
        """Name what is secret of a Secret."""
        return frozenset(objects.SECRET_DATA) if token == "kubernetes:core/v1:Secret" else frozenset()  # noqa: S105 - a kind

    def hidden_texts(self, request: Any) -> set[str]:
        """Collect what is secret in a request, in plain and as base64."""
        texts = super().hidden_texts(request)
        return texts | {form for text in texts for form in _forms(text)}


def manager_of(urn: str) -> str:
    """Name the field manager of a resource: the same from its first call on, and after a killed run."""
    return f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"


_WRITTEN_DOWN = "__spec"
"""The spec that an update of a Job leaves in the state where the program ignores some of it: the live one."""


def _written_down(state: Values, news: Object, ignored: tuple[str, ...]) -> Iterator[diff.Change]:
    """Find what the real provider takes for a change after such an update: its filter misses keys with a hyphen."""
    spec = plain(state).get(_WRITTEN_DOWN)
    if spec is None:
        return
    for change in diff.compare({"spec": spec}, {"spec": news.get("spec")}, built_in=True):
        if change.path[:4] == ("spec", "template", "metadata", "labels") and (
            "-" in str(change.path[-1]) or not diff.ignored(change, ignored)
        ):
            yield change


def _bare(values: Values) -> Object:
    """Return inputs as one object: without secret marks, nulls, and what is Pulumi's own."""
    return {name: item for name, item in plain(values).items() if item is not None and not name.startswith("__")}


def _forms(text: str) -> set[str]:
    """Return the other forms in which a secret may be shown: encoded, and decoded."""
    found = {base64.b64encode(text.encode()).decode()}
    try:
        decoded = base64.b64decode(text, validate=True).decode()
    except ValueError:
        return found
    return found | secret_texts(Secret(decoded))
