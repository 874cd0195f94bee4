"""A network without a way to the internet: AWS's services are reached through endpoints inside it."""

from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Output

from pulumi_mlops.components.platform import PrivateNetwork
from pulumi_mlops.core.component import Scope

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


@dataclass(frozen=True)
class Network:
    """Where workloads run."""

    subnets: list[Any]
    security_groups: list[Any]
    native: dict[str, pulumi.Resource]


def private(
    scope: Scope, spec: PrivateNetwork, region: Output[str], log_group_arn: Output[str], flow_role: Output[str]
) -> Network:
    """Make a VPC with one subnet a zone, gateway and interface endpoints, closed security groups and flow logs."""
    opts, tags = scope.opts, scope.tags

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
    zones = aws.get_availability_zones_output(state="available", opts=scope.invoke)
    blocks = list(ip_network(spec.cidr).subnets(new_prefix=ip_network(spec.cidr).prefixlen + 2))
    subnets = []
    for index in range(spec.zones):
        zone = zones.names[index]
        subnet = aws.ec2.Subnet(
            scope.child(f"subnet-{index}"),
            vpc_id=vpc.id,
            cidr_block=str(blocks[index]),
            availability_zone=zone,
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
            service_name=Output.format("com.amazonaws.{0}.{1}", region, service),
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=[subnet.id for subnet in subnets],
            security_group_ids=[services.id],
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
    return Network([subnet.id for subnet in subnets], [workloads.id], {"vpc": vpc, "workloads": workloads})
