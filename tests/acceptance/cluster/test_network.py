"""Who reaches whom: every pair of pods and every port is tried, not computed."""

import itertools

import pytest

from support.trial import PORTS, Trial
from support.waiting import until

pytestmark = pytest.mark.acceptance

POLICIES = """
apiVersion: v1
kind: List
items:
  - apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: a-lets-b-in}
    spec:
      podSelector: {matchLabels: {app: a}}
      policyTypes: [Ingress]
      ingress: [{from: [{podSelector: {matchLabels: {app: b}}}], ports: [{port: 8080}]}]
  - apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: b-goes-to-a}
    spec:
      podSelector: {matchLabels: {app: b}}
      policyTypes: [Egress]
      egress: [{to: [{podSelector: {matchLabels: {app: a}}}]}]
  - apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: c-is-shut}
    spec: {podSelector: {matchLabels: {app: c}}, policyTypes: [Ingress]}
"""
OPEN = {("b", "a", 8080), ("a", "b", 8080), ("a", "b", 8081), ("c", "b", 8080), ("c", "b", 8081)}


def reached(apart: Trial) -> set[tuple[str, str, int]]:
    pairs = itertools.product(itertools.permutations("abc", 2), PORTS)
    return {(who, whom, port) for (who, whom), port in pairs if apart.asks(who, apart.address(whom, port))}


def test_every_opening_is_open_and_every_other_shut(apart: Trial) -> None:
    apart.pods(dict.fromkeys("abc", "emptyDir: {}"))
    everything = {(who, whom, port) for (who, whom), port in itertools.product(itertools.permutations("abc", 2), PORTS)}
    assert reached(apart) == everything
    apart.apply(POLICIES)
    until(lambda: not apart.asks("a", apart.address("c")))
    assert reached(apart) == OPEN
