"""What starts a pipeline by itself beside its schedule: a program that looks for data, approvals, alerts, pipelines.

Whoever may start workflows in a namespace may run anything there: only this program holds that right, in a pod of its
own, and no step of a pipeline does. An admission policy takes from it runs of its own pipeline alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Input, Output

from pulumi_mlops.backends.kubernetes import access, admission, dataset, mlflow, outside, trust, workflows
from pulumi_mlops.backends.kubernetes.addresses import Door, ModelAddress, PlatformAddress
from pulumi_mlops.backends.kubernetes.objects import (
    PYTHON,
    App,
    Fields,
    after,
    program,
    resources,
    secret_variable,
    uid_of,
)
from pulumi_mlops.backends.kubernetes.steps import Registry
from pulumi_mlops.backends.kubernetes.taken import FOLDER
from pulumi_mlops.backends.kubernetes.tracking import PORT
from pulumi_mlops.components.pipeline import PipelineSpec
from pulumi_mlops.core.content import content_name
from pulumi_mlops.core.errors import Problem

_EVERY_SECONDS = 30
_SCRIPT, _SETTINGS = "starter.py", "settings.json"
_BESIDE, _OF_DATA = ("cluster.py", "release.py", "register.py"), "dataset.py"


def starter(
    app: App, spec: PipelineSpec, registries: Mapping[str, Registry], template: k8s.apiextensions.CustomResource
) -> k8s.apps.v1.Deployment:
    """Run the program, with the rights that it needs and no others.

    :param registries: the registries of the models whose approvals start the pipeline, by their names.
    """
    scope, mover = app.scope, replace(app, kind="pipeline-starter")
    account = access.identity(mover, "starter")
    seen = k8s.core.v1.ConfigMap(
        scope.child("seen"),
        metadata=mover.metadata(mover.name("seen")),
        # The program writes down what it has seen.
        opts=pulumi.ResourceOptions.merge(scope.opts, pulumi.ResourceOptions(ignore_changes=["data"])),
    )
    granted = access.grant(
        mover,
        "starter",
        [
            access.rule("argoproj.io", "workflows", ["list", "create"], []),
            access.rule("", "configmaps", ["get", "patch"], [seen.metadata.name]),
        ],
        [access.account_of(account)],
    )
    held = admission.held(
        mover,
        "starter",
        ("argoproj.io", "v1alpha1", "workflows"),
        ["CREATE"],
        {
            "a Workflow of this account is a run of its pipeline, as the program declares it": (
                f"object.spec.?workflowTemplateRef.?name.orValue('') == '{app.name()}' && "
                "object.spec.all(field, field in ['workflowTemplateRef', 'arguments'])"
            )
        },
    )
    order = list(registries)
    at = PlatformAddress.of(spec.platform)
    data = {one.data.name: one.data.location for one in spec.triggers if one.data is not None}
    alarms = [one.alarm for one in spec.triggers if one.alarm is not None]
    models = [ModelAddress.of(one.approval) for one in spec.triggers if one.approval is not None]
    settings = {
        "namespace": app.namespace,
        "template": app.name(),
        "owner": workflows.owner(app.name(), uid_of(template)),
        "pipeline": scope.name,
        "seen": mover.name("seen"),
        "overlap": spec.overlap,
        "every_seconds": _EVERY_SECONDS,
        "datasets": data,
        "alarms": alarms,
        "metrics": at.metrics,
        "pipelines": [one.pipeline.name for one in spec.triggers if one.pipeline is not None],
        "models": [
            {"name": one.model, "url": registries[one.registry].url, "login": f"LOGIN_{order.index(one.registry)}"}
            for one in models
        ],
    }
    files: dict[str, Input[str]] = {name: program(name) for name in (_SCRIPT, *_BESIDE, *([_OF_DATA] if data else []))}
    files[_SETTINGS] = Output.json_dumps(settings, sort_keys=True)
    told = k8s.core.v1.ConfigMap(
        scope.child("starter"), metadata=mover.metadata(mover.name("starter")), data=files, opts=scope.opts
    )
    env: list[Fields] = [
        secret_variable(f"LOGIN_{index}_{word.upper()}", registries[name].secret, word)
        for index, name in enumerate(order)
        for word in ("username", "password")
    ]
    if data:
        env += dataset.variables(spec.platform, at.store.reader)
    doors = [
        Door(name, PORT, {"app.kubernetes.io/name": "mlflow", "app.kubernetes.io/instance": name}) for name in order
    ]
    if data:
        doors.append(access.store_door(spec.platform))
    around = outside.Around.of(spec.platform)
    ways_out: list[Fields] = access.api_server(around.context)
    if alarms and at.metrics:
        ways_out.append(access.way_out(outside.door("metrics", at.metrics, around)))
    opened = [
        *access.call(mover, "starter", mover.selector, doors),
        access.allow(mover, "starts", mover.selector, egress=ways_out),
        *access.reach_api_server(mover, "starts", mover.selector, around.context),
    ]
    container: Fields = {
        "name": "starter",
        "image": mlflow.IMAGE if data else PYTHON,  # it has boto3
        "command": ["python", f"{FOLDER}/{_SCRIPT}", f"{FOLDER}/{_SETTINGS}"],
        "env": env,
        "resources": resources("20m", "128Mi" if data else "64Mi"),
        "volume_mounts": [
            {"name": "program", "mount_path": FOLDER, "read_only": True},
            *(trust.mounts(spec.platform) if data else []),
        ],
    }
    # The program reads its settings and its logins once: others are another pod.
    mark = Output.json_dumps({"settings": settings, "logins": [registries[name].mark for name in order]})
    return k8s.apps.v1.Deployment(
        scope.child("starter"),
        metadata=mover.metadata(mover.name("starter")),
        spec={
            "replicas": 1,
            "selector": {"match_labels": mover.selector},
            "strategy": {"type": "Recreate"},
            "template": mover.pod(
                container,
                volumes=[
                    {"name": "program", "config_map": {"name": told.metadata.name}},
                    *(trust.volumes(spec.platform) if data else []),
                ],
                account=account.metadata.name,
                token=True,
                annotations={"settings": mark.apply(lambda text: content_name("settings", [text, files[_SCRIPT]]))},
            ),
        },
        opts=after(scope.opts, granted, *held, template, seen, *opened),
    )


def trigger_problems(spec: PipelineSpec) -> Iterator[Problem]:
    """Refuse what is not to be seen from here."""
    here = (spec.platform.name, spec.platform.stage, spec.platform.backend)
    at = PlatformAddress.of(spec.platform)
    for index, one in enumerate(spec.triggers):
        field, ref = f"triggers[{index}].{one.kind}", one.ref
        if ref is None:
            if at.metrics is None:
                where = "Platform(existing={'metrics': 'http://prometheus.monitoring.svc:9090'})"
                told = f"needs a Prometheus to ask; write {where}"
                yield Problem(field, told)
        elif (ref.platform.name, ref.platform.stage, ref.platform.backend) != here:
            yield Problem(field, f"{ref.name!r} is of platform {ref.platform.name!r}, whose events are not seen here")
        elif one.approval is not None and ModelAddress.of(one.approval).door is not None:
            yield Problem(
                field,
                f"{ref.name!r} is in a server that existed already, whose users are made by whoever runs it; start "
                "the pipeline from a webhook of that server",
            )
        elif one.data is not None and not str(one.data.location).startswith(f"s3://{at.store.bucket}/"):
            told = (
                f"{ref.name!r} lies outside of the platform's object store, to which there is no key; write a schedule"
            )
            yield Problem(field, told)
