"""VPC, subnets, routes, endpoints, flow logs."""

from typing import Any

from botocore.exceptions import ClientError

from pulumi_mlops_sandbox.aws.provider import failures
from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Row
from pulumi_mlops_sandbox.aws.provider.tables.ec2 import TAGS, Ec2Kind, unlisted
from pulumi_mlops_sandbox.provider.contract import Missing, ProviderError, Values


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
            except ClientError as error:
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
        """Say that an endpoint is gone which AWS still lists for a while."""
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
            if failure.get("Code") not in self.row.absent:
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


VPC_IDS = {"VpcIds": ["{id}"]}
ROWS = (
    Row(
        resource="aws:ec2/vpc:Vpc",
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
        refused=unlisted(
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
        resource="aws:ec2/subnet:Subnet",
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
        refused=unlisted(
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
        resource="aws:ec2/routeTable:RouteTable",
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
        refused=unlisted("propagatingVgws"),
        kind=RouteTableKind,
    ),
    Row(
        resource="aws:ec2/routeTableAssociation:RouteTableAssociation",
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
        resource="aws:ec2/vpcEndpoint:VpcEndpoint",
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
        refused=unlisted(
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
        resource="aws:ec2/flowLog:FlowLog",
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
        refused=unlisted(
            "destinationOptions",
            "regionalNatGatewayId",
            "tagFieldSpecifications",
            "transitGatewayAttachmentId",
            "transitGatewayId",
        ),
        kind=FlowLogKind,
    ),
)
