"""How a new revision takes over: the route that divides traffic, and the Job that moves it and watches.

Pulumi cannot wait and then shift traffic inside one update. So each release is a Job between the new revision and the
route in the program: it moves the live route step by step, and ends well when the route says what the program is going
to declare. When it ends badly it has put the old rules back, the update fails, and the old revision still serves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pulumi
import pulumi_kubernetes as k8s
from pulumi import CustomTimeouts, Input, Output, ResourceOptions

from pulumi_mlops.backends.kubernetes import access, gateway, live, outside
from pulumi_mlops.backends.kubernetes.addresses import PlatformAddress
from pulumi_mlops.backends.kubernetes.health import checks, comparison, counted_requests, of_revision
from pulumi_mlops.backends.kubernetes.objects import (
    PYTHON,
    App,
    Fields,
    after,
    program,
    resources,
)
from pulumi_mlops.backends.kubernetes.revision import Revision, start_minutes
from pulumi_mlops.backends.kubernetes.runtime import MANAGEMENT
from pulumi_mlops.components.endpoint import SHADOW, EndpointSpec, Release
from pulumi_mlops.core.content import content_name

RELEASE, ATTEMPT = "pulumi-mlops/release", "pulumi-mlops/attempt"
"""Labels of a Job: which revisions it brings in, and which try at it that is."""
BEFORE, ROLLED_BACK = "pulumi-mlops/release-from", "pulumi-mlops/rolled-back"
"""Annotations of a route, in which the job keeps the rules of before while it is under way, and why it went back."""
_SCRIPT, _SETTINGS, _FOLDER = "release.py", "settings.json", "/etc/mlops"
_AFTERWARDS_SECONDS = 120
"""How long the new revision is watched with all the traffic, while the old one is still there."""
_TRIAL_SECONDS = 120
"""How long both are asked again, when all the traffic had moved and the new revision refuses more than the old did."""
_WHOLE = 1000
MOST_WEIGHT = 1_000_000
"""The greatest weight that a route takes."""
_PARTS = 10_000
_KILLED = 137  # the exit code of a program that was ended by force, as for want of memory
_PATIENCE_SECONDS = 180
"""How long nothing need be ready, or measured, or answer."""
_PORT = 80  # of the Services that KServe makes


def steps(release: Release) -> list[Fields]:
    """Say how traffic moves: its share, and how long that is watched before more follows."""
    if release.canary:
        first = [{"percent": release.canary.percent, "seconds": release.canary.bake_minutes * 60}]
    elif release.linear:
        step, seconds = release.linear.step_percent, release.linear.interval_minutes * 60
        first = [{"percent": share, "seconds": seconds} for share in range(step, 100, step)]
    else:
        first = []
    return [*first, {"percent": 100, "seconds": _AFTERWARDS_SECONDS}]


def longest_seconds(spec: EndpointSpec) -> int:
    """Return when a release is given up."""
    watched = sum(int(step["seconds"]) + _PATIENCE_SECONDS for step in steps(spec.release))
    watched += _TRIAL_SECONDS + _AFTERWARDS_SECONDS + 2 * _PATIENCE_SECONDS
    return start_minutes(spec) * 60 + spec.scaling.cooldown_in_seconds + 2 * _PATIENCE_SECONDS + watched


def scale_of(weights: Sequence[float]) -> float:
    """Return by what weights are multiplied to be whole numbers within the API's limit.

    >>> scale_of([80, 20]), scale_of([0.8, 0.2]), scale_of([0.5, 2_000_000])
    (1, 1000, 0.5)
    """
    scale = 1 if all(float(weight).is_integer() for weight in weights) else _WHOLE
    return scale if max(weights) * scale <= MOST_WEIGHT else MOST_WEIGHT / max(weights)


def rules(spec: EndpointSpec, wanted: Sequence[Revision], endpoint: str) -> list[Fields]:
    """Divide traffic between the variants by weight, and copy it to the shadow; by what manages a server, nobody comes.

    The first rule is the one that divides.
    """
    weights = {part.name: part.weight for part in spec.served}
    scale = scale_of(list(weights.values()))
    rule: Fields = {
        "backendRefs": [
            {"name": part.service, "port": _PORT, "weight": round(weights[part.variant] * scale)}
            for part in wanted
            if part.variant in weights
        ],
        "timeouts": {"request": f"{spec.serve.timeout_seconds}s"},
    }
    if spec.shadow:
        share = spec.shadow.percent
        portion: Fields = (
            {"percent": int(share)}
            if float(share).is_integer()
            else {"fraction": {"numerator": round(share * _PARTS / 100), "denominator": _PARTS}}
        )
        beside = next(part for part in wanted if part.variant == SHADOW)
        mirror = {"backendRef": {"name": beside.service, "port": _PORT}, **portion}
        rule["filters"] = [{"type": "RequestMirror", "requestMirror": mirror}]
    found = {path.format(model=endpoint) for part in wanted for path in part.server.answered}
    if all(part.server.answered for part in wanted):
        return [{"matches": _below(sorted(found)), **rule}]
    # A rule that leads nowhere answers by itself; the longer path wins over the rule for everything.
    return [rule, {"matches": _below(MANAGEMENT)}]


def _below(paths: Sequence[str]) -> list[Fields]:
    return [{"path": {"type": "PathPrefix", "value": path}} for path in paths]


def settings(app: App, spec: EndpointSpec, wanted: Sequence[Revision]) -> Fields:
    """Say what the job does. It reads this when it starts; changing it starts none."""
    served = [part for part in wanted if part.variant != SHADOW]
    asked = [
        replace(check, name=f"{check.name} of {part.variant}")
        for part in served
        for check in checks(part.server, spec.health, **of_revision(app, part.name))
    ]
    alarms = [
        {
            "name": Output.format("alarm {0}", alarm),
            "query": Output.format('count(ALERTS{{alertname="{0}",alertstate="firing"}})', alarm),
            "above": 0,
            "means": Output.format("alarm {0} is firing", alarm),
        }
        for alarm in spec.release.rollback_alarms
    ]
    counted = [
        {
            "name": f"requests of {part.variant}",
            "query": counted_requests(part.server, **of_revision(app, part.name)),
            "means": (
                f"its image must count them in {part.server.requests}, and somebody must send some; or write "
                "release={'unmeasured': 'promote'}"
            ),
        }
        for part in served
    ]
    compared = [
        comparison(part.server, spec.health, namespace=app.namespace, revision=part.name, variant=part.variant)
        for part in served
    ]
    metrics = PlatformAddress.of(spec.platform).metrics
    insists = spec.release.unmeasured == "refuse"
    return {
        "endpoint": app.scope.name,
        "namespace": app.namespace,
        "route": app.name() if PlatformAddress.of(spec.platform).gateway else None,
        "revisions": [part.name for part in served],
        "rules": rules(spec, wanted, app.scope.name),
        "steps": steps(spec.release),
        "metrics": metrics,
        "checks": [*(check.settings() for check in asked), *alarms] if metrics else [],
        "compared": compared if metrics else [],
        "trial_seconds": _TRIAL_SECONDS,
        "counted": counted if metrics and insists else [],
        "insists": insists,
        "sized_by_load": spec.scaling.moves,
        "patience_seconds": _PATIENCE_SECONDS,
        "start_seconds": start_minutes(spec) * 30,
        "size_seconds": start_minutes(spec) * 30 + spec.scaling.cooldown_in_seconds,
        "every_seconds": 15,
    }


@dataclass(frozen=True)
class Attempt:
    """Which try at a release the program is to make."""

    number: int = 1
    reason: str | None = None
    """What became of the release before it."""


def attempt(spec: EndpointSpec, app: App, digest: str) -> Attempt:
    """Look up whether this release was tried, and failed: a Job does not run twice, so another try is another Job.

    So is the return to a revision that was released before, where the release after it left the route half moved.
    """
    found = live.namespaced(spec.platform, "batch/v1", "jobs", labelSelector=f"{RELEASE}={digest}")
    jobs = {int(job["metadata"]["labels"].get(ATTEMPT, "1")): job for job in (found or {}).get("items", [])}
    if not jobs:
        return Attempt()
    last = max(jobs)
    ended = {
        one["type"]: one.get("message", "")
        for one in jobs[last].get("status", {}).get("conditions", [])
        if one["type"] in ("Complete", "Failed") and one["status"] == "True"
    }
    route = live.namespaced(spec.platform, gateway.VERSION, gateway.ROUTES, app.name()) if ended else None
    remarks = (route or {}).get("metadata", {}).get("annotations", {})
    if "Failed" in ended:
        return Attempt(last + 1, f"was rolled back ({remarks.get(ROLLED_BACK) or ended['Failed']})")
    return Attempt(last + 1, "was interrupted half way") if BEFORE in remarks else Attempt(last)


def job(
    app: App, spec: EndpointSpec, wanted: Sequence[Revision], ready: Sequence[Input[pulumi.Resource]]
) -> k8s.batch.v1.Job:
    """Make the Job of this release, with the rights that it needs and no others, and wait until it is through."""
    mover, scope = replace(app, kind="release"), app.scope
    served = [part.name for part in wanted if part.variant != SHADOW]
    account = access.identity(mover, "release")
    rights = [
        access.rule("serving.kserve.io", "inferenceservices", ["get"], served),
        access.rule("apps", "deployments", ["get"], [part.deployment for part in wanted if part.variant != SHADOW]),
    ]
    if PlatformAddress.of(spec.platform).gateway:
        rights.append(access.rule(gateway.GROUP, gateway.ROUTES, ["get", "patch"], [app.name()]))
    else:
        rights.append(access.rule("", "services", ["get"], [app.name()]))
    granted = access.grant(mover, "release", rights, [access.account_of(account)])
    told = k8s.core.v1.ConfigMap(
        scope.child("release"),
        metadata=mover.metadata(mover.name("release")),
        data={_SCRIPT: script(), _SETTINGS: Output.json_dumps(settings(app, spec, wanted), sort_keys=True)},
        opts=scope.opts,
    )
    around = outside.Around.of(spec.platform)
    ways_out: list[Fields] = access.api_server(around.context)
    if metrics := PlatformAddress.of(spec.platform).metrics:
        ways_out.append(access.way_out(outside.door("metrics", metrics, around)))
    opened = [
        access.allow(mover, "release", mover.selector, egress=ways_out),
        *access.reach_api_server(mover, "release", mover.selector, around.context),
    ]
    digest = content_name("release", sorted(served)).rpartition("-")[2]
    now = attempt(spec, app, digest)
    if now.reason:
        scope.say(f"the last release {now.reason}; this is attempt {now.number} at this one")
    marks = {RELEASE: digest, ATTEMPT: str(now.number)}
    seconds = longest_seconds(spec)
    part = f"release-{digest}-{now.number}"
    container: Fields = {
        "name": "release",
        "image": PYTHON,
        "command": ["python", f"{_FOLDER}/{_SCRIPT}", f"{_FOLDER}/{_SETTINGS}"],
        "resources": resources("50m", "64Mi"),
        "volume_mounts": [{"name": "settings", "mount_path": _FOLDER, "read_only": True}],
    }
    return k8s.batch.v1.Job(
        scope.child(part),
        metadata=mover.job_metadata(mover.name(part), labels=marks),
        spec={
            # A pod that its node takes along, or that is killed, is followed by one that goes on; one that went back
            # says so for good. No rule may fail the Job: Pulumi's provider knows the reasons BackoffLimitExceeded and
            # DeadlineExceeded, and for any other it would wait until its time is over.
            "backoff_limit": 0,
            "pod_failure_policy": {
                "rules": [
                    {"action": "Ignore", "on_pod_conditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    {"action": "Ignore", "on_exit_codes": {"operator": "In", "values": [_KILLED]}},
                ]
            },
            "active_deadline_seconds": seconds,
            "template": mover.pod(
                container,
                volumes=[{"name": "settings", "config_map": {"name": told.metadata.name}}],
                account=account.metadata.name,
                token=True,
                labels=marks,
                restart_policy="Never",
                termination_grace_period_seconds=60,
            ),
        },
        opts=ResourceOptions.merge(
            after(scope.opts, granted, told, *opened, *ready),
            ResourceOptions(
                custom_timeouts=CustomTimeouts(create=f"{seconds + 120}s"),
                # A Job that ran is history: what the next one would be like changes nothing about it. Nor do tags: an
                # update would write down what the controller added to the template, which looks like another one.
                ignore_changes=["spec", "metadata.labels", "metadata.annotations"],
            ),
        ),
    )


def script() -> str:
    """Return the text of the program that the Job runs."""
    return program(_SCRIPT)
