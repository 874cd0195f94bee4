"""docs/security.md says of Kubernetes what is made: each role and each network policy, with a reason."""

import pytest

from support import security_kubernetes as kubernetes

UNNAMED = {"workflowtaskresults": "Argo names them as it makes them", "workflows": "an admission policy holds to them"}
"""What a right cannot name."""


def test_the_tables_are_those_of_now() -> None:
    page = kubernetes.PAGE.read_text()
    assert kubernetes.written(page) == page, "run: PYTHONPATH=tests python -m support.security_kubernetes"


@pytest.mark.parametrize(("kind", "reasons"), [("Role", kubernetes.RIGHTS), ("NetworkPolicy", kubernetes.OPENINGS)])
def test_every_one_has_a_reason_and_every_reason_is_of_one(kind: str, reasons: dict[str, str]) -> None:
    cloud = kubernetes.made()
    assert {made.inputs["metadata"]["name"] for made in cloud.all(kind)} == reasons.keys()


def test_nothing_is_given_in_the_cluster_as_a_whole() -> None:
    cloud = kubernetes.made()
    assert not {"ClusterRole", "ClusterRoleBinding"} & cloud.kinds
    for role in cloud.all("Role"):
        for rule in role.inputs["rules"]:
            assert rule.get("resourceNames") or rule["resources"][0] in UNNAMED, role.name
            assert "*" not in [*rule["verbs"], *rule["resources"], *rule["apiGroups"]]
