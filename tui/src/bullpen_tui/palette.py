"""The command palette, filled from the same registry as keys and help, and with the projects and runs there are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from bullpen_tui.actions import Action, actions_for, target
from bullpen_tui.keymap import key_name
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp


def palette_words(action: Action) -> str:
    """An action as the palette offers it: the sentence of the help, and its key."""
    return action.help + (f"  ({key_name(action.keys[0])})" if action.keys else "")


class ActionCommands(Provider):
    """Actions that work on the screen below the palette, then projects and runs by name."""

    def _entries(self) -> Iterator[tuple[str, Any]]:
        screen = self.screen
        if not isinstance(screen, StudioScreen):
            return
        studio = cast("StudioApp", screen.app)
        for action in actions_for(screen.place, studio.registry):
            if action.palette and screen.check_action(action.id, ()):
                yield palette_words(action), partial(screen.run_action, target(action))
        for name, project in sorted(studio.snapshot.projects.items()):
            yield f"Project {leaf(name)} · {project.title}", partial(screen.visit_project, name)
        for run in studio.snapshot.runs_of(studio.project)[:50]:
            yield f"Run {leaf(run.name)} · {run.spec.stage}", partial(studio.open_run, run.name)

    async def discover(self) -> Hits:
        """What is offered before a letter is typed."""
        for words, command in self._entries():
            yield DiscoveryHit(words, command)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for words, command in self._entries():
            if (score := matcher.match(words)) > 0:
                yield Hit(score, matcher.highlight(words), command)
