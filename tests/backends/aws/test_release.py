"""How many replicas a release starts with."""

import pytest

from pulumi_mlops.backends.aws.release import Serving, mark_of
from support.mocks import Cloud


@pytest.mark.parametrize(
    ("now", "least", "starts"),
    [
        (Serving(), 2, 2),  # nothing serves yet
        (Serving(mark="same", began={"main": 2}, now={"main": 9}), 2, 2),  # nothing new: no release
        (Serving(mark="other", began={"main": 2}, now={"main": 9}), 2, 9),  # autoscaling had reached 9
        (Serving(mark="other", began={"main": 2}, now={"main": 0}), 1, 1),  # it slept
        (Serving(mark="other", began={"main": 2}, now={"main": 3}), 5, 5),  # the minimum was raised
        (Serving(mark=None, began={"main": 2}, now={"main": 4}), 2, 4),  # made by somebody else
        (Serving(mark="same", began={"old": 2}, now={"old": 4}), 3, 3),  # another variant
    ],
)
def test_a_release_starts_with_what_serves(cloud: Cloud, now: Serving, least: int, starts: int) -> None:
    seen: list[int] = []
    cloud.run(lambda: now.start("same", "main", least).apply(seen.append))
    assert seen == [starts]


def test_the_mark_tells_contents_apart(cloud: Cloud) -> None:
    seen: list[str] = []
    contents = [{"a": 1, "b": [2]}, {"b": [2], "a": 1}, {"a": 2, "b": [2]}]
    cloud.run(lambda: [mark_of(content).apply(seen.append) for content in contents])
    assert len(set(seen)) == 2


@pytest.mark.parametrize(
    ("now", "attempt"),
    [
        (Serving(), "first"),  # nothing serves yet
        (Serving(mark="same", attempt="first", touched="noon"), "first"),  # the wanted content is served
        (Serving(mark="same", attempt="noon", touched="later"), "noon"),  # since the second try
        (Serving(mark="before", attempt="first", touched="noon"), "noon"),  # a release, or one that was rolled back
    ],
)
def test_what_is_not_served_is_tried_again(cloud: Cloud, now: Serving, attempt: str) -> None:
    seen: list[str] = []
    cloud.run(lambda: now.next_attempt("same").apply(seen.append))
    assert seen == [attempt]
