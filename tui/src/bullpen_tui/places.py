"""Where a person can go: each place with its screen, imported when it is gone to for the first time."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from bullpen_tui.screens.base import StudioScreen

SCREENS = {
    "projects": "projects:ProjectsScreen",
    "universe": "universe:UniverseScreen",
    "runs": "runs:RunsScreen",
    "assets": "assets:AssetsScreen",
    "metrics": "metrics:MetricsScreen",
    "models": "models:ModelsScreen",
    "quality": "quality:QualityScreen",
    "lab": "lab:LabScreen",
    "copilot": "copilot:CopilotScreen",
    "instructions": "instructions:InstructionsScreen",
    "costs": "costs:CostsScreen",
    "logs": "logs:LogsScreen",
    "tasks": "tasks:TasksScreen",
    "exports": "exports:ExportsScreen",
    "settings": "settings:SettingsScreen",
}
"""Module and class of each place that a key leads to."""


def screen_of(place: str) -> StudioScreen:
    """A new screen of a place."""
    module, name = SCREENS[place].split(":")
    return cast("StudioScreen", getattr(import_module(f"bullpen_tui.screens.{module}"), name)())
