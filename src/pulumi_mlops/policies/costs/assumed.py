"""What a month uses where neither the program nor a declaration tells: round figures of a small team, not measured."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pulumi_mlops.policies.costs.spans import ONE, Span, text
from pulumi_mlops.policies.costs.uses import Use

_Row = tuple[Span, str]

_RUNS: Final[_Row] = Span.of(1, 4, 20), "hours of each step and instance, an hour a week"
_NODES: Final[_Row] = Span.of(2, 10, 100), "hours of nodes while jobs run, two and a half a week"
_KEPT: Final[_Row] = Span.of(10, 50, 500), "gigabytes in each"
_WRITES: Final[_Row] = Span.of("0.01", "0.1", 1), "millions of writes and listings to each"
_READS: Final[_Row] = Span.of("0.1", 1, 10), "millions of reads of each"
_LOGGED: Final[_Row] = Span.of(1, 5, 50), "gigabytes that come in"
_CARRIED: Final[_Row] = Span.of(1, 10, 100), "gigabytes through each"
_MESSAGES: Final[_Row] = Span.of("0.001", "0.01", "0.1"), "millions of messages"

ROWS: Final[Mapping[tuple[str, str], _Row]] = {
    ("sagemaker", "training"): _RUNS,
    ("sagemaker", "processing"): _RUNS,
    ("sagemaker", "transform"): _RUNS,
    ("sagemaker", "studio"): (Span.of(20, 80, 160), "hours of each application, half of the working time"),
    ("sagemaker", "features-reads"): _READS,
    ("sagemaker", "features-writes"): (Span.of("0.1", 1, 10), "millions of writes to each"),
    ("sagemaker", "features-storage"): (Span.of(1, 5, 50), "gigabytes in each"),
    ("s3", "storage"): _KEPT,
    ("s3", "writes"): _WRITES,
    ("s3", "reads"): _READS,
    ("ecr", "storage"): (Span.of(5, 20, 100), "gigabytes of images in each, a few versions of one"),
    ("cloudwatch", "logs"): _LOGGED,
    ("sns", "requests"): _MESSAGES,
    ("sqs", "requests"): (Span.of("0.1", "0.5", 3), "millions of requests, of one that asks all the time"),
    ("vpc-endpoint", "data"): _CARRIED,
    ("nat-gateway", "data"): (Span.of(10, 50, 500), "gigabytes through each"),
    ("load-balancer", "capacity"): (Span.of(0, 73, 730), "hours of units, a tenth of one all the time"),
    ("lambda", "duration"): (Span.of(100, 1000, 10000), "gigabytes by seconds of each"),
    ("stepfunctions", "transitions"): (Span.of("0.1", 1, 10), "thousands of transitions of each"),
    ("efs", "storage"): _KEPT,
    ("azure-vm", "machine"): _NODES,
    ("azure-vm", "low-priority"): _NODES,
    ("azureml", "serverless-spark"): (Span.of(4, 16, 160), "hours of cores, an hour a week on four"),
    ("container-registry", "storage"): (Span.of(0, 0, 20), "gigabytes beyond what the tier includes"),
    ("storage", "storage"): _KEPT,
    ("storage", "writes"): _WRITES,
    ("storage", "reads"): _READS,
    ("key-vault", "operations"): (Span.of("0.01", "0.05", 1), "millions of operations"),
    ("log-analytics", "data"): _LOGGED,
    ("event-grid", "operations"): _MESSAGES,
    ("logic-apps", "actions"): (Span.of(20, 30, 90), "thousands of actions of each, some three every five minutes"),
    ("private-endpoint", "data"): _CARRIED,
}
"""By service and component; what is none of these has no figure that would fit a stranger's stack."""


def filled(use: Use) -> Use:
    """Fill in what is assumed of a use whose amount nobody has told, and say so; what nothing fits stays as it is."""
    row = ROWS.get((use.service, use.component))
    if row is None:
        return use
    amount, what = row
    low, expected, high = (text(each) for each in (amount.low, amount.expected, amount.high))
    said = f"{use.service} {use.component}, not declared: {low} to {high} ({expected}) {what}"
    if use.count == ONE:
        return replace(use, count=amount, times=ONE, assumed=(said,))
    return replace(use, times=amount, assumed=(said,))
