"""The pack as the engine asks it: what is configured, what fails, and rules of a user's beside the library's."""

from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.runtime.proto import analyzer_pb2

from pulumi_mlops.core.replaceable import REPLACEABLE
from pulumi_mlops.policies import RULES, Problem, Resource, Rule, Settings, on
from pulumi_mlops.policies.pack import PROFILE_KEY, SETTINGS, Analyzer

EXCEPTION = {
    "rule": "data.no-force-destroy",
    "owner": "ml",
    "reason": "it is emptied on purpose each night",
    "expires": "2020-01-31",
}


class RefusedError(Exception):
    """What the pack says when it refuses."""


class Context:
    """The engine's end of a call."""

    def abort(self, _: Any, said: str) -> None:
        raise RefusedError(said)


def named(one: Resource, _: Settings) -> Iterator[Problem]:
    if not str(one.get("bucket", "")).startswith("acme-"):
        yield Problem("bucket", "is not called after us", "a name that begins with acme-")


OURS = Rule(
    "acme.names", "A bucket is called after us", "critical", "We look.", ("handbook",), (on("aws:s3:Bucket", named),)
)


def pack(*rules: Rule, settings: dict[str, Any] | None = None, **levels: Any) -> Analyzer:
    made = Analyzer(rules or RULES, "prod", fixed=False, report=None)
    asked = analyzer_pb2.ConfigureAnalyzerRequest()
    asked.policyConfig[SETTINGS].enforcementLevel = analyzer_pb2.MANDATORY
    asked.policyConfig[SETTINGS].properties.update(settings or {})
    for name, level in levels.items():
        asked.policyConfig[name.replace("__", ".").replace("_", "-")].enforcementLevel = level
    made.Configure(asked, Context())
    return made


def bucket(**props: Any) -> analyzer_pb2.AnalyzeRequest:
    asked = analyzer_pb2.AnalyzeRequest(type="aws:s3/bucket:Bucket", name="files", urn="urn:files")
    asked.properties.update(props)
    return asked


def levels(response: analyzer_pb2.AnalyzeResponse) -> dict[str, int]:
    return {each.policyName: each.enforcementLevel for each in response.diagnostics}


def test_an_exception_that_has_expired_fails_whatever_there_is() -> None:
    asked = analyzer_pb2.AnalyzeStackRequest()
    late = levels(pack(settings={"exceptions": [EXCEPTION]}).AnalyzeStack(asked, Context()))
    assert late == {SETTINGS: analyzer_pb2.MANDATORY}
    holds = {**EXCEPTION, "expires": "2999-12-31"}
    assert levels(pack(settings={"exceptions": [holds]}).AnalyzeStack(asked, Context())) == {}


def test_an_exception_that_holds_lets_the_resource_pass() -> None:
    asked = bucket(forceDestroy=True)
    assert EXCEPTION["rule"] in levels(pack().Analyze(asked, Context()))
    holds = {**EXCEPTION, "expires": "2999-12-31"}
    assert EXCEPTION["rule"] not in levels(pack(settings={"exceptions": [holds]}).Analyze(asked, Context()))


@pytest.mark.parametrize(
    "wrong", [{"exceptions": [{**EXCEPTION, "rule": "no.rule"}]}, {"regions": "us-east-1"}, {"no": 1}]
)
def test_what_is_wrong_in_the_settings_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="settings: "):
        pack(settings=wrong)


def test_a_rule_of_a_users_stands_beside_ours_and_has_its_level() -> None:
    asked = bucket(forceDestroy=True, bucket="files")
    both = levels(pack(*RULES, OURS).Analyze(asked, Context()))
    assert both["acme.names"] == both[EXCEPTION["rule"]] == analyzer_pb2.MANDATORY
    told = levels(pack(*RULES, OURS, acme__names=analyzer_pb2.ADVISORY).Analyze(asked, Context()))
    assert told["acme.names"] == analyzer_pb2.ADVISORY
    info = pack(*RULES, OURS).GetAnalyzerInfo(None, Context())
    assert [each.name for each in info.policies][-2:] == ["acme.names", SETTINGS]


@pytest.mark.parametrize(
    ("profile", "level"),
    [("dev", analyzer_pb2.ADVISORY), ("prod", analyzer_pb2.MANDATORY), ("regulated", analyzer_pb2.MANDATORY)],
)
def test_a_stack_names_its_profile(profile: str, level: int) -> None:
    made = Analyzer(RULES, "prod", fixed=False, report=None)
    made.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(config={PROFILE_KEY: profile}), Context())
    (found,) = (
        each for each in made.GetAnalyzerInfo(None, Context()).policies if each.name == "governance.regions-allowed"
    )
    assert found.enforcementLevel == level


def test_a_setting_of_the_stack_that_is_wrong_is_refused() -> None:
    made = Analyzer(RULES, "prod", fixed=False, report=None)
    for key, value in ((PROFILE_KEY, "strict"), (REPLACEABLE, "files")):
        with pytest.raises(RefusedError, match=key):
            made.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(config={key: value}), Context())
