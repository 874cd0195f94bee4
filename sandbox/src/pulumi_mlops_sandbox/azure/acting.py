"""Plays what runs in Azure: each right that it needs is asked for, as the identity that it acts as.

A container of a deployment, the job that brings rows of a feature set into the offline store, and a run of a pipeline,
once each. Nothing is served and nothing is computed: an action of such a run is one right.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pulumi_mlops_sandbox.azure import ids
from pulumi_mlops_sandbox.azure.call import Call, Tenant, dig
from pulumi_mlops_sandbox.azure.data import GET_SECRET, METRICS
from pulumi_mlops_sandbox.azure.kinds import KINDS
from pulumi_mlops_sandbox.azure.rules import assets, rights
from pulumi_mlops_sandbox.azure.rules.components import SPEC, of_node
from pulumi_mlops_sandbox.azure.rules.keys import assigned_to
from pulumi_mlops_sandbox.azure.rules.rights import READ, WORKSPACES, Wanted
from pulumi_mlops_sandbox.azure.rules.workspaces import workspace_of
from pulumi_mlops_sandbox.azure.store import Record

Acting = Callable[[Call, Record], Iterator[tuple[Sequence[str], Wanted]]]
"""Tells what is needed, and by which identities: one of them is enough."""
_SECRET = re.compile(r"https://(?P<vault>[^./]+)\.vault\.[a-z.]+/secrets/(?P<name>[^/]+)/?")
_NAMED_SECRET = re.compile(r'"https://(?P<vault>[^./"]+)\.vault\.[a-z.]+/secrets/(?P<name>[^/"]+)"')
_NAMED_MODEL = re.compile(r'"(/subscriptions/[^"]+/models/[^"/]+)"')
_SOURCE = re.compile(r"^  path: (\S+)$", re.MULTILINE)


def _container(call: Call, record: Record) -> Iterator[tuple[Sequence[str], Wanted]]:
    """Start, read the secrets that variables name, and tell how busy it is: autoscale goes by that."""
    identities, space = rights.acts_as(call, record), workspace_of(call)
    if not identities or space is None:
        return
    for wanted in rights.fetched(call, record):
        yield identities, wanted
    for value in (dig(record.body, "properties.environmentVariables") or {}).values():
        found = _SECRET.fullmatch(str(value))
        for vault in call.store.of_type(rights.VAULT) if found else ():
            if found and vault.name.lower() == found["vault"].lower():
                yield identities, (GET_SECRET, f"{vault.id}/secrets/{found['name']}", True, "Key Vault Secrets User")
    yield identities, (METRICS, space.id, False, "AzureML Metrics Writer (preview)")


def _materialization(call: Call, record: Record) -> Iterator[tuple[Sequence[str], Wanted]]:
    """Read the specification, and the rows that it names, and write them to the offline store."""
    space, read = workspace_of(call), "Storage Blob Data Reader"
    for identity, wanted in rights.materialized(call, record) if space is not None else ():
        yield [identity], wanted
        for scope in _below(call, space, str(record.at("properties.specification.path"))):
            yield [identity], (READ, scope, True, read)
            item = call.store.items.get(f"{scope.replace('#', '/')}/FeatureSetSpec.yaml")
            for uri in _SOURCE.findall(item.content.decode()) if item else ():
                for rows in _below(call, space, uri):
                    yield [identity], (READ, rows, True, read)


def _run(call: Call, record: Record) -> Iterator[tuple[Sequence[str], Wanted]]:
    """Run each step of a pipeline: fetch image and code, read and write files, secrets and models that it names."""
    space = workspace_of(call)
    whole = assets.asset(call, str(record.properties.get("componentId") or ""))
    for name, node in (whole.at(f"{SPEC}.jobs") or {}).items() if isinstance(whole, Record) and space else ():
        machines, of = call.store.get(str(node.get("computeId"))), of_node(call, node)
        identities = assigned_to(machines) if machines is not None else []
        if of is None or space is None or not identities:
            continue
        for wanted in _step(call, space, of.at(SPEC), node, f"{record.name}-{name}"):
            yield identities, wanted


def _step(call: Call, space: Record, spec: dict[str, Any], node: dict[str, Any], job: str) -> Iterator[Wanted]:
    reader, writer = "Storage Blob Data Reader", "Storage Blob Data Contributor"
    yield from rights.image(call, space, spec.get("environment"))
    code = assets.asset(call, str(spec.get("code")))
    places = [(rights.WRITE, writer, f"azureml://datastores/workspaceblobstore/paths/ExperimentRun/dcid.{job}/logs")]
    if isinstance(code, Record):
        places.append((READ, reader, f"{code.properties.get('codeUri')}/step.py"))
    given, made = (node.get("inputs") or {}).values(), (node.get("outputs") or {}).values()
    places += [(READ, reader, f"{one.get('uri') or ''}x") for one in given]
    places += [(rights.WRITE, writer, str(one.get("uri") or "").replace("${{name}}", job) + "x") for one in made]
    for action, role, uri in places:
        for scope in _below(call, space, uri):
            yield action, scope, True, role
    text = str(spec.get("command"))
    for found in _NAMED_SECRET.finditer(text):
        for vault in call.store.of_type(rights.VAULT):
            if vault.name.lower() == found["vault"].lower():
                yield GET_SECRET, f"{vault.id}/secrets/{found['name']}", True, "Key Vault Secrets User"
    for model in _NAMED_MODEL.findall(text):
        yield f"{WORKSPACES}/models/versions/write", model, False, "AzureML Data Scientist"


def _below(call: Call, space: Record | None, uri: str) -> list[str]:
    return [] if space is None else list(rights.storage_of(call, space, uri))


ACTING: dict[str, Acting] = {
    f"{WORKSPACES}/onlineEndpoints/deployments": _container,
    f"{WORKSPACES}/featuresets/versions": _materialization,
    f"{WORKSPACES}/jobs": _run,
}


def play(tenant: Tenant, record: Record) -> dict[str, Any]:
    """Play it once."""
    call = Call(tenant, "GET", ids.parse(record.id), KINDS[record.type.lower()], existing=record)
    actions = []
    for identities, (action, scope, data, role) in ACTING[record.type](call, record):
        allowed = any(rights.may(call, one, action, scope, data=data) for one in identities)
        said = scope if allowed else str(rights.denied(identities[0], action, scope, role))
        actions.append({"name": action, "status": "Succeeded" if allowed else "Failed", "said": said})
    failed = any(one["status"] == "Failed" for one in actions)
    return {"status": "Failed" if failed else "Succeeded", "actions": actions, "told": []}
