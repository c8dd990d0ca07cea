"""Lab: one picture at once, without a project: made from words, cut out, enlarged, or with other colours."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import ClassVar

from bullpen_api.v1 import lab_pb2, model_pb2, postprocess_pb2
from bullpen_client.errors import BullpenError, SpendNotConfirmed
from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Label, Select

from bullpen_tui import lab, words
from bullpen_tui import messages as say
from bullpen_tui.fields import OWN, whole_path
from bullpen_tui.mirror import leaf
from bullpen_tui.pictures import decode
from bullpen_tui.plan import FormError
from bullpen_tui.port import sentence
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.dialogs import ConfirmDialog
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.said import Said, entitle
from bullpen_tui.widgets.tabs import TabLine

FIELDS = {
    "prompt": ("shows", "what the picture shows", ("generate",)),
    "negative": ("not", "what it must not show (optional)", ("generate",)),
    "path": ("picture", "path on the daemon's machine", ("cutout", "upscale", "color")),
    "count": ("pictures", "1", ("generate",)),
    "seed": ("seed", "chosen for you", ("generate",)),
    "steps": ("steps", "the model's own", ("generate",)),
    "scale": ("times as large", "2 or 4; the settings' own", ("upscale",)),
}
"""Label, hint, and the tools that have the field."""
WORDS = ("prompt", "negative", "path")
"""Fields that are written on in when they are come back to; a figure is written anew."""
SELECTS = {"model": ("model", ("generate", "cutout", "upscale")), "profile": ("profile", ("color",))}


class LabScreen(StudioScreen):
    """The fields of one tool at the left, before and after at the right. F5 runs, F2 saves."""

    place: ClassVar[str] = "lab"
    tabs = lab.TOOLS
    AUTO_FOCUS = "#prompt"

    def __init__(self) -> None:
        super().__init__()
        self._working = False
        self._made: list[tuple[bytes, str]] = []
        self._shown = 0
        self._asked = False
        self._told = False
        self._offered: dict[str, list[tuple[str, str]]] = {}
        self._request: lab_pb2.GenerateRequest | postprocess_pb2.ProcessPictureHead | None = None

    def body(self) -> Iterable[Widget]:
        """Tools, fields, pictures, and what is going on."""
        yield TabLine()
        with Horizontal():
            with VerticalScroll(classes="pane", id="lab-form", can_focus=False) as pane:
                pane.border_title = "Lab"
                for name, (label, hint, _) in FIELDS.items():
                    with Horizontal(classes="field", id=f"{name}-field"):
                        yield Label(label)
                        kept = self.studio.drafts.get(f"lab {name}", "")
                        yield Input(kept, placeholder=hint, compact=True, id=name, select_on_focus=name not in WORDS)
                for name, (label, _) in SELECTS.items():
                    with Horizontal(classes="field", id=f"{name}-field"):
                        yield Label(label)
                        yield Select[str]([("the settings' own", OWN)], allow_blank=False, compact=True, id=name)
                yield Said(dom_id="lab-words")
            with Vertical(id="lab-pictures"):
                with Vertical(classes="pane", id="before-pane") as pane:
                    pane.border_title = "before"
                    yield Picture(self.studio.graphics, dom_id="before")
                with Vertical(classes="pane", id="after-pane") as pane:
                    pane.border_title = "after"
                    yield Picture(self.studio.graphics, "F5 makes it", dom_id="after")
        yield Said(dom_id="lab-about")

    def on_descendant_focus(self) -> None:
        """Says what the field with the cursor is good for, until there is a picture to tell of."""
        told = lab.HELP.get((self.focused.id if self.focused is not None else None) or "", "")
        if not self._made:
            self.query_one("#lab-about", Said).say(words.text((told, words.QUIET)))

    @on(Input.Changed)
    def _written(self, event: Input.Changed) -> None:
        """What was written is there again when the person comes back."""
        if event.input.id in WORDS:
            self.studio.drafts[f"lab {event.input.id}"] = event.value

    @property
    def tool(self) -> str:
        """The tool that is open."""
        return lab.TOOLS[self.tab_open]

    # --- drawing -----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Shows the fields of the tool, with the models and profiles that there are."""
        if not self._asked and self.studio.connected:
            self._asked = True
            self.studio.reading.models()
            self.studio.reading.color_profiles()
        self.query_one(TabLine).open(self.tabs, self.tab_open)
        for name, (_, _, tools) in FIELDS.items():
            self.query_one(f"#{name}-field").display = self.tool in tools
        for name, (_, tools) in SELECTS.items():
            self.query_one(f"#{name}-field").display = self.tool in tools
        self.query_one("#before-pane").display = self.tool != "generate"
        models = self.snapshot.answer("models", model_pb2.ListModelsResponse)
        needed = lab.CAPABILITIES.get(self.tool, "")
        able = [
            (f"{one.title or leaf(one.name)}{'   paid' if one.price else ''}", one.name)
            for one in (models.models if models is not None else ())
            if one.state == model_pb2.Model.STATE_READY and needed in one.capabilities
        ]
        if models is not None and needed and not able and not self._told:
            self._say(words.text(("! ", words.WARN), f"No model here can do {needed.replace('_', ' ')}; 7 shows all."))
        self._offer("model", able)
        profiles = self.snapshot.answer("color profiles", postprocess_pb2.ListColorProfilesResponse)
        known = profiles.profiles if profiles is not None else ()
        self._offer("profile", [(one.title or one.name, one.name) for one in known])

    @on(Select.Changed, "#model")
    def _other_model(self) -> None:
        """Says what the model costs, before anything is asked of it."""
        models = self.snapshot.answer("models", model_pb2.ListModelsResponse)
        chosen = self.query_one("#model", Select).value
        price = next((one.price for one in (models.models if models is not None else ()) if one.name == chosen), "")
        if price and not self._working:
            self._say(words.text(("⚑ ", words.WARN), f"paid: {price}", (". F5 asks before it spends.", words.QUIET)))

    def _offer(self, name: str, found: list[tuple[str, str]]) -> None:
        options = [("the settings' own", OWN), *found]
        if options != self._offered.get(name):
            self._offered[name] = options
            self.query_one(f"#{name}", Select).set_options(options)

    def tab_opened(self) -> None:
        """Another tool has other fields and nothing made yet."""
        self._made, self._told = [], False
        self._say("")
        self.query_one("#after", Picture).show(None, "F5 makes it")
        self.draw()
        self.query_one("#prompt" if self.tool == "generate" else "#path", Input).focus()

    def _say(self, what: object) -> None:
        self.query_one("#lab-words", Said).say(what)  # type: ignore[arg-type]

    def _show(self) -> None:
        if not self._made:
            return
        content, about = self._made[self._shown]
        place = f"{self._shown + 1} of {len(self._made)}   " if len(self._made) > 1 else ""
        entitle(self.query_one("#after-pane"), f"after   {place}".rstrip())
        self.query_one("#lab-about", Said).say(words.text((place, words.FAINT), about, ("   F2 saves it", words.FAINT)))
        self.query_one("#after", Picture).show(decode(content))

    # --- running -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works now."""
        if action == "lab_save":
            return bool(self._made)
        if action == "lab_next":
            return len(self._made) > 1
        return True

    def action_lab_run(self) -> None:
        """Runs the tool on what the fields say; once more stops what runs."""
        if self._working:
            self._stop()
            return
        fields = {name: self.query_one(f"#{name}", Input).value.strip() for name in FIELDS}
        fields |= {name: str(self.query_one(f"#{name}", Select).value) for name in SELECTS}
        try:
            if self.tool == "generate":
                self._request = lab.generate_request(fields)
            else:
                self._request = lab.picture_request(self.tool, whole_path(fields["path"]), fields)
                self._show_before(self._request.path)
            self._send()
        except FormError as problem:
            self._told = True
            self._say(words.text(("! ", words.WARN), str(problem)))

    def _send(self) -> None:
        """Has the last request carried out."""
        self._begin()
        if isinstance(self._request, lab_pb2.GenerateRequest):
            self.studio.errands.generate(self._request, self)
        elif self._request is not None:
            self.studio.errands.process_picture(self._request, self)

    def _begin(self) -> None:
        self._told = True
        self._working, self._made, self._shown = True, [], 0
        self._say(words.text(("● ", words.ACCENT), "begins; F5 stops it"))

    def _show_before(self, path: str) -> None:
        """Shows the source where the daemon's machine is this one."""
        before = self.query_one("#before", Picture)
        try:
            before.show(decode(Path(path).read_bytes()))
        except (OSError, BullpenError):
            before.show(None, "not on this machine")

    def _stop(self) -> None:
        self.studio.errands.stop_lab()
        self._working = False
        self._say(words.text(("⊘ ", words.QUIET), "stopped"))

    def on_lab_moved(self, message: say.LabMoved) -> None:
        """Says how far it is, with the newest preview."""
        self._say(words.text(("● ", words.ACCENT), message.words))
        if message.preview:
            try:
                self.query_one("#after", Picture).show(decode(message.preview))
            except BullpenError:
                return  # a preview is droppable; the next one comes with the next step

    def on_lab_made(self, message: say.LabMade) -> None:
        """Shows a picture."""
        self._made.append((message.content, message.about))
        self._shown = len(self._made) - 1
        self._show()
        self.draw_keys()

    def on_lab_ended(self) -> None:
        """Everything was made."""
        self._working = False
        self._say(words.text(("✓ ", words.GOOD), words.plural(len(self._made), "picture"), " made"))
        self.draw_keys()

    def on_lab_refused(self, message: say.LabRefused) -> None:
        """Says what to change."""
        self._working = False
        if isinstance(message.error, SpendNotConfirmed) and self._request is not None:
            self._say(words.text(("⚑ ", words.WARN), "It costs money; nothing was sent yet."))
            question = f"{message.error} The picture's words, or the picture itself, are sent to the provider."
            self.studio.push_screen(ConfirmDialog(question, "spend it"), self._agreed)
            return
        self._say(words.text(("✗ ", words.BAD), sentence(message.error)))

    def _agreed(self, yes: bool | None) -> None:
        """Sends what was asked for with the person's word, once."""
        if not yes or self._request is None:
            self._say(words.text(("⊘ ", words.QUIET), "nothing was sent, nothing was spent"))
            return
        self._request.confirm_spend = True
        self._send()

    def action_lab_next(self) -> None:
        """The next of several pictures."""
        self._shown = (self._shown + 1) % len(self._made)
        self._show()

    # --- saving ------------------------------------------------------------------------------------------------------

    def action_lab_save(self) -> None:
        """Asks for a file on this machine, and writes the picture there."""
        from bullpen_tui.screens.dialogs import PathDialog

        source = self.query_one("#prompt" if self.tool == "generate" else "#path", Input).value
        suggestion = lab.free_path(Path.cwd() / lab.suggested(self.tool, source))
        # The one that is seen now: another may be shown before the answer is there.
        take = partial(self._save, self._made[self._shown][0])
        self.studio.push_screen(PathDialog("Save the picture as", str(suggestion), take=take))

    def _save(self, content: bytes, wanted: str) -> str:
        path = lab.free_path(Path(wanted).expanduser())
        try:
            path.write_bytes(content)
        except OSError as error:
            return f"{path} cannot be written: {error.strerror}. Choose another place."
        self.notify(str(path), title="Saved")
        return ""

    def action_back(self) -> None:
        """Out of a field first, then back."""
        if isinstance(self.focused, Input):
            self.set_focus(None)
            return
        if self._working:
            self._stop()
        super().action_back()
