"""ModelRegistry and Model: versions, who approves them, who may use them, and what happens then."""

import re
from typing import Annotated, Literal, Unpack

from pulumi import ResourceOptions
from pydantic import Field, field_validator

from pulumi_mlops.args import ModelArgs, ModelRegistryArgs
from pulumi_mlops.core.component import Component
from pulumi_mlops.core.inputs import Flag, In, Spec, refuse
from pulumi_mlops.core.refs import ModelRef, ModelRegistryRef, ModelVersionRef, Of, PlatformRef

GATE = re.compile(r"(?P<sign>>=|<=|>|<|==)\s*(?P<bound>-?\d+(\.\d+)?)")


class Notice(Spec):
    """Somebody who is told when the approval of a version changes."""

    to: In[str]
    """Full address of who is told (on AWS: the ARN of a queue, topic or function, whose own policy must let the
    cloud's event service deliver; on Kubernetes: an http or https URL)."""
    on: Annotated[list[Literal["approved", "rejected", "pending"]], Field(min_length=1)] = ["approved"]
    """Which changes are told."""


class ModelRegistrySpec(Spec):
    """What a registry is asked to be."""

    platform: Of[PlatformRef]
    """The platform that it stands on."""
    approvers: list[str] = []
    """Principals that may approve and reject versions (on AWS: names of IAM roles of the account; on Kubernetes: users
    of the registry, made with it)."""
    consumers: list[str] | None = None
    """Principals outside that may read and deploy versions (on AWS: account ids; on Kubernetes: namespaces); the
    platform's unless told."""
    events: dict[str, Notice] = {}
    """Who is told of approvals, by short name: ``{"deploy": {"to": queue.arn}}``."""
    tags: dict[str, str] = {}
    """Further tags."""

    def uses(self) -> frozenset[str]:
        """Name what these arguments need."""
        consumers = self.platform.consumers if self.consumers is None else self.consumers
        wanted = {
            "model_registry.approvers": self.approvers,
            "model_registry.consumers": consumers,
            "model_registry.events": self.events,
        }
        return frozenset(["model_registry", *(name for name, used in wanted.items() if used)])


class ModelRegistry(Component[ModelRegistryRef]):
    """Where the versions of models are kept, approved and announced.

    Approval is what deploys: ``model.approved()`` pins the newest approved version when a program runs, and ``events``
    start the next run. On AWS: an EventBridge rule over the registry's model package groups, IAM policies for
    approvers.
    See https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html.
    On Kubernetes: an MLflow server with users of its own, a Postgres database, and webhooks.
    See https://mlflow.org/docs/latest/ml/model-registry/.
    """

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: Unpack[ModelRegistryArgs]) -> None:
        scope, spec = self.begin(ModelRegistrySpec, name, args, opts)
        self.finish(scope.backend.model_registry(scope, spec))

    @staticmethod
    def from_stack(stack: str, output: str | None = None) -> ModelRegistryRef:
        """Use the registry that another stack exports; see :meth:`Ref.from_stack`."""
        return ModelRegistryRef.from_stack(stack, output)


class ModelSpec(Spec):
    """What a model is asked to be."""

    registry: Of[ModelRegistryRef]
    """The registry that it belongs to."""
    gate: dict[str, str] = {}
    """What a version's metrics must reach before ``approved()`` takes it: ``{"auc": ">=0.92"}``. Judged against
    the metadata of the version."""
    description: str | None = None
    """What the model does. It cannot be changed later."""
    metadata: dict[str, str] = {}
    """Facts about the model as a whole, kept as tags."""
    protect: Flag | None = None
    """Refuse to delete the model; as the stage says unless told."""
    tags: dict[str, str] = {}
    """Further tags."""

    @field_validator("gate")
    @classmethod
    def _bounds(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := [f"{metric}: {bound!r}" for metric, bound in value.items() if not GATE.fullmatch(bound)]:
            raise refuse(f"{', '.join(wrong)}: write a comparison with a number, such as '>=0.92'")
        return value

    def anchor(self) -> PlatformRef:
        """Return the platform of the registry."""
        return self.registry.platform

    def uses(self) -> frozenset[str]:
        """Name what these arguments need."""
        return frozenset({"model", "model.gate"} if self.gate else {"model"})


class Model(Component[ModelRef]):
    """A named model with versions. Versions come from training, not from this program.

    On Kubernetes: a registered model of MLflow, whose versions are approved by the tag ``approval``.
    On AWS: a SageMaker ModelPackageGroup.
    See https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-model-group.html.
    """

    def __init__(self, name: str, opts: ResourceOptions | None = None, **args: Unpack[ModelArgs]) -> None:
        scope, spec = self.begin(ModelSpec, name, args, opts)
        self.finish(scope.backend.model(scope, spec))

    def approved(self, *, otherwise: Literal["wait", "fail"] = "fail") -> ModelVersionRef:
        """Return the newest approved version and pin it; see :meth:`ModelRef.approved`."""
        return self.ref.approved(otherwise=otherwise)

    def version(self, number: int) -> ModelVersionRef:
        """Return one version by number; see :meth:`ModelRef.version`."""
        return self.ref.version(number)

    @staticmethod
    def from_stack(stack: str, output: str | None = None) -> ModelRef:
        """Use the model that another stack exports; see :meth:`Ref.from_stack`."""
        return ModelRef.from_stack(stack, output)
