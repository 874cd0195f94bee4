"""The programs that are measured under mocks: each with the library, and as the yardstick has it."""

import runpy
from collections.abc import Callable
from pathlib import Path

from clouds import ACCOUNT, AWS, AZURE, REGION, Cloud

HERE = Path(__file__).parent
SERVING = HERE / "serving.py"
PACKAGE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn-dev-models-churn/1"


def library_endpoints(number: int) -> None:
    """Declare the hub of the stack and a number of endpoints with the library."""
    import pulumi  # noqa: PLC0415 (its import is part of what is measured)

    import pulumi_mlops as mlops  # noqa: PLC0415

    config = pulumi.Config()
    platform = mlops.Platform(
        "churn",
        backend="aws",
        owner=config.require("owner"),
        alerts=config.require_object("alerts"),
        monthly_budget=config.require_float("monthly_budget"),
        images=["churn"],
    )
    store = mlops.FeatureStore("features", platform=platform)
    profile = mlops.FeatureGroup(
        "profile",
        store=store,
        keys=["customer_id"],
        event_time="updated_at",
        features={"customer_id": "string", "updated_at": "timestamp", "age": "integer", "spend_30d": "float"},
        online={"ttl_hours": 72},
    )
    registry = mlops.ModelRegistry("models", platform=platform)
    churn = mlops.Model("churn", registry=registry, description="Probability that a customer leaves")
    for index in range(number):
        mlops.Endpoint(
            f"score-{index}",
            platform=platform,
            model=churn.version(1),
            reads=[profile.online],
            compute={"cpus": 2, "memory_gb": 4},
            scaling={"min": 1, "max": 2, "requests_per_replica": 400},
            release={"canary": {"percent": 50, "bake_minutes": 15}},
            capture_percent=20,
        )


def endpoints_by_hand(number: int) -> None:
    """Declare the same in plain pulumi-aws."""
    import by_hand  # noqa: PLC0415 (it declares what it looks up as it is loaded)

    hub = by_hand.hub()
    profile = by_hand.features(hub)
    group = by_hand.group()
    package = group.arn.apply(lambda arn: f"{arn.replace(':model-package-group/', ':model-package/')}/1")
    for index in range(number):
        by_hand.endpoint(hub, f"score-{index}", package, profile)


def library_stack(_: int) -> None:
    """Run what serves a model, with an approved version, which mocks cannot be asked for."""
    from pulumi_mlops.backends.aws import live  # noqa: PLC0415 (as above)

    version = {"ModelPackageVersion": 1, "ModelPackageArn": PACKAGE, "CustomerMetadataProperties": {"auc": "0.94"}}
    live.approved_packages = lambda *_: iter([version])
    runpy.run_path(str(SERVING), run_name="__main__")


def stack_by_hand(_: int) -> None:
    """Run the yardstick."""
    runpy.run_path(str(HERE / "by_hand.py"), run_name="__main__")


def library_azure(_: int) -> None:
    """Declare five components on Azure; the endpoint serves an image of the platform, since no version is there yet."""
    import pulumi  # noqa: PLC0415 (as above)

    import pulumi_mlops as mlops  # noqa: PLC0415 (as above)

    config = pulumi.Config()
    platform = mlops.Platform(
        "churn",
        backend="azure",
        owner=config.require("owner"),
        alerts=config.require_object("alerts"),
        monthly_budget=config.require_float("monthly_budget"),
        images=["churn"],
    )
    registry = mlops.ModelRegistry("models", platform=platform, events={"deploy": {"to": config.require("approvals")}})
    churn = mlops.Model("churn", registry=registry, description="Probability that a customer leaves")
    mlops.Identity("trainer", platform=platform, registers=[churn])
    score = mlops.Endpoint(
        "score",
        platform=platform,
        model={"image": platform.image("churn", "1")},
        compute={"cpus": config.require_int("cpus"), "memory_gb": config.require_int("memory_gb")},
        scaling={
            "min": config.require_int("replicas_min"),
            "max": config.require_int("replicas_max"),
            "requests_per_replica": 400,
        },
        release={"canary": {"percent": config.require_int("canary_percent"), "bake_minutes": 15}},
        capture_percent=20,
    )
    pulumi.export("url", score.url)


def azure_by_hand(_: int) -> None:
    """Run the yardstick."""
    runpy.run_path(str(HERE / "by_hand_azure"), run_name="__main__")


Program = Callable[[int], None]
"""Takes the number of endpoints, where the program has any number of them."""
PROGRAMS: dict[tuple[str, str], tuple[Cloud, Program]] = {
    ("stack", "library"): (AWS, library_stack),
    ("stack", "hand"): (AWS, stack_by_hand),
    ("endpoints", "library"): (AWS, library_endpoints),
    ("endpoints", "hand"): (AWS, endpoints_by_hand),
    ("azure", "library"): (AZURE, library_azure),
    ("azure", "hand"): (AZURE, azure_by_hand),
}
