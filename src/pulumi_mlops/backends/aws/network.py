"""A network without a way to the internet: AWS's services are reached through endpoints inside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from pulumi_mlops.backends.aws import live
from pulumi_mlops.backends.aws.policy import Statement, allow, arn, document
from pulumi_mlops.components.platform import PrivateNetwork
from pulumi_mlops.core.component import Scope
from pulumi_mlops.core.errors import Problem

# What SageMaker workloads call: https://docs.aws.amazon.com/sagemaker/latest/dg/interface-vpc-endpoint.html
SERVICES = (
    "sagemaker.api",
    "sagemaker.runtime",
    "sagemaker.featurestore-runtime",
    "ecr.api",
    "ecr.dkr",
    "logs",
    "monitoring",
    "sts",
    "kms",
    "secretsmanager",
)
_HTTPS = 443
_PREFIXES = {"monitoring": "cloudwatch"}
"""What a service is called in policies, where that is not how its address begins."""


@dataclass(frozen=True)
class Place:
    """Where a network is to be, and who uses it."""

    region: Output[str]
    partition: Output[str]
    named: str | None
    """The region as the program knows it."""
    account: Output[str]
    bucket: Input[str]
    """The artifact store, which may be another account's."""


@dataclass(frozen=True)
class Network:
    """Where workloads run."""

    subnets: list[Any]
    security_groups: list[Any]
    native: dict[str, pulumi.Resource]
    vpc: Input[str] | None = None
    """Its id, where the library made it."""


_CHINA = {
    "sagemaker.api",
    "sagemaker.runtime",
    "sagemaker.featurestore-runtime",
    "ecr.api",
    "ecr.dkr",
    "monitoring",
    "sts",
}
"""The services whose endpoints in the China regions begin with ``cn.com.amazonaws``; the others begin as elsewhere."""
Services = Mapping[str, tuple[str, frozenset[str]]]


def usable(zones: Sequence[str], services: Services) -> list[str]:
    """Put the zones first that have every service, and leave out those that have none of some."""
    needed = [where for service, (_, where) in services.items() if service in SERVICES]
    return [zone for zone in zones if all(zone in where for where in needed)]


def zone_problems(spec: PrivateNetwork, region: str, zones: Sequence[str], services: Services) -> Iterator[Problem]:
    """Judge the zones of a network, where the cloud could be asked."""
    if absent := [service for service in SERVICES if services and service not in services]:
        yield Problem(
            "network.private",
            f"{region} has no interface endpoint for {', '.join(absent)}; take another region, or network.existing",
        )
    for zone in spec.zone_names:
        if zones and zone not in zones:
            yield Problem(
                "network.private.zone_names", f"{zone!r} is no zone of {region}; write some of {', '.join(zones)}"
            )
    if alone := [
        service
        for service in SERVICES
        if spec.zone_names and service in services and not set(spec.zone_names) & services[service][1]
    ]:
        yield Problem(
            "network.private.zone_names",
            f"none has an interface endpoint for {', '.join(alone)}; add one of {', '.join(usable(zones, services))}",
        )
    good = usable(zones, services)
    if zones and not spec.zone_names and len(good) < spec.zones:
        yield Problem(
            "network.private.zones",
            f"{region} has {len(good)} zones with every service ({', '.join(good)}), and {spec.zones} are wanted; "
            "write fewer, or name them with zone_names",
        )


def _zones(scope: Scope, spec: PrivateNetwork, services: Services) -> Sequence[Input[str]]:
    if spec.zone_names:
        return spec.zone_names
    filters = [{"name": name, "values": [value]} for name, value in live.ZONES.items() if name != "state"]
    found = aws.get_availability_zones_output(
        state=live.ZONES["state"],
        filters=[aws.GetAvailabilityZonesFilterArgs(**one) for one in filters],  # type: ignore[arg-type]
        opts=scope.invoke,
    )
    names = found.names.apply(lambda names: usable(names, services))
    return [names[index] for index in range(spec.zones)]


def _service(service: str, services: Services, partition: Output[str], region: Output[str]) -> Input[str]:
    """Return the whole name of a service, as the region says it, or as it is usual."""
    if service in services:
        return services[service][0]
    prefix = partition.apply(lambda known: "cn." if known == "aws-cn" and service in _CHINA else "")
    return Output.format("{0}com.amazonaws.{1}.{2}", prefix, region, service)


def _where(
    service: str, services: Services, zones: Sequence[Input[str]], subnets: Sequence[Input[str]]
) -> list[Input[str]]:
    """Return the subnets for a service's endpoint: of zones that were named, those that have it."""
    there = services[service][1] if service in services else None
    return [
        subnet
        for zone, subnet in zip(zones, subnets, strict=True)
        if there is None or not isinstance(zone, str) or zone in there
    ]


def private(
    scope: Scope,
    spec: PrivateNetwork,
    place: Place,
    log_group_arn: Output[str],
    flow_role: Output[str],
) -> Network:
    """Make a VPC with one subnet a zone, gateway and interface endpoints, closed security groups and flow logs."""
    opts, tags = scope.opts, scope.tags
    region, partition = place.region, place.partition
    given = scope.provider or scope.component.get_provider("aws:index:any")
    services_here = live.service_names(given, place.named) if place.named else {}

    def named(part: str) -> dict[str, str]:
        return {**tags, "Name": scope.physical(part)}

    vpc = aws.ec2.Vpc(
        scope.child("vpc"),
        cidr_block=spec.cidr,
        enable_dns_support=True,
        enable_dns_hostnames=True,
        tags=named("vpc"),
        opts=opts,
    )
    aws.ec2.DefaultSecurityGroup(
        scope.child("closed"), vpc_id=vpc.id, ingress=[], egress=[], tags=named("closed"), opts=opts
    )
    routes = aws.ec2.RouteTable(scope.child("routes"), vpc_id=vpc.id, tags=named("routes"), opts=opts)
    zones = _zones(scope, spec, services_here)
    blocks = list(ip_network(spec.cidr).subnets(new_prefix=ip_network(spec.cidr).prefixlen + 2))
    subnets = []
    for index in range(len(zones)):
        subnet = aws.ec2.Subnet(
            scope.child(f"subnet-{index}"),
            vpc_id=vpc.id,
            cidr_block=str(blocks[index]),
            availability_zone=zones[index],
            tags=named(f"subnet-{index}"),
            opts=opts,
        )
        aws.ec2.RouteTableAssociation(
            scope.child(f"route-{index}"), subnet_id=subnet.id, route_table_id=routes.id, opts=opts
        )
        subnets.append(subnet)

    workloads = aws.ec2.SecurityGroup(
        scope.child("workloads"),
        name=scope.physical("workloads"),
        description="Workloads: out to the service endpoints only",
        vpc_id=vpc.id,
        tags=named("workloads"),
        opts=opts,
    )
    services = aws.ec2.SecurityGroup(
        scope.child("services"),
        name=scope.physical("services"),
        description="Service endpoints: in from workloads only",
        vpc_id=vpc.id,
        tags=named("services"),
        opts=opts,
    )
    s3 = aws.ec2.VpcEndpoint(
        scope.child("s3"),
        vpc_id=vpc.id,
        service_name=Output.format("com.amazonaws.{0}.s3", region),
        vpc_endpoint_type="Gateway",
        route_table_ids=[routes.id],
        policy=document(_to_s3(place)),
        tags=named("s3"),
        opts=opts,
    )
    web: dict[str, Any] = {"ip_protocol": "tcp", "from_port": _HTTPS, "to_port": _HTTPS}
    aws.vpc.SecurityGroupEgressRule(
        scope.child("to-services"),
        security_group_id=workloads.id,
        referenced_security_group_id=services.id,
        tags=tags,
        opts=opts,
        **web,
    )
    aws.vpc.SecurityGroupEgressRule(
        scope.child("to-s3"),
        security_group_id=workloads.id,
        prefix_list_id=s3.prefix_list_id,
        tags=tags,
        opts=opts,
        **web,
    )
    aws.vpc.SecurityGroupIngressRule(
        scope.child("from-workloads"),
        security_group_id=services.id,
        referenced_security_group_id=workloads.id,
        tags=tags,
        opts=opts,
        **web,
    )
    for service in SERVICES:
        aws.ec2.VpcEndpoint(
            scope.child(service.replace(".", "-")),
            vpc_id=vpc.id,
            service_name=_service(service, services_here, partition, region),
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=_where(service, services_here, zones, [subnet.id for subnet in subnets]),
            security_group_ids=[services.id],
            policy=document([_own_account(place, [f"{_PREFIXES.get(service, service.split('.')[0])}:*"])]),
            tags=named(service),
            opts=opts,
        )
    aws.ec2.FlowLog(
        scope.child("flow"),
        vpc_id=vpc.id,
        traffic_type="ALL",
        log_destination_type="cloud-watch-logs",
        log_destination=log_group_arn,
        iam_role_arn=flow_role,
        tags=named("flow"),
        opts=opts,
    )
    return Network(
        [subnet.id for subnet in subnets],
        [workloads.id],
        {"vpc": vpc, "workloads": workloads},
        vpc.id,
    )


def _own_account(place: Place, actions: list[str], resources: Any = "*", **further: Any) -> Statement:
    """Let those through who belong to this account; what each may do is said by its own rights."""
    ours = {"aws:PrincipalAccount": place.account, **further}
    return {**allow(actions, resources, {"StringEquals": ours}), "Principal": {"AWS": "*"}}


def _to_s3(place: Place) -> list[Statement]:
    """Read what the role may read; write to this account and to the artifact store only; fetch layers of images.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-minimum-s3-perms
    """
    store = [arn(f"arn:{{0}}:s3:::{{1}}{part}", place.partition, place.bucket) for part in ("", "/*")]
    layers = arn("arn:{0}:s3:::prod-{1}-starport-layer-bucket/*", place.partition, place.region)
    return [
        _own_account(place, ["s3:Get*", "s3:List*"]),
        _own_account(place, ["s3:*"], **{"aws:ResourceAccount": place.account}),
        _own_account(place, ["s3:*"], store),
        {**allow(["s3:GetObject"], layers), "Principal": {"AWS": "*"}},
    ]
