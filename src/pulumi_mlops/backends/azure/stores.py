"""The artifact store, as Azure Machine Learning names what is in it: by a datastore of the workspace."""

import re

from pulumi import Input, Output
from pulumi_azure_native import machinelearningservices as ml

from pulumi_mlops.backends.azure.addresses import PlatformAddress
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.content import content_name
from pulumi_mlops.core.inputs import is_deferred

_PATHS = re.compile(r"azureml://(?:.*/)?datastores/(?P<store>[^/]+)/paths/(?P<path>.*)")
BLOB = re.compile(r"https://(?P<account>[a-z0-9]{3,24})\.blob\.(?P<cloud>[a-z0-9.]+)/(?P<container>[^/]+)/(?P<path>.+)")
"""The address of a file, or of a folder, of Azure Storage."""
_CLOUD = "core.windows.net"


def datastore(
    scope: Scope, at: PlatformAddress, part: str, name: str, where: tuple[Input[str], Input[str]]
) -> ml.Datastore:
    """Let the workspace name what is in a container; whoever uses it reads it as who they are.

    :param where: the storage account and the container.
    """
    return ml.Datastore(
        scope.child(part),
        name=name,
        resource_group_name=at.group,
        workspace_name=at.workspace,
        skip_validation=True,
        properties=ml.AzureBlobDatastoreArgs(
            datastore_type="AzureBlob",
            account_name=where[0],
            container_name=where[1],
            endpoint=_CLOUD,
            protocol="https",
            credentials=ml.NoneDatastoreCredentialsArgs(credentials_type="None"),
            service_data_access_auth_identity=at.service_identity,
            tags=scope.tags,
        ),
        opts=scope.opts,
    )


def files_in(scope: Scope, at: PlatformAddress, part: str, uri: Input[str]) -> Output[str]:
    """Return how the workspace names files; those of another account by a datastore of their own."""
    found = None if is_deferred(uri) else BLOB.fullmatch(str(uri))
    if found is None or (found["account"], found["container"]) == (at.storage, at.container):
        return in_datastore(at, uri)
    name = content_name("files", [found["account"], found["container"]]).replace("-", "_")
    store = datastore(scope, at, part, name, (found["account"], found["container"]))
    return Output.concat(_root(at, store.name), found["path"])


def _root(at: PlatformAddress, name: Input[str]) -> Output[str]:
    return Output.format(
        "azureml://subscriptions/{0}/resourcegroups/{1}/workspaces/{2}/datastores/{3}/paths/",
        at.subscription,
        at.group,
        at.workspace,
        name,
    )


def in_datastore(at: PlatformAddress, uri: Input[str]) -> Output[str]:
    """Return how the workspace names a file or a folder of the artifact store; any other address as it is."""
    root = _root(at, at.datastore)

    def written(known: list[str]) -> str:
        address, files, below = known
        return below + address.removeprefix(files) if address.startswith(files) else address

    return Output.all(uri, at.files, root).apply(written)


def named_by(uri: str) -> tuple[str, str] | None:
    """Return the datastore and the path by which a workspace names a file or a folder; nothing of any other address.

    >>> named_by("azureml://datastores/artifacts/paths/models/churn/1/")
    ('artifacts', 'models/churn/1/')
    """
    found = _PATHS.fullmatch(uri)
    return None if found is None else (found["store"], found["path"])


def plain_address(at: PlatformAddress, uri: str) -> str:
    """Return the address of what a workspace names by its datastore, where that is known while the program runs.

    >>> plain_address(at, "azureml://datastores/artifacts/paths/models/churn/1/")  # doctest: +SKIP
    'https://churndev.blob.core.windows.net/artifacts/models/churn/1/'
    """
    found = named_by(uri)
    if found is None or found[0] != at.datastore or not isinstance(at.storage, str):
        return uri
    return f"https://{at.storage}.blob.core.windows.net/{at.container}/{found[1]}"
