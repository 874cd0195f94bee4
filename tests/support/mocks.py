"""A recording stand-in for the engine: what a program registers, with every option that came along.

``Cloud(preview=True)`` is the preview of a stack that exists, ``Cloud(preview=True, first=True)`` the very first one:
whatever only the cloud can tell is unknown then.
"""

import asyncio
import base64
import contextlib
import functools
import hashlib
import json
import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from unittest.mock import patch

import pulumi
import pulumi_aws
import pulumi_azure_native
import pulumi_kubernetes
import pulumi_random
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, resource, rpc, set_all_config
from pulumi.runtime.proto import source_pb2
from pulumi.runtime.settings import SETTINGS, set_root_resource
from pulumi.runtime.stack import run_pulumi_func

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the SDKs warn of classes of their own as they load them
    _: list[object] = [pulumi_aws.ec2.Vpc, pulumi_aws.s3.Bucket, pulumi_random.RandomPassword]
    _ += [pulumi_azure_native.Provider]
    _ += [pulumi_kubernetes.core.v1.Namespace, pulumi_kubernetes.apps.v1.Deployment, pulumi_kubernetes.helm.v3.Release]

T = TypeVar("T")
SUBSCRIPTION, TENANT = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-00000000000a"
_BY_NAME = ("pulumi-mlops", "kubernetes", "random")
"""Packages whose kinds are told by the last part of their tokens."""
ACCOUNT, REGION, PARTITION = "111122223333", "us-east-1", "aws"
AZURE = {"azure-native__subscriptionId": SUBSCRIPTION, "azure-native__location": "westeurope"}
ANSWERS: dict[str, dict[str, Any]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT, "id": ACCOUNT, "arn": "", "userId": ""},
    "aws:index/getRegion:getRegion": {"region": REGION, "id": REGION, "description": "", "endpoint": ""},
    "aws:index/getPartition:getPartition": {"partition": PARTITION, "id": PARTITION, "dnsSuffix": "amazonaws.com"},
    "azure-native:authorization:getClientConfig": {
        "clientId": "00000000-0000-4000-8000-0000000000c0",
        "objectId": "00000000-0000-4000-8000-0000000000d0",
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
    },
    "aws:index/getAvailabilityZones:getAvailabilityZones": {"names": [f"{REGION}{letter}" for letter in "abcd"]},
}


@dataclass(frozen=True)
class Registration:
    """One resource as the engine was told of it."""

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Any]
    """As written, secrets unwrapped; what is unknown is left out."""
    secret: frozenset[str]
    """The inputs that are, or hold, secrets."""
    unknown: frozenset[str]
    custom: bool
    parent: str
    provider: str
    """The provider instance, ``urn::id``; empty for the default one."""
    protect: bool
    ignore_changes: list[str]
    depends_on: frozenset[str]
    """Names of the resources that must be there first, by whichever route."""
    replacement_trigger: Any
    """The value whose change replaces it."""
    delete_before_replace: bool

    def document(self, key: str) -> Any:
        """Read an input that is JSON in a string."""
        return json.loads(self.inputs[key])


_CALLED = {
    "aws:iam/role": "iam::{account}:role/{name}",
    "aws:sfn/stateMachine": "states:{region}:{account}:stateMachine:{name}",
}
"""What the ARN of a kind has behind the partition, where it is not as most are."""


class _Answers(mocks.Mocks):
    """What the cloud would say: generic ids and ARNs, and the few facts that programs build on."""

    def __init__(self, answers: Mapping[str, dict[str, Any]], *, first: bool) -> None:
        self.answers, self.first = answers, first

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        return self.answers[args.token], []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if self.first:
            return "", _azure_inputs(args.inputs)
        package = args.typ.split(":")[0]
        if package == "kubernetes":
            return _kubernetes(args)
        if package == "azure-native":
            return _azure(args)
        if package == "random":
            return f"{args.name}-id", _random(args)
        name = args.inputs.get("name") or f"{args.name}-0a1b2c3"
        service = args.typ.split(":")[1].split("/")[0]
        called = _CALLED.get(args.typ.rpartition(":")[0], "{service}:{region}:{account}:{name}")
        arn = called.format(service=service, region=REGION, account=ACCOUNT, name=name)
        made = {"name": name, "arn": f"arn:{PARTITION}:{arn}"}
        if args.typ.startswith("aws:sagemaker/modelPackageGroup:"):
            group = args.inputs["modelPackageGroupName"]
            made["arn"] = f"arn:{PARTITION}:sagemaker:{REGION}:{ACCOUNT}:model-package-group/{group}"
        if args.typ.startswith("aws:sagemaker/mlflow"):
            kind = "mlflow-app/app" if "App" in args.typ else "mlflow-tracking-server/server"
            made["arn"] = f"arn:{PARTITION}:sagemaker:{REGION}:{ACCOUNT}:{kind}-{args.name}"
            made["trackingServerUrl"] = f"https://{args.name}.{REGION}.experiments.sagemaker.aws"
        if args.typ.startswith("aws:ecr/repository:"):
            made["repositoryUrl"] = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}"
        if args.typ.startswith("aws:cloudcontrol/"):
            made["properties"] = args.inputs.get("desiredState", "{}")
        extra = {"keyId": f"{args.name}-key", "prefixListId": "pl-1", "url": f"https://{name}"}
        return f"{args.name}-id", made | extra | args.inputs


def _kubernetes(args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
    """Answer with what was asked for, named by the provider where the program does not."""
    metadata = args.inputs.get("metadata") or {}
    name = metadata.get("name") or f"{args.name}-0a1b2c3d"
    space = metadata.get("namespace")
    return f"{space}/{name}" if space else name, {**args.inputs, "metadata": {**metadata, "name": name}}


_ARM: dict[str, tuple[str, ...]] = {
    "resources:ResourceGroup": ("", "resourceGroupName"),
    "storage:StorageAccount": ("Microsoft.Storage/storageAccounts", "accountName"),
    "storage:BlobContainer": (
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "accountName",
        "default",
        "containerName",
    ),
    "keyvault:Vault": ("Microsoft.KeyVault/vaults", "vaultName"),
    "keyvault:Secret": ("Microsoft.KeyVault/vaults/secrets", "vaultName", "secretName"),
    "containerregistry:Registry": ("Microsoft.ContainerRegistry/registries", "registryName"),
    "operationalinsights:Workspace": ("Microsoft.OperationalInsights/workspaces", "workspaceName"),
    "applicationinsights:Component": ("Microsoft.Insights/components", "resourceName"),
    "managedidentity:UserAssignedIdentity": ("Microsoft.ManagedIdentity/userAssignedIdentities", "resourceName"),
    "monitor:ActionGroup": ("Microsoft.Insights/actionGroups", "actionGroupName"),
    "machinelearningservices:Workspace": ("Microsoft.MachineLearningServices/workspaces", "workspaceName"),
    "machinelearningservices:OnlineEndpoint": (
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
        "workspaceName",
        "endpointName",
    ),
    "machinelearningservices:OnlineDeployment": (
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments",
        "workspaceName",
        "endpointName",
        "deploymentName",
    ),
}
"""Of resources of Azure whose ids programs take apart: the type, and the inputs or words that name one."""


def _azure(args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
    """Answer as Azure does: an id of its resource manager, and identities as a map where a list went in."""
    token, inputs = args.typ.partition(":")[2], _azure_inputs(args.inputs)
    word = token.partition(":")[2]
    kind, *named = _ARM.get(token, (f"Microsoft.Example/{word}", f"{word[:1].lower()}{word[1:]}Name"))
    fixed = {"default": "default"}
    parts = [str(inputs.get(part) or fixed.get(part) or f"{args.name}0a1b2c3d") for part in named]
    place = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{inputs.get('resourceGroupName', 'rg')}"
    namespace, *types = kind.split("/")
    path = "".join(f"/{one}/{name}" for one, name in zip(types, parts, strict=bool(types)))
    made = {"name": parts[-1], "principalId": f"{args.name}-principal", "clientId": f"{args.name}-client"}
    if token == "machinelearningservices:Workspace":
        made["mlFlowTrackingUri"] = (
            f"azureml://westeurope.api.azureml.ms/mlflow/v1.0{place}/providers/{namespace}{path}"
        )
    return f"{place}/providers/{namespace}{path}" if kind else place, made | inputs


def _azure_inputs(inputs: dict[str, Any]) -> dict[str, Any]:
    identity = inputs.get("identity")
    if isinstance(identity, dict) and isinstance(listed := identity.get("userAssignedIdentities"), list):
        facts: dict[str, Any] = {str(one): {} for one in listed}
        return {**inputs, "identity": {**identity, "userAssignedIdentities": facts}}
    return inputs


def _random(args: mocks.MockResourceArgs) -> dict[str, Any]:
    """Make values that differ by resource, and by nothing else."""
    digest = hashlib.sha256(args.name.encode())
    value = (digest.hexdigest() * 8)[: int(args.inputs.get("length") or 16)]
    return {**args.inputs, "result": value, "hex": value, "base64": base64.b64encode(value.encode()).decode()}


class _Monitor(mocks.MockMonitor):
    def __init__(self, answers: _Answers) -> None:
        super().__init__(answers)
        self.registered: list[Registration] = []
        self.outputs: dict[str, dict[str, Any]] = {}
        self.invoked: list[tuple[str, dict[str, Any], str]] = []
        self._of_this_thread = threading.local()
        self._loops: list[asyncio.AbstractEventLoop] = []

    def _give_a_loop(self) -> None:
        """Give a worker thread the loop that Pulumi's mocks want: they would make one, and leave it open."""
        if threading.current_thread() is threading.main_thread() or hasattr(self._of_this_thread, "loop"):
            return
        self._of_this_thread.loop = asyncio.new_event_loop()
        self._loops.append(self._of_this_thread.loop)
        asyncio.set_event_loop(self._of_this_thread.loop)

    def close(self) -> None:
        """Close the loops of the worker threads, which have ended."""
        while self._loops:
            self._loops.pop().close()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the protocol's name)
        self._give_a_loop()
        response = super().RegisterResource(request)
        # The engine marks what a resource's class calls secret; Pulumi's own mocks do not.
        for key in set(request.additionalSecretOutputs) & set(response.object):
            plain = MessageToDict(response.object)[key]
            response.object[key] = {rpc._special_sig_key: rpc._special_secret_sig, "value": plain}
        if request.type != "pulumi:pulumi:Stack":
            wire = MessageToDict(request.object)
            depends = {*request.dependencies}.union(*(found.urns for found in request.propertyDependencies.values()))
            self.registered.append(
                Registration(
                    type=request.type,
                    name=request.name,
                    urn=response.urn,
                    inputs={key: _plain(value) for key, value in wire.items() if not _holds(value, _is_unknown)},
                    secret=frozenset(key for key, value in wire.items() if _holds(value, _is_secret)),
                    unknown=frozenset(key for key, value in wire.items() if _holds(value, _is_unknown)),
                    custom=request.custom,
                    parent=request.parent,
                    provider=request.provider,
                    protect=request.protect,
                    ignore_changes=list(request.ignoreChanges),
                    depends_on=frozenset(urn.split("::")[-1] for urn in depends),
                    replacement_trigger=_plain(MessageToDict(request.replacement_trigger)),
                    delete_before_replace=request.deleteBeforeReplace,
                )
            )
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 (the protocol's name)
        self.outputs[request.urn.split("::")[-1]] = _plain(MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)

    def Invoke(self, request: Any) -> Any:  # noqa: N802 (the protocol's name)
        self.invoked.append((request.tok, MessageToDict(request.args), request.provider))
        self._give_a_loop()
        return super().Invoke(request)


class Cloud:
    """Runs a program and remembers what it registered."""

    def __init__(
        self,
        *,
        preview: bool = False,
        first: bool = False,
        answers: Mapping[str, dict[str, Any]] | None = None,
        stack: str = "stack",
    ) -> None:
        self.preview, self.first, self.stack = preview, first, stack
        self._monitor = _Monitor(_Answers(ANSWERS | dict(answers or {}), first=first))
        self._log = _Log()

    def run(self, program: Callable[[], T], **config: str) -> Any:
        """Run a program to its end and return what it returned, Outputs resolved.

        ``aws__region="…"`` sets ``aws:region``; without a namespace the key is the project's own.
        """
        settings = {"aws__region": REGION, **AZURE} | config
        failure: Exception | None = None
        made: Any = None
        with _without_what_nobody_reads(), contextlib.closing(asyncio.new_event_loop()) as loop:
            asyncio.set_event_loop(loop)
            set_root_resource(None)  # type: ignore[arg-type]
            SETTINGS.outputs.clear()
            # Not the process's: its messages are evidence here. What Pulumi says for debugging is none.
            logger = logging.Logger("pulumi", logging.INFO)  # noqa: LOG001
            logger.addHandler(self._log)
            set_all_config(
                {key.replace("__", ":") if "__" in key else f"project:{key}": value for key, value in settings.items()}
            )
            mocks.set_mocks(
                self._monitor.mocks, stack=self.stack, preview=self.preview, logger=logger, monitor=self._monitor
            )
            try:
                made = program()
            except Exception as error:  # noqa: BLE001 (raised below, when what was begun has come to its end)
                failure = error
            try:
                outcome = loop.run_until_complete(self._outcome(made))
            finally:
                loop.run_until_complete(loop.shutdown_default_executor())
                self._monitor.close()
                asyncio.set_event_loop(None)
        if failure:
            raise failure
        return outcome

    @staticmethod
    async def _outcome(made: Any) -> Any:
        await run_pulumi_func(lambda: None)
        return await pulumi.Output.from_input(made).future() if isinstance(made, pulumi.Output | dict | list) else made

    @property
    def registered(self) -> list[Registration]:
        """Everything, in the order of registration."""
        return self._monitor.registered

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """The outputs that components registered, by name."""
        return self._monitor.outputs

    @property
    def invoked(self) -> list[tuple[str, dict[str, Any], str]]:
        """Token, arguments and provider of each call."""
        return self._monitor.invoked

    @property
    def warnings(self) -> list[str]:
        """What was logged as a warning."""
        return [message for level, message in self._log.said if level == logging.WARNING]

    @property
    def infos(self) -> list[str]:
        """What was logged as information."""
        return [message for level, message in self._log.said if level == logging.INFO]

    def all(self, kind: str) -> list[Registration]:
        """Return the resources of a kind, such as ``kms/key``, ``Namespace`` or ``Platform``."""
        return [found for found in self.registered if _kind(found.type) == kind]

    def one(self, kind: str, name: str | None = None) -> Registration:
        """Return the only resource of a kind, or the one of that name."""
        found = [item for item in self.all(kind) if name in (None, item.name)]
        assert len(found) == 1, f"{len(found)} of {kind} {name or ''} among {sorted(map(str, self.names))}"
        return found[0]

    @property
    def names(self) -> set[tuple[str, str]]:
        """Kind and name of everything."""
        return {(_kind(found.type), found.name) for found in self.registered}

    @property
    def kinds(self) -> set[str]:
        """Kinds of everything."""
        return {kind for kind, _ in self.names}


class _Log(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((record.levelno, record.getMessage()))


def _kind(token: str) -> str:
    """``aws:kms/key:Key`` is ``kms/key``, ``azure-native:storage:Blob`` is ``storage/Blob``.

    ``kubernetes:core/v1:Namespace`` is ``Namespace``, as is one of ours.
    """
    package, module, name = token.split(":")
    if package == "azure-native":
        return f"{module}/{name}"
    return name if package in _BY_NAME else module if package != "pulumi" else token


_scrypt = functools.cache(hashlib.scrypt)
"""Slow on purpose, and asked for the same few values by program after program."""


def _no_stack_trace() -> source_pb2.StackTrace:
    """Stand in for the walk up the stack at each registration: where a line stands is of interest to an engine only."""
    return source_pb2.StackTrace()


_collapse = resource.collapse_alias_to_urn


def _alias(alias: Any, name: str, kind: str, parent: Any) -> Any:
    """Leave out what an older version of Azure's SDK called a resource: there are dozens of each, and no such state."""
    return "" if kind.startswith("azure-native:") else _collapse(alias, name, kind, parent)


@contextlib.contextmanager
def _without_what_nobody_reads() -> Iterator[None]:
    """Spare a program what costs much of its time, and changes nothing of what is recorded."""
    with (
        patch.object(hashlib, "scrypt", _scrypt),
        patch.object(resource, "_get_stack_trace", _no_stack_trace),
        patch.object(pulumi.resource, "collapse_alias_to_urn", _alias),
    ):
        yield


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(rpc._special_sig_key) == rpc._special_secret_sig


def _is_unknown(value: Any) -> bool:
    return bool(value == rpc.UNKNOWN)


def _holds(value: Any, what: Callable[[Any], bool]) -> bool:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return what(value) or any(_holds(part, what) for part in parts)


def _plain(value: Any) -> Any:
    if _is_secret(value):
        return _plain(value["value"])
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
