"""The program of the release Job, against an API server and a Prometheus that a test plays."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from pulumi_mlops.jobs import release
from support.release_job import (
    CANARY,
    CHECKS,
    ROUTE,
    SERVICE,
    SERVICES,
    Callers,
    Clock,
    Stage,
    rules,
    run,
    service,
    told,
)


def test_a_canary_gets_its_share_is_watched_and_then_gets_all(stage: Stage, clock: Clock, account: Path) -> None:
    kept: list[bool] = []
    stage.on_write = lambda: kept.append(release.BEFORE in stage.annotations)
    run(stage, clock, account)
    assert stage.shares() == [{"old": 9000, "new": 1000}, {"new": 1}, {"new": 1}]
    assert kept == [True, True, False]
    assert 720 <= clock.seconds < 780
    assert stage.route["spec"]["rules"] == rules(new=1)
    assert stage.annotations == {}


def test_traffic_moves_in_steps(stage: Stage, clock: Clock, account: Path) -> None:
    steps = [{"percent": 30, "seconds": 60}, {"percent": 60, "seconds": 60}, {"percent": 90, "seconds": 60}]
    run(stage, clock, account, steps=[*steps, {"percent": 100, "seconds": 0}])
    assert [each.get("new") for each in stage.shares()] == [3000, 6000, 9000, 1, 1]
    assert [each.get("old") for each in stage.shares()] == [7000, 4000, 1000, None, None]


def test_all_at_once_keeps_the_old_one_while_it_watches(stage: Stage, clock: Clock, account: Path) -> None:
    run(stage, clock, account, steps=CANARY[1:])
    assert stage.shares() == [{"new": 1}, {"new": 1}]
    assert clock.seconds >= 120


def test_what_a_variant_has_stays_its_own(stage: Stage, clock: Clock, account: Path) -> None:
    stage.route["spec"]["rules"] = rules(a=1, old=3)
    run(stage, clock, account, rules=rules(a=1, new=3))
    assert stage.shares()[0] == {"a": 2500, "old": 6750, "new": 750}
    assert stage.route["spec"]["rules"] == rules(a=1, new=3)


def test_the_first_release_does_nothing(stage: Stage, clock: Clock, account: Path) -> None:
    del stage.objects[ROUTE]
    run(stage, clock, account)
    assert stage.written == []
    assert clock.seconds == 0


def test_what_serves_already_is_left_alone(stage: Stage, clock: Clock, account: Path) -> None:
    stage.route["spec"]["rules"] = rules(new=7)  # weights are the program's business
    run(stage, clock, account)
    assert stage.written == []


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"errors": 7.25}, "errors of main: 7.25 per cent of requests fail"),
        ({"errors": 5, "ALERTS": 1}, "alarm Theirs: alarm Theirs is firing"),
    ],
)
def test_it_goes_back_when_something_is_too_much(
    stage: Stage, clock: Clock, account: Path, found: dict[str, float], reason: str
) -> None:
    before = stage.route["spec"]["rules"] = rules(old=100)
    stage.measured = lambda asked: found.get(asked) if clock.seconds > 60 else None
    with pytest.raises(release.RollbackError, match=reason):
        run(stage, clock, account)
    assert stage.route["spec"]["rules"] == before
    assert stage.annotations == {release.ROLLED_BACK: reason}
    assert clock.seconds < 120


def test_a_revision_that_refuses_what_the_old_one_answers_gets_no_more(
    stage: Stage, clock: Clock, account: Path
) -> None:
    """As MLServer does when an MLflow model raises."""
    Callers(stage, clock, old=lambda _: 0.02, new=lambda _: 1)
    with pytest.raises(release.RollbackError, match=r"refusals of main: 100 per cent of .* by 4xx, and 2 by what serv"):
        run(stage, clock, account)
    assert stage.shares() == [{"old": 9000, "new": 1000}, {"old": 1}]
    assert clock.seconds < 90


@pytest.mark.parametrize("share", [0.3, 1])
@pytest.mark.parametrize("begins", [-3000, 5])
@pytest.mark.parametrize("seconds", [60, 600])
def test_mistakes_of_callers_hold_up_no_release(
    stage: Stage, clock: Clock, account: Path, *, share: float, begins: float, seconds: float
) -> None:
    Callers(stage, clock, **dict.fromkeys(("old", "new"), lambda now: share if now > begins else 0))
    run(stage, clock, account, steps=[{"percent": 10, "seconds": seconds}, *CANARY[1:]])
    assert stage.shares() == [{"old": 9000, "new": 1000}, {"new": 1}, {"new": 1}]


def test_all_at_once_a_revision_in_doubt_is_asked_beside_the_old_one(stage: Stage, clock: Clock, account: Path) -> None:
    Callers(stage, clock, old=lambda _: 0, new=lambda _: 0.4)
    with pytest.raises(release.RollbackError, match="refusals of main: 40 per cent"):
        run(stage, clock, account, steps=CANARY[1:])
    assert stage.shares() == [{"new": 1}, {"old": 5000, "new": 5000}, {"old": 1}]
    assert clock.seconds < 150


def test_callers_that_begin_when_all_has_moved_are_told_from_a_bad_revision(
    stage: Stage, clock: Clock, account: Path
) -> None:
    Callers(stage, clock, **dict.fromkeys(("old", "new"), lambda now: 0.4 if now > 0 else 0))
    run(stage, clock, account, steps=CANARY[1:])
    assert stage.shares() == [{"new": 1}, {"old": 5000, "new": 5000}, {"new": 1}, {"new": 1}]
    assert release.BEFORE not in stage.annotations
    assert 290 <= clock.seconds < 330


def test_a_variant_of_a_new_name_is_compared_with_all_that_served(stage: Stage, clock: Clock, account: Path) -> None:
    callers = Callers(stage, clock, old=lambda _: 0.3, new=lambda _: 0.3)
    callers.variants = {"old": "red", "new": "main"}
    run(stage, clock, account)
    assert stage.route["spec"]["rules"] == rules(new=1)
    callers.refuse["new"] = lambda _: 0.6
    stage.route["spec"]["rules"] = rules(old=1)
    with pytest.raises(release.RollbackError, match=r"60 per cent .* 30 by what served before"):
        run(stage, clock, account)


def test_without_callers_nothing_is_compared(stage: Stage, clock: Clock, account: Path) -> None:
    Callers(stage, clock, old=lambda _: 0, new=lambda _: 1).a_second = 0
    run(stage, clock, account)
    assert stage.route["spec"]["rules"] == rules(new=1)


@pytest.mark.parametrize(
    ("new", "old", "found"),
    [
        ((1, 10), (1, 90), False),  # one of a caller's two mistakes came to the new revision
        ((3, 10), (0, 90), True),
        ((2, 2), (0, 18), True),
        ((1, 1), (1, 9), False),
        ((57, 1000), (0, 9000), False),  # more than none, and no more than 5 per cent with what chance allows
        ((80, 1000), (0, 9000), True),
        ((350, 1000), (2700, 9000), False),
        ((1000, 1000), (9000, 9000), False),
    ],
)
def test_few_requests_prove_little(new: tuple[float, float], old: tuple[float, float], found: bool) -> None:
    assert release.too_many(new, old, 5) is found


def test_one_answer_alone_is_an_outlier(stage: Stage, clock: Clock, account: Path) -> None:
    stage.measured = lambda asked: 90 if asked == "errors" and 60 <= clock.seconds < 75 else 1
    run(stage, clock, account, checks=CHECKS[:1])
    assert stage.route["spec"]["rules"] == rules(new=1)


def test_a_doubt_at_the_end_of_a_step_is_cleared_up(stage: Stage, clock: Clock, account: Path) -> None:
    stage.measured = lambda asked: 90 if asked == "errors" and clock.seconds >= 600 else 1
    with pytest.raises(release.RollbackError, match="90 per cent"):
        run(stage, clock, account, checks=CHECKS[:1])
    assert stage.shares()[:1] == [{"old": 9000, "new": 1000}]
    assert stage.shares()[-1] == {"old": 1}


def test_what_cannot_be_divided_is_no_number(stage: Stage, clock: Clock, account: Path) -> None:
    stage.measured = lambda asked: None if asked.startswith("count") else float("nan")
    run(stage, clock, account)
    assert stage.route["spec"]["rules"] == rules(new=1)


def test_it_goes_back_when_a_revision_is_not_ready_any_more(stage: Stage, clock: Clock, account: Path) -> None:
    def fall(now: float) -> None:
        if now > 100:
            stage.objects[f"{SERVICES}/score-new"] = service("False", "no node has room")

    clock.then = fall
    with pytest.raises(release.RollbackError, match="score-new is not ready: no node has room"):
        run(stage, clock, account)
    assert stage.route["spec"]["rules"] == rules(old=1)


def test_nothing_moves_to_a_revision_that_is_not_there(stage: Stage, clock: Clock, account: Path) -> None:
    del stage.objects[f"{SERVICES}/score-new"]
    with pytest.raises(release.RollbackError, match="score-new is not ready"):
        run(stage, clock, account)
    assert stage.shares() == [{"old": 1}]


def test_a_prometheus_that_is_away_for_a_moment_is_waited_for(stage: Stage, clock: Clock, account: Path) -> None:
    def come_back(now: float) -> None:
        stage.silent = 590 <= now < 700

    clock.then = come_back
    run(stage, clock, account)
    assert stage.route["spec"]["rules"] == rules(new=1)
    assert clock.seconds >= 820  # more traffic only followed an answer


def test_a_release_that_nobody_can_watch_goes_back(stage: Stage, clock: Clock, account: Path) -> None:
    stage.silent = True
    with pytest.raises(release.RollbackError, match="Prometheus has not answered for 195 seconds"):
        run(stage, clock, account)
    assert stage.route["spec"]["rules"] == rules(old=1)


def test_an_api_server_that_is_restarted_is_no_reason_to_go_back(stage: Stage, clock: Clock, account: Path) -> None:
    def stumble(now: float) -> None:
        stage.trouble = 3 if now == 300 else stage.trouble

    clock.then = stumble
    run(stage, clock, account)
    assert stage.route["spec"]["rules"] == rules(new=1)


def test_a_release_goes_on_where_it_was_interrupted(stage: Stage, clock: Clock, account: Path) -> None:
    steps = [{"percent": 20, "seconds": 60}, {"percent": 40, "seconds": 60}, {"percent": 100, "seconds": 0}]
    stage.route["spec"]["rules"] = rules(old=60, new=40)
    stage.route["metadata"]["annotations"] = {release.BEFORE: json.dumps(rules(old=1))}
    run(stage, clock, account, steps=steps)
    assert stage.shares() == [{"old": 6000, "new": 4000}, {"new": 1}, {"new": 1}]


def test_an_interrupted_release_goes_back_to_what_was_before_it(stage: Stage, clock: Clock, account: Path) -> None:
    stage.route["spec"]["rules"] = rules(old=60, new=40)
    stage.route["metadata"]["annotations"] = {release.BEFORE: json.dumps(rules(old=1))}
    stage.measured = lambda _: 50
    with pytest.raises(release.RollbackError):
        run(stage, clock, account)
    assert stage.route["spec"]["rules"] == rules(old=1)


def test_a_release_that_is_called_off_ends_at_once(stage: Stage, clock: Clock, account: Path) -> None:
    stage.route["spec"]["rules"] = rules(old=60, new=40)
    stage.route["metadata"]["annotations"] = {release.BEFORE: json.dumps(rules(old=3))}
    stage.objects[f"{SERVICES}/score-old"] = service()
    run(stage, clock, account, rules=rules(old=1), revisions=["score-old"])
    assert stage.shares() == [{"old": 1}]
    assert stage.annotations == {}
    assert clock.seconds == 0


@pytest.mark.parametrize(
    ("before", "wanted", "live", "percent"),
    [
        (rules(old=1), rules(new=1), rules(old=75, new=25), 25),
        (rules(a=1, old=1), rules(a=1, new=1), rules(a=50, old=40, new=10), 20),
        (rules(a=1, old=1), rules(a=1), rules(a=80, old=20), 60),
        (rules(a=1), rules(a=1, new=0), rules(a=1), 0),
    ],
)
def test_how_far_a_release_had_come(before: Any, wanted: Any, live: Any, percent: float) -> None:
    assert release.reached(before, wanted, live) == pytest.approx(percent)


def test_replicas_come_before_traffic(stage: Stage, clock: Clock, account: Path) -> None:
    def count(query: str) -> float | None:
        if not query.startswith("count(up"):
            return None
        assert 'namespace="churn-dev"' in query
        return 4 if 'mlops_revision=~"score-old"' in query else 1 + clock.seconds // 60

    stage.measured = count
    moved: list[float] = []
    stage.on_write = lambda: moved.append(clock.seconds)
    run(stage, clock, account, sized_by_load=True)
    assert moved[0] == 180


def test_a_revision_that_does_not_grow_gets_nothing(stage: Stage, clock: Clock, account: Path) -> None:
    stage.measured = lambda query: 4 if "score-old" in query else 1
    with pytest.raises(release.RollbackError, match="came to 1 replicas, and the old one has 4"):
        run(stage, clock, account, sized_by_load=True)
    assert stage.shares() == [{"old": 1}]


def test_without_a_route_the_update_waits_for_the_size(stage: Stage, clock: Clock, account: Path) -> None:
    selector = {"serving.kserve.io/inferenceservice": "score-old"}
    stage.objects[SERVICE] = {"metadata": {}, "spec": {"selector": selector}}
    stage.measured = lambda query: 3 if "score-old" in query else clock.seconds // 30
    run(stage, clock, account, route=None, sized_by_load=True)
    assert clock.seconds == 90
    assert stage.written == []


def test_without_a_route_the_first_release_does_nothing(stage: Stage, clock: Clock, account: Path) -> None:
    run(stage, clock, account, route=None, sized_by_load=True)
    assert clock.seconds == 0


STARTER = """
import sys
from pathlib import Path
from pulumi_mlops.jobs import release
settings, server, account, said = sys.argv[1:]
sys.exit(release.main(settings, release.Api(server, Path(account)), Path(said)))
"""


def start(stage: Stage, account: Path, **changes: Any) -> subprocess.Popen[str]:
    settings = account / "settings.json"
    settings.write_text(json.dumps(told(stage, **changes)))
    command = [sys.executable, "-c", STARTER, str(settings), stage.url, str(account), str(account / "said")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_process_that_is_told_to_stop_goes_back(stage: Stage, account: Path) -> None:
    begun = threading.Event()
    stage.on_write = begun.set
    with start(stage, account) as process:
        assert begun.wait(30)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert stage.route["spec"]["rules"] == rules(old=1)
    assert "stopped by signal 15" in stage.annotations[release.ROLLED_BACK]
    assert "Endpoint 'score': the release was rolled back: stopped by signal 15" in (account / "said").read_text()
    assert "Traceback" not in out


def test_a_process_that_is_killed_is_followed_by_one_that_goes_on(stage: Stage, account: Path) -> None:
    begun = threading.Event()
    stage.on_write = begun.set
    with start(stage, account) as process:
        assert begun.wait(30)
        os.kill(process.pid, signal.SIGKILL)
    assert json.loads(stage.annotations[release.BEFORE]) == rules(old=1)
    quick = [{"percent": 10, "seconds": 0}, {"percent": 100, "seconds": 0}]
    with start(stage, account, steps=quick) as process:
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, out
    assert stage.route["spec"]["rules"] == rules(new=1)
    assert stage.annotations == {}
    assert not (account / "said").exists()


def test_a_pod_finds_its_api_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    for host, server in (("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")):
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
        assert release.Api.of_this_pod().server == server
