"""One registry behind keys, footer, palette and help."""

from __future__ import annotations

import pytest
from bullpen_tui.actions import ALL, REGISTRY, actions_for
from bullpen_tui.app import StudioApp
from bullpen_tui.keymap import bindings_for, footer_entries, key_name, without_least
from bullpen_tui.screens.assets import AssetsScreen
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.bootstrap import BootstrapScreen
from bullpen_tui.screens.compose import ComposeScreen
from bullpen_tui.screens.copilot import CopilotScreen
from bullpen_tui.screens.costs import CostsScreen
from bullpen_tui.screens.entry import EntryScreen
from bullpen_tui.screens.exports import ExportsScreen
from bullpen_tui.screens.instructions import InstructionsScreen
from bullpen_tui.screens.lab import LabScreen
from bullpen_tui.screens.logs import LogsScreen
from bullpen_tui.screens.metrics import MetricsScreen
from bullpen_tui.screens.models import ModelsScreen
from bullpen_tui.screens.picker import PickerScreen
from bullpen_tui.screens.projects import ProjectsScreen
from bullpen_tui.screens.quality import QualityScreen
from bullpen_tui.screens.review import ReviewScreen
from bullpen_tui.screens.run import RunScreen
from bullpen_tui.screens.runs import RunsScreen
from bullpen_tui.screens.settings import SettingsScreen
from bullpen_tui.screens.tasks import TasksScreen
from bullpen_tui.screens.universe import UniverseScreen
from bullpen_tui.screens.welcome import WelcomeScreen
from textual.binding import Binding

SCREENS: tuple[type[StudioScreen], ...] = (
    ProjectsScreen,
    RunsScreen,
    RunScreen,
    ReviewScreen,
    ComposeScreen,
    AssetsScreen,
    MetricsScreen,
    ModelsScreen,
    SettingsScreen,
    UniverseScreen,
    QualityScreen,
    CostsScreen,
    LogsScreen,
    TasksScreen,
    ExportsScreen,
    LabScreen,
    WelcomeScreen,
    CopilotScreen,
    InstructionsScreen,
    EntryScreen,
    PickerScreen,
    BootstrapScreen,
)


def test_every_place_has_a_screen() -> None:
    """The registry names no place that cannot be reached."""
    assert {screen.place for screen in SCREENS} == {*ALL}


@pytest.mark.parametrize("screen", SCREENS)
def test_every_action_has_a_method(screen: type[StudioScreen]) -> None:
    """No key of a screen leads nowhere."""
    for action in actions_for(screen.place):
        owner = StudioApp if action.on_app else screen
        assert hasattr(owner, action.method), action.id


@pytest.mark.parametrize("screen", SCREENS)
def test_no_key_means_two_things(screen: type[StudioScreen]) -> None:
    """On one screen a key does one thing."""
    keys = [key for action in actions_for(screen.place) for key in action.keys]
    assert len(keys) == len(set(keys))


def test_ids_are_unique_and_helped() -> None:
    """Every action can be named and explains itself."""
    assert len({action.id for action in REGISTRY}) == len(REGISTRY)
    assert all(action.help and action.label for action in REGISTRY)


def test_letters_have_no_priority() -> None:
    """A binding with priority would fire while a text field has the focus."""
    for screen in SCREENS:
        for binding in bindings_for(screen.place):
            assert isinstance(binding, Binding)
            assert not binding.priority


def test_keys_are_written_as_on_the_keyboard() -> None:
    """Nobody has to know Textual's names of keys."""
    assert [key_name(key) for key in ("slash", "left_square_bracket", "escape", "G", "f5")] == [
        "/",
        "[",
        "esc",
        "G",
        "F5",
    ]


def test_neighbours_with_one_label_share_an_entry() -> None:
    """`h l candidate` takes less room than two entries."""
    entries = footer_entries(actions_for("review"))
    assert ("h l", "candidate") in entries
    assert ("[ ]", "scene") in entries


def test_while_somebody_types_only_other_keys_are_shown() -> None:
    """A letter would land in the field: the footer has the keys that a field leaves alone, such as F1 for `?`."""
    entries = {label: key for key, label in footer_entries(actions_for("entry"), typing=True)}
    assert entries["save"] == "F5"
    assert entries["next field"] == "tab"
    assert entries["keys"] == "F1"
    assert entries["back"] == "esc"
    assert not {"add", "take out", "edit", "pictures"} & entries.keys()


def test_what_matters_least_leaves_the_footer_first() -> None:
    """Entries go by their weight, and help and the way out never go."""
    actions = list(actions_for("review"))
    gone: list[str] = []
    while (fewer := without_least(actions)) is not None:
        gone += [one.label for one in actions if one not in fewer and one.footer]
        actions = fewer
    assert gone.index("difference") < gone.index("accept")
    assert gone.index("zoom") < gone.index("override")
    assert [label for _, label in footer_entries(actions)] == ["keys", "quit"]
