"""What can be written on the universe: new things, changes, pictures of this machine, and the trash."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bullpen_api.v1 import asset_pb2, bible_pb2

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.bible import told
from bullpen_tui.bible.kinds import KINDS, PROVIDER_ACCOUNTS, REFERENCE_SETS, SCENES, Kind
from bullpen_tui.mirror import Listed, leaf

if TYPE_CHECKING:
    from bullpen_tui.screens.base import StudioScreen
    from bullpen_tui.widgets.lister import Lister

    Base = StudioScreen
else:
    Base = object

_BRINGING = {
    SCENES: "Each becomes a scene of the story, in the order of the file names.",
    REFERENCE_SETS: "They become the items of a new reference set.",
}


class Writing(Base):
    """Writing the kind of the open tab."""

    @property
    def lister(self) -> Lister:
        """What has the cursor."""
        raise NotImplementedError

    @property
    def kind(self) -> Kind | None:
        """The kind of the open tab; nothing for the trash, which has all of them."""
        return KINDS[self.tab_open] if self.tab_open < len(KINDS) else None

    def check_writing(self, action: str) -> bool:
        """Whether an action that writes works now; true for actions that do not."""
        here = bool(self.studio.project) and self.studio.connected
        if action == "bootstrap":
            return here
        if action == "new_entry":
            return here and self.kind is not None
        if action == "set_key":
            return self.is_mounted and self.kind is PROVIDER_ACCOUNTS and self.lister.cursor_key is not None
        if action == "bring_in":
            return here and self.kind in _BRINGING
        if action in ("edit_entry", "trash"):
            return self.is_mounted and self.kind is not None and self.lister.cursor_key is not None
        if action == "undo":
            return bool(self.snapshot.trashed_last(self.studio.project))
        return True

    def action_new_entry(self) -> None:
        """A form with nothing in it."""
        from bullpen_tui.screens.entry import EntryScreen

        if (kind := self.kind) is not None:
            self.studio.push_screen(EntryScreen(kind, self.studio.project))

    def action_edit_entry(self) -> None:
        """The form of what is under the cursor."""
        from bullpen_tui.screens.entry import EntryScreen

        if (name := self.lister.cursor_key) is not None and (kind := self.kind) is not None:
            self.studio.push_screen(EntryScreen(kind, self.studio.project, name))

    def action_bootstrap(self) -> None:
        """Lets a language model write the bible."""
        from bullpen_tui.screens.bootstrap import BootstrapScreen

        self.studio.push_screen(BootstrapScreen(self.studio.project))

    # --- pictures ----------------------------------------------------------------------------------------------------

    def action_bring_in(self) -> None:
        """Asks for pictures of this machine."""
        from bullpen_tui.screens.part_dialogs import BringDialog

        if (kind := self.kind) is None:
            return
        self.studio.push_screen(BringDialog(_BRINGING[kind]), lambda path: self._bring(kind, path))

    def _bring(self, kind: Kind, path: Path | None) -> None:
        if path is None:
            return
        scenes = kind is SCENES
        purpose = asset_pb2.Asset.KIND_SOURCE if scenes else asset_pb2.Asset.KIND_REFERENCE
        self.studio.errands.take_pictures(self.studio.project, path, purpose, scenes, self)
        self.notify(f"Pictures are brought in from {path}.")

    def on_pictures_taken(self, message: told.PicturesTaken) -> None:
        """Says what came in; pictures of a reference set go on into its form."""
        if message.scenes:
            self.notify(f"{words.plural(len(message.scenes), 'scene')} in the story now.", title="Pictures in")
        if message.failed:
            more = f"\nand {len(message.failed) - 3} more" if len(message.failed) > 3 else ""
            self.notify("\n".join(message.failed[:3]) + more, title="Not brought in", severity="error")
        if message.assets and not message.scenes and self.kind is REFERENCE_SETS:
            from bullpen_tui.screens.entry import EntryScreen

            begun = bible_pb2.ReferenceSet()
            for name in dict.fromkeys(asset.name for asset in message.assets):
                begun.items.add(asset=name)
            self.studio.push_screen(EntryScreen(REFERENCE_SETS, self.studio.project, begin=begun))

    # --- keys of providers -------------------------------------------------------------------------------------------

    def action_set_key(self) -> None:
        """Asks for the key of the account under the cursor."""
        from bullpen_tui.screens.key_dialog import KeyDialog

        account = self.snapshot.provider_accounts.get(self.lister.cursor_key or "")
        if account is not None:
            self.studio.push_screen(KeyDialog(account), self._key_kept)

    def _key_kept(self, message: told.KeyKept | None) -> None:
        if message is not None:
            self.studio.post_message(say.ChangesArrived((Listed((message.account,)),)))
            self.notify(f"The vault has the key as {leaf(message.secret.name)}; it is used from the next request on.")
            self.studio.reading.vault()

    # --- the trash ---------------------------------------------------------------------------------------------------

    def action_trash(self) -> None:
        """Puts the marked rows, else the one under the cursor, into the trash."""
        for name in self.lister.chosen:
            self.studio.errands.trash(name, self)
        self.lister.clear_marks()

    def on_trashed(self, message: say.Trashed) -> None:
        """Says how to take it back."""
        self.notify(f"{leaf(message.name)} lies in the trash; u takes it back.")
        self.draw_keys()

    def action_undo(self) -> None:
        """Takes back what went into the trash last; in the trash the marked rows, else the one under the cursor."""
        if self.kind is None:
            for name in self.lister.chosen:
                self.studio.errands.restore(name, self)
            self.lister.clear_marks()
        elif name := self.snapshot.trashed_last(self.studio.project):
            self.studio.errands.restore(name, self)

    def on_restored(self, message: say.Restored) -> None:
        """Says so."""
        self.notify(f"{leaf(message.name)} is back.")
        self.draw_keys()
