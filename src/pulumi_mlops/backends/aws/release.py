"""How a new version takes over: its traffic, how it is watched, how many replicas it starts with, whether it stayed."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import Input, Output

from pulumi_mlops.backends.aws import live
from pulumi_mlops.components.endpoint import Release
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import ReleaseRolledBack

if TYPE_CHECKING:
    import pulumi_aws as aws

# Bounds that both the API and the provider accept for the whole of a deployment.
SHORTEST_SECONDS, LONGEST_SECONDS = 600, 14400
_START_SECONDS = 1800  # what instances may take to come up, beside the watching
MARK, ATTEMPT = "mlops-release", "mlops-attempt"
"""Tags of a configuration: a digest of what it holds, instance counts apart, and which try at releasing that it is."""
_FIRST = "first"


@dataclass(frozen=True)
class Serving:
    """What an endpoint serves while the program runs: nothing, unless told."""

    mark: str | None = None
    attempt: str = _FIRST
    touched: str = _FIRST
    """When AWS last changed the endpoint."""
    began: Mapping[str, int] = field(default_factory=dict)
    """Replicas that the configuration began with, by variant."""
    now: Mapping[str, int] = field(default_factory=dict)
    """Replicas that there are now."""
    machines: Mapping[str, str] = field(default_factory=dict)
    """Instance types that there are now."""

    def start(self, mark: Input[str], variant: str, least: int) -> Output[int]:
        """Return the count that a configuration begins with.

        A release starts a new fleet with this count, whatever autoscaling had reached. So a new configuration begins
        with what serves now; one with the same content keeps its count, or each `up` would be a release.
        (UpdateEndpoint has a flag that retains counts; Cloud Control drops it, since it cannot be read back.)
        """

        def chosen(mark: str) -> int:
            if mark == self.mark and variant in self.began:
                return self.began[variant]
            return max(least, self.now.get(variant, 0))

        return Output.from_input(mark).apply(chosen)

    def next_attempt(self, mark: Input[str]) -> Output[str]:
        """Return what replaces the configuration when it changes: the same while the wanted content is served.

        After a rollback the wanted content is not served, and the endpoint was touched since: the next `up` makes
        another configuration and tries again, where nothing else would differ.
        """
        return Output.from_input(mark).apply(lambda mark: self.attempt if mark == self.mark else self.touched)


def serving(platform: PlatformRef, name: str) -> Serving:
    """Look up what an endpoint serves."""
    there = live.endpoint(platform, name)
    configuration = live.endpoint_config(platform, there["EndpointConfigName"]) if there else None
    if there is None or configuration is None:
        return Serving()
    tags = live.tags(platform, configuration["EndpointConfigArn"])
    return Serving(
        mark=tags.get(MARK),
        attempt=tags.get(ATTEMPT, _FIRST),
        touched=there["LastModifiedTime"].isoformat(),
        began=_counts(configuration["ProductionVariants"], "InitialInstanceCount"),
        now=_counts(there.get("ProductionVariants", []), "DesiredInstanceCount"),
        machines=_machines(configuration["ProductionVariants"]),
    )


def _machines(variants: list[dict[str, Any]]) -> dict[str, str]:
    return {variant["VariantName"]: variant["InstanceType"] for variant in variants if "InstanceType" in variant}


def _counts(variants: list[dict[str, Any]], member: str) -> dict[str, int]:
    return {variant["VariantName"]: variant[member] for variant in variants if member in variant}


def mark_of(content: Any) -> Output[str]:
    """Digest what a configuration holds."""
    return Output.json_dumps(content, sort_keys=True).apply(lambda text: hashlib.sha256(text.encode()).hexdigest()[:16])


def watching_seconds(release: Release) -> int:
    """Return how long a release is watched before the old version goes."""
    if release.canary:
        return release.canary.bake_minutes * 60
    if release.linear:
        return release.linear.interval_minutes * 60 * -(-100 // release.linear.step_percent)
    return 0


def traffic(release: Release) -> dict[str, Any]:
    """Say how traffic moves to the new version."""
    routing: dict[str, Any] = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    if release.canary:
        size = {"Type": "CAPACITY_PERCENT", "Value": release.canary.percent}
        routing = {"Type": "CANARY", "CanarySize": size, "WaitIntervalInSeconds": release.canary.bake_minutes * 60}
    elif release.linear:
        size = {"Type": "CAPACITY_PERCENT", "Value": release.linear.step_percent}
        routing = {
            "Type": "LINEAR",
            "LinearStepSize": size,
            "WaitIntervalInSeconds": release.linear.interval_minutes * 60,
        }
    longest = min(LONGEST_SECONDS, max(SHORTEST_SECONDS, watching_seconds(release) + _START_SECONDS))
    return {
        "TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": 120,
        "MaximumExecutionTimeoutInSeconds": longest,
    }


def name_once_released(
    scope: Scope,
    release: Release,
    endpoint: "aws.cloudcontrol.Resource",
    wanted: Output[str],
    name: str,
    *,
    undo: Callable[[], object],
) -> Output[str]:
    """Give the endpoint's name, once it serves the wanted configuration.

    A release that AWS rolled back can look like a success: the endpoint is in service, with the configuration
    it had before.

    :param undo: what else goes back then.
    """
    if release.owner == "registry" or pulumi.runtime.is_dry_run():
        # Known in every preview, so that what stands on the name is not shown as replaced.
        return endpoint.urn.apply(lambda _: name)

    def check(known: list[Any]) -> str:
        serving = json.loads(known[0] or "{}").get("EndpointConfigName")
        if serving and known[1] and serving != known[1]:
            undo()
            raise ReleaseRolledBack(
                f"Endpoint {scope.name!r}: AWS rolled the release back; {name} still serves {serving}, not {known[1]}. "
                "Look at the endpoint's alarms and logs, then deploy another version or size."
            )
        return name

    return Output.all(endpoint.properties, wanted).apply(check)
