"""Schedules fire when somebody says so: no time passes in a sandbox.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets.html
"""

import time
from typing import Any

from pulumi_mlops_sandbox.aws import accounts
from pulumi_mlops_sandbox.aws.call import Account
from pulumi_mlops_sandbox.aws.executions import starting
from pulumi_mlops_sandbox.aws.gaps import overrides


def fire(plane: Account, name: str) -> list[str]:
    """Let a schedule fire, of the scheduler or of a rule; return what it reached."""
    found = []
    with plane.lock:
        for schedule in _schedules(name):
            if schedule.state != "ENABLED":
                raise ValueError(f"the schedule {name} is {schedule.state}")
            found.append(starting.start(schedule.target, f"schedule-{plane.request_id()}", {}))
        for region, rule in _rules(name):
            if rule.state != "ENABLED":
                raise ValueError(f"the rule {name} is {rule.state}")
            event = {
                "version": "0",
                "id": plane.request_id(),
                "account": accounts.ACCOUNT,
                "region": region,
                "source": "aws.events",
                "detail-type": "Scheduled Event",
                "detail": {},
                "resources": [rule.arn],
                "time": time.time(),
            }
            for target in rule.targets:
                overrides.hand(rule, target, event)
                found.append(str(target["Arn"]))
        plane.saver.soon()
    if not found:
        raise ValueError(f"there is no schedule {name!r}")
    return found


def _schedules(name: str) -> list[Any]:
    return [
        group.schedules[name]
        for instance in accounts.all_backends()
        if instance.service_name == "scheduler"
        for _account, _region, backend in list(instance.iter_backends())
        for group in backend.schedule_groups.values()
        if name in group.schedules
    ]


def _rules(name: str) -> list[tuple[str, Any]]:
    return [
        (region, bus.rules[name])
        for instance in accounts.all_backends()
        if instance.service_name == "events"
        for _account, region, backend in list(instance.iter_backends())
        for bus in backend.event_buses.values()
        if name in bus.rules and bus.rules[name].scheduled_expression
    ]
