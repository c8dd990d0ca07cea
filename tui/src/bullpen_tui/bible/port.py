"""The part of the port about writing the bible."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bullpen_api.v1 import asset_pb2, bible_pb2, bootstrap_pb2, lineage_pb2, vault_pb2

from bullpen_tui.bible.kinds import Entry, Kind


class BiblePort(Protocol):
    """Every call may raise `BullpenError`."""

    async def prompt_templates(self, project: str) -> bible_pb2.ListPromptTemplatesResponse:
        """Prompt templates of a project."""
        ...

    async def entry(self, name: str) -> Entry:
        """One resource of the bible, as it is now."""
        ...

    async def create_entry(self, kind: Kind, project: str, slug: str, entry: Entry, request_id: str) -> Entry:
        """A new resource."""
        ...

    async def update_entry(self, entry: Entry, paths: Sequence[str]) -> Entry:
        """Changes the fields that `paths` name, if the etag of the entry is still the current one."""
        ...

    async def provider_accounts(self, project: str) -> list[Entry]:
        """Accounts of providers that a project may use."""
        ...

    async def trashed(self, project: str) -> list[Entry]:
        """Everything of the bible that lies in a project's trash."""
        ...

    async def secrets(self) -> vault_pb2.ListSecretsResponse:
        """Names of what the vault keeps; no call tells a value."""
        ...

    async def vault(self) -> vault_pb2.VaultStatus:
        """Whether the vault can be used."""
        ...

    async def set_secret(self, name: str, value: str) -> vault_pb2.Secret:
        """Keeps a value under a name, in place of the one that was there."""
        ...

    async def take_picture(self, project: str, path: Path, kind: asset_pb2.Asset.Kind.ValueType) -> asset_pb2.Asset:
        """A file of this machine as an asset; the same content again gives the asset that exists."""
        ...

    async def export_bootstrap(self, project: str) -> bootstrap_pb2.ExportBootstrapResponse:
        """The bible as a document, and the prompt that asks a language model for one."""
        ...

    async def import_bootstrap(
        self, project: str, document: str, replace: bool, digest: str
    ) -> bootstrap_pb2.ImportBootstrapResponse:
        """Makes the bible what a document says; without the digest of what was shown it only says what would change."""
        ...

    async def lineage(self, name: str) -> lineage_pb2.Lineage:
        """Where pictures come from and what was made of them."""
        ...
