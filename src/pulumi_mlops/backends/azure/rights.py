"""Rights from references: one table of (verb, kind of thing) to roles and scopes, and nothing wider.

Azure gives roles at scopes. A scope here is one resource, or within the artifact store the files below a path, which a
condition names (https://learn.microsoft.com/azure/role-based-access-control/conditions-format).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pulumi import Input, Output

from pulumi_mlops.backends.azure import live, names, stores
from pulumi_mlops.backends.azure.addresses import (
    DatasetAddress,
    EndpointAddress,
    FeatureGroupAddress,
    ModelAddress,
    ModelVersionAddress,
    PlatformAddress,
    SecretAddress,
    SharedRegistry,
    TrackerAddress,
)
from pulumi_mlops.components.dataset_ref import DatasetRef, DatasetView
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.experiment_tracker import ExperimentTrackerRef
from pulumi_mlops.components.feature_group import FeatureGroupRef, FeatureView
from pulumi_mlops.components.model import ModelRef, ModelVersionRef
from pulumi_mlops.components.pipeline_ref import PipelineRef
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core import private
from pulumi_mlops.core.errors import MlopsError
from pulumi_mlops.core.inputs import is_deferred
from pulumi_mlops.core.primitives import WatchRef
from pulumi_mlops.core.refs import SecretRef
from pulumi_mlops.core.workload import Grant, Image, Key, Place

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLES: Mapping[str, str] = {
    # Everything on one resource but who has rights on it: the workspace sets up what it was given.
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    # To see that a resource is there, and how it is set.
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    # To read files, and to write them.
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    # The workspace's own shares: notebooks and code that is run from them.
    "Storage File Data Privileged Contributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
    # To pull images.
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    # The workspace keeps connections and keys of its own in the vault; others read single secrets.
    "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    # To encrypt what is kept with a key of the user's.
    "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
    # To work with what is in a workspace: models, jobs, endpoints; not to change the workspace itself.
    "AzureML Data Scientist": "f6c7c914-8db3-469d-8ca1-694a8f32e121",
    # To read and write what is in a registry that workspaces share; not to change the registry itself.
    "AzureML Registry User": "1823dd4f-9b8c-4ab6-ab4e-7397a3684615",
    # To write the figures of a model's run.
    "AzureML Metrics Writer (preview)": "635dd51f-9968-44d3-b7fb-6d9a6bd613ae",
    # To have machines run as an identity.
    "Managed Identity Operator": "f1a07417-d97a-45cb-824c-7a7467783830",
    # To send metrics of a resource.
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    # To see which alerts have fired.
    "Monitoring Reader": "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
    # To switch a workflow off that is through.
    "Logic App Operator": "515c2055-d9d4-4321-b1b9-bd0c9a0f79fe",
}
"""The roles of Azure that are given, by what people call them."""
WRITER = "AzureML Registry User"
"""Who registers versions in a registry that workspaces share, and approves them there."""
INVOKER = "Endpoint invoker"
"""What the role is called that an endpoint brings along: it calls the endpoint, and nothing else."""
RECORDER = "Run recorder"
"""What the role is called that a tracker brings along: it records runs in the workspace, and nothing else."""
STARTER = "Step starter"
"""What the role is called that a pipeline brings along whose steps start another: it starts jobs, and nothing else."""
READER = "Model reader"
"""What the role is called that a model brings along: it reads its versions and their files, and nothing else."""
MODELS = "Microsoft.MachineLearningServices/workspaces/models"
READ_BLOB = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
"""Reading a file, and listing files."""
BLOBS = (
    READ_BLOB,
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
)
_BLOB = re.compile(r"https://(?P<account>[a-z0-9]{3,24})\.blob\.[a-z0-9.]+/(?P<container>[^/]+)/?(?P<path>.*)")
_SERVER = re.compile(r"(?P<registry>[a-z0-9]{5,50})\.azurecr\.io/.*")


@dataclass(frozen=True)
class Right:
    """A role at a scope."""

    role: str
    """Its name among ``ROLES``."""
    scope: Input[str]
    """Id of the resource."""
    where: str
    """A short word for the scope, the same for the same scope: it names the assignment in the program."""
    paths: tuple[Input[str], ...] = ()
    """Within a container: the files to which it is bounded, which end in a star for all that begins so."""
    custom: Input[str] | None = None
    """Full id of the role, where it is one of a program's own."""
    why: str = ""
    """Why the scope is wider than one resource, where it is: it stands beside the assignment, in Azure too."""


def role_id(subscription: Input[str], role: str) -> Output[str]:
    """Return the full id of a role."""
    return Output.format(
        "/subscriptions/{0}/providers/Microsoft.Authorization/roleDefinitions/{1}", subscription, ROLES[role]
    )


def merged(found: Sequence[Right]) -> list[Right]:
    """Say once what is said of one scope: Azure takes a role once for whoever gets it there.

    A right without paths covers one with them.
    """
    first: dict[tuple[str, str], Right] = {}
    for right in found:
        known = first.setdefault((right.role, right.where), right)
        if known is not right:
            paths = () if not known.paths or not right.paths else (*known.paths, *right.paths)
            first[right.role, right.where] = replace(known, paths=paths)
    return list(first.values())


def condition(right: Right) -> Output[str] | None:
    """Write the condition that bounds a right to its paths."""
    if not right.paths:
        return None
    return Output.all(*right.paths).apply(_bounded)


def _bounded(paths: Sequence[str]) -> str:
    """Bound reading, writing and deleting by the file's path, and listing by its prefix."""
    blob = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:path]"
    prefix = "@Request[Microsoft.Storage/storageAccounts/blobServices/containers/blobs:prefix]"
    listing = f"ActionMatches{{'{READ_BLOB}'}} AND SubOperationMatches{{'Blob.List'}}"
    actions = " AND ".join(
        f"!(ActionMatches{{'{action}'}}{' AND NOT SubOperationMatches{Blob.List}' if action == READ_BLOB else ''})"
        for action in BLOBS
    ).replace("{Blob.List}", "{'Blob.List'}")
    wanted = dict.fromkeys(paths)
    inside = " OR ".join(f"{blob} StringLike '{path}'" for path in wanted)
    below = " OR ".join(f"{prefix} StringLike '{path if path.endswith('*') else path + '*'}'" for path in wanted)
    return f"(({actions}) OR ({inside})) AND ((!({listing})) OR ({below}))"


def _place(place: Place, here: PlatformRef, role: str) -> list[Right]:
    """Give a role on a file, or on what is below a folder."""
    at = PlatformAddress.of(here)
    uri = place.uri
    if not is_deferred(uri) and (found := _BLOB.fullmatch(str(uri))) and not _own(found, here):
        scope = _other_container(here, found["account"], found["container"])
        return [Right(role, scope, f"{found['account']}-{found['container']}", (_pattern(found["path"]),))]
    path = Output.all(uri, at.files).apply(lambda known: _below(str(known[0]), str(known[1])))
    return [Right(role, at.container_id, "artifacts", (path,))]


def _own(found: re.Match[str], here: PlatformRef) -> bool:
    """Tell whether a file is in the platform's own store.

    In the program that makes the platform its names are Outputs, while registries tell addresses of files as they are.
    """
    at = PlatformAddress.of(here)
    if not is_deferred(at.storage):
        return (found["account"], found["container"]) == (at.storage, at.container)
    where = (str(at.subscription), here.name, here.stage, str(at.location))
    own = (names.everywhere(*where, limit=names.STORAGE, life=life) for life in names.LIVES)
    return found["container"] == names.ARTIFACTS and found["account"] in own


def _below(uri: str, files: str) -> str:
    if not uri.startswith(files):
        raise MlopsError(
            f"{uri} is not in the platform's artifact store, {files}, and its rights cannot be given where its address "
            "is known so late; write the address as a plain text"
        )
    return _pattern(uri.removeprefix(files))


def _pattern(path: str) -> str:
    return f"{path}*" if path.endswith("/") or not path else path


def _other_container(here: PlatformRef, account: str, container: str) -> Input[str]:
    """Find the container of another account of the subscription; under mocks one of the platform's own group."""
    found = live.named(here, "storage account", "Microsoft.Storage/storageAccounts", account)
    if found is None and not private.mocked():
        raise MlopsError(
            f"there is no storage account {account!r} in the platform's subscription; rights cannot be given on its "
            "files: copy them to the platform's artifact store"
        )
    at = PlatformAddress.of(here)
    root: Input[str] = found or Output.format(
        "/subscriptions/{0}/resourceGroups/{1}/providers/Microsoft.Storage/storageAccounts/{2}",
        at.subscription,
        at.group,
        account,
    )
    return Output.format("{0}/blobServices/default/containers/{1}", root, container)


def read_place(place: Place, here: PlatformRef) -> list[Right]:
    """Allow to read a place."""
    return _place(place, here, "Storage Blob Data Reader")


def write_place(place: Place, here: PlatformRef) -> list[Right]:
    """Allow to read a place and to write to it."""
    return _place(place, here, "Storage Blob Data Contributor")


def pull_image(image: Image, here: PlatformRef) -> list[Right]:
    """Allow to pull from the registry of an image; of one outside of Azure's registries nothing is to be given."""
    at = PlatformAddress.of(here)
    own = [] if at.registry_id is None else [Right("AcrPull", at.registry_id, "images")]
    if is_deferred(image.address):  # an image whose name is known late is one of the platform's
        return own
    found = _SERVER.fullmatch(str(image.address))
    if found is None:
        return []
    if found["registry"] == at.registry:
        return own
    named = live.named(here, "container registry", "Microsoft.ContainerRegistry/registries", found["registry"])
    if named is None and not private.mocked():
        raise MlopsError(
            f"there is no container registry {found['registry']!r} in the platform's subscription; rights cannot be "
            "given on its images: import them into the platform's registry with az acr import"
        )
    scope: Input[str] = named or Output.format(
        "/subscriptions/{0}/resourceGroups/{1}/providers/Microsoft.ContainerRegistry/registries/{2}",
        at.subscription,
        at.group,
        found["registry"],
    )
    return [Right("AcrPull", scope, f"images-{found['registry']}")]


def _pull_any(platform: PlatformRef, here: PlatformRef) -> list[Right]:
    """Allow to pull whatever is in the platform's registry: which images run on machines is said by their runs."""
    del here
    registry = PlatformAddress.of(platform).registry_id
    return [] if registry is None else [Right("AcrPull", registry, "images")]


def _read_secret(secret: SecretRef, here: PlatformRef) -> list[Right]:
    del here
    return [Right("Key Vault Secrets User", SecretAddress.of(secret).id, f"secret-{_named(secret)}")]


def _named(secret: SecretRef) -> str:
    """Return a word that tells secrets apart: a name of the platform's, or the last part of another one's id."""
    known = SecretAddress.of(secret).id
    return secret.name if is_deferred(known) else str(known).rpartition("/")[2]


def _use_key(key: Key, here: PlatformRef) -> list[Right]:
    del here
    return [Right("Key Vault Crypto Service Encryption User", key.address, "key")]


def _use_platform(platform: PlatformRef, here: PlatformRef) -> list[Right]:
    """Allow to tell the workspace what is measured of a container: autoscale and alerts go by it."""
    del here
    return [Right("AzureML Metrics Writer (preview)", PlatformAddress.of(platform).workspace_id, "workspace")]


def _pull_version(version: ModelVersionRef, here: PlatformRef) -> list[Right]:
    """Allow to pull the image that a version names; Azure's own server of models is its own business."""
    return [] if version.image is None else pull_image(Image(version.image), here)


def _read_version(version: ModelVersionRef, here: PlatformRef) -> list[Right]:
    """Allow to read the files of a version, wherever its workspace keeps them, and of those beside it.

    What served before serves until the release is through, and reads its own files again with each new machine.
    """
    if (shared := ModelVersionAddress.of(version).shared) is not None:
        return [of_registry("Reader", shared)]
    del here
    role, at, files = "Storage Blob Data Reader", PlatformAddress.of(version.platform), version.files or ""
    if (found := _BLOB.fullmatch(files)) is not None:
        root = files.removesuffix(found["path"])
        return read_place(Place(root + _beside(found["path"], version.version)), version.platform)
    named = stores.named_by(files)
    if named is not None and named[0] == at.datastore:
        return [Right(role, at.container_id, "artifacts", (_pattern(_beside(named[1], version.version)),))]
    held = live.container_of(version.platform, named[0]) if named is not None else None
    if held is None:
        return [Right(role, at.storage_id, "storage")]  # which container it is, is known to the workspace alone
    # All of the container: what a job wrote is below a folder of that job's, each version below another one.
    if held[0] == at.storage or is_deferred(at.storage):  # the workspace's own are in its account
        scope: Input[str] = Output.format("{0}/blobServices/default/containers/{1}", at.storage_id, held[1])
    else:
        scope = _other_container(version.platform, *held)
    return [Right(role, scope, f"{held[0]}-{held[1]}")]


def _beside(path: str, version: int | None) -> str:
    """Return the folder of a model, out of the path of one version: what is above its number, or above its last part.

    >>> _beside("models/churn/3/", 3), _beside("models/churn/3/model.bin", 3), _beside("exports/churn", 3)
    ('models/churn/', 'models/churn/', 'exports/')
    """
    parts = path.rstrip("/").split("/")
    above = parts[: parts.index(str(version))] if str(version) in parts else parts[:-1]
    return "/".join([*above, ""]) or path


def model_files(model: ModelRef) -> Place:
    """Return the folder of the artifact store with the files of a model's versions: no other model has its name."""
    return Place(Output.format("{0}models/{1}/", model.platform.artifacts, ModelAddress.of(model).called))


def of_registry(role: str, shared: SharedRegistry) -> Right:
    """Give a role on a registry, which may be of another subscription: Azure knows no narrower place in one.

    https://learn.microsoft.com/azure/machine-learning/how-to-manage-registries#add-users-to-the-registry
    """
    there = Output.from_input(shared.id).apply(lambda id_: id_.split("/")[2])
    return Right(role, shared.id, f"registry-{shared.name}", custom=role_id(there, role))


def _register(model: ModelRef, here: PlatformRef) -> list[Right]:
    if (shared := ModelAddress.of(model).shared) is not None:
        return [of_registry(WRITER, shared)]
    return [_of_model("AzureML Data Scientist", model), *write_place(model_files(model), here)]


def _approve(model: ModelRef, here: PlatformRef) -> list[Right]:
    del here
    if (shared := ModelAddress.of(model).shared) is not None:
        return [of_registry(WRITER, shared)]
    return [_of_model("AzureML Data Scientist", model)]


def _deploy(model: ModelRef, here: PlatformRef) -> list[Right]:
    if (shared := ModelAddress.of(model).shared) is not None:
        return [of_registry("Reader", shared)]
    return [_of_model("Reader", model), *read_place(model_files(model), here)]


def _of_model(role: str, model: ModelRef) -> Right:
    """Give a role on one model: its versions are below it."""
    address = ModelAddress.of(model)
    return Right(role, address.id, f"model-{address.called}")


def _invoke(endpoint: EndpointRef, here: PlatformRef) -> list[Right]:
    """Allow to call an endpoint.

    One that no program of ours made has no role of its own: of Azure's roles this is the narrowest that may call it.
    """
    del here
    address, scope = EndpointAddress.of(endpoint), endpoint_id(endpoint)
    where = f"endpoint-{endpoint.name}"
    if address.invoke is None:
        return [Right("AzureML Data Scientist", scope, where)]
    return [Right(INVOKER, scope, where, custom=address.invoke)]


def endpoint_id(endpoint: EndpointRef) -> Input[str]:
    """Return the full id of an endpoint."""
    address = EndpointAddress.of(endpoint)
    return address.id or Output.format(
        "{0}/onlineEndpoints/{1}", PlatformAddress.of(endpoint.platform).workspace_id, address.name
    )


def _measure(watch: WatchRef, here: PlatformRef) -> list[Right]:
    """Allow to send what is measured of one endpoint: Azure knows no narrower place for metrics than their resource."""
    del here
    return [Right("Monitoring Metrics Publisher", watch.facts["endpoint"], f"measures-{watch.name}")]


def _record(tracker: ExperimentTrackerRef, here: PlatformRef) -> list[Right]:
    """Allow to read the secrets of a tracker, and to record where it is the workspace that keeps runs."""
    found = [right for secret in tracker.keys.values() for right in _read_secret(secret, here)]
    if (role := TrackerAddress.of(tracker).record) is not None:
        scope = PlatformAddress.of(tracker.platform).workspace_id
        found.append(Right(RECORDER, scope, f"runs-{tracker.name}", custom=role))
    return found


def _start_pipeline(pipeline: PipelineRef, here: PlatformRef) -> list[Right]:
    """Allow to see jobs, and to start one."""
    del here
    why = "a job is of a workspace alone"
    return [Right(STARTER, PlatformAddress.of(pipeline.platform).workspace_id, "starts", why=why)]


def _read_rows(view: FeatureView, here: PlatformRef) -> list[Right]:
    """Allow to find a feature set, and to read its rows."""
    address = FeatureGroupAddress.of(view.group)
    version = Output.from_input(address.id).apply(lambda id_: id_.partition("/versions/")[0])
    return [Right("Reader", version, f"features-{view.group.name}"), *read_place(Place(address.rows), here)]


def _write_rows(group: FeatureGroupRef, here: PlatformRef) -> list[Right]:
    return write_place(Place(FeatureGroupAddress.of(group).rows), here)


def _read_view(view: DatasetView, here: PlatformRef) -> list[Right]:
    """Allow to read a version: which files it has is known to nobody before it is read."""
    return _read_dataset(view.dataset, here)


def _read_dataset(dataset: DatasetRef, here: PlatformRef) -> list[Right]:
    """Allow to read the files of a dataset, and to find its versions in the workspace."""
    return _of_dataset("Storage Blob Data Reader", "Reader", dataset, here)


def _write_dataset(dataset: DatasetRef, here: PlatformRef) -> list[Right]:
    """Allow to write the files of a dataset, and to register its versions."""
    return _of_dataset("Storage Blob Data Contributor", "AzureML Data Scientist", dataset, here)


def _of_dataset(files: str, asset: str, dataset: DatasetRef, here: PlatformRef) -> list[Right]:
    address = DatasetAddress.of(dataset)
    if address.container is None or address.asset is None:
        return _place(Place(dataset.location), here, files)
    where = f"dataset-{dataset.name}"
    return [Right(files, address.container, where), Right(asset, address.asset, f"{where}-asset")]


RIGHTS: dict[tuple[str, type], Callable[[Any, PlatformRef], list[Right]]] = {
    ("read", Place): read_place,
    ("write", Place): write_place,
    ("pull", Image): pull_image,
    ("use", Key): _use_key,
    ("read", SecretRef): _read_secret,
    ("use", PlatformRef): _use_platform,
    ("pull", PlatformRef): _pull_any,
    ("pull", ModelVersionRef): _pull_version,
    ("read", ModelVersionRef): _read_version,
    ("register", ModelRef): _register,
    ("approve", ModelRef): _approve,
    ("deploy", ModelRef): _deploy,
    ("invoke", EndpointRef): _invoke,
    ("read", FeatureView): _read_rows,
    ("write", FeatureGroupRef): _write_rows,
    ("record", ExperimentTrackerRef): _record,
    ("measure", WatchRef): _measure,
    ("start", PipelineRef): _start_pipeline,
    ("read", DatasetView): _read_view,
    ("read", DatasetRef): _read_dataset,
    ("write", DatasetRef): _write_dataset,
}
"""What each grant means."""


def rights(platform: PlatformRef, grants: Sequence[Grant]) -> list[Right]:
    """Look up what each grant means."""
    return merged([right for verb, thing in grants for right in _row(verb, thing)(thing, platform)])


def _row(verb: str, thing: object) -> Callable[[Any, PlatformRef], list[Right]]:
    """Find the row of a verb and a kind of thing, or of what the kind extends."""
    return next(RIGHTS[verb, kind] for kind in type(thing).__mro__ if (verb, kind) in RIGHTS)
