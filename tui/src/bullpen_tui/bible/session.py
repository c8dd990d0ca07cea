# ruff: noqa: D102 - the port documents every call
"""The calls of `BiblePort` over the client library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bullpen_api.v1 import asset_pb2, bible_pb2, bootstrap_pb2, history_pb2, lineage_pb2, vault_pb2
from bullpen_client import pictures
from bullpen_client.connect import Session
from google.protobuf import field_mask_pb2

from bullpen_tui.bible.kinds import KINDS, PROVIDER_ACCOUNTS, Entry, Kind, kind_of


class BibleCalls:
    """`BiblePort` over a session."""

    _session: Session

    async def _bible(self, verb: str, kind: Kind, **fields: Any) -> Any:
        """One call of the bible; all its kinds have the same calls under their own names."""
        called = f"{verb}{kind.message.DESCRIPTOR.name}"
        request = getattr(bible_pb2, f"{called}Request")(**fields)
        return await getattr(self._session.bible, called)(request)

    async def prompt_templates(self, project: str) -> bible_pb2.ListPromptTemplatesResponse:
        whole = bible_pb2.ListPromptTemplatesResponse()
        token = ""
        while True:
            request = bible_pb2.ListPromptTemplatesRequest(parent=project, page_size=500, page_token=token)
            page = await self._session.bible.ListPromptTemplates(request)
            whole.prompt_templates.extend(page.prompt_templates)
            whole.revision = whole.revision or page.revision
            if not (token := page.next_page_token):
                return whole

    async def entry(self, name: str) -> Entry:
        found: Entry = await self._bible("Get", kind_of(name), name=name)
        return found

    async def create_entry(self, kind: Kind, project: str, slug: str, entry: Entry, request_id: str) -> Entry:
        fields = {f"{kind.singular}_id": slug, kind.singular: entry}
        made: Entry = await self._bible("Create", kind, parent=project, request_id=request_id, **fields)
        return made

    async def update_entry(self, entry: Entry, paths: Sequence[str]) -> Entry:
        kind = kind_of(entry.name)
        mask = field_mask_pb2.FieldMask(paths=paths)
        kept: Entry = await self._bible("Update", kind, update_mask=mask, **{kind.singular: entry})
        return kept

    async def trash_entry(self, name: str) -> None:
        await self._bible("Delete", kind_of(name), name=name)

    async def restore_entry(self, name: str) -> None:
        await self._bible("Undelete", kind_of(name), name=name)

    async def _listed(self, kind: Kind, project: str, show_deleted: bool) -> list[Entry]:
        """All of a kind, with its trash where that is wished."""
        singular = kind.message.DESCRIPTOR.name
        found: list[Entry] = []
        token = ""
        while True:
            asked = getattr(bible_pb2, f"List{singular}sRequest")
            request = asked(parent=project, page_size=500, page_token=token, show_deleted=show_deleted)
            page = await getattr(self._session.bible, f"List{singular}s")(request)
            found.extend(getattr(page, f"{kind.singular}s"))
            if not (token := page.next_page_token):
                return found

    async def provider_accounts(self, project: str) -> list[Entry]:
        return await self._listed(PROVIDER_ACCOUNTS, project, False)

    async def trashed(self, project: str) -> list[Entry]:
        return [one for kind in KINDS for one in await self._listed(kind, project, True) if one.HasField("delete_time")]

    async def secrets(self) -> vault_pb2.ListSecretsResponse:
        whole = vault_pb2.ListSecretsResponse()
        token = ""
        while True:
            request = vault_pb2.ListSecretsRequest(page_size=500, page_token=token)
            page = await self._session.vault.ListSecrets(request)
            whole.secrets.extend(page.secrets)
            if not (token := page.next_page_token):
                return whole

    async def vault(self) -> vault_pb2.VaultStatus:
        return await self._session.vault.GetVaultStatus(vault_pb2.GetVaultStatusRequest())

    async def set_secret(self, name: str, value: str) -> vault_pb2.Secret:
        return await self._session.vault.SetSecret(vault_pb2.SetSecretRequest(name=name, value=value))

    async def take_picture(self, project: str, path: Path, kind: asset_pb2.Asset.Kind.ValueType) -> asset_pb2.Asset:
        return await pictures.take(self._session, project, path, kind)

    async def export_bootstrap(self, project: str) -> bootstrap_pb2.ExportBootstrapResponse:
        return await self._session.bible.ExportBootstrap(bootstrap_pb2.ExportBootstrapRequest(name=project))

    async def import_bootstrap(
        self, project: str, document: str, replace: bool, digest: str
    ) -> bootstrap_pb2.ImportBootstrapResponse:
        modes = bootstrap_pb2.ImportBootstrapRequest
        request = modes(
            parent=project,
            document_json=document,
            mode=modes.MODE_REPLACE if replace else modes.MODE_MERGE,
            dry_run=not digest,
            plan_digest=digest,
        )
        return await self._session.bible.ImportBootstrap(request)

    async def lineage(self, name: str) -> lineage_pb2.Lineage:
        return await self._session.history.GetLineage(history_pb2.GetLineageRequest(name=name))
