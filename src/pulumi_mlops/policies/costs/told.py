"""What an estimate is told beside the program; loaded where something is told, as pydantic takes its time."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, model_validator


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Amount = Annotated[Decimal, Field(ge=0), WithJsonSchema({"type": "number", "minimum": 0})]
"""A number that is kept as it is written."""


class Between(_Told):
    """The least, the expected and the most."""

    low: Amount
    expected: Amount
    high: Amount

    @model_validator(mode="after")
    def _ordered(self) -> "Between":
        if not self.low <= self.expected <= self.high:
            raise ValueError("low, expected and high have to rise")
        return self


class Usage(_Told):
    """How much of something is used in a month, where the program cannot tell."""

    resources: tuple[str, ...] = Field(min_length=1, description="Names or URNs of resources; `*` is any text.")
    part: str = Field(default="*", description="Which of several: a step, a variant, a container.")
    component: str = Field(default="*", description="What of it, as the estimate calls it, such as `training`.")
    hours: Amount | Between | None = Field(default=None, description="The hours a month, by instance.")
    instances: Amount | Between | None = Field(default=None, description="The instances.")
    amount: Amount | Between | None = Field(default=None, description="The units a month; it needs a component.")

    @model_validator(mode="after")
    def _told(self) -> "Usage":
        if self.hours is None and self.instances is None and self.amount is None:
            raise ValueError("hours, instances or an amount has to be told")
        if self.amount is not None and (self.component == "*" or self.hours is not None or self.instances is not None):
            raise ValueError("an amount is of one component, and neither hours nor instances stand beside it")
        return self


class CostSettings(_Told):
    """What an estimate is told."""

    ceiling: Amount | None = Field(default=None, description="The most that a month may cost.")
    currency: str = Field(default="USD", min_length=3, max_length=3, description="The currency of all prices.")
    prices: str = Field(default="", description="A table of your own, a path from the program's folder.")
    as_in: dict[str, str] = Field(
        default_factory=dict, description="Regions whose unknown prices are taken from another; `*` is any."
    )
    usage: tuple[Usage, ...] = Field(default=(), description="What is used in a month.")
    assume: bool = Field(
        default=True, description="Whether `cost` assumes what is used and not declared; a ceiling never does."
    )


def problems(told: Any) -> tuple[CostSettings | None, list[str]]:
    """Read them; say everything that is wrong with them."""
    try:
        return CostSettings.model_validate(told), []
    except ValidationError as error:
        return None, [f"{'.'.join(map(str, ('cost', *each['loc'])))}: {each['msg']}" for each in error.errors()]
