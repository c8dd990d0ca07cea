"""The history of prompts over a real daemon: kept, found, enhanced with a snapshot, taken back, expanded."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import prompt_pb2 as pb
from bullpen_client import Session, errors

from tests.support.daemon import Daemon
from tests.support.studio import Studio
from tests.support.watching import check_watch

pytestmark = pytest.mark.e2e


async def listed(session: Session, project: str, query: str = "") -> list[pb.Prompt]:
    """The history, newest first."""
    found = await session.prompts.ListPrompts(pb.ListPromptsRequest(parent=project, query=query))
    return list(found.prompts)


async def test_nothing_is_overwritten(studio: Studio, daemon: Daemon) -> None:
    """Enhancing keeps the prompt as it was; reverting makes it the newest again; all stay, each with an event."""
    session, project = studio.session, await studio.project()
    text = "a pier at dusk, (rain:1.3)"
    enhanced = await session.prompts.EnhancePrompt(
        pb.EnhancePromptRequest(parent=project, text=text, negative_text="fog", family="sdxl", request_id=project)
    )
    again = await session.prompts.EnhancePrompt(
        pb.EnhancePromptRequest(parent=project, text=text, negative_text="fog", family="sdxl", request_id=project)
    )
    assert again == enhanced
    assert enhanced.kind == pb.Prompt.KIND_ENHANCED
    assert enhanced.notes
    before = await session.prompts.GetPrompt(pb.GetPromptRequest(name=enhanced.parent_prompt))
    assert (before.kind, before.text, before.negative_text) == (pb.Prompt.KIND_SNAPSHOT, text, "fog")
    back = await session.prompts.RevertPrompt(pb.RevertPromptRequest(name=enhanced.name))
    assert (back.text, back.negative_text, back.parent_prompt) == (text, "fog", enhanced.name)
    with pytest.raises(errors.StateConflict):
        await session.prompts.RevertPrompt(pb.RevertPromptRequest(name=before.name))
    assert [item.name for item in await listed(session, project)] == [back.name, enhanced.name, before.name]
    watched = await check_watch(session, daemon.home, project)
    assert [event.kind for event in watched.events if event.HasField("prompt")] == ["prompt.created"] * 3


async def test_history_is_found_by_its_words(studio: Studio) -> None:
    """Every word counts, in any order; pages go on where they ended."""
    session, project = studio.session, await studio.project()
    for text in ("a red boat", "a blue boat", "the market"):
        request = pb.CreatePromptRequest(parent=project, prompt=pb.Prompt(text=text, model="models/scripted"))
        made = await session.prompts.CreatePrompt(request)
    assert made.family == "scripted"
    assert [item.text for item in await listed(session, project, "boat blue")] == ["a blue boat"]
    assert [item.text for item in await listed(session, project, "BOAT")] == ["a blue boat", "a red boat"]
    assert await listed(session, project, 'boat" OR "market') == []
    first = await session.prompts.ListPrompts(pb.ListPromptsRequest(parent=project, page_size=2))
    rest = pb.ListPromptsRequest(parent=project, page_size=2, page_token=first.next_page_token)
    assert [item.text for item in (await session.prompts.ListPrompts(rest)).prompts] == ["a red boat"]


async def test_expanding(studio: Studio, daemon: Daemon) -> None:
    """Wildcards of the project and of the home; seeds follow each other; weights are told and taken out."""
    session, project = studio.session, await studio.project()
    slug = project.rpartition("/")[2]
    for folder, text in (
        (daemon.home / "wildcards", "rain\nsnow\n"),
        (daemon.home / "projects" / slug / "wildcards", "fog\n"),
    ):
        folder.mkdir(exist_ok=True)
        (folder / "weather.txt").write_text(text)
    text = "a {red|blue} boat in __weather__, (old:1.2) wood"
    request = pb.ExpandPromptRequest(parent=project, text=text, seed=7, count=5, family="sdxl")
    found = await session.prompts.ExpandPrompt(request)
    assert found == await session.prompts.ExpandPrompt(request)
    assert [item.seed for item in found.expansions] == [7, 8, 9, 10, 11]
    assert found.combinations == 2
    assert found.notes
    first = found.expansions[0]
    assert "fog" in first.text
    assert first.plain_text.endswith("old wood")
    assert [(one.text, one.weight) for one in first.weights] == [("old", 1.2)]
    outside = await session.prompts.ExpandPrompt(pb.ExpandPromptRequest(text="__weather__", seed=1))
    assert outside.expansions[0].text in ("rain", "snow")
    wildcards = await session.prompts.ListWildcards(pb.ListWildcardsRequest(parent=project))
    assert [(item.wildcard, item.lines) for item in wildcards.wildcards] == [("weather", 1)]


@pytest.mark.parametrize(
    ("request_", "kind", "field"),
    [
        (pb.ExpandPromptRequest(text="{a|b"), errors.FieldInvalid, "text"),
        (pb.ExpandPromptRequest(text=""), errors.FieldInvalid, "text"),
        (pb.ExpandPromptRequest(text="a", seed=-1), errors.FieldInvalid, "seed"),
        (pb.ExpandPromptRequest(text="a", count=101), errors.LimitExceeded, "count"),
        (pb.ExpandPromptRequest(text="__../../secret__"), None, ""),
        (pb.ExpandPromptRequest(text="__nothing__"), errors.ResourceNotFound, "text"),
        (pb.ExpandPromptRequest(text="a", parent="projects/nowhere"), errors.ProjectNotFound, "parent"),
    ],
)
async def test_bad_requests(
    session: Session, request_: pb.ExpandPromptRequest, kind: type[errors.BullpenError] | None, field: str
) -> None:
    """Each fault is named by its field; a path between underscores is no wildcard but words."""
    if kind is None:
        assert (await session.prompts.ExpandPrompt(request_)).expansions[0].text == request_.text
        return
    with pytest.raises(kind) as refused:
        await session.prompts.ExpandPrompt(request_)
    assert refused.value.field == field
