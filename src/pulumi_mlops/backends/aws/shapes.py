"""What AWS takes, type by type. Written by tools/generate_limits.py out of botocore: do not edit."""
# ruff: noqa: SIM905 (a list of machines would take a line each)

from collections.abc import Mapping
from typing import Any

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "budgets.NotificationWithSubscribersList": {"type": "list", "max": 10},
    "events.TargetId": {"type": "string", "min": 1, "max": 64, "pattern": "[\\.\\-_A-Za-z0-9]+"},
    "sagemaker.ContainerImage": {"type": "string", "min": 0, "max": 255, "pattern": "[\\S]+"},
    "sagemaker.Description": {"type": "string", "min": 0, "max": 128},
    "sagemaker.EntityDescription": {
        "type": "string",
        "min": 0,
        "max": 1024,
        "pattern": "[\\p{L}\\p{M}\\p{Z}\\p{S}\\p{N}\\p{P}]*",
    },
    "sagemaker.EntityName": {"type": "string", "min": 1, "max": 63, "pattern": "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"},
    "sagemaker.EnvironmentKey": {"type": "string", "min": 0, "max": 1024, "pattern": "[a-zA-Z_][a-zA-Z0-9_]*"},
    "sagemaker.EnvironmentMap": {
        "type": "map",
        "min": 0,
        "max": 100,
        "key": {"shape": "EnvironmentKey"},
        "value": {"shape": "EnvironmentValue"},
    },
    "sagemaker.EnvironmentValue": {"type": "string", "min": 0, "max": 1024, "pattern": "[\\S\\s]*"},
    "sagemaker.FeatureAdditions": {"type": "list", "min": 1, "max": 100},
    "sagemaker.FeatureDefinitions": {"type": "list", "min": 1, "max": 2500},
    "sagemaker.FeatureName": {"type": "string", "min": 1, "max": 64, "pattern": "[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}"},
    "sagemaker.KeepAlivePeriodInSeconds": {"type": "integer", "min": 0, "max": 21600},
    "sagemaker.MaxConcurrentInvocationsPerInstance": {"type": "integer", "min": 1, "max": 1000},
    "sagemaker.ProductionVariantList": {"type": "list", "min": 1, "max": 10},
    "sagemaker.ServerlessMaxConcurrency": {"type": "integer", "min": 1, "max": 200},
    "sagemaker.ServerlessProvisionedConcurrency": {"type": "integer", "min": 1, "max": 200},
    "sagemaker.TagKey": {"type": "string", "min": 1, "max": 128, "pattern": "([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)"},
    "sagemaker.TagList": {"type": "list", "min": 0, "max": 50},
    "sagemaker.TagValue": {"type": "string", "min": 0, "max": 256, "pattern": "([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)"},
    "sagemaker.TtlDurationValue": {"type": "integer", "min": 1},
    "sagemaker.Url": {"type": "string", "min": 0, "max": 1024, "pattern": "(https|s3)://([^/]+)/?(.*)"},
    "secretsmanager.SecretStringType": {"type": "string", "min": 1, "max": 65536},
    "sts.externalIdType": {"type": "string", "min": 2, "max": 1224, "pattern": "[\\w+=,.@:\\/-]*"},
}
MACHINES: Mapping[str, frozenset[str]] = {
    "ProductionVariantInstanceType": frozenset(
        (
            "ml.c4.2xlarge ml.c4.4xlarge ml.c4.8xlarge ml.c4.large ml.c4.xlarge ml.c5.18xlarge ml.c5.2xlarge "
            "ml.c5.4xlarge ml.c5.9xlarge ml.c5.large ml.c5.xlarge ml.c5d.18xlarge ml.c5d.2xlarge "
            "ml.c5d.4xlarge ml.c5d.9xlarge ml.c5d.large ml.c5d.xlarge ml.c6g.12xlarge ml.c6g.16xlarge "
            "ml.c6g.2xlarge ml.c6g.4xlarge ml.c6g.8xlarge ml.c6g.large ml.c6g.xlarge ml.c6gd.12xlarge "
            "ml.c6gd.16xlarge ml.c6gd.2xlarge ml.c6gd.4xlarge ml.c6gd.8xlarge ml.c6gd.large ml.c6gd.xlarge "
            "ml.c6gn.12xlarge ml.c6gn.16xlarge ml.c6gn.2xlarge ml.c6gn.4xlarge ml.c6gn.8xlarge ml.c6gn.large "
            "ml.c6gn.xlarge ml.c6i.12xlarge ml.c6i.16xlarge ml.c6i.24xlarge ml.c6i.2xlarge ml.c6i.32xlarge "
            "ml.c6i.4xlarge ml.c6i.8xlarge ml.c6i.large ml.c6i.xlarge ml.c6in.12xlarge ml.c6in.16xlarge "
            "ml.c6in.24xlarge ml.c6in.2xlarge ml.c6in.32xlarge ml.c6in.4xlarge ml.c6in.8xlarge ml.c6in.large "
            "ml.c6in.xlarge ml.c7g.12xlarge ml.c7g.16xlarge ml.c7g.2xlarge ml.c7g.4xlarge ml.c7g.8xlarge "
            "ml.c7g.large ml.c7g.xlarge ml.c7i.12xlarge ml.c7i.16xlarge ml.c7i.24xlarge ml.c7i.2xlarge "
            "ml.c7i.48xlarge ml.c7i.4xlarge ml.c7i.8xlarge ml.c7i.large ml.c7i.xlarge ml.c8g.12xlarge "
            "ml.c8g.16xlarge ml.c8g.24xlarge ml.c8g.2xlarge ml.c8g.48xlarge ml.c8g.4xlarge ml.c8g.8xlarge "
            "ml.c8g.large ml.c8g.medium ml.c8g.xlarge ml.dl1.24xlarge ml.g4dn.12xlarge ml.g4dn.16xlarge "
            "ml.g4dn.2xlarge ml.g4dn.4xlarge ml.g4dn.8xlarge ml.g4dn.xlarge ml.g5.12xlarge ml.g5.16xlarge "
            "ml.g5.24xlarge ml.g5.2xlarge ml.g5.48xlarge ml.g5.4xlarge ml.g5.8xlarge ml.g5.xlarge "
            "ml.g6.12xlarge ml.g6.16xlarge ml.g6.24xlarge ml.g6.2xlarge ml.g6.48xlarge ml.g6.4xlarge "
            "ml.g6.8xlarge ml.g6.xlarge ml.g6e.12xlarge ml.g6e.16xlarge ml.g6e.24xlarge ml.g6e.2xlarge "
            "ml.g6e.48xlarge ml.g6e.4xlarge ml.g6e.8xlarge ml.g6e.xlarge ml.g7.12xlarge ml.g7.24xlarge "
            "ml.g7.2xlarge ml.g7.48xlarge ml.g7.4xlarge ml.g7.8xlarge ml.g7e.12xlarge ml.g7e.24xlarge "
            "ml.g7e.2xlarge ml.g7e.48xlarge ml.g7e.4xlarge ml.g7e.8xlarge ml.inf1.24xlarge ml.inf1.2xlarge "
            "ml.inf1.6xlarge ml.inf1.xlarge ml.inf2.24xlarge ml.inf2.48xlarge ml.inf2.8xlarge ml.inf2.xlarge "
            "ml.m4.10xlarge ml.m4.16xlarge ml.m4.2xlarge ml.m4.4xlarge ml.m4.xlarge ml.m5.12xlarge "
            "ml.m5.24xlarge ml.m5.2xlarge ml.m5.4xlarge ml.m5.large ml.m5.xlarge ml.m5d.12xlarge "
            "ml.m5d.24xlarge ml.m5d.2xlarge ml.m5d.4xlarge ml.m5d.large ml.m5d.xlarge ml.m6g.12xlarge "
            "ml.m6g.16xlarge ml.m6g.2xlarge ml.m6g.4xlarge ml.m6g.8xlarge ml.m6g.large ml.m6g.xlarge "
            "ml.m6gd.12xlarge ml.m6gd.16xlarge ml.m6gd.2xlarge ml.m6gd.4xlarge ml.m6gd.8xlarge ml.m6gd.large "
            "ml.m6gd.xlarge ml.m6i.12xlarge ml.m6i.16xlarge ml.m6i.24xlarge ml.m6i.2xlarge ml.m6i.32xlarge "
            "ml.m6i.4xlarge ml.m6i.8xlarge ml.m6i.large ml.m6i.xlarge ml.m7i.12xlarge ml.m7i.16xlarge "
            "ml.m7i.24xlarge ml.m7i.2xlarge ml.m7i.48xlarge ml.m7i.4xlarge ml.m7i.8xlarge ml.m7i.large "
            "ml.m7i.xlarge ml.m8g.12xlarge ml.m8g.16xlarge ml.m8g.24xlarge ml.m8g.2xlarge ml.m8g.48xlarge "
            "ml.m8g.4xlarge ml.m8g.8xlarge ml.m8g.large ml.m8g.medium ml.m8g.xlarge ml.p2.16xlarge "
            "ml.p2.8xlarge ml.p2.xlarge ml.p3.16xlarge ml.p3.2xlarge ml.p3.8xlarge ml.p4d.24xlarge "
            "ml.p4de.24xlarge ml.p5.48xlarge ml.p5.4xlarge ml.p5e.48xlarge ml.p5en.48xlarge "
            "ml.p6-b200.48xlarge ml.p6-b300.48xlarge ml.p6e-gb200.36xlarge ml.r5.12xlarge ml.r5.24xlarge "
            "ml.r5.2xlarge ml.r5.4xlarge ml.r5.large ml.r5.xlarge ml.r5d.12xlarge ml.r5d.24xlarge "
            "ml.r5d.2xlarge ml.r5d.4xlarge ml.r5d.large ml.r5d.xlarge ml.r6g.12xlarge ml.r6g.16xlarge "
            "ml.r6g.2xlarge ml.r6g.4xlarge ml.r6g.8xlarge ml.r6g.large ml.r6g.xlarge ml.r6gd.12xlarge "
            "ml.r6gd.16xlarge ml.r6gd.2xlarge ml.r6gd.4xlarge ml.r6gd.8xlarge ml.r6gd.large ml.r6gd.xlarge "
            "ml.r6i.12xlarge ml.r6i.16xlarge ml.r6i.24xlarge ml.r6i.2xlarge ml.r6i.32xlarge ml.r6i.4xlarge "
            "ml.r6i.8xlarge ml.r6i.large ml.r6i.xlarge ml.r7gd.12xlarge ml.r7gd.16xlarge ml.r7gd.2xlarge "
            "ml.r7gd.4xlarge ml.r7gd.8xlarge ml.r7gd.large ml.r7gd.medium ml.r7gd.xlarge ml.r7i.12xlarge "
            "ml.r7i.16xlarge ml.r7i.24xlarge ml.r7i.2xlarge ml.r7i.48xlarge ml.r7i.4xlarge ml.r7i.8xlarge "
            "ml.r7i.large ml.r7i.xlarge ml.r8g.12xlarge ml.r8g.16xlarge ml.r8g.24xlarge ml.r8g.2xlarge "
            "ml.r8g.48xlarge ml.r8g.4xlarge ml.r8g.8xlarge ml.r8g.large ml.r8g.medium ml.r8g.xlarge "
            "ml.t2.2xlarge ml.t2.large ml.t2.medium ml.t2.xlarge ml.trn1.2xlarge ml.trn1.32xlarge "
            "ml.trn1n.32xlarge ml.trn2.48xlarge"
        ).split()
    ),
    "TrainingInstanceType": frozenset(
        (
            "ml.c4.2xlarge ml.c4.4xlarge ml.c4.8xlarge ml.c4.xlarge ml.c5.18xlarge ml.c5.2xlarge "
            "ml.c5.4xlarge ml.c5.9xlarge ml.c5.xlarge ml.c5n.18xlarge ml.c5n.2xlarge ml.c5n.4xlarge "
            "ml.c5n.9xlarge ml.c5n.xlarge ml.c6i.12xlarge ml.c6i.16xlarge ml.c6i.24xlarge ml.c6i.2xlarge "
            "ml.c6i.32xlarge ml.c6i.4xlarge ml.c6i.8xlarge ml.c6i.xlarge ml.c7i-flex.12xlarge "
            "ml.c7i-flex.16xlarge ml.c7i-flex.2xlarge ml.c7i-flex.4xlarge ml.c7i-flex.8xlarge "
            "ml.c7i-flex.xlarge ml.c7i.12xlarge ml.c7i.16xlarge ml.c7i.24xlarge ml.c7i.2xlarge "
            "ml.c7i.48xlarge ml.c7i.4xlarge ml.c7i.8xlarge ml.c7i.large ml.c7i.xlarge ml.c8i-flex.12xlarge "
            "ml.c8i-flex.16xlarge ml.c8i-flex.2xlarge ml.c8i-flex.4xlarge ml.c8i-flex.8xlarge "
            "ml.c8i-flex.xlarge ml.c8i.12xlarge ml.c8i.16xlarge ml.c8i.24xlarge ml.c8i.2xlarge "
            "ml.c8i.32xlarge ml.c8i.48xlarge ml.c8i.4xlarge ml.c8i.8xlarge ml.c8i.96xlarge ml.c8i.xlarge "
            "ml.g4dn.12xlarge ml.g4dn.16xlarge ml.g4dn.2xlarge ml.g4dn.4xlarge ml.g4dn.8xlarge ml.g4dn.xlarge "
            "ml.g5.12xlarge ml.g5.16xlarge ml.g5.24xlarge ml.g5.2xlarge ml.g5.48xlarge ml.g5.4xlarge "
            "ml.g5.8xlarge ml.g5.xlarge ml.g6.12xlarge ml.g6.16xlarge ml.g6.24xlarge ml.g6.2xlarge "
            "ml.g6.48xlarge ml.g6.4xlarge ml.g6.8xlarge ml.g6.xlarge ml.g6e.12xlarge ml.g6e.16xlarge "
            "ml.g6e.24xlarge ml.g6e.2xlarge ml.g6e.48xlarge ml.g6e.4xlarge ml.g6e.8xlarge ml.g6e.xlarge "
            "ml.g7.12xlarge ml.g7.24xlarge ml.g7.2xlarge ml.g7.48xlarge ml.g7.4xlarge ml.g7.8xlarge "
            "ml.g7e.12xlarge ml.g7e.24xlarge ml.g7e.2xlarge ml.g7e.48xlarge ml.g7e.4xlarge ml.g7e.8xlarge "
            "ml.m4.10xlarge ml.m4.16xlarge ml.m4.2xlarge ml.m4.4xlarge ml.m4.xlarge ml.m5.12xlarge "
            "ml.m5.24xlarge ml.m5.2xlarge ml.m5.4xlarge ml.m5.large ml.m5.xlarge ml.m6i.12xlarge "
            "ml.m6i.16xlarge ml.m6i.24xlarge ml.m6i.2xlarge ml.m6i.32xlarge ml.m6i.4xlarge ml.m6i.8xlarge "
            "ml.m6i.large ml.m6i.xlarge ml.m7i-flex.12xlarge ml.m7i-flex.16xlarge ml.m7i-flex.2xlarge "
            "ml.m7i-flex.4xlarge ml.m7i-flex.8xlarge ml.m7i-flex.large ml.m7i-flex.xlarge ml.m7i.12xlarge "
            "ml.m7i.16xlarge ml.m7i.24xlarge ml.m7i.2xlarge ml.m7i.48xlarge ml.m7i.4xlarge ml.m7i.8xlarge "
            "ml.m7i.large ml.m7i.xlarge ml.m8i-flex.12xlarge ml.m8i-flex.16xlarge ml.m8i-flex.2xlarge "
            "ml.m8i-flex.4xlarge ml.m8i-flex.8xlarge ml.m8i-flex.large ml.m8i-flex.xlarge ml.m8i.12xlarge "
            "ml.m8i.16xlarge ml.m8i.24xlarge ml.m8i.2xlarge ml.m8i.32xlarge ml.m8i.48xlarge ml.m8i.4xlarge "
            "ml.m8i.8xlarge ml.m8i.96xlarge ml.m8i.large ml.m8i.xlarge ml.p2.16xlarge ml.p2.8xlarge "
            "ml.p2.xlarge ml.p3.16xlarge ml.p3.2xlarge ml.p3.8xlarge ml.p3dn.24xlarge ml.p4d.24xlarge "
            "ml.p4de.24xlarge ml.p5.48xlarge ml.p5.4xlarge ml.p5e.48xlarge ml.p5en.48xlarge "
            "ml.p6-b200.48xlarge ml.p6-b300.48xlarge ml.p6e-gb200.36xlarge ml.r5.12xlarge ml.r5.16xlarge "
            "ml.r5.24xlarge ml.r5.2xlarge ml.r5.4xlarge ml.r5.8xlarge ml.r5.large ml.r5.xlarge "
            "ml.r5d.12xlarge ml.r5d.16xlarge ml.r5d.24xlarge ml.r5d.2xlarge ml.r5d.4xlarge ml.r5d.8xlarge "
            "ml.r5d.large ml.r5d.xlarge ml.r6i.12xlarge ml.r6i.16xlarge ml.r6i.24xlarge ml.r6i.2xlarge "
            "ml.r6i.32xlarge ml.r6i.4xlarge ml.r6i.8xlarge ml.r6i.large ml.r6i.xlarge ml.r7i.12xlarge "
            "ml.r7i.16xlarge ml.r7i.24xlarge ml.r7i.2xlarge ml.r7i.48xlarge ml.r7i.4xlarge ml.r7i.8xlarge "
            "ml.r7i.large ml.r7i.xlarge ml.r8i-flex.12xlarge ml.r8i-flex.16xlarge ml.r8i-flex.2xlarge "
            "ml.r8i-flex.4xlarge ml.r8i-flex.8xlarge ml.r8i-flex.large ml.r8i-flex.xlarge ml.r8i.12xlarge "
            "ml.r8i.16xlarge ml.r8i.24xlarge ml.r8i.2xlarge ml.r8i.32xlarge ml.r8i.48xlarge ml.r8i.4xlarge "
            "ml.r8i.8xlarge ml.r8i.96xlarge ml.r8i.large ml.r8i.xlarge ml.t3.2xlarge ml.t3.large ml.t3.medium "
            "ml.t3.xlarge ml.trn1.2xlarge ml.trn1.32xlarge ml.trn1n.32xlarge ml.trn2.48xlarge"
        ).split()
    ),
    "ClusterInstanceType": frozenset(
        (
            "ml.c5.12xlarge ml.c5.18xlarge ml.c5.24xlarge ml.c5.2xlarge ml.c5.4xlarge ml.c5.9xlarge "
            "ml.c5.large ml.c5.xlarge ml.c5n.18xlarge ml.c5n.2xlarge ml.c5n.4xlarge ml.c5n.9xlarge "
            "ml.c5n.large ml.c6a.12xlarge ml.c6a.16xlarge ml.c6a.24xlarge ml.c6a.2xlarge ml.c6a.32xlarge "
            "ml.c6a.48xlarge ml.c6a.4xlarge ml.c6a.8xlarge ml.c6a.large ml.c6a.xlarge ml.c6g.12xlarge "
            "ml.c6g.16xlarge ml.c6g.2xlarge ml.c6g.4xlarge ml.c6g.8xlarge ml.c6g.large ml.c6g.medium "
            "ml.c6g.xlarge ml.c6i.12xlarge ml.c6i.16xlarge ml.c6i.24xlarge ml.c6i.2xlarge ml.c6i.32xlarge "
            "ml.c6i.4xlarge ml.c6i.8xlarge ml.c6i.large ml.c6i.xlarge ml.c7g.12xlarge ml.c7g.16xlarge "
            "ml.c7g.2xlarge ml.c7g.4xlarge ml.c7g.8xlarge ml.c7g.large ml.c7g.medium ml.c7g.xlarge "
            "ml.c8a.16xlarge ml.c8g.12xlarge ml.c8g.16xlarge ml.c8g.24xlarge ml.c8g.2xlarge ml.c8g.48xlarge "
            "ml.c8g.4xlarge ml.c8g.8xlarge ml.c8g.large ml.c8g.medium ml.c8g.xlarge ml.g4dn.12xlarge "
            "ml.g4dn.16xlarge ml.g4dn.2xlarge ml.g4dn.4xlarge ml.g4dn.8xlarge ml.g4dn.xlarge ml.g5.12xlarge "
            "ml.g5.16xlarge ml.g5.24xlarge ml.g5.2xlarge ml.g5.48xlarge ml.g5.4xlarge ml.g5.8xlarge "
            "ml.g5.xlarge ml.g6.12xlarge ml.g6.16xlarge ml.g6.24xlarge ml.g6.2xlarge ml.g6.48xlarge "
            "ml.g6.4xlarge ml.g6.8xlarge ml.g6.xlarge ml.g6e.12xlarge ml.g6e.16xlarge ml.g6e.24xlarge "
            "ml.g6e.2xlarge ml.g6e.48xlarge ml.g6e.4xlarge ml.g6e.8xlarge ml.g6e.xlarge ml.g7.12xlarge "
            "ml.g7.24xlarge ml.g7.2xlarge ml.g7.48xlarge ml.g7.4xlarge ml.g7.8xlarge ml.g7e.12xlarge "
            "ml.g7e.24xlarge ml.g7e.2xlarge ml.g7e.48xlarge ml.g7e.4xlarge ml.g7e.8xlarge ml.gr6.4xlarge "
            "ml.gr6.8xlarge ml.i3en.12xlarge ml.i3en.24xlarge ml.i3en.2xlarge ml.i3en.3xlarge ml.i3en.6xlarge "
            "ml.i3en.large ml.i3en.xlarge ml.m5.12xlarge ml.m5.16xlarge ml.m5.24xlarge ml.m5.2xlarge "
            "ml.m5.4xlarge ml.m5.8xlarge ml.m5.large ml.m5.xlarge ml.m6a.12xlarge ml.m6a.16xlarge "
            "ml.m6a.24xlarge ml.m6a.2xlarge ml.m6a.32xlarge ml.m6a.48xlarge ml.m6a.4xlarge ml.m6a.8xlarge "
            "ml.m6a.large ml.m6a.xlarge ml.m6g.12xlarge ml.m6g.16xlarge ml.m6g.2xlarge ml.m6g.4xlarge "
            "ml.m6g.8xlarge ml.m6g.large ml.m6g.medium ml.m6g.xlarge ml.m6i.12xlarge ml.m6i.16xlarge "
            "ml.m6i.24xlarge ml.m6i.2xlarge ml.m6i.32xlarge ml.m6i.4xlarge ml.m6i.8xlarge ml.m6i.large "
            "ml.m6i.xlarge ml.m7g.12xlarge ml.m7g.16xlarge ml.m7g.2xlarge ml.m7g.4xlarge ml.m7g.8xlarge "
            "ml.m7g.large ml.m7g.medium ml.m7g.xlarge ml.m7i.12xlarge ml.m7i.16xlarge ml.m7i.24xlarge "
            "ml.m7i.2xlarge ml.m7i.48xlarge ml.m7i.4xlarge ml.m7i.8xlarge ml.m7i.large ml.m7i.xlarge "
            "ml.m8a.16xlarge ml.m8g.12xlarge ml.m8g.16xlarge ml.m8g.24xlarge ml.m8g.2xlarge ml.m8g.48xlarge "
            "ml.m8g.4xlarge ml.m8g.8xlarge ml.m8g.large ml.m8g.medium ml.m8g.xlarge ml.p4d.24xlarge "
            "ml.p4de.24xlarge ml.p5.48xlarge ml.p5.4xlarge ml.p5e.48xlarge ml.p5en.48xlarge "
            "ml.p6-b200.48xlarge ml.p6-b300.48xlarge ml.p6e-gb200.36xlarge ml.r5d.16xlarge ml.r6i.12xlarge "
            "ml.r6i.16xlarge ml.r6i.24xlarge ml.r6i.2xlarge ml.r6i.32xlarge ml.r6i.4xlarge ml.r6i.8xlarge "
            "ml.r6i.large ml.r6i.xlarge ml.r7i.12xlarge ml.r7i.16xlarge ml.r7i.24xlarge ml.r7i.2xlarge "
            "ml.r7i.48xlarge ml.r7i.4xlarge ml.r7i.8xlarge ml.r7i.large ml.r7i.xlarge ml.t3.2xlarge "
            "ml.t3.large ml.t3.medium ml.t3.xlarge ml.trn1.32xlarge ml.trn1n.32xlarge ml.trn2.3xlarge "
            "ml.trn2.48xlarge"
        ).split()
    ),
    "ProcessingInstanceType": frozenset(
        (
            "ml.c4.2xlarge ml.c4.4xlarge ml.c4.8xlarge ml.c4.xlarge ml.c5.18xlarge ml.c5.2xlarge "
            "ml.c5.4xlarge ml.c5.9xlarge ml.c5.xlarge ml.c6i.12xlarge ml.c6i.16xlarge ml.c6i.24xlarge "
            "ml.c6i.2xlarge ml.c6i.32xlarge ml.c6i.4xlarge ml.c6i.8xlarge ml.c6i.xlarge ml.c7i-flex.12xlarge "
            "ml.c7i-flex.16xlarge ml.c7i-flex.2xlarge ml.c7i-flex.4xlarge ml.c7i-flex.8xlarge "
            "ml.c7i-flex.xlarge ml.c7i.12xlarge ml.c7i.16xlarge ml.c7i.24xlarge ml.c7i.2xlarge "
            "ml.c7i.48xlarge ml.c7i.4xlarge ml.c7i.8xlarge ml.c7i.large ml.c7i.xlarge ml.c8i-flex.12xlarge "
            "ml.c8i-flex.16xlarge ml.c8i-flex.2xlarge ml.c8i-flex.4xlarge ml.c8i-flex.8xlarge "
            "ml.c8i-flex.xlarge ml.c8i.12xlarge ml.c8i.16xlarge ml.c8i.24xlarge ml.c8i.2xlarge "
            "ml.c8i.32xlarge ml.c8i.48xlarge ml.c8i.4xlarge ml.c8i.8xlarge ml.c8i.96xlarge ml.c8i.xlarge "
            "ml.g4dn.12xlarge ml.g4dn.16xlarge ml.g4dn.2xlarge ml.g4dn.4xlarge ml.g4dn.8xlarge ml.g4dn.xlarge "
            "ml.g5.12xlarge ml.g5.16xlarge ml.g5.24xlarge ml.g5.2xlarge ml.g5.48xlarge ml.g5.4xlarge "
            "ml.g5.8xlarge ml.g5.xlarge ml.g6.12xlarge ml.g6.16xlarge ml.g6.24xlarge ml.g6.2xlarge "
            "ml.g6.48xlarge ml.g6.4xlarge ml.g6.8xlarge ml.g6.xlarge ml.g6e.12xlarge ml.g6e.16xlarge "
            "ml.g6e.24xlarge ml.g6e.2xlarge ml.g6e.48xlarge ml.g6e.4xlarge ml.g6e.8xlarge ml.g6e.xlarge "
            "ml.g7.12xlarge ml.g7.24xlarge ml.g7.2xlarge ml.g7.48xlarge ml.g7.4xlarge ml.g7.8xlarge "
            "ml.g7e.12xlarge ml.g7e.24xlarge ml.g7e.2xlarge ml.g7e.48xlarge ml.g7e.4xlarge ml.g7e.8xlarge "
            "ml.m4.10xlarge ml.m4.16xlarge ml.m4.2xlarge ml.m4.4xlarge ml.m4.xlarge ml.m5.12xlarge "
            "ml.m5.24xlarge ml.m5.2xlarge ml.m5.4xlarge ml.m5.large ml.m5.xlarge ml.m6i.12xlarge "
            "ml.m6i.16xlarge ml.m6i.24xlarge ml.m6i.2xlarge ml.m6i.32xlarge ml.m6i.4xlarge ml.m6i.8xlarge "
            "ml.m6i.large ml.m6i.xlarge ml.m7i-flex.12xlarge ml.m7i-flex.16xlarge ml.m7i-flex.2xlarge "
            "ml.m7i-flex.4xlarge ml.m7i-flex.8xlarge ml.m7i-flex.large ml.m7i-flex.xlarge ml.m7i.12xlarge "
            "ml.m7i.16xlarge ml.m7i.24xlarge ml.m7i.2xlarge ml.m7i.48xlarge ml.m7i.4xlarge ml.m7i.8xlarge "
            "ml.m7i.large ml.m7i.xlarge ml.m8i-flex.12xlarge ml.m8i-flex.16xlarge ml.m8i-flex.2xlarge "
            "ml.m8i-flex.4xlarge ml.m8i-flex.8xlarge ml.m8i-flex.large ml.m8i-flex.xlarge ml.m8i.12xlarge "
            "ml.m8i.16xlarge ml.m8i.24xlarge ml.m8i.2xlarge ml.m8i.32xlarge ml.m8i.48xlarge ml.m8i.4xlarge "
            "ml.m8i.8xlarge ml.m8i.96xlarge ml.m8i.large ml.m8i.xlarge ml.p2.16xlarge ml.p2.8xlarge "
            "ml.p2.xlarge ml.p3.16xlarge ml.p3.2xlarge ml.p3.8xlarge ml.p5.4xlarge ml.r5.12xlarge "
            "ml.r5.16xlarge ml.r5.24xlarge ml.r5.2xlarge ml.r5.4xlarge ml.r5.8xlarge ml.r5.large ml.r5.xlarge "
            "ml.r5d.12xlarge ml.r5d.16xlarge ml.r5d.24xlarge ml.r5d.2xlarge ml.r5d.4xlarge ml.r5d.8xlarge "
            "ml.r5d.large ml.r5d.xlarge ml.r6i.12xlarge ml.r6i.16xlarge ml.r6i.24xlarge ml.r6i.2xlarge "
            "ml.r6i.32xlarge ml.r6i.4xlarge ml.r6i.8xlarge ml.r6i.large ml.r6i.xlarge ml.r7i.12xlarge "
            "ml.r7i.16xlarge ml.r7i.24xlarge ml.r7i.2xlarge ml.r7i.48xlarge ml.r7i.4xlarge ml.r7i.8xlarge "
            "ml.r7i.large ml.r7i.xlarge ml.r8i-flex.12xlarge ml.r8i-flex.16xlarge ml.r8i-flex.2xlarge "
            "ml.r8i-flex.4xlarge ml.r8i-flex.8xlarge ml.r8i-flex.large ml.r8i-flex.xlarge ml.r8i.12xlarge "
            "ml.r8i.16xlarge ml.r8i.24xlarge ml.r8i.2xlarge ml.r8i.32xlarge ml.r8i.48xlarge ml.r8i.4xlarge "
            "ml.r8i.8xlarge ml.r8i.96xlarge ml.r8i.large ml.r8i.xlarge ml.t3.2xlarge ml.t3.large ml.t3.medium "
            "ml.t3.xlarge"
        ).split()
    ),
}
"""The types of instances, by what SageMaker calls those of a purpose."""
