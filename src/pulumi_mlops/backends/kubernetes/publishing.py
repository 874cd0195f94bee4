"""How an output of a step becomes the next version of a dataset on Kubernetes.

The container of a step holds no key of the object store: Argo takes its output there, and a container of ours, which
has the key, adds the files to the dataset and publishes it. Both are one step to those that wait for it.
"""

from collections.abc import Iterator, Mapping

from pulumi_mlops.backends.kubernetes import argo, dataset, mlflow, trust
from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.backends.kubernetes.objects import Fields, camel_case, resources, restricted
from pulumi_mlops.backends.kubernetes.taken import FOLDER, INPUTS
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.workload import variable
from pulumi_mlops.steps.work import OUTPUT, PUBLISHES, RECORD, Work

RUNS = "run"
"""The prefix of what runs the container of a step that publishes; its task is called so as well."""
_TRIES = 2
_FACTS = f"{INPUTS}/facts.json"


def templates(name: str, handed: Mapping[str, str], left: Fields, pod: Fields) -> Iterator[Fields]:
    """Write the step as a graph of two: its own container, and what publishes.

    :param left: what the container leaves for other steps.
    :param pod: what publishes, as written below.
    """
    through = {word: f"{{{{inputs.parameters.{word}}}}}" for word in handed}
    handed_on = [one["name"] for one in left["outputs"].get("parameters", [])]
    values = [
        {"name": one, "valueFrom": {"parameter": f"{{{{tasks.{RUNS}.outputs.parameters.{one}}}}}"}} for one in handed_on
    ]
    yield {
        "name": argo.called("step", name),
        **argo.inputs(list(handed)),
        "dag": {
            "tasks": [
                {"name": RUNS, "template": argo.called(RUNS, name), **argo.given(through)},
                {"name": "publish", "template": argo.called("publish", name), "depends": f"{RUNS}.Succeeded"},
            ]
        },
        **({"outputs": {"parameters": values}} if values else {}),
    }
    yield pod


def publishing(name: str, step: Work, platform: PlatformRef, programs: Fields, folder: str) -> Fields:
    """Write the pod that publishes.

    :param folder: where in the bucket the step leaves what it made.
    """
    plain: Fields = {"archive": {"none": {}}}
    brought = [
        {"name": one, "path": f"{INPUTS}/{one}", "s3": {"key": f"{folder}/{one}"}, **plain} for one in step.publish
    ]
    facts = {"name": "MLOPS-FACTS", "path": _FACTS, "s3": {"key": f"{folder}/facts.json"}, **plain}
    told = {**step.published(), **{variable(OUTPUT, one): f"{INPUTS}/{one}" for one in step.publish}, RECORD: _FACTS}
    container: Fields = {
        "image": mlflow.IMAGE,  # has boto3, and is on the nodes where there is a registry
        "command": ["python3", f"{FOLDER}/{PUBLISHES}"],
        "args": list(step.publish),
        "env": [*argo.variables(told), *dataset.variables(platform, PlatformAddress.of(platform).store.writer)],
        "resources": resources("100m", "512Mi"),
        "volume_mounts": [{"name": "program", "mount_path": FOLDER, "read_only": True}, *trust.mounts(platform)],
    }
    return {
        "name": argo.called("publish", name),
        **argo.inputs([], [*brought, facts]),
        "container": camel_case(restricted(container)),
        "volumes": [{"name": "tmp", "emptyDir": {}}, programs, *camel_case(trust.volumes(platform))],
        "activeDeadlineSeconds": round(step.max_hours * 3600),
        "podSpecPatch": argo.patched(),
        **argo.again(_TRIES),
    }
