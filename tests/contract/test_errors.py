"""Error reasons: the proto, the daemon's classes, the client's classes and the page for people say the same."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest
from bullpen_api.v1 import error_pb2
from bullpen_client import errors as client
from bullpend import errors as daemon
from bullpend.rpc.interceptor import DETAILS, to_status

ROOT = Path(__file__).resolve().parents[2]
PROTO = (ROOT / "proto" / "bullpen" / "v1" / "error.proto").read_text()
PAGE = (ROOT / "docs" / "errors.md").read_text()
REASONS = [
    name.removeprefix("ERROR_REASON_")
    for name in error_pb2.ErrorReason.DESCRIPTOR.values_by_name
    if not name.endswith("UNSPECIFIED")
]


def client_classes() -> dict[str, type[client.BullpenError]]:
    """The client's classes by reason."""
    return {cls.REASON: cls for cls in client.BullpenError.__subclasses__()}


def test_daemon_has_one_class_a_reason() -> None:
    """The daemon's classes are exactly the enum's values."""
    assert set(daemon.BY_REASON) == set(REASONS)
    assert len(daemon.BullpenError.__subclasses__()) == len(REASONS)


def test_client_has_one_class_a_reason() -> None:
    """The client's classes are the enum's values and what the client makes itself."""
    own = {"DAEMON_UNAVAILABLE", "DAEMON_SILENT", "DAEMON_START_FAILED", "DEADLINE_EXCEEDED", "METHOD_UNKNOWN"}
    assert set(client_classes()) - own == set(REASONS)


def test_page_has_one_section_a_reason_in_the_order_of_the_enum() -> None:
    """docs/errors.md describes every reason once, in order, and nothing else."""
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE) == REASONS


@pytest.mark.parametrize("reason", REASONS)
def test_kind_is_the_same_everywhere(reason: str) -> None:
    """The gRPC status of a reason is the same in the class, in the proto's comment and on the page."""
    kind = daemon.BY_REASON[reason].kind
    assert kind in grpc.StatusCode.__members__
    comment = re.search(rf"// ([A-Z_]+): (?:[^\n]|\n  // )+\n  ERROR_REASON_{reason} = ", PROTO)
    assert comment is not None, "each value's comment begins with its kind"
    assert comment[1] == kind
    section = PAGE.split(f"## {reason}\n", 1)[1].split("\n## ", 1)[0]
    assert section.startswith(f"`{kind}`. ")
    assert len(section.strip().split("\n\n")) == 2, "what it means, and what to do"


@pytest.mark.parametrize("reason", REASONS)
def test_error_travels_whole(reason: str) -> None:
    """What the daemon raises is what the client catches: class, message, field, remedy and dynamic parts."""
    sent = daemon.BY_REASON[reason]("It happened: ünïcode.", field="a.b", path="/x")
    code, message, trailing = to_status(sent)
    assert code.name == sent.kind
    refused = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), message, None)
    got = client.from_rpc(refused)
    assert type(got) is client_classes()[reason]
    assert (got.reason, got.message, got.field, got.code) == (reason, sent.message, "a.b", code)
    assert got.remedy == sent.remedy
    assert got.metadata["path"] == "/x"
    assert DETAILS.endswith("-bin")


@pytest.mark.parametrize("reason", REASONS)
def test_every_error_says_what_to_do(reason: str) -> None:
    """No error leaves the daemon without a remedy."""
    assert daemon.BY_REASON[reason]("What happened.").remedy


def test_rpc_comments_name_known_reasons() -> None:
    """Each reason that a service's comment lists is one of the enum."""
    known, words = set(REASONS), re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b|\bINTERNAL\b")
    for path in sorted((ROOT / "proto" / "bullpen" / "v1").glob("*.proto")):
        if path.name == "error.proto":
            continue
        for comment in re.findall(r"Errors: ((?:[^\n]|\n +// )+)", path.read_text()):
            for word in words.findall(comment):
                assert word in known or word.startswith(("STATE_", "KIND_")), f"{path.name}: {word}"


def test_workers_failures_are_known_reasons() -> None:
    """A reason that a worker gives is one of the enum, so that it reaches clients as it is."""
    text = (ROOT / "daemon" / "src" / "bullpen_worker" / "failures.py").read_text()
    table = text.split("REMEDIES = {", 1)[1].split("\n}", 1)[0]
    assert set(re.findall(r'^ +"([A-Z_]+)":', table, re.MULTILINE)) <= set(REASONS)
