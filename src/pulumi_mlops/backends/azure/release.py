"""How a new revision takes over: the traffic that an update sets, and the workflow that moves it on, or back.

Traffic names the endpoint's own deployments, so it can be set only once they are there; a PUT of the endpoint that
leaves it out takes it all away. So the endpoint is created without traffic and then let go of, and what changes about
it is sent by a deployment of a template, once for each content, when everything is there. The traffic in it is worked
out of what serves while the program runs.

Azure moves no traffic by itself. A workflow looks once a minute: it brings the next share of traffic in when that is
due, goes back when an alert has fired, deletes who lost, and ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_azure_native import logic, resources

from pulumi_mlops.backends.azure import access, workflows
from pulumi_mlops.backends.azure.revision import BEFORE, RELEASE, ROLLED_BACK, Base, Live, Revision, write_traffic
from pulumi_mlops.backends.azure.rights import Right
from pulumi_mlops.components.endpoint import SHADOW, EndpointSpec, Release
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.content import digest_of
from pulumi_mlops.core.errors import ReleaseRolledBack
from pulumi_mlops.core.naming import physical

_AFTERWARDS_MINUTES = 10
"""How long the new revision is watched with all the traffic, while the old one is still there."""
_WHOLE = 100
_EVERY_MINUTES = 1
DEPLOYMENT = 64
"""Characters of the name of a deployment of a template."""
_SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


@dataclass(frozen=True)
class Step:
    """A share of the traffic that the new revision has, and how long it is watched before more follows."""

    percent: int
    minutes: int


def steps(release: Release) -> list[Step]:
    """Say how traffic moves.

    >>> steps(Release(canary={"percent": 10, "bake_minutes": 15}))
    [Step(percent=10, minutes=15), Step(percent=100, minutes=10)]
    """
    if release.canary:
        first = [Step(release.canary.percent, release.canary.bake_minutes)]
    elif release.linear:
        step, minutes = release.linear.step_percent, release.linear.interval_minutes
        first = [Step(share, minutes) for share in range(step, _WHOLE, step)]
    else:
        first = []
    return [*first, Step(_WHOLE, _AFTERWARDS_MINUTES)]


def shares(weights: Mapping[str, float], whole: int = _WHOLE) -> dict[str, int]:
    """Divide a whole by weights; what is left of rounding goes to those that lost most by it.

    >>> shares({"a": 3, "b": 1}), shares({"a": 1, "b": 1, "c": 1}), shares({"a": 1, "b": 0})
    ({'a': 75, 'b': 25}, {'a': 34, 'b': 33, 'c': 33}, {'a': 100})
    """
    total = sum(weights.values()) or 1
    exact = {name: weight * whole / total for name, weight in weights.items()}
    found = {name: int(share) for name, share in exact.items()}
    missing = whole - sum(found.values())
    for name in sorted(exact, key=lambda one: (found[one] - exact[one], one))[:missing]:
        found[name] += 1
    return {name: share for name, share in found.items() if share}


def mixed(before: Mapping[str, int], wanted: Mapping[str, int], percent: int) -> dict[str, int]:
    """Give the wanted a share of the traffic, and leave the rest where it is.

    >>> mixed({"old": 100}, {"new": 100}, 10), mixed({"a": 50, "b": 50}, {"a": 50, "c": 50}, 20)
    ({'old': 90, 'new': 10}, {'a': 50, 'b': 40, 'c': 10})
    """
    rest = shares(before, _WHOLE - percent)
    new = shares(wanted, percent)
    return {name: rest.get(name, 0) + new.get(name, 0) for name in dict.fromkeys([*rest, *new])}


@dataclass(frozen=True)
class Plan:
    """What an update makes of the traffic, and what becomes of it."""

    wanted: Mapping[str, int]
    """The traffic when the release is through."""
    first: Mapping[str, int]
    """The traffic that the update sets."""
    before: Mapping[str, int]
    """The traffic that the release goes back to; nothing where none is under way."""
    revisions: Sequence[Revision]
    """Everything that the program asks for, the shadow too."""
    old: Sequence[str]
    """The other deployments that there are."""
    mirrored: Mapping[str, int]
    """The copies of the traffic that were sent before."""

    @property
    def names(self) -> list[str]:
        """The names of the revisions."""
        return sorted(one.name for one in self.revisions)


def plan(spec: EndpointSpec, revisions: Sequence[Revision], there: Live) -> Plan:
    """Work out the traffic of what serves now.

    Nothing serves: all to the new. They all serve already: the weights that are wanted, or, while a release is under
    way, what that has come to. Else the first step of the release.
    """
    weights = {part.name: part.weight for part in spec.served}
    wanted = shares({one.name: weights[one.variant] for one in revisions if one.variant in weights})
    now = {name: share for name, share in there.traffic.items() if name in there.replicas}
    old = sorted(set(there.replicas) - {one.name for one in revisions})
    if not now or set(now) <= set(wanted):
        return Plan(wanted, wanted, {}, revisions, old, there.mirrored)
    if set(wanted) <= set(now) and there.before:
        return Plan(wanted, now, there.before, revisions, old, there.mirrored)
    first = mixed(now, wanted, steps(spec.release)[0].percent)
    return Plan(wanted, first, now, revisions, old, there.mirrored)


def refuse_rolled_back(scope: Scope, revisions: Sequence[Revision], there: Live) -> None:
    """Say that what the program asks for was released, and went back: nothing would change by asking again."""
    back = there.tags.get(ROLLED_BACK, "").split(" ")
    if lost := sorted(one.name for one in revisions if one.name in back):
        raise ReleaseRolledBack(
            f"Endpoint {scope.name!r}: its release of {', '.join(lost)} was rolled back, because an alert fired while "
            "it was watched; what served before serves. Look at the endpoint's alerts and logs, then deploy another "
            "version or size. To release the same once more, change a variable of environment"
        )


def body(base: Base, tags: Mapping[str, str]) -> dict[str, Any]:
    """Write the endpoint without its traffic, as Azure Resource Manager takes it."""
    return {
        "location": base.at.location,
        "tags": dict(tags),
        "kind": "Managed",
        "identity": _runs_as(base),
        "properties": {
            "authMode": "AADToken",
            "publicNetworkAccess": public(base.spec.platform),
            "description": about(base.scope),
        },
    }


def _runs_as(base: Base) -> dict[str, Any]:
    return {"type": "UserAssigned", "userAssignedIdentities": base.who.id.apply(lambda id_: {id_: {}})}


def public(platform: PlatformRef) -> str:
    """Say whether an endpoint answers on a public address."""
    return "Disabled" if platform.private else "Enabled"


def about(scope: Scope) -> str:
    """Describe an endpoint."""
    return f"Endpoint {scope.name} of {scope.project} ({scope.stage})"


def mirrored(spec: EndpointSpec, revisions: Sequence[Revision]) -> dict[str, int]:
    """Say who gets a copy of the traffic."""
    if spec.shadow is None:
        return {}
    return {one.name: int(spec.shadow.percent) for one in revisions if one.variant == SHADOW}


def send(base: Base, traffic: Plan, needs: Sequence[pulumi.Resource]) -> resources.Deployment:
    """Send what the endpoint is to be, with its traffic, when its deployments are there; once for each content."""
    scope, spec, at = base.scope, base.spec, base.at
    copies = mirrored(spec, traffic.revisions)
    tags = {**scope.tags, RELEASE: " ".join(traffic.names)}
    content = [tags, public(spec.platform), dict(traffic.wanted), copies]
    if traffic.before:
        tags = {**tags, BEFORE: write_traffic(traffic.before)}  # no part of the content: it goes when the release ends
    found = body(base, tags)
    found["properties"] |= {"traffic": dict(traffic.first), "mirrorTraffic": copies}
    part = f"traffic-{digest_of(content)}"
    return resources.Deployment(
        scope.child(part),
        deployment_name=physical(scope.project, scope.stage, scope.name, part, limit=DEPLOYMENT),
        resource_group_name=at.group,
        properties={
            "mode": resources.DeploymentMode.INCREMENTAL,
            "template": {
                "$schema": _SCHEMA,
                "contentVersion": "1.0.0.0",
                "resources": [
                    {
                        "type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
                        "apiVersion": workflows.ML,
                        "name": Output.format("{0}/{1}", at.workspace, base.endpoint.name),
                        **found,
                    }
                ],
            },
        },
        tags=scope.tags,
        opts=ResourceOptions.merge(
            scope.opts,
            # What was sent is history: the traffic has moved on since.
            ResourceOptions(depends_on=list(needs), ignore_changes=["properties", "tags"]),
        ),
    )


def watch(
    base: Base, traffic: Plan, rules: Sequence[Input[str]], needs: Sequence[pulumi.Resource]
) -> pulumi.CustomResource:
    """Make the workflow of this release, with the rights that it needs and no others.

    :param rules: ids of the alert rules that send a release back.
    """
    scope, at = base.scope, base.at
    mover = access.managed(scope, at.group, at.location, "release-identity", scope.name, "release")
    given = [
        # To change the endpoint's traffic, and to delete its deployments.
        Right("AzureML Data Scientist", base.endpoint.id, "endpoint"),
        # To run the endpoint as its identity, which each change of it names.
        Right("Managed Identity Operator", base.who.resource.id, "identity"),
        Right(
            "Monitoring Reader",
            at.group_id,
            "group",
            why="the alerts of a group's rules are listed for the group, whatever they are about",
        ),
    ]
    assigned = access.assign(scope, mover.principal_id, at.subscription, given, part="release")
    runs = access.known_with(mover, assigned)
    part = f"release-{digest_of(traffic.names)}"
    called = physical(scope.project, scope.stage, scope.name, part, limit=workflows.NAME)
    own = Output.format("{0}/providers/Microsoft.Logic/workflows/{1}", at.group_id, called)
    made = logic.Workflow(
        scope.child(part),
        workflow_name=called,
        resource_group_name=at.group,
        location=at.location,
        identity=workflows.identity(runs),
        state="Enabled",
        definition=_definition(base, traffic, (runs.id, own), rules),
        tags=scope.tags,
        opts=ResourceOptions.merge(
            scope.opts,
            # It was written for one release, out of what served then; and it ends itself.
            ResourceOptions(depends_on=list(needs), ignore_changes=["definition", "state"]),
        ),
    )
    access.assign(
        scope, mover.principal_id, at.subscription, [Right("Logic App Operator", made.id, part)], part="release-ends"
    )
    return made


def _definition(base: Base, traffic: Plan, ids: tuple[Input[str], Input[str]], rules: Sequence[Input[str]]) -> Any:
    """Write what the workflow does in one look.

    :param ids: of the identity as which it runs, and its own.
    """
    endpoint, (runs, own) = base.endpoint.id, ids
    address = Output.format("{0}{1}?api-version={2}", workflows.MANAGEMENT, endpoint, workflows.ML)
    alerts = Output.format(
        "{0}{1}/providers/Microsoft.AlertsManagement/alerts?api-version={2}&monitorCondition=Fired&timeRange=1h",
        workflows.MANAGEMENT,
        Output.from_input(endpoint).apply(lambda id_: id_.partition("/providers/")[0]),
        workflows.ALERTS,
    )
    over = workflows.call(
        "POST",
        Output.format("{0}{1}/disable?api-version={2}", workflows.MANAGEMENT, own, workflows.LOGIC),
        runs,
    )

    def put(shared: Mapping[str, int], tags: str, copies: Mapping[str, int] | None = None) -> workflows.Action:
        kept = "@body('endpoint')?['properties']?"
        found = {
            "location": "@body('endpoint')?['location']",
            "tags": tags,
            "kind": "Managed",
            "identity": _runs_as(base),
            "properties": {
                "authMode": "AADToken",
                "publicNetworkAccess": f"{kept}['publicNetworkAccess']",
                "description": f"{kept}['description']",
                "traffic": dict(shared),
                "mirrorTraffic": f"{kept}['mirrorTraffic']" if copies is None else dict(copies),
            },
        }
        return workflows.call("PUT", address, runs, body=found)

    def closed(gone: Sequence[str], left: workflows.Action, *first: str) -> dict[str, workflows.Action]:
        """Delete who lost, and say only then that no release is under way: a look that is cut off is made good."""
        found: dict[str, workflows.Action] = {}
        after = list(first)
        for name in gone:
            where = Output.format(
                "{0}{1}/deployments/{2}?api-version={3}", workflows.MANAGEMENT, endpoint, name, workflows.ML
            )
            found[f"delete_{name}"] = workflows.call("DELETE", where, runs, after=after)
            after = [f"delete_{name}"]
        found["done"] = {**left, "runAfter": {name: ["Succeeded"] for name in after}}
        return {**found, "end": {**over, "runAfter": {"done": ["Succeeded"]}}}

    tags = "body('endpoint')?['tags']"
    ended = f"removeProperty({tags}, '{BEFORE}')"
    new = sorted(set(traffic.names) - set(traffic.before))
    before = traffic.before or traffic.wanted  # the first release has nothing to take traffic from
    plans = [(step, mixed(before, traffic.wanted, step.percent)) for step in steps(base.spec.release)]
    looks: dict[str, workflows.Action] = {}
    for index, (step, shared) in enumerate(plans):
        following = plans[index + 1][1] if index + 1 < len(plans) else None
        then = (
            {"next": put(following, f"@{tags}")}
            if following is not None
            else closed(traffic.old, put(traffic.wanted, f"@{ended}"))
        )
        looks[f"after_{step.percent}_percent"] = workflows.condition(
            {"and": [*_serves(shared), _since(step.minutes)]}, then, {}, []
        )
    lost = f"'{ROLLED_BACK}', '{' '.join(new)}'"
    back = {
        "back": put(traffic.before, f"@setProperty({tags}, {lost})", traffic.mirrored),
        **closed(new, put(traffic.before, f"@setProperty({ended}, {lost})", traffic.mirrored), "back"),
    }
    fired = "@contains(parameters('rules'), toLower(coalesce(item()?['properties']?['essentials']?['alertRule'], '')))"
    under_way = {"equals": [f"@contains(coalesce({tags}, json('{{}}')), '{BEFORE}')", True]}
    # One that has begun to go back goes on so when the alert is over.
    is_well = [{"equals": ["@length(body('fired'))", 0]}, {"equals": [f"@contains({tags}, '{ROLLED_BACK}')", False]}]
    looked = workflows.condition(
        under_way, {"is_well": workflows.condition({"and": is_well}, looks, back, [])}, {"over": over}, []
    )
    # Until the template is through, and where an update was cut off before it, the endpoint is another release's.
    sent = {"equals": [f"@coalesce({tags}, json('{{}}'))?['{RELEASE}']", " ".join(traffic.names)]}
    known = Output.all(*rules).apply(lambda found: sorted(rule.lower() for rule in found))
    return workflows.definition(
        workflows.every(_EVERY_MINUTES),
        {
            "endpoint": workflows.call("GET", address, runs),
            "alerts": workflows.call("GET", alerts, runs, after=["endpoint"], pages=True),
            "fired": workflows.chosen("@body('alerts')?['value']", fired, ["alerts"]),
            "sent": workflows.condition(sent, {"under_way": looked}, {}, ["fired"]),
        },
        {"rules": {"type": "Array", "defaultValue": known}},
    )


def _serves(shared: Mapping[str, int]) -> list[Any]:
    """Hold where the traffic is this."""
    return [
        {"equals": [f"@coalesce(body('endpoint')?['properties']?['traffic']?['{name}'], 0)", share]}
        for name, share in sorted(shared.items())
    ]


def _since(minutes: int) -> Any:
    """Hold where the endpoint was changed so long ago."""
    changed = f"@ticks(addMinutes(body('endpoint')?['systemData']?['lastModifiedAt'], {minutes}))"
    return {"lessOrEquals": [changed, "@ticks(utcNow())"]}
