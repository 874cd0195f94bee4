"""The part of JSONata that the sandbox knows, and that it refuses the rest instead of guessing."""

from typing import Any

import pytest

from pulumi_mlops_sandbox.aws.executions.expressions import ExpressionError, evaluate, filled

KNOWN = {
    "$states": {"input": {"going": 2, "names": ["a", "b"]}, "rows": [{"kind": "x", "n": 1}, {"kind": "y", "n": 2}]}
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$states.input.going > 1", True),
        ("$states.input.going <= 1", False),
        ("$states.rows[kind in ['y', 'z']].n", [2]),
        ("$count($states.rows[kind = 'x'])", 1),
        ("$count($states.rows[kind = 'none'])", 0),
        ("$count($states.absent[kind = 'x'])", 0),
        ('"b" in $states.input.names', True),
        ("$pad('ab', -4, '0')", "00ab"),
        ("$exists($states.nobody)", False),
    ],
)
def test_what_is_known(text: str, found: Any) -> None:
    assert evaluate(text, KNOWN) == found


def test_expressions_stand_within_values() -> None:
    value = {"a": ["{% $states.input.going %}", "plain"], "b": 1}
    assert filled(value, KNOWN) == {"a": [2, "plain"], "b": 1}


@pytest.mark.parametrize(
    "text", ["$sum([1])", "$states.input.going + 1", "{'a': 1}", "$states.", "$count([1)", "a ? b : c"]
)
def test_what_is_not_known_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, KNOWN)
