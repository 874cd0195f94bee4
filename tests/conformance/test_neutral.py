"""What every backend owes: outputs, refs, names, tags, parents, providers, secrets, the same again on the next run."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pulumi import ResourceOptions

import pulumi_mlops as mlops
from pulumi_mlops import InvalidArgs
from pulumi_mlops.components.platform import PlatformRef
from pulumi_mlops.core.naming import snake
from support.conformance.programs import (
    CANARY,
    FEATURES,
    PROGRAMS,
    SECRET,
    STEPS,
    TAGS,
    endpoint,
    files,
    group,
    model,
    platform,
    registry,
    store,
)
from support.conformance.running import BACKENDS, THERE, Ran, Way, having, run, through_the_engine, working
from support.conformance.words import WORDS, Words
from support.mocks import Registration

URI = re.compile(r"[a-z][a-z0-9+.-]*://\S+")
every_program = pytest.mark.parametrize(("backend", "name"), THERE)
every_backend = pytest.mark.parametrize("backend", BACKENDS)
TOGETHER = ("platform.consumers", "feature_group.online", "model.gate", "endpoint.reads", "endpoint.secrets")


def every_backend_with(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("backend", having(*names))


def ran(name: str, backend: str) -> Ran:
    build = working(name, backend)
    assert build
    return run(build, backend)


FOLDERS = ("artifacts", "runs", "location", "captured", "reports")
"""Facts of refs that are addresses of folders: whoever adds a name to one may rely on its slash."""


def folders(export: Any) -> Iterator[str]:
    """Yield the addresses of folders that an export has, also in what it stands on."""
    if isinstance(export, dict):
        yield from (value for key, value in export.items() if key in FOLDERS and isinstance(value, str))
        for value in export.values():
            yield from folders(value)


@every_program
def test_folders_end_in_a_slash(backend: str, name: str) -> None:
    found = [one for one in folders(ran(name, backend).export) if URI.fullmatch(one)]
    assert [one for one in found if not one.endswith("/")] == []


@every_program
def test_the_ref_says_who_it_is(backend: str, name: str) -> None:
    done = ran(name, backend)
    export = done.export
    assert export
    noun = export["noun"]
    if ".existing" not in name or noun == "platform":  # of what exists already nothing is registered
        assert export["name"] in [item.name for item in done.components if snake(item.type.split(":")[-1]) == noun]
    assert export["backend"] == backend
    hub = export if noun == "platform" else export["platform"]
    assert (hub["name"], hub["stage"], hub["tags"]) == ("hub", "dev", TAGS)
    assert URI.fullmatch(hub["artifacts"]), hub["artifacts"]
    assert hub["artifacts"].endswith("/")


@every_program
def test_the_export_can_leave_the_stack_and_come_back(backend: str, name: str) -> None:
    done = ran(name, backend)
    assert done.export is not None
    assert not done.secret, "the export holds something secret"
    back = done.kind.load(through_the_engine(done.export))
    assert back == done.kind.load(back.export())
    assert without_nulls(back.export()) == without_nulls(json.loads(json.dumps(done.export)))
    assert not back.native


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


ON_A_PLATFORM = {
    "store": store,
    "registry": registry,
    "endpoint": lambda w, hub: endpoint(w, hub, model={"image": "registry.example.com/ml/serve:1.0.0"}),
    "group": lambda w, hub: group(w, store(w, hub), online={}),
    "model": lambda w, hub: model(w, registry(w, hub)),
}


NEEDED = {
    "store": "feature_store",
    "registry": "model_registry",
    "endpoint": "endpoint",
    "group": "feature_group.online",
    "model": "model",
}


@pytest.mark.parametrize(("backend", "noun"), [(found, noun) for noun in NEEDED for found in having(NEEDED[noun])])
@pytest.mark.parametrize("name", [name for name in PROGRAMS if name.split(".")[0] == "platform"])
def test_every_noun_is_built_on_the_platform_of_another_stack(backend: str, noun: str, name: str) -> None:
    build = working(name, backend)
    if build is None:
        return
    exported = run(build, backend).export
    assert exported
    theirs = exported if exported["noun"] == "platform" else exported["platform"]
    hub = PlatformRef.load(through_the_engine(theirs))
    assert run(lambda words: ON_A_PLATFORM[noun](words, hub), backend).error is None


@every_backend_with("feature_group.online", "endpoint.reads", "model")
def test_nouns_are_built_on_those_of_another_stack(backend: str) -> None:
    def loaded(name: str) -> Any:
        done = ran(name, backend)
        assert done.export
        return done.kind.load(through_the_engine(done.export))

    features, models, profile = loaded("feature_store"), loaded("model_registry"), loaded("feature_group.online")
    assert run(lambda words: group(words, features), backend).error is None
    assert run(lambda words: model(words, models), backend).error is None
    assert run(lambda words: endpoint(words, profile.platform, reads=[profile.online]), backend).error is None


@pytest.mark.parametrize(
    ("backend", "name"), [cell for cell in THERE if cell[1] != "endpoint.existing" and cell[1].startswith("endpoint")]
)
def test_an_endpoint_puts_out_what_others_need(backend: str, name: str) -> None:
    done = ran(name, backend)
    assert done.export
    assert done.kind.noun == "endpoint"
    outputs = done.outputs["score"]
    assert outputs["status"] == done.export["status"] == "live"
    assert URI.fullmatch(outputs["url"]), outputs["url"]
    assert outputs["url"].startswith(("http://", "https://"))
    captures = "endpoint.capture" in done.uses
    assert (outputs.get("captured") is not None) == captures
    if captures:
        assert outputs["captured"].startswith(done.export["platform"]["artifacts"])
    several = {"old", "new"} if "endpoint.variants" in done.uses else {"main"}
    assert set(done.export["variants"]) == several


@every_program
def test_secrets_stay_secret(backend: str, name: str) -> None:
    done = ran(name, backend)
    values = {SECRET, *generated(done)}
    hidden = values | {base64.b64encode(value.encode()).decode() for value in values}
    open_to_all = [done.export, done.said, done.outputs, *map(readable, done.registered)]
    found = [value for value in hidden if value in json.dumps(open_to_all, default=str)]
    assert found == []


def generated(done: Ran) -> Iterator[str]:
    """Values that the mocks give to what generates them."""
    for item in done.children:
        if item.type.startswith("random:"):
            yield hashlib.sha256(item.name.encode()).hexdigest()[:16]


def readable(item: Registration) -> dict[str, Any]:
    return {key: value for key, value in item.inputs.items() if key not in item.secret}


@every_program
def test_every_child_has_a_parent_and_the_platforms_provider(backend: str, name: str) -> None:
    done = ran(name, backend)
    components = {item.urn for item in done.components}
    orphans = [item.name for item in done.children if item.parent not in components]
    assert orphans == []
    for item in done.components:  # the parts of a Loop are components of their own, below it
        assert item.parent in components or item.parent.endswith("pulumi:pulumi:Stack::project-stack"), item.name


@every_program
def test_names_follow_the_component(backend: str, name: str) -> None:
    done = ran(name, backend)
    names = {item.urn: item.name for item in done.components}
    for item in done.children:
        assert item.name.startswith(f"{names[item.parent]}-"), item.name
    assert len({(item.type, item.name) for item in done.registered}) == len(done.registered)


@every_program
def test_tags_reach_whatever_takes_tags(backend: str, name: str) -> None:
    done = ran(name, backend)
    tagged = {item.name: found for item in done.children if (found := tags_of(item, backend)) is not None}
    assert tagged
    for item, found in tagged.items():
        assert set(TAGS.items()) <= set(found.items()), item
    assert {item.name for item in done.components} >= {
        item.parent.split("::")[-1] for item in done.children if item.name in tagged
    }


def tags_of(item: Registration, backend: str) -> dict[str, str] | None:
    found: Any = item.inputs
    for step in WORDS[backend].tags_at:
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def facts(done: Ran) -> dict[tuple[str, str], Any]:
    return {
        (item.type, item.name): (item.inputs, item.parent, item.protect, sorted(item.ignore_changes))
        for item in done.registered
    }


@every_program
def test_the_preview_shows_what_the_update_does(backend: str, name: str) -> None:
    build = working(name, backend)
    assert build
    update, first = run(build, backend), run(build, backend, "first preview")
    assert {(item.type, item.name) for item in first.registered} == {
        (item.type, item.name) for item in update.registered
    }
    known = {(item.type, item.name): item.inputs for item in update.registered}
    for item in first.registered:
        for key, value in item.inputs.items():
            assert value == known[item.type, item.name][key], f"{item.name}.{key} changes between preview and update"


def on_a_provider(words: Words) -> mlops.Endpoint:
    there = words.provider("elsewhere")
    hub = platform(words, opts=ResourceOptions(provider=there))
    features = store(words, hub)
    profile = group(words, features, online={})
    churn = model(words, registry(words, hub))
    return endpoint(words, hub, model=churn.version(3), reads=[profile.online], scaling=STEPS, release=CANARY)


@every_backend_with(*TOGETHER)
def test_everything_uses_the_platforms_provider(backend: str) -> None:
    done = run(on_a_provider, backend)
    there = next(item for item in done.registered if item.name == "elsewhere")
    package = there.type.split(":")[-1]
    used = {item.name: item.provider.split("::")[-2] for item in done.children if item.type.startswith(f"{package}:")}
    assert len(used) > 5
    assert set(used.values()) == {"elsewhere"}, used


def test_backends_live_side_by_side() -> None:
    def program(_: Words) -> mlops.Endpoint:
        made = []
        for backend in having("endpoint"):
            words = WORDS[backend]
            hub: dict[str, Any] = {"backend": backend, "existing": {**words.parts}}
            served: dict[str, Any] = {"model": files(words)}
            made.append(mlops.Endpoint(f"score-{backend}", platform=mlops.Platform(f"hub-{backend}", **hub), **served))
        return made[0]

    done = run(program, BACKENDS[0])
    assert done.error is None
    for backend in having("endpoint"):
        by_itself = run(endpoint, backend)
        packages = {item.type.split(":")[0] for item in by_itself.children} - {"pulumi"}
        own = [item for item in done.children if item.parent.endswith((f"::hub-{backend}", f"::score-{backend}"))]
        assert {item.type.split(":")[0] for item in own} - {"pulumi"} == packages
        assert len(own) == len(by_itself.children)


def alone(words: Words) -> mlops.Platform:
    return platform(words, consumers=[words.consumer], secrets={"hub-token": SECRET})


def together(words: Words, hub: Any = None) -> mlops.Endpoint:
    hub = hub or alone(words)
    profile = group(words, store(words, hub), online={})
    churn = model(words, registry(words, hub), gate={"auc": ">=0.9"})
    return endpoint(
        words,
        hub,
        model=churn.version(3),
        reads=[profile.online],
        secrets={"HUB_TOKEN": hub.secret("hub-token")},
        scaling=STEPS,
        release=CANARY,
    )


@every_backend_with(*TOGETHER)
def test_a_platform_from_another_stack_is_as_good_as_one_of_this(backend: str) -> None:
    owner = run(alone, backend)
    assert owner.export
    loaded = PlatformRef.load(json.loads(json.dumps(owner.export)))

    def user(words: Words) -> mlops.Endpoint:
        return together(words, loaded)

    one, two = facts(run(together, backend)), facts(run(user, backend))
    own = {key: value for key, value in one.items() if key not in facts(owner)}
    # What the owner's platform makes with it, the user's stack may make for itself: the way to the same place.
    two = {key: value for key, value in two.items() if not key[0].startswith("pulumi:providers:")}
    assert {key: value[0] for key, value in two.items()} == {key: value[0] for key, value in own.items()}


@every_backend_with(*TOGETHER)
@pytest.mark.parametrize("way", ["again", "preview"])
def test_the_next_run_says_the_same(backend: str, way: Way) -> None:
    assert facts(run(together, backend)) == facts(run(together, backend, way))


def waiting(words: Words) -> mlops.Endpoint:
    hub = platform(words)
    churn = model(words, registry(words, hub))
    return endpoint(words, hub, model=churn.approved(otherwise="wait"))


@every_backend_with("model", "endpoint")
def test_an_endpoint_waits_for_the_first_approval(backend: str) -> None:
    done = run(waiting, backend, "preview")
    assert done.error is None
    assert done.export
    assert (done.export["status"], done.export["url"], done.export["captured"]) == ("waiting", None, None)
    assert [item.name for item in done.children if item.parent.endswith("::score")] == []
    assert [text for text in done.said if "waits for the first approved version of churn" in text]


@every_backend_with("model", "endpoint")
def test_no_approval_is_an_error_unless_it_may_wait(backend: str) -> None:
    done = run(lambda w: endpoint(w, model=model(w).approved()), backend)
    assert isinstance(done.error, InvalidArgs)
    assert "no version is approved yet" in str(done.error)


@every_backend_with("model")
def test_a_version_is_named_by_its_number(backend: str) -> None:
    def third(words: Words) -> mlops.Model:
        churn = model(words)
        assert (churn.version(3).version, churn.version(3).waiting, churn.version(3).name) == (3, False, "churn")
        return churn

    assert run(third, backend).error is None


@every_backend_with("platform.images", "endpoint")
@pytest.mark.parametrize("tag", ["1.0.0", "sha256:0123"])
def test_an_image_has_an_address(backend: str, tag: str) -> None:
    def program(words: Words) -> mlops.Endpoint:
        hub = platform(words, images=["ranker"])
        return endpoint(words, hub, model={**files(words), "image": hub.image("ranker", tag)})

    done = run(program, backend)
    assert done.error is None
    wanted = f"ranker@{tag}" if ":" in tag else f"ranker:{tag}"
    assert wanted in json.dumps([item.inputs for item in done.children])


@every_backend
def test_what_holds_data_is_protected_in_prod(backend: str) -> None:
    def program(words: Words, stage: str) -> Any:
        return platform(words, stage=stage)

    assert [item.name for item in run(lambda w: program(w, "dev"), backend).registered if item.protect] == []
    assert [item.name for item in run(lambda w: program(w, "prod"), backend).registered if item.protect] != []


@every_backend_with("feature_group", "model")
@pytest.mark.parametrize("noun", ["feature_group", "model"])
def test_protect_protects(backend: str, noun: str) -> None:
    build: Any = {"feature_group": group, "model": model}[noun]
    component = {"feature_group": "profile", "model": "churn"}[noun]
    for wanted in (True, False):
        done = run(lambda w, build=build, wanted=wanted: build(w, protect=wanted), backend)
        guarded = [item.name for item in done.children if item.protect and item.parent.endswith(f"::{component}")]
        assert bool(guarded) is wanted, f"protect={wanted} protects {guarded}"


@every_backend_with("feature_group.online")
def test_a_group_remembers_its_table(backend: str) -> None:
    export = ran("feature_group.online", backend).export
    assert export
    assert export["features"] == FEATURES
    assert (export["keys"], export["event_time"]) == (["customer_id"], "at")
    assert (export["has_online"], export["has_offline"]) == (True, True)


@every_backend_with("model_registry.consumers")
def test_a_registry_takes_the_platforms_consumers(backend: str) -> None:
    done = run(lambda w: registry(w, platform(w, consumers=[w.consumer])), backend)
    assert done.export
    assert done.export["consumers"] == [WORDS[backend].consumer]
    assert "model_registry.consumers" in done.uses
