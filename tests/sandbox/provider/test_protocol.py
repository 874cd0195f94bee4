"""The protocol half, call by call, before a cloud that is a dictionary."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from pulumi_mlops_sandbox.provider.journal import Entry
from pulumi_mlops_sandbox.provider.values import UNKNOWN, Secret, marked, receive, send
from support.engine_calls import Engine, init_failed
from support.sandbox.fake_cloud import URN, BoxCloud, BoxKind

DiffResponse = provider_pb2.DiffResponse


def kinds(answer: Any) -> dict[str, str]:
    return {path: provider_pb2.PropertyDiff.Kind.Name(item.kind) for path, item in answer.detailedDiff.items()}


class TestTheProtocolItself:
    def test_handshake_and_information(self, engine: Engine) -> None:
        assert engine.stub.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address="x")).accept_secrets
        assert engine.stub.GetPluginInfo(empty_pb2.Empty()).version == "1.0.0"
        schema = json.loads(engine.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
        assert schema["resources"] == {"box:index/box:Box": {}}

    def test_parameterize_is_not_implemented(self, engine: Engine) -> None:
        with pytest.raises(grpc.RpcError) as caught:
            engine.stub.Parameterize(provider_pb2.ParameterizeRequest())
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED

    def test_configuration(self, engine: Engine, cloud: BoxCloud) -> None:
        answer = engine.stub.Configure(
            provider_pb2.ConfigureRequest(args=send({"region": Secret("x"), "version": "1"}))
        )
        assert answer.acceptSecrets
        assert answer.supportsPreview
        assert cloud.config == {"region": "x"}
        failures = engine.stub.CheckConfig(provider_pb2.CheckRequest(news=send({"regoin": "x"}))).failures
        assert [(item.property, item.reason) for item in failures] == [("regoin", "sandbox box: unknown")]

    def test_a_change_of_configuration_is_seen_behind_its_json(self, engine: Engine) -> None:
        olds = send({"region": "a", "tags": '{"a":"b"}'})
        same = engine.stub.DiffConfig(
            provider_pb2.DiffRequest(old_inputs=olds, news=send({"region": "a", "tags": '{"a": "b"}'}))
        )
        other = engine.stub.DiffConfig(
            provider_pb2.DiffRequest(old_inputs=olds, news=send({"region": "b", "tags": '{"a":"b"}'}))
        )
        assert same.changes == DiffResponse.DIFF_NONE
        assert list(other.replaces) == ["region"]

    def test_cancel(self, engine: Engine, cloud: BoxCloud) -> None:
        engine.stub.Cancel(empty_pb2.Empty())
        assert cloud.cancelled

    def test_a_function_gives_secrets_back_as_secrets(self, engine: Engine) -> None:
        request = provider_pb2.InvokeRequest(tok="box:index/echo:echo", args=send({"a": Secret("s"), "b": 1}))
        assert receive(getattr(engine.stub.Invoke(request), "return")) == {"a": Secret("s"), "b": 1}

    def test_an_unknown_token_is_named(self, engine: Engine) -> None:
        with pytest.raises(grpc.RpcError, match=r"sandbox box: no resource 'box:index/bin:Bin'"):
            engine.check({}, urn="urn:pulumi:dev::p::box:index/bin:Bin::mine")

    def test_the_process_refuses_to_run_outside_a_sandbox(self) -> None:
        env = {key: item for key, item in os.environ.items() if key != "PULUMI_MLOPS_SANDBOX"}
        module = "pulumi_mlops_sandbox.aws.provider"
        done = subprocess.run([sys.executable, "-m", module], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stdout == ""
        assert "PULUMI_MLOPS_SANDBOX is not set" in done.stderr


class TestCheck:
    def test_defaults_and_the_name_are_filled_in(self, engine: Engine) -> None:
        inputs, failures = engine.check({"size": 1})
        assert failures == {}
        assert re.fullmatch(r"mine-[0-9a-f]{7}", inputs["name"])
        assert inputs["colour"] == "red"
        assert inputs["__defaults"] == ["name", "colour"]
        assert engine.check({"size": 1})[0]["name"] == inputs["name"], "the same seed makes the same name"

    def test_a_name_is_kept_only_where_it_was_made_up(self, engine: Engine) -> None:
        made, _ = engine.check({"size": 1})
        assert engine.check({"size": 2}, {**made, "name": "mine-0000000"})[0]["name"] == "mine-0000000"
        assert engine.check({"size": 2}, {"name": "own", "size": 1})[0]["name"] != "own"

    def test_a_name_that_is_too_long_is_refused(self, engine: Engine) -> None:
        _, failures = engine.check({"size": 1}, urn=URN + "-and-a-long-tail")
        assert "name 'mine-and-a-long-tail' plus 8 random chars is longer than maximum length" in str(failures)

    def test_the_users_rules_of_naming(self, engine: Engine) -> None:
        options = provider_pb2.CheckRequest.AutonamingOptions
        proposed = options(proposed_name="mine-dev", mode=options.PROPOSE)
        assert engine.check({"size": 1}, autonaming=proposed)[0]["name"] == "mine-dev"
        assert "name" not in engine.check({"size": 1}, autonaming=options(mode=options.DISABLE))[0]

    @pytest.mark.parametrize(
        ("inputs", "where", "what"),
        [
            ({"size": 1, "colur": "red"}, "colur", "unknown property 'colur'; did you mean 'colour'?"),
            ({}, "size", "missing required property 'size'"),
            ({"size": "big"}, "size", "expected integer, not str"),
            ({"size": 1, "colour": "rde"}, "colour", "'rde' is not one of red, blue; did you mean 'red'?"),
            ({"size": 1, "lid": {"opn": True}}, "lid.opn", "unknown property 'opn'; did you mean 'open'?"),
            ({"size": 1, "labels": [{"a": "b"}]}, "labels[0]", "expected string, not dict"),
            ({"size": 1, "old": "x"}, "old", "the sandbox does not carry 'old': it is old"),
        ],
    )
    def test_what_is_wrong_is_named(self, engine: Engine, inputs: dict[str, Any], where: str, what: str) -> None:
        _, failures = engine.check(inputs)
        assert failures == {where: f"sandbox box: {what}"}

    def test_text_is_read_as_what_it_stands_for(self, engine: Engine) -> None:
        inputs, _ = engine.check({"size": "3", "lid": {"open": "true"}, "name": 5})
        assert (inputs["size"], inputs["lid"], inputs["name"]) == (3, {"open": True}, "5")

    def test_secrets_and_unknowns_pass(self, engine: Engine) -> None:
        inputs, failures = engine.check({"size": UNKNOWN, "password": Secret("pw"), "tags": {"a": Secret("b")}})
        assert failures == {}
        assert inputs["size"] is UNKNOWN
        assert inputs["password"] == Secret("pw")
        assert inputs["tags"] == {"a": Secret("b")}


class TestDiff:
    def test_nothing(self, engine: Engine) -> None:
        answer = engine.diff({"size": 1, "password": Secret("a")}, {"size": 1, "password": "a"})
        assert answer.changes == DiffResponse.DIFF_NONE

    def test_every_path_and_what_happened_there(self, engine: Engine) -> None:
        olds = {"size": 1, "tags": {"a": "1", "b": "2"}, "labels": ["x"], "lid": {"open": True}}
        news = {"size": 2, "tags": {"a": "1", "c.d": "3"}, "labels": ["x", "y"], "lid": {"open": True}}
        answer = engine.diff(olds, news)
        assert kinds(answer) == {"size": "UPDATE", "tags.b": "DELETE", 'tags["c.d"]': "ADD", "labels[1]": "ADD"}
        assert sorted(answer.diffs) == ["labels", "size", "tags"]
        assert list(answer.replaces) == []
        assert list(answer.stables) == ["arn"]

    def test_replacement(self, engine: Engine) -> None:
        answer = engine.diff({"name": "a", "lid": {"hinges": 1}}, {"name": "a", "lid": {"hinges": 2}})
        assert kinds(answer) == {"lid.hinges": "UPDATE_REPLACE"}
        assert list(answer.replaces) == ["lid"]
        assert answer.deleteBeforeReplace, "the fixed name would collide"

    def test_a_made_up_name_does_not_collide(self, engine: Engine) -> None:
        olds = {"name": "a", "lid": {"hinges": 1}, "__defaults": ["name"]}
        assert not engine.diff(olds, {**olds, "lid": {"hinges": 2}}).deleteBeforeReplace
        assert not engine.diff({"name": "a"}, {"name": "b"}).deleteBeforeReplace

    def test_an_unknown_is_a_change(self, engine: Engine) -> None:
        assert kinds(engine.diff({"size": 1}, {"size": UNKNOWN})) == {"size": "UPDATE"}
        assert kinds(engine.diff({"name": "a"}, {"name": UNKNOWN})) == {"name": "UPDATE_REPLACE"}

    def test_ignored_changes(self, engine: Engine) -> None:
        olds, news = {"size": 1, "tags": {"a": "1"}}, {"size": 2, "tags": {"a": "2"}}
        assert engine.diff(olds, news, ignore=("size", "tags.a")).changes == DiffResponse.DIFF_NONE
        assert engine.diff(olds, news, ignore=("size", "tags")).changes == DiffResponse.DIFF_NONE

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('{"a": 1, "b": [1, 2]}', '{"b":[1,2],"a":1}'),
            (
                '{"Statement": [{"Action": ["s3:GetObject"], "Resource": ["a", "b"]}]}',
                '{"Statement": {"Action": "s3:GetObject", "Resource": ["b", "a"]}}',
            ),
        ],
    )
    def test_documents_are_compared_by_meaning(self, engine: Engine, old: str, new: str) -> None:
        assert engine.diff({"policy": old}, {"policy": new}).changes == DiffResponse.DIFF_NONE
        assert engine.diff({"policy": old}, {"policy": '{"a": 2}'}).changes == DiffResponse.DIFF_SOME

    def test_order_means_nothing_in_a_set(self, engine: Engine) -> None:
        assert engine.diff({"labels": ["a", "b"]}, {"labels": ["b", "a"]}).changes == DiffResponse.DIFF_NONE
        assert kinds(engine.diff({"labels": ["a", "b"]}, {"labels": ["b", "c"]}))


class TestLife:
    def test_preview_foresees_inputs_and_leaves_outputs_unknown(self, engine: Engine, box: BoxKind) -> None:
        object_id, state = engine.create({"name": "a", "size": 1}, preview=True)
        assert (object_id, state) == ("", {"name": "a", "size": 1, "arn": UNKNOWN})
        assert box.calls == []

    def test_create_read_update_delete(self, engine: Engine, box: BoxKind) -> None:
        object_id, state = engine.create({"name": "a", "size": 1, "password": "pw", "tags": {"x": Secret("y")}})
        assert object_id == "a"
        assert state["arn"] == "arn:a"
        assert state["password"] == Secret("pw"), "sensitive by the table"
        assert state["tags"] == Secret({"x": "y"}), "secret because the input was"
        assert engine.update("a", {"name": "a", "size": 1}, {"name": "a", "size": 2})["size"] == 2
        assert box.calls[-1] == "update size"
        engine.delete("a", {"name": "a", "size": 2})
        engine.delete("a", {"name": "a", "size": 2})
        assert box.objects == {}
        assert engine.read("a").id == ""

    def test_refresh_finds_drift_and_only_drift(self, engine: Engine, box: BoxKind) -> None:
        inputs = {"name": "a", "size": 1, "lid": {"open": True}, "labels": ["x", "y"]}
        box.objects["a"] = {**inputs, "lid": {"open": True, "hinges": 2}, "labels": ["y", "x"], "arn": "arn:a"}
        assert receive(engine.read("a", inputs).inputs) == inputs
        box.objects["a"].update(size=5, tags={"by": "hand"})
        assert receive(engine.read("a", inputs).inputs) == {**inputs, "size": 5, "tags": {"by": "hand"}}

    def test_import_returns_inputs_that_change_nothing(self, engine: Engine, box: BoxKind) -> None:
        box.objects["a"] = {"name": "a", "size": 1, "colour": "blue", "labels": [], "arn": "arn:a"}
        answer = engine.read("a")
        inputs = receive(answer.inputs)
        assert answer.id == "a"
        checked, _ = engine.check({"name": "a", "size": 1, "colour": "blue"}, inputs)
        assert engine.diff(inputs, checked, "a").changes == DiffResponse.DIFF_NONE

    def test_a_half_made_object_is_recorded_and_tried_again(self, engine: Engine, box: BoxKind) -> None:
        box.partial = "the lid is missing"
        with pytest.raises(grpc.RpcError, match="sandbox box: the lid is missing") as caught:
            engine.create({"name": "a", "size": 1, "password": Secret("pw-very-secret")})
        detail = init_failed(caught.value)
        assert detail.id == "a"
        assert list(detail.reasons) == ["sandbox box: the lid is missing"]
        assert receive(detail.properties)["password"] == Secret("pw-very-secret")
        box.partial = ""
        engine.update("a", {"name": "a", "size": 1}, {"name": "a", "size": 1})
        assert box.calls[-1] == "update name,size", "no difference: everything is set once more"

    def test_an_object_that_somebody_else_deleted(self, engine: Engine) -> None:
        with pytest.raises(grpc.RpcError, match="run `pulumi refresh`"):
            engine.update("gone", {"name": "gone", "size": 1}, {"name": "gone", "size": 2})

    def test_no_secret_in_a_diagnostic(self, engine: Engine, box: BoxKind) -> None:
        box.failing = "value 'hunter2hunter2' is refused,\nand 'other-secret' too"
        with pytest.raises(grpc.RpcError) as caught:
            engine.create({"name": "a", "size": 1, "password": "other-secret", "policy": Secret("hunter2hunter2")})
        assert caught.value.details() == "sandbox box: value '[secret]' is refused, and '[secret]' too"

    def test_an_odd_exception_is_one_line_too(self, engine: Engine, box: BoxKind) -> None:
        box.objects = None  # type: ignore[assignment]  # odd on purpose
        with pytest.raises(grpc.RpcError, match="sandbox box: odd: "):
            engine.create({"name": "a", "size": 1})

    def test_a_refresh_hides_just_what_was_hidden(self) -> None:
        given = {"a": {"b": Secret("x"), "c": "y"}, "d": [Secret("x"), "y"], "e": Secret("x"), "f": [Secret("x")]}
        found = {"a": {"b": "x", "c": "y", "n": "z"}, "d": ["x", "y"], "e": "x", "f": ["x", "y"]}
        assert marked(found, given) == {
            "a": {"b": Secret("x"), "c": "y", "n": "z"},
            "d": [Secret("x"), "y"],
            "e": Secret("x"),
            "f": Secret(["x", "y"]),
        }


class TestTheJournal:
    def test_what_the_engine_never_recorded_is_adopted(self, engine: Engine, box: BoxKind) -> None:
        engine.create({"name": "a", "size": 1})
        object_id, state = engine.create({"name": "a", "size": 2})
        assert (object_id, state["size"]) == ("a", 2)
        assert box.calls == ["create", "update size"]

    def test_what_cannot_become_the_wanted_is_deleted(self, engine: Engine, box: BoxKind) -> None:
        engine.create({"name": "mine-1111111", "size": 1})
        assert engine.create({"name": "mine-2222222", "size": 1})[0] == "mine-2222222"
        assert set(box.objects) == {"mine-2222222"}

    @pytest.mark.parametrize("call", ["diff", "read", "update", "delete"])
    def test_an_acknowledged_object_is_left_alone(self, engine: Engine, box: BoxKind, call: str) -> None:
        engine.create({"name": "a", "size": 1})
        match call:
            case "diff":
                engine.diff({"name": "a", "size": 1}, {"name": "b", "size": 1}, "a")
            case "read":
                engine.read("a", {"name": "a", "size": 1})
            case "update":
                engine.update("a", {"name": "a", "size": 1}, {"name": "a", "size": 2})
            case "delete":
                engine.delete("a", {"name": "a", "size": 1})
        assert list(engine.journal.folder.iterdir()) == []
        engine.create({"name": "b", "size": 1})
        assert "b" in box.objects
        assert ("a" in box.objects) == (call != "delete")

    def test_another_urn_acknowledges_too(self, engine: Engine) -> None:
        engine.create({"name": "a", "size": 1})
        engine.diff({"name": "a"}, {"name": "a"}, "a", urn=URN + "-renamed")
        assert engine.journal.find(URN) is None

    def test_a_successor_keeps_its_entry_when_its_predecessor_goes(self, engine: Engine) -> None:
        engine.create({"name": "b", "size": 1})
        engine.delete("a", {"name": "a", "size": 1})
        assert engine.journal.find(URN) == Entry(URN, "b")

    def test_a_failed_creation_leaves_no_entry(self, engine: Engine, box: BoxKind) -> None:
        box.failing = "no"
        with pytest.raises(grpc.RpcError, match="no"):
            engine.create({"name": "a", "size": 1})
        assert engine.journal.find(URN) is None

    def test_no_values_are_kept(self, engine: Engine) -> None:
        engine.create({"name": "a", "size": 1, "password": "pw-very-secret"})
        assert "pw-very-secret" not in "".join(path.read_text() for path in engine.journal.folder.iterdir())
