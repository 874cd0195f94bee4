"""Prices that the clouds publish: what is taken of a file, what is left out, and how a refreshed table is used."""

import datetime as dt
import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from pulumi_mlops.cli import app
from pulumi_mlops.policies.costs import published, refresh
from pulumi_mlops.policies.costs.estimate import tables
from pulumi_mlops.policies.costs.prices import BadPrices, Wanted, refreshed, shipped
from pulumi_mlops.policies.costs.told import CostSettings

ABOUT = """\
"FormatVersion","v1.0"
"Disclaimer","Made up for tests."
"Publication Date","2026-11-20T08:00:00Z"
"Version","20261120080000"
"""
NAMES = '"SKU","TermType","Unit","PricePerUnit","Currency","Product Family"'
ML = f'{NAMES},"Region Code","usageType"\n'
EC2 = f'{NAMES},"Instance Type","Tenancy","Operating System","Pre Installed S/W","CapacityStatus","usageType"\n'


def ml(usage: str, price: str = "0.2500000000", **changed: str) -> str:
    row = {"term": "OnDemand", "unit": "Hrs", "family": "ML Instance", **changed}
    return f'"A","{row["term"]}","{row["unit"]}","{price}","USD","{row["family"]}","eu-west-1","{usage}"\n'


SAGEMAKER = "".join(
    (
        ABOUT,
        ML,
        ml("EU-Host:ml.m5.xlarge"),
        ml("EU-Train:ml.m5.xlarge", "0.26"),
        ml("Notebk:ml.t3.medium", "0.06"),
        ml("EU-Tsform:ml.m5.xlarge", "0.27"),
        ml("EU-Processing:ml.m5.xlarge", "0.28"),
        ml("EU-Host:ml.c5.xlarge", "0.0000000000"),
        ml("EU-Host:ml.c5.2xlarge", term="Reserved"),
        ml("EU-Host:ml.c5.4xlarge", unit="Quantity"),
        ml("EU-AsyncInf:ml.c5.xlarge"),
        ml("EU-Host:ml.g5.xlarge-extra"),
        ml("EU-Host:ml.g5.xlarge", family="ML Serverless"),
    )
)


def machine(**changed: str) -> str:
    row = {"type": "m5.xlarge", "tenancy": "Shared", "system": "Linux", "software": "NA", "status": "Used", **changed}
    cells = [row["type"], row["tenancy"], row["system"], row["software"], row["status"], "BoxUsage"]
    return ",".join(f'"{cell}"' for cell in ("A", "OnDemand", "Hrs", "0.214", "USD", "Compute Instance", *cells)) + "\n"


MACHINES = "".join(
    (
        ABOUT,
        EC2,
        machine(),
        machine(type="m5.large", tenancy="Dedicated"),
        machine(type="c5.large", system="Windows"),
        machine(type="c5.xlarge", software="SQL Std"),
        machine(type="c5.2xlarge", status="UnusedCapacityReservation"),
        '"A","OnDemand","Hrs","0.048","USD","NAT Gateway","","","","","","EU-NatGateway-Hours"\n',
        '"A","OnDemand","Hrs","0.050","USD","NAT Gateway","","","","","","EU-RegionalNatGateway-Hours"\n',
        '"A","OnDemand","GB","0.047","USD","NAT Gateway","","","","","","EU-NatGateway-Bytes"\n',
    )
)


def found(prices: list[Any]) -> dict[str, str]:
    return {f"{each.service} {each.component} {each.sku}".strip(): str(each.price) for each in prices}


def test_machines_of_sagemaker_are_taken_by_what_they_are_used_for() -> None:
    prices = refresh.offer(SAGEMAKER.splitlines(keepends=True), "sagemaker", "eu-west-1")
    assert found(prices) == {
        "sagemaker hosting ml.m5.xlarge": "0.2500000000",
        "sagemaker training ml.m5.xlarge": "0.26",
        "sagemaker notebook ml.t3.medium": "0.06",
        "sagemaker transform ml.m5.xlarge": "0.27",
        "sagemaker processing ml.m5.xlarge": "0.28",
    }
    assert {each.effective for each in prices} == {dt.date(2026, 11, 20)}
    assert {(each.region, each.unit, each.confidence) for each in prices} == {("eu-west-1", "hour", "list")}


def test_machines_of_ec2_are_plain_ones_with_linux() -> None:
    prices = refresh.offer(MACHINES.splitlines(keepends=True), "ec2", "eu-west-1")
    assert found(prices) == {
        "ec2 instance m5.xlarge": "0.214",
        "nat-gateway hour": "0.048",
        "nat-gateway data": "0.047",
    }


TIERED = '"SKU","TermType","StartingRange","Unit","PricePerUnit","Currency","Product Family","Queue Type","usageType"\n'
OFFERED = {
    "kms": [("Keys", "1.0", "Encryption Key", "", "eu-west-1-KMS-Keys", "0", "key-month", "1.0")],
    "cloudwatch": [
        ("GB", "0.57", "Data Payload", "", "EU-DataProcessing-Bytes", "0", "gb", "0.57"),
        ("Alarms", "0.1", "Alarm", "", "EU-CW:AlarmMonitorUsage", "0", "alarm-month", "0.1"),
        ("Dashboards", "3", "Dashboard", "", "DashboardsUsageHour-Basic", "0", "dashboard-month", "3"),
    ],
    "secretsmanager": [("Secrets", "0.4", "Secret", "", "EU-AWSSecretsManager-Secrets", "0", "secret-month", "0.4")],
    "s3": [
        ("GB-Mo", "0.023", "Storage", "", "EU-TimedStorage-ByteHrs", "0", "gb-month", "0.023"),
        ("GB-Mo", "0.022", "Storage", "", "EU-TimedStorage-ByteHrs", "51200", "", ""),
        ("GB-Mo", "0.0125", "Storage", "", "EU-TimedStorage-SIA-ByteHrs", "0", "", ""),
        ("Requests", "0.000005", "API Request", "", "EU-Requests-Tier1", "0", "million-requests", "5.000000"),
        ("Requests", "0.0000004", "API Request", "", "EU-Requests-Tier2", "0", "million-requests", "0.4000000"),
        ("Requests", "0.00001", "API Request", "", "EU-Requests-SIA-Tier1", "0", "", ""),
    ],
    "ecr": [("GB-Mo", "0.1", "EC2 Container Registry", "", "EU-TimedStorage-ByteHrs", "0", "gb-month", "0.1")],
    "sqs": [
        ("Requests", "0.0000004", "API Request", "Standard", "EU-Requests", "0", "million-requests", "0.4000000"),
        (
            *("Requests", "0.0000005", "API Request", "FIFO (first-in, first-out)", "EU-Requests-FIFO-Tier1"),
            *("0", "million-requests", "0.5000000"),
        ),
        ("Requests", "0.0000003", "API Request", "Standard", "EU-Requests", "100000000000", "", ""),
    ],
    "sns": [
        ("Requests", "0", "API Request", "", "EU-Requests-Tier1", "0", "", ""),
        ("Requests", "0.0000005", "API Request", "", "EU-Requests-Tier1", "1000000", "million-requests", "0.5000000"),
    ],
    "vpc-endpoint": [
        ("Hrs", "0.011", "VpcEndpoint", "", "EU-VpcEndpoint-Hours", "0", "hour", "0.011"),
        ("Hrs", "0.011", "VpcEndpoint", "", "EU-VpcEndpoint-GWLBE-Hours", "0", "", ""),
        ("GB", "0.006", "VpcEndpoint", "", "EU-VpcEndpoint-Bytes", "1048576", "", ""),
        ("GB", "0.01", "VpcEndpoint", "", "EU-VpcEndpoint-Bytes", "0", "gb", "0.01"),
    ],
    "eks": [("Hours", "0.1", "Compute", "", "EU-AmazonEKS-Hours:perCluster", "0", "hour", "0.1")],
    "load-balancer": [
        ("Hrs", "0.0252", "Load Balancer-Application", "", "EU-LoadBalancerUsage", "0", "hour", "0.0252"),
        ("LCU-Hrs", "0.008", "Load Balancer-Application", "", "EU-LCUUsage", "0", "unit-hour", "0.008"),
        ("Hrs", "0.0251", "Load Balancer-Network", "", "EU-LoadBalancerUsage", "0", "hour", "0.0251"),
        ("LCU-Hrs", "0.006", "Load Balancer-Network", "", "EU-LCUUsage", "0", "unit-hour", "0.006"),
    ],
    "lambda": [
        ("Lambda-GB-Second", "0.0000166667", "Serverless", "", "EU-Lambda-GB-Second", "0", "gb-second", "0.0000166667"),
        ("Lambda-GB-Second", "0.0000133334", "Serverless", "", "EU-Lambda-GB-Second-ARM", "0", "", ""),
    ],
    "stepfunctions": [
        ("StateTransitions", "0.000025", "AWS Step Functions", "", "EU-StateTransition", "0", "thousand", "0.025000")
    ],
}
"""Rows by service, as AWS publishes them, and the unit and the price that are to come of them."""


def offered(service: str) -> list[str]:
    made = [ABOUT, TIERED]
    for unit, price, family, queue, usage, first, *_ in OFFERED[service]:
        cells = ("A", "OnDemand", first, unit, price, "USD", family, queue, usage)
        made.append(",".join(f'"{cell}"' for cell in cells) + "\n")
    return "".join(made).splitlines(keepends=True)


@pytest.mark.parametrize("service", OFFERED)
def test_what_else_aws_publishes_is_taken_by_its_usage_at_its_first_price(service: str) -> None:
    prices = refresh.offer(offered(service), service, "eu-west-1")
    assert [(each.unit, str(each.price)) for each in prices] == [tuple(row[6:]) for row in OFFERED[service] if row[6]]
    assert {(each.service, each.region, each.confidence) for each in prices} == {(service, "eu-west-1", "list")}


def test_each_service_has_rows_as_it_is_published() -> None:
    assert set(refresh.SERVICES["aws"]) == {"sagemaker", "ec2", *OFFERED}
    assert set(refresh.SERVICES["azure"]) == {"azure-vm", *{service for service, *_ in RETAILED}}


def test_what_the_tables_have_can_be_refreshed_but_for_what_is_named() -> None:
    fetched = {(offer.service, offer.component) for offer in published.OFFERED}
    fetched |= {(meter.service, meter.component) for meter in published.RETAILED}
    fetched |= {("ec2", "instance"), ("azure-vm", "machine"), ("sagemaker", "hosting")}
    ours = {(each.service, each.component) for each in shipped()}
    assert {each for each in ours - fetched if each[0] != "sagemaker"} == {
        ("private-dns", "zone"),  # Azure has them for groups of regions
        ("monitor", "alert"),
    }


def item(sku: str, **changed: Any) -> dict[str, Any]:
    return {
        "currencyCode": "USD",
        "retailPrice": 0.347,
        "armRegionName": "westeurope",
        "effectiveStartDate": "2026-10-01T00:00:00Z",
        "productName": "Virtual Machines DSv2 Series",
        "skuName": "DS3 v2",
        "meterName": "DS3 v2",
        "armSkuName": sku,
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        **changed,
    }


ITEMS = [
    item("Standard_DS3_v2"),
    item("Standard_DS3_v2", retailPrice=0.3, effectiveStartDate="2025-01-01T00:00:00Z"),
    item("Standard_A", productName="Virtual Machines DSv2 Series Windows"),
    item("Standard_B", skuName="DS3 v2 Spot"),
    item("Standard_C", meterName="DS3 v2 Low Priority"),
    item("Standard_D", unitOfMeasure="1 Month"),
    item("Standard_E", armRegionName="eastus"),
    item("Standard_F", type="Reservation"),
    item("Standard_G", retailPrice=0.0),
    item(""),
]


RETAILED: list[tuple[str, str, str, str, str, float, str]] = [
    (
        "container-registry",
        "Container Registry",
        "Standard",
        "Standard Registry Unit",
        "1/Day",
        0.6666,
        "registry Standard",
    ),
    ("container-registry", "Container Registry", "Basic", "Data Stored", "1 GB/Month", 0.1, "storage"),
    ("container-registry", "Container Registry", "Basic", "Task vCPU Duration", "1 Second", 0.0001, ""),
    ("log-analytics", "Log Analytics", "Analytics Logs", "Analytics Logs Data Ingestion", "1 GB", 2.99, "data"),
    ("log-analytics", "Log Analytics", "Analytics Logs", "Analytics Logs Data Retention", "1 GB/Month", 0.13, ""),
    ("storage", "Blob Storage", "Hot LRS", "Hot LRS Data Stored", "1 GB/Month", 0.0196, "storage Standard_LRS Hot"),
    (
        *("storage", "General Block Blob v2 Hierarchical Namespace", "Hot ZRS", "Hot ZRS Data Stored"),
        *("1 GB/Month", 0.0245, "storage Standard_ZRS Hot hierarchical"),
    ),
    (
        "storage",
        "General Block Blob v2",
        "Hot ZRS",
        "Hot ZRS Write Operations",
        "10K",
        0.0675,
        "writes Standard_ZRS Hot",
    ),
    ("storage", "General Block Blob v2", "Hot ZRS", "Hot Read Operations", "10K", 0.0043, "reads Standard_ZRS Hot"),
    ("storage", "General Block Blob v2", "Hot ZRS", "Hot ZRS Iterative Write Operations", "100", 0.0675, ""),
    ("storage", "Files v2", "Hot LRS", "Hot LRS Data Stored", "1 GB/Month", 0.0287, ""),
    ("event-grid", "Event Grid", "Standard", "Standard Event Operations", "100K", 0.06, "operations"),
    ("key-vault", "Key Vault", "Standard", "Operations", "10K", 0.03, "operations"),
    ("key-vault", "Key Vault", "Premium", "Operations", "10K", 0.15, ""),
    (
        "private-endpoint",
        "Virtual Network Private Link",
        "Standard",
        "Standard Private Endpoint",
        "1 Hour",
        0.01,
        "hour",
    ),
    (
        *("private-endpoint", "Virtual Network Private Link", "Standard", "Standard Data Processed - Ingress"),
        *("1 GB", 0.01, "data"),
    ),
    ("private-endpoint", "IP Addresses", "Standard", "Standard IPv4 Static Public IP", "1 Hour", 0.005, ""),
    ("azure-firewall", "Azure Firewall", "Standard", "Standard Deployment", "1 Hour", 1.25, "hour"),
    ("logic-apps", "Logic Apps", "Consumption", "Consumption Built-in Actions", "1", 0.000025, "actions"),
    ("logic-apps", "Logic Apps", "Consumption", "Consumption Standard Connector Actions", "1", 0.000125, ""),
    ("azure-firewall", "Azure Firewall", "Premium", "Premium Deployment", "1 Hour", 1.75, ""),
]
"""Items by service, as Azure publishes them, and what they are in a table; nothing of those that are left out."""
EACH = {"10K": 100, "100K": 10, "1": 1000}


@pytest.mark.parametrize("service", sorted({service for service, *_ in RETAILED}))
def test_what_else_azure_publishes_is_taken_by_its_meter(service: str) -> None:
    rows = [row[1:] for row in RETAILED if row[0] == service]
    place = "Global" if service == "private-endpoint" else "westeurope"
    items = [
        item(
            "",
            armRegionName=place,
            productName=product,
            skuName=size,
            meterName=meter,
            unitOfMeasure=of,
            retailPrice=price,
        )
        for product, size, meter, of, price, _ in rows
    ]
    dearer_first = [{**each, "tierMinimumUnits": 5.0, "retailPrice": 0.001} for each in items]
    page = json.loads(json.dumps({"Items": [*items, *dearer_first]}), parse_float=Decimal)
    wanted = {f"{service} {said}": Decimal(str(price)) * EACH.get(of, 1) for *_, of, price, said in rows if said}
    prices = refresh.retail([page], service, "westeurope")
    assert {each.region for each in prices} == {"*" if place == "Global" else "westeurope"}
    assert {key: Decimal(price) for key, price in found(prices).items()} == wanted


def test_machines_of_azure_are_plain_ones_with_linux_at_the_newest_price() -> None:
    page = json.loads(json.dumps({"Items": ITEMS}), parse_float=Decimal)
    assert found(refresh.retail([page], "azure-vm", "westeurope")) == {"azure-vm machine Standard_DS3_v2": "0.347"}


@pytest.mark.parametrize(
    ("what", "written", "said"),
    [
        (("aws", "sagemaker"), "SKU,TermType\n", "no date of publication"),
        (("aws", "sagemaker"), ABOUT, "no names of columns"),
        (("aws", "sagemaker"), ABOUT + ML, "There is no price of sagemaker in eu-west-1"),
        (("azure", "azure-vm"), "{}", "it has no Items"),
        (("azure", "azure-vm"), '{"Items": []}', "There is no price of azure-vm"),
        (("azure", "sagemaker"), "{}", "is none of what azure has"),
        (("azure", "azure-vm"), "not JSON", "cannot be read"),
        (("aws", None), None, "cannot be read"),
    ],
)
def test_a_file_that_is_none_keeps_nothing(
    what: tuple[refresh.Provider, str | None], written: str | None, said: str, tmp_path: Path, prices: Path
) -> None:
    file = tmp_path / "fetched"
    if written is not None:
        file.write_text(written)
    with pytest.raises(BadPrices, match=said):
        refresh.refresh(what[0], "eu-west-1", what[1], file)
    assert list(prices.iterdir()) == []


def test_a_refreshed_table_wins_over_the_library_s_and_loses_to_yours(tmp_path: Path, prices: Path) -> None:
    fetched = tmp_path / "index.csv"
    fetched.write_text(SAGEMAKER.replace("eu-west-1", "us-east-1"))
    words = ["refresh-prices", "--provider", "aws", "--region", "us-east-1", "--file", str(fetched)]
    done = CliRunner().invoke(app, words)
    assert done.output.strip() == f"5 prices are in {prices / 'aws-sagemaker-us-east-1.csv'}"
    wanted = Wanted("aws", "sagemaker", "hosting", "ml.m5.xlarge", "us-east-1", "hour")
    price = tables(CostSettings(), tmp_path).find(wanted)
    assert price
    assert (price.price, price.origin, price.confidence) == (Decimal("0.25"), "refreshed", "list")
    (prices / "aws-sagemaker-us-east-1.csv").rename(tmp_path / "ours.csv")
    (prices / "other.csv").write_text((tmp_path / "ours.csv").read_text().replace(",0.25,", ",0.24,"))
    price = tables(CostSettings(prices="ours.csv"), tmp_path).find(wanted)
    assert price
    assert (price.price, price.origin) == (Decimal("0.25"), "yours")


class Cloud(http.server.BaseHTTPRequestHandler):
    """Publishes prices as both clouds do."""

    next_host: ClassVar[str] = "127.0.0.1"
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:  # the name is the protocol's
        self.asked.append(urllib.parse.unquote_plus(self.path))
        port = self.server.server_address[1]
        answer = SAGEMAKER
        if "retail" in self.path:
            first = "skip" not in self.path
            following = f"http://{self.next_host}:{port}/api/retail/prices?$skip=1" if first else None
            answer = json.dumps({"Items": [item("Standard_1" if first else "Standard_2")], "NextPageLink": following})
        found = "eu-west-1/index.csv" in self.path or "retail" in self.path
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(answer.encode() if found else b"")

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Cloud]]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cloud) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        for name in ("OFFERS", "RETAIL"):
            monkeypatch.setattr(refresh, name, f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setattr(Cloud, "asked", [])
        yield Cloud
        server.shutdown()
        thread.join()


def test_prices_are_fetched_from_both_clouds(cloud: type[Cloud], prices: Path) -> None:
    assert refresh.refresh("aws", "eu-west-1") == (prices / "aws-sagemaker-eu-west-1.csv", 5)
    assert refresh.refresh("azure", "westeurope") == (prices / "azure-azure-vm-westeurope.csv", 2)
    offers, first, second = cloud.asked[:3]
    assert offers == "/offers/v1.0/aws/AmazonSageMaker/current/eu-west-1/index.csv"
    assert "serviceName eq 'Virtual Machines' and armRegionName eq 'westeurope'" in first
    with pytest.raises(BadPrices, match="no price of key-vault"):
        refresh.refresh("azure", "westeurope", "key-vault")
    assert "serviceName eq 'Key Vault' and armRegionName eq 'westeurope'" in cloud.asked[3]
    with pytest.raises(BadPrices, match="no price of private-endpoint"):
        refresh.refresh("azure", "westeurope", "private-endpoint")
    assert "serviceName eq 'Virtual Network' and armRegionName eq 'Global'" in cloud.asked[5]
    with pytest.raises(BadPrices, match="no price of s3"):
        refresh.refresh("aws", "eu-west-1", "s3")
    assert cloud.asked[-1] == "/offers/v1.0/aws/AmazonS3/current/eu-west-1/index.csv"
    assert second.endswith("$skip=1")
    assert (prices / "aws-sagemaker-eu-west-1.csv").read_text().startswith("# Written by pulumi-mlops ")
    assert len(refreshed()) == 7


def test_what_cannot_be_fetched_is_said_and_what_was_there_stays(cloud: type[Cloud], prices: Path) -> None:
    refresh.refresh("aws", "eu-west-1")
    words = ["refresh-prices", "--provider", "aws", "--region", "eu-west-9"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert "404" in done.output
    assert [path.name for path in prices.iterdir()] == ["aws-sagemaker-eu-west-1.csv"]
    with pytest.raises(BadPrices, match="is no region"):
        refresh.refresh("aws", "../eu-west-1")
    cloud.next_host = "localhost"
    try:
        with pytest.raises(BadPrices, match="elsewhere"):
            refresh.refresh("azure", "westeurope")
    finally:
        cloud.next_host = "127.0.0.1"
