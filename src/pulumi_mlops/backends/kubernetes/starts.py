"""Steps that start another pipeline: as an account of their own, whose token no other container holds.

Whoever may start workflows in a namespace may run anything there, so an admission policy takes from this account runs
of the pipelines alone that the steps name. Which runs there are it reads as Argo lists them.
"""

import pulumi
from pulumi import Input

from pulumi_mlops.backends.kubernetes import access, admission
from pulumi_mlops.backends.kubernetes.addresses import PipelineAddress
from pulumi_mlops.backends.kubernetes.objects import App, Fields
from pulumi_mlops.backends.kubernetes.workflows import API, PIPELINE, TEMPLATES, WORKFLOWS
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.core.workload import variable
from pulumi_mlops.steps.graph import works
from pulumi_mlops.steps.work import STARTS, Work

PART = "starts"
BESIDE = ("cluster.py", "release.py")
"""The programs beside ``starting.py`` that talk to the API server."""
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_SERVER = "https://kubernetes.default.svc"
_TOKEN_SECONDS = 3600


def token() -> list[Fields]:
    """Write the sources of a volume with the token of a pod's account, and what the API server is known by."""
    return [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _TOKEN_SECONDS}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    ]


def starting(spec: PipelineSpec) -> list[Work]:
    """List the steps that start something."""
    return [work for step in spec.steps.values() if (work := works(step)) is not None and work.starts]


def told(app: App, step: Work) -> dict[str, Input[str]]:
    """Name the variables that say where pipelines are."""
    root = f"{_SERVER}/apis/{API}/namespaces/{app.namespace}/{TEMPLATES}"
    return {variable(STARTS, key): f"{root}/{PipelineAddress.of(ref).template}" for key, ref in step.starts.items()}


def account(app: App, step: Work) -> Fields:
    """Say as whom a pod runs; Argo's own containers in it go on as the pipeline."""
    return {"serviceAccountName": app.name(PART)} if step.starts else {}


def volumes(step: Work) -> list[Fields]:
    """Return the volume with the token."""
    return [{"name": "account", "projected": {"sources": token()}}] if step.starts else []


def mounts(step: Work) -> list[Fields]:
    """Return where the container finds it."""
    return [{"name": "account", "mountPath": ACCOUNT, "readOnly": True}] if step.starts else []


def around(app: App, spec: PipelineSpec) -> list[pulumi.Resource]:
    """Make the account, with what it may do and what it is held to."""
    refs = [ref for step in starting(spec) for ref in step.starts.values()]
    if not refs:
        return []
    templates = sorted({PipelineAddress.of(ref).template for ref in refs})
    made = access.identity(app, PART)
    granted = access.grant(
        app,
        PART,
        [
            access.rule("argoproj.io", WORKFLOWS, ["list", "create"], []),
            access.rule("argoproj.io", TEMPLATES, ["get"], templates),
        ],
        [access.account_of(made)],
    )
    pairs = sorted({(PipelineAddress.of(ref).template, ref.name) for ref in refs})
    runs = " || ".join(
        f"(object.spec.?workflowTemplateRef.?name.orValue('') == '{template}' && "
        f"object.metadata.?labels[?'{PIPELINE}'].orValue('') == '{name}')"
        for template, name in pairs
    )
    held = admission.held(
        app,
        PART,
        ("argoproj.io", "v1alpha1", WORKFLOWS),
        ["CREATE"],
        {
            "a Workflow of this account is a run of a pipeline that its steps start, as the program declares that": (
                f"({runs}) && !object.spec.workflowTemplateRef.?clusterScope.orValue(false) && "
                "object.spec.all(field, field in ['workflowTemplateRef', 'arguments'])"
            )
        },
    )
    return [granted, *held]
