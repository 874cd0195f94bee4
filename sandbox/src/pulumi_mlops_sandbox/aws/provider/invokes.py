"""Data sources."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pulumi_mlops_sandbox.aws.provider import failures
from pulumi_mlops_sandbox.aws.provider.session import Session
from pulumi_mlops_sandbox.provider.check import nearest
from pulumi_mlops_sandbox.provider.contract import ProviderError, Values

Function = Callable[[Session, Values], Values]


def _call(session: Session, service: str, operation: str, region: Any = None, **members: Any) -> Any:
    return failures.patiently(getattr(session.client(service, str(region or "")), operation), (), **members)


def _tags(pairs: list[dict[str, str]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    return {item[key]: item[value] for item in pairs or []}


def _filters(arguments: Values, **named: str) -> list[Values]:
    """Turn ids, tags and filters of a data source into EC2's filters."""
    found = [
        {
            "Name": member,
            "Values": [str(arguments[name]).lower() if isinstance(arguments[name], bool) else arguments[name]],
        }
        for name, member in named.items()
        if name in arguments
    ]
    found += [{"Name": f"tag:{key}", "Values": [item]} for key, item in (arguments.get("tags") or {}).items()]
    return found + [{"Name": item["name"], "Values": item["values"]} for item in arguments.get("filters") or []]


def _one(found: list[Any], what: str) -> Any:
    if len(found) != 1:
        raise ProviderError(f"{what}: {'nothing' if not found else f'{len(found)} objects'} found, one is needed")
    return found[0]


def _caller(session: Session, _: Values) -> Values:
    found = _call(session, "sts", "get_caller_identity")
    return {"accountId": found["Account"], "arn": found["Arn"], "userId": found["UserId"], "id": found["Account"]}


def _region(session: Session, arguments: Values) -> Values:
    name = arguments.get("region") or arguments.get("name") or session.region
    return {"id": name, "name": name, "region": name, "endpoint": f"ec2.{name}.amazonaws.com", "description": name}


def _partition(session: Session, _: Values) -> Values:
    suffix = "amazonaws.com.cn" if session.partition == "aws-cn" else "amazonaws.com"
    return {
        "id": session.partition,
        "partition": session.partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


def _zones(session: Session, arguments: Values) -> Values:
    found = _call(
        session,
        "ec2",
        "describe_availability_zones",
        arguments.get("region"),
        Filters=_filters(arguments, state="state"),
    )
    zones = [
        item
        for item in found["AvailabilityZones"]
        if item["ZoneName"] not in (arguments.get("excludeNames") or [])
        and item.get("ZoneId") not in (arguments.get("excludeZoneIds") or [])
    ]
    region = arguments.get("region") or session.region
    return {
        "id": region,
        "region": region,
        "names": sorted(item["ZoneName"] for item in zones),
        "zoneIds": [item.get("ZoneId", "") for item in zones],
        "groupNames": [region],
    }


def _bucket(session: Session, arguments: Values) -> Values:
    name, region = arguments["bucket"], arguments.get("region")
    head = _call(session, "s3", "head_bucket", region, Bucket=name)
    where = head.get("BucketRegion") or region or session.region
    return {
        "id": name,
        "bucket": name,
        "arn": f"arn:{session.partition}:s3:::{name}",
        "bucketRegion": where,
        "region": where,
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}.s3.{where}.amazonaws.com",
    }


def _key(session: Session, arguments: Values) -> Values:
    found = _call(session, "kms", "describe_key", arguments.get("region"), KeyId=arguments["keyId"])["KeyMetadata"]
    return {
        "id": found["KeyId"],
        "keyId": arguments["keyId"],
        "arn": found["Arn"],
        "awsAccountId": found.get("AWSAccountId"),
        "description": found.get("Description"),
        "enabled": found.get("Enabled"),
        "keyUsage": found.get("KeyUsage"),
        "keyState": found.get("KeyState"),
        "keySpec": found.get("KeySpec"),
        "multiRegion": found.get("MultiRegion"),
        "origin": found.get("Origin"),
        "keyManager": found.get("KeyManager"),
    }


def _vpc(session: Session, arguments: Values) -> Values:
    filters = _filters(
        arguments, cidrBlock="cidr", default="is-default", state="state", dhcpOptionsId="dhcp-options-id"
    )
    ids = {"VpcIds": [arguments["id"]]} if "id" in arguments else {}
    item = _one(
        _call(
            session, "ec2", "describe_vpcs", arguments.get("region"), **ids, **({"Filters": filters} if filters else {})
        )["Vpcs"],
        "getVpc",
    )
    support = {
        name: _call(
            session, "ec2", "describe_vpc_attribute", arguments.get("region"), VpcId=item["VpcId"], Attribute=name
        )[name[0].upper() + name[1:]]["Value"]
        for name in ("enableDnsSupport", "enableDnsHostnames")
    }
    main = [{"Name": "vpc-id", "Values": [item["VpcId"]]}, {"Name": "association.main", "Values": ["true"]}]
    tables = _call(session, "ec2", "describe_route_tables", arguments.get("region"), Filters=main)["RouteTables"]
    return {
        "id": item["VpcId"],
        "arn": f"arn:{session.partition}:ec2:{session.region}:{item.get('OwnerId')}:vpc/{item['VpcId']}",
        "cidrBlock": item["CidrBlock"],
        "default": item["IsDefault"],
        "dhcpOptionsId": item["DhcpOptionsId"],
        "instanceTenancy": item["InstanceTenancy"],
        "ownerId": item.get("OwnerId"),
        "mainRouteTableId": next((entry["RouteTableId"] for entry in tables), ""),
        "tags": _tags(item.get("Tags")),
        "state": item.get("State"),
        **support,
    }


def _subnets(session: Session, arguments: Values) -> Values:
    found = _call(session, "ec2", "describe_subnets", arguments.get("region"), Filters=_filters(arguments))["Subnets"]
    return {
        "id": arguments.get("region") or session.region,
        "ids": sorted(item["SubnetId"] for item in found),
        "tags": arguments.get("tags") or {},
        "filters": arguments.get("filters"),
    }


def _group(session: Session, arguments: Values) -> Values:
    filters = _filters(arguments, name="group-name", vpcId="vpc-id")
    ids = {"GroupIds": [arguments["id"]]} if "id" in arguments else {}
    found = _call(
        session,
        "ec2",
        "describe_security_groups",
        arguments.get("region"),
        **ids,
        **({"Filters": filters} if filters else {}),
    )["SecurityGroups"]
    item = _one(found, "getSecurityGroup")
    return {
        "id": item["GroupId"],
        "name": item["GroupName"],
        "description": item["Description"],
        "vpcId": item.get("VpcId"),
        "tags": _tags(item.get("Tags")),
        "arn": f"arn:{session.partition}:ec2:{session.region}:{item['OwnerId']}:security-group/{item['GroupId']}",
    }


def _repository(session: Session, arguments: Values) -> Values:
    name = arguments["name"]
    item = _call(session, "ecr", "describe_repositories", arguments.get("region"), repositoryNames=[name])[
        "repositories"
    ][0]
    tags = _call(session, "ecr", "list_tags_for_resource", arguments.get("region"), resourceArn=item["repositoryArn"])[
        "tags"
    ]
    return {
        "id": name,
        "name": name,
        "arn": item["repositoryArn"],
        "registryId": item["registryId"],
        "repositoryUrl": item["repositoryUri"],
        "imageTagMutability": item.get("imageTagMutability"),
        "tags": _tags(tags),
        "mostRecentImageTags": [],
    }


def _topic(session: Session, arguments: Values) -> Values:
    pages = session.client("sns", str(arguments.get("region") or "")).get_paginator("list_topics").paginate()
    arns = [
        item["TopicArn"]
        for page in pages
        for item in page["Topics"]
        if item["TopicArn"].rsplit(":", 1)[-1] == arguments["name"]
    ]
    arn = _one(arns, f"getTopic {arguments['name']}")
    tags = _call(session, "sns", "list_tags_for_resource", arguments.get("region"), ResourceArn=arn)["Tags"]
    return {"id": arn, "arn": arn, "name": arguments["name"], "tags": _tags(tags)}


def _role(session: Session, arguments: Values) -> Values:
    item = _call(session, "iam", "get_role", RoleName=arguments["name"])["Role"]
    document = item["AssumeRolePolicyDocument"]
    return {
        "id": item["RoleName"],
        "name": item["RoleName"],
        "arn": item["Arn"],
        "uniqueId": item["RoleId"],
        "path": item["Path"],
        "createDate": item["CreateDate"].isoformat(),
        "description": item.get("Description", ""),
        "maxSessionDuration": item.get("MaxSessionDuration", 3600),
        "assumeRolePolicy": json.dumps(document) if isinstance(document, dict) else document,
        "tags": _tags(item.get("Tags")),
        "permissionsBoundary": "",
    }


def _control(session: Session, arguments: Values) -> Values:
    found = _call(
        session,
        "cloudcontrol",
        "get_resource",
        arguments.get("region"),
        TypeName=arguments["typeName"],
        Identifier=arguments["identifier"],
    )
    return {**arguments, "id": arguments["identifier"], "properties": found["ResourceDescription"]["Properties"]}


FUNCTIONS: Mapping[str, Function] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getRegion:getRegion": _region,
    "aws:cloudcontrol/getResource:getResource": _control,
    "aws:ec2/getSecurityGroup:getSecurityGroup": _group,
    "aws:ec2/getSubnets:getSubnets": _subnets,
    "aws:ec2/getVpc:getVpc": _vpc,
    "aws:ecr/getRepository:getRepository": _repository,
    "aws:iam/getRole:getRole": _role,
    "aws:kms/getKey:getKey": _key,
    "aws:s3/getBucket:getBucket": _bucket,
    "aws:sns/getTopic:getTopic": _topic,
}


def answer(session: Session, token: str, arguments: Values) -> Values:
    """Answer a data source, or name the unknown one."""
    if token not in FUNCTIONS:
        raise ProviderError(f"the sandbox's table has no function {token!r}{nearest(token, sorted(FUNCTIONS))}")
    result = FUNCTIONS[token](session, arguments)
    result.setdefault("region", arguments.get("region") or session.region)
    return result
