"""Who can reach what: nothing is open that need not be, and what runs cannot send data anywhere."""

from collections.abc import Iterable, Iterator

from pulumi_mlops.policies.model import Problem, Rule, across, on
from pulumi_mlops.policies.predicates import any_of, equals, is_set
from pulumi_mlops.policies.resources import Part, Resource, Stack
from pulumi_mlops.policies.rules import kinds
from pulumi_mlops.policies.settings import Settings

ANYWHERE = frozenset({"0.0.0.0/0", "::/0", "*", "Internet", "Any", "any"})
GROUP, DEFAULT_GROUP, FLOW = "aws:ec2:SecurityGroup", "aws:ec2:DefaultSecurityGroup", "aws:ec2:FlowLog"
OLD_RULE, IN_RULE, OUT_RULE = (
    "aws:ec2:SecurityGroupRule", "aws:vpc:SecurityGroupIngressRule", "aws:vpc:SecurityGroupEgressRule"
)  # fmt: skip
AZURE_GROUP, AZURE_RULE = "azure-native:network:NetworkSecurityGroup", "azure-native:network:SecurityRule"
SUBNET, DOOR = "azure-native:network:Subnet", "azure-native:network:PrivateEndpoint"
MANAGED = "AllowOnlyApprovedOutbound"


def _open(rule: Part) -> list[str]:
    keys = ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6")
    return [each for key in keys for each in rule.texts(key) if each in ANYWHERE]


def _inbound(resource: Resource, _: Settings) -> Iterator[Problem]:
    rules = resource.each("ingress") if resource.type == GROUP else [Part(resource.value)]
    if resource.type == OLD_RULE and resource.get("type") != "ingress":
        return
    for rule in rules:
        if _open(rule):
            yield Problem(rule.at("cidrBlocks"), "lets everybody in", "the network or the security group that may call")


def _outbound(resource: Resource, _: Settings) -> Iterator[Problem]:
    rules = resource.each("egress") if resource.type == GROUP else [Part(resource.value)]
    if resource.type == OLD_RULE and resource.get("type") != "egress":
        return
    for rule in rules:
        protocol = str(rule.get("protocol", rule.get("ipProtocol", "")))
        if _open(rule) and protocol in ("-1", "all"):
            yield Problem(rule.at("cidrBlocks"), "lets everything out", "the endpoints and ports that are called")


def _azure_inbound(resource: Resource, _: Settings) -> Iterator[Problem]:
    for rule in resource.each("securityRules") if resource.type == AZURE_GROUP else [Part(resource.value)]:
        sources = [*rule.texts("sourceAddressPrefix"), *rule.texts("sourceAddressPrefixes")]
        if rule.get("access") == "Allow" and rule.get("direction") == "Inbound" and ANYWHERE & set(sources):
            yield Problem(rule.at("sourceAddressPrefix"), "lets everybody in", "VirtualNetwork, or who may call")


def _policy_peers(resource: Resource, direction: str, key: str) -> Iterator[tuple[Part, list[Part]]]:
    for rule in resource.each(f"spec.{direction}"):
        yield rule, rule.each(key)


def _policy_inbound(resource: Resource, _: Settings) -> Iterator[Problem]:
    for _rule, peers in _policy_peers(resource, "ingress", "from"):
        for peer in peers:
            if peer.get("ipBlock.cidr") in ANYWHERE:
                yield Problem(peer.at("ipBlock.cidr"), "lets everybody in", "the namespaces and pods that may call")


def _policy_outbound(resource: Resource, _: Settings) -> Iterator[Problem]:
    for rule, peers in _policy_peers(resource, "egress", "to"):
        if not peers and not rule.get("ports"):
            yield Problem(rule.path, "lets everything out", "the namespaces, addresses and ports that are called")


def _machines_in_network(compute: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if compute.get("properties.properties.subnet.id"):
        return
    workspaces = stack.meant(compute, "workspaceName", (kinds.WORKSPACE,))
    if not any(each.get("managedNetwork.isolationMode") not in (None, "Disabled") for each in workspaces):
        said = "is not set, and the workspace has no network of its own"
        yield Problem("properties.properties.subnet.id", said, "subnet={'id': subnet.id}")


def _doors(closed: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if closed.get("publicNetworkAccess", closed.get("properties.publicNetworkAccess")) != "Disabled":
        return
    doors = stack.all(DOOR)
    reached_by_workspace = closed.type != kinds.WORKSPACE and not doors
    if not reached_by_workspace and not stack.mentioned(closed, doors, "privateLinkServiceConnections"):
        said = "is closed to the internet, and nothing else leads to it"
        yield Problem("publicNetworkAccess", said, "azure_native.network.PrivateEndpoint to it")


def _service_doors(model: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    networks = stack.all(kinds.VPC)
    if not model.get("vpcConfig") or not networks:
        return
    services = " ".join(str(each.get("serviceName", "")) for each in stack.all("aws:ec2:VpcEndpoint"))
    if ".s3" not in services:
        said = "is in a network from which no endpoint leads to S3"
        yield Problem("vpcConfig", said, "aws.ec2.VpcEndpoint for com.amazonaws.REGION.s3")


def _default_group(network: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    def closed(one: Resource) -> bool:
        return not one.get("ingress") and not one.get("egress")

    if not stack.has((DEFAULT_GROUP,), "vpcId", network, closed):
        yield Problem("defaultSecurityGroup", "is as AWS makes it", "aws.ec2.DefaultSecurityGroup without rules")


def _flow_logs(network: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if not stack.has((FLOW,), "vpcId", network):
        yield Problem("flowLogs", "are not kept", "aws.ec2.FlowLog for it")


def _default_deny(namespace: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    if not stack.has((kinds.NETWORK,), "metadata.namespace", namespace, lambda policy: _denies(policy, "Ingress")):
        said = "has no policy that denies what no other allows"
        yield Problem("metadata.name", said, "a NetworkPolicy with an empty podSelector and no rules")


def _denies(policy: Resource, direction: str) -> bool:
    selector = policy.get("spec.podSelector", {})
    kinds_of = policy.texts("spec.policyTypes", "Ingress")
    return not any(selector.values()) and direction in kinds_of and not policy.get(f"spec.{direction.lower()}")


def _service_cannot_call(service: Resource, stack: Stack, _: Settings) -> Iterator[Problem]:
    here = [each for each in stack.all(kinds.NETWORK) if each.namespace == service.namespace]
    if not any("Egress" in each.texts("spec.policyTypes") for each in here):
        yield Problem(
            "metadata.namespace", "has no policy for what goes out", "a NetworkPolicy with policyTypes Egress"
        )


def _internal(resource: Resource, _: Settings) -> Iterable[Problem]:
    kind = resource.get("spec.type", "ClusterIP")
    notes = resource.entries("metadata.annotations") if kind == "LoadBalancer" else {}
    internal = any("internal" in f"{key}={note.value}".lower() for key, note in notes.items())
    if kind == "NodePort" or (kind == "LoadBalancer" and not internal):
        yield Problem("spec.type", f"is {kind}", "spec.type=ClusterIP, and an Ingress or a route that knows who calls")


RULES = (
    Rule(
        "network.notebook-without-internet",
        "Machines of people have no way of their own to the internet",
        "high",
        "A notebook reads production's data, and runs what was installed a minute ago.",
        ("AWS Security Hub SageMaker.1", "checkov CKV_AWS_122", "NIST 800-53 SC-7"),
        (
            on(kinds.NOTEBOOK, equals("directInternetAccess", "Disabled")),
            on(
                kinds.COMPUTE,
                equals(
                    "properties.properties.enableNodePublicIp",
                    False,
                    when=lambda r: r.get("properties.computeType") in ("AmlCompute", "ComputeInstance"),
                ),
            ),
        ),
    ),
    Rule(
        "network.notebook-in-network",
        "Machines of people are in a network of one's own",
        "high",
        "Outside of one, no rule about networks holds for them.",
        ("AWS Security Hub SageMaker.2", "checkov CKV_AWS_306", "Azure Policy 7804b5c7"),
        (on(kinds.NOTEBOOK, is_set("subnetId", "subnet_id=subnet.id")), across(kinds.COMPUTE, _machines_in_network)),
    ),
    Rule(
        "network.workspace-private",
        "A workspace is not on the internet",
        "high",
        "Whoever gets hold of a session there can train, read and deploy.",
        ("AWS Config sagemaker-domain-in-vpc", "checkov CKV_AZURE_144", "Azure Policy 438c38d2"),
        (
            on(kinds.DOMAIN, equals("appNetworkAccessType", "VpcOnly")),
            on(kinds.WORKSPACE, equals("publicNetworkAccess", "Disabled")),
        ),
    ),
    Rule(
        "network.storage-private",
        "Storage, vaults and images answer to the network only",
        "high",
        "A leaked key or token is worth nothing from elsewhere.",
        ("Azure Policy 34c877ad", "checkov CKV_AZURE_59", "checkov CKV_AZURE_109"),
        (
            on(
                kinds.STORAGE,
                any_of(equals("publicNetworkAccess", "Disabled"), equals("networkRuleSet.defaultAction", "Deny")),
            ),
            on(
                kinds.VAULT,
                any_of(
                    equals("properties.publicNetworkAccess", "Disabled"),
                    equals("properties.networkAcls.defaultAction", "Deny"),
                ),
            ),
            on(
                kinds.IMAGES,
                any_of(equals("publicNetworkAccess", "Disabled"), equals("networkRuleSet.defaultAction", "Deny")),
            ),
        ),
    ),
    Rule(
        "network.private-way",
        "What is closed to the internet can be reached from the network",
        "medium",
        "Otherwise nothing works, and the next edit opens it again.",
        ("Azure Policy 45e05259", "checkov CKV_AZURE_243", "AWS Security Hub EC2.10"),
        (
            across(kinds.MODEL, _service_doors),
            across((kinds.WORKSPACE, kinds.STORAGE, kinds.VAULT, kinds.IMAGES), _doors),
        ),
    ),
    Rule(
        "network.endpoint-private",
        "A model is not served to the internet without a door",
        "high",
        "A model that anybody may ask can be copied by asking.",
        ("Azure Policy 438c38d2", "OWASP ML Top 10 ML05"),
        (
            on("aws:lambda:FunctionUrl", equals("authorizationType", "AWS_IAM")),
            on(kinds.ONLINE, equals("properties.publicNetworkAccess", "Disabled")),
            on("kubernetes:core:Service", _internal),
        ),
    ),
    Rule(
        "network.model-isolated",
        "A model cannot call the internet",
        "medium",
        "Its image and its files came from somewhere, and loading a file can run it.",
        ("AWS Security Hub SageMaker.5", "checkov CKV_AWS_370", "AWS Config sagemaker-model-in-vpc"),
        (
            on(kinds.MODEL, any_of(equals("enableNetworkIsolation", True), is_set("vpcConfig", "vpc_config={…}"))),
            on(kinds.DEPLOYMENT, equals("properties.egressPublicNetworkAccess", "Disabled")),
            across(kinds.SERVICE, _service_cannot_call),
        ),
    ),
    Rule(
        "network.jobs-isolated",
        "A monitoring job cannot call anything",
        "medium",
        "It reads what people sent to production, and needs nothing else.",
        ("AWS Security Hub SageMaker.11", "AWS Security Hub SageMaker.14", "AWS Security Hub SageMaker.20"),
        (on(kinds.JOBS, equals("networkConfig.enableNetworkIsolation", True)),),
    ),
    Rule(
        "network.default-deny",
        "What nobody allowed is denied",
        "medium",
        "New workloads come without rules, and must not come open.",
        ("CIS Kubernetes 1.11: 5.3.2", "AWS Security Hub EC2.2", "checkov CKV2_AZURE_31"),
        (
            across(kinds.VPC, _default_group),
            on(
                SUBNET,
                is_set(
                    "networkSecurityGroup",
                    "network_security_group={'id': group.id}",
                    when=lambda r: (
                        not r.texts("subnetName")[0:1] or not str(r.get("subnetName")).startswith(("Azure", "Gateway"))
                    ),
                ),
            ),
            across(kinds.NAMESPACE, _default_deny),
        ),
    ),
    Rule(
        "network.no-open-door",
        "No rule lets everybody in",
        "critical",
        "Everybody is a great many, and they come within minutes.",
        ("AWS Security Hub EC2.18", "CIS Azure 2.0: 6.1", "NIST 800-53 SC-7"),
        (
            on((GROUP, OLD_RULE, IN_RULE), _inbound),
            on((AZURE_GROUP, AZURE_RULE), _azure_inbound),
            on(kinds.NETWORK, _policy_inbound),
        ),
    ),
    Rule(
        "network.outbound-approved",
        "What goes out goes to who is named",
        "medium",
        "Data leaves by the way that nobody closed.",
        ("Azure Policy 6ddb1705", "NIST 800-53 SC-7", "AWS Well-Architected ML Lens: security"),
        (
            on((GROUP, OLD_RULE, OUT_RULE), _outbound),
            on(
                kinds.WORKSPACE,
                equals(
                    "managedNetwork.isolationMode",
                    MANAGED,
                    when=lambda r: r.get("kind") not in ("FeatureStore", "Hub", "Project"),
                ),
            ),
            on(kinds.NETWORK, _policy_outbound),
        ),
    ),
    Rule(
        "network.flows-logged",
        "Networks keep a log of their flows",
        "medium",
        "After a leak it is the only witness.",
        ("AWS Security Hub EC2.6", "CIS AWS 3.0: 3.7"),
        (across(kinds.VPC, _flow_logs),),
    ),
)
