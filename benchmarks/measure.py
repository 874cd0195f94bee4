"""One measurement in a process of its own; prints one line of JSON.

``measure.py import NAMES``, such as ``pulumi,pulumi_mlops.Platform``; or, under Pulumi's mocks,
``measure.py stack|endpoints library|hand SETTINGS``, where
SETTINGS is JSON: the stack's ``config``, the number of ``endpoints``, whether to ``record`` what is registered.
"""

import time

STARTED = time.process_time()

import asyncio  # noqa: E402 (the clock comes first)
import importlib  # noqa: E402
import json  # noqa: E402
import re  # noqa: E402
import resource  # noqa: E402
import runpy  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

if TYPE_CHECKING:
    from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

HERE = Path(__file__).parent
STACK = HERE.parent / "stacks" / "aws" / "__main__.py"
ACCOUNT, REGION = "111122223333", "us-east-1"
PACKAGE = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/churn-dev-models-churn/1"
ANSWERS = {
    "getCallerIdentity": {"accountId": ACCOUNT, "id": ACCOUNT, "arn": "", "userId": ""},
    "getRegion": {"region": REGION, "id": REGION, "description": "", "endpoint": ""},
    "getPartition": {"partition": "aws", "id": "aws", "dnsSuffix": "amazonaws.com"},
}


def peak_mb() -> float:
    """Return the most memory that this process held.

    Linux hands ``ru_maxrss`` down from the parent, so the kernel's own mark for this image is read there.
    """
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    except OSError:
        found = None
    kilobytes = float(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / 1024


def measure_import(names: str) -> dict[str, Any]:
    """Import modules, and use the names after a dot: a lazy package loads what is behind them only then."""
    began = time.process_time()
    for name in names.split(","):
        module, _, attribute = name.partition(".")
        loaded = importlib.import_module(module)
        if attribute:
            getattr(loaded, attribute)
    return {"seconds": time.process_time() - began, "memory": peak_mb()}


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
    """Run `stacks/aws` with an approved version, which mocks cannot be asked for."""
    from pulumi_mlops.backends.aws import live  # noqa: PLC0415 (as above)

    version = {"ModelPackageVersion": 1, "ModelPackageArn": PACKAGE, "CustomerMetadataProperties": {"auc": "0.94"}}
    live.approved_packages = lambda *_: iter([version])
    runpy.run_path(str(STACK), run_name="__main__")


def stack_by_hand(_: int) -> None:
    """Run the yardstick."""
    runpy.run_path(str(HERE / "by_hand.py"), run_name="__main__")


PROGRAMS: dict[tuple[str, str], Callable[[int], None]] = {
    ("stack", "library"): library_stack,
    ("stack", "hand"): stack_by_hand,
    ("endpoints", "library"): library_endpoints,
    ("endpoints", "hand"): endpoints_by_hand,
}


def measure_program(program: Callable[[int], None], settings: dict[str, Any]) -> dict[str, Any]:
    """Run a program under Pulumi's mocks, as a preview of a stack that exists."""
    import pulumi  # noqa: PLC0415 (its import is part of what is measured)
    from pulumi.runtime import mocks, set_all_config  # noqa: PLC0415
    from pulumi.runtime.stack import run_pulumi_func  # noqa: PLC0415

    registered: list[list[Any]] = []
    counted = 0

    class Cloud(mocks.Mocks):
        def call(self, args: "MockCallArgs") -> tuple[dict[str, Any], list[tuple[str, str]]]:
            return ANSWERS[args.token.rsplit(":", 1)[-1]], []

        def new_resource(self, args: "MockResourceArgs") -> tuple[str, dict[str, Any]]:
            nonlocal counted
            if args.custom:
                counted += 1
                if settings.get("record"):
                    registered.append([args.typ, args.name, args.inputs])
            name = args.inputs.get("name") or f"{args.name}-0a1b2c3"
            service = args.typ.split(":")[1].split("/")[0]
            made = {"name": name, "arn": f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}", "url": f"https://{name}"}
            more = {"keyId": f"{args.name}-key", "repositoryUrl": name, "properties": "{}"}
            return f"{args.name}-id", made | more | args.inputs

    set_all_config({f"churn-aws:{key}": value for key, value in settings["config"].items()} | {"aws:region": REGION})
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(Cloud(), project="churn-aws", stack="dev", preview=True)
    began = time.process_time()
    loop.run_until_complete(run_pulumi_func(lambda: program(settings.get("endpoints", 0))))
    ended = time.process_time()
    assert pulumi.runtime.is_dry_run()  # noqa: S101 (else this measures something else)
    return {
        "seconds": ended - STARTED,
        "program": ended - began,
        "memory": peak_mb(),
        "resources": counted,
        "registered": registered,
    }


def main(what: str, which: str, settings: str = "") -> None:
    """Measure one thing."""
    made = measure_import(which) if what == "import" else measure_program(PROGRAMS[what, which], json.loads(settings))
    print(json.dumps(made))


if __name__ == "__main__":
    main(*sys.argv[1:])
