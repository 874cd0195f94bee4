"""Policies: what a platform for machine learning has to be, as data and functions, on any cloud.

Rules know resources of the providers, whether a component of this library made them or not. They are used by a pack of
`pulumi preview --policy-pack`, by `pulumi-mlops check`, and by whoever calls `Judge` on resources of their own.
"""

from pulumi_mlops.policies.catalogue import BY_ID, RULES
from pulumi_mlops.policies.judge import Judge
from pulumi_mlops.policies.model import Check, Finding, Problem, Rule, across, on
from pulumi_mlops.policies.resources import UNKNOWN, Part, Resource, Stack, Undecided, resource
from pulumi_mlops.policies.settings import Exemption, Settings

__all__ = [
    "BY_ID",
    "RULES",
    "UNKNOWN",
    "Check",
    "Exemption",
    "Finding",
    "Judge",
    "Part",
    "Problem",
    "Resource",
    "Rule",
    "Settings",
    "Stack",
    "Undecided",
    "across",
    "on",
    "resource",
]
