"""What every workload is made of: names and labels, restricted pods, content-hashed names, custom resources."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources as files
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output, ResourceOptions

from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.naming import physical

Fields = dict[str, Any]
"""A part of an object, as the API has it."""

NAME_LIMIT = 63
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
PYTHON = "docker.io/library/python:3.13.9-slim"
"""The image that runs programs which need the standard library only."""
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(
    r"((?=.{1,253}/)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*/)?"
    r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
)
_RESERVED = re.compile(r"(.*\.)?(kubernetes\.io|k8s\.io|pulumi\.com)/.*|pulumi-mlops/.*", re.IGNORECASE)
_USER = 10001  # any that is not root; images must not depend on it
_TMP = "tmp"


def program(name: str) -> str:
    """Return the text of a program that runs in pods."""
    return files.files("pulumi_mlops.jobs").joinpath(name).read_text()


def namespace_name(project: str, stage: str) -> str:
    """Name a platform's namespace."""
    return physical(project, stage)


def gibibytes(amount: float) -> str:
    """Write an amount of memory or disk in the way that the API would rewrite it to.

    >>> gibibytes(8), gibibytes(0.5), gibibytes(2_000_000)
    ('8Gi', '512Mi', '2000000Gi')
    """
    return f"{int(amount)}Gi" if float(amount).is_integer() else f"{round(amount * 1024)}Mi"


def decimal(amount: float) -> str:
    """Write a number without an exponent, to thousandths, as quantities are read.

    >>> decimal(2), decimal(0.5), decimal(2_000_000)
    ('2', '0.5', '2000000')
    """
    return f"{amount:.3f}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class App:
    """One workload of a component: what its objects are called, and by which labels its pods are found."""

    scope: Scope
    namespace: str
    ready: Input[str]
    """The same name, known when the namespace and what guards it are there: objects take it from here."""
    kind: str
    """What it runs, such as ``mlflow``; the label ``app.kubernetes.io/name``."""
    pull_secret: Input[str] | None = None
    assigned_users: bool = False
    """Whether the cluster gives pods their users itself."""

    @property
    def selector(self) -> dict[str, str]:
        """The labels that find its pods. They never change: a Deployment's selector cannot."""
        return {"app.kubernetes.io/name": self.kind, "app.kubernetes.io/instance": self.scope.name}

    def name(self, part: str = "") -> str:
        """Name an object of it within the namespace; a name that is too long is cut, and ends in a digest."""
        return physical(self.scope.name, part, limit=NAME_LIMIT)

    def host(self, service: str) -> str:
        """Return the host name of a Service of this namespace."""
        return f"{service}.{self.namespace}.svc.cluster.local"

    def metadata(
        self,
        name: Input[str],
        *,
        annotations: Mapping[str, Input[str]] | None = None,
        labels: Mapping[str, Input[str]] | None = None,
    ) -> Any:
        """Say who an object is: name, namespace, the recommended labels, the user's tags.

        https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
        """
        tags, remarks = split_tags(self.scope)
        found = {**remarks, **(annotations or {})}
        return {
            "name": name,
            "namespace": self.ready,
            "labels": {**tags, **self.selector, **(labels or {})},
            **({"annotations": found} if found else {}),
        }

    def job_metadata(self, name: Input[str], *, labels: Mapping[str, Input[str]] | None = None) -> Any:
        """Say who a Job is, and that one that did not succeed is made anew by the next update; see :func:`once`."""
        tags, _ = split_tags(self.scope)
        return {
            "name": name,
            "namespace": self.ready,
            "labels": {**tags, **self.selector, **(labels or {})},
            "annotations": {"pulumi.com/replaceUnready": "true"},
        }

    def pod(
        self,
        *containers: Fields,
        first: Sequence[Fields] = (),
        volumes: Sequence[Fields] = (),
        account: Input[str] | None = None,
        token: bool = False,
        labels: Mapping[str, Input[str]] | None = None,
        annotations: Mapping[str, Input[str]] | None = None,
        spread: bool = False,
        **more: Any,
    ) -> Any:
        """Write a pod template that Pod Security *restricted* admits.

        :param first: init containers, in order.
        :param account: its service account.
        :param token: whether it gets the account's token: only what talks to the API server.
        :param spread: keep the replicas on different nodes where there are enough.
        :param more: further fields of the pod.
        """
        spec: Fields = {
            "automount_service_account_token": token,
            "enable_service_links": False,
            "security_context": pod_security(assigned=self.assigned_users),
            "containers": [restricted(container) for container in containers],
            "volumes": [{"name": _TMP, "empty_dir": {}}, *volumes],
            **more,
        }
        if first:
            spec["init_containers"] = [restricted(container) for container in first]
        if account is not None:
            spec["service_account_name"] = account
        if self.pull_secret is not None:
            spec["image_pull_secrets"] = [{"name": self.pull_secret}]
        if spread:
            spec["topology_spread_constraints"] = [spread_over_nodes(self.selector)]
        # Not the user's tags: another tag would restart every pod. Cost tools find them on the namespace.
        metadata: Fields = {"labels": {**own_labels(self.scope), **self.selector, **(labels or {})}}
        if annotations:
            metadata["annotations"] = dict(annotations)
        return {"metadata": metadata, "spec": spec}


def own_labels(scope: Scope) -> dict[str, str]:
    """Return the library's tags as the labels that Kubernetes recommends."""
    return {
        "app.kubernetes.io/part-of": scope.project,
        "app.kubernetes.io/managed-by": "pulumi-mlops",
        "app.kubernetes.io/component": f"{scope.component.noun}.{scope.name}",
        "stage": scope.stage,
    }


def label_problems(tags: Iterable[str], *, prefixed: bool) -> Iterator[Problem]:
    """Refuse tags whose keys are labels of the library's own, or steer others, or are no keys of labels at all."""
    for key in tags:
        if not _LABEL_KEY.fullmatch(key):
            yield Problem(
                f"tags.{key}",
                f"{key!r} is no key of a label: write at most 63 letters, digits, hyphens, underscores and dots, "
                "beginning and ending with a letter or a digit, after a domain and a slash if need be",
            )
        if (prefixed and key.casefold() == "stage") or _RESERVED.fullmatch(key):
            yield Problem(
                f"tags.{key}", "is a label of the library's own, of Kubernetes or of Pulumi; take another key"
            )


def split_tags(scope: Scope) -> tuple[dict[str, str], dict[str, str]]:
    """Turn tags into labels where Kubernetes takes their characters, and into annotations elsewhere."""
    labelled = {key for key, value in scope.own_tags.items() if not key.endswith("owner")}
    own = {key: value for key, value in scope.tags.items() if key not in labelled}
    fits = {key: value for key, value in own.items() if _LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value)}
    return fits | own_labels(scope), {key: value for key, value in own.items() if key not in fits}


def pod_security(*, assigned: bool = False) -> Fields:
    """Return what Pod Security *restricted* asks of a pod.

    :param assigned: the cluster gives it its user, and refuses another (https://docs.redhat.com, SCC restricted-v2).
    """
    users = {} if assigned else {"run_as_user": _USER, "run_as_group": _USER, "fs_group": _USER}
    return {"run_as_non_root": True, **users, "seccomp_profile": {"type": "RuntimeDefault"}}


def container_security() -> Fields:
    """Return what Pod Security *restricted* asks of a container, and a root file system that cannot be written."""
    return {
        "allow_privilege_escalation": False,
        "read_only_root_filesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def restricted(container: Fields) -> Fields:
    """Lock a container down; it may write to ``/tmp``."""
    mounts = [{"name": _TMP, "mount_path": "/tmp"}, *container.get("volume_mounts", [])]  # noqa: S108 (an emptyDir)
    return {**container, "security_context": container_security(), "volume_mounts": mounts}


def spread_over_nodes(selector: Mapping[str, str]) -> Fields:
    """Keep replicas on different nodes where there are enough."""
    return {
        "max_skew": 1,
        "topology_key": "kubernetes.io/hostname",
        "when_unsatisfiable": "ScheduleAnyway",
        "label_selector": {"match_labels": dict(selector)},
    }


def resources(cpu: str, memory: str) -> Fields:
    """Ask for CPU and memory; memory is also the limit, so that a neighbour is never pushed out."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}


def secret_variable(name: str, secret: Input[str], key: str) -> Fields:
    """Set an environment variable from a Secret."""
    return {"name": name, "value_from": {"secret_key_ref": {"name": secret, "key": key}}}


def custom(
    name: str,
    api_version: str,
    kind: str,
    *,
    metadata: Fields,
    spec: Input[Any],
    opts: ResourceOptions,
    wait: str | None = None,
) -> k8s.apiextensions.CustomResource:
    """Make an object of a kind that an operator brings; ``wait`` is a condition that it must reach.

    Its keys are sent as written: camelCase, unlike those of the built-in kinds.
    """
    if wait:
        metadata = {**metadata, "annotations": {**metadata.get("annotations", {}), "pulumi.com/waitFor": wait}}
    return k8s.apiextensions.CustomResource(
        name, api_version=api_version, kind=kind, metadata=metadata, spec=spec, opts=opts
    )


def uid_of(made: k8s.apiextensions.CustomResource) -> Output[str]:
    """Return the UID of an object, known when the cluster has it."""
    metadata: Output[Any] = made.__dict__["metadata"]  # its class declares no output
    return metadata.apply(lambda found: found.get("uid", ""))


_SNAKE = re.compile(r"[a-z]+(_[a-z]+)+")


def camel_case(fields: Any) -> Any:
    """Write the fields of a built-in kind as an object of another kind has them inside.

    >>> camel_case({"volume_mounts": [{"mount_path": "/tmp", "read_only": True}]})
    {'volumeMounts': [{'mountPath': '/tmp', 'readOnly': True}]}
    """
    if isinstance(fields, Mapping):
        return {
            _SNAKE.sub(_humps, key) if _SNAKE.fullmatch(key) else key: camel_case(value)
            for key, value in fields.items()
        }
    return [camel_case(item) for item in fields] if isinstance(fields, list) else fields


def _humps(match: re.Match[str]) -> str:
    first, *others = match[0].split("_")
    return first + "".join(map(str.capitalize, others))


def base64_secret(value: Input[str]) -> Output[str]:
    """Encode a secret for a Secret's ``data``: a key that leaves ``stringData`` would stay in the object."""
    return Output.secret(value).apply(lambda text: base64.b64encode(text.encode()).decode())


def secret(
    app: App,
    part: str,
    values: Mapping[str, Input[str]],
    *,
    kind: str = "Opaque",
    annotations: Mapping[str, Input[str]] | None = None,
    opts: ResourceOptions | None = None,
) -> k8s.core.v1.Secret:
    """Keep values in a Secret, named after the component and the part."""
    data: Any = {key: base64_secret(value) for key, value in values.items()}
    return k8s.core.v1.Secret(
        app.scope.child(part),
        metadata=app.metadata(app.name(part), annotations=annotations),
        type=kind,
        data=data,
        opts=opts or app.scope.opts,
    )


def mark_of(*secrets: k8s.core.v1.Secret) -> Output[str]:
    """Mark what Secrets hold, for pods that read it as they start: another value is another mark, and another pod.

    A mark is not secret. It tells little: it is short, and slow to compute from a guess.
    """

    def digest(found: list[Any]) -> str:
        text = json.dumps(found, sort_keys=True).encode()
        return hashlib.scrypt(text, salt=b"pulumi-mlops", n=2**12, r=8, p=1, dklen=4).hex()

    return Output.unsecret(Output.all(*(one.data for one in secrets)).apply(digest))


def disruption_budget(app: App, name: str, selector: Mapping[str, str]) -> k8s.policy.v1.PodDisruptionBudget:
    """Let nodes be drained one replica at a time."""
    return k8s.policy.v1.PodDisruptionBudget(
        app.scope.child(f"{name}-budget") if name != app.scope.name else app.scope.child("budget"),
        metadata=app.metadata(name),
        spec={"max_unavailable": 1, "selector": {"match_labels": dict(selector)}},
        opts=app.scope.opts,
    )


def once(opts: ResourceOptions) -> ResourceOptions:
    """Return the options of a Job that runs once: it keeps the tags with which it was made.

    An update of them would write down what the controller added to the pod's template, which looks like another Job.
    """
    return ResourceOptions.merge(opts, ResourceOptions(ignore_changes=["metadata.labels"]))


def after(opts: ResourceOptions, *resources: Input[pulumi.Resource]) -> ResourceOptions:
    """Add an order to the options of a child."""
    return ResourceOptions.merge(opts, ResourceOptions(depends_on=list(resources)))
