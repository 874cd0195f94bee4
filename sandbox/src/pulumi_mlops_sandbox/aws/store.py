"""The own store: kinds of things as a table, and the operations that all kinds share.

A record is what the API describes, as a plain dictionary. What changes by itself (Creating → InService) is a list of
dated steps on the record, applied whenever somebody looks; so states survive a restart and need no threads.
"""

import copy
import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi_mlops_sandbox.aws.accounts import ACCOUNT
from pulumi_mlops_sandbox.aws.errors import AwsError, invalid

Record = dict[str, Any]
STEPS, TAGS = "_steps", "_tags"  # private members of a record; responses hold the members of their shape only
MAX_TAGS = 50
DELETED = "deleted"


@dataclass(frozen=True)
class Kind:
    """One kind of thing: how it is named, listed and refused."""

    name: str  # the operations are Create<name>, Describe<name>, Delete<name>, List<name>s
    id_field: str
    arn_path: str  # with {id}
    listed: str  # the member that holds the summaries
    missing: tuple[str, str]  # error code and message, with {id} and {arn}
    exists: tuple[str, str]
    service: str = "sagemaker"
    newest_first: bool = True  # the order of a list where the request names none
    filters: dict[str, str] = field(default_factory=dict)  # parameter of List -> member that must be equal
    sort: dict[str, str] = field(default_factory=lambda: {"Name": "{id}", "CreationTime": "CreationTime"})

    @property
    def arn_field(self) -> str:
        """The member that holds the ARN."""
        return f"{self.name}Arn"

    def arn(self, region: str, identity: str) -> str:
        """Make the ARN of a thing of this kind in this account."""
        return f"arn:aws:{self.service}:{region}:{ACCOUNT}:{self.arn_path.format(id=identity)}"


class Store:
    """All records of one account, by kind, region and id."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], dict[str, Record]] = {}
        self.extra: dict[str, Any] = {}  # what other parts keep: feature values, request tokens …

    def dump(self) -> dict[str, Any]:
        """Hand out what must survive."""
        return {"records": self._records, "extra": self.extra}

    def restore(self, dumped: dict[str, Any]) -> None:
        """Take back what `dump` handed out."""
        self._records, self.extra = dumped["records"], dumped["extra"]

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self.extra.clear()

    def all(self, kind: Kind, region: str) -> dict[str, Record]:
        """All records of a kind, to be changed in place."""
        return self._records.setdefault((kind.name, region), {})

    def everything(self) -> Iterator[tuple[str, str, Record]]:
        """Go through all records: kind, id, record."""
        for (kind, _region), records in self._records.items():
            for identity, record in records.items():
                yield kind, identity, record

    def get(self, kind: Kind, region: str, identity: str) -> Record:
        """One record, or the kind's own error of absence."""
        record = self.all(kind, region).get(_plain(kind, identity))
        if record is None:
            code, message = kind.missing
            raise AwsError(code, message.format(id=identity, arn=kind.arn(region, identity)))
        return record

    def create(
        self, kind: Kind, region: str, params: Mapping[str, Any], identity: str | None = None, **members: Any
    ) -> Record:
        """Keep a request's parameters as a new record."""
        given = copy.deepcopy(dict(params))
        tags = given.pop("Tags", None) or []
        name: str = identity or given[kind.id_field]
        records = self.all(kind, region)
        arn = kind.arn(region, name)
        if name in records:
            code, message = kind.exists
            raise AwsError(code, message.format(id=name, arn=arn))
        moment = now()
        record = given | {kind.arn_field: arn, "CreationTime": moment, "LastModifiedTime": moment, TAGS: []} | members
        add_tags(record, tags)
        records[name] = record
        return record

    def delete(self, kind: Kind, region: str, identity: str) -> None:
        """Forget a record."""
        self.get(kind, region, identity)
        del self.all(kind, region)[_plain(kind, identity)]

    def settle(self, apply: Callable[[str, str, str, Record], None], *, hurry: bool = False) -> bool:
        """Apply the steps that are due, by kind, step and region; say whether any was.

        In a hurry the next step of each record counts as due.
        """
        changed = False
        moment = time.time()
        for (name, region), records in list(self._records.items()):
            for identity, record in list(records.items()):
                if hurry and record.get(STEPS):
                    record[STEPS][0]["at"] = moment
                while record.get(STEPS) and record[STEPS][0]["at"] <= moment:
                    step = record[STEPS].pop(0)
                    changed = True
                    if step["do"] == DELETED:
                        del records[identity]
                        break
                    apply(name, step["do"], region, record)
        return changed


def now() -> dt.datetime:
    """Tell the time, as responses give it."""
    return dt.datetime.now(dt.UTC)


def _plain(kind: Kind, identity: str) -> str:
    """Accept an ARN where AWS accepts one."""
    prefix = kind.arn_path.format(id="")
    return identity.split(f":{prefix}", 1)[1] if identity.startswith("arn:") and f":{prefix}" in identity else identity


def add_tags(record: Record, tags: list[dict[str, str]]) -> None:
    """Add or overwrite tags, as far as AWS allows."""
    keys = [tag["Key"] for tag in tags]
    if len(set(keys)) != len(keys):
        raise invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise invalid("aws: prefixed tag key names are not allowed for external use.")
    merged = {tag["Key"]: tag["Value"] for tag in record[TAGS]} | {tag["Key"]: tag["Value"] for tag in tags}
    if len(merged) > MAX_TAGS:
        raise AwsError("ResourceLimitExceeded", f"The number of tags would exceed the limit of {MAX_TAGS}")
    record[TAGS] = [{"Key": key, "Value": value} for key, value in merged.items()]


def listing(kind: Kind, params: Mapping[str, Any], records: list[Record]) -> dict[str, Any]:
    """Filter, sort and cut a list of records as the List operations do."""
    chosen = [record for record in records if _matches(kind, params, record)]
    by = kind.sort.get(params.get("SortBy", "CreationTime"), "CreationTime").replace("{id}", kind.id_field)
    descending = params.get("SortOrder", "Descending" if kind.newest_first else "Ascending") == "Descending"
    chosen.sort(key=lambda record: record.get(by) or "", reverse=descending)
    start = _offset(params.get("NextToken"))
    end = start + int(params.get("MaxResults", 100))
    result: dict[str, Any] = {kind.listed: chosen[start:end]}
    if end < len(chosen):
        result["NextToken"] = f"offset-{end}"
    return result


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    prefix, _, number = token.partition("-")
    if prefix != "offset" or not number.isdigit():
        raise invalid("Invalid pagination token")
    return int(number)


def _matches(kind: Kind, params: Mapping[str, Any], record: Record) -> bool:
    wanted = params.get("NameContains")
    if wanted and wanted.lower() not in str(record.get(kind.id_field, "")).lower():
        return False
    for member in ("CreationTime", "LastModifiedTime"):
        moment = record[member].timestamp()
        if moment < _seconds(params.get(f"{member}After"), moment) or moment > _seconds(
            params.get(f"{member}Before"), moment
        ):
            return False
    return all(record.get(member) == params[name] for name, member in kind.filters.items() if params.get(name))


def _seconds(value: Any, otherwise: float) -> float:
    if value is None:
        return otherwise
    return value.timestamp() if isinstance(value, dt.datetime) else float(value)
