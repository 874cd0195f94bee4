"""Makes tables of prices out of what the clouds publish: files that need no account, read as they come in."""

import csv
import datetime as dt
import io
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal

from pulumi_mlops.policies.costs.prices import ANY, COLUMNS, BadPrices, Price, folder
from pulumi_mlops.policies.costs.published import OFFERED, RETAILED
from pulumi_mlops.policies.costs.spans import decimal, text

Provider = Literal["aws", "azure"]
OFFERS = "https://pricing.us-east-1.amazonaws.com"
RETAIL = "https://prices.azure.com"
OFFER_CODES: Final[Mapping[str, str]] = {
    "sagemaker": "AmazonSageMaker",
    "ec2": "AmazonEC2",
    **{row.service: row.code for row in OFFERED if row.code != "AmazonEC2"},
}
RETAIL_NAMES: Final[Mapping[str, str]] = {
    "azure-vm": "Virtual Machines",
    **{row.service: row.name for row in RETAILED},
}
RETAIL_PLACES: Final[Mapping[str, str]] = {row.service: row.place for row in RETAILED if row.place}
SERVICES: Final[Mapping[Provider, tuple[str, ...]]] = {"aws": tuple(OFFER_CODES), "azure": tuple(RETAIL_NAMES)}
"""What can be refreshed, of each cloud; the first is refreshed unless told."""
TIMEOUT: Final = 60
HEADER: Final = "sku"
"""By which the row of the names of an offer's columns begins."""

_USAGE: Final = re.compile(r"(?:^|-)(Host|Train|Processing|Notebk|Tsform):(ml\.[a-z0-9-]+\.[a-z0-9]+)$")
_COMPONENTS: Final = {
    "Host": "hosting",
    "Train": "training",
    "Processing": "processing",
    "Notebk": "notebook",
    "Tsform": "transform",
}
_LINUX: Final = {"tenancy": "shared", "operatingsystem": "linux", "preinstalleds/w": "na", "capacitystatus": "used"}
_NOT_PLAIN: Final = ("spot", "low priority")


def refresh(provider: Provider, region: str, service: str | None = None, file: Path | None = None) -> tuple[Path, int]:
    """Fetch the prices of a region, or read them from a file that was fetched elsewhere; keep them as a table."""
    service = service or SERVICES[provider][0]
    if service not in SERVICES[provider]:
        raise BadPrices(f"{service} is none of what {provider} has here: {', '.join(SERVICES[provider])}")
    if not re.fullmatch(r"[a-z0-9-]+", region):
        raise BadPrices(f"{region!r} is no region, such as us-east-1 or eastus")
    try:
        found = _found(provider, region, service, file)
    except BadPrices:
        raise
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise BadPrices(f"The prices of {service} in {region} cannot be read: {error}") from None
    if not found:
        raise BadPrices(f"There is no price of {service} in {region} in what was read; nothing is kept")
    path = folder() / f"{provider}-{service}-{region}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(written(found), encoding="utf-8")
    fresh.replace(path)
    return path, len(found)


def _found(provider: Provider, region: str, service: str, file: Path | None) -> list[Price]:
    if provider == "azure":
        pages = [json.loads(file.read_text(), parse_float=Decimal)] if file else _pages(service, region)
        return retail(pages, service, region)
    if file:
        with file.open(encoding="utf-8", newline="") as lines:
            return offer(lines, service, region)
    url = f"{OFFERS}/offers/v1.0/aws/{OFFER_CODES[service]}/current/{region}/index.csv"
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310  (the address is ours)
        return offer(io.TextIOWrapper(answer, encoding="utf-8", newline=""), service, region)


def offer(lines: Iterable[str], service: str, region: str) -> list[Price]:
    """Read a file of AWS for a region: some rows about the file, a row of names, and a price a row."""
    rows = csv.reader(lines)
    published, names = "", list[str]()
    for row in rows:
        if row[:1] == ["Publication Date"]:
            published = row[1]
        if row and row[0].lower() == HEADER:
            names = [name.lower().replace(" ", "") for name in row]
            break
    if not names or not published:
        raise BadPrices("This is no file of prices of AWS: it has no date of publication, or no names of columns")
    about = {"effective": dt.datetime.fromisoformat(published).date(), "source": "AWS Price List"}
    made: dict[tuple[str, str, str], tuple[Decimal, Price]] = {}
    for row in rows:
        known = dict(zip(names, row, strict=False))
        price = decimal(known.get("priceperunit"))
        if known.get("termtype") != "OnDemand" or not price:
            continue
        first = decimal(known.get("startingrange")) or Decimal(0)
        for named, unit, times in _offered(known, service):
            one = _price(("aws", *named), region, unit, price * times, currency=known["currency"], **about)
            if named not in made or first < made[named][0]:  # what costs less beyond an amount comes after
                made[named] = first, one
    return [price for _, price in made.values()]


def _offered(row: Mapping[str, str], service: str) -> Iterator[tuple[tuple[str, str, str], str, Decimal]]:
    hourly = row.get("unit", "").lower() in ("hrs", "hours")
    machine = _machine if service == "ec2" else _ml_machine if service == "sagemaker" else None
    if hourly and machine and (named := machine(row)):
        yield named, "hour", Decimal(1)
    for each in OFFERED:
        if each.code == OFFER_CODES[service] and (hourly or each.unit != "hour") and each.means(row):
            yield (each.service, each.component, each.sku), each.unit, each.times


def _ml_machine(row: Mapping[str, str]) -> tuple[str, str, str] | None:
    found = _USAGE.search(row.get("usagetype", ""))
    if row.get("productfamily") != "ML Instance" or found is None:
        return None
    return "sagemaker", _COMPONENTS[found[1]], found[2]


def _machine(row: Mapping[str, str]) -> tuple[str, str, str] | None:
    if row.get("productfamily") != "Compute Instance":
        return None
    plain = all(row.get(key, "").lower() == wanted for key, wanted in _LINUX.items())
    return ("ec2", "instance", row.get("instancetype", "")) if plain else None


def _pages(service: str, region: str) -> Iterator[Mapping[str, Any]]:
    """Fetch the pages of Azure's prices of a service, one after another."""
    name = RETAIL_NAMES[service]
    place = RETAIL_PLACES.get(service, region)
    wanted = f"serviceName eq '{name}' and armRegionName eq '{place}' and priceType eq 'Consumption'"
    url = f"{RETAIL}/api/retail/prices?{urllib.parse.urlencode({'$filter': wanted})}"
    while url:
        if urllib.parse.urlsplit(url).hostname != urllib.parse.urlsplit(RETAIL).hostname:
            raise BadPrices(f"The next page of prices is elsewhere: {url}")
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310  (the host is looked at above)
            page: dict[str, Any] = json.load(answer, parse_float=Decimal)
        yield page
        url = page.get("NextPageLink") or ""


def retail(pages: Iterable[Any], service: str, region: str) -> list[Price]:
    """Read pages of Azure's prices: plain machines with Linux by the hour, or what else the tables have."""
    made: dict[tuple[str, str], tuple[Decimal, Price]] = {}
    place = RETAIL_PLACES.get(service, region)
    for page in pages:
        if not isinstance(page, Mapping) or not isinstance(page.get("Items"), list):
            raise BadPrices("This is no page of prices of Azure: it has no Items")
        for item in page["Items"]:
            price = decimal(item.get("retailPrice"))
            if not price or item.get("armRegionName") != place or item.get("type", "Consumption") != "Consumption":
                continue
            effective = dt.datetime.fromisoformat(item["effectiveStartDate"]).date()
            about = {"effective": effective, "source": "Azure Retail Prices"}
            first = decimal(item.get("tierMinimumUnits")) or Decimal(0)
            for component, sku, unit, times in _retailed(item, service):
                named = ("azure", service, component, sku)
                where = region if place == region else ANY
                one = _price(named, where, unit, price * times, currency=item["currencyCode"], **about)
                held = made.get((component, sku))
                if held is None or (first, held[1].effective) <= (held[0], effective):
                    made[component, sku] = first, one
    return [price for _, price in made.values()]


def _retailed(item: Mapping[str, Any], service: str) -> Iterator[tuple[str, str, str, Decimal]]:
    if service == "azure-vm" and _plain(item):
        yield "machine", str(item["armSkuName"]), "hour", Decimal(1)
    for each in RETAILED:
        if each.service == service and (sku := each.called(item)) is not None:
            yield each.component, sku, each.unit, each.times


def _plain(item: Mapping[str, Any]) -> bool:
    words = f"{item.get('skuName', '')} {item.get('meterName', '')}".lower()
    return (
        item.get("unitOfMeasure") == "1 Hour"
        and bool(item.get("armSkuName"))
        and "windows" not in str(item.get("productName", "")).lower()
        and not any(word in words for word in _NOT_PLAIN)
    )


def _price(named: tuple[str, str, str, str], region: str, unit: str, price: Decimal, **about: Any) -> Price:
    provider, service, component, sku = named
    return Price(provider, service, component, sku, region, unit, price, **about, confidence="list", origin="refreshed")


def written(prices: Iterable[Price]) -> str:
    """Write a table: who wrote it, when, and how much of what, and the prices."""
    rows = sorted(prices, key=lambda each: (each.service, each.component, each.sku))
    counts = ", ".join(f"{service} {number}" for service, number in Counter(row.service for row in rows).items())
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    out = io.StringIO(f"# Written by pulumi-mlops {metadata.version('pulumi-mlops')} at {now}: {counts}\n")
    out.seek(0, io.SEEK_END)
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows:
        cells = {**vars(row), "price": text(row.price), "effective": row.effective.isoformat() if row.effective else ""}
        table.writerow([cells[column] for column in COLUMNS])
    return out.getvalue()
