"""One row of the table at work: create, read, update and delete by API calls."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import Any, cast

from botocore.exceptions import ClientError
from botocore.model import ListShape, OperationModel, StructureShape

from pulumi_mlops_sandbox.aws.provider import failures, names, sdk
from pulumi_mlops_sandbox.aws.provider.row import Call, Get, Part, Row
from pulumi_mlops_sandbox.aws.provider.session import Session
from pulumi_mlops_sandbox.provider.contract import Missing, OneForm, Partial, ProviderError, Traits, Values
from pulumi_mlops_sandbox.provider.schema import Type

_FIRST_POLL, _LONGEST_POLL = 0.05, 1.0
_PATIENCE = 600.0
_OBJECT = Type("object")
EVERYWHERE = ("region", "timeouts")
"""Inputs of every class that say where and how long, not what."""


class RowKind(OneForm):
    """Carries out one row. A row that needs more than the table can say names a subclass."""

    def __init__(self, row: Row, session: Session) -> None:
        self.row = row
        self.session = session

    # What the protocol half asks

    @property
    def traits(self) -> Traits:
        """The row in the words of the protocol half."""
        return self._traits

    @cached_property
    def _traits(self) -> Traits:
        row = self.row
        inputs, outputs = sdk.inputs(row.resource), sdk.outputs(row.resource)
        return Traits(
            inputs=inputs,
            outputs=outputs,
            refused=row.refused,
            name=row.name,
            defaults=row.defaults,
            replace=("region", *row.replace),
            keep=("tags", *row.keep),
            identity=row.identity,
            sets=frozenset(row.sets),
            sticky=frozenset({"region", *row.sticky}),
            sensitive=frozenset(row.sensitive),
            recomputed={
                **dict.fromkeys(row.recomputed, frozenset()),
                **({"tagsAll": frozenset({"tags"})} if row.tags else {}),
            },
            drifting=frozenset(("tags",) if row.tags else ()),
            stables=frozenset(name for name in ("arn", "id") if name in outputs),
        )

    def validate(self, inputs: Values, olds: Values) -> list[tuple[str, str]]:
        """Return what is wrong beyond types."""
        return []

    def changed_beyond(self, olds: Values, news: Values) -> dict[str, bool] | None:
        """Leave the comparison to the protocol half."""
        return None

    def create(self, inputs: Values) -> tuple[str, Values]:
        """Make the object, then set what the create call does not take."""
        scope = self.scope("", inputs)
        extra = {**self.tag_members(inputs), **self.creating(inputs, scope)}
        result = self.call(self.row.create, inputs, scope, extra)
        scope["result"] = result
        object_id = self.identified(scope)
        scope["id"] = object_id
        with self.existing(object_id, inputs):
            self.created(object_id, inputs, scope)
            for part in self.row.parts:
                if part.at_create and any(inputs.get(name) is not None for name in part.on):
                    self.call(part.put, inputs, scope)
            state = self.settled(object_id, inputs)
            wanted = self.all_tags(inputs)
            if self.row.tags and wanted and not self.row.tags.at_create:
                self.retag(scope | state, {}, wanted)
                state = self.read(object_id, inputs)
        return object_id, self.spelled(state, inputs)

    def read(self, object_id: str, inputs: Values) -> Values:
        """Read the object by every call of the row."""
        scope = self.scope(object_id, inputs)
        state: Values = {}
        for number, get in enumerate(self.row.reads):
            state.update(self.get(get, scope | state, first=number == 0))
        state = {**self.remembered(inputs), **state}
        state.update(self.derived(object_id, scope | {k: v for k, v in state.items() if v is not None}))
        if self.row.tags and self.row.tags.fetch:
            with self.absence():  # it may go between the two calls
                state["tagsAll"] = self.fetch_tags(scope | state)
        if self.row.tags:
            found = {key: item for key, item in (state.get("tagsAll") or {}).items() if not key.startswith("aws:")}
            state["tagsAll"] = found
            own, default = inputs.get("tags") or {}, self.session.default_tags
            state["tags"] = {key: item for key, item in found.items() if key in own or default.get(key) != item}
        state = self.adjusted(state, inputs)
        state["region"] = inputs.get("region") or self.session.region
        return {name: item for name, item in state.items() if name in self.traits.outputs or name in self.traits.inputs}

    def update(self, object_id: str, olds: Values, news: Values, changed: frozenset[str]) -> Values:
        """Make the calls whose properties have changed."""
        scope = self.scope(object_id, news)
        state = self.read(object_id, olds)
        scope = {**scope, **{name: item for name, item in state.items() if name not in scope and item is not None}}
        with self.existing(object_id, {**state, **news}):
            for part in self.row.parts:
                if not changed.intersection(part.on):
                    continue
                if part.clear and all(news.get(name) in (None, [], {}) for name in part.on):
                    if any(olds.get(name) not in (None, [], {}) for name in part.on):
                        self.call(part.clear, {}, scope)
                elif any(news.get(name) is not None or olds.get(name) is not None for name in part.on):
                    self.call(part.put, news, scope, self.emptied(part, olds, news))
            self.updated(object_id, olds, news, changed, scope)
            if self.row.tags:
                before, after = state.get("tagsAll") or {}, self.all_tags(news)
                if before != after:
                    self.retag(scope, before, after)
            return self.spelled(self.settled(object_id, news), news)

    def delete(self, object_id: str, inputs: Values, state: Values) -> None:
        """Delete the object and wait until it is gone."""
        scope = {
            **self.scope(object_id, inputs),
            **{k: v for k, v in state.items() if v is not None and k not in inputs},
        }
        scope["id"] = object_id
        self.deleting(object_id, inputs, scope)
        if self.row.delete is None:
            return
        with self.absence():
            self.call(self.row.delete, {}, scope)
        if self.row.wait_gone:
            try:
                self.poll(lambda: self.read(object_id, inputs) is None, "to be gone")
            except Missing:
                return

    # What a subclass may add

    def creating(self, inputs: Values, scope: Values) -> Values:
        """Return further members of the create call."""
        return {}

    def identified(self, scope: Values) -> str:
        """Make the id of a new object."""
        return str(self.fill(self.row.id, scope))

    def created(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Do what follows the create call."""

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Do what no part can say."""

    def deleting(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Do what comes before the delete call."""

    def adjusted(self, state: Values, inputs: Values) -> Values:
        """Correct what was read."""
        return state

    @contextmanager
    def existing(self, object_id: str, state: Values) -> Iterator[None]:
        """Turn a failure into one that says that the object exists but is not as wanted."""
        try:
            yield
        except Exception as error:
            reason = str(error) if isinstance(error, ProviderError) else failures.explain(error)
            raise Partial(reason, object_id, state) from error

    # Calls

    def scope(self, object_id: str, inputs: Values) -> Values:
        """Return the values that templates know."""
        scope: Values = {
            "id": object_id,
            "region": inputs.get("region") or self.session.region,
            "partition": self.session.partition,
        }
        scope.update(self.parsed(object_id))
        scope.update({name: item for name, item in inputs.items() if item is not None})
        return scope

    def parsed(self, object_id: str) -> Values:
        """Read properties back out of an id."""
        if "result" in self.row.id or "id}" in self.row.id or not object_id:
            return {}
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(self.row.id))
        found = re.fullmatch(pattern, object_id)
        return found.groupdict() if found else {}

    def fill(self, template: Any, scope: Mapping[str, Any]) -> Any:
        """Fill a template."""
        if isinstance(template, str):
            if template in {f"{{{name}}}" for name in scope}:
                return scope[template[1:-1]]  # alone: keeps its type
            known = dict(scope)
            if "{account}" in template:
                known["account"] = self.session.account
            try:
                return template.format(**known)
            except KeyError as error:
                raise ProviderError(f"{self.row.resource}: {error.args[0]} is not known in {template!r}") from error
        if isinstance(template, Mapping):
            return {key: self.fill(item, scope) for key, item in template.items()}
        if isinstance(template, (list, tuple)):
            return [self.fill(item, scope) for item in template]
        return template

    def client(self, scope: Mapping[str, Any]) -> Any:
        """Return the client for the resource's region."""
        return self.session.client(self.row.service, str(scope.get("region") or ""))

    def invoke(self, operation: str, scope: Mapping[str, Any], **members: Any) -> Any:
        """Make one API call, patiently."""
        return failures.patiently(getattr(self.client(scope), operation), self.row.retry, **members)

    def ask(self, operation: str, scope: Mapping[str, Any], **members: Any) -> Any:
        """Make one API call about an object that may be gone."""
        with self.absence():
            return self.invoke(operation, scope, **members)

    def listed(self, operation: str, scope: Mapping[str, Any], **members: Any) -> Any:
        """Read all pages of a list."""
        pages = self.client(scope).get_paginator(operation)
        with self.absence():
            return failures.patiently(lambda: pages.paginate(**members).build_full_result(), self.row.retry)

    @contextmanager
    def absence(self, *more: str) -> Iterator[None]:
        """Turn the errors that mean absence into :class:`Missing`."""
        try:
            yield
        except ClientError as error:
            if failures.matches(error, (*self.row.absent, *more)):
                raise Missing(failures.explain(error)) from error
            raise

    def input_shape(self, operation: str) -> StructureShape:
        """Return the shape of an operation's input."""
        return cast("StructureShape", self.model(operation).input_shape)

    def model(self, operation: str) -> OperationModel:
        """Return an operation's model."""
        meta = self.session.client(self.row.service).meta
        return cast("OperationModel", meta.service_model.operation_model(meta.method_to_api_mapping[operation]))

    def call(self, call: Call, values: Values, scope: Values, extra: Values | None = None) -> Any:
        """Make the call of a row with the properties that it takes."""
        shape = self.input_shape(call.operation)
        inner = names.place(shape, call.at)
        given = {
            name: item
            for name, item in values.items()
            if name not in EVERYWHERE and name != "tags" and (call.only is None or name in call.only)
        }
        entry = inner.member if isinstance(inner, ListShape) else inner
        body: Any = names.structure(given, self.traits.inputs, cast("StructureShape", entry), call.rename, "")
        if isinstance(inner, ListShape):  # a batch call: this object is its one entry
            body = [body]
        members: Values = {}
        if call.at:
            into = members
            *outer, last = call.at.split(".")
            for step in outer:
                into = into.setdefault(step, {})
            into[last] = body
        else:
            members = body
        members = _merged(members, self.fill(call.ident, scope))
        members = _merged(members, extra or {})
        return self.invoke(call.operation, scope, **members)

    def get(self, get: Get, scope: Values, *, first: bool) -> Values:
        """Make one reading call and translate what it returns."""
        fields = {**self.traits.inputs, **self.traits.outputs}
        if get.only is not None:
            fields = {name: fields[name] for name in get.only}
        nothing: Values = dict.fromkeys(get.only or ())
        try:
            with self.absence() if first else nullcontext():
                data = self.fetch(get, scope)
        except ClientError as error:
            if failures.matches(error, get.absent):
                return nothing
            raise
        found, at = self.picked(get, data, scope)
        if found is None:
            if first:
                raise Missing(f"{self.row.resource} {scope['id']} does not exist")
            return nothing
        shape = names.place(cast("StructureShape", self.model(get.operation).output_shape), at)
        if get.into:
            return {get.into: names.from_wire(found, fields[get.into].type, shape, get.rename, get.into)}
        if not isinstance(shape, StructureShape):
            raise TypeError(f"{self.row.resource}: {get.operation} has no structure at {get.at!r}")
        state = names.unstructure(found, fields, shape, get.rename)
        if first and "tagsAll" in fields and self.row.tags and not self.row.tags.fetch:
            state["tagsAll"] = _tag_map(found.get(self.row.tags.tags), self.row.tags.form)
        state.pop("tags", None)
        if first:
            self.check_gone(found)
        return state

    def picked(self, get: Get, data: Any, scope: Values) -> tuple[Any, str]:
        """Return what is at the place of a row, and the place in the shape."""
        found = names.look(data, get.at)
        if not get.where:
            return found, get.at
        wanted = self.fill(get.where, scope)
        fits = (item for item in found or [] if all(item.get(key) == value for key, value in wanted.items()))
        return next(fits, None), f"{get.at}[0]"

    def fetch(self, get: Get, scope: Values) -> Any:
        """Make a reading call; all pages of it where an entry has to be looked for."""
        members = self.fill(get.ident, scope)
        if get.where and self.client(scope).can_paginate(get.operation):
            return self.listed(get.operation, scope, **members)
        return self.invoke(get.operation, scope, **members)

    def check_gone(self, found: Mapping[str, Any]) -> None:
        """Raise :class:`Missing` for an object that is still listed but gone for good."""

    def remembered(self, inputs: Values) -> Values:
        """Keep what no API returns: properties of the provider itself, secrets that can only be written."""
        return {name: item for name, item in inputs.items() if name != "tags" and item is not None}

    def derived(self, object_id: str, scope: Values) -> Values:
        """Return outputs that are made from others."""
        return {name: self.fill(template, {**scope, "id": object_id}) for name, template in self.row.outputs.items()}

    def emptied(self, part: Part, olds: Values, news: Values) -> Values:
        """Return members that unset what the program has given up, where an empty text does."""
        shape = self.input_shape(part.put.operation)
        result: Values = {}
        for name in part.on:
            if olds.get(name) is not None and news.get(name) is None and not part.put.at:
                target = names.member(name, shape, part.put.rename, name)
                if target in shape.members and shape.members[target].type_name == "string":
                    result[target] = ""
        return result

    # Waiting

    def settled(self, object_id: str, inputs: Values) -> Values:
        """Wait for the state that the row names, and read the object."""
        wait = self.row.wait
        if wait is None:
            return self.read(object_id, inputs)
        get = self.row.reads[0]
        scope = self.scope(object_id, inputs)
        seen: Values = {}

        def arrived() -> bool:
            data = self.invoke(get.operation, scope, **self.fill(get.ident, scope))
            status = names.look(data, wait.path)
            if status in wait.failed:
                raise ProviderError(
                    f"{self.row.resource} {object_id} is {status}: {names.look(data, wait.reason) or 'no reason given'}"
                )
            seen["status"] = status
            return status in wait.until

        self.poll(arrived, f"to be {' or '.join(wait.until)}", seen)
        return self.read(object_id, inputs)

    def poll(self, done: Callable[[], bool], what: str, seen: Values | None = None) -> None:
        """Ask until it is done, ever more slowly, for a bounded time, and not after an interrupt."""
        limit, pause = time.monotonic() + _PATIENCE, _FIRST_POLL
        while not done():
            if self.session.cancelled.wait(pause):
                raise ProviderError(f"{self.row.resource}: interrupted while waiting {what}")
            if time.monotonic() > limit:
                raise ProviderError(
                    f"{self.row.resource}: waited {_PATIENCE:.0f} s {what}; it is {(seen or {}).get('status')}"
                )
            pause = min(pause * 1.5, _LONGEST_POLL)

    # Tags

    def all_tags(self, inputs: Values) -> dict[str, str]:
        """Return the resource's tags over the provider's."""
        return {**self.session.default_tags, **(inputs.get("tags") or {})}

    def tag_members(self, inputs: Values) -> Values:
        """Return the create call's member for tags."""
        api, wanted = self.row.tags, self.all_tags(inputs)
        if api is None or not api.at_create or not wanted:
            return {}
        return {api.at_create: _tag_form(wanted, api.form)}

    def fetch_tags(self, scope: Values) -> dict[str, str]:
        """Read the tags by their own call."""
        api = self.row.tags
        assert api is not None  # noqa: S101 - called for taggable rows only
        try:
            data = self.invoke(api.fetch, scope, **{api.ident: self.fill(api.value, scope)})
        except ClientError as error:
            if failures.matches(error, ("NoSuchTagSet",)):
                return {}
            raise
        return _tag_map(names.look(data, api.fetched or api.tags), api.form)

    def retag(self, scope: Values, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Bring the tags from one set to another."""
        api = self.row.tags
        assert api is not None  # noqa: S101 - called for taggable rows only
        where = self.fill(api.value, scope)
        ident: Values = {api.ident: [where] if api.many else where}
        gone = [key for key in before if key not in after and not key.startswith("aws:")]
        new = {key: item for key, item in after.items() if before.get(key) != item}
        if gone:
            keys: Any = [{"Key": key} for key in gone] if api.removes_pairs else gone
            self.invoke(api.remove, scope, **ident, **{api.keys: keys})
        if new:
            self.invoke(api.add, scope, **ident, **{api.tags: _tag_form(new, api.form)})

    def spelled(self, state: Values, inputs: Values) -> Values:
        """Return the outputs, with the program's own tags as it gave them."""
        if self.row.tags and inputs.get("tags") is not None:
            return {**state, "tags": inputs["tags"]}
        return state


def _merged(one: Values, other: Mapping[str, Any]) -> Values:
    """Merge requests; nested objects too."""
    result = dict(one)
    for key, item in other.items():
        result[key] = (
            _merged(result[key], item) if isinstance(item, dict) and isinstance(result.get(key), dict) else item
        )
    return result


def _tag_form(tags: Mapping[str, str], form: str) -> Any:
    if form == "map":
        return dict(tags)
    key, value = form.split("/")
    return [{key: name, value: item} for name, item in tags.items()]


def _tag_map(tags: Any, form: str) -> dict[str, str]:
    if form == "map":
        return dict(tags or {})
    key, value = form.split("/")
    return {item[key]: item.get(value, "") for item in tags or []}
