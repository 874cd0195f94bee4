"""Prices: what tables have to be, in which order they are asked, and what can be derived."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from pulumi_mlops.policies.costs.prices import COLUMNS, BadPrices, Price, Prices, Wanted, parse, read, shipped

HEAD = ",".join(COLUMNS)
HOSTING = Wanted("aws", "sagemaker", "hosting", "ml.m5.xlarge", "us-east-1", "hour")
ROW = "aws,sagemaker,hosting,ml.m5.xlarge,us-east-1,hour,0.2,USD,2026-11-01,our contract,agreed"


def rows(*lines: str, head: str = HEAD) -> list[Price]:
    return parse(["# ours\n", head, *lines], "ours.csv", "yours")


def found(prices: Prices, wanted: Wanted) -> Price:
    price = prices.find(wanted)
    assert price
    return price


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (ROW.replace("0.2,", "0,"), "is no price"),
        (ROW.replace("0.2,", "-1,"), "is no price"),
        (ROW.replace("0.2,", "cheap,"), "is no price"),
        (ROW.replace("0.2,", "NaN,"), "is no price"),
        (ROW.replace("2026-11-01", "autumn"), "is no date"),
        (ROW.replace("2026-11-01", ""), "is no date"),
        (ROW.replace("agreed", "undated"), "says to be undated"),
        (ROW.replace("agreed", "sure"), "is none of agreed, list"),
        (ROW.replace("us-east-1", ""), "region has to be told"),
        (ROW.replace("our contract", ""), "source has to be told"),
        (ROW + ",more", "has not 11 columns"),
        (ROW.rpartition(",")[0], "has not 11 columns"),
    ],
)
def test_a_row_that_is_not_right_is_refused_with_its_place(line: str, said: str) -> None:
    with pytest.raises(BadPrices, match=said) as raised:
        rows(ROW, line)
    assert "ours.csv, price 2" in str(raised.value)


def test_a_table_has_the_columns() -> None:
    with pytest.raises(BadPrices, match="the first row has to be provider,service"):
        rows(ROW, head=HEAD.replace("sku", "size"))
    with pytest.raises(BadPrices, match="There is no table"):
        read(Path("/nowhere/prices.csv"))


def test_what_is_shipped_is_as_it_has_to_be() -> None:
    keys = [(each.provider, each.service, each.component, each.sku, each.region, each.unit) for each in shipped()]
    assert len(set(keys)) == len(keys) > 60
    for each in shipped():
        assert isinstance(each.price, Decimal)
        assert each.currency == "USD"
        assert (each.effective is None) == (each.confidence == "undated")
        assert each.effective is None or dt.date(2023, 1, 1) < each.effective <= dt.date(2026, 12, 1)
    hosting = {each.sku: each.price for each in shipped() if each.component == "hosting"}
    machines = {each.sku: each.price for each in shipped() if each.service == "ec2"}
    assert hosting["ml.g5.xlarge"] == Decimal("1.4084"), "many tables have that of EC2"
    assert all(price > machines[sku.removeprefix("ml.")] for sku, price in hosting.items())
    assert not {"ml.p4d.24xlarge", "ml.p5.48xlarge"} & set(hosting), "what is known of them is from before the cuts"


def test_a_source_without_a_date_says_so() -> None:
    (row,) = rows(ROW.replace("2026-11-01", "").replace("agreed", "undated"))
    assert (row.effective, row.confidence) == (None, "undated")


def test_your_table_wins_and_the_library_s_is_asked_after_it() -> None:
    prices = Prices(rows(ROW), shipped())
    assert (found(prices, HOSTING).price, found(prices, HOSTING).origin) == (Decimal("0.2"), "yours")
    other = Wanted("aws", "sagemaker", "hosting", "ml.c5.xlarge", "us-east-1", "hour")
    assert (found(prices, other).price, found(prices, other).origin) == (Decimal("0.204"), "shipped")


def test_a_row_may_be_for_any_region_or_size_and_the_nearest_wins() -> None:
    prices = Prices(
        rows(
            ROW,
            ROW.replace("us-east-1", "*").replace("0.2,", "0.3,"),
            ROW.replace("ml.m5.xlarge", "*").replace("0.2,", "0.4,"),
        )
    )
    assert found(prices, HOSTING).price == Decimal("0.2")
    assert found(prices, Wanted("aws", "sagemaker", "hosting", "ml.m5.xlarge", "eu-west-1", "hour")).price == Decimal(
        "0.3"
    )
    assert found(prices, Wanted("aws", "sagemaker", "hosting", "ml.r5.large", "us-east-1", "hour")).price == Decimal(
        "0.4"
    )
    assert prices.find(Wanted("aws", "sagemaker", "hosting", "ml.r5.large", "eu-west-1", "hour")) is None


def test_the_names_of_sizes_and_regions_are_read_in_any_case() -> None:
    wanted = Wanted("azure", "azure-vm", "machine", "STANDARD_DS3_V2", "East US", "hour")
    assert found(Prices(shipped()), wanted).price == Decimal("0.293")


@pytest.mark.parametrize(
    ("component", "sku", "price", "note"),
    [
        ("hosting", "ml.m5.large", "0.1152", "1.20 times EC2"),
        ("training", "ml.m5.large", "0.1152", "1.20 times EC2"),
        ("training", "ml.g5.xlarge", "1.4084", "as for hosting"),
        ("processing", "ml.m5.xlarge", "0.23", "as for hosting"),
    ],
)
def test_what_is_missing_is_derived_with_a_band_where_somebody_has_measured(
    component: str, sku: str, price: str, note: str
) -> None:
    wanted = Wanted("aws", "sagemaker", component, sku, "us-east-1", "hour")
    derived = found(Prices(shipped()), wanted)
    assert derived.price == Decimal(price)
    assert derived.confidence == "derived"
    assert derived.note.startswith(note)
    assert (derived.low, derived.high) == (derived.price * Decimal("0.85"), derived.price * Decimal("1.15"))


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted("aws", "sagemaker", "hosting", "ml.p5.48xlarge", "us-east-1", "hour"),
        Wanted("aws", "sagemaker", "hosting", "ml.p4d.24xlarge", "us-east-1", "hour"),
        Wanted("aws", "sagemaker", "hosting", "ml.g6.xlarge", "us-east-1", "hour"),
        Wanted("aws", "sagemaker", "notebook", "ml.m5.xlarge", "us-east-1", "hour"),
        Wanted("aws", "sagemaker", "hosting", "m5.xlarge", "us-east-1", "hour"),
        Wanted("aws", "sagemaker", "hosting", "ml.m5.xlarge", "eu-west-1", "hour"),
        Wanted("aws", "kms", "key", "", "eu-west-1", "key-month"),
        Wanted("azure", "azure-vm", "machine", "Standard_DS3_v2", "northeurope", "hour"),
        Wanted("azure", "azure-vm", "machine", "Standard_NC6s_v3", "eastus", "hour"),
    ],
)
def test_what_nobody_knows_is_unknown(wanted: Wanted) -> None:
    assert Prices(shipped()).find(wanted) is None


def test_a_region_can_be_taken_for_another_and_that_is_said() -> None:
    wanted = Wanted("azure", "azure-vm", "machine", "Standard_DS3_v2", "northeurope", "hour")
    for as_in in ({"northeurope": "eastus"}, {"*": "eastus"}):
        price = found(Prices(shipped(), as_in=as_in), wanted)
        assert (price.price, price.note) == (Decimal("0.293"), "as in eastus")


def test_currencies_are_never_added() -> None:
    euros = rows(ROW.replace("USD", "eur"))
    assert found(Prices(euros, shipped(), currency="EUR"), HOSTING).currency == "EUR"
    other = Wanted("aws", "sagemaker", "hosting", "ml.c5.xlarge", "us-east-1", "hour")
    assert Prices(euros, shipped(), currency="EUR").find(other) is None
    assert found(Prices(euros, shipped()), HOSTING).price == Decimal("0.23")
