"""J03: a person exports a prompt for any language model, and imports what it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bullpen_api.v1 import bible_pb2, bootstrap_pb2
from bullpen_client import errors

from tests.acceptance.conftest import Desk
from tests.support.daemon import Daemon
from tests.support.watching import journal

pytestmark = pytest.mark.e2e
REPLACE = bootstrap_pb2.ImportBootstrapRequest.MODE_REPLACE


async def bring(
    desk: Desk, project: str, document: dict[str, Any], **more: Any
) -> bootstrap_pb2.ImportBootstrapResponse:
    """Imports an answer."""
    text = json.dumps({"schema_version": 1, **document})
    request = bootstrap_pb2.ImportBootstrapRequest(parent=project, document_json=text, **more)
    return await desk.session.bible.ImportBootstrap(request)


async def test_j03_a_bible_goes_out_and_an_answer_comes_in(desk: Desk, daemon: Daemon) -> None:
    """The prompt has all that a model needs; its answer is shown first, then merged or replaced, all or nothing."""
    universe = await desk.story()
    project = universe.project
    found = await desk.session.bible.ExportBootstrap(bootstrap_pb2.ExportBootstrapRequest(name=project))
    assert found.schema_json in found.prompt
    assert "red hair" in found.prompt
    answer = {
        "characters": [{"id": "tomas", "description": "a man in a blue jacket"}],
        "scenes": [{"id": "s1", "title": "The lamp goes out", "characters": ["mara", "tomas"]}],
        "provider_accounts": [{"id": "paid", "provider": "openai", "secret_names": {"api_key": "openai-main"}}],
    }
    before = journal(daemon.home, project)
    shown = await bring(desk, project, answer, dry_run=True)
    assert [change.name.rsplit("/", 1)[-1] for change in shown.changes] == ["paid", "tomas", "s1"]
    differences = {item.field: item.after_json for item in shown.changes[2].differences}
    assert differences["title"] == '"The lamp goes out"'
    assert journal(daemon.home, project) == before
    done = await bring(desk, project, answer, plan_digest=shown.digest)
    assert done.applied
    scene = await desk.session.bible.GetScene(bible_pb2.GetSceneRequest(name=universe.scenes[0]))
    assert (scene.title, len(scene.characters)) == ("The lamp goes out", 2)
    assert scene.variables["time"] == "night", "what the answer left out stays"

    many: list[dict[str, Any]] = [{"id": f"x{number}", "description": "somebody"} for number in range(100)]
    many[41]["looks"] = [{"look_id": "No!"}]
    before = journal(daemon.home, project)
    with pytest.raises(errors.FieldInvalid) as refused:
        await bring(desk, project, {"characters": many})
    assert refused.value.field == "document.characters[41].looks[0].look_id"
    account = {"id": "paid", "provider": "openai", "secret_names": {"api_key": "sk-0123456789abcdef"}}
    with pytest.raises(errors.FieldInvalid) as secret:
        await bring(desk, project, {"provider_accounts": [account]})
    assert "sk-0123456789" not in str(secret.value)
    assert journal(daemon.home, project) == before
    replaced = await bring(desk, project, {"characters": [{"id": "mara", "description": "a keeper"}]}, mode=REPLACE)
    assert replaced.applied
    cast = await desk.session.bible.ListCharacters(bible_pb2.ListCharactersRequest(parent=project))
    assert [member.description for member in cast.characters] == ["a keeper"]
