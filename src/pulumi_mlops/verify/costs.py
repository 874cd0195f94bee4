"""About what a verification costs, by the same tables as `pulumi-mlops cost`; what has no price is named."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from pulumi_mlops.policies.costs.estimate import Estimate, Line, estimate
from pulumi_mlops.policies.costs.prices import ANY, Prices, refreshed, shipped
from pulumi_mlops.policies.costs.spans import money, text
from pulumi_mlops.policies.costs.uses import Metered, Use

_SMALLEST = Decimal("0.001")


def spent(cloud: str, region: str, like: str, uses: Sequence[Use], today: dt.date | None = None) -> Estimate:
    """Put a price on what a verification uses.

    :param like: the region whose prices are taken where the tables know none of this one.
    """
    found = [Metered(urn="", type="", name="verify", cloud=cloud, region=region, use=one) for one in uses]
    tables = Prices(refreshed(), shipped(), as_in={ANY: like})
    return estimate(found, tables, (), today or dt.datetime.now(tz=dt.UTC).date())


def said(found: Estimate) -> str:
    """Say it in two sentences: the sum with what it is of, and what has no price."""
    priced, unpriced = found.of("priced"), found.of("unpriced")
    told = []
    if priced:
        low, high = money(found.month.low), money(found.month.high)
        sums = f"{low} {found.currency}" if low == high else f"{low} to {high} {found.currency}"
        told.append(f"About {sums} by the tables of prices: {'; '.join(map(_line, priced))}.")
    if unpriced:
        names = ", ".join(f"{line.use.service} {line.what}" for line in unpriced if line.use)
        told.append(f"{'Beside that nothing' if priced else 'Nothing'} is known of the price of: {names}.")
    return " ".join((*told, *(f"{warning}." for warning in found.warnings)))


def _line(line: Line) -> str:
    use, price = line.use, line.price
    if use is None or use.amount is None or price is None:
        raise LookupError(f"{line} has no price")
    amount = text(use.amount.expected.quantize(_SMALLEST))
    known = [f"{price.effective}" if price.effective else "without a date", *([price.note] if price.note else [])]
    unit = f"{use.unit}s" if use.unit.endswith("hour") and amount != "1" else use.unit
    return f"{amount} {unit} of {use.service} {line.what} at {text(price.price)} ({', '.join(known)})"
