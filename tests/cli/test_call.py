"""`bullpen call`: any method by reflection, one line a message, typed errors as JSON."""

import json
from pathlib import Path

import grpc
from bullpen_api.v1 import project_pb2

from tests.cli.conftest import Bullpen
from tests.support.fake_daemon import FakeDaemon, Refusal


async def test_a_unary_method_answers_in_one_line(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """JSON in, JSON out; both spellings of a field are taken."""
    done = await bullpen("call", "bullpen.v1.ProjectService/CreateProject", '{"projectId":"p","project":{"title":"P"}}')
    assert (done.status, done.out.count("\n")) == (0, 1)
    assert done.json["name"] == "projects/p"
    assert list(daemon.projects) == ["projects/p"]
    again = await bullpen("call", "bullpen.v1.ProjectService/CreateProject", '{"project_id":"q","project":{}}')
    assert again.json["name"] == "projects/q"


async def test_a_stream_gives_one_line_a_message(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Each message is one object on its own line."""
    done = await bullpen("call", "SystemService/WatchMetrics")
    assert done.status == 0
    assert [line["queuedJobs"] for line in done.lines] == [0, 1, 2]


async def test_a_client_stream_takes_an_array(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Head and chunks as a JSON array, read from stdin."""
    parts = [{"head": {"parent": "projects/p", "displayName": "a.png"}}, {"chunk": "QUJD"}, {"chunk": "REVG"}]
    done = await bullpen("call", "bullpen.v1.AssetService/UploadAsset", "-", stdin=json.dumps(parts))
    assert done.status == 0, done.err
    assert done.json["sizeBytes"] == "6"
    assert list(daemon.contents.values()) == [b"ABCDEF"]


async def test_an_unknown_method_names_the_nearest(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """A slip of the keyboard gets a hint, as a typed error."""
    done = await bullpen("call", "bullpen.v1.RunService/ListRun", "{}")
    assert (done.status, done.out) == (1, "")
    assert done.error["reason"] == "METHOD_UNKNOWN"
    assert "bullpen.v1.RunService/ListRuns" in done.error["remedy"]


async def test_a_method_that_resembles_none_points_to_the_list(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Methods of other services are no hint; the list of the named service is."""
    done = await bullpen("call", "bullpen.v1.RunService/Explode", "{}")
    assert done.error["remedy"] == "`bullpen call --list RunService` shows the methods."
    assert done.error["metadata"] == {}
    elsewhere = await bullpen("call", "NoService/Explode", "{}")
    assert elsewhere.error["remedy"] == "`bullpen call --list` shows the methods."
    slip = await bullpen("call", "bullpen.v1.RunServise/ListRuns", "{}")
    assert slip.error["remedy"] == "Did you mean bullpen.v1.RunService/ListRuns?"


async def test_an_unknown_field_names_the_nearest(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """With its place, in our words; where nothing is near, without a guess."""
    plan = "bullpen.v1.RunService/PlanRun"
    done = await bullpen("call", plan, '{"spec":{"sampling":{"guidence_scale":1}}}')
    assert done.error["field"] == "spec.sampling.guidence_scale"
    told = "bullpen.v1.SamplingParameters has no field 'guidence_scale'. Did you mean 'guidanceScale'?"
    assert done.error["message"] == told
    typed = await bullpen("call", plan, '{"spec":{"candidates":"x"}}')
    assert typed.error["field"] == "spec.candidates"
    far = await bullpen("call", plan, '{"zebra":1}')
    assert far.error["message"] == "bullpen.v1.PlanRunRequest has no field 'zebra'."


async def test_a_refusal_is_one_json_object_on_stderr(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Reason, kind, message, field, remedy and metadata."""
    done = await bullpen("call", "bullpen.v1.ProjectService/GetProject", '{"name":"projects/nope"}')
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert done.error == {
        "reason": "PROJECT_NOT_FOUND",
        "kind": "NOT_FOUND",
        "message": "There is no project projects/nope.",
        "field": "name",
        "remedy": "Look at the list.",
        "metadata": {},
    }


async def test_a_request_that_does_not_fit_names_the_field(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Wrong JSON, a wrong type and an unknown field are typed errors; nothing is sent."""
    for text, field in [("{", "json"), ("[]", "json"), ('{"nome":1}', "nome"), ('{"name":1}', "name")]:
        done = await bullpen("call", "bullpen.v1.ProjectService/GetProject", text)
        assert done.status == 1
        assert (done.error["reason"], done.error["field"]) == ("FIELD_INVALID", field)
    assert "GetProject" not in daemon.calls


async def test_a_stream_that_breaks_ends_with_the_error(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """What came before stays on stdout."""
    daemon.refuse["Watch"] = Refusal("PROJECT_NOT_FOUND", grpc.StatusCode.NOT_FOUND, "No.")
    done = await bullpen("call", "bullpen.v1.EventService/Watch", '{"parent":"projects/x"}')
    assert done.status == 1
    assert done.error["reason"] == "PROJECT_NOT_FOUND"


async def test_without_a_daemon_it_is_a_typed_error(bullpen: Bullpen, home: Path) -> None:
    """`call` starts nothing."""
    done = await bullpen("call", "bullpen.v1.ProjectService/ListProjects")
    assert done.status == 1
    assert done.error["reason"] == "DAEMON_UNAVAILABLE"
    assert not home.exists()


async def test_a_killed_daemon_is_a_typed_error(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """A stale endpoint file does not hang the call."""
    await daemon.stop()
    daemon.write_endpoint()
    done = await bullpen("call", "bullpen.v1.ProjectService/ListProjects")
    assert done.error["reason"] == "DAEMON_UNAVAILABLE"


async def test_methods_are_listed(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """All of them, or those of one service, with their types."""
    done = await bullpen("call", "--list", "EventService")
    assert done.out == ("bullpen.v1.EventService/Watch(bullpen.v1.WatchRequest) → stream bullpen.v1.WatchResponse\n")
    everything = await bullpen("call", "--list", "--json")
    assert "grpc.health.v1.Health/Check" in everything.json["methods"]


async def test_pretty_is_indented(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """For reading."""
    daemon.projects["projects/p"] = project_pb2.Project(name="projects/p")
    done = await bullpen("call", "bullpen.v1.ProjectService/ListProjects", "--pretty")
    assert done.out.count("\n") > 3
    assert done.json["projects"][0]["name"] == "projects/p"
