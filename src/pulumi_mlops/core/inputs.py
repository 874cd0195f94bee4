"""How arguments are declared and judged: ``In[T]``, the ``Spec`` base and ``parse``."""

import difflib
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

from pulumi import Output
from pydantic import AllowInfNan, BaseModel, ConfigDict, GetCoreSchemaHandler, Strict, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from pulumi_mlops.core.errors import InvalidArgs, Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from pulumi_mlops.core.refs import PlatformRef

T = TypeVar("T")
S = TypeVar("S", bound="Spec")


def is_deferred(value: object) -> bool:
    """Tell whether a value is known only when the engine has run (an Output or an awaitable)."""
    return isinstance(value, Output | Awaitable)


class _Deferrable:
    """Lets an Output through unjudged, and judges every other value as a plain ``T``."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plain = tuple(arm for arm in get_args(source) if get_origin(arm) not in (Awaitable, Output))
        inner = handler.generate_schema(Union[plain])  # noqa: UP007 (built from a tuple)

        def judge(value: object, as_plain: Callable[[object], object]) -> object:
            return value if is_deferred(value) else as_plain(value)

        return core_schema.no_info_wrap_validator_function(judge, inner)


In = Annotated[Union[T, Awaitable[T], Output[T]], _Deferrable()]  # noqa: UP007 (a generic alias needs Union)
"""``T``, or something that becomes ``T``: what Pulumi calls an Input."""

Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict(), AllowInfNan(False)]
Flag = Annotated[bool, Strict()]


class Spec(BaseModel):
    """The checked arguments of a component, or a part of them. Frozen; unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        validate_default=True,
    )

    withheld: ClassVar[frozenset[str]] = frozenset()
    """Fields that hold secret values, dotted where nested: of them only keys are echoed to the engine."""

    def uses(self) -> frozenset[str]:
        """Name the capabilities that these arguments need, judged from plain fields only."""
        return frozenset()

    def anchor(self) -> "PlatformRef | None":
        """Return the platform that the component stands on."""
        return getattr(self, "platform", None)


def refuse(message: str) -> PydanticCustomError:
    """Build the error that a validator raises; ``message`` says what to write instead."""
    return PydanticCustomError("refused", "{text}", {"text": message})


def given(info: ValidationInfo, field: str) -> Any:
    """Return an earlier field for a comparison: as judged, or as written where the judgement failed.

    So both problems are listed.
    """
    return info.data[field] if field in info.data else (info.context or {}).get(field)


def nearest(word: object, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` when a known word is close, else nothing."""
    names = list(known)
    prefixes = [name for name in names if str(word).startswith(name)]
    close = prefixes or difflib.get_close_matches(str(word), names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


NAME_LIMIT = 40
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")


def name_problems(name: object) -> Iterator[Problem]:
    """Judge a component's name: it becomes part of every physical name, on every backend."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield Problem(
            "name",
            f"{name!r} must be lower-case letters, digits and hyphens, starting with a letter, such as 'churn-model'",
        )
    if isinstance(name, str) and len(name) > NAME_LIMIT:
        yield Problem("name", f"has {len(name)} characters, at most {NAME_LIMIT} are allowed; write a shorter one")


def parse(spec: type[S], noun: str, name: str, args: Mapping[str, Any]) -> S:
    """Turn keywords into a spec, or raise one ``InvalidArgs`` that lists everything that is wrong."""
    problems = list(name_problems(name))
    try:
        parsed = spec.model_validate(dict(args), context=args)
    except ValidationError as error:
        problems += [_problem(spec, detail) for detail in error.errors(include_url=False)]
        raise InvalidArgs(noun, str(name), problems) from None
    if problems:
        raise InvalidArgs(noun, str(name), problems)
    return parsed


def _problem(spec: type[Spec], detail: "ErrorDetails") -> Problem:
    where, kind = detail["loc"], detail["type"]
    field = _path(where)
    if kind == "extra_forbidden":
        known = _fields_at(spec, where[:-1])
        return Problem(field, f"is not an argument here{nearest(where[-1], known)} (known: {', '.join(sorted(known))})")
    if kind == "missing":
        return Problem(field, "is required")
    if kind == "literal_error":
        allowed = detail.get("ctx", {})["expected"]
        close = nearest(detail["input"], re.findall(r"'([^']*)'", allowed))
        return Problem(field, f"{detail['input']!r} is not one of {allowed}{close}")
    if kind == "is_instance_of":
        wanted = detail.get("ctx", {})["class"].removesuffix("Ref")
        return Problem(
            field,
            f"needs a {wanted}, or the ref of one such as {wanted}.from_stack(…) gives; this is "
            f"{type(detail['input']).__name__}",
        )
    message = detail["msg"]
    return Problem(field, message[0].lower() + message[1:] if kind != "refused" else message)


def _path(where: tuple[int | str, ...]) -> str:
    path = ""
    for step in where:
        if isinstance(step, int):
            path += f"[{step}]"
        elif re.fullmatch(r"[\w.$-]+", step) and not step.startswith(("function-", "is-instance")):
            path += f".{step}" if path else step
    return path


def _fields_at(spec: type[Spec], where: tuple[int | str, ...]) -> set[str]:
    """Walk the declared types along an error's path, to name the fields that would have been right."""
    here: Any = spec
    for step in where:
        if isinstance(here, type) and issubclass(here, Spec) and step in here.model_fields:
            here = _spec_inside(here.model_fields[str(step)].annotation)
    return set(here.model_fields) if isinstance(here, type) and issubclass(here, Spec) else set()


def _spec_inside(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return annotation
    return next((found for arm in get_args(annotation) if (found := _spec_inside(arm))), None)
