"""How much, how long and which characters AWS takes: read from botocore's descriptions of the services."""

import functools
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_mlops.backends.aws import sessions
from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from pulumi_mlops.components.identity import IdentitySpec
from pulumi_mlops.components.model import ModelSpec
from pulumi_mlops.components.model_registry import ModelRegistrySpec
from pulumi_mlops.components.platform import PlatformSpec
from pulumi_mlops.core.component import anchor
from pulumi_mlops.core.errors import Problem
from pulumi_mlops.core.inputs import Spec, is_deferred
from pulumi_mlops.core.tags import OWN

_SHAPES: Mapping[type[Spec], Mapping[str, tuple[str, str]]] = {
    PlatformSpec: {
        "secrets": ("secretsmanager", "SecretStringType"),
        "budget_thresholds": ("budgets", "NotificationWithSubscribersList"),
    },
    FeatureGroupSpec: {
        "description": ("sagemaker", "Description"),
        "features": ("sagemaker", "FeatureDefinitions"),
        "online.ttl_hours": ("sagemaker", "TtlDurationValue"),
    },
    ModelSpec: {"description": ("sagemaker", "EntityDescription")},
    ModelRegistrySpec: {"events": ("events", "TargetId")},
    EndpointSpec: {
        "environment": ("sagemaker", "EnvironmentMap"),
        "variants": ("sagemaker", "ProductionVariantList"),
        "model.image": ("sagemaker", "ContainerImage"),
        "model.artifact": ("sagemaker", "Url"),
        "serve.image": ("sagemaker", "ContainerImage"),
        "mode.serverless.max_concurrency": ("sagemaker", "ServerlessMaxConcurrency"),
        "mode.serverless.provisioned": ("sagemaker", "ServerlessProvisionedConcurrency"),
        "mode.asynchronous.max_concurrency": ("sagemaker", "MaxConcurrentInvocationsPerInstance"),
    },
    IdentitySpec: {"trusts.account.external_id": ("sts", "externalIdType")},
}
"""Which shape of which service the value of a field becomes; where the field is a mapping and the shape is none, its
values do, or its keys of events."""
_OURS: Mapping[type[Spec], Mapping[str, tuple[int, int]]] = {
    EndpointSpec: {
        "release.canary.percent": (1, 50),
        "release.canary.bake_minutes": (0, 60),
        "release.linear.step_percent": (10, 50),
        "release.linear.interval_minutes": (0, 60),
    },
}
"""What the shapes do not say, or say in another unit
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html and its neighbours)."""
_RESERVED = "aws:"
_MARKS = 2  # tags of a configuration beside those of every resource
_CLASS = re.compile(r"\^?\(?\[(?P<of>.*)\][*+]\)?\$?")


@functools.cache
def _shapes(service: str) -> Mapping[str, Any]:
    import botocore.session  # noqa: PLC0415 (not free to import)

    loader = botocore.session.get_session().get_component("data_loader")
    found: Mapping[str, Any] = loader.load_service_model(service, "service-2")["shapes"]
    return found


def shape(service: str, name: str) -> Mapping[str, Any]:
    """Return what AWS says of a type: ``min``, ``max``, ``pattern`` and the kind."""
    found: Mapping[str, Any] = _shapes(service)[name]
    return found


def limit_problems(spec: Spec) -> Iterator[Problem]:
    """Judge what is plain in a spec, its tags included."""
    for path, (service, name) in _SHAPES.get(type(spec), {}).items():
        value = _at(spec, path)
        if value is None or value in ({}, []):
            continue
        described = shape(service, name)
        if isinstance(value, Mapping) and described["type"] not in ("map", "list"):
            for key, one in value.items():
                yield from _judge(f"{path}.{key}", key if path == "events" else one, service, described)
        else:
            yield from _judge(path, value, service, described)
    for path, (least, most) in _OURS.get(type(spec), {}).items():
        yield from _span(path, _at(spec, path), least, most, "")
    if isinstance(spec, EndpointSpec):
        yield from _variables(spec)
    yield from _tags(spec)


def _variables(spec: EndpointSpec) -> Iterator[Problem]:
    most = shape("sagemaker", "EnvironmentMap")["max"]
    count = len(spec.environment) + len(spec.reads) + len(spec.secrets)
    if len(spec.environment) <= most < count:
        yield Problem(
            "environment", f"{count} variables with those of reads and secrets: AWS takes at most {most}; set fewer"
        )


def _at(spec: Spec, path: str) -> Any:
    value: Any = spec
    for step in path.split("."):
        value = getattr(value, step, None)
    return value


def _judge(field: str, value: Any, service: str, described: Mapping[str, Any]) -> Iterator[Problem]:
    if is_deferred(value):
        return
    least, most = described.get("min", 0), described.get("max")
    if described["type"] == "map":
        yield from _span(field, len(value), least, most, " entries")
        for key, one in value.items():
            yield from _judge(f"{field}.{key[:40]}", key, service, shape(service, described["key"]["shape"]))
            yield from _judge(f"{field}.{key[:40]}", one, service, shape(service, described["value"]["shape"]))
    elif described["type"] == "list":
        yield from _span(field, len(value), 0 if value else least, most, "")
    elif isinstance(value, str):
        yield from _span(field, len(value), least, most, " characters")
        yield from _characters(field, value, described.get("pattern"))
    else:
        yield from _span(field, value, least, most, "")


def _span(field: str, size: Any, least: int, most: int | None, unit: str) -> Iterator[Problem]:
    if size is None or is_deferred(size) or (least <= size and (most is None or size <= most)):
        return
    if most is None:
        span = f"at least {least}"
    else:
        span = f"{least} to {most}" if least and not (unit and size) else f"at most {most}"
    yield Problem(field, f"{size}{unit}: AWS takes {span}{unit}")


def _characters(field: str, value: str, pattern: str | None) -> Iterator[Problem]:
    if pattern is None or fits(value, pattern):
        return
    wrong = sorted(set(value) - {one for one in value if fits(one, pattern)})
    what = f"{', '.join(map(repr, wrong))} is not taken" if wrong else "does not have the form that is taken"
    yield Problem(field, f"{what} by AWS here; it takes {_words(pattern)}")


def fits(value: str, pattern: str) -> bool:
    r"""Tell whether a text has the form of a pattern of botocore's, which may name kinds of letters by ``\p{…}``."""
    found = _CLASS.fullmatch(pattern)
    if found is None or "\\p{" not in pattern:
        return re.fullmatch(pattern, value) is not None
    kinds = tuple(re.findall(r"\\p\{(\w+)\}", found["of"]))
    rest = re.compile(f"[{re.sub(r'.p[{]..?[}]', '', found['of'])}]") if not found["of"].endswith("}") else None
    return all(
        unicodedata.category(one).startswith(kinds) or (rest is not None and rest.fullmatch(one) is not None)
        for one in value
    )


def _words(pattern: str) -> str:
    """Say a pattern for people where it is the one of tags."""
    return "letters, digits, spaces and _ . : / = + - @" if r"\p{L}\p{Z}\p{N}_.:" in pattern else pattern


def _tags(spec: Spec) -> Iterator[Problem]:
    """Judge the tags that a component has: all services take what SageMaker takes, which is the least."""
    hub = anchor(spec)
    defaults = {key.casefold(): key for key in (sessions.configured("defaultTags", "object") or {}).get("tags") or {}}
    if isinstance(spec, PlatformSpec):
        yield from _own_tags(spec, defaults)
    count = len(OWN) + _MARKS + (len(hub.tags) if hub else 0)
    for field in ("tags", "metadata"):
        given: Mapping[str, str] = getattr(spec, field, {})
        count += len(given)
        for key, value in given.items():
            yield from _tag(f"{field}.{key[:40]}", key, value, defaults)
    most = shape("sagemaker", "TagList")["max"]
    if count > most:
        yield Problem("tags", f"{count} tags with the library's own: AWS takes at most {most}; leave some out")


def _own_tags(spec: PlatformSpec, defaults: Mapping[str, str]) -> Iterator[Problem]:
    if spec.owner:
        yield from _judge("owner", spec.owner, "sagemaker", shape("sagemaker", "TagValue"))
    if spec.tag_prefix.casefold().startswith(_RESERVED):
        yield Problem("tag_prefix", f"keys that begin with {_RESERVED!r} are AWS's own; take another prefix")
    for key in (f"{spec.tag_prefix}{one}" for one in OWN):
        if (other := defaults.get(key.casefold(), key)) != key:
            yield Problem(
                "tags",
                f"aws:defaultTags has {other!r}, which differs from the library's own {key!r} in upper and lower case "
                "only, and IAM takes one of the two; rename ours with tag_prefix='mlops-'",
            )


def _tag(where: str, key: str, value: str, defaults: Mapping[str, str]) -> Iterator[Problem]:
    yield from _judge(where, key, "sagemaker", shape("sagemaker", "TagKey"))
    yield from _judge(where, value, "sagemaker", shape("sagemaker", "TagValue"))
    if key.casefold().startswith(_RESERVED):
        yield Problem(where, f"keys that begin with {_RESERVED!r} are AWS's own; take another key")
    if (other := defaults.get(key.casefold(), key)) != key:
        yield Problem(where, f"differs from {other!r} of aws:defaultTags in upper and lower case only; write {other!r}")
