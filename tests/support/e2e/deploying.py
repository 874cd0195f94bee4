"""Who deploys a stack or an example on AWS: a role that has docs/rights/aws for the program's nouns, and no more."""

import json
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from pulumi_mlops_sandbox.stack import Stack
from support.e2e.outside import DEPLOYER, ROOT, Cloud

RIGHTS = ROOT / "docs" / "rights" / "aws"
ACCOUNT, PARTITION = "123456789012", "aws"
OTHERS = ("principal", *(f"existing_{kind}" for kind in ("bucket", "endpoint", "feature_group", "model", "role")))
"""Variables for names that most programs have none of."""
MANAGED = 6144
"""The characters that IAM takes for one policy, without white space."""


@dataclass(frozen=True)
class Platform:
    """What a project has on one platform: the documents that it needs, and the names in them."""

    name: str
    nouns: str
    region: str = "us-east-1"
    names: dict[str, str] = field(default_factory=dict)
    """Further variables: ``principal``, and those of what exists already."""


@dataclass(frozen=True)
class Project:
    """A project that is deployed on AWS."""

    platforms: Sequence[Platform]
    own: tuple[str, ...] = ()
    """Services whose resources the program makes itself, beside the library."""


def platforms(*several: Platform, own: tuple[str, ...] = ()) -> Project:
    """Describe a project."""
    return Project(several, own)


PROJECTS: dict[str, Project] = {
    "stacks/aws": platforms(
        Platform("churn", "platform featuregroup model endpoint identity tracker trainingcluster dataset pipeline"),
        own=("sqs",),
    ),
    "examples/feature_store": platforms(Platform("shop", "platform featuregroup")),
    "examples/existing_model": platforms(Platform("vision", "platform endpoint")),
    "examples/shared_platform/owner": platforms(Platform("shared", "platform featuregroup")),
    "examples/shared_platform/user": platforms(Platform("shared", "model endpoint")),
    "examples/adopt_existing": platforms(
        Platform(
            "legacy",
            "platform endpoint identity existing",
            names={
                "principal": "storefront-web",
                "existing_bucket": "bucket-of-ours",
                "existing_endpoint": "churn-2019",
                "existing_feature_group": "CustomerProfile",
                "existing_model": "ChurnModels",
                "existing_role": "storefront-web",
            },
        )
    ),
    "examples/language_model": platforms(Platform("assistant", "platform model endpoint identity")),
    "examples/fine_tuning": platforms(Platform("assistant", "platform dataset model pipeline endpoint")),
    "examples/batch_scoring": platforms(Platform("churn", "platform dataset model pipeline")),
    "examples/closed_loop": platforms(Platform("churn", "platform dataset tracker model pipeline endpoint")),
    "examples/gpu_training": platforms(Platform("vision", "platform network trainingcluster tracker pipeline")),
    "examples/tracked_by_wandb": platforms(Platform("vision", "platform tracker identity")),
    "examples/tracked_by_clearml": platforms(Platform("search", "platform tracker dataset identity")),
    "examples/team_access/owner": platforms(Platform("market", "platform featuregroup")),
    "examples/team_access/team": platforms(Platform("market", "identity")),
    "examples/ci/identity": platforms(Platform("market", "identity")),
    "examples/two_regions": platforms(
        Platform("shop-eu", "platform model endpoint", "eu-west-1"),
        Platform("shop-us", "platform endpoint copies", names={"files": "shop-eu-dev-artifacts-*/*"}),
    ),
    "examples/bank/models": platforms(Platform("bank-models", "platform model", names={"principal": "model-risk"})),
    "examples/bank/serving": platforms(
        Platform(
            "bank-lending",
            "platform network endpoint existing",
            names={"principal": "loans-web", "existing_model": "bank-models-dev-models-credit"},
        )
    ),
    "examples/datasets": platforms(Platform("market", "platform dataset identity")),
    "examples/two_platforms": platforms(Platform("shop", "platform featuregroup")),
}
"""The projects of the repository that use AWS. `network` is the document of ``network={"private": …}``."""
STAGES = {"stacks/aws": {"prod": " network"}}
"""What a stage of a project needs beyond the others."""


def documents(folder: str, stage: str = "dev") -> dict[str, str]:
    """Fill in the documents that a project needs in a stage, by a name for each."""
    return filled(PROJECTS[folder].platforms, stage, STAGES.get(folder, {}).get(stage, ""))


def filled(several: Sequence[Platform], stage: str = "dev", more: str = "") -> dict[str, str]:
    """Fill in the documents of platforms, by a name for each.

    :param more: further documents that each needs.
    """
    found = dict[str, str]()
    for platform in several:
        where = {"partition": PARTITION, "account": ACCOUNT, "region": platform.region}
        where |= dict.fromkeys(OTHERS, "none") | {"platform": platform.name, "stage": stage} | platform.names
        for noun in (platform.nouns + more).split():
            text = string.Template((RIGHTS / f"{noun}.json").read_text()).substitute(where)
            found[f"{DEPLOYER}-{platform.name}-{noun}"] = json.dumps(json.loads(text), separators=(",", ":"))
    assert all(len(text) <= MANAGED for text in found.values()), {name: len(text) for name, text in found.items()}
    return found


VERIFY = Platform("verify", "platform dataset model pipeline endpoint verify")
"""What docs/verify.md says that `pulumi-mlops verify` needs."""


def verifying_role(cloud: Cloud) -> dict[str, str]:
    """Make the role that verifies; return the variables with a session of it."""
    role = made_role(cloud, f"{DEPLOYER}-verify", filled([VERIFY]))
    given = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="verify")["Credentials"]
    names = {"ACCESS_KEY_ID": "AccessKeyId", "SECRET_ACCESS_KEY": "SecretAccessKey", "SESSION_TOKEN": "SessionToken"}
    return {f"AWS_{variable}": given[member] for variable, member in names.items()}


def made_role(cloud: Cloud, name: str, policies: dict[str, str]) -> str:
    """Make a role with policies that are attached to it; return its ARN."""
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    role: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    for called, document in policies.items():
        made = iam.create_policy(PolicyName=f"{called}-{name}", PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=name, PolicyArn=made)
    return role


def deployed_by_role(stack: Stack, folder: str, cloud: Cloud, *, without: str = "") -> Stack:
    """Make the role that deploys a project, and have the stack use it in every command."""
    iam, project = cloud.client("iam"), PROJECTS[folder]
    stage = "prod" if stack.name == "prod" else "dev"
    name = "-".join((DEPLOYER, *folder.split("/"), stack.name)).replace("_", "-")
    wanted = {one: text for one, text in documents(folder, stage).items() if not without or not one.endswith(without)}
    role = made_role(cloud, name, wanted)
    if project.own:
        own = {"Effect": "Allow", "Action": [f"{service}:*" for service in project.own], "Resource": "*"}
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(own))
    settings = stack.folder / f"Pulumi.{stack.name}.yaml"
    written = (yaml.safe_load(settings.read_text()) or {}) if settings.is_file() else {}
    written.setdefault("config", {})["aws:assumeRoles"] = [{"roleArn": role}]
    settings.write_text(yaml.safe_dump(written, sort_keys=False))
    return stack


def policy(*statements: dict[str, Any]) -> str:
    """Write a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
