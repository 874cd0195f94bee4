"""What is paid for on Azure; AzureML asks nothing for a machine beyond the machine's own price."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from pulumi_mlops.policies.costs.meters.reading import count, number
from pulumi_mlops.policies.costs.spans import HOURS, Span
from pulumi_mlops.policies.costs.uses import Meter, Use, always, by_use, fixed, monthly, stored
from pulumi_mlops.policies.resources import Part, Resource, Stack
from pulumi_mlops.policies.rules import kinds

RUNS = "hours: those of all jobs of a month, by node"
STORED = "amount: gigabytes that are stored"
SENT = "amount: gigabytes a month"
SCALING = "azure-native:monitor:AutoscaleSetting"
MACHINE = ("azure-vm", "machine")
DAYS: Final = Span.of((HOURS / 24).quantize(Decimal("0.01")))


def _compute(compute: Resource, _: Stack) -> Iterator[Use]:
    """Read a compute: nodes that stand are paid for all the time, the others while jobs run on them."""
    kind, own = compute.get("properties.computeType"), compute.part("properties.properties")
    machine = str(own.get("vmSize", ""))
    if kind == "ComputeInstance":
        yield always(*MACHINE, sku=machine, assumed=("it is on all the time",))
    if kind != "AmlCompute":
        return
    component = "low-priority" if str(own.get("vmPriority", "")).lower() == "lowpriority" else "machine"
    least = number(own, "scaleSettings.minNodeCount")
    if least:
        yield always("azure-vm", component, sku=machine, part="standing", count=Span.of(least))
    if number(own, "scaleSettings.maxNodeCount") > least:
        yield by_use("azure-vm", component, "hour", RUNS, sku=machine, part="jobs")


def _deployment(deployment: Resource, stack: Stack) -> Iterator[Use]:
    if deployment.get("properties.endpointComputeType", "Managed") != "Managed":
        return  # on a cluster of Kubernetes, whose nodes are paid for
    first = number(deployment, "sku.capacity", 1)
    least, most = first, first
    own = deployment.part("properties.scaleSettings")
    if own.get("scaleType") == "TargetUtilization":
        least, most = number(own, "minInstances", first), number(own, "maxInstances", first)
    for setting in stack.whose((SCALING,), "targetResourceUri", deployment):
        for profile in setting.each("profiles"):
            least = min(least, number(profile, "capacity.minimum", least))
            most = max(most, number(profile, "capacity.maximum", most))
    assumed = ("it scales; expected is what it begins with",) if most != least else ()
    machine = str(deployment.get("properties.instanceType", ""))
    yield always(*MACHINE, sku=machine, count=Span(min(least, first), first, max(most, first)), assumed=assumed)


def _workspace(workspace: Resource, _: Stack) -> Iterator[Use]:
    """Read a workspace: it is free itself, and a firewall stands before it where only named places may be reached."""
    if workspace.get("managedNetwork.isolationMode") == "AllowOnlyApprovedOutbound":
        assumed = ("a firewall is there only if a rule names a host",)
        yield always("azure-firewall", "hour", count=Span.of(0, 1, 1), assumed=assumed)
    if workspace.get("kind") == "FeatureStore":
        needs = "hours: those of all materialisations of a month"
        yield by_use("azureml", "serverless-spark", "vcore-hour", needs)


def _tier(service: str, component: str, unit: str = "hour") -> Meter:
    """Read a kind that costs by its tier alone."""

    def meter(resource: Resource, _: Stack) -> Iterator[Use]:
        yield Use(service, component, unit, sku=_sku(resource))

    return meter


def _sku(resource: Part) -> str:
    return str(resource.get("sku.name", ""))


def _registry(registry: Resource, _: Stack) -> Iterator[Use]:
    yield from _images(_sku(registry))


def _images(sku: str, part: str = "") -> Iterator[Use]:
    yield monthly("container-registry", "registry", "day", DAYS, sku=sku, part=part)
    needs = "amount: gigabytes beyond what the tier includes"
    yield by_use("container-registry", "storage", "gb-month", needs, part=part)


def _storage(account: Resource, _: Stack) -> Iterator[Use]:
    """Read an account; one with folders is billed by other meters."""
    folders = " hierarchical" if account.get("isHnsEnabled") else ""
    yield from _files(f"{_sku(account)} {account.get('accessTier', 'Hot')}{folders}")


def _files(sku: str, part: str = "") -> Iterator[Use]:
    yield by_use("storage", "storage", "gb-month", STORED, sku=sku, part=part)
    for kind in ("writes", "reads"):
        yield by_use("storage", kind, "million-requests", f"amount: millions of {kind} a month", sku=sku, part=part)


def _shared(registry: Resource, _: Stack) -> Iterator[Use]:
    """Read a registry of models; Azure makes a registry of images and an account in each of its regions for it."""
    for region in registry.each("regionDetails"):
        place = str(region.get("location", ""))
        for each in region.each("acrDetails"):
            yield from _images(str(each.get("systemCreatedAcrAccount.acrAccountSku", "Premium")), place)
        for each in region.each("storageAccountDetails"):
            kind = each.get("systemCreatedStorageAccount.storageAccountType", "Standard_LRS")
            folders = " hierarchical" if each.get("systemCreatedStorageAccount.storageAccountHnsEnabled") else ""
            yield from _files(f"{kind} Hot{folders}", place)


def _template(deployment: Resource, _: Stack) -> Iterator[Use]:
    """Read a template; an endpoint is free by itself, and what else one makes is not known here."""
    made = {str(each.get("type", "")) for each in deployment.each("properties.template.resources")}
    if made != {"Microsoft.MachineLearningServices/workspaces/onlineEndpoints"}:
        raise LookupError(f"a template makes {', '.join(sorted(made))}")
    yield from ()


def _insights(component: Resource, _: Stack) -> Iterator[Use]:
    """Read what applications send, unless a workspace keeps it, which is what is paid for then."""
    if component.get("ingestionMode") == "LogAnalytics" or component.depends.get("workspaceResourceId"):
        return
    if not component.get("workspaceResourceId"):
        yield by_use("log-analytics", "data", "gb", SENT)


def _schedule(schedule: Resource, stack: Stack) -> Iterator[Use]:
    """Read a schedule; where the stack has computes, its jobs are taken to run on them."""
    if schedule.get("properties.action.actionType") != "CreateJob" or not stack.all(kinds.COMPUTE):
        yield by_use("azureml", "runs", "run", "amount: runs a month whose machines are of no compute")


def _alert(alert: Resource, _: Stack) -> Iterator[Use]:
    """Read an alert; it is paid for by the series that it looks at, and what has dimensions may have more than one."""
    watched = len(alert.each("criteria.allOf")) or 1
    yield monthly("monitor", "alert", "alert-month", Span.of(watched))


def _redis(redis: Resource, _: Stack) -> Iterator[Use]:
    sku = redis.part("sku")
    size = f"{sku.get('name', '')} {sku.get('family', '')}{sku.get('capacity', '')}".strip()
    yield always("redis", "cache", sku=size, count=count(redis, "shardCount"))


def _managed_redis(redis: Resource, _: Stack) -> Iterator[Use]:
    yield always("redis", "managed", sku=_sku(redis))


def _postgres(server: Resource, _: Stack) -> Iterator[Use]:
    mode = str(server.get("highAvailability.mode", "Disabled"))
    copies = Span.of(1 if mode == "Disabled" else 2)
    yield always("postgres", "server", sku=_sku(server), count=copies)
    if size := server.get("storage.storageSizeGB"):
        yield stored("postgres", "storage", size, copies)


def _cluster(cluster: Resource, _: Stack) -> Iterator[Use]:
    yield always("aks", "cluster", sku=str(cluster.get("sku.tier", "Free")))
    for pool in cluster.each("agentPoolProfiles"):
        yield from _pool(pool, str(pool.get("name", "")))


def _agents(pool: Resource, _: Stack) -> Iterator[Use]:
    yield from _pool(pool, "")


def _pool(pool: Part, name: str) -> Iterator[Use]:
    first = number(pool, "count", 1)
    nodes = Span.of(first)
    if pool.get("enableAutoScaling"):
        least, most = number(pool, "minCount", first), number(pool, "maxCount", first)
        nodes = Span(least, min(max(first, least), most), most)
    component = "spot" if pool.get("scaleSetPriority") == "Spot" else "machine"
    yield always("azure-vm", component, sku=str(pool.get("vmSize", "")), part=name, count=nodes)


def _gateway(gateway: Resource, _: Stack) -> Iterator[Use]:
    yield always("nat-gateway", "hour", sku=_sku(gateway))
    yield by_use("nat-gateway", "data", "gb", SENT)


ML = kinds.AZURE_ML
EVENTS = fixed(by_use("event-grid", "operations", "million-requests", "amount: millions of events a month"))
ROWS: Final[dict[str, Meter]] = {
    kinds.WORKSPACE: _workspace,
    kinds.COMPUTE: _compute,
    kinds.DEPLOYMENT: _deployment,
    kinds.STORAGE: _storage,
    kinds.IMAGES: _registry,
    f"{ML}Registry": _shared,
    "azure-native:resources:Deployment": _template,
    kinds.POSTGRES: _postgres,
    "azure-native:redis:Redis": _redis,
    "azure-native:redisenterprise:RedisEnterprise": _managed_redis,
    kinds.VAULT: fixed(by_use("key-vault", "operations", "million-requests", "amount: millions of operations a month")),
    "azure-native:keyvault:Key": fixed(by_use("key-vault", "key", "key-month", "amount: keys that are billed")),
    "azure-native:operationalinsights:Workspace": fixed(by_use("log-analytics", "data", "gb", SENT)),
    "azure-native:applicationinsights:Component": _insights,
    "azure-native:monitor:MetricAlert": _alert,
    "azure-native:monitor:ScheduledQueryRule": fixed(monthly("monitor", "query-alert", "alert-month")),
    "azure-native:eventgrid:Topic": EVENTS,
    "azure-native:eventgrid:SystemTopic": EVENTS,
    "azure-native:logic:Workflow": fixed(by_use("logic-apps", "actions", "thousand", "amount: thousands a month")),
    f"{ML}Schedule": _schedule,
    "azure-native:network:PrivateEndpoint": fixed(
        always("private-endpoint", "hour"), by_use("private-endpoint", "data", "gb", SENT)
    ),
    "azure-native:network:NatGateway": _gateway,
    "azure-native:network:PublicIPAddress": _tier("public-address", "hour"),
    "azure-native:network:LoadBalancer": _tier("load-balancer", "hour"),
    "azure-native:network:ApplicationGateway": _tier("application-gateway", "hour"),
    "azure-native:privatedns:PrivateZone": fixed(monthly("private-dns", "zone", "zone-month")),
    "azure-native:containerservice:ManagedCluster": _cluster,
    "azure-native:containerservice:AgentPool": _agents,
}
