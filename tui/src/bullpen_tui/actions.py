"""Every action of the studio, once.

Keys, the footer, the command palette and the help screen are all made from this list, so that none of them can say
something that the others do not. An action names the places where it works; the screen of that place has a method
`action_<id>`, and may refuse it for the moment by `check_action`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

TOP = ("projects", "runs", "assets", "copilot", "instructions", "metrics", "models", "quality", "lab", "settings")
"""Places with a digit, in the order of the first line."""
SIDE = ("universe", "costs", "logs", "tasks", "exports")
"""Places with a letter."""
TABBED = ("instructions", "universe", "quality", "costs", "lab", "models", "logs")
LISTS = (*(one for one in (*TOP, *SIDE, "run") if one != "lab"), "picker")
DECIDING = ("instructions", "copilot")
"""Where instructions are confirmed."""
PLACES = (*TOP, *SIDE, "run", "review", "welcome")
"""Screens. Dialogs and the composer have places of their own, where the general keys do not work."""
FILTERED = tuple(one for one in LISTS if one != "assets")
"""Lists that are filtered here; the assets are searched by the daemon."""
MOVING = (*LISTS, "entry")
"""Where a cursor goes down and up."""
FORMS = ("compose", "entry", "picker", "bootstrap")
"""Screens in which something is written or chosen, which is not to be lost by a digit."""
FILLED = ("compose", "entry", "bootstrap", "lab")
"""Where a person goes from field to field."""
ALL = (*PLACES, *FORMS)
STOPPING = ("run", "tasks", "exports")
MARKING = ("run", "universe", "quality", "assets", "exports")
OPENING = ("projects", "runs", "run", "assets", "instructions", "universe", "quality", "logs", "tasks")
COMPOSING = ("projects", "runs", "run", "universe", "quality")
TRASHING = ("universe", "copilot", "assets")
BRINGING = ("universe", "picker")
"""Where pictures of this machine are brought in."""
ADVISED = ("models", "tasks")
"""Where devices are compared for a run."""
EXPORTING = ("projects", "exports")
"""Where an export is asked for."""
CHAIN = ("run", "assets")
"""Where pictures are taken through post-process."""
ALWAYS = 9
"""Weight of what the footer never leaves out."""


@dataclass(frozen=True)
class Action:
    """One thing that a person can do.

    `keys` are Textual key names, the first is the one shown; without keys it is found in the palette only. `footer`
    gives its place in the footer (smaller is further left); 0 keeps it out. Where there is no room for all entries
    those with the smallest `weight` are left out first.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    places: tuple[str, ...]
    footer: int = 0
    palette: bool = True
    on_app: bool = False
    """The method is the application's, not the screen's."""

    @property
    def group(self) -> str:
        """Under which head of the help it stands: one of `GROUPS`."""
        if self.to:
            return "places"
        return _GROUPS.get(self.id, "do")

    @property
    def weight(self) -> int:
        """How important the action's entry in the footer is, 1 to `ALWAYS`."""
        return _WEIGHTS.get(self.id, 5)

    @property
    def to(self) -> str:
        """The place that the action leads to; empty for one that leads nowhere."""
        return self.id.removeprefix("go_") if self.id.startswith("go_") else ""

    @property
    def method(self) -> str:
        """Name of the method behind it."""
        return "action_go" if self.to else f"action_{self.id}"


GROUPS = (
    ("do", "What you can do here"),
    ("show", "What is shown"),
    ("move", "Moving about"),
    ("places", "Other places"),
    ("always", "Everywhere"),
)
"""Heads of the help in their order: what belongs to the screen first, what works everywhere last."""
_GROUPS = {
    **dict.fromkeys(("commands", "keys", "start_daemon", "toggle_theme", "back", "quit"), "always"),
    **dict.fromkeys(("row_down", "row_up", "row_first", "row_last", "row_out", "mark", "other_table"), "move"),
    **dict.fromkeys(("previous_tab", "next_tab", "next_field", "previous_field", "words_down", "words_up"), "move"),
    **dict.fromkeys(("previous_candidate", "next_candidate", "previous_job", "next_job", "lab_next"), "move"),
    **dict.fromkeys(
        ("filter", "search", "toggle_view", "toggle_trash", "narrow_by", "save_search", "tree", "to_parent"), "show"
    ),
    **dict.fromkeys(("flip", "zoom", "difference", "other_words", "follow", "log_level", "show_log"), "show"),
}
_WEIGHTS = {
    "keys": ALWAYS,
    "quit": ALWAYS,
    "accept": 8,
    "override": 8,
    "previous_job": 8,
    "next_job": 8,
    "guidance_up": 8,
    "guidance_down": 8,
    "save_entry": 8,
    "run_plan": 8,
    "lab_run": 8,
    "import_bible": 8,
    "back": 7,
    "next_field": 6,
    "advise": 6,
    "switch_device": 6,
    "set_key": 6,
    "other_table": 4,
    "new_project": 6,
    "cancel_run": 6,
    "flip": 4,
    "other_words": 3,
    "retry_with": 4,
    "retry_run": 4,
    "review": 3,
    "zoom": 3,
    "difference": 2,
    "show_log": 2,
    "commands": 2,
    "mark": 1,
    "filter": 1,
    "search": 8,
}


def _go(place: str, key: str, label: str, help_: str) -> Action:
    return Action(f"go_{place}", (key,), label, help_, PLACES, on_app=True)


REGISTRY: tuple[Action, ...] = (
    # Where to go
    _go("projects", "1", "Projects", "Go to the projects"),
    _go("runs", "2", "Runs", "Go to the runs of the project"),
    _go("universe", "U", "Universe", "Go to the story, the cast and the styles of the project"),
    _go("assets", "3", "Assets", "Go to the pictures of the project"),
    _go("copilot", "4", "Copilot", "Go to the conversation about the project"),
    _go("instructions", "5", "Instructions", "Go to what was proposed and waits for a person"),
    _go("metrics", "6", "Metrics", "Go to the metrics and the models in memory"),
    _go("models", "7", "Models", "Go to models and devices"),
    _go("quality", "8", "QA", "Go to what was found in the pictures"),
    _go("lab", "9", "Lab", "Go to single pictures, without a project"),
    _go("costs", "C", "Costs", "Go to what was spent, in time and in money"),
    _go("logs", "L", "Logs", "Go to the journal of what happens"),
    _go("tasks", "w", "Tasks", "Go to what is being made or waits, over all projects"),
    _go("exports", "O", "Exports", "Go to the files that were made of projects, and whether they are still there"),
    _go("settings", "0", "Settings", "Go to the settings and their sources"),
    # Forms
    Action("next_field", ("tab",), "next field", "To the next field of the form", FILLED, footer=60, palette=False),
    Action("previous_field", ("shift+tab",), "field", "To the field before", FILLED, palette=False),
    # Lists
    Action("row_down", ("j",), "down", "Move down", MOVING, palette=False),
    Action("row_up", ("k",), "up", "Move up", MOVING, palette=False),
    Action("row_first", ("g",), "first", "Move to the first row", LISTS, palette=False),
    Action("row_last", ("G",), "last", "Move to the last row", LISTS, palette=False),
    Action("row_out", ("h",), "back", "Go back, as from a folder", LISTS, palette=False),
    Action("mark", ("space",), "mark", "Mark the row, or take its mark away", MARKING, footer=70),
    Action("previous_tab", ("left_square_bracket",), "tab", "The tab before", TABBED, footer=60, palette=False),
    Action("next_tab", ("right_square_bracket",), "tab", "The next tab", TABBED, footer=60, palette=False),
    Action(
        "toggle_view", ("t",), "board / list", "Change between pictures and a list", ("universe", "assets"), footer=50
    ),
    Action("use_recipe", ("i",), "use recipe", "Compose a run that makes this picture again", ("assets",), footer=12),
    Action("search", ("slash",), "search", "Search, as in: rain is:accepted rating:>3", ("assets",), footer=11),
    Action("to_parent", ("p",), "made from", "Go to the picture that this one was made from", ("assets",), footer=40),
    Action("rate_up", ("plus",), "rating", "One star more for the picture, or the marked ones", ("assets",), footer=27),
    Action("rate_down", ("minus",), "rating", "One star less", ("assets",), footer=27),
    Action("edit_tags", ("e",), "tags", "Write tags and a note for the picture", ("assets",), footer=28),
    Action("narrow_by", ("f",), "facets", "Narrow by what pictures have, or by a saved search", ("assets",), footer=29),
    Action("save_search", ("s",), "save search", "Keep this search under a name", ("assets",), footer=42),
    Action("tree", ("o",), "descent", "Show what it was made from and what was made of it", ("assets",), footer=41),
    Action("toggle_trash", ("z",), "trash / all", "Look into the trash, and back", ("assets",), footer=43),
    Action("purge", ("X",), "purge", "Remove the files of what is in the trash for ever", ("assets",), footer=44),
    # Projects and runs
    Action("open", ("enter", "l"), "open", "Open what is under the cursor", OPENING, footer=10),
    Action("new_project", ("n",), "new project", "Create a project", ("projects", "welcome"), footer=20),
    Action("export", ("e",), "export", "Make one file of the project: comic book, PDF, bundle", EXPORTING, footer=35),
    Action("bring_out", ("E",), "pictures out", "Copy the project's pictures to a folder or bucket", ("projects",)),
    Action("trash_project", ("d", "delete"), "trash", "Put the project into the trash; asks first", ("projects",)),
    Action("undo_project", ("u",), "undo", "Take the project back out of the trash", ("projects",)),
    Action("copy_path", ("enter", "p"), "path", "Put the path of the file onto the clipboard", ("exports",), footer=10),
    Action("check_export", ("c",), "check", "Read the file again: is it what was written?", ("exports",), footer=12),
    Action("export_again", ("R",), "again", "Make it once more, with what is accepted now", ("exports",), footer=16),
    Action("forget_export", ("d",), "delete", "Forget it, and its file in the own folder", ("exports",), footer=18),
    Action("compose", ("r",), "new run", "Compose a run and see its plan", COMPOSING, footer=30),
    Action("review", ("v",), "review", "Compare the candidates of the job under the cursor", ("run",), footer=12),
    Action("cancel_job", ("x",), "cancel", "Stop what is under the cursor, or the marked jobs", STOPPING, footer=14),
    Action("cancel_run", ("X",), "cancel run", "Stop the run within one step", ("runs", "run"), footer=16),
    Action("retry_run", ("R",), "retry", "Start a run from what failed", ("runs", "run"), footer=18),
    Action("retry_job", ("a",), "again", "Make the job under the cursor again", ("run",), footer=18),
    Action("pause_run", ("p",), "pause", "Let the run wait, or go on", ("runs", "run", "tasks"), footer=17),
    Action("pause_queue", ("P",), "pause all", "Begin nothing more, or go on", ("tasks",), footer=19),
    Action("follow", ("f",), "follow", "Follow what happens, or stand still", ("logs",), footer=12),
    Action("log_level", ("s",), "severity", "Show only lines of a level and above", ("logs",), footer=13),
    Action("guidance_up", ("plus",), "guidance", "More guidance from the next step on", ("run",), footer=20),
    Action("guidance_down", ("minus",), "guidance", "Less guidance from the next step on", ("run",), footer=20),
    Action("show_log", ("f",), "log file", "Say where the run log lies", ("runs", "run"), footer=40),
    # Review
    Action("previous_candidate", ("h", "left"), "candidate", "The candidate before", ("review",), footer=10),
    Action("next_candidate", ("l", "right"), "candidate", "The next candidate", ("review",), footer=10),
    Action("flip", ("space",), "A/B", "Show the source in place of the candidate, and back", ("review",), footer=12),
    Action("zoom", ("z",), "zoom", "Show one picture as large as the screen allows", ("review",), footer=13),
    Action("difference", ("equals_sign",), "difference", "Show what differs from the source", ("review",), footer=14),
    Action("other_words", ("t",), "reasons / inputs / descent", "What the words are about", ("review",), footer=15),
    Action("words_down", ("j", "down"), "words", "Further down in the words", ("review",), palette=False),
    Action("words_up", ("k", "up"), "words", "Further up in the words", ("review",), palette=False),
    Action("retry_with", ("R",), "retry with…", "Make the flagged pictures of the run again", ("review",), footer=18),
    Action("accept", ("enter",), "accept", "Take this candidate for its scene", ("review",), footer=16),
    Action("override", ("o",), "override", "Take this candidate and say why", ("review",), footer=18),
    Action("previous_job", ("left_square_bracket",), "scene", "The scene before", ("review",), footer=20),
    Action("next_job", ("right_square_bracket",), "scene", "The next scene", ("review",), footer=20),
    # Metrics and models
    Action(
        "unload", ("u",), "unload", "Free the memory of the model under the cursor", ("models", "metrics"), footer=13
    ),
    Action("other_table", ("tab",), "models / devices", "Move between the two tables", ("models",), footer=10),
    Action("keep_alive", ("K",), "stays", "Say how long the model stays in memory unused", ("models",), footer=15),
    Action("switch_device", ("s",), "switch", "Say what a device takes: all work, some, none", ("models",), footer=16),
    Action("advise", ("a",), "where best", "Compare the devices for a run, and take it to one", ADVISED, footer=17),
    # Compose
    Action("run_plan", ("f5", "ctrl+enter"), "run", "Run what the plan shows", ("compose",), footer=10),
    Action("confirm", ("y",), "confirm", "Let what was proposed be carried out as shown", DECIDING, footer=10),
    Action("cancel_instruction", ("n", "x"), "cancel", "End what was proposed or is carried out", DECIDING, footer=11),
    Action("card_down", ("J", "pagedown"), "down", "Further down in the words", DECIDING, palette=False),
    Action("card_up", ("K", "pageup"), "up", "Further up in the words", DECIDING, palette=False),
    Action("edit_instruction", ("e",), "edit", "Change what a draft says, and see it anew", DECIDING, footer=12),
    Action("hand_over", ("H",), "hand over", "Let the external agent do it", ("instructions",), footer=16),
    Action("show_anew", ("s",), "show anew", "Look at a draft's target again", DECIDING, footer=13),
    Action("retry_instruction", ("R",), "retry", "Propose it once more", ("instructions",), footer=14),
    Action("new_chat", ("N",), "new", "Begin another conversation", ("copilot",), footer=20),
    Action("engines", ("m", "f2"), "engine", "Choose what answers here", ("copilot",), footer=14),
    Action("tune", ("t", "f3"), "tune", "Turn how words are chosen, also while it answers", ("copilot",), footer=15),
    Action("prompts", ("p",), "prompts", "Every prompt there was: look, enhance, take back", ("copilot",), footer=23),
    Action("find_said", ("f",), "find", "Look for words in all conversations", ("copilot",), footer=22),
    Action("export_chat", ("E",), "export", "Write the conversation to a file", ("copilot",), footer=24),
    Action("retitle", ("T",), "title", "Give the conversation another title", ("copilot",), footer=26),
    Action("ask", ("i", "enter", "l"), "write", "To the line to write in", ("copilot",), footer=12),
    Action("stop_answer", ("X",), "stop", "Stop the answer that is being written", ("copilot",), footer=9),
    Action("lab_run", ("f5", "ctrl+enter"), "make it / stop", "Run the tool, or stop it", ("lab",), footer=10),
    Action("lab_save", ("f2", "ctrl+s"), "save", "Write the picture to a file of this machine", ("lab",), footer=12),
    Action("lab_next", ("f3",), "next picture", "The next of several pictures", ("lab",), footer=14),
    Action("post_process", ("c",), "cut out …", "Take pictures through the chain of post-process", CHAIN, footer=26),
    # The bible
    Action("new_entry", ("n",), "new", "Write a scene, character, style, reference set or template", ("universe",), 12),
    Action("edit_entry", ("e",), "edit", "Change what is under the cursor", ("universe",), footer=13),
    Action("bring_in", ("i",), "pictures in", "Bring in pictures of this machine", BRINGING, footer=15),
    Action("set_key", ("s",), "key", "Keep a provider's key in the vault", ("universe",), footer=14),
    Action("bootstrap", ("b",), "bootstrap", "Let a language model write the bible", ("universe",), footer=16),
    Action("import_bible", ("f5", "ctrl+s"), "import", "Change what is shown, and no more", ("bootstrap",), footer=10),
    Action("copy_prompt", ("f2",), "copy prompt", "Put the prompt onto the clipboard", ("bootstrap",), footer=12),
    Action("save_prompt", ("f3",), "save prompt", "Write the prompt to a file", ("bootstrap",), footer=13),
    Action("clear_answer", ("f4",), "clear", "Empty the form for another answer", ("bootstrap",), footer=14),
    Action("save_entry", ("f5", "ctrl+s"), "save", "Keep what the form says", ("entry",), footer=10),
    Action("part_add", ("a",), "add", "Add to the list that has the cursor", ("entry",), footer=12),
    Action("part_edit", ("enter", "e"), "edit", "Change the part under the cursor", ("entry",), footer=13),
    Action("part_remove", ("d",), "take out", "Take the part under the cursor out of the list", ("entry",), footer=14),
    Action("part_up", ("K",), "move", "Move the part towards the first", ("entry",), footer=16),
    Action("part_down", ("J",), "move", "Move the part towards the last", ("entry",), footer=16),
    Action("part_pictures", ("p",), "pictures", "Choose the pictures of the look", ("entry",), footer=15),
    Action("pick", ("space",), "take / leave", "Take the picture, or leave it", ("picker",), footer=10),
    Action("pick_done", ("enter", "f5"), "done", "Go back with what is taken", ("picker",), footer=12),
    Action("trash", ("d",), "trash", "Put what is under the cursor into the trash", TRASHING, footer=30),
    Action("undo", ("u",), "undo", "Take back out of the trash what went there last", TRASHING, footer=31),
    Action("load", ("o",), "load", "Bring the model into memory", ("models",), footer=12),
    Action("pin", ("P",), "pin", "Keep the model in memory, or let it go again", ("models", "metrics"), footer=14),
    Action("dry_run", ("f6", "d"), "dry run", "Show the whole plan and start nothing", ("compose",), footer=20),
    # Everywhere
    Action(
        "filter", ("slash",), "filter", "Show only rows with these words; !word leaves some out", FILTERED, footer=80
    ),
    Action("commands", ("colon", "ctrl+p"), "command", "Find an action, a project or a run by name", PLACES, footer=85),
    Action("keys", ("question_mark", "f1"), "keys", "Show every key that works here", ALL, footer=90),
    Action("start_daemon", ("f9",), "start daemon", "Start a daemon where none answers", ALL, on_app=True),
    Action("toggle_theme", (), "ink / paper", "Change between the dark and the light theme", PLACES, on_app=True),
    Action("back", ("escape",), "back", "Go back", ALL, footer=5),
    Action("quit", ("q", "ctrl+q"), "quit", "Leave the studio; the daemon goes on", PLACES, footer=95, on_app=True),
)


def target(action: Action) -> str:
    """The action as Textual names it, with the node that has the method."""
    if action.to:
        return f"app.go('{action.to}')"
    return f"app.{action.id}" if action.on_app else f"screen.{action.id}"


def actions_for(place: str, registry: Iterable[Action] = REGISTRY) -> tuple[Action, ...]:
    """Actions that a place has, in the order of the registry."""
    return tuple(action for action in registry if place in action.places)
