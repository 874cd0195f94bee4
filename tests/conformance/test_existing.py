"""What exists already gives refs like any other: on every backend, they are taken wherever such a ref is.

Each is exported, sent the way that stack outputs go, and used on the other side: the rights that follow are compared
with those of the ref that never left, and looked for.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.core.refs import Ref
from support.conformance.programs import (
    OFFLINE,
    Build,
    endpoint,
    existing_endpoint,
    existing_group,
    existing_identity,
    existing_model,
    existing_registry,
    existing_store,
    identity,
    model,
    platform,
    registry,
    store,
)
from support.conformance.running import Ran, having, run, table_of, through_the_engine
from support.conformance.words import Words

BACKENDS = having(
    *(f"{noun}.existing" for noun in ("endpoint", "feature_group", "identity", "model", "model_registry"))
)
every_backend = pytest.mark.parametrize("backend", BACKENDS)


@dataclass(frozen=True)
class Use:
    """How a ref is used."""

    take: Callable[[Words], Any]
    """Returns the ref of what exists."""
    give: Callable[[Words, Any], Any]
    """Declares what it is given to, and returns that."""
    needs: str
    """The capability that this asks for."""


def _store(words: Words) -> mlops.FeatureStoreRef:
    writes = table_of(words.backend)[frozenset(["feature_store.existing.writer"])].level != "absent"
    return existing_store(words, **(OFFLINE if writes else {}))


def _group(words: Words) -> mlops.FeatureGroupRef:
    return existing_group(words, {"store": _store(words)}, offline=words.rows)


def _views(words: Words, group: mlops.FeatureGroupRef) -> list[Any]:
    online = words.backend in having("feature_group.online")
    return [*([group.online] if online else []), group.as_of(days=9)]


def _model(words: Words) -> mlops.ModelRef:
    return existing_model(words, {"registry": registry(words)}, gate={"auc": ">=0.9"})


USES: Mapping[str, Use] = {
    "group read by an endpoint": Use(
        _group, lambda w, ref: endpoint(w, ref.platform, reads=[ref.online]), "endpoint.reads"
    ),
    "group read by an identity": Use(
        _group, lambda w, ref: identity(w, ref.platform, reads=_views(w, ref)), "identity.reads"
    ),
    "group written": Use(_group, lambda w, ref: identity(w, ref.platform, writes=[ref]), "identity.writes"),
    "store materialised": Use(
        _store, lambda w, ref: identity(w, ref.platform, materializes=[ref]), "identity.materializes"
    ),
    "version served": Use(_model, lambda w, ref: endpoint(w, ref.platform, model=ref.version(3)), "endpoint"),
    "versions registered": Use(_model, lambda w, ref: identity(w, ref.platform, registers=[ref]), "identity.registers"),
    "versions approved": Use(_model, lambda w, ref: identity(w, ref.platform, approves=[ref]), "identity.approves"),
    "versions deployed": Use(_model, lambda w, ref: identity(w, ref.platform, deploys=[ref]), "identity.deploys"),
    "endpoint called": Use(
        existing_endpoint, lambda w, ref: identity(w, ref.platform, invokes=[ref]), "identity.invokes"
    ),
    "identity calls": Use(
        existing_identity, lambda w, ref: endpoint(w, ref.platform, invokers=[ref]), "endpoint.invokers"
    ),
    "identity approves": Use(
        existing_identity,
        lambda w, ref: model(w, registry(w, ref.platform, approvers=[ref])),
        "model_registry.approvers",
    ),
}
CASES = [
    (backend, name)
    for backend in BACKENDS
    for name, use in USES.items()
    if table_of(backend)[frozenset([use.needs])].level != "absent"
]


def made(build: Build, backend: str) -> Ran:
    done = run(build, backend)
    assert done.error is None, done.error
    return done


def facts(done: Ran, owners: set[str]) -> dict[tuple[str, str], Any]:
    return {
        (item.type, item.name): (item.inputs, item.ignore_changes)
        for item in done.children
        if item.parent.split("::")[-1] in owners
    }


@pytest.mark.parametrize(("backend", "name"), CASES)
def test_what_exists_is_used_as_anything_else(backend: str, name: str) -> None:
    use = USES[name]
    exported = made(use.take, backend)
    assert exported.export
    loaded = exported.kind.load(through_the_engine(exported.export))
    here = made(lambda words: use.give(words, use.take(words)), backend)
    there = made(lambda words: use.give(words, loaded), backend)
    owners = {item.name for item in there.components}
    found = facts(there, owners)
    assert found
    assert found == facts(here, owners)
    assert "theirs" in json.dumps([item.inputs for item in there.children]), "what is used knows nothing of it"


@pytest.mark.parametrize("take", [existing_endpoint, existing_identity, existing_registry, _store, _group])
@every_backend
def test_nothing_is_registered_for_what_exists(backend: str, take: Callable[[Words], Ref]) -> None:
    assert [item.name for item in made(take, backend).components] == ["hub"]


@every_backend
def test_an_endpoint_waits_for_a_model_that_exists(backend: str) -> None:
    def program(words: Words) -> mlops.Endpoint:
        churn = _model(words)
        return endpoint(words, churn.platform, model=churn.approved(otherwise="wait"))

    done = made(program, backend)
    assert done.export
    assert done.export["status"] == "waiting"


@every_backend
def test_bad_input_is_one_error(backend: str) -> None:
    done = run(
        lambda w: mlops.FeatureGroup.existing(
            "Profile",
            store=store(w),
            features={"id": "string", "at": "integer"},
            keys=["idd"],
            event_time="at",
            offline="rows",
            colour="blue",  # type: ignore[call-arg]
        ),
        backend,
    )
    assert isinstance(done.error, InvalidArgs)
    assert {problem.field for problem in done.error.problems} == {"name", "keys", "event_time", "offline", "colour"}


@every_backend
@pytest.mark.parametrize("noun", ["group", "model"])
def test_where_it_is_found_is_said_once(backend: str, noun: str) -> None:
    def program(words: Words, **where: Any) -> Any:
        hub = platform(words)
        both = {"store": store(words, hub)} if noun == "group" else {"registry": registry(words, hub)}
        take = existing_group if noun == "group" else existing_model
        return take(words, {"called": "x", **both, "platform": hub} if where else {"called": "x"})

    capability = f"{'feature_group' if noun == 'group' else 'model'}.existing.by_itself"
    if table_of(backend)[frozenset([capability])].level != "absent":
        done = run(lambda w: program(w, twice=True), backend)
        assert isinstance(done.error, InvalidArgs)
        assert "takes exactly one of" in str(done.error)
    done = run(program, backend)
    assert isinstance(done.error, InvalidArgs)
    assert "takes exactly one of" in str(done.error)


@every_backend
def test_a_model_is_made_in_a_registry_that_exists_or_it_is_said_why_not(backend: str) -> None:
    done = run(lambda w: model(w, existing_registry(w)), backend)
    if done.error is None:
        assert [item for item in done.children if item.parent.endswith("::churn")]
    else:
        assert isinstance(done.error, InvalidArgs)
        assert "Model.existing(…)" in str(done.error)
