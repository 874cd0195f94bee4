"""Asks an Azure by Microsoft's own clients, in a process of its own, and prints what they understood as JSON.

`python microsofts_clients.py SUBSCRIPTION GROUP WORKSPACE FEATURE_STORE STORAGE VAULT`
"""

import json
import os
import sys
from typing import Any

from azure.ai.ml import Input, MLClient, command
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.storage import StorageManagementClient

TOKEN = os.environ["PULUMI_MLOPS_ARM_TOKEN"]
URL = os.environ["PULUMI_MLOPS_ARM_ENDPOINT"]


class Plain(SansIOHTTPPolicy[Any, Any]):
    """Sends the token without TLS."""

    def on_request(self, request: PipelineRequest[Any]) -> None:
        request.context.options.pop("enforce_https", None)
        request.http_request.headers["Authorization"] = f"Bearer {TOKEN}"


class Credential:
    def get_token(self, *_scopes: str, **_more: Any) -> AccessToken:
        return AccessToken(TOKEN, 2**31)


def machine_learning(subscription: str, group: str, name: str, store: str) -> dict[str, Any]:
    def client(workspace: str) -> MLClient:
        return MLClient(
            Credential(), subscription, group, workspace, authentication_policy=Plain(), enable_telemetry=False
        )

    ml, features = client(name), client(store)
    endpoint = ml.online_endpoints.get("churn-live")
    endpoint.traffic = {"blue": 100}
    job = command(
        command="python train.py",
        environment="azureml:server:1",
        compute="cpu",
        experiment_name="churn",
        inputs={"rows": Input(type="uri_folder", path="azureml:training:1")},
    )
    submitted = ml.jobs.create_or_update(job)
    try:
        missing = ml.models.get("nobody", "1").name
    except ResourceNotFoundError as error:
        missing = type(error).__name__
    return {
        "workspaces": [one.name for one in ml.workspaces.list()],
        "storage": ml.workspaces.get(name).storage_account,
        "endpoints": [one.name for one in ml.online_endpoints.list()],
        "scoring": endpoint.scoring_uri,
        "deployments": [[one.name, one.instance_type, one.model] for one in ml.online_deployments.list("churn-live")],
        "traffic": ml.online_endpoints.begin_create_or_update(endpoint).result().traffic,
        "models": [one.name for one in ml.models.list()],
        "versions": [one.version for one in ml.models.list("churn")],
        "latest": ml.models.get("churn", label="latest").path,
        "datastores": {one.name: type(one).__name__ for one in ml.datastores.list()},
        "data": ml.data.get("training", "1").path,
        "environment": ml.environments.get("server", "1").image,
        "computes": [[one.name, one.size] for one in ml.compute.list()],
        "schedules": {one.name: type(one).__name__ for one in ml.schedules.list()},
        "feature sets": [[one.name, one.version, one.entities] for one in features.feature_sets.list(name="usage")],
        "entities": [one.index_columns[0].name for one in features.feature_store_entities.list(name="customer")],
        "feature store": features.feature_stores.get(store).name,
        "submitted": submitted.name in [one.name for one in ml.jobs.list()],
        "missing": missing,
    }


def others(subscription: str, group: str, storage: str, vault: str) -> dict[str, Any]:
    more: Any = {"base_url": URL, "authentication_policy": Plain()}
    accounts = StorageManagementClient(Credential(), subscription, **more)
    vaults = KeyVaultManagementClient(Credential(), subscription, **more)
    roles = AuthorizationManagementClient(Credential(), subscription, **more)
    account = accounts.storage_accounts.get_properties(group, storage)
    try:
        accounts.storage_accounts.begin_create(
            group,
            "takenelsewhere",
            {"location": "eastus", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"},
        ).result()
        taken = ""
    except HttpResponseError as error:
        taken = str(error.error.code) if error.error else str(error)
    made = accounts.storage_accounts.begin_create(
        group, "churnsecond", {"location": "eastus", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2"}
    ).result()
    assigned = list(roles.role_assignments.list_for_scope(account.id))
    return {
        "account": [account.sku.name, account.minimum_tls_version, account.primary_endpoints.blob],
        "containers": sorted(one.name for one in accounts.blob_containers.list(group, storage)),
        "made": made.provisioning_state,
        "taken": taken,
        "vault": [vaults.vaults.get(group, vault).properties.enable_purge_protection],
        "secrets": [one.name for one in vaults.secrets.list(group, vault)],
        "assigned": len(assigned),
        "roles": [one.role_name for one in roles.role_definitions.list(account.id, filter="roleName eq 'AcrPull'")],
    }


def main() -> None:
    subscription, group, workspace, store, storage, vault = sys.argv[1:]
    said = machine_learning(subscription, group, workspace, store) | others(subscription, group, storage, vault)
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
