"""Tables of prices: what a unit costs, where, since when, and who says so. What no table knows is unknown, never 0."""

import csv
import datetime as dt
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final, Literal, cast, get_args

from pulumi_mlops.policies.costs.spans import decimal

Confidence = Literal["agreed", "list", "mirrored", "community", "undated", "derived"]
COLUMNS: Final = (
    "provider", "service", "component", "sku", "region", "unit", "price", "currency", "effective", "source",
    "confidence",
)  # fmt: skip
VARIABLE: Final = "PULUMI_MLOPS_PRICES"
"""The variable that names the folder of refreshed tables."""
ANY: Final = "*"
OLD: Final = dt.timedelta(days=180)
"""After which a price is said to be old."""
TABLES: Final = ("aws.csv", "azure.csv")
BAND: Final = Decimal("0.15")
"""How far a price that is derived may be off, either way."""

_LARGER: Final = Decimal("1.25")
RATIOS: Final[Mapping[str, Decimal]] = {
    "m5": Decimal("1.20"),
    "c5": Decimal("1.20"),
    "c7i": Decimal("1.20"),
    "g4dn.xlarge": Decimal("1.40"),
    "g5.xlarge": Decimal("1.40"),
    "g4dn": _LARGER,
    "g5": _LARGER,
    "g6": _LARGER,
    "p3": _LARGER,
    "inf2.xlarge": Decimal("1.31"),
    "inf2": Decimal("1.20"),
}
"""What a machine of SageMaker costs by one of EC2: measured in one source of February 2025, by family or by size.

A `g6.xlarge` was not measured, and after the cuts of 2025 nobody knows what holds of `p4d` and `p5`.
"""
UNMEASURED: Final = frozenset({"g6.xlarge"})
LIKE_HOSTING: Final = ("training", "processing", "transform")
"""Components of SageMaker whose rates are usually those of hosting; those of notebooks differ."""


class BadPrices(ValueError):  # noqa: N818  (it says what they are)
    """A table of prices is not as it has to be."""


@dataclass(frozen=True)
class Wanted:
    """What a price is asked for."""

    provider: str
    service: str
    component: str
    sku: str
    region: str
    unit: str


@dataclass(frozen=True)
class Price(Wanted):
    """A row of a table."""

    price: Decimal
    currency: str
    effective: dt.date | None
    """The date of the source; None only of one that is `undated`."""
    source: str
    confidence: Confidence
    origin: str = "shipped"
    """The table: ``yours``, ``refreshed``, ``shipped``."""
    note: str = ""
    """How it was derived."""

    @property
    def low(self) -> Decimal:
        """The least that it may be."""
        return self.price * (1 - BAND) if self.confidence == "derived" else self.price

    @property
    def high(self) -> Decimal:
        """The most that it may be."""
        return self.price * (1 + BAND) if self.confidence == "derived" else self.price


_Key = tuple[str, str, str, str, str, str]


def parse(lines: Iterable[str], name: str, origin: str = "shipped") -> list[Price]:
    """Read a table; lines that begin with `#` say where it comes from."""
    rows = csv.DictReader(line for line in lines if line.strip() and not line.startswith("#"))
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise BadPrices(f"{name}: the first row has to be {','.join(COLUMNS)}")
    found: list[Price] = []
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise BadPrices(f"{name}, price {number}: it has not {len(COLUMNS)} columns")
        found.append(_price({key: value.strip() for key, value in row.items()}, f"{name}, price {number}", origin))
    return found


def _price(row: Mapping[str, str], place: str, origin: str) -> Price:
    price = decimal(row["price"])
    if price is None or price <= 0:
        raise BadPrices(f"{place}: {row['price']!r} is no price; one that is not known is left out, and never 0")
    effective = None
    if row["confidence"] != "undated" or row["effective"]:
        try:
            effective = dt.date.fromisoformat(row["effective"])
        except ValueError:
            raise BadPrices(f"{place}: {row['effective']!r} is no date, such as 2026-07-20") from None
    if effective and row["confidence"] == "undated":
        raise BadPrices(f"{place}: it has a date, and says to be undated")
    known = get_args(Confidence)
    if row["confidence"] not in known:
        raise BadPrices(f"{place}: the confidence {row['confidence']!r} is none of {', '.join(known)}")
    needed = ("provider", "service", "component", "region", "unit", "currency", "source")
    if empty := [key for key in needed if not row[key]]:
        raise BadPrices(f"{place}: {', '.join(empty)} has to be told; a region may be `*`")
    return Price(
        provider=row["provider"],
        service=row["service"],
        component=row["component"],
        sku=row["sku"],
        region=row["region"],
        unit=row["unit"],
        price=price,
        currency=row["currency"].upper(),
        effective=effective,
        source=row["source"],
        confidence=cast("Confidence", row["confidence"]),
        origin=origin,
    )


def read(path: Path, origin: str = "yours") -> list[Price]:
    """Read a table from a file."""
    if not path.is_file():
        raise BadPrices(f"There is no table of prices {path}")
    with path.open(encoding="utf-8", newline="") as lines:
        return parse(lines, str(path), origin)


def folder() -> Path:
    """Find the folder of refreshed tables."""
    if told := os.environ.get(VARIABLE):
        return Path(told)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pulumi-mlops" / "prices"


def refreshed() -> list[Price]:
    """Read every table that has been refreshed."""
    return [price for path in sorted(folder().glob("*.csv")) for price in read(path, "refreshed")]


@lru_cache
def shipped() -> tuple[Price, ...]:
    """Read the tables of this package."""
    folder = resources.files("pulumi_mlops.policies.costs") / "tables"
    found: list[Price] = []
    for name in TABLES:
        found += parse((folder / name).read_text(encoding="utf-8").splitlines(), name)
    return tuple(found)


class Prices:
    """Tables in the order in which they are asked: yours before the library's; then what can be derived."""

    def __init__(self, *layers: Sequence[Price], currency: str = "USD", as_in: Mapping[str, str] | None = None) -> None:
        self.currency, self._as_in = currency.upper(), dict(as_in or {})
        self._layers: list[dict[_Key, Price]] = []
        for layer in layers:
            rows: dict[_Key, Price] = {}
            for each in layer:
                if each.currency == self.currency:
                    rows[_key(each, sku=each.sku, region=each.region)] = each
            self._layers.append(rows)

    def find(self, wanted: Wanted) -> Price | None:
        """Find a price; None is unknown."""
        if found := self._at(wanted):
            return found
        like = self._as_in.get(wanted.region) or self._as_in.get(ANY)
        found = self._at(replace(wanted, region=like)) if like else None
        if found is None:
            return None
        note = f"as in {like}" + (f", {found.note}" if found.note else "")
        return replace(found, note=note)

    def _at(self, wanted: Wanted) -> Price | None:
        return self._listed(wanted) or self._derived(wanted)

    def _listed(self, wanted: Wanted) -> Price | None:
        for layer in self._layers:
            for sku in dict.fromkeys((wanted.sku, ANY)):
                for region in dict.fromkeys((wanted.region, ANY)):
                    if found := layer.get(_key(wanted, sku=sku, region=region)):
                        return found
        return None

    def _derived(self, wanted: Wanted) -> Price | None:
        """Take the price of hosting for a job, and of a machine of EC2 for one of SageMaker."""
        if wanted.service != "sagemaker" or wanted.component not in ("hosting", *LIKE_HOSTING):
            return None
        hosting = self._listed(replace(wanted, component="hosting")) if wanted.component != "hosting" else None
        if hosting:
            note = f"as for hosting ± {BAND:.0%}"
            return replace(hosting, component=wanted.component, confidence="derived", note=note)
        machine = wanted.sku.removeprefix("ml.")
        ratio = RATIOS.get(machine) or RATIOS.get(machine.partition(".")[0])
        if ratio is None or machine in UNMEASURED or machine == wanted.sku:
            return None
        base = self._listed(replace(wanted, service="ec2", component="instance", sku=machine))
        if base is None:
            return None
        note = f"{ratio} times EC2 {machine} ± {BAND:.0%}"
        return replace(
            base,
            service="sagemaker",
            component=wanted.component,
            sku=wanted.sku,
            price=base.price * ratio,
            confidence="derived",
            note=note,
        )


def _key(row: Wanted, *, sku: str, region: str) -> _Key:
    return row.provider, row.service, row.component, sku.lower(), region.lower().replace(" ", ""), row.unit
