"""What a person may have done to the bible. The answer is a message to the one who asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bullpen_api.v1 import asset_pb2, bible_pb2
from bullpen_client.errors import BullpenError, FieldInvalid
from bullpen_client.pictures import inside
from textual.message_pump import MessagePump

from bullpen_tui import messages as say
from bullpen_tui.bible import told
from bullpen_tui.bible.kinds import SCENES, Entry, Kind
from bullpen_tui.mirror import Listed
from bullpen_tui.port import sentence

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp


def scene_slug(path: Path) -> str:
    """A scene's id from a file name: small letters, other signs become a dash, beginning with a letter."""
    slug = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")
    return (slug if slug[:1].isalpha() else f"scene-{slug}".rstrip("-"))[:63]


class BibleErrands:
    """Commands of one studio that write the bible."""

    _studio: StudioApp

    def create_entry(self, kind: Kind, project: str, slug: str, entry: Entry, request_id: str, to: MessagePump) -> None:
        """Creates a resource."""
        call = self._studio.daemon.create_entry(kind, project, slug, entry, request_id)
        self._studio.ask(call, told.EntryKept, to=to, refused=told.EntryRefused)

    def update_entry(self, entry: Entry, paths: Sequence[str], to: MessagePump) -> None:
        """Changes some fields of a resource."""
        call = self._studio.daemon.update_entry(entry, paths)
        self._studio.ask(call, told.EntryKept, to=to, refused=told.EntryRefused)

    def read_entry(self, name: str, to: MessagePump) -> None:
        """Reads a resource as it is now."""
        self._studio.ask(self._studio.daemon.entry(name), told.EntryRead, to=to, refused=told.EntryRefused)

    def set_key(self, account: bible_pb2.ProviderAccount, name: str, value: str, to: MessagePump) -> None:
        """Keeps the key of an account in the vault, and the name that it has there in the account."""
        daemon = self._studio.daemon

        async def work() -> told.KeyKept:
            secret = await daemon.set_secret(f"secrets/{name}", value)
            kept = account
            if account.secret_names.get("api_key", "") != name:
                changed = bible_pb2.ProviderAccount()
                changed.CopyFrom(account)
                changed.secret_names["api_key"] = name
                kept = cast("bible_pb2.ProviderAccount", await daemon.update_entry(changed, ["secret_names"]))
            return told.KeyKept(secret, kept)

        self._studio.ask(work, lambda message: message, to=to, refused=told.KeyRefused, group="set key")

    def take_pictures(
        self, project: str, path: Path, kind: asset_pb2.Asset.Kind.ValueType, as_scenes: bool, to: MessagePump
    ) -> None:
        """Makes a picture of this machine, or all of a folder, assets, and scenes where that is wished."""
        daemon = self._studio.daemon

        async def work() -> told.PicturesTaken:
            assets: list[asset_pb2.Asset] = []
            scenes: list[str] = []
            failed: list[str] = []
            for file in _files(path):
                try:
                    asset = await daemon.take_picture(project, file, kind)
                    assets.append(asset)
                    if as_scenes:
                        title = re.sub(r"[-_ ]+", " ", file.stem).strip()
                        scene = bible_pb2.Scene(title=title, source_asset=asset.name)
                        slug = scene_slug(file)
                        made = await daemon.create_entry(SCENES, project, slug, scene, self._studio.request_id())
                        scenes.append(made.name)
                        self._studio.post_message(say.ChangesArrived((Listed((made,)),)))
                except (BullpenError, OSError) as error:
                    failed.append(f"{file.name}: {_why(error)}")
                self._studio.post_message(say.ChangesArrived((Listed(tuple(assets[-1:])),)))
            return told.PicturesTaken(assets, scenes, failed)

        self._studio.ask(work, lambda message: message, to=to, group="take pictures")

    def export_bootstrap(self, project: str, to: MessagePump) -> None:
        """The prompt that asks a language model for a bible."""
        self._studio.ask(self._studio.daemon.export_bootstrap(project), told.BootstrapWritten, to=to)

    def import_bootstrap(self, project: str, document: str, replace: bool, digest: str, to: MessagePump) -> None:
        """Shows what a document would change; with the digest of what was shown, changes it."""
        daemon = self._studio.daemon
        self._studio.ask(
            lambda: daemon.import_bootstrap(project, document, replace, digest),
            told.BootstrapSeen,
            to=to,
            refused=told.BootstrapRefused,
            group="bootstrap",
            latest_only=True,
        )


def _files(path: Path) -> list[Path]:
    try:
        found = inside(path) if path.exists() else []
    except OSError as error:
        raise FieldInvalid(f"{path} cannot be read: {error.strerror}.", field="path") from error
    if not found:
        what = "holds no PNG, JPEG or WebP picture" if path.is_dir() else "is not there"
        raise FieldInvalid(f"{path} {what}.", field="path", remedy="Name a picture or a folder of this machine.")
    return found


def _why(error: Exception) -> str:
    if isinstance(error, BullpenError):
        return sentence(error)
    return getattr(error, "strerror", None) or str(error)
