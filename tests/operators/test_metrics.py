"""A real Pushgateway takes what the program sends, and a real Prometheus raises the alerts that are written of it."""

import datetime as dt
import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import pulumi_mlops as mlops
from pulumi_mlops.jobs import measure
from pulumi_mlops_sandbox.kubernetes.operators import programs, table
from support.facts.kubernetes import HUB, NAMESPACE
from support.mocks import Cloud
from support.services import answers, free_port, running
from support.waiting import until
from support.watching import watched

pytestmark = [pytest.mark.operators, pytest.mark.timeout(1800)]

HOURS = 2.0
PREFIX = f"{NAMESPACE}-drift-"


def written() -> tuple[str, dict[str, Any], str]:
    """Return the path of the group, what Prometheus is to judge, and the words with which the Pushgateway begins."""
    cloud = Cloud()
    endpoint = mlops.EndpointRef(name="score", backend="kubernetes", platform=HUB, status="live", address={})
    address = cloud.run(lambda: {"address": watched(HUB, endpoint, stale_after_hours=HOURS).address})["address"]
    groups = cloud.one("PrometheusRule").inputs["spec"]["groups"]
    (container,) = cloud.one("Deployment").inputs["spec"]["template"]["spec"]["containers"]
    listening = next(one for one in container["args"] if one.startswith("--web.listen-address"))
    return urllib.parse.urlsplit(address).path, {"groups": groups}, listening.partition("=")[0]


class Watching:
    """The two servers, and what the second says."""

    def __init__(self, folder: Path) -> None:
        path, rules, listening = written()
        gateway, self.port = free_port(), free_port()
        self.address = f"http://127.0.0.1:{gateway}{path}"
        (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
        # The operator writes no more of a PodMonitor than this: it finds pods, and says of each its namespace.
        target = {"targets": [f"127.0.0.1:{gateway}"], "labels": {"namespace": NAMESPACE, "endpoint": "http"}}
        scraped = {"job_name": "pods", "honor_labels": True, "static_configs": [target]}
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [scraped],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
        self.commands = (
            [_program(table.PUSHGATEWAY), f"{listening}=127.0.0.1:{gateway}", f"--persistence.file={folder / 'kept'}"],
            [
                _program(table.PROMETHEUS),
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
        )
        self.ready = [f"http://127.0.0.1:{port}/-/ready" for port in (gateway, self.port)]

    def firing(self) -> set[str]:
        """Name the alarms that a trigger would see, which asks for alerts by name alone."""
        query = urllib.parse.urlencode({"query": 'ALERTS{alertstate="firing"}'})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{query}", timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        assert all(one["metric"]["namespace"] == NAMESPACE for one in found), "people are told by this label"
        return {one["metric"]["alertname"].removeprefix(PREFIX) for one in found}

    def put(self, hours_ago: float = 0.0, **values: float) -> None:
        measure.put(self.address, values, dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours_ago))

    def becomes(self, *alarms: str) -> None:
        until(lambda: self.firing() == set(alarms), f"{alarms} alone are firing", 60)


def _program(module: table.Module) -> str:
    (program,) = module.programs
    return str(programs.built(module) / program.name)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    folder = tmp_path_factory.mktemp("watching")
    found = Watching(folder)
    first, second = found.commands
    with running(first, folder / "pushgateway.log"), running(second, folder / "prometheus.log"):
        for url in found.ready:
            until(lambda url=url: answers(url), url)
        yield found


def test_bounds_are_alerts_while_what_was_measured_last_is_beyond_them(servers: Watching) -> None:
    servers.put(data_drift=0.1, model_quality=0.9, rows=500)
    servers.becomes()
    servers.put(data_drift=0.3, model_quality=0.9, rows=500)
    servers.becomes("data-drift")
    servers.put(data_drift=0.3, model_quality=0.5, rows=500)
    servers.becomes("data-drift", "model-quality")
    servers.put(rows=3)
    servers.becomes()


def test_what_is_not_measured_any_more_is_an_alert(servers: Watching) -> None:
    servers.put(rows=3, hours_ago=HOURS + 0.1)
    servers.becomes("stale")
    servers.put(rows=3, hours_ago=HOURS - 0.1)
    servers.becomes()
