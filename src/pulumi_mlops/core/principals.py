"""Principals: who outside of a component gets rights, as typed values instead of strings.

A principal is written as one of ``{"account": …}``, ``{"role": …}``, ``{"namespace": …}``, ``{"service_account": …}``,
``{"user": …}``, ``{"group": …}`` and ``{"application": …}``, or is an object of the library that stands for somebody
(``PrincipalRef``). The table of each backend says which kinds it has.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pulumi import Input
from pydantic import AfterValidator, field_validator

from pulumi_mlops.core.inputs import In, Needs, OneOf, Spec, given, is_deferred, refuse
from pulumi_mlops.core.refs import Either, Ref

_QUALIFIED = re.compile(r"[^\s/]+/[^\s/]+")


@dataclass(frozen=True, kw_only=True)
class PrincipalRef(Ref):
    """A ref that stands for somebody who gets rights, so that it is taken wherever a principal is."""

    advice: ClassVar[str] = (
        "{'account': …}, {'role': …}, {'namespace': …}, {'service_account': 'namespace/name'}, {'user': …}, "
        "{'group': …} or {'application': …}, or give an Identity"
    )

    kind: str
    """Which kind of principal it is to others, such as ``role``."""
    principal: Input[str]
    """Its address, as policies outside of the platform name it."""

    @property
    def value(self) -> Input[str]:
        """The address under the name by which a written principal has it."""
        return self.principal


class Principal(Spec):
    """Somebody who gets rights: exactly one of the kinds below."""

    one_of = OneOf(
        *("account", "role", "namespace", "service_account", "user", "group", "application"),
        advice="write one principal for each of them",
    )

    account: Annotated[In[str] | None, Needs("principal.account", given)] = None
    """An account of the cloud as a whole: its own administrators decide who in it."""
    role: Annotated[In[str] | None, Needs("principal.role", given)] = None
    """A role: its name where it is in the platform's own account, else its full address."""
    namespace: Annotated[In[str] | None, Needs("principal.namespace", given)] = None
    """Everything that runs in a namespace of the cluster."""
    service_account: Annotated[In[str] | None, Needs("principal.service_account", given)] = None
    """A service account of the cluster, as ``namespace/name``."""
    user: Annotated[In[str] | None, Needs("principal.user", given)] = None
    """A user by name, or by the id that the cloud's directory of people has."""
    group: Annotated[In[str] | None, Needs("principal.group", given)] = None
    """A group of the cloud's directory of people and programs, by its id there."""
    application: Annotated[In[str] | None, Needs("principal.application", given)] = None
    """A program that is known to the cloud's directory, by its id there."""

    @field_validator("service_account")
    @classmethod
    def _qualified(cls, value: object) -> object:
        if value is not None and not is_deferred(value) and not _QUALIFIED.fullmatch(str(value)):
            raise refuse(f"{value!r} is not a service account; write it as 'namespace/name'")
        return value

    @property
    def kind(self) -> str:
        """Which of them it is."""
        return next(kind for kind in type(self).model_fields if getattr(self, kind) is not None)

    @property
    def value(self) -> Input[str]:
        """What is written under its kind."""
        found: Input[str] = getattr(self, self.kind)
        return found


Who = PrincipalRef | Principal


def _no_twins(value: Sequence[Who]) -> Sequence[Who]:
    seen: set[tuple[str, object]] = set()
    for who in value:
        mark = (who.kind, who.name if isinstance(who, PrincipalRef) else who.value)
        if not is_deferred(mark[1]) and mark in seen:
            raise refuse(f"{mark[1]!r} stands here twice; write each principal once")
        seen |= set() if is_deferred(mark[1]) else {mark}
    return value


Principals = Annotated[list[Annotated[PrincipalRef | Principal, Either()]], AfterValidator(_no_twins)]
"""A list of principals."""


def plain(principals: Sequence[Who]) -> list[Mapping[str, Input[str]]]:
    """Return principals as a ref carries them."""
    return [{who.kind: who.value} for who in principals]


def read(carried: Sequence[Mapping[str, Any]]) -> list[Principal]:
    """Read principals that a ref carries."""
    return [Principal(**who) for who in carried]
