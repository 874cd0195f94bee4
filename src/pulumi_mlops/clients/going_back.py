"""Back to what an endpoint served before: newer versions lose their approval, and the stack's own program releases."""

from collections.abc import Sequence

from pulumi_mlops.clients import stacks
from pulumi_mlops.clients.lineage import Served, Version
from pulumi_mlops.clients.results import RegisteredVersion, RollBack
from pulumi_mlops.clients.versions import Versions
from pulumi_mlops.components.endpoint_ref import EndpointRef
from pulumi_mlops.components.model import ModelRef
from pulumi_mlops.core.errors import InvalidCall, NotFound, Problem
from pulumi_mlops.core.gates import missed
from pulumi_mlops.core.refs import Has

_NOTHING = "nothing was changed"


class GoingBack(Versions):
    """How an endpoint goes back."""

    def roll_back(
        self,
        endpoint: str | Has[EndpointRef],
        *,
        reason: str,
        to: int | None = None,
        by: str | None = None,
        up: bool = True,
    ) -> RollBack:
        """Go back to the approved version before that which an endpoint serves.

        Versions that are newer are rejected, so that no later ``pulumi up`` brings them again; then the stack is
        brought up, and the endpoint's own release takes the traffic back, watched as any other. Where it is interrupted
        it can be called again.

        :param endpoint: the name of an endpoint that the stack exports, or its ref; its model is exported as well.
        :param reason: why; it stands with each version that is rejected.
        :param to: the version to go back to; the newest approved one before that which is served unless told.
        :param by: who decides; whom the backend knows as the caller unless told.
        :param up: whether ``pulumi up`` is run for the stack; else the next one brings the version.
        :raises InvalidCall: there is no such version, or none that the model's gate lets through; nothing was changed.
        """
        ref = self._ref(EndpointRef, endpoint)
        if up and not self._stack.asked:
            told = "needs a client of a stack by its name, and this one is of a ref; write up=False, and run pulumi up"
            raise InvalidCall(f"Endpoint {ref.name!r}", [Problem("up", told)], _NOTHING)
        before = self._served(ref)
        model = self._stack.find(ModelRef, before[0].model)
        newest = max(one.version for one in before)
        approved = self.versions(model, approval="approved")
        target = _target(ref, model, approved, newest, to)
        rejected = [one.version for one in approved if one.version > target]
        for number in rejected:
            self.reject(model, number, reason=reason, by=by)
        if up:
            stacks.up(self._stack)
        return RollBack(
            endpoint=ref.name,
            model=model.name,
            before=tuple(sorted({one.version for one in before})),
            rejected=tuple(rejected),
            version=target,
            serves=target in {one.version for one in self._served(ref)},
        )

    def _served(self, ref: EndpointRef) -> Sequence[Version]:
        """Tell the versions that an endpoint serves, without its shadow; they are of one model."""
        models = [one for several in self._stack.refs(ModelRef).values() for one in several]
        with self._asking(ref) as asked:
            served: Sequence[Served] = asked.served(ref, models)
        found = [one.version for one in served if not one.shadow and isinstance(one.version, Version)]
        if not found:
            raise NotFound(f"Endpoint {ref.name!r} serves no version of a model that the stack exports.")
        if len(names := sorted({one.model for one in found})) > 1:
            told = f"serves versions of several models ({', '.join(names)}); reject those of one, and run pulumi up"
            raise InvalidCall(f"Endpoint {ref.name!r}", [Problem("", told)], _NOTHING)
        return found


def _target(
    ref: EndpointRef, model: ModelRef, approved: Sequence[RegisteredVersion], newest: int, to: int | None
) -> int:
    """Choose the version to go back to."""
    fit = [one.version for one in approved if not missed(model.gate, {**one.metadata, **one.metrics})]
    earlier = [one for one in fit if one < newest]
    there = ", ".join(map(str, earlier)) or "none"
    if to is None and earlier:
        return max(earlier)
    if to is not None and to in earlier:
        return to
    told = (
        f"there is no approved version of model {model.name!r} before {newest}, which is served"
        if to is None
        else f"{to} is no approved version of model {model.name!r} before {newest}, which is served (it has: {there})"
    )
    raise InvalidCall(f"Endpoint {ref.name!r}", [Problem("" if to is None else "to", told)], _NOTHING)
