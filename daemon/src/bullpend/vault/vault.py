"""The vault: takes secrets in, opens them for other rooms, and brings all of them under another master key.

    vault = Vault(database, Keys(home.vault_key, os.environ))
    secret = await vault.reveal("openai-main")     # a name as a provider account gives it
    headers = {"Authorization": f"Bearer {secret.reveal()}"}

A clear value is remembered for redaction before anything else is done with it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bullpen_api.v1 import event_pb2

from bullpend import redaction
from bullpend.db import Database, Row, Tx
from bullpend.errors import FieldInvalid, LimitExceeded, StateConflict, VaultLocked
from bullpend.rpc import masks, outside
from bullpend.vault import store, wire
from bullpend.vault.keys import CURRENT, PREVIOUS, Keys
from bullpend.vault.sealing import MasterKey, seal, unseal
from bullpend.vault.secret import Secret

LEAST, MOST = redaction.LEAST, 16 * 1024


@dataclass(frozen=True, slots=True)
class Status:
    """How the vault stands: where the key is, and how many secrets are sealed with it, with another that is at hand
    (`previous`), and with one that is not (`lost`).
    """

    source: str
    from_environment: bool
    key_id: str
    current: int
    previous: int
    lost: dict[str, int]


class Vault:
    """Secrets by name. Every other room uses `reveal` only."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database = database
        self._keys = keys
        # A secret must not be sealed with a key that a rotation is about to drop.
        self._changing = asyncio.Lock()

    async def reveal(self, name: str, field: str = "") -> Secret:
        """A secret in clear, by its name (`openai-main` or `secrets/openai-main`).

        Raises ResourceNotFound, VaultLocked, or ContentLost for one that was tampered with; `field` is named in them.
        """
        slug = name.removeprefix("secrets/")
        version, sealed = await self._database.read(lambda view: store.sealed(view, slug, field or "name"))
        keys = {key.id: key for key in await asyncio.to_thread(self._keys.all)}
        if sealed.key_id not in keys:
            raise self._locked(slug, sealed.key_id)
        value = unseal(keys[sealed.key_id], slug, version, sealed)
        redaction.remember(value, slug)
        return Secret(slug, value, version)

    async def put(self, slug: str, value: str, *, etag: str = "", replace_only: bool = False) -> Row:
        """Keeps a value under a name, in place of what was there; returns what may be shown of it.

        Raises FieldInvalid or LimitExceeded for a name or value that cannot be kept, ResourceNotFound with
        `replace_only` where there is none, EtagMismatch, VaultLocked.
        """
        outside.secret_name(slug, "name")
        _check(value)
        redaction.remember(value, slug)
        async with self._changing:
            key = await self._current()

            def write(tx: Tx) -> Row:
                known = tx.one(f"SELECT {store.SHOWN} FROM secrets WHERE slug = ?", slug)
                if known is None and (replace_only or etag):
                    store.get(tx, slug)  # raises
                masks.check_etag(etag, wire.etag_of(known) if known else "", f"secrets/{slug}", "etag")
                version = known["version"] + 1 if known else 1
                row = store.put(tx, slug, version, seal(key, slug, version, value))
                _emit(tx, row, "replaced" if known else "created")
                return row

            return await self._database.write(write)

    async def delete(self, slug: str, etag: str = "") -> Row:
        """Takes a secret away for ever. Raises ResourceNotFound or EtagMismatch."""

        def write(tx: Tx) -> Row:
            masks.check_etag(etag, wire.etag_of(store.get(tx, slug)), f"secrets/{slug}", "etag")
            row = store.delete(tx, slug)
            _emit(tx, row, "deleted")
            return row

        return await self._database.write(write)

    async def status(self) -> Status:
        """Where the key is and what it opens. Raises VaultLocked where its file cannot be used."""
        keys = await asyncio.to_thread(self._keys.all)
        counts = await self._database.read(store.key_ids)
        ids = [key.id for key in keys]
        return Status(
            source=self._keys.source,
            from_environment=self._keys.from_environment,
            key_id=ids[0] if ids else "",
            current=counts.get(ids[0], 0) if ids else 0,
            previous=sum(counts.get(key_id, 0) for key_id in ids[1:]),
            lost={key_id: count for key_id, count in sorted(counts.items()) if key_id not in ids},
        )

    async def rotate_key(self) -> Status:
        """Seals every secret with a new master key: a fresh one of the file, or the one that the environment gives now.

        A rotation that was cut off is ended first. Raises VaultLocked where a secret does not open, and then nothing
        has changed; StateConflict where the environment's key is the one that all secrets are sealed with.
        """
        async with self._changing:
            keys = {key.id: key for key in await asyncio.to_thread(self._keys.all)}
            counts = await self._database.read(store.key_ids)
            for key_id in counts:
                if key_id not in keys:
                    raise self._locked(await self._sealed_with(key_id), key_id)
            key = await self._next(keys, counts)

            def write(tx: Tx) -> None:
                moved = 0
                for row in tx.all("SELECT slug FROM secrets WHERE key_id <> ? ORDER BY slug", key.id):
                    version, sealed = store.sealed(tx, row["slug"])
                    value = unseal(keys[sealed.key_id], row["slug"], version, sealed)
                    store.reseal(tx, row["slug"], seal(key, row["slug"], version, value))
                    moved += 1
                notice = event_pb2.Notice(
                    message="The vault's secrets are sealed with another key.",
                    details={"key_id": key.id, "secrets": str(moved)},
                )
                tx.emit("", "vault", "vault.rotated", event_pb2.Event(notice=notice).SerializeToString())

            await self._database.write(write)
            if not self._keys.from_environment:
                await asyncio.to_thread(self._keys.keep_only, key)
        return await self.status()

    async def _next(self, keys: dict[str, MasterKey], counts: dict[str, int]) -> MasterKey:
        """The key that all secrets are to be sealed with."""
        current = next(iter(keys.values()), None)
        unfinished = current is not None and any(key_id != current.id for key_id in counts)
        if current is not None and unfinished:
            return current
        if self._keys.from_environment:
            raise StateConflict(
                "Every secret is sealed with the key of the environment already.",
                remedy=f"Start the daemon with a new {CURRENT} and with the present one as {PREVIOUS}, then rotate.",
            )
        return await asyncio.to_thread(self._keys.rotate if current else self._keys.make)

    async def _current(self) -> MasterKey:
        """The key for what is sealed now; the first secret makes one."""
        keys = await asyncio.to_thread(self._keys.all)
        if keys:
            return keys[0]
        counts = await self._database.read(store.key_ids)
        if counts:
            key_id = next(iter(counts))
            raise self._locked(await self._sealed_with(key_id), key_id)
        return await asyncio.to_thread(self._keys.make)

    async def _sealed_with(self, key_id: str) -> str:
        sql = "SELECT slug FROM secrets WHERE key_id = ? ORDER BY slug LIMIT 1"
        return str(await self._database.read(lambda view: view.value(sql, key_id)))

    def _locked(self, slug: str, key_id: str) -> VaultLocked:
        return VaultLocked(
            f"The secret {slug} was sealed with the key {key_id}, which is not at hand.",
            resource=f"secrets/{slug}",
            key_id=key_id,
            path=self._keys.file,
        )


def _check(value: str) -> None:
    """Raises FieldInvalid or LimitExceeded; neither tells anything of the value but its length."""
    size = len(value.encode())
    if size > MOST:
        raise LimitExceeded(
            f"The value has {size} bytes; a secret has at most {MOST}.",
            field="value",
            remedy="Give the key alone, without the file that it stands in.",
            limit=MOST,
        )
    if len(value) < LEAST:
        raise FieldInvalid(
            "The value is empty." if not value else f"The value has {len(value)} characters.",
            field="value",
            remedy=f"Give at least {LEAST}: shorter ones could not be told from ordinary words in a log.",
        )
    if value != value.strip() or "\0" in value:
        raise FieldInvalid(
            "The value begins or ends with a blank or a line break, or holds a zero byte.",
            field="value",
            remedy="Give it as the provider shows it.",
        )


def _emit(tx: Tx, row: Row, what: str) -> None:
    message = wire.pack(row)
    tx.emit("", message.name, f"secret.{what}", event_pb2.Event(secret=message).SerializeToString())
