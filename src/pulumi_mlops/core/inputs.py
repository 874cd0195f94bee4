"""How arguments are declared and judged: ``In[T]``, the ``Spec`` base and ``parse``."""

import difflib
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

from pulumi import Output, Resource
from pydantic import (
    AllowInfNan,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    Strict,
    ValidationError,
    ValidationInfo,
    field_validator,
)
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


_HOST = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
_PORT = r"([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])"
URL = re.compile(rf"https?://{_HOST}(:{_PORT})?")
"""The address of a server, without a path."""
PATH = re.compile(rf"{URL.pattern}(/[\w.~%+-]+)*")
"""The address of a server, or of something below it, without a slash at its end."""


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

    engine: str = ""
    """Empty where the field holds ``EngineArgs``, which name it themselves."""


def withheld(value: Any) -> Any:
    """Refuse a key that stands in the program: ``Annotated[In[str], Sensitive(), AfterValidator(withheld)]``."""
    if isinstance(value, str):
        why = "is a text in the program" if value.strip() else "is empty"
        raise refuse(
            f"{why}, and a secret is needed; write pulumi.Config().require_secret('…'), or pulumi.Output.secret(…) of "
            "what is read elsewhere"
        )
    return value


class OneOf:
    """Says of a spec which of its fields exclude each other; type checkers see one form of it for each.

    :param fields: the fields, in the order in which they are declared.
    :param optional: whether none of them may be given as well.
    :param advice: what the error adds.
    """

    def __init__(self, *fields: str, optional: bool = False, advice: str = "") -> None:
        self.fields = fields
        self.optional = optional
        self.advice = advice

    def problem(self, values: Mapping[str, object]) -> str | None:
        """Say what is wrong with the fields that are given; one that has no value was given and refused."""
        found = [name for name in self.fields if name not in values or _is_there(values[name])]
        if len(found) == 1 or (self.optional and not found):
            return None
        some = "both" if len(found) == len(self.fields) == 2 else _listed(found) if found else ""  # noqa: PLR2004 (both)
        given = f"{some} are given" if found else "none is given"
        wanted = f"takes {'at most' if self.optional else 'exactly'} one of {_listed(self.fields)}"
        return "; ".join(filter(None, [f"{wanted}, and {given}", self.advice]))


def _is_there(value: object) -> bool:
    return value is not None and not (isinstance(value, list | dict) and not value)


def _listed(names: Iterable[str]) -> str:
    *most, last = map(repr, names)
    return f"{', '.join(most)} and {last}" if most else last


class Spec(BaseModel):
    """The checked arguments of a component, or a part of them. Frozen; unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        validate_default=True,
        defer_build=True,  # a schema is built when its noun is first used, with those of its parts
    )

    stands_on: ClassVar[str] = "platform"
    """The field that holds what the component stands on: the platform, or something that has one."""
    one_of: ClassVar[OneOf | None] = None
    """The fields that exclude each other."""
    built_by: ClassVar[str] = ""
    """The engine that provides the noun where no argument names one; the platform's backend unless told."""

    @field_validator("*")
    @classmethod
    def _excluding(cls, value: object, info: ValidationInfo) -> object:
        choice = cls.one_of
        last = choice is not None and info.field_name == choice.fields[-1]
        if choice and last and (wrong := choice.problem({**info.data, choice.fields[-1]: value})):
            raise PydanticCustomError(_WHOLE, "{text}", {"text": wrong})
        return value

    def uses(self) -> frozenset[str]:
        """Name the capabilities that follow from more than one field; what one field needs, its ``Needs`` says."""
        return frozenset()

    def problems_of(self, name: str) -> Iterable[Problem]:
        """Judge the fields beside the name of the component that they are of."""
        del name
        return ()

    def claims(self, name: str) -> Iterable[tuple[str, str]]:
        """Return the names that a component takes beside its own, each with the noun whose names they are."""
        del name
        return ()


class EngineArgs(Spec):
    """The arguments of an engine that another distribution brings: a subclass names the engine and has its fields.

    ``mlops.ExperimentTracker("runs", platform=platform, engine=acme.Runs(…))``. What is wrong with them is told as of a
    component: every problem at once, each with its field.
    """

    advice: ClassVar[str] = "the arguments that the engine's own distribution has, such as acme.Runs(…)"

    named: ClassVar[str]
    """The engine, as its entry point names it."""

    def __init__(self, **args: Any) -> None:
        try:
            super().__init__(**args)
        except ValidationError as error:
            raise InvalidArgs(type(self).__name__, self.named, told(type(self), error)) from None


def spec_of(annotation: Any) -> type[Spec] | None:
    """Return the spec that a value of this type is judged by when it is given as a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, Spec):
        return annotation
    return next((found for arm in get_args(annotation) if (found := spec_of(arm))), None)


def needs(spec: type[Spec], args: Mapping[str, Any]) -> Iterator[str]:
    """Name what the fields of arguments need, judged or not: nested specs, lists and mappings of them included."""
    known = dict(args)
    for name, field in spec.model_fields.items():
        value = known[name] if name in known else field.get_default(call_default_factory=True, validated_data=known)
        if isinstance(value, str) and get_origin(field.annotation) in (list, dict):
            continue  # not of the field's type: judged, and refused, as such
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
    """Yield the engines that arguments name, judged or not; an empty name where the value names none."""
    for name, field in spec.model_fields.items():
        value = args.get(name)
        for mark in field.metadata:
            if isinstance(mark, ByEngine) and value is not None:
                yield mark.engine or (value.named if isinstance(value, EngineArgs) else "")


def refuse(message: str) -> PydanticCustomError:
    """Build the error that a validator raises; ``message`` says what to write instead."""
    return PydanticCustomError("refused", "{text}", {"text": message})


def earlier(info: ValidationInfo, field: str) -> Any:
    """Return an earlier field for a comparison: as judged, or as written where the judgement failed.

    So both problems are listed.
    """
    written = info.data[field] if field in info.data else (info.context or {}).get(field)
    return written if isinstance(written, Mapping | list) else None


def nearest(word: object, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` when a known word is close, else nothing."""
    names = [name for name in known if isinstance(name, str)]
    prefixes = [name for name in names if str(word).startswith(name)]
    close = prefixes or difflib.get_close_matches(str(word), names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def is_host(text: str) -> bool:
    """Tell whether a text is a host name, or an address of either family, and nothing more."""
    import ipaddress  # noqa: PLC0415 (only here, and not free to import)

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return bool(re.fullmatch(_HOST, text)) and len(text) <= 253 and all(len(part) <= 63 for part in text.split("."))  # noqa: PLR2004 (of DNS)
    return True


NAME_LIMIT = 40
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")


def name_problems(name: object) -> Iterator[Problem]:
    """Judge a component's name: it becomes part of every physical name, on every backend."""
    if is_deferred(name):
        yield Problem("name", deferred(name))
    elif not isinstance(name, str) or not _NAME.fullmatch(name):
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
        problems += told(spec, error)
        raise InvalidArgs(noun, shown(name), problems) from None
    if problems:
        raise InvalidArgs(noun, shown(name), problems)
    return parsed


def shown(name: object) -> str:
    """Return a component's name for an error; an Output has no text of its own."""
    return name if isinstance(name, str) else kind_of(name)


def kind_of(value: object) -> str:
    """Say what a value is, never what it holds: it may be a secret."""
    if inspect.iscoroutine(value):
        return "a coroutine"
    if isinstance(value, Output):
        return "an Output"
    if isinstance(value, Awaitable):
        return "an awaitable"
    if value is None:
        return "None"
    if isinstance(value, Resource):
        return f"the resource {type(value).__name__}"
    return f"of type {type(value).__name__}"


def deferred(value: object) -> str:
    """Say why what is known later cannot stand here."""
    return (
        f"is {kind_of(value)}, and a plain value is needed: it decides what is made, and {kind_of(value)} is known "
        "only after that; write the value itself, or read it with pulumi.Config()"
    )


def demand_number(value: object, example: str, least: int = 1) -> str | None:
    """Judge a whole number that a method is given; return what is wrong."""
    if is_deferred(value):
        return deferred(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return None
    return f"{value!r} must be a whole number, at least {least}; write {example}"


def demand_text(value: object, example: str) -> str | None:
    """Judge a text that a method is given; return what is wrong."""
    if is_deferred(value):
        return deferred(value)
    return None if isinstance(value, str) and value else f"{kind_of(value)}, needs a text; write {example}"


_WHOLE = "refused_as_a_whole"
"""An error of a field that speaks of the part that the field is in."""
_FOLLOWS = "default_factory_not_called"
"""A default that follows from a field that is wrong itself."""
_QUOTED = re.compile(r"'([^']*)'")
_A_MAPPING = "needs a mapping, such as {{…}}; this is {given}"
_A_LIST = "needs a list, such as […]; this is {given}"
_SENTENCES: Mapping[str, str] = {
    "missing": "is required",
    "string_type": "needs a text; this is {given}",
    "string_pattern_mismatch": "does not have the form {pattern}",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "takes at most {max_length} characters",
    "bool_type": "needs True or False; this is {given}",
    "int_type": "needs a whole number; this is {given}",
    "int_from_float": "needs a whole number; this has a fraction",
    "float_type": "needs a number; this is {given}",
    "finite_number": "needs a finite number",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length} of them",
    "too_long": "takes at most {max_length} of them",
    "dict_type": _A_MAPPING,
    "mapping_type": _A_MAPPING,
    "model_type": _A_MAPPING,
    "model_attributes_type": _A_MAPPING,
    "list_type": _A_LIST,
    "none_required": "takes nothing but None; this is {given}",
    "invalid_key": "has a key that is no text",
}
"""What is said for each kind of error that pydantic tells; its own words are never shown."""


def told(spec: type[Spec], error: ValidationError) -> list[Problem]:
    """Say what pydantic found, in the library's own words."""
    return [_problem(spec, detail) for detail in error.errors(include_url=False) if detail["type"] != _FOLLOWS]


def _problem(spec: type[Spec], detail: "ErrorDetails") -> Problem:
    where, kind, value = detail["loc"], detail["type"], detail["input"]
    field = _path(where)
    if kind == "refused":
        return Problem(field, detail["msg"])
    if kind == _WHOLE:
        return Problem(_path(where[:-1]), detail["msg"])
    if kind == "extra_forbidden":
        known = _fields_at(spec, where[:-1])
        return Problem(field, f"is not an argument here{nearest(where[-1], known)} (known: {', '.join(sorted(known))})")
    of_key = "one of its keys " if where[-1:] == ("[key]",) else ""
    if kind != "missing" and is_deferred(value):
        return Problem(field, of_key + deferred(value))
    if kind == "literal_error":
        return Problem(field, _not_allowed(value, detail.get("ctx", {})["expected"]))
    sentence = _SENTENCES.get(kind, "does not take this; it is {given}")
    said = of_key + sentence.format_map({**detail.get("ctx", {}), "given": kind_of(value)})
    if kind == "string_type" and isinstance(value, Resource):
        said += ": write what names it, such as its .id or .name"
    return Problem(field, said)


def _not_allowed(value: object, allowed: str) -> str:
    if not isinstance(value, str):
        return f"needs one of {allowed}; this is {kind_of(value)}"
    return f"{value!r} is not one of {allowed}{nearest(value, _QUOTED.findall(allowed))}"


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
