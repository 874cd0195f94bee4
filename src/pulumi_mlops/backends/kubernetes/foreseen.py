"""What a program is going to make on a platform, read out of its own text, so that all it needs is told at once.

A program makes one component after the other, and each knows only what it needs itself. So the platform reads on: in
the functions that are under way, the statements that come after its own, in the same block, and make a noun on it. They
run in any case. What cannot be read so (a helper's text, a subclass, an `if` to come) is judged when it is made.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import FrameType

_ABOUT = ("platform", "store", "registry", "model")
"""The arguments by which a component says on what it stands."""
_LIMIT = 60
"""The most frames that are looked at."""
_LIBRARIES = ("pulumi_mlops", "pulumi")
_ENDS = (ast.Return, ast.Raise, ast.Break, ast.Continue)


@dataclass(frozen=True)
class Foreseen:
    """A component that the program is going to make."""

    noun: str
    name: str
    scaled: bool
    """Whether its replicas follow the load."""

    def __str__(self) -> str:
        return f"{self.noun} {self.name!r}" if self.name else self.noun


def components(nouns: Collection[str]) -> list[Foreseen]:
    """Return the components of these nouns that are made on the platform which is under way, as far as written."""
    found: list[Foreseen] = []
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 (what inspect calls)
    for _ in range(_LIMIT):
        if frame is None:
            break
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _LIBRARIES:
            found += _after(frame, nouns)
        frame = frame.f_back
    return list(dict.fromkeys(found))


def _after(frame: FrameType, nouns: Collection[str]) -> Iterator[Foreseen]:
    """Read what comes after the statement that a function is at."""
    try:
        lines, start = inspect.getsourcelines(frame)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):  # no text, or none that stands by itself
        return
    block = _block(tree.body, frame.f_lineno - max(start, 1) + 1)
    if not block:
        return
    known = {_target(block[0])} - {""}
    for statement in block[1:]:
        call = _call(statement)
        if call is not None and {_about(call, word) for word in _ABOUT} & known:
            known |= {_target(statement)} - {""}
            if _word(call) in nouns:
                yield Foreseen(_word(call), _name(call), scaled="requests_per_replica" in ast.dump(call))
        if any(isinstance(one, _ENDS) for one in ast.walk(statement)):
            return


def _block(body: list[ast.stmt], line: int) -> list[ast.stmt]:
    """Return the innermost block from the statement at this line on."""
    for index, statement in enumerate(body):
        if statement.lineno <= line <= (statement.end_lineno or statement.lineno):
            for field in ("body", "orelse", "finalbody"):
                if inner := _block(getattr(statement, field, None) or [], line):
                    return inner
            return body[index:]
    return []


def _call(statement: ast.stmt) -> ast.Call | None:
    """Return the call of a noun in a statement such as ``churn = mlops.Model(…)`` or ``mlops.Endpoint(…).url``."""
    value = getattr(statement, "value", None)
    while isinstance(value, ast.Attribute | ast.Call):
        if isinstance(value, ast.Call) and _word(value)[:1].isupper():
            return value
        value = value.func if isinstance(value, ast.Call) else value.value
    return None


def _word(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _name(call: ast.Call) -> str:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _about(call: ast.Call, word: str) -> str:
    """Return the variable with which an argument begins: ``model=churn.approved()`` is about ``churn``."""
    value = next((one.value for one in call.keywords if one.arg == word), None)
    while isinstance(value, ast.Attribute | ast.Call):
        value = value.func if isinstance(value, ast.Call) else value.value
    return value.id if isinstance(value, ast.Name) else ""


def _target(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        return getattr(statement.targets[0], "id", "")
    return ""
