"""A project goes into the trash from the dashboard, after a question, and comes back by one key."""

from __future__ import annotations

from bullpen_client.errors import StateConflict
from textual.widgets import Static

from tests.tui import story
from tests.tui.driving import studio
from tests.tui.fake import FakeDaemon


async def test_j01_a_project_is_trashed_after_a_question_and_taken_back() -> None:
    """The question says what stays on the disk; no leaves it, yes takes it from the list, `u` brings it back."""
    daemon = FakeDaemon()
    async with studio(daemon) as at:
        await at.until(lambda: story.PROJECT in at.app.snapshot.projects)
        await at.press("d")
        await at.until(lambda: at.place == "ConfirmDialog")
        assert "2.0 K stay in /home/p" in str(at.app.screen.query(Static).first().content)
        await at.press("n")
        await at.until(lambda: at.place == "projects")
        assert daemon.asked("delete_project") == [(story.PROJECT, True, True)]

        await at.press("d")
        await at.until(lambda: at.place == "ConfirmDialog")
        await at.press("y")
        await at.until(lambda: story.PROJECT not in at.app.snapshot.projects)
        assert daemon.asked("delete_project")[-1] == (story.PROJECT, False, False)
        await at.press("u")
        await at.until(lambda: story.PROJECT in at.app.snapshot.projects)
        assert at.app.project == story.PROJECT


async def test_a_refusal_leaves_the_project() -> None:
    """Where the daemon refuses, nothing is asked and the project stays."""
    daemon = FakeDaemon()
    daemon.refuse["delete_project"] = StateConflict("It has 1 run that is unfinished.", remedy="Wait for it.")
    async with studio(daemon) as at:
        await at.until(lambda: story.PROJECT in at.app.snapshot.projects)
        await at.press("d")
        await at.until(lambda: daemon.asked("delete_project") != [])
        await at.until(lambda: len(at.app._notifications) > 0)
        assert at.place == "projects"
        assert story.PROJECT in at.app.snapshot.projects
