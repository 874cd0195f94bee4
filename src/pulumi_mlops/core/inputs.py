"""How arguments are declared and judged: ``In[T]``, the ``Spec`` base and ``parse``."""

import difflib
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

from pulumi import Output
from pydantic import AllowInfNan, BaseModel, ConfigDict, GetCoreSchemaHandler, Strict, ValidationError, ValidationInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from pulumi_mlops.core.errors import InvalidArgs, Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

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


def given(value: object) -> bool:
    """Tell whether an optional part was written, also as ``{}``."""
    return value is not None


@dataclass(frozen=True)
class Needs:
    """Marks a field whose use needs a capability: ``Annotated[Shadow | None, Needs("endpoint.shadow")] = None``.

    A field is used when its value is true in Python's sense, or an Output; ``when`` judges a plain value otherwise.
    """

    capability: str
    when: Callable[[Any], object] = bool


@dataclass(frozen=True)
class Sensitive:
    """Marks a field that holds a secret value, or a mapping of them: of it only keys are echoed to the engine."""


@dataclass(frozen=True)
class ByEngine:
    """Marks a field that, when given, names the engine that provides the noun instead of the platform's backend."""

    engine: str


class Spec(BaseModel):
    """The checked arguments of a component, or a part of them. Frozen; unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        validate_default=True,
    )

    stands_on: ClassVar[str] = "platform"
    """The field that holds what the component stands on: the platform, or something that has one."""

    def uses(self) -> frozenset[str]:
        """Name the capabilities that follow from more than one field; what one field needs, its ``Needs`` says."""
        return frozenset()

    def engine(self) -> str | None:
        """Return the engine that these arguments name, if they name one."""
        return next(iter(engines_of(type(self), vars(self))), None)


def spec_of(annotation: Any) -> type[Spec] | None:
    """Return the spec that a value of this type is judged by when it is given as a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return annotation
    return next((found for arm in get_args(annotation) if (found := spec_of(arm))), None)


def needs(spec: type[Spec], args: Mapping[str, Any]) -> Iterator[str]:
    """Name what the fields of arguments need, judged or not: nested specs, lists and mappings of them included."""
    for name, field in spec.model_fields.items():
        value = args[name] if name in args else field.get_default(call_default_factory=True)
        for mark in field.metadata:
            if isinstance(mark, Needs) and (is_deferred(value) or _is_used(mark, value)):
                yield mark.capability
        if inner := spec_of(field.annotation):
            for part in parts(value):
                yield from needs(type(part) if isinstance(part, Spec) else inner, fields_of(part))


def _is_used(mark: Needs, value: object) -> bool:
    try:
        return bool(mark.when(value))
    except TypeError:  # not of the field's type: judged, and refused, as such
        return False


def fields_of(part: Spec | Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields of arguments, judged or not."""
    return vars(part) if isinstance(part, Spec) else part


def parts(value: object) -> Iterator[Spec | Mapping[str, Any]]:
    """Yield the specs inside a value: itself, or the items of a list or of a mapping by name."""
    if isinstance(value, Spec):
        yield value
    elif isinstance(value, Mapping):
        inner = [item for item in value.values() if isinstance(item, Spec)]
        yield from inner
        if not inner:
            yield value
    elif isinstance(value, list | tuple):
        yield from (part for item in value for part in parts(item))


def engines_of(spec: type[Spec], args: Mapping[str, Any]) -> Iterator[str]:
    """Yield the engines that arguments name."""
    for name, field in spec.model_fields.items():
        for mark in field.metadata:
            if isinstance(mark, ByEngine) and args.get(name) is not None:
                yield mark.engine


def refuse(message: str) -> PydanticCustomError:
    """Build the error that a validator raises; ``message`` says what to write instead."""
    return PydanticCustomError("refused", "{text}", {"text": message})


def earlier(info: ValidationInfo, field: str) -> Any:
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


DEFERRED = (
    "is an Output, and a plain value is needed: it decides what is made, and an Output is known only after that; write "
    "the value itself, or read it with pulumi.Config()"
)


def _problem(spec: type[Spec], detail: "ErrorDetails") -> Problem:
    where, kind = detail["loc"], detail["type"]
    field = _path(where)
    if kind == "extra_forbidden":
        known = _fields_at(spec, where[:-1])
        return Problem(field, f"is not an argument here{nearest(where[-1], known)} (known: {', '.join(sorted(known))})")
    if kind == "missing":
        return Problem(field, "is required")
    if is_deferred(detail["input"]):
        return Problem(field, DEFERRED)
    if kind == "literal_error":
        allowed = detail.get("ctx", {})["expected"]
        close = nearest(detail["input"], re.findall(r"'([^']*)'", allowed))
        return Problem(field, f"{detail['input']!r} is not one of {allowed}{close}")
    message = detail["msg"]
    return Problem(field, message[0].lower() + message[1:] if kind != "refused" else message)


_TAGS = ("spec", "object")
"""What pydantic adds to the path of an error inside an ``Either``."""


def _path(where: tuple[int | str, ...]) -> str:
    path = ""
    for step in where:
        if isinstance(step, int):
            path += f"[{step}]"
        elif re.fullmatch(r"[\w.$-]+", step) and not step.startswith("function-") and step not in _TAGS:
            path += f".{step}" if path else step
    return path


def _fields_at(spec: type[Spec], where: tuple[int | str, ...]) -> set[str]:
    """Walk the declared types along an error's path, to name the fields that would have been right."""
    here: type[Spec] | None = spec
    for step in where:
        if here is not None and step in here.model_fields:
            here = spec_of(here.model_fields[str(step)].annotation)
    return set(here.model_fields) if here else set()
