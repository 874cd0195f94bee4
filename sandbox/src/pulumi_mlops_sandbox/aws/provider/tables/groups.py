"""Security groups and their rules."""

from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Row
from pulumi_mlops_sandbox.aws.provider.tables.ec2 import TAGS, Ec2Kind
from pulumi_mlops_sandbox.provider.contract import AutoName, ProviderError, Values


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
        self.ask(
            f"revoke_security_group_{self.way}",
            scope,
            GroupId=scope["securityGroupId"],
            SecurityGroupRuleIds=[object_id],
        )


class EgressRuleKind(RuleKind):
    """One egress rule."""

    way = "egress"


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


RULE_IN = (
    "cidrIpv4",
    "cidrIpv6",
    "description",
    "fromPort",
    "ipProtocol",
    "prefixListId",
    "referencedSecurityGroupId",
    "toPort",
)
RULE_NAMES = {"securityGroupId": "GroupId", "referencedSecurityGroupId": "ReferencedGroupInfo.GroupId"}


def _security_rule(token: str, kind: type[RuleKind]) -> Row:
    return Row(
        resource=f"aws:vpc/{token}",
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
        resource="aws:ec2/securityGroup:SecurityGroup",
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
        resource="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
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
)
