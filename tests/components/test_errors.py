"""Every wrong value of every argument, and of every method, is told in the library's own words."""

import asyncio
import typing
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

import pulumi
import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs, Unsupported
from pulumi_mlops.components.endpoint import EndpointSpec, Scaling
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from pulumi_mlops.components.feature_store import FeatureStoreSpec
from pulumi_mlops.components.model import ModelSpec
from pulumi_mlops.components.model_registry import ModelRegistrySpec
from pulumi_mlops.components.platform import PlatformSpec
from pulumi_mlops.core.inputs import In, Spec, parse
from support.facts.aws import GROUP, HUB, MODEL, hub
from support.mocks import Cloud

NOT_OURS = ["Input should", "input should", "valid dict", "instance of", "value is not", "validation error", "pydantic"]
SPECS = [PlatformSpec, FeatureStoreSpec, FeatureGroupSpec, ModelRegistrySpec, ModelSpec, EndpointSpec]
FILES = {"image": "repo:1"}


def wrong_values() -> list[Any]:
    return [
        5,
        -1,
        10**9,
        0.5,
        float("nan"),
        True,
        "zzz",
        "",
        b"x",
        [],
        ["zzz"],
        [5],
        [{"zzz": 1}],
        {"zzz": 1},
        {5: "a"},
        {"a": {}},
        {"a": []},
        None,
        (1, 2),
        {1},
        object(),
        int,
        GROUP,
        pulumi.Output.from_input("x"),
        {"a": pulumi.Output.from_input("x")},
        [pulumi.Output.from_input("x")],
        {pulumi.Output.from_input("x"): "a"},
        pulumi.ComponentResource("a:b:C", "made"),
        asyncio.Future(),
    ]


def inner(hint: Any) -> list[type[Spec]]:
    if isinstance(hint, type) and issubclass(hint, Spec):
        return [hint]
    return [found for arm in get_args(hint) for found in inner(arm)]


def refusal(spec: type[Spec], args: dict[str, Any]) -> InvalidArgs | None:
    try:
        parse(spec, "Noun", "name", args)
    except InvalidArgs as error:
        return error
    return None


def head(field: str) -> str:
    return field.partition(".")[0].partition("[")[0]


def places(spec: type[Spec]) -> Iterator[tuple[tuple[str, ...], Callable[[Any], Any]]]:
    """Yield every field, nested ones included: its path, and a function that puts a value there."""
    for name, hint in typing.get_type_hints(spec, include_extras=True).items():
        if name not in spec.model_fields:
            continue
        yield (name,), lambda value, name=name: {name: value}
        plural = get_origin(spec.model_fields[name].annotation)
        for part in inner(hint):
            for path, put in places(part):
                if plural is list:
                    yield (f"{name}[0]", *path), lambda value, name=name, put=put: {name: [put(value)]}
                elif plural is dict:
                    yield (name, "a", *path), lambda value, name=name, put=put: {name: {"a": put(value)}}
                else:
                    yield (name, *path), lambda value, name=name, put=put: {name: put(value)}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_every_wrong_value_of_every_field_is_told_in_our_words(spec: type[Spec]) -> None:
    def program() -> int:
        told, values = 0, wrong_values()
        for path, put in places(spec):
            for value in values:
                args = put(value)
                if error := refusal(spec, args):
                    told += 1
                    text = str(error)
                    assert not [phrase for phrase in NOT_OURS if phrase in text], (path, value, text)
                    # What is required, or excludes another, is told of the part that lacks it.
                    others = [problem for problem in error.problems if problem.message != "is required"]
                    fields = [problem.field for problem in others if problem.field]
                    here = ".".join(path)
                    beside = here.rpartition(".")[0] or here
                    near = [field for field in fields if here.startswith(field) or field.startswith(beside)]
                    # What is left out, or has a default, can leave a mistake to the fields beside it.
                    beside_it = {head(field) for field in fields} <= {"profile"}
                    assert near or beside_it, (here, error.problems)
                    assert {head(field) for field in fields} <= set(spec.model_fields), (here, error.problems)
        return told

    assert Cloud().run(program) > 40


def refused(program: Callable[[], object]) -> list[str]:
    cloud = Cloud()
    with pytest.raises(InvalidArgs) as caught:
        cloud.run(lambda: program() and None)
    assert cloud.registered == []
    return [str(problem) for problem in caught.value.problems]


def later(value: Any) -> Any:
    return pulumi.Output.from_input(value)


def endpoint(**args: Any) -> Callable[[], object]:
    return lambda: mlops.Endpoint("score", **({"platform": HUB, "model": FILES} | args))


def made_of(**args: Any) -> Callable[[], object]:
    return lambda: mlops.Endpoint(
        "score", **({"platform": HUB, "model": FILES} | {key: make() for key, make in args.items()})
    )


async def _coroutine() -> int:
    return 1  # pragma: no cover (never awaited)


PLAIN = "is an Output, and a plain value is needed: it decides what is made, and an Output is known only after that"
TOLD: dict[str, tuple[Callable[[], object], str]] = {
    "a number": (made_of(scaling=lambda: {"max": later(3)}), f"scaling.max: {PLAIN}"),
    "a part": (made_of(scaling=lambda: later({"max": 3})), f"scaling: {PLAIN}"),
    "a stage": (lambda: mlops.Platform("churn", backend="aws", stage=later("dev")), f"stage: {PLAIN}"),
    "a name": (lambda: mlops.Platform(later("x"), backend="aws"), f"name: {PLAIN}"),
    "a key": (made_of(environment=lambda: {later("a"): "b"}), f"environment: one of its keys {PLAIN}"),
    "a model": (
        made_of(model=lambda: later(MODEL)),
        "model: is an Output, and the ModelVersion itself is needed: names and rights follow from it",
    ),
    "a view": (
        made_of(reads=lambda: [later(GROUP.online)]),
        "reads[0]: is an Output, and the OnlineView itself is needed: names and rights follow from it",
    ),
    "a platform": (
        made_of(platform=lambda: later(HUB)),
        "platform: is an Output, and the Platform itself is needed",
    ),
    "no text": (
        made_of(environment=lambda: {"A": pulumi.StackReference}),
        "environment.A: needs a text; this is of type type",
    ),
    "no options": (
        lambda: mlops.Platform("churn", {"protect": True}, backend="aws"),  # type: ignore[arg-type]
        "opts: needs pulumi.ResourceOptions(…); this is of type dict",
    ),
    "an offline view": (
        endpoint(reads=[GROUP.as_of(days=3)]),
        "reads[0]: needs an OnlineView, this is OfflineView; write profile.online",
    ),
    "a group": (endpoint(reads=[GROUP]), "reads[0]: needs an OnlineView, this is FeatureGroup; write profile.online"),
    "a word for a part": (endpoint(mode="serverless"), "mode: needs a mapping, such as {…}; this is of type str"),
    "version of a word": (
        lambda: MODEL.version("latest"),  # type: ignore[arg-type]
        "version: 'latest' must be a whole number, at least 1; write churn.version(3), or churn.approved() for the",
    ),
    "version below one": (lambda: MODEL.version(-3), "version: -3 must be a whole number, at least 1"),
    "version of a flag": (lambda: MODEL.version(True), "version: True must be a whole number, at least 1"),
    "version of an output": (lambda: MODEL.version(later(1)), f"version: {PLAIN}"),
    "approved": (
        lambda: MODEL.approved(otherwise="waits"),  # type: ignore[arg-type]
        "otherwise: 'waits' is not one of 'wait' or 'fail'; did you mean 'wait'?",
    ),
    "approved of an output": (lambda: MODEL.approved(otherwise=later("wait")), f"otherwise: {PLAIN}"),
    "days of a word": (
        lambda: GROUP.as_of(days="90"),  # type: ignore[arg-type]
        "days: '90' must be a whole number, at least 1; write profile.as_of(days=90)",
    ),
    "a tag": (
        lambda: hub(images={"x": "repo"}).image("x", 3),  # type: ignore[arg-type]
        "tag: needs a tag or a digest as text; this is of type int",
    ),
    "a secret": (lambda: HUB.secret(later("x")), f"secret: {PLAIN}"),
    "a stack": (lambda: mlops.Platform.from_stack(3), "stack: of type int, needs a text; write 'organization/"),  # type: ignore[arg-type]
    "an export": (
        lambda: mlops.Platform.load("x"),  # type: ignore[arg-type]
        "needs what platform.ref.export() gives; this is of type str",
    ),
    "half an export": (
        lambda: mlops.Platform.load({"noun": "platform", "schema": 1}),
        "the export lacks name, backend, stage, artifacts; give platform.ref.export() whole",
    ),
    "an old export": (
        lambda: mlops.Platform.load({"noun": "platform", "schema": 0}),
        "was exported in form 0, and this library reads form 1",
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_is_told(case: str) -> None:
    program, said = TOLD[case]
    assert [line[: len(said)] for line in refused(program)] == [said]


def test_a_coroutine_and_a_resource_are_called_by_their_names() -> None:
    class Sample(Spec):
        count: int = 1
        text: In[str] = ""

    def program() -> list[str]:
        waiting = _coroutine()
        args = {"count": waiting, "text": pulumi.ComponentResource("a:b:C", "made")}
        with pytest.raises(InvalidArgs) as caught:
            parse(Sample, "Sample", "x", args)
        waiting.close()
        return [str(problem) for problem in caught.value.problems]

    first, second = Cloud().run(program)
    assert first.startswith("count: is a coroutine, and a plain value is needed")
    assert second == (
        "text: needs a text; this is the resource ComponentResource: write what names it, such as its .id or .name"
    )


def test_max_is_min_unless_it_is_written() -> None:
    assert (Scaling(min=2).max, Scaling(min=0, requests_per_replica=9).max, Scaling().max) == (2, 1, 1)
    cloud = Cloud()
    cloud.run(lambda: endpoint(scaling={"min": 2})() and None)
    assert cloud.one("Endpoint").inputs["scaling"] == {"min": 2}


def test_scale_to_zero_says_how_to_have_it() -> None:
    with pytest.raises(Unsupported, match=r"mode=\{'serverless': \{\}\}, which costs nothing without requests"):
        Cloud().run(endpoint(scaling={"min": 0, "max": 2, "requests_per_replica": 4}))


def test_half_a_cpu_is_the_smallest_machine_that_fits() -> None:
    cloud = Cloud()
    cloud.run(lambda: endpoint(compute={"cpus": 0.5, "memory_gb": 1})() and None)
    (variant,) = cloud.one("sagemaker/endpointConfiguration").inputs["productionVariants"]
    assert variant["instanceType"] == "ml.c5.large"


def test_what_the_backend_does_not_have_is_said_before_its_details() -> None:
    with pytest.raises(Unsupported, match=r"platform\.quota"):
        Cloud().run(lambda: mlops.Platform("churn", backend="aws", quota={"cpus": "many"}))  # type: ignore[arg-type, typeddict-item]


def test_no_advice_names_a_method_that_is_not_there() -> None:
    from pulumi_mlops.core.refs import _KINDS, advice  # noqa: PLC0415 (after the nouns)

    for kind in [*_KINDS.values(), mlops.OnlineView, mlops.OfflineView]:
        said = advice(kind)
        if ".from_stack" in said:
            noun = kind.__name__.removesuffix("Ref")
            assert hasattr(getattr(mlops, noun), "from_stack"), said
