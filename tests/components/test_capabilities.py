"""Capabilities: what is absent is refused, what is lossy is told, once."""

import re
from pathlib import Path

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import Unsupported, bridges
from pulumi_mlops.core import registry
from pulumi_mlops.core.capabilities import Entry, check, table
from pulumi_mlops.core.matrix import matrix
from support.facts.aws import HUB, IMAGE
from support.mocks import Cloud

TABLE = table(
    {
        "a": Entry("native"),
        "b": Entry("absent", "no b here.", "a."),
        "c": Entry("lossy", "half of c.", "wait."),
        "d": Entry("emulated", "by a"),
        "a + d": Entry("absent", "a and d together are not to be had."),
    }
)
ENTRIES = [
    (name, key, entry) for name in registry.backends() for key, entry in registry.load(name).capabilities.items()
]
PACKAGE = Path(mlops.__file__).parent
SPECS = [*(PACKAGE / "components").glob("*.py"), *(PACKAGE / "steps").glob("*.py")]
PRINCIPALS = PACKAGE / "core" / "principals.py"


def test_everything_absent_is_told_at_once() -> None:
    with pytest.raises(Unsupported) as caught:
        check("backend 'x'", TABLE, "Thing 't'", frozenset("abcde"))
    assert str(caught.value).splitlines() == [
        "Thing 't': backend 'x' cannot do this.",
        "  - b: no b here. Instead: a.",
        "  - a with d: a and d together are not to be had.",
        "  - e: it is not offered. Instead: another backend; `pulumi-mlops matrix` lists what each one has.",
    ]


def test_what_is_lossy_comes_back_as_a_warning() -> None:
    assert check("backend 'x'", TABLE, "Thing 't'", frozenset("ac")) == ["c: half of c. Instead: wait."]


def registry_owned() -> None:
    mlops.Endpoint("score", platform=HUB, model={"image": IMAGE}, release={"owner": "registry"})


@pytest.mark.parametrize(("preview", "count"), [(True, 1), (False, 0)])
def test_a_warning_comes_once_and_in_the_preview_only(preview: bool, count: int) -> None:
    cloud = Cloud(preview=preview)
    cloud.run(registry_owned)
    assert len(cloud.warnings) == count
    assert all(line.startswith("endpoint.release.registry: SageMaker's registry deploys") for line in cloud.warnings)


def test_combinations_are_refused_before_anything_is_registered(cloud: Cloud) -> None:
    with pytest.raises(Unsupported) as caught:
        cloud.run(
            lambda: mlops.Endpoint(
                "score",
                platform=HUB,
                model={"image": IMAGE},
                mode={"serverless": {}},
                compute={"memory_gb": 4},
                capture_percent=20,
                shadow={"model": {"image": IMAGE}},
                release={"canary": {"percent": 10}},
            )
        )
    lines = str(caught.value).splitlines()
    assert lines[0] == "Endpoint 'score': backend 'aws' cannot do this."
    assert [line.split(":")[0] for line in lines[1:]] == [
        "  - endpoint.serverless with endpoint.shadow",
        "  - endpoint.capture with endpoint.serverless",
        "  - endpoint.release.canary with endpoint.serverless",
    ]
    assert cloud.registered == []


@pytest.mark.parametrize(
    ("backend", "key", "entry"),
    ENTRIES,
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, frozenset) else "",
)
def test_every_gap_has_its_reason_and_a_way_round(backend: str, key: frozenset[str], entry: Entry) -> None:
    single = {name for other in registry.load(backend).capabilities if len(other) == 1 for name in other}
    assert key <= single, "a combination of names that have no entry of their own"
    if entry.level in ("lossy", "absent"):
        assert entry.reason.endswith(".")
        assert entry.instead.endswith(".")
    if entry.level == "emulated":
        assert entry.reason


@pytest.mark.parametrize("backend", registry.backends())
def test_every_name_that_a_spec_can_use_has_an_entry(backend: str) -> None:
    nouns = {path.stem for path in SPECS if "    spec_type = " in path.read_text()}
    first = "|".join([*nouns, "principal"])
    used = set(
        re.findall(rf'"((?:{first})(?:\.(?!py")[a-z_]+)+)"', "".join(path.read_text() for path in [*SPECS, PRINCIPALS]))
    )
    used |= {"accelerator", *nouns, *(f"{path.stem}.existing" for path in SPECS if '.existing")' in path.read_text())}
    used |= bridges.NAMES
    used -= {"experiment_tracker.self_hosted"}  # only engines have it
    single = {name for key in registry.load(backend).capabilities if len(key) == 1 for name in key}
    assert used == single


def test_the_matrix_names_every_entry_once() -> None:
    rows = list(matrix(["aws"]))
    assert len(rows) == len(registry.load("aws").capabilities) == len({row.capability for row in rows})
    assert all(row.cells["aws"].level for row in rows)
