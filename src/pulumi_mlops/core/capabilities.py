"""What each backend can do, as data, and the one comparison with what a component asks for.

A table maps a *set* of capability names to an entry, so that a combination can be judged apart from its
parts: canary releases and serverless endpoints may both be native while the two together are absent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pulumi_mlops.core.errors import Unsupported

Level = Literal["native", "emulated", "lossy", "absent"]
FROM_BEST_TO_WORST: list[Level] = ["native", "emulated", "lossy", "absent"]


@dataclass(frozen=True)
class Entry:
    """How well a backend does one thing."""

    level: Level
    reason: str = ""
    """Why it is not native, or what the native thing is."""
    instead: str = ""
    """What to write when it is lossy or absent."""


Table = Mapping[frozenset[str], Entry]
NOT_OFFERED = Entry("absent", "it is not offered.", "another backend; `pulumi-mlops matrix` lists what each one has.")
"""What is said of a name that a table does not list."""


def table(rows: Mapping[str, Entry]) -> Table:
    """Build a table from rows keyed by one name, or by several joined with `` + ``."""
    return {frozenset(key.split(" + ")): entry for key, entry in rows.items()}


def of_one(capabilities: Table) -> Table:
    """Return the part of a table that speaks of single names, not of combinations."""
    return {key: entry for key, entry in capabilities.items() if len(key) == 1}


def level(capabilities: Table, name: str) -> Level:
    """Say how well one thing is done; what a table does not list is absent."""
    return capabilities.get(frozenset([name]), NOT_OFFERED).level


def about(capabilities: Table, uses: frozenset[str]) -> dict[frozenset[str], Entry]:
    """Return what a table says of what is used; of what is not offered as a whole, nothing more is said."""
    unlisted = {name for name in uses if frozenset([name]) not in capabilities}
    below = {name for name in unlisted if any(name.startswith(f"{other}.") for other in unlisted)}
    return {
        **{key: entry for key, entry in capabilities.items() if key <= uses},
        **{frozenset([name]): NOT_OFFERED for name in sorted(unlisted - below)},
    }


def check(who: str, capabilities: Table, what: str, uses: frozenset[str]) -> list[str]:
    """Raise ``Unsupported`` for everything absent at once; return the warnings for what is lossy.

    :param who: who is asked, such as ``backend 'example'``.
    """
    absent: list[str] = []
    lossy: list[str] = []
    for key, entry in about(capabilities, uses).items():
        if entry.level not in ("absent", "lossy"):
            continue
        line = f"{' with '.join(sorted(key))}: {entry.reason}" + (f" Instead: {entry.instead}" if entry.instead else "")
        (absent if entry.level == "absent" else lossy).append(line)
    if absent:
        raise Unsupported(f"{what}: {who} cannot do this.\n" + "\n".join(f"  - {line}" for line in absent))
    return lossy
