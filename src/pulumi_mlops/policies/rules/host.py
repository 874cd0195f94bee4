"""What runs on a machine cannot take the machine over."""

from collections.abc import Iterator

from pulumi_mlops.policies.model import Problem, Rule, on
from pulumi_mlops.policies.predicates import equals, one_of
from pulumi_mlops.policies.resources import Part, Resource
from pulumi_mlops.policies.rules import kinds
from pulumi_mlops.policies.rules.kinds import each_container, each_pod
from pulumi_mlops.policies.settings import Settings

LEVEL = "pod-security.kubernetes.io/enforce"
NOTEBOOKS = ("notebook-al2-v3", "notebook-al2023-v1")


def _root(container: Part, pod: Part) -> Iterator[Problem]:
    own, whole = "securityContext.runAsNonRoot", pod.get("securityContext.runAsNonRoot")
    if container.get(own, whole) is not True:
        yield Problem(container.at(own), "is not true", "security_context={'run_as_non_root': True}")


def _escalates(container: Part, _: Part) -> Iterator[Problem]:
    if container.get("securityContext.allowPrivilegeEscalation") is not False:
        yield Problem(
            container.at("securityContext.allowPrivilegeEscalation"), "is not false", "allow_privilege_escalation=False"
        )
    if "ALL" not in container.texts("securityContext.capabilities.drop"):
        yield Problem(container.at("securityContext.capabilities.drop"), "lacks ALL", "capabilities={'drop': ['ALL']}")


def _profile(container: Part, pod: Part) -> Iterator[Problem]:
    whole = pod.get("securityContext.seccompProfile.type")
    if container.get("securityContext.seccompProfile.type", whole) not in ("RuntimeDefault", "Localhost"):
        path = "securityContext.seccompProfile.type"
        yield Problem(container.at(path), "is not set", "seccomp_profile={'type': 'RuntimeDefault'}")


def _privileged(container: Part, _: Part) -> Iterator[Problem]:
    if container.get("securityContext.privileged") is True:
        yield Problem(container.at("securityContext.privileged"), "is true", "privileged=False")


def _shares_host(pod: Part) -> Iterator[Problem]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key) is True:
            yield Problem(pod.at(key), "is true", f"{key}=false")
    for volume in pod.each("volumes"):
        if volume.get("hostPath"):
            yield Problem(volume.at("hostPath"), "is a folder of the machine", "an emptyDir or a claim")


def _writes(container: Part, _: Part) -> Iterator[Problem]:
    if container.get("securityContext.readOnlyRootFilesystem") is not True:
        yield Problem(
            container.at("securityContext.readOnlyRootFilesystem"), "is not true", "read_only_root_filesystem=True"
        )


def _limits(container: Part, _: Part) -> Iterator[Problem]:
    for path in ("resources.requests.cpu", "resources.requests.memory", "resources.limits.memory"):
        gpu = any("/" in key for key in container.get("resources.limits") or {})
        if container.get(path) is None and not (gpu and path.startswith("resources.requests")):
            yield Problem(container.at(path), "is not set", "resources={'requests': {…}, 'limits': {'memory': …}}")


def _labelled(resource: Resource, _: Settings) -> Iterator[Problem]:
    if resource.get("metadata.labels", key=LEVEL) not in ("baseline", "restricted"):
        yield Problem(f"metadata.labels.{LEVEL}", "is not set", f"labels={{'{LEVEL}': 'restricted'}}")


def _metadata(resource: Resource, _: Settings) -> Iterator[Problem]:
    if resource.get("metadataOptions.httpTokens") != "required":
        yield Problem("metadataOptions.httpTokens", "is not required", "metadata_options={'http_tokens': 'required'}")


def _no_login(resource: Resource, _: Settings) -> Iterator[Problem]:
    kind = resource.get("properties.computeType")
    paths = {"AmlCompute": "remoteLoginPortPublicAccess", "ComputeInstance": "sshSettings.sshPublicAccess"}
    if (path := paths.get(str(kind))) and resource.get(f"properties.properties.{path}") != "Disabled":
        yield Problem(f"properties.properties.{path}", "is not Disabled", f"{path}='Disabled'")


RULES = (
    Rule(
        "host.no-root",
        "Nothing runs as root",
        "high",
        "A fault in a container or a notebook is then one of the machine.",
        ("AWS Security Hub SageMaker.3", "CIS Kubernetes 1.11: 5.2.7", "Pod Security Standards: restricted"),
        (on(kinds.NOTEBOOK, equals("rootAccess", "Disabled")), on(kinds.WORKLOADS, each_container(_root))),
    ),
    Rule(
        "host.no-more-rights",
        "A container cannot get more rights",
        "high",
        "Each capability is a piece of root.",
        ("Pod Security Standards: restricted", "CIS Kubernetes 1.11: 5.2.6", "CIS Kubernetes 1.11: 5.2.10"),
        (on(kinds.WORKLOADS, each_container(_escalates)),),
    ),
    Rule(
        "host.system-calls-limited",
        "A container has a profile of system calls",
        "medium",
        "Faults of the kernel are reached by calls that no program of ours makes.",
        ("Pod Security Standards: restricted", "CIS Kubernetes 1.11: 5.6.2"),
        (on(kinds.WORKLOADS, each_container(_profile)),),
    ),
    Rule(
        "host.apart",
        "A container does not share its machine",
        "critical",
        "A privileged container is the machine.",
        ("Pod Security Standards: baseline", "CIS Kubernetes 1.11: 5.2.2", "CIS Kubernetes 1.11: 5.2.12"),
        (on(kinds.WORKLOADS, each_container(_privileged), each_pod(_shares_host)),),
    ),
    Rule(
        "host.read-only-files",
        "A container cannot change its own files",
        "low",
        "What cannot be written cannot stay after a break-in.",
        ("CIS Kubernetes 1.11: 5.6.3", "checkov CKV_K8S_22"),
        (on(kinds.WORKLOADS, each_container(_writes)),),
    ),
    Rule(
        "host.resources-limited",
        "A container says what it needs, and has a limit of memory",
        "medium",
        "One training that grows takes down the endpoints beside it.",
        ("checkov CKV_K8S_10", "checkov CKV_K8S_13"),
        (on(kinds.WORKLOADS[:7], each_container(_limits)),),
    ),
    Rule(
        "host.namespace-restricted",
        "A namespace refuses pods that may too much",
        "high",
        "It is the one place that also holds for what somebody starts by hand.",
        ("Pod Security Standards", "CIS Kubernetes 1.11: 5.2.1"),
        (on(kinds.NAMESPACE, _labelled),),
    ),
    Rule(
        "host.metadata-by-token",
        "A machine's credentials are given to a session only",
        "medium",
        "Otherwise a request that a program can be talked into fetches them.",
        ("checkov CKV_AWS_371", "AWS Security Hub EC2.8"),
        (
            on(
                kinds.NOTEBOOK,
                equals("instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion", "2"),
            ),
            on(("aws:ec2:LaunchTemplate", "aws:ec2:Instance"), _metadata),
        ),
    ),
    Rule(
        "host.supported-system",
        "A notebook's system is still mended",
        "medium",
        "Nobody mends the others.",
        ("AWS Security Hub SageMaker.8", "Azure Policy f110a506"),
        (on(kinds.NOTEBOOK, one_of("platformIdentifier", NOTEBOOKS)),),
    ),
    Rule(
        "host.no-remote-login",
        "Nobody logs in to a machine from the internet",
        "high",
        "Port 22 is tried all day.",
        ("CIS Azure 2.0: 6.2", "NIST 800-53 AC-17"),
        (on(kinds.COMPUTE, _no_login),),
    ),
)
