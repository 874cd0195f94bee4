"""How much, how long and which characters AWS takes, as botocore describes it.

``shapes`` is a table of what is judged by, so that a preview need not load botocore's descriptions. Only what the table
refuses is asked of the botocore that is installed, which may be newer than this library.
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from pulumi_mlops.backends.aws import sessions
from pulumi_mlops.backends.aws.shapes import MACHINES as _MACHINES
from pulumi_mlops.backends.aws.shapes import SHAPES
from pulumi_mlops.components.endpoint import EndpointSpec
from pulumi_mlops.components.feature_group import FeatureGroupSpec
from pulumi_mlops.components.identity import IdentitySpec
from pulumi_mlops.components.model import ModelSpec
from pulumi_mlops.components.model_registry import ModelRegistrySpec
from pulumi_mlops.components.platform import PlatformSpec
from pulumi_mlops.components.training_cluster import TrainingClusterSpec
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
    TrainingClusterSpec: {"warm_minutes": (1, SHAPES["sagemaker.KeepAlivePeriodInSeconds"]["max"] // 60)},
}
"""What the shapes do not say, or say in another unit
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html and its neighbours)."""
_RESERVED = "aws:"
_MARKS = 2  # tags of a configuration beside those of every resource
_CLASS = re.compile(r"\^?\(?\[(?P<of>.*)\][*+]\)?\$?(\{\d+,\d+\})?")


HOSTING, TRAINING, CLUSTER = "ProductionVariantInstanceType", "TrainingInstanceType", "ClusterInstanceType"
PROCESSING = "ProcessingInstanceType"
"""What SageMaker calls the instances of endpoints, of training jobs, of HyperPod clusters and of processing jobs."""
_MORE = (
    *(("sagemaker", name) for name in ("TagList", "TagKey", "TagValue", "FeatureName", "EntityName")),
    ("sagemaker", "FeatureAdditions"),
    ("sagemaker", "KeepAlivePeriodInSeconds"),
)
"""Shapes that are judged by beside those of fields."""


def used() -> Iterator[tuple[str, str]]:
    """Name every shape, with its service, that the table has: the machines apart, and members of mappings."""
    yield from {one: None for shapes in _SHAPES.values() for one in shapes.values()} | dict.fromkeys(_MORE)


@functools.cache
def _shapes(service: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = sessions.loader(None).load_service_model(service, "service-2")["shapes"]
    return found


def told(service: str, name: str) -> Mapping[str, Any]:
    """Return what the botocore that is installed says of a type."""
    found: Mapping[str, Any] = _shapes(service)[name]
    return found


def shape(service: str, name: str) -> Mapping[str, Any]:
    """Return what AWS says of a type: ``min``, ``max``, ``pattern`` and the kind."""
    return SHAPES[f"{service}.{name}"]


def machines(wanted: str, what_for: str) -> Collection[str]:
    """Return the types of instances for a purpose; botocore's list where the table lacks the wanted one."""
    if wanted in _MACHINES[what_for]:
        return _MACHINES[what_for]
    newest: list[str] = told("sagemaker", what_for)["enum"]
    return newest


def most(service: str, name: str, needed: int) -> int:
    """Return how many of something AWS takes; botocore's number where the table's is too small."""
    kept: int = shape(service, name)["max"]
    return kept if needed <= kept else max(kept, told(service, name)["max"])


def limit_problems(spec: Spec) -> Iterator[Problem]:
    """Judge what is plain in a spec, its tags included."""
    for path, (service, name) in _SHAPES.get(type(spec), {}).items():
        value = _at(spec, path)
        if value is None or value in ({}, []):
            continue
        if isinstance(value, Mapping) and shape(service, name)["type"] not in ("map", "list"):
            for key, one in value.items():
                yield from _judge(f"{path}.{key}", key if path == "events" else one, service, name)
        else:
            yield from _judge(path, value, service, name)
    for path, (least, most) in _OURS.get(type(spec), {}).items():
        yield from _span(path, _at(spec, path), least, most, "")
    if isinstance(spec, EndpointSpec):
        yield from _variables(spec)
    yield from _tags(spec)


def _variables(spec: EndpointSpec) -> Iterator[Problem]:
    count = len(spec.environment) + len(spec.reads) + len(spec.secrets)
    limit = most("sagemaker", "EnvironmentMap", count)
    if len(spec.environment) <= limit < count:
        yield Problem(
            "environment", f"{count} variables with those of reads and secrets: AWS takes at most {limit}; set fewer"
        )


def _at(spec: Spec, path: str) -> Any:
    value: Any = spec
    for step in path.split("."):
        value = getattr(value, step, None)
    return value


def _judge(field: str, value: Any, service: str, name: str) -> Iterator[Problem]:
    """Judge a value by the table, and by the installed botocore what the table refuses."""
    if is_deferred(value):
        return
    if any(_judged(field, value, (service, name), shape)):
        yield from _judged(field, value, (service, name), told)


def judged_as_told(field: str, value: Any, service: str, name: str) -> Iterator[Problem]:
    """Judge a plain value, a list's length or a mapping by what the installed botocore says of a type."""
    yield from _judged(field, value, (service, name), told)


def _judged(
    field: str, value: Any, of: tuple[str, str], describe: Callable[[str, str], Mapping[str, Any]]
) -> Iterator[Problem]:
    described = describe(*of)
    least, top = described.get("min", 0), described.get("max")
    if is_deferred(value):
        return
    if described["type"] == "map":
        yield from _span(field, len(value), least, top, " entries")
        for key, one in value.items():
            for part, given in (("key", key), ("value", one)):
                yield from _judged(f"{field}.{key[:40]}", given, (of[0], described[part]["shape"]), describe)
    elif described["type"] == "list":
        yield from _span(field, len(value), 0 if value else least, top, "")
    elif isinstance(value, str):
        yield from _span(field, len(value), least, top, " characters")
        yield from _characters(field, value, described.get("pattern"))
    else:
        yield from _span(field, value, least, top, "")


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
    limit = most("sagemaker", "TagList", count)
    if count > limit:
        yield Problem("tags", f"{count} tags with the library's own: AWS takes at most {limit}; leave some out")


def _own_tags(spec: PlatformSpec, defaults: Mapping[str, str]) -> Iterator[Problem]:
    if spec.owner:
        yield from _judge("owner", spec.owner, "sagemaker", "TagValue")
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
    yield from _judge(where, key, "sagemaker", "TagKey")
    yield from _judge(where, value, "sagemaker", "TagValue")
    if key.casefold().startswith(_RESERVED):
        yield Problem(where, f"keys that begin with {_RESERVED!r} are AWS's own; take another key")
    if (other := defaults.get(key.casefold(), key)) != key:
        yield Problem(where, f"differs from {other!r} of aws:defaultTags in upper and lower case only; write {other!r}")
