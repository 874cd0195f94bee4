"""VPC, subnets, routes, security groups, endpoints, flow logs."""

from typing import Any

from pulumi_mlops.sandbox.aws.provider import failures
from pulumi_mlops.sandbox.aws.provider.kind import RowKind
from pulumi_mlops.sandbox.aws.provider.row import Call, Get, Part, Row, TagApi
from pulumi_mlops.sandbox.provider.contract import AutoName, Missing, ProviderError, Values

# EC2 returns tags with the object, and takes them at creation with the type of what is created.
TAGS = TagApi(
    ident="Resources",
    add="create_tags",
    remove="delete_tags",
    fetch="",
    keys="Tags",
    at_create="TagSpecifications",
    value="{id}",
    many=True,
    removes_pairs=True,
)
_ANYWHERE = {"0.0.0.0/0", "::/0"}


class Ec2Kind(RowKind):
    """What is common to EC2: typed tags at creation, wrapped booleans when modified."""

    tagged = ""
    """The type in a tag specification."""
    modify = ""
    """The call that sets one attribute."""
    modified: tuple[str, ...] = ()
    """The attributes that it sets."""

    def tag_members(self, inputs: Values) -> Values:
        """Send tags with the type of what is created."""
        wanted = self.all_tags(inputs)
        pairs = [{"Key": key, "Value": item} for key, item in wanted.items()]
        return {"TagSpecifications": [{"ResourceType": self.tagged, "Tags": pairs}]} if wanted else {}

    def created(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Set the attributes that the create call does not take."""
        for name in self.modified:
            if (
                inputs.get(name) is not None
                and inputs[name] != self.row.defaults.get(name, False)
                or name == "enableDnsHostnames"
                and inputs.get(name)
            ):
                self._set(object_id, name, inputs[name], scope)

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Set the attributes that changed."""
        for name in self.modified:
            if name in changed:
                self._set(object_id, name, news.get(name, False), scope)

    def _set(self, object_id: str, name: str, value: Any, scope: Values) -> None:
        shape = self.input_shape(self.modify, scope)
        member = next(item for item in shape.members if item.lower() == name.lower())
        wrapped = {"Value": value} if shape.members[member].type_name == "structure" else value
        ident = next(item for item in ("VpcId", "SubnetId") if item in shape.members)
        self.invoke(self.modify, scope, **{ident: object_id, member: wrapped})

    def arn(self, state: Values, what: str, object_id: str) -> str:
        """Make an ARN, which EC2 returns only for some types."""
        owner = state.get("ownerId") or self.session.account
        return f"arn:{self.session.partition}:ec2:{self.session.region}:{owner}:{what}/{object_id}"


class VpcKind(Ec2Kind):
    """A VPC, with what AWS makes along with it."""

    tagged, modify = "vpc", "modify_vpc_attribute"
    modified = ("enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics")

    def read(self, object_id: str, inputs: Values) -> Values:
        """Add the attributes and the default objects."""
        state = super().read(object_id, inputs)
        where: Values = {"region": inputs.get("region")}
        for name in self.modified:
            attribute = name
            try:
                found = self.invoke("describe_vpc_attribute", where, VpcId=object_id, Attribute=attribute)
            except failures.ClientError as error:
                if failures.matches(error, ("InvalidParameterValue", "InvalidRequest")):
                    continue
                raise
            state[name] = next((item["Value"] for key, item in found.items() if key.lower() == name.lower()), False)
        inside = [{"Name": "vpc-id", "Values": [object_id]}]
        groups = self.invoke(
            "describe_security_groups", where, Filters=[*inside, {"Name": "group-name", "Values": ["default"]}]
        )
        tables = self.invoke(
            "describe_route_tables", where, Filters=[*inside, {"Name": "association.main", "Values": ["true"]}]
        )
        lists = self.invoke("describe_network_acls", where, Filters=[*inside, {"Name": "default", "Values": ["true"]}])
        main = next((item["RouteTableId"] for item in tables["RouteTables"]), "")
        return {
            **state,
            "arn": self.arn(state, "vpc", object_id),
            "defaultSecurityGroupId": next((item["GroupId"] for item in groups["SecurityGroups"]), ""),
            "mainRouteTableId": main,
            "defaultRouteTableId": main,
            "defaultNetworkAclId": next((item["NetworkAclId"] for item in lists["NetworkAcls"]), ""),
        }


class SubnetKind(Ec2Kind):
    """A subnet."""

    tagged, modify = "subnet", "modify_subnet_attribute"
    modified = ("mapPublicIpOnLaunch",)


class RouteTableKind(Ec2Kind):
    """A route table, whose routes are calls of their own."""

    tagged = "route-table"
    targets = (
        "gatewayId",
        "natGatewayId",
        "vpcPeeringConnectionId",
        "transitGatewayId",
        "networkInterfaceId",
        "vpcEndpointId",
        "egressOnlyGatewayId",
    )

    def created(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Make the routes."""
        for route in inputs.get("routes") or []:
            self.invoke("create_route", scope, RouteTableId=object_id, **self._members(route))

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Make the routes that are new, delete those that are gone."""
        if "routes" not in changed:
            return
        before, after = ([self._members(item) for item in values.get("routes") or []] for values in (olds, news))
        for route in before:
            if route not in after:
                where = {key: item for key, item in route.items() if key.startswith("Destination")}
                self.invoke("delete_route", scope, RouteTableId=object_id, **where)
        for route in after:
            if route not in before:
                self.invoke("create_route", scope, RouteTableId=object_id, **route)

    def _members(self, route: Values) -> Values:
        names = {
            "cidrBlock": "DestinationCidrBlock",
            "ipv6CidrBlock": "DestinationIpv6CidrBlock",
            "destinationPrefixListId": "DestinationPrefixListId",
            "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
        }
        return {names.get(name, name[0].upper() + name[1:]): item for name, item in route.items() if item}

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Leave out the routes that AWS makes: the local one, and those of gateway endpoints."""
        data = self.invoke(
            "describe_route_tables", {"region": inputs.get("region")}, RouteTableIds=[state["routeTableId"]]
        )["RouteTables"][0]
        routes = []
        for item in data["Routes"]:
            if item.get("GatewayId", "").startswith(("local", "vpce-")) or item.get("Origin") == "CreateRouteTable":
                continue
            names = {
                "DestinationCidrBlock": "cidrBlock",
                "DestinationIpv6CidrBlock": "ipv6CidrBlock",
                "GatewayId": "gatewayId",
                "NatGatewayId": "natGatewayId",
                "VpcPeeringConnectionId": "vpcPeeringConnectionId",
                "NetworkInterfaceId": "networkInterfaceId",
            }
            routes.append({names[key]: value for key, value in item.items() if key in names})
        return {**state, "routes": routes or None, "arn": self.arn(state, "route-table", state["routeTableId"])}


class GroupKind(Ec2Kind):
    """A security group; rules given in it are exclusive, as in the real provider."""

    tagged = "security-group"

    def created(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Remove AWS's own egress rule, and set the rules given."""
        self._bring(object_id, "egress", inputs.get("egress") or [], scope)
        self._bring(object_id, "ingress", inputs.get("ingress") or [], scope)

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Set the rules that changed."""
        for way in ("egress", "ingress"):
            if way in changed:
                self._bring(object_id, way, news.get(way) or [], scope)

    def _bring(self, object_id: str, way: str, wanted: list[Values], scope: Values) -> None:
        group = self.invoke("describe_security_groups", scope, GroupIds=[object_id])["SecurityGroups"][0]
        present = [
            item
            for entry in group["IpPermissionsEgress" if way == "egress" else "IpPermissions"]
            for item in _single(entry)
        ]
        target = [item for rule in wanted for item in _single(_permission(rule, object_id))]
        gone = [item for item in present if _key(item) not in {_key(other) for other in target}]
        new = [item for item in target if _key(item) not in {_key(other) for other in present}]
        if gone:
            self.invoke(f"revoke_security_group_{way}", scope, GroupId=object_id, IpPermissions=gone)
        if new:
            self.invoke(f"authorize_security_group_{way}", scope, GroupId=object_id, IpPermissions=new)

    def read(self, object_id: str, inputs: Values) -> Values:
        """Read the rules, in the program's own grouping where they are the same."""
        state = super().read(object_id, inputs)
        group = self.invoke("describe_security_groups", {"region": inputs.get("region")}, GroupIds=[object_id])[
            "SecurityGroups"
        ][0]
        for way, member in (("egress", "IpPermissionsEgress"), ("ingress", "IpPermissions")):
            present = {_key(item): item for entry in group[member] for item in _single(entry)}
            asked = inputs.get(way)
            if asked is not None and {
                _key(item) for rule in asked for item in _single(_permission(rule, object_id))
            } == set(present):
                state[way] = asked
            elif asked is not None:
                state[way] = [_rule(item, object_id) for item in present.values()]
            else:
                state.pop(way, None)
        return {**state, "arn": self.arn(state, "security-group", object_id)}


class DefaultGroupKind(GroupKind):
    """The default group of a VPC: adopted, stripped of its rules, never deleted."""

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Adopt the group."""
        scope = self.scope("", inputs)
        filters = [{"Name": "group-name", "Values": ["default"]}]
        if inputs.get("vpcId"):
            filters.append({"Name": "vpc-id", "Values": [inputs["vpcId"]]})
        found = self.invoke("describe_security_groups", scope, Filters=filters)["SecurityGroups"]
        if not found:
            raise ProviderError(f"there is no default security group in {inputs.get('vpcId') or 'the default VPC'}")
        object_id = str(found[0]["GroupId"])
        with self.existing(object_id, inputs):
            self.created(object_id, inputs, scope)
            before = {item["Key"]: item["Value"] for item in found[0].get("Tags", [])}
            if before != self.all_tags(inputs):
                self.retag({**scope, "id": object_id}, before, self.all_tags(inputs))
            return object_id, self.spelled(self.read(object_id, inputs), inputs)

    def delete(self, object_id: str, inputs: Values, state: Values) -> None:
        """Leave the group: it goes with its VPC."""


class RuleKind(Ec2Kind):
    """One rule of a security group."""

    tagged = "security-group-rule"
    way = "ingress"

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Make the rule."""
        scope = self.scope("", inputs)
        result = self.invoke(
            f"authorize_security_group_{self.way}",
            scope,
            GroupId=inputs["securityGroupId"],
            IpPermissions=[self._wire(inputs)],
            **self.tag_members(inputs),
        )
        object_id = str(result["SecurityGroupRules"][0]["SecurityGroupRuleId"])
        with self.existing(object_id, inputs):
            return object_id, self.spelled(self.read(object_id, inputs), inputs)

    def _wire(self, inputs: Values) -> Values:
        description = {"Description": inputs["description"]} if inputs.get("description") else {}
        entry: Values = {"IpProtocol": str(inputs["ipProtocol"])}
        if inputs.get("fromPort") is not None:
            entry["FromPort"] = inputs["fromPort"]
        if inputs.get("toPort") is not None:
            entry["ToPort"] = inputs["toPort"]
        for name, outer, inner in (
            ("cidrIpv4", "IpRanges", "CidrIp"),
            ("cidrIpv6", "Ipv6Ranges", "CidrIpv6"),
            ("prefixListId", "PrefixListIds", "PrefixListId"),
            ("referencedSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ):
            if inputs.get(name):
                entry[outer] = [{inner: inputs[name], **description}]
        return entry

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Modify the rule."""
        if not changed - {"tags"}:
            return
        names = {
            "cidrIpv4": "CidrIpv4",
            "cidrIpv6": "CidrIpv6",
            "prefixListId": "PrefixListId",
            "referencedSecurityGroupId": "ReferencedGroupId",
            "description": "Description",
            "fromPort": "FromPort",
            "toPort": "ToPort",
            "ipProtocol": "IpProtocol",
        }
        rule = {member: news[name] for name, member in names.items() if news.get(name) is not None}
        self.invoke(
            "modify_security_group_rules",
            scope,
            GroupId=news["securityGroupId"],
            SecurityGroupRules=[{"SecurityGroupRuleId": object_id, "SecurityGroupRule": rule}],
        )

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Leave out ports where the protocol has none."""
        for name in ("fromPort", "toPort"):
            if state.get(name) == -1 and inputs.get(name) is None:
                state[name] = None
        return {**state, "arn": self.arn({}, "security-group-rule", str(state["securityGroupRuleId"]))}

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Revoke the rule by its id."""
        try:
            self.invoke(
                f"revoke_security_group_{self.way}",
                scope,
                GroupId=scope["securityGroupId"],
                SecurityGroupRuleIds=[object_id],
            )
        except failures.ClientError as error:
            if failures.matches(error, self.row.absent):
                raise Missing(str(error)) from error
            raise


class EgressRuleKind(RuleKind):
    """One egress rule."""

    way = "egress"


class EndpointKind(Ec2Kind):
    """A VPC endpoint: of a gateway, routes; of an interface, subnets and groups."""

    tagged = "vpc-endpoint"
    lists = (("routeTableIds", "RouteTableIds"), ("securityGroupIds", "SecurityGroupIds"), ("subnetIds", "SubnetIds"))

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Modify the endpoint: lists by what is added and what is removed."""
        members: Values = {}
        for name, member in self.lists:
            if name in changed:
                before, after = set(olds.get(name) or []), set(news.get(name) or [])
                members.update({f"Add{member}": sorted(after - before)} if after - before else {})
                members.update({f"Remove{member}": sorted(before - after)} if before - after else {})
        if "policy" in changed:
            members.update({"PolicyDocument": news["policy"]} if news.get("policy") else {"ResetPolicy": True})
        if "privateDnsEnabled" in changed:
            members["PrivateDnsEnabled"] = bool(news.get("privateDnsEnabled"))
        if members:
            self.invoke("modify_vpc_endpoint", scope, VpcEndpointId=object_id, **members)

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Add the ARN and the prefix list of a gateway."""
        groups = state.get("securityGroupIds")
        if groups and inputs.get("securityGroupIds") is None and state.get("vpcEndpointType") != "Interface":
            state["securityGroupIds"] = None
        if state.get("vpcEndpointType") == "Gateway":
            names = [{"Name": "prefix-list-name", "Values": [state["serviceName"]]}]
            lists = self.invoke("describe_prefix_lists", {"region": inputs.get("region")}, Filters=names)["PrefixLists"]
            state["prefixListId"] = next((item["PrefixListId"] for item in lists), None)
        return {**state, "arn": self.arn(state, "vpc-endpoint", state.pop("endpointId", ""))}

    def derived(self, object_id: str, scope: Values) -> Values:
        """Keep the id for :meth:`adjusted`."""
        return {"endpointId": object_id}

    def check_gone(self, found: Any) -> None:
        """An endpoint that is deleted stays in the list for a while."""
        if str(found.get("State", "")).lower() == "deleted":
            raise Missing("the endpoint is deleted")


class FlowLogKind(Ec2Kind):
    """A flow log of a VPC or a subnet."""

    tagged = "vpc-flow-log"

    def creating(self, inputs: Values, scope: Values) -> Values:
        """Say what is watched."""
        kinds = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}
        name = next((item for item in kinds if inputs.get(item)), None)
        if name is None:
            raise ProviderError("a flow log needs one of vpcId, subnetId, eniId")
        return {"ResourceIds": [inputs[name]], "ResourceType": kinds[name]}

    def call(self, call: Call, values: Values, scope: Values, extra: Values | None = None) -> Any:
        """Report what the batch call refused."""
        result = super().call(call, values, scope, extra)
        for entry in result.get("Unsuccessful") or []:
            failure = entry.get("Error", {})
            if not failures.matches(failures.ClientError({"Error": failure}, call.operation), self.row.absent):
                raise ProviderError(f"{failure.get('Code')}: {failure.get('Message')}")
        return result

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Say what is watched in the program's words."""
        watched = str(state.pop("eniId", None) or inputs.get("vpcId") or "")
        name = {"vpc-": "vpcId", "subn": "subnetId", "eni-": "eniId"}.get(watched[:4], "vpcId")
        return {**state, name: watched, "arn": self.arn({}, "vpc-flow-log", str(state.pop("flowLogId", "")))}

    def derived(self, object_id: str, scope: Values) -> Values:
        """Keep the id for :meth:`adjusted`."""
        return {"flowLogId": object_id}


def _single(entry: Values) -> list[Values]:
    """Split a permission into one for each peer."""
    base = {key: entry[key] for key in ("IpProtocol", "FromPort", "ToPort") if entry.get(key) is not None}
    kept = {
        "IpRanges": ("CidrIp", "Description"),
        "Ipv6Ranges": ("CidrIpv6", "Description"),
        "PrefixListIds": ("PrefixListId", "Description"),
        "UserIdGroupPairs": ("GroupId", "Description"),
    }
    return [
        {**base, name: [{key: peer[key] for key in keys if peer.get(key)}]}
        for name, keys in kept.items()
        for peer in entry.get(name) or []
    ]


def _key(entry: Values) -> str:
    every = entry["IpProtocol"] == "-1"
    return str(
        [
            entry["IpProtocol"],
            *(("",) if every else (entry.get("FromPort"), entry.get("ToPort"))),
            *sorted((key, str(sorted(item[0].items()))) for key, item in entry.items() if isinstance(item, list)),
        ]
    )


def _permission(rule: Values, own: str) -> Values:
    note = {"Description": rule["description"]} if rule.get("description") else {}
    groups = [*(rule.get("securityGroups") or []), *([own] if rule.get("self") else [])]
    ports = (
        {} if str(rule.get("protocol")) == "-1" else {"FromPort": rule.get("fromPort"), "ToPort": rule.get("toPort")}
    )
    return {
        "IpProtocol": str(rule["protocol"]),
        **ports,
        "IpRanges": [{"CidrIp": item, **note} for item in rule.get("cidrBlocks") or []],
        "Ipv6Ranges": [{"CidrIpv6": item, **note} for item in rule.get("ipv6CidrBlocks") or []],
        "PrefixListIds": [{"PrefixListId": item, **note} for item in rule.get("prefixListIds") or []],
        "UserIdGroupPairs": [{"GroupId": item, **note} for item in groups],
    }


def _rule(entry: Values, own: str) -> Values:
    rule: Values = {
        "protocol": entry["IpProtocol"],
        "fromPort": entry.get("FromPort", 0),
        "toPort": entry.get("ToPort", 0),
    }
    for outer, inner, name in (
        ("IpRanges", "CidrIp", "cidrBlocks"),
        ("Ipv6Ranges", "CidrIpv6", "ipv6CidrBlocks"),
        ("PrefixListIds", "PrefixListId", "prefixListIds"),
        ("UserIdGroupPairs", "GroupId", "securityGroups"),
    ):
        for peer in entry.get(outer, []):
            if inner == "GroupId" and peer[inner] == own:
                rule["self"] = True
            else:
                rule[name] = [peer[inner]]
            if peer.get("Description"):
                rule["description"] = peer["Description"]
    return rule


def _not(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "not in the table")


VPC_IDS = {"VpcIds": ["{id}"]}
RULE_IN = tuple(
    "cidrIpv4 cidrIpv6 description fromPort ipProtocol prefixListId referencedSecurityGroupId toPort".split()
)
RULE_NAMES = {"securityGroupId": "GroupId", "referencedSecurityGroupId": "ReferencedGroupInfo.GroupId"}


def _security_rule(token: str, kind: type[RuleKind]) -> Row:
    return Row(
        token=f"aws:vpc/{token}",
        service="ec2",
        id="{result}",
        create=Call(f"authorize_security_group_{kind.way}"),
        reads=(
            Get(
                "describe_security_group_rules",
                {"SecurityGroupRuleIds": ["{id}"]},
                at="SecurityGroupRules[0]",
                rename=RULE_NAMES,
            ),
        ),
        delete=None,
        absent=("InvalidSecurityGroupRuleId.NotFound", "InvalidGroup.NotFound", "InvalidPermission.NotFound"),
        tags=TAGS,
        replace=("securityGroupId",),
        local=RULE_IN,
        kind=kind,
    )


ROWS = (
    Row(
        token="aws:ec2/vpc:Vpc",
        service="ec2",
        id="{result[Vpc][VpcId]}",
        create=Call("create_vpc", only=("cidrBlock", "instanceTenancy")),
        reads=(
            Get(
                "describe_vpcs",
                VPC_IDS,
                at="Vpcs[0]",
                only=("cidrBlock", "dhcpOptionsId", "instanceTenancy", "ownerId", "tagsAll"),
            ),
        ),
        delete=Call("delete_vpc", {"VpcId": "{id}"}),
        absent=("InvalidVpcID.NotFound",),
        tags=TAGS,
        replace=("cidrBlock", "instanceTenancy"),
        local=VpcKind.modified,
        defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
        sticky=("enableDnsHostnames",),
        refused=_not(
            "assignGeneratedIpv6CidrBlock",
            "ipv4IpamPoolId",
            "ipv4NetmaskLength",
            "ipv6CidrBlock",
            "ipv6CidrBlockNetworkBorderGroup",
            "ipv6IpamPoolId",
            "ipv6NetmaskLength",
        ),
        kind=VpcKind,
    ),
    Row(
        token="aws:ec2/subnet:Subnet",
        service="ec2",
        id="{result[Subnet][SubnetId]}",
        create=Call("create_subnet", only=("vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId")),
        reads=(
            Get(
                "describe_subnets",
                {"SubnetIds": ["{id}"]},
                at="Subnets[0]",
                rename={"arn": "SubnetArn"},
                only=(
                    "arn",
                    "availabilityZone",
                    "availabilityZoneId",
                    "cidrBlock",
                    "mapPublicIpOnLaunch",
                    "ownerId",
                    "tagsAll",
                    "vpcId",
                ),
            ),
        ),
        delete=Call("delete_subnet", {"SubnetId": "{id}"}),
        absent=("InvalidSubnetID.NotFound",),
        tags=TAGS,
        replace=("vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId"),
        identity=("cidrBlock", "vpcId"),
        local=SubnetKind.modified,
        sticky=("availabilityZone", "availabilityZoneId"),
        defaults={"mapPublicIpOnLaunch": False},
        refused=_not(
            "assignIpv6AddressOnCreation",
            "customerOwnedIpv4Pool",
            "enableDns64",
            "enableLniAtDeviceIndex",
            "enableResourceNameDnsARecordOnLaunch",
            "enableResourceNameDnsAaaaRecordOnLaunch",
            "ipv4IpamPoolId",
            "ipv4NetmaskLength",
            "ipv6CidrBlock",
            "ipv6IpamPoolId",
            "ipv6Native",
            "ipv6NetmaskLength",
            "mapCustomerOwnedIpOnLaunch",
            "outpostArn",
            "privateDnsHostnameTypeOnLaunch",
        ),
        kind=SubnetKind,
    ),
    Row(
        token="aws:ec2/routeTable:RouteTable",
        service="ec2",
        id="{result[RouteTable][RouteTableId]}",
        create=Call("create_route_table", only=("vpcId",)),
        reads=(
            Get(
                "describe_route_tables",
                {"RouteTableIds": ["{id}"]},
                at="RouteTables[0]",
                only=("ownerId", "tagsAll", "vpcId"),
            ),
        ),
        outputs={"routeTableId": "{id}"},
        delete=Call("delete_route_table", {"RouteTableId": "{id}"}),
        absent=("InvalidRouteTableID.NotFound",),
        tags=TAGS,
        replace=("vpcId",),
        local=("routes",),
        sets=("routes",),
        sticky=("routes",),
        refused=_not("propagatingVgws"),
        kind=RouteTableKind,
    ),
    Row(
        token="aws:ec2/routeTableAssociation:RouteTableAssociation",
        service="ec2",
        id="{result[AssociationId]}",
        create=Call("associate_route_table", only=("routeTableId", "subnetId", "gatewayId")),
        reads=(
            Get(
                "describe_route_tables",
                {"Filters": [{"Name": "association.route-table-association-id", "Values": ["{id}"]}]},
                at="RouteTables[0].Associations",
                where={"RouteTableAssociationId": "{id}"},
                only=("routeTableId", "subnetId", "gatewayId"),
            ),
        ),
        delete=Call("disassociate_route_table", {"AssociationId": "{id}"}),
        absent=("InvalidAssociationID.NotFound", "InvalidRouteTableID.NotFound"),
        replace=("*",),
        identity=("subnetId",),
    ),
    Row(
        token="aws:ec2/securityGroup:SecurityGroup",
        service="ec2",
        id="{result[GroupId]}",
        name=AutoName(limit=255),
        create=Call("create_security_group", rename={"name": "GroupName"}, only=("description", "name", "vpcId")),
        reads=(
            Get(
                "describe_security_groups",
                {"GroupIds": ["{id}"]},
                at="SecurityGroups[0]",
                rename={"name": "GroupName"},
                only=("description", "name", "ownerId", "tagsAll", "vpcId"),
            ),
        ),
        delete=Call("delete_security_group", {"GroupId": "{id}"}),
        absent=("InvalidGroup.NotFound", "InvalidGroupId.NotFound"),
        tags=TAGS,
        replace=("name", "namePrefix", "description", "vpcId"),
        identity=("name", "vpcId"),
        local=("egress", "ingress", "revokeRulesOnDelete"),
        sets=(
            "egress",
            "ingress",
            *(
                f"{way}.{name}"
                for way in ("egress", "ingress")
                for name in ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups")
            ),
        ),
        sticky=("egress", "ingress", "vpcId"),
        defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
        retry=("DependencyViolation",),
        kind=GroupKind,
    ),
    Row(
        token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        service="ec2",
        id="{result}",
        create=Call("create_security_group"),
        reads=(
            Get(
                "describe_security_groups",
                {"GroupIds": ["{id}"]},
                at="SecurityGroups[0]",
                rename={"name": "GroupName"},
                only=("description", "name", "ownerId", "tagsAll", "vpcId"),
            ),
        ),
        delete=None,
        absent=("InvalidGroup.NotFound", "InvalidGroupId.NotFound"),
        tags=TAGS,
        replace=("vpcId",),
        identity=("vpcId",),
        local=("egress", "ingress", "revokeRulesOnDelete"),
        sets=("egress", "ingress"),
        sticky=("vpcId",),
        defaults={"revokeRulesOnDelete": False},
        kind=DefaultGroupKind,
    ),
    _security_rule("securityGroupIngressRule:SecurityGroupIngressRule", RuleKind),
    _security_rule("securityGroupEgressRule:SecurityGroupEgressRule", EgressRuleKind),
    Row(
        token="aws:ec2/vpcEndpoint:VpcEndpoint",
        service="ec2",
        id="{result[VpcEndpoint][VpcEndpointId]}",
        create=Call(
            "create_vpc_endpoint",
            rename={"policy": "PolicyDocument"},
            only=(
                "policy",
                "privateDnsEnabled",
                "routeTableIds",
                "securityGroupIds",
                "serviceName",
                "subnetIds",
                "vpcEndpointType",
                "vpcId",
            ),
        ),
        reads=(
            Get(
                "describe_vpc_endpoints",
                {"VpcEndpointIds": ["{id}"]},
                at="VpcEndpoints[0]",
                rename={"policy": "PolicyDocument", "securityGroupIds": "Groups", "dnsEntries": "DnsEntries"},
                only=(
                    "dnsEntries",
                    "networkInterfaceIds",
                    "ownerId",
                    "policy",
                    "privateDnsEnabled",
                    "requesterManaged",
                    "routeTableIds",
                    "serviceName",
                    "state",
                    "subnetIds",
                    "tagsAll",
                    "vpcEndpointType",
                    "vpcId",
                ),
            ),
        ),
        delete=Call("delete_vpc_endpoints", {"VpcEndpointIds": ["{id}"]}),
        absent=("InvalidVpcEndpointId.NotFound",),
        tags=TAGS,
        replace=("serviceName", "vpcEndpointType", "vpcId"),
        local=("policy", "privateDnsEnabled", "routeTableIds", "securityGroupIds", "subnetIds"),
        sets=("routeTableIds", "securityGroupIds", "subnetIds"),
        sticky=("policy", "privateDnsEnabled", "routeTableIds", "securityGroupIds", "subnetIds"),
        defaults={"vpcEndpointType": "Gateway"},
        refused=_not(
            "autoAccept",
            "dnsOptions",
            "ipAddressType",
            "resourceConfigurationArn",
            "serviceNetworkArn",
            "serviceRegion",
            "subnetConfigurations",
        ),
        wait_gone=True,
        kind=EndpointKind,
    ),
    Row(
        token="aws:ec2/flowLog:FlowLog",
        service="ec2",
        id="{result[FlowLogIds][0]}",
        create=Call(
            "create_flow_logs",
            rename={"iamRoleArn": "DeliverLogsPermissionArn"},
            only=(
                "deliverCrossAccountRole",
                "iamRoleArn",
                "logDestination",
                "logDestinationType",
                "logFormat",
                "maxAggregationInterval",
                "trafficType",
            ),
        ),
        reads=(
            Get(
                "describe_flow_logs",
                {"FlowLogIds": ["{id}"]},
                at="FlowLogs[0]",
                rename={"iamRoleArn": "DeliverLogsPermissionArn", "eniId": "ResourceId"},
                only=(
                    "eniId",
                    "iamRoleArn",
                    "logDestination",
                    "logDestinationType",
                    "logFormat",
                    "maxAggregationInterval",
                    "tagsAll",
                    "trafficType",
                ),
            ),
        ),
        delete=Call("delete_flow_logs", {"FlowLogIds": ["{id}"]}, only=()),
        absent=("InvalidFlowLogId.NotFound",),
        tags=TAGS,
        replace=("*",),
        local=("vpcId", "subnetId", "eniId"),
        sticky=("logFormat",),
        defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
        refused=_not(
            "destinationOptions",
            "regionalNatGatewayId",
            "tagFieldSpecifications",
            "transitGatewayAttachmentId",
            "transitGatewayId",
        ),
        kind=FlowLogKind,
    ),
)
