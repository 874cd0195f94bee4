"""Whose a resource is, where it is, and that somebody can find out what happened."""

from collections.abc import Iterator

from pulumi_mlops.policies.model import Change, Mending, Problem, Rule, across, on
from pulumi_mlops.policies.resources import Resource, Stack
from pulumi_mlops.policies.rules import kinds
from pulumi_mlops.policies.settings import Settings

TAGGED = (
    kinds.BUCKET, kinds.ROLE, kinds.KEY, kinds.REPOSITORY, kinds.TOPIC, kinds.LOGS, kinds.ENDPOINT,
    kinds.CONFIGURATION, kinds.MODEL, kinds.FEATURES, kinds.GROUP, kinds.PIPELINE, kinds.NOTEBOOK, kinds.DOMAIN,
    "aws:lambda:Function", kinds.VPC,
)  # fmt: skip
AZURE_TAGGED = (
    kinds.WORKSPACE, kinds.COMPUTE, kinds.ONLINE, kinds.DEPLOYMENT, kinds.STORAGE, kinds.VAULT, kinds.IMAGES,
    "azure-native:resources:ResourceGroup", kinds.POSTGRES,
)  # fmt: skip
LABELLED = (kinds.NAMESPACE, *kinds.WORKLOADS, kinds.DATABASE)
SAME = {"project": "app.kubernetes.io/part-of", "component": "app.kubernetes.io/component"}
"""Labels of Kubernetes that say what a tag says."""
SETTING = "azure-native:monitor:DiagnosticSetting"


def _tags(resource: Resource, settings: Settings) -> Iterator[Problem]:
    if missing := [tag for tag in settings.tags if not _tag(resource, tag)]:
        yield Problem("tags", f"lacks {', '.join(missing)}", f"tags={{{', '.join(f'{tag!r}: …' for tag in missing)}}}")


def _tag(resource: Resource, tag: str) -> object:
    if isinstance(resource.get("tags"), list):  # as CloudFormation has them
        return next((each.get("value") for each in resource.each("tags") if each.get("key") == tag), None)
    return resource.get("tags", key=tag) or resource.get("tagsAll", key=tag)


def _tagged(resource: Resource, settings: Settings) -> Iterator[Change]:
    if isinstance(resource.get("tags"), list):
        return
    for tag, value in (settings.tag_values or {}).items():
        if tag in settings.tags and not _tag(resource, tag):
            yield ("tags", tag), value


def _labelled(resource: Resource, settings: Settings) -> Iterator[Change]:
    for tag, value in (settings.tag_values or {}).items():
        if tag in settings.tags and not _label(resource, tag):
            yield ("metadata", "labels", SAME.get(tag, tag)), value


def _labels(resource: Resource, settings: Settings) -> Iterator[Problem]:
    if missing := [tag for tag in settings.tags if not _label(resource, tag)]:
        wanted = ", ".join(f"{SAME.get(tag, tag)!r}: …" for tag in missing)
        yield Problem("metadata.labels", f"lacks {', '.join(missing)}", f"labels={{{wanted}}}")


def _label(resource: Resource, tag: str) -> object:
    return resource.get("metadata.labels", key=tag) or resource.get("metadata.labels", key=SAME.get(tag, tag))


def _region(resource: Resource, settings: Settings) -> Iterator[Problem]:
    if not settings.regions:
        return
    path = "location" if resource.cloud == "azure" else "region"
    region = str(resource.get(path) or resource.provider.get(path) or "").replace(" ", "").lower()
    if region and region != "global" and region not in {each.lower() for each in settings.regions}:
        yield Problem(path, f"is {region}, which is not allowed", " or ".join(settings.regions))


def _audited(watched: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if not stack.mentioned(watched, stack.all(SETTING), "resourceUri"):
        fix = "azure_native.monitor.DiagnosticSetting with resource_uri of it"
        yield Problem("diagnosticSettings", "send nothing anywhere", fix)


def _described(resource: Resource, _: Settings) -> Iterator[Problem]:
    if not resource.get("modelPackageGroupDescription"):
        yield Problem("modelPackageGroupDescription", "is not set", "what the model is for, in a sentence")


def _azure_described(resource: Resource, _: Settings) -> Iterator[Problem]:
    if not resource.get("properties.description"):
        yield Problem("properties.description", "is not set", "what the model is for, in a sentence")


RULES = (
    Rule(
        "governance.tags-required",
        "A resource says whose it is",
        "low",
        "Nobody dares to delete what is nobody's, and nobody can be asked to pay for it.",
        ("AWS Security Hub SageMaker.6", "AWS Security Hub SageMaker.7", "NIST 800-53 CM-8"),
        (on(TAGGED, _tags), on(AZURE_TAGGED, _tags), on(LABELLED, _labels)),
        mendings=(Mending((*TAGGED, *AZURE_TAGGED), _tagged), Mending(LABELLED, _labelled)),
    ),
    Rule(
        "governance.regions-allowed",
        "Resources are in regions that are allowed",
        "high",
        "Where data may be is a promise to those whom it is about.",
        ("Azure Policy e56962a6", "NIST 800-53 SA-9 (5)", "GDPR Chapter V"),
        (on("aws:*", _region), on("azure-native:*", _region)),
    ),
    Rule(
        "governance.audit-logs",
        "Workspaces and vaults send their audit log somewhere",
        "medium",
        "Who read the key, and who deployed, is asked afterwards.",
        ("Azure Policy afe0c3be", "NIST 800-53 AU-12", "CIS Azure 2.0: 5.1.5"),
        (across((kinds.WORKSPACE, kinds.VAULT), _audited),),
    ),
    Rule(
        "governance.models-described",
        "A model says what it is for",
        "low",
        "Who approves a version has to know what it decides.",
        ("NIST AI RMF MAP 1.1", "EU AI Act Article 11"),
        (on(kinds.GROUP, _described), on(f"{kinds.AZURE_ML}ModelContainer", _azure_described)),
    ),
)
