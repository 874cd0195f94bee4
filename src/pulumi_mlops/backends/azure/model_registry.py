"""ModelRegistry and Model on Azure: model containers of the workspace, and a workflow that tells of approvals."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pulumi
from pulumi import Input, Output
from pulumi_azure_native import logic, machinelearningservices

from pulumi_mlops.backends.azure import access, approvals, live, names, shared_registry, workflows
from pulumi_mlops.backends.azure.addresses import (
    ModelAddress,
    ModelRegistryAddress,
    ModelVersionAddress,
    PlatformAddress,
)
from pulumi_mlops.backends.azure.approvals import APPROVAL, REGISTRY
from pulumi_mlops.backends.azure.rights import MODELS, READ_BLOB, READER, Right, model_files, of_registry, read_place
from pulumi_mlops.backends.azure.stores import plain_address
from pulumi_mlops.components.model import ModelRef, ModelSpec, ModelVersionRef, no_version
from pulumi_mlops.components.model_registry import ModelRegistryRef, ModelRegistrySpec
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import principals, private
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.gates import missed
from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.principals import Who
from pulumi_mlops.core.workload import RECORD_OF_VERSION

IMAGE, DIGEST = "serving_image", "serving_image_digest"
"""Tags of a version that name the image which serves it."""
MODEL = 255
"""Characters of a model's name."""


def model_registry(scope: Scope, spec: ModelRegistrySpec) -> ModelRegistryRef:
    """Make the workflows that tell of approvals. The containers, and the rights on them, come with the models."""
    at = PlatformAddress.of(spec.platform)
    native: dict[str, pulumi.Resource] = {}
    readers = _own(spec.platform, spec.readers)
    shared = shared_registry.make(scope, spec, readers, native) if spec.regions else None
    root = shared.id if shared else at.workspace_id
    # What is in a registry that is shared is there under its own name.
    prefix = "" if shared else physical(at.within, scope.name, limit=MODEL)
    if spec.events:
        # Reader, of the whole: which models there are is listed there, and a workflow reads all versions.
        made = access.managed(scope, at.group, at.location, "events", scope.name, "events")
        reads = [of_registry("Reader", shared) if shared else Right("Reader", at.workspace_id, "workspace")]
        reader = access.known_with(made, access.assign(scope, made.principal_id, at.subscription, reads, part="events"))
        for short, notice in sorted(spec.events.items()):
            native[f"event.{short}"] = logic.Workflow(
                scope.child(f"event-{short}"),
                workflow_name=names.inside(scope.project, scope.stage, scope.name, short, limit=workflows.NAME),
                resource_group_name=at.group,
                location=at.location,
                identity=workflows.identity(reader),
                state="Enabled",
                definition=approvals.definition(root, prefix or scope.name, notice.on, reader.id),
                parameters={"to": {"type": "SecureString", "value": Output.secret(notice.to)}},
                tags=scope.tags,
                opts=scope.opts,
            )
    return ModelRegistryRef(
        name=scope.name,
        backend="azure",
        platform=spec.platform,
        approvers=principals.plain(spec.approvers),
        consumers=principals.plain(spec.readers),
        shared=shared is not None,
        address=ModelRegistryAddress(root=root, prefix=prefix, shared=shared).plain(),
        native=native,
    )


def _own(platform: PlatformRef, readers: Sequence[Who]) -> list[Who]:
    """Leave out whom the platform lets read already: Azure takes no second assignment of the same."""
    known = principals.read(platform.consumers)
    return [who for who in readers if who not in known]


def model_name(registry: ModelRegistryRef, name: str) -> str:
    """Name a model in its workspace, where the models of all registries are."""
    return physical(ModelRegistryAddress.of(registry).prefix, name, limit=MODEL)


def model(scope: Scope, spec: ModelSpec) -> ModelRef:
    """Make the container, and let approvers change its versions, and consumers read them."""
    registry, platform = spec.registry, spec.registry.platform
    at, called = PlatformAddress.of(platform), model_name(spec.registry, scope.name)
    kept = ModelRegistryAddress.of(registry)
    properties: Any = {
        "description": spec.description,
        "tags": {**spec.metadata, **scope.tags, REGISTRY: kept.prefix or registry.name},
        "is_archived": False,
    }
    opts = scope.guarded(spec.protect)
    if kept.shared is not None:
        held = shared_registry.container(scope, kept.shared, called, properties, opts)
        known = kept.root if isinstance(kept.root, str) else live.registry_path(platform, kept.shared.name)
        return ModelRef(
            name=scope.name,
            backend="azure",
            platform=platform,
            gate=spec.gate,
            shared=True,
            address=ModelAddress(id=held.id, called=called, root=known, shared=kept.shared).plain(),
            native={"container": held},
        )
    container = machinelearningservices.ModelContainer(
        scope.child("container"),
        name=called,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        properties=properties,
        opts=opts,
    )
    native: dict[str, pulumi.Resource] = {"container": container}
    # The narrowest scope that there is: one model. Versions are changed and read below it.
    change = [Right("AzureML Data Scientist", container.id, "model")]
    native |= access.let(scope, "approve", platform, principals.read(registry.approvers), change)
    made = ModelRef(
        name=scope.name,
        backend="azure",
        platform=platform,
        gate=spec.gate,
        address=ModelAddress(id=container.id, called=called).plain(),
        native=native,
    )
    if consumers := _own(platform, principals.read(registry.consumers)):
        native |= _consumed(scope, made, container, consumers)
    return made


def _consumed(
    scope: Scope, model: ModelRef, container: machinelearningservices.ModelContainer, consumers: Sequence[Who]
) -> dict[str, pulumi.Resource]:
    """Let principals outside read the versions of a model, and their files."""
    at = PlatformAddress.of(model.platform)
    groups = [at.group_id, Output.from_input(at.storage_id).apply(lambda id_: id_.partition("/providers/")[0])]
    actions = (f"{MODELS}/read", f"{MODELS}/versions/read")
    role = access.role(
        scope, "consume", "reader", f"Reads model {scope.name}", groups, actions=actions, data=[READ_BLOB]
    )
    files = read_place(model_files(model), model.platform)
    read = [replace(right, role=READER, custom=role.id) for right in files]
    read.append(Right(READER, container.id, "model", custom=role.id))
    return {"consume": role} | access.let(scope, "consume", model.platform, consumers, read)


def approved(model: ModelRef) -> ModelVersionRef | None:
    """Return the newest approved version that passes the gate."""
    for found in _newest_first(model):
        if _properties(found).get("tags", {}).get(APPROVAL) != "approved":
            continue
        short = missed(model.gate, _facts(found))
        if not short:
            return _version(model, found)
        pulumi.log.warn(
            f"Model {model.name!r}: version {found['name']} is approved but misses its gate ({'; '.join(short)}); "
            "looking at the one before"
        )
    return None


def version(model: ModelRef, number: int) -> ModelVersionRef:
    """Return one version, which has to be there: where its files are is known to the workspace alone."""
    address = ModelAddress.of(model)
    if private.mocked():
        return _version(model, {"name": str(number), "properties": {}})
    found = live.of_model(model, f"/versions/{number}")
    if found is None:
        raise no_version(model, number, f"model {address.called!r}")
    return _version(model, found)


def _newest_first(model: ModelRef) -> list[dict[str, Any]]:
    """Return the versions that have a number, as registering gives them, and are not archived."""
    found = live.versions_of_model(model)
    numbered = [one for one in found if one["name"].isdigit() and not _properties(one).get("isArchived")]
    return sorted(numbered, key=lambda one: int(one["name"]), reverse=True)


def _properties(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in (found.get("properties") or {}).items() if value is not None}


def _facts(found: Mapping[str, Any]) -> Mapping[str, object]:
    """Return what a gate judges: tags, and properties, which win, since nobody can change them."""
    return {**_properties(found).get("tags", {}), **_properties(found).get("properties", {})}


def _version(model: ModelRef, found: Mapping[str, Any]) -> ModelVersionRef:
    number, properties = int(found["name"]), _properties(found)
    told = _facts(found)
    at, uri = PlatformAddress.of(model.platform), properties.get("modelUri")
    shared = ModelAddress.of(model).shared
    kind = properties.get("modelType")
    image = told.get(IMAGE)
    digest, record = told.get(DIGEST), told.get(RECORD_OF_VERSION)
    return ModelVersionRef(
        name=model.name,
        backend="azure",
        platform=model.platform,
        version=number,
        # What a registry that is shared keeps is read through it, and by no address of its own.
        files=plain_address(at, str(uri)) if uri and shared is None else None,
        image=str(image) if image else None,
        digest=str(digest) if digest else None,
        flavour=_flavour(properties),
        record=str(record) if record else None,
        shared=model.shared,
        address=ModelVersionAddress(id=_version_id(model, number), kind=kind, shared=shared).plain(),
    )


def _version_id(model: ModelRef, number: int) -> Input[str]:
    """Return the id of a version, as a plain text where that of its model is known."""
    address = ModelAddress.of(model)
    if address.shared is not None:
        return shared_registry.version_uri(address.shared, address.called, number)
    id_ = address.id
    return f"{id_}/versions/{number}" if isinstance(id_, str) else Output.format("{0}/versions/{1}", id_, number)


def _flavour(properties: Mapping[str, Any]) -> str | None:
    """Return the framework that a model of MLflow names, else the kind of its files."""
    flavours = sorted(name for name in properties.get("flavors") or {} if name != "python_function")
    return flavours[0] if flavours else properties.get("modelType")
