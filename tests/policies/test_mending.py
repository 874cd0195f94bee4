"""What rules mend where their level is `remediate`, and that nothing else is touched."""

import copy
import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2

from pulumi_mlops.policies import BY_ID, RULES, Exemption, Judge, Resource, Settings
from pulumi_mlops.policies.model import Change
from pulumi_mlops.policies.pack import SETTINGS as NAME
from pulumi_mlops.policies.pack import Analyzer
from pulumi_mlops.policies.settings import problems
from pulumi_mlops.policies.wire import SECRET, SIGNATURE, UNKNOWNS, plain
from support.policies import GONE, SETTINGS, Resources, aws, azure, edited, kubernetes

TAGS = "governance.tags-required"
ASKED = replace(SETTINGS, tag_values={"owner": "ml", "project": "churn", "floor": "7"})
CLOUDS = {"aws": aws, "azure": azure, "kubernetes": kubernetes}
CASES = [
    ("aws", "data.no-public-access", "closed", "blockPublicPolicy", False),
    ("aws", "data.no-public-access", "closed", "ignorePublicAcls", GONE),
    ("aws", TAGS, "files", "tags", GONE),
    ("aws", TAGS, "files", "tags", {"owner": "they"}),
    ("azure", "data.no-public-access", "files", "allowBlobPublicAccess", True),
    ("azure", "encryption.in-transit", "files", "enableHttpsTrafficOnly", False),
    ("azure", "encryption.in-transit", "files", "minimumTlsVersion", "TLS1_0"),
    ("azure", "encryption.feature-store", "online", "enableNonSslPort", True),
    ("azure", "encryption.feature-store", "online", "minimumTlsVersion", "1.0"),
    ("azure", TAGS, "files", "tags", GONE),
    ("kubernetes", TAGS, "namespace", "metadata/labels", GONE),
]


def applied(one: Resource, changes: Iterable[Change]) -> Resource:
    props = copy.deepcopy(dict(one.value))
    for path, value in changes:
        place: Any = props
        for word in path[:-1]:
            place = place.setdefault(word, {})
        place[path[-1]] = value
    return replace(one, value=props)


def violated(resources: Resources, rule: str) -> list[str]:
    return [each.resource for each in Judge([BY_ID[rule]], ASKED).all(list(resources.values()))]


@pytest.mark.parametrize(("cloud", "rule", "name", "path", "value"), CASES)
def test_what_is_mended_is_as_the_rule_asks(cloud: str, rule: str, name: str, path: str, value: Any) -> None:
    resources: Resources = dict(CLOUDS[cloud].GOOD)
    assert list(Judge(RULES, ASKED).mended(resources[name], BY_ID)) == [], "something is mended that is good"
    edited(name, path, value)(resources)
    assert violated(resources, rule)
    assert list(Judge(RULES, ASKED).mended(resources[name], ())) == []
    ((found, changes),) = Judge(RULES, ASKED).mended(resources[name], [rule])
    assert found.id == rule
    resources[name] = applied(resources[name], changes)
    assert violated(resources, rule) == []


def test_each_mending_has_a_case() -> None:
    covered = {(rule, CLOUDS[cloud].GOOD[name].type) for cloud, rule, name, _, _ in CASES}
    for rule in RULES:
        for mending in rule.mendings:
            assert {(rule.id, kind) for kind in mending.types} & covered, rule.id


def test_tags_have_no_value_that_nobody_told() -> None:
    one = replace(aws.GOOD["files"], value={})
    assert list(Judge(RULES, SETTINGS).mended(one, [TAGS])) == []
    ((_, changes),) = Judge(RULES, ASKED).mended(one, [TAGS])
    assert {path[-1] for path, _ in changes} <= set(ASKED.tags), "a tag that nobody requires"


def test_what_is_excepted_stays() -> None:
    last = Exemption(rule=TAGS, owner="ml", reason="it is somebody else's", expires=ASKED.today)
    one = replace(aws.GOOD["files"], value={})
    assert list(Judge(RULES, replace(ASKED, exceptions=(last,))).mended(one, [TAGS])) == []
    late = replace(ASKED, exceptions=(last,), today=ASKED.today + dt.timedelta(days=1))
    assert list(Judge(RULES, late).mended(one, [TAGS]))


def test_what_is_read_out_of_another_form_stays() -> None:
    for token in ("aws-native:s3:Bucket", "aws:cloudcontrol/resource:Resource"):
        one = replace(aws.GOOD["files"], value={}, token=token)
        assert list(Judge(RULES, ASKED).mended(one, [TAGS])) == []


GIVEN: dict[str, Any] = {
    "bucket": {SIGNATURE: SECRET, "value": "hidden"},
    "arn": next(iter(UNKNOWNS)),
    "tags": {SIGNATURE: SECRET, "value": {"project": "churn"}},
}


def answered(level: Any, properties: dict[str, Any]) -> Any:
    """Ask the pack as the engine does."""
    pack = Analyzer(RULES, "dev", fixed=True, report=None)
    asked = analyzer_pb2.ConfigureAnalyzerRequest()
    asked.policyConfig[TAGS].enforcementLevel = level
    asked.policyConfig[NAME].enforcementLevel = analyzer_pb2.MANDATORY
    asked.policyConfig[NAME].properties.update({"tag_values": {"owner": "ml"}})
    pack.Configure(asked, None)
    given = Struct()
    given.update(properties)
    return pack.Remediate(
        analyzer_pb2.AnalyzeRequest(type="aws:s3/bucket:Bucket", name="files", urn="urn:files", properties=given), None
    )


def test_secrets_and_unknown_values_stay_what_they_are() -> None:
    (found,) = answered(analyzer_pb2.REMEDIATE, GIVEN).remediations
    assert (found.policyName, found.description) == (TAGS, "A resource says whose it is: tags.owner")
    after, before = found.properties.fields, Struct()
    before.update(GIVEN)
    assert after["bucket"] == before.fields["bucket"]
    assert after["arn"] == before.fields["arn"]
    assert sorted(plain(found.properties)[1]) == ["bucket", "tags"]
    assert plain(found.properties)[0]["tags"] == {"project": "churn", "owner": "ml"}


@pytest.mark.parametrize("level", [analyzer_pb2.MANDATORY, analyzer_pb2.ADVISORY, analyzer_pb2.DISABLED])
def test_nothing_is_mended_unless_asked(level: Any) -> None:
    assert list(answered(level, GIVEN).remediations) == []


def test_what_is_not_known_yet_is_not_overwritten() -> None:
    assert list(answered(analyzer_pb2.REMEDIATE, {"tags": next(iter(UNKNOWNS))}).remediations) == []


def test_values_of_tags_are_texts() -> None:
    assert problems({"tag_values": {"owner": 7}}, ()) == (None, ["tag_values.owner: is no string"])
    settings, wrong = problems({"tag_values": {"owner": "ml"}}, ())
    assert (settings and settings.tag_values, wrong) == ({"owner": "ml"}, [])
    assert Settings().tag_values is None
