"""Names and tags."""

import re

from hypothesis import assume, given
from hypothesis import strategies as st

from pulumi_mlops.core.naming import physical
from pulumi_mlops.core.tags import own_tags, tags

NAME = st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
PARTS = st.lists(NAME, min_size=1, max_size=5)


@given(PARTS, st.integers(16, 128), st.sampled_from("-_"))
def test_a_name_fits_and_is_made_of_allowed_characters(parts: list[str], limit: int, separator: str) -> None:
    name = physical(*parts, limit=limit, separator=separator)
    assert len(name) <= limit
    assert re.fullmatch(rf"[a-z]([a-z0-9{separator}]*[a-z0-9])?", name)
    assert name == physical(*parts, limit=limit, separator=separator)


@given(PARTS, PARTS, st.integers(16, 64))
def test_different_things_have_different_names(one: list[str], other: list[str], limit: int) -> None:
    assume("-".join(one) != "-".join(other))
    assert physical(*one, limit=limit) != physical(*other, limit=limit)


def test_a_name_within_the_limit_is_left_as_it_is() -> None:
    assert physical("churn", "", "prod", "profile") == "churn-prod-profile"
    assert physical("my-churn", "prod", separator="_") == "my_churn_prod"


def test_the_library_s_tags_win() -> None:
    base = own_tags(project="churn", stage="dev", component="Platform/churn", owner=None)
    assert base == {
        "project": "churn",
        "stage": "dev",
        "component": "Platform/churn",
        "managed-by": "pulumi-mlops",
    }
    owned = own_tags(project="churn", stage="dev", component="x", owner="ml", prefix="mlops-")
    assert owned["mlops-owner"] == "ml"
    assert tags(base, {"stage": "blue", "cost": "1"}) == {**base, "cost": "1"}
