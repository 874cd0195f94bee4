"""What is common to EC2's resources."""

from typing import Any

from pulumi_mlops_sandbox.aws.provider.kind import RowKind
from pulumi_mlops_sandbox.aws.provider.row import TagApi
from pulumi_mlops_sandbox.provider.contract import Values

# EC2 returns tags with the object, and takes them at creation with the type of what is created.
TAGS = TagApi(
    ident="Resources",
    add="create_tags",
    remove="delete_tags",
    fetch="",
    keys="Tags",
    at_create="TagSpecifications",
    value="{id}",
    many=True,
    removes_pairs=True,
)


class Ec2Kind(RowKind):
    """What is common to EC2: typed tags at creation, wrapped booleans when modified."""

    tagged = ""
    """The type in a tag specification."""
    modify = ""
    """The call that sets one attribute."""
    modified: tuple[str, ...] = ()
    """The attributes that it sets."""

    def tag_members(self, inputs: Values) -> Values:
        """Send tags with the type of what is created."""
        wanted = self.all_tags(inputs)
        pairs = [{"Key": key, "Value": item} for key, item in wanted.items()]
        return {"TagSpecifications": [{"ResourceType": self.tagged, "Tags": pairs}]} if wanted else {}

    def created(self, object_id: str, inputs: Values, scope: Values) -> None:
        """Set the attributes that the create call does not take."""
        for name in self.modified:
            if (inputs.get(name) is not None and inputs[name] != self.row.defaults.get(name, False)) or (
                name == "enableDnsHostnames" and inputs.get(name)
            ):
                self._set(object_id, name, inputs[name], scope)

    def updated(self, object_id: str, olds: Values, news: Values, changed: frozenset[str], scope: Values) -> None:
        """Set the attributes that changed."""
        for name in self.modified:
            if name in changed:
                self._set(object_id, name, news.get(name, False), scope)

    def _set(self, object_id: str, name: str, value: Any, scope: Values) -> None:
        shape = self.input_shape(self.modify)
        member = next(item for item in shape.members if item.lower() == name.lower())
        wrapped = {"Value": value} if shape.members[member].type_name == "structure" else value
        ident = next(item for item in ("VpcId", "SubnetId") if item in shape.members)
        self.invoke(self.modify, scope, **{ident: object_id, member: wrapped})

    def arn(self, state: Values, what: str, object_id: str) -> str:
        """Make an ARN, which EC2 returns only for some types."""
        owner = state.get("ownerId") or self.session.account
        return f"arn:{self.session.partition}:ec2:{self.session.region}:{owner}:{what}/{object_id}"


def unlisted(*names: str) -> dict[str, str]:
    """Refuse properties that the table does not carry."""
    return dict.fromkeys(names, "not in the table")
