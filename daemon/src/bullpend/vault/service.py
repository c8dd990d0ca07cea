"""VaultService: unpack, call, pack. No answer and no error holds a value."""

from __future__ import annotations

from typing import Any

from bullpen_api.v1 import vault_pb2, vault_pb2_grpc

from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.errors import VaultLocked
from bullpend.rpc import outside, paging
from bullpend.vault import store
from bullpend.vault.vault import Status, Vault
from bullpend.vault.wire import pack

COLLECTION = "secrets/"


class VaultService(vault_pb2_grpc.VaultServiceServicer):
    """Keeps secrets."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def SetSecret(self, request: vault_pb2.SetSecretRequest, context: Any) -> vault_pb2.Secret:  # noqa: N802 -- gRPC's names from here on
        """Takes a value in."""
        slug = _slug(request.name)
        await self._vault.put(slug, request.value, etag=request.etag, replace_only=request.must_exist)
        return await self._secret(slug)

    async def GetSecret(self, request: vault_pb2.GetSecretRequest, context: Any) -> vault_pb2.Secret:  # noqa: N802
        """One secret, without its value."""
        return await self._secret(_slug(request.name))

    async def ListSecrets(  # noqa: N802
        self, request: vault_pb2.ListSecretsRequest, context: Any
    ) -> vault_pb2.ListSecretsResponse:
        """Secrets by name, without their values."""
        page = paging.page(request.page_size, request.page_token, "secrets", (str,))

        def read(view: View) -> tuple[list[Row], dict[str, list[str]], int]:
            after = str(page.after[0]) if page.after else ""
            return store.page(view, after, page.limit + 1), store.users(view), view.revision()

        rows, users, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["slug"],) for row in rows])
        secrets = [pack(row, users.get(row["slug"], ())) for row in shown]
        return vault_pb2.ListSecretsResponse(secrets=secrets, next_page_token=token, revision=revision)

    async def DeleteSecret(self, request: vault_pb2.DeleteSecretRequest, context: Any) -> vault_pb2.Secret:  # noqa: N802
        """Takes a secret away for ever."""
        return pack(await self._vault.delete(_slug(request.name), request.etag))

    async def GetVaultStatus(  # noqa: N802
        self, request: vault_pb2.GetVaultStatusRequest, context: Any
    ) -> vault_pb2.VaultStatus:
        """How the vault stands; a key that cannot be used is told, not raised."""
        try:
            return _pack_status(await self._vault.status())
        except VaultLocked as error:
            return vault_pb2.VaultStatus(problem=error.message, remedy=error.remedy)

    async def RotateVaultKey(  # noqa: N802
        self, request: vault_pb2.RotateVaultKeyRequest, context: Any
    ) -> vault_pb2.VaultStatus:
        """Seals everything with a new key."""
        return _pack_status(await self._vault.rotate_key())

    async def _secret(self, slug: str) -> vault_pb2.Secret:
        def read(view: View) -> vault_pb2.Secret:
            return pack(store.get(view, slug), store.users(view).get(slug, ()))

        return await self._database.read(read)


def _slug(name: str) -> str:
    """The id of a secret's name. Raises FieldInvalid, which does not repeat what may be the secret itself."""
    return outside.secret_name(name.removeprefix(COLLECTION), "name")


def _pack_status(status: Status) -> vault_pb2.VaultStatus:
    return vault_pb2.VaultStatus(
        key_source=status.source,
        key_from_environment=status.from_environment,
        key_id=status.key_id,
        current=status.current,
        previous=status.previous,
        lost=status.lost,
    )
