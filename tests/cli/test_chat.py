"""`bullpen chat` against a real daemon: said, answered, carded, kept, searched, exported."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Bullpen
from tests.support.daemon import Daemon

pytestmark = pytest.mark.e2e


@pytest.fixture
def real(home: Path) -> Iterator[Daemon]:
    with Daemon(home) as serving:
        yield serving


async def test_j04_a_conversation_in_the_shell(real: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """A question, its answer, a card with how to confirm it, and everything kept."""
    Image.radial_gradient("L").resize((64, 64)).convert("RGB").save(tmp_path / "pier.png")
    assert (await bullpen("projects", "create", "noir")).status == 0
    assert (await bullpen("scenes", "add", "noir", str(tmp_path / "pier.png"), "--upload")).status == 0
    assert (await bullpen("styles", "add", "noir", "ink", "--set", "style=ink")).status == 0
    asked = await bullpen("chat", "noir", "run", "style", "with", "the", "scripted", "model")
    assert asked.status == 0, asked.err
    assert "? Which scenes?" in asked.out
    shown = await bullpen("chat", "noir", "on the pier", "--session", "c-0001")
    assert "Run style over 1 scene, 2 candidates each" in shown.out
    assert "bullpen instructions confirm noir/i-0001" in shown.out
    assert "Nothing is done yet" in shown.out
    said = await bullpen("chat", "say", "noir", "list scenes", "--session", "noir/c-0001", "--json")
    assert said.json["parts"][0]["table"]["rows"][0]["cells"][1] == "pier"
    talk = await bullpen("chat", "noir", stdin="hello\nlist stages\n\n")
    assert talk.status == 0, talk.err
    assert "not a language model" in talk.out
    assert "characters" in talk.out
    listed = (await bullpen("chat", "list", "noir", "--json")).json["chatSessions"]
    assert [item["messages"] for item in listed] == [4, 6]
    assert "copilot" in (await bullpen("chat", "show", "noir/c-0001")).out
    found = await bullpen("chat", "search", "noir", "pier", "--json")
    assert found.json["chatMessages"]
    out = tmp_path / "talk.json"
    assert (await bullpen("chat", "export", "noir/c-0001", "--format", "json", "--out", str(out))).status == 0
    assert len(json.loads(out.read_text())["messages"]) == 6
    assert "# run style" in (await bullpen("chat", "export", "noir/c-0001")).out
    assert "in the trash" in (await bullpen("chat", "delete", "noir/c-0001")).out
    assert "there again" in (await bullpen("chat", "delete", "noir/c-0001", "--restore")).out
    assert "builtin" in (await bullpen("chat", "engines")).out
    assert "temperature 0.3" in (await bullpen("chat", "tune", "noir/c-0001", "--temperature", "0.3")).out
    tuned = (await bullpen("chat", "tune", "noir/c-0001", "--top-k", "20", "--json")).json
    assert tuned["sampling"] == {"temperature": 0.3, "topK": 20}
    assert (await bullpen("chat", "tune", "noir/c-0001", "--temperature", "9", "--json")).status == 1
    watched = await bullpen("watch", "--after", "0", "--project", "noir", "--count", "16")
    assert "draft: Run style over 1 scene, 2 candidates each" in watched.out
    assert "complete run style with the scripted model" in watched.out
    unknown = await bullpen("chat", "nowhere", "hello", "--json")
    assert (unknown.status, unknown.error["reason"]) == (1, "PROJECT_NOT_FOUND")
    refused = await bullpen("chat", "export", "noir/c-0001", "--out", str(out / "below" / "a-file.md"), "--json")
    assert (refused.status, refused.error["reason"]) == (1, "PATH_NOT_ALLOWED")
    for line in (("show", "noir"), ("export", "a/b/c"), ("say", "noir", "--json"), ("say", "noir", " ")):
        assert (await bullpen("chat", *line)).status == 2
    assert (await bullpen("chat", "tune", "noir/c-0001")).status == 2
