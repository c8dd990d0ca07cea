"""The contract: generated code in step with it, its style, a break is caught, every word of it explained."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto"
FILES = [
    import_module(f"bullpen_api.v1.{path.stem}_pb2") for path in sorted((PROTO / "bullpen" / "v1").glob("*.proto"))
]
BUF = Path(sys.executable).with_name("buf")


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs a tool to its end."""
    return subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)


def test_generated_code_and_golden_are_in_step() -> None:
    """The committed code and the descriptor golden are what proto/ gives."""
    done = run(sys.executable, "tools/generate.py", "--check", cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_proto_keeps_to_its_style() -> None:
    """Buf's lint finds nothing."""
    done = run(BUF, "lint", cwd=PROTO)
    assert done.returncode == 0, done.stdout + done.stderr


def test_proto_breaks_nothing() -> None:
    """The contract as it is breaks no client of the golden one."""
    done = run(BUF, "breaking", "--against", "golden/bullpen.binpb", cwd=PROTO)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("string accept_reason = 9;", "string accept_reason = 19;"),
        ("double device_seconds = 11;", "float device_seconds = 11;"),
        ("rpc TuneJob(TuneJobRequest)", "rpc TweakJob(TuneJobRequest)"),
        ("    STATE_HELD = 6;", "    STATE_SHELVED = 6;"),
    ],
    ids=["renumbered field", "changed type", "renamed method", "renamed state"],
)
def test_break_is_caught(tmp_path: Path, before: str, after: str) -> None:
    """A deliberate break in a copy of the contract does not pass."""
    copy = tmp_path / "proto"
    shutil.copytree(PROTO, copy)
    file = copy / "bullpen" / "v1" / "run.proto"
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, after))
    done = run(BUF, "breaking", "--against", PROTO / "golden" / "bullpen.binpb", cwd=copy)
    assert done.returncode != 0
    assert "run.proto" in done.stdout


def test_every_rpc_and_message_of_weight_has_a_comment(tmp_path: Path) -> None:
    """Each service and method is explained in the contract; an answer-less one names at least its purpose."""
    image = tmp_path / "image.binpb"
    done = run(BUF, "build", "-o", image, cwd=PROTO)
    assert done.returncode == 0, done.stderr
    described = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    bare = []
    for file in described.file:
        if file.package != "bullpen.v1":
            continue
        comments = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}
        for number, service in enumerate(file.service):
            if not comments.get((6, number)):
                bare.append(service.name)
            for index, method in enumerate(service.method):
                if not comments.get((6, number, 2, index)):
                    bare.append(f"{service.name}.{method.name}")
    assert bare == []


def test_habits_hold() -> None:
    """Enums begin with UNSPECIFIED or its alias, lists have paging and a revision, creates take a request_id."""
    messages = {name: message for file in FILES for name, message in file.DESCRIPTOR.message_types_by_name.items()}
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                fields = set(method.input_type.fields_by_name)
                if method.name.startswith(("Create", "Replay", "Retry")):
                    assert "request_id" in fields, method.full_name
                if method.name.startswith("List") and "page_token" in fields:
                    answer = set(method.output_type.fields_by_name)
                    assert {"next_page_token", "revision"} <= answer, method.full_name
                    assert "page_size" in fields, method.full_name
                assert method.output_type.name != "Empty"
    for message in messages.values():
        for enum in message.enum_types:
            assert enum.values_by_number[0].name.endswith("_UNSPECIFIED"), enum.full_name


def test_public_names_are_in_the_daemon_too() -> None:
    """Whatever service the daemon implements is made somewhere; its name is read off the generated class."""
    sources = sorted((ROOT / "daemon" / "src" / "bullpend").rglob("*.py"))
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    services = {service for file in FILES for service in file.DESCRIPTOR.services_by_name}
    found = re.findall(r"^class (\w+)\([\w.]*\b(\w+)Servicer\):$", text, re.MULTILINE)
    assert len({service for _, service in found} & services) >= 12
    # A definition has one bracket behind the name; whoever makes it, or makes another one of it, has the second.
    assert [name for name, _ in found if len(re.findall(rf"\b{name}\b[(),]", text)) < 2] == []
