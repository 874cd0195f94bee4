"""The walker over botocore's shapes: what it accepts, what it refuses, and that it keeps secrets."""

import json
from typing import Any

import pytest
from botocore.model import DenormalizedStructureBuilder, OperationModel, Shape
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.core.utils import get_service_model

from pulumi_mlops_sandbox.aws import shapes


def operation(service: str, name: str) -> OperationModel:
    return get_service_model(service).operation_model(name)


def shape(**member: Any) -> Shape:
    return DenormalizedStructureBuilder().with_members({"Field": member}).build_model()


@given(st.text(max_size=12))
def test_length_and_enum(text: str) -> None:
    found = shapes.problems(shape(type="string", min=2, max=5), {"Field": text})
    assert bool(found) == (not 2 <= len(text) <= 5)
    assert bool(shapes.problems(shape(type="string", enum=["a", "b"]), {"Field": text})) == (text not in {"a", "b"})


@given(st.integers(-100, 100))
def test_bounds_of_numbers(number: int) -> None:
    found = shapes.problems(shape(type="integer", min=0, max=10), {"Field": number})
    assert bool(found) == (not 0 <= number <= 10)


@given(st.from_regex(r"[a-z]{0,3}[0-9-]{0,3}", fullmatch=True))
def test_patterns_match_in_full(text: str) -> None:
    found = shapes.problems(shape(type="string", pattern="[a-z]+[0-9]*"), {"Field": text})
    letters = text.rstrip("0123456789")
    assert bool(found) == (not (letters and letters.isalpha()))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)  # the first example loads the model
@given(
    st.dictionaries(st.sampled_from(["EndpointConfigName", "ProductionVariants", "Tags", "KmsKeyId", "Other"]), _JSON)
)
def test_any_json_gets_an_answer(params: dict[str, Any]) -> None:
    found = shapes.problems(operation("sagemaker", "CreateEndpointConfig").input_shape, json.loads(json.dumps(params)))
    assert found or set(params) >= {"EndpointConfigName", "ProductionVariants"}
    assert all(problem.path and problem.constraint for problem in found)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ({"type": "string"}, 1),
        ({"type": "integer"}, "1"),
        ({"type": "integer"}, True),
        ({"type": "boolean"}, "true"),
        ({"type": "list", "member": {"type": "string"}}, "x"),
        ({"type": "structure", "members": {}}, []),
    ],
)
def test_wrong_types_do_not_deserialize(member: dict[str, Any], value: object) -> None:
    (problem,) = shapes.problems(shape(**member), {"Field": value})
    assert problem.serialization


def test_required_and_unknown_members() -> None:
    model = operation("sagemaker", "CreateModelPackageGroup").input_shape
    missing, unknown = shapes.problems(model, {"Colour": "red"})
    assert (missing.path, missing.constraint) == ("modelPackageGroupName", "Member must not be null")
    assert "ModelPackageGroupName" in unknown.constraint


def test_the_message_is_that_of_aws() -> None:
    model = operation("sagemaker", "CreateEndpointConfig").input_shape
    variant = {"VariantName": "a b", "InitialInstanceCount": 0}
    found = shapes.problems(model, {"EndpointConfigName": "c", "ProductionVariants": [variant]})
    assert shapes.message(found) == (
        "2 validation errors detected: "
        "Value 'a b' at 'productionVariants.1.member.variantName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}; "
        "Value '0' at 'productionVariants.1.member.initialInstanceCount' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1"
    )


def test_a_secret_value_is_never_echoed() -> None:
    model = operation("secretsmanager", "CreateSecret").input_shape
    found = shapes.problems(model, {"Name": "token", "SecretString": "s3cret" * 20000})
    assert found
    assert "s3cret" not in shapes.message(found)


def test_unicode_classes_in_patterns_are_understood() -> None:
    model = operation("sagemaker", "AddTags").input_shape
    tags = {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:model/m", "Tags": [{"Key": "größe", "Value": "ü"}]}
    assert shapes.problems(model, tags) == []
    tags["Tags"] = [{"Key": "a\tb", "Value": "\x00"}]
    assert len(shapes.problems(model, tags)) == 2
