"""Arguments: what is judged, what is let through, and how problems are told."""

import asyncio
import re
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi import Output
from pydantic import Field, ValidationError

from pulumi_mlops.core.errors import InvalidArgs
from pulumi_mlops.core.inputs import NAME_LIMIT, Flag, In, Number, Spec, Whole, name_problems, nearest, parse
from support.mocks import Cloud


class Inner(Spec):
    size: Whole = 1
    unit: Literal["mb", "gb"] = "gb"


class Sample(Spec):
    text: In[str] = ""
    count: In[Annotated[Whole, Field(ge=1)]] = 1
    share: Number = 0.5
    on: Flag = False
    inner: Inner = Inner()
    inners: list[Inner] = []  # noqa: RUF012 (pydantic copies it)


def problems(**args: Any) -> list[str]:
    with pytest.raises(InvalidArgs) as caught:
        parse(Sample, "Sample", "x", args)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("field", ["text", "count"])
def test_what_comes_later_is_let_through_as_it_is(field: str) -> None:
    def program() -> bool:
        later = Output.from_input(0)
        return getattr(parse(Sample, "Sample", "x", {field: later}), field) is later

    assert Cloud().run(program)


def test_an_awaitable_is_let_through_too() -> None:
    async def later() -> str:
        return "x"  # pragma: no cover (never awaited)

    waiting = later()
    assert parse(Sample, "Sample", "x", {"text": waiting}).text is waiting
    waiting.close()
    future: asyncio.Future[str] = asyncio.Future(loop=(loop := asyncio.new_event_loop()))
    assert parse(Sample, "Sample", "x", {"text": future}).text is future
    loop.close()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"text": 5}, ["text: needs a text; this is of type int"]),
        ({"count": 0}, ["count: must be at least 1"]),
        ({"count": "3"}, ["count: needs a whole number; this is of type str"]),
        ({"count": 2.0}, ["count: needs a whole number; this is of type float"]),
        ({"share": "0.5"}, ["share: needs a number; this is of type str"]),
        ({"on": 1}, ["on: needs True or False; this is of type int"]),
        ({"inner": {"unit": "gbb"}}, ["inner.unit: 'gbb' is not one of 'mb' or 'gb'; did you mean 'gb'?"]),
        ({"inner": {"sise": 2}}, ["inner.sise: is not an argument here; did you mean 'size'? (known: size, unit)"]),
        ({"inners": [{}, {"size": "x"}]}, ["inners[1].size: needs a whole number; this is of type str"]),
        (
            {"txet": "a"},
            [
                "txet: is not an argument here; did you mean 'text'? (known: count, inner, inners, on, share, text)",
            ],
        ),
        ({"text": 5, "count": 0}, ["text: needs a text", "count: must be at least 1"]),
    ],
)
def test_plain_values_are_judged(args: dict[str, Any], said: list[str]) -> None:
    found = problems(**args)
    assert len(found) == len(said)
    assert all(line.startswith(start) for line, start in zip(found, said, strict=True)), found


def test_a_call_and_a_dict_mean_the_same() -> None:
    written = {"inner": {"size": 2}}
    assert parse(Sample, "Sample", "x", written) == parse(Sample, "Sample", "x", {"inner": Inner(size=2)})


def test_a_spec_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Inner().size = 2  # type: ignore[misc]


def test_one_error_names_the_component_and_every_problem() -> None:
    with pytest.raises(InvalidArgs) as caught:
        parse(Sample, "Sample", "Bad_Name", {"text": 5, "inner": {"size": "x"}})
    assert [problem.field for problem in caught.value.problems] == ["name", "text", "inner.size"]
    text = str(caught.value)
    assert text.startswith("Sample 'Bad_Name': 3 problems; nothing was registered.\n  - name: 'Bad_Name' must be")
    assert text.count("\n  - ") == 3


@given(st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True))
def test_good_names(name: str) -> None:
    assert not list(name_problems(name))


@given(st.text(max_size=60).filter(lambda name: not re.fullmatch(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", name)))
def test_bad_names(name: str) -> None:
    found = list(name_problems(name))
    assert found
    assert {problem.field for problem in found} == {"name"}


def test_a_name_of_ninety_characters_is_told_its_limit() -> None:
    (problem,) = name_problems("a" * 90)
    assert problem.message == f"has 90 characters, at most {NAME_LIMIT} are allowed; write a shorter one"


@pytest.mark.parametrize(("word", "said"), [("frat", "; did you mean 'float'?"), ("zzz", "")])
def test_nearest(word: str, said: str) -> None:
    assert nearest(word, ["float", "string"]) == said
