"""A policy pack: the rules as the engine asks for them, for `pulumi preview --policy-pack FOLDER`.

The engine's protocol is spoken here, and not by Pulumi's SDK for policies: that one reads each resource anew for each
rule, knows no other level than a policy's, and pins a version of protobuf that excludes newer ones.
"""

import json
import os
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent import futures
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NoReturn

import grpc
from google.protobuf import empty_pb2
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from pulumi_mlops.core.replaceable import REPLACEABLE, names
from pulumi_mlops.policies.catalogue import RULES
from pulumi_mlops.policies.costs.meters import metered
from pulumi_mlops.policies.judge import Judge
from pulumi_mlops.policies.model import VARIABLE, Finding, Rule, record
from pulumi_mlops.policies.resources import Resource, Stack
from pulumi_mlops.policies.settings import PROFILES, Level, Profile, Settings, level, problems, schema
from pulumi_mlops.policies.wire import changed, plain, read

NAME: Final = "pulumi-mlops"
PROFILE_KEY: Final = "pulumi-mlops:profile"
"""The setting of a stack that names the profile."""
VERSION: Final = metadata.version(NAME)
SETTINGS: Final = "settings"
"""The name under which a configuration has what is not of one rule."""
LARGEST: Final = 400 * 1024 * 1024
LEVELS: Final[Mapping[Level, Any]] = {
    "mandatory": analyzer_pb2.MANDATORY,
    "advisory": analyzer_pb2.ADVISORY,
    "disabled": analyzer_pb2.DISABLED,
}
BY_NUMBER: Final[Mapping[int, Level]] = {
    analyzer_pb2.MANDATORY: "mandatory",
    analyzer_pb2.ADVISORY: "advisory",
    analyzer_pb2.DISABLED: "disabled",
    analyzer_pb2.REMEDIATE: "mandatory",
}
"""What the engine asks for; what `remediate` does not mend is a violation."""
SEVERITY: Final = {
    "critical": analyzer_pb2.POLICY_SEVERITY_CRITICAL,
    "high": analyzer_pb2.POLICY_SEVERITY_HIGH,
    "medium": analyzer_pb2.POLICY_SEVERITY_MEDIUM,
    "low": analyzer_pb2.POLICY_SEVERITY_LOW,
}


EXPIRED: Final = {
    "rule": SETTINGS,
    "title": "No exception has expired",
    "severity": "high",
    "level": "mandatory",
    "state": "violation",
    "resource": "settings",
    "type": "",
    "urn": "",
    "fix": "a later day, or no exception",
    "note": "",
}


class Analyzer(analyzer_pb2_grpc.AnalyzerServicer):
    """Answers the engine."""

    def __init__(self, rules: Sequence[Rule], profile: Profile, *, fixed: bool, report: Path | None) -> None:
        self.profile: Profile = profile
        self._stack = ""
        self._replaceable: tuple[str, ...] = ()
        self._told: Mapping[str, Any] = {}
        self._mending: frozenset[str] = frozenset()
        self.rules, self._fixed, self._report = tuple(rules), fixed, report
        self._levels: dict[str, Level] = {}
        self._judge = Judge(())
        self._inputs: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._configured({}, Settings())

    def _configured(self, levels: Mapping[str, Level], settings: Settings) -> None:
        own: dict[str, Level] = {rule.id: level(rule.id, rule.severity, self.profile) for rule in self.rules}
        self._levels = own | dict(levels)
        self._judge = Judge((rule for rule in self.rules if self._levels[rule.id] != "disabled"), settings)

    # The names below are the protocol's.

    def Handshake(self, request: Any, context: Any) -> analyzer_pb2.AnalyzerHandshakeResponse:
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def ConfigureStack(self, request: Any, context: Any) -> analyzer_pb2.AnalyzerStackConfigureResponse:
        self._stack = request.stack
        named = request.config.get(PROFILE_KEY)
        if named and not self._fixed:
            known: dict[str, Profile] = {each: each for each in PROFILES}
            if named not in known:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{PROFILE_KEY} is one of {', '.join(PROFILES)}")
            self.profile = known[named]
            self._configured({}, self._judge.settings)
        try:
            self._replaceable = names(request.config.get(REPLACEABLE, ""))
        except ValueError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetAnalyzerInfo(self, request: Any, context: Any) -> analyzer_pb2.AnalyzerInfo:
        policies = [self._info(rule) for rule in self.rules]
        general = analyzer_pb2.PolicyInfo(
            name=SETTINGS,
            displayName="Settings",
            description="The settings of the pack; no exception has expired",
            enforcementLevel=analyzer_pb2.MANDATORY,
            policy_type=analyzer_pb2.POLICY_TYPE_STACK,
        )
        general.configSchema.properties.update(schema()["properties"])
        return analyzer_pb2.AnalyzerInfo(
            name=NAME,
            displayName="Platforms for machine learning",
            version=VERSION,
            supportsConfig=True,
            policies=[*policies, general],
        )

    def _info(self, rule: Rule) -> analyzer_pb2.PolicyInfo:
        across = any(check.relation for check in rule.checks)
        return analyzer_pb2.PolicyInfo(
            name=rule.id,
            displayName=rule.title,
            description=f"{rule.title}. {rule.why}",
            enforcementLevel=LEVELS[self._levels[rule.id]],
            policy_type=analyzer_pb2.POLICY_TYPE_STACK if across else analyzer_pb2.POLICY_TYPE_RESOURCE,
            severity=SEVERITY[rule.severity],
            framework=analyzer_pb2.PolicyComplianceFramework(reference="; ".join(rule.sources)),
            tags=list(rule.clouds),
            url=rule.url,
        )

    def Configure(self, request: Any, context: Any) -> empty_pb2.Empty:
        given = {name: MessageToDict(one.properties) for name, one in request.policyConfig.items()}
        levels: dict[str, Level] = {name: BY_NUMBER[one.enforcementLevel] for name, one in request.policyConfig.items()}
        levels.pop(SETTINGS, None)
        settings, wrong = problems(given.get(SETTINGS, {}), [rule.id for rule in self.rules])
        if settings is None or wrong:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{SETTINGS}: {'; '.join(wrong)}")
            raise AssertionError  # abort has raised
        asked = {name for name, one in request.policyConfig.items() if one.enforcementLevel == analyzer_pb2.REMEDIATE}
        self._mending = frozenset(asked)
        self._told = given.get(SETTINGS, {})
        self._configured(levels, settings)
        return empty_pb2.Empty()

    def Remediate(self, request: Any, context: Any) -> analyzer_pb2.RemediateResponse:
        response = analyzer_pb2.RemediateResponse()
        if not self._mending:
            return response
        properties = request.properties
        for rule, changes in self._judge.mended(read(request, *plain(properties)), self._mending):
            properties = changed(properties, changes)  # each is told with what those before it have mended
            response.remediations.append(
                analyzer_pb2.Remediation(
                    policyName=rule.id,
                    policyPackName=NAME,
                    policyPackVersion=VERSION,
                    description=f"{rule.title}: {', '.join('.'.join(path) for path, _ in changes)}",
                    properties=properties,
                )
            )
        return response

    def Analyze(self, request: Any, context: Any) -> analyzer_pb2.AnalyzeResponse:
        props, secrets = plain(request.properties)
        with self._lock:
            self._inputs[request.urn] = props
        return self._said(self._judge.resource(read(request, props, secrets)))

    def AnalyzeStack(self, request: Any, context: Any) -> analyzer_pb2.AnalyzeResponse:
        stack = Stack(self._whole(each) for each in request.resources)
        response = self._said(self._judge.stack(stack))
        for each in self._judge.settings.expired():
            message = f"The exception of {each.owner} from {each.rule} has expired on {each.expires}: {each.reason}"
            self._write(EXPIRED | {"property": f"exceptions.{each.rule}", "message": message})
            response.diagnostics.append(
                analyzer_pb2.AnalyzeDiagnostic(
                    policyName=SETTINGS,
                    policyPackName=NAME,
                    policyPackVersion=VERSION,
                    description=EXPIRED["title"],
                    message=message,
                    enforcementLevel=analyzer_pb2.MANDATORY,
                )
            )
        for one in metered(stack) if self._report else ():
            self._write({"metered": one.plain()})
        end = {"end": True, "stack": self._stack, "resources": len(stack.resources)}
        levels = {rule.id: self._levels[rule.id] for rule in self._judge.rules}
        self._write(end | {"levels": levels, "settings": self._told, "replaceable": self._replaceable})
        return response

    def _whole(self, given: Any) -> Resource:
        """Read a resource of a stack: what the program wrote wins over what the provider made of it."""
        props, secrets = plain(given.properties)
        return read(given, {**props, **self._inputs.get(given.urn, {})}, secrets)

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def _said(self, findings: Iterable[Finding]) -> analyzer_pb2.AnalyzeResponse:
        response = analyzer_pb2.AnalyzeResponse()
        for finding in findings:
            own = self._levels[finding.rule.id]
            self._write(record(finding, own))
            if finding.state == "excepted":
                continue
            undecided = finding.state == "undecided"
            response.diagnostics.append(
                analyzer_pb2.AnalyzeDiagnostic(
                    policyName=finding.rule.id,
                    policyPackName=NAME,
                    policyPackVersion=VERSION,
                    description=finding.rule.title,
                    message=f"{finding.rule.title}: {finding.resource}: {finding.message()}",
                    enforcementLevel=analyzer_pb2.ADVISORY if undecided else LEVELS[own],
                    urn=finding.urn,
                    severity=SEVERITY[finding.rule.severity],
                )
            )
        return response

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._report:
            with self._lock, self._report.open("a") as file:
                file.write(json.dumps(line) + "\n")


def serve(rules: Iterable[Rule] = RULES, *, profile: Profile | None = None) -> NoReturn:
    """Be a policy pack until the engine ends this process: the whole of a pack's ``__main__.py``.

    The profile is that of the argument, else that of the stack's setting `pulumi-mlops:profile`, else `prod`.
    """
    report = os.environ.get(VARIABLE)
    analyzer = Analyzer(
        tuple(rules), profile or "prod", fixed=profile is not None, report=Path(report) if report else None
    )
    options = [("grpc.max_receive_message_length", LARGEST), ("grpc.max_send_message_length", LARGEST)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=options)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(analyzer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()
    sys.exit(0)
