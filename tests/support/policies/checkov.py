"""Checkov, a scanner that others wrote, in an environment of its own, and good and bad resources in the forms it reads.

AWS is rendered as CloudFormation, Azure as a template of Azure Resource Manager, Kubernetes as manifests. Its pins are in
``checkov.txt``: it wants other versions of much that the project has.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from pulumi_mlops.policies import Resource
from pulumi_mlops_sandbox import packages
from pulumi_mlops_sandbox.building import cache, once
from pulumi_mlops_sandbox.progress import step
from support.policies import Resources, aws, azure, kubernetes

PINS = Path(__file__).with_name("checkov.txt")
WHAT = "checkov"
GOOD = "good"
CLOUDS = {"aws": aws, "azure": azure, "kubernetes": kubernetes}
SAYS = {"PASSED": "passes", "FAILED": "fails"}
PART = "kubernetes:"
FORMS = {
    "aws:kms/key:Key": "AWS::KMS::Key",
    "aws:sns/topic:Topic": "AWS::SNS::Topic",
    "aws:sqs/queue:Queue": "AWS::SQS::Queue",
    "aws:cloudwatch/logGroup:LogGroup": "AWS::Logs::LogGroup",
    "aws:ecr/repository:Repository": "AWS::ECR::Repository",
    "aws:sagemaker/model:Model": "AWS::SageMaker::Model",
    "aws:sagemaker/notebookInstance:NotebookInstance": "AWS::SageMaker::NotebookInstance",
    "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition": "AWS::SageMaker::DataQualityJobDefinition",
    "aws:lambda/function:Function": "AWS::Lambda::Function",
    "aws:lambda/functionUrl:FunctionUrl": "AWS::Lambda::Url",
    "aws:iam/role:Role": "AWS::IAM::Role",
    "aws:iam/rolePolicy:RolePolicy": "AWS::IAM::Policy",
    "aws:s3/bucket:Bucket": "AWS::S3::Bucket",
    "aws:ec2/launchTemplate:LaunchTemplate": "AWS::EC2::LaunchTemplate",
}
"""What of AWS has a form in CloudFormation that checkov looks at for a rule of ours."""
ARM_FORMS = {
    "azure-native:storage:StorageAccount": ("Microsoft.Storage/storageAccounts", "2023-05-01"),
    "azure-native:keyvault:Vault": ("Microsoft.KeyVault/vaults", "2023-07-01"),
    "azure-native:containerregistry:Registry": ("Microsoft.ContainerRegistry/registries", "2023-07-01"),
    "azure-native:machinelearningservices:Workspace": ("Microsoft.MachineLearningServices/workspaces", "2024-10-01"),
}
"""And of Azure."""
BESIDE = ("location", "tags", "sku", "kind", "identity")
"""What stands beside `properties` in a template; Pulumi has the rest there too."""
DOCUMENTS = ("assumeRolePolicy", "policy")
"""Properties that are JSON in a text here, and a structure there."""


def scanned(samples: Mapping[str, Resources], folder: Path) -> dict[tuple[str, str, str], str]:
    """Return what checkov says, by sample (which begins with a cloud's name), resource and check: passes or fails."""
    for name, resources in samples.items():
        form = FORM[name.partition("-")[0]]
        (folder / f"{name}.{form.ending}").write_text(form.write(resources))
    command = [str(_ensure() / "checkov"), "-d", str(folder), "--framework", "arm", "cloudformation", "kubernetes"]
    command += ["--output", "json", "--compact", "--skip-download", "--soft-fail"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    found: dict[tuple[str, str, str], str] = {}
    for report in said if isinstance(said, list) else [said]:
        for each in (*report["results"]["passed_checks"], *report["results"]["failed_checks"]):
            sample = Path(each["file_path"]).stem
            found[sample, _name(each["resource"]), each["check_id"]] = SAYS[each["check_result"]["result"]]
    return found


def known() -> set[str]:
    """List the ids of the checks that it has."""
    done = subprocess.run([str(_ensure() / "checkov"), "--list"], capture_output=True, text=True, check=True)
    return set(re.findall(r"\bCKV2?_[A-Z0-9]+_\d+\b", done.stdout))


def _ensure() -> Path:
    """Find the folder with its program, or install it: 200 MB."""
    pins = PINS.read_text()
    name = (
        f"checkov-{hashlib.sha256(pins.encode()).hexdigest()[:12]}-py{sys.version_info.major}{sys.version_info.minor}"
    )

    def find() -> Path | None:
        folder = cache() / name / "bin"
        return folder if (folder / "checkov").is_file() else None

    def make(work: Path) -> None:
        with step("Installing checkov") as progress:
            packages.install(pins, work / "product", work, progress)

    return once(name, WHAT, find, make)


def logical(name: str) -> str:
    """Name a resource as CloudFormation does, by letters and digits."""
    return "".join(word.capitalize() for word in name.split("-"))


def _name(resource: str) -> str:
    """Take the name out of ``AWS::KMS::Key.Key`` or ``Deployment.ml.server``."""
    return resource.rsplit(".", 1)[-1]


def _manifests(resources: Resources) -> str:
    """Write objects as they are; a name of its own for each, as the rules know it."""
    objects = []
    for name, one in resources.items():
        version, _, kind = one.token.removeprefix(PART).rpartition(":")
        version = version.removeprefix("core/")
        value = {**one.value, "metadata": {**one.value["metadata"], "name": name}}
        objects.append({"apiVersion": version, "kind": kind, **value})
    return yaml.safe_dump_all(objects)


def _arm(resources: Resources) -> str:
    found = []
    for name, one in resources.items():
        if one.token in ARM_FORMS:
            kind, version = ARM_FORMS[one.token]
            beside = {key: value for key, value in one.value.items() if key in BESIDE}
            inside = {key: value for key, value in one.value.items() if key not in BESIDE}
            inside |= inside.pop("properties", {})
            if "enableHttpsTrafficOnly" in inside:
                inside["supportsHttpsTrafficOnly"] = inside.pop("enableHttpsTrafficOnly")
            found.append({"type": kind, "apiVersion": version, "name": name, **beside, "properties": inside})
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    return json.dumps({"$schema": schema, "contentVersion": "1.0.0.0", "resources": found}, indent=1)


def _template(resources: Resources) -> str:
    found = {
        logical(name): {"Type": FORMS[one.token], "Properties": _properties(one, resources)}
        for name, one in resources.items()
        if one.token in FORMS
    }
    return yaml.safe_dump({"AWSTemplateFormatVersion": "2010-09-09", "Resources": found})


def _properties(one: Resource, resources: Resources) -> Mapping[str, Any]:
    """Say in CloudFormation's words what a resource of Pulumi's AWS provider is."""
    form = FORMS[one.token]
    if form == "AWS::S3::Bucket":
        return dict(_bucket(resources))
    props = {key: json.loads(value) if key in DOCUMENTS else value for key, value in one.value.items() if key != "tags"}
    return OTHERWISE[form](props) if form in OTHERWISE else _upper(props)


def _repository(props: dict[str, Any]) -> dict[str, Any]:
    (encryption,) = props.pop("encryptionConfigurations")
    return _upper({**props, "encryptionConfiguration": encryption})


def _model(props: dict[str, Any]) -> dict[str, Any]:
    container = dict(props.pop("primaryContainer"))
    environment = container.pop("environment")
    return {**_upper(props), "PrimaryContainer": {**_upper(container), "Environment": environment}}


OTHERWISE: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "AWS::IAM::Role": lambda props: {"AssumeRolePolicyDocument": props["assumeRolePolicy"]},
    "AWS::IAM::Policy": lambda props: {"PolicyDocument": props["policy"], "Roles": [props["role"]]},
    "AWS::ECR::Repository": _repository,
    "AWS::Lambda::Url": lambda props: {"AuthType": props["authorizationType"]},
    "AWS::SageMaker::Model": _model,
    "AWS::Lambda::Function": lambda props: {"Environment": {"Variables": props["environment"]["variables"]}},
    "AWS::EC2::LaunchTemplate": lambda props: {"LaunchTemplateData": _upper({**props, "name": None})},
}
"""Where CloudFormation has other words, or other shapes."""


def _bucket(resources: Resources) -> Iterator[tuple[str, Any]]:
    """Put together what the provider has as resources of their own."""
    parts = {one.token.rpartition(":")[2].removeprefix("Bucket"): one.value for one in resources.values()}
    if rules := parts.get("ServerSideEncryptionConfiguration"):
        default = rules["rules"][0]["applyServerSideEncryptionByDefault"]
        words = {"SSEAlgorithm": default["sseAlgorithm"], "KMSMasterKeyID": default.get("kmsMasterKeyId")}
        rule = {"ServerSideEncryptionByDefault": {key: word for key, word in words.items() if word}}
        yield "BucketEncryption", {"ServerSideEncryptionConfiguration": [rule]}
    if closed := parts.get("PublicAccessBlock"):
        kept = {key: value for key, value in closed.items() if key != "bucket"}
        yield "PublicAccessBlockConfiguration", _upper(kept)
    if versions := parts.get("Versioning"):
        yield "VersioningConfiguration", {"Status": versions["versioningConfiguration"]["status"]}


def _upper(value: Any) -> Any:
    """Begin each key with a capital."""
    if isinstance(value, dict):
        return {f"{key[:1].upper()}{key[1:]}": _upper(each) for key, each in value.items()}
    return [_upper(each) for each in value] if isinstance(value, list) else value


class Form(NamedTuple):
    """How the resources of a cloud are written."""

    write: Callable[[Resources], str]
    ending: str


FORM = {"aws": Form(_template, "yaml"), "azure": Form(_arm, "json"), "kubernetes": Form(_manifests, "yaml")}
