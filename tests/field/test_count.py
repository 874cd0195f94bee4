"""Every situation has its tests, and what is plain before the first resource is refused there."""

import ast
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SITUATIONS = range(1, 35)


def tried() -> list[tuple[int, str, set[str]]]:
    """List all tests of the folder: number of the situation, name, fixtures."""
    return [
        (int(path.name.split("_")[1]), node.name, {argument.arg for argument in node.args.args})
        for path in sorted(HERE.glob("test_[0-9][0-9]_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_situation_is_tried(situation: int) -> None:
    assert any(number == situation for number, _, _ in tried())


def test_refusals_are_counted(record_property: Callable[[str, object], None]) -> None:
    """A refusal in the middle of an `up` is the exception: each says why a preview cannot know."""
    counted = Counter(
        where for _, _, fixtures in tried() for where in {"refused_at_preview", "refused_in_the_middle"} & fixtures
    )
    for where, count in counted.items():
        record_property(where, count)
    assert counted["refused_at_preview"] >= 10 * counted["refused_in_the_middle"]
