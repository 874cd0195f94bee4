"""How the clouds publish what the tables have: by which names a price is found, and how often it is in one of ours."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

THOUSAND: Final = Decimal(1000)
MILLION: Final = THOUSAND * THOUSAND
PLAIN: Final = "standard"


@dataclass(frozen=True)
class Offered:
    """A row of a file of AWS: the product family, how the type of usage ends, and other columns that have to be so."""

    code: str
    service: str
    component: str
    unit: str
    family: str
    usage: str
    times: Decimal = Decimal(1)
    sku: str = ""
    where: Mapping[str, str] = field(default_factory=dict)

    def means(self, row: Mapping[str, str]) -> bool:
        """Say whether a row is of it."""
        return (
            row.get("productfamily") == self.family
            and re.search(rf"(?:^|-){self.usage}$", row.get("usagetype", "")) is not None
            and all(row.get(column) == value for column, value in self.where.items())
        )


@dataclass(frozen=True)
class Retailed:
    """An item of Azure's retail prices: patterns of its product, its size and its meter, and its unit."""

    name: str
    service: str
    component: str
    unit: str
    product: str
    meter: str
    of: str
    """The unit by which Azure counts."""
    times: Decimal = Decimal(1)
    size: str = ".*"
    sku: str = ""
    """How our tables call the size, with the groups of the three patterns in it."""
    place: str = ""
    """What stands for the region where a price is that of all of them."""

    def called(self, item: Mapping[str, Any]) -> str | None:
        """Call the size of an item as our tables do; None of one that is none of these."""
        if item.get("unitOfMeasure") != self.of:
            return None
        groups: dict[str, str] = {}
        for pattern, key in ((self.product, "productName"), (self.size, "skuName"), (self.meter, "meterName")):
            found = re.fullmatch(pattern, str(item.get(key, "")))
            if found is None:
                return None
            groups |= {name: value or "" for name, value in found.groupdict().items()}
        return self.sku.format(**groups).replace(" Hierarchical Namespace", " hierarchical")


_QUEUES: Final = {PLAIN: "Standard", "fifo": "FIFO (first-in, first-out)"}
OFFERED: Final = (
    Offered("awskms", "kms", "key", "key-month", "Encryption Key", "KMS-Keys"),
    Offered("AmazonCloudWatch", "cloudwatch", "logs", "gb", "Data Payload", "DataProcessing-Bytes"),
    Offered("AmazonCloudWatch", "cloudwatch", "alarm", "alarm-month", "Alarm", "CW:AlarmMonitorUsage"),
    Offered(
        "AmazonCloudWatch", "cloudwatch", "dashboard", "dashboard-month", "Dashboard", "DashboardsUsageHour(?:-Basic)?"
    ),
    Offered("AWSSecretsManager", "secretsmanager", "secret", "secret-month", "Secret", ".*"),
    Offered("AmazonS3", "s3", "storage", "gb-month", "Storage", "TimedStorage-ByteHrs"),
    Offered("AmazonS3", "s3", "writes", "million-requests", "API Request", "Requests-Tier1", MILLION),
    Offered("AmazonS3", "s3", "reads", "million-requests", "API Request", "Requests-Tier2", MILLION),
    Offered("AmazonECR", "ecr", "storage", "gb-month", "EC2 Container Registry", "TimedStorage-ByteHrs"),
    *(
        Offered(
            "AWSQueueService",
            "sqs",
            "requests",
            "million-requests",
            "API Request",
            ".*",
            MILLION,
            kind,
            {"queuetype": published},
        )
        for kind, published in _QUEUES.items()
    ),
    Offered("AmazonSNS", "sns", "requests", "million-requests", "API Request", "Requests-Tier1", MILLION),
    Offered("AmazonVPC", "vpc-endpoint", "interface", "hour", "VpcEndpoint", "VpcEndpoint-Hours"),
    Offered("AmazonVPC", "vpc-endpoint", "data", "gb", "VpcEndpoint", "VpcEndpoint-Bytes"),
    Offered("AmazonEC2", "nat-gateway", "hour", "hour", "NAT Gateway", "NatGateway-Hours"),
    Offered("AmazonEC2", "nat-gateway", "data", "gb", "NAT Gateway", "NatGateway-Bytes"),
    Offered("AmazonEKS", "eks", "cluster", "hour", "Compute", "AmazonEKS-Hours:perCluster"),
    *(
        Offered("AWSELB", "load-balancer", component, unit, f"Load Balancer-{kind.title()}", usage, sku=kind)
        for kind in ("application", "network")
        for component, unit, usage in (
            ("hour", "hour", "LoadBalancerUsage"),
            ("capacity", "unit-hour", "LCUUsage"),
        )
    ),
    Offered("AWSLambda", "lambda", "duration", "gb-second", "Serverless", "Lambda-GB-Second"),
    Offered(
        "AmazonStates", "stepfunctions", "transitions", "thousand", "AWS Step Functions", "StateTransition", THOUSAND
    ),
)

_BLOBS: Final = "(?:Blob Storage|General Block Blob v2)(?P<folders> Hierarchical Namespace)?"
_TIERED: Final = "(?P<tier>Hot|Cool) (?P<copies>[A-Z-]+)"
_REGISTRY: Final = "Container Registry"
_LINK: Final = "Virtual Network Private Link"
RETAILED: Final = (
    Retailed(
        _REGISTRY,
        "container-registry",
        "registry",
        "day",
        _REGISTRY,
        "(?P<tier>Basic|Standard|Premium) Registry Unit",
        "1/Day",
        sku="{tier}",
    ),
    Retailed(_REGISTRY, "container-registry", "storage", "gb-month", _REGISTRY, "Data Stored", "1 GB/Month"),
    Retailed(
        "Log Analytics",
        "log-analytics",
        "data",
        "gb",
        "Log Analytics",
        "(?:Pay-as-you-go|Analytics Logs) Data Ingestion",
        "1 GB",
    ),
    *(
        Retailed(
            "Storage",
            "storage",
            component,
            unit,
            _BLOBS,
            meter,
            of,
            times,
            _TIERED,
            "Standard_{copies} {tier}{folders}",
        )
        for component, unit, meter, of, times in (
            ("storage", "gb-month", "(?:Hot|Cool) [A-Z-]+ Data Stored", "1 GB/Month", Decimal(1)),
            ("writes", "million-requests", "(?:Hot|Cool)(?: [A-Z-]+)? Write Operations", "10K", MILLION / 10_000),
            ("reads", "million-requests", "(?:Hot|Cool)(?: [A-Z-]+)? Read Operations", "10K", MILLION / 10_000),
        )
    ),
    Retailed(
        "Event Grid",
        "event-grid",
        "operations",
        "million-requests",
        "Event Grid",
        "Standard Event Operations",
        "100K",
        MILLION / 100_000,
    ),
    Retailed(
        "Key Vault",
        "key-vault",
        "operations",
        "million-requests",
        "Key Vault",
        "Operations",
        "10K",
        MILLION / 10_000,
        "Standard",
    ),
    *(
        Retailed("Virtual Network", "private-endpoint", component, unit, _LINK, meter, of, place="Global")
        for component, unit, meter, of in (
            ("hour", "hour", "(?:Standard )?Private Endpoint", "1 Hour"),
            ("data", "gb", "(?:Standard )?Data Processed - Ingress", "1 GB"),
        )
    ),
    Retailed(
        *("Azure Firewall", "azure-firewall", "hour", "hour", "Azure Firewall", "Standard Deployment", "1 Hour"),
        size="Standard",
    ),
    Retailed(
        *("Logic Apps", "logic-apps", "actions", "thousand", "Logic Apps", "Consumption Built-in Actions", "1"),
        times=THOUSAND,
        size="Consumption",
    ),
)
