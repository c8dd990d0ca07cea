"""What happened to the bible, as messages."""

from __future__ import annotations

from bullpen_api.v1 import asset_pb2, bible_pb2, bootstrap_pb2, vault_pb2
from bullpen_client.errors import BullpenError
from textual.message import Message

from bullpen_tui.bible.kinds import Entry


class EntryKept(Message):
    """A resource was created or changed."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry


class EntryRefused(Message):
    """A resource was not kept; what was written is still in the form."""

    def __init__(self, error: BullpenError) -> None:
        super().__init__()
        self.error = error


class EntryRead(Message):
    """A resource as it is now, after somebody else was faster."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry


class KeyKept(Message):
    """The vault keeps a value under a name; `account` is the account that it is for."""

    def __init__(self, secret: vault_pb2.Secret, account: bible_pb2.ProviderAccount) -> None:
        super().__init__()
        self.secret = secret
        self.account = account


class KeyRefused(Message):
    """The vault did not keep a value."""

    def __init__(self, error: BullpenError) -> None:
        super().__init__()
        self.error = error


class PicturesTaken(Message):
    """Pictures of this machine are assets now. `known` were there before; `failed` has the sentence for each other."""

    def __init__(self, assets: list[asset_pb2.Asset], scenes: list[str], failed: list[str]) -> None:
        super().__init__()
        self.assets = assets
        self.scenes = scenes
        self.failed = failed


class BootstrapWritten(Message):
    """The prompt that asks a language model for a bible."""

    def __init__(self, answer: bootstrap_pb2.ExportBootstrapResponse) -> None:
        super().__init__()
        self.answer = answer


class BootstrapSeen(Message):
    """What a document would change, or has changed."""

    def __init__(self, answer: bootstrap_pb2.ImportBootstrapResponse) -> None:
        super().__init__()
        self.answer = answer


class BootstrapRefused(Message):
    """A document cannot be taken."""

    def __init__(self, error: BullpenError) -> None:
        super().__init__()
        self.error = error
