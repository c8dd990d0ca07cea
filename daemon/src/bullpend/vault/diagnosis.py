"""What `bullpen doctor` says of the vault: whether every secret opens with the keys that are here."""

from __future__ import annotations

from bullpen_api.v1 import system_pb2

from bullpend.errors import VaultLocked
from bullpend.vault.vault import Vault

NAME = "vault"


async def check(vault: Vault) -> system_pb2.Check:
    """One check. Nothing is opened for it."""
    try:
        status = await vault.status()
    except VaultLocked as error:
        return _check(system_pb2.Check.STATUS_ERROR, error.message, error.remedy)
    if status.lost:
        count, keys = sum(status.lost.values()), ", ".join(status.lost)
        return _check(
            system_pb2.Check.STATUS_ERROR,
            f"{count} {'secret was' if count == 1 else 'secrets were'} sealed with a key that is not here ({keys}).",
            f"Put the key back ({status.source}), or set them anew: nothing else opens them.",
        )
    if status.previous:
        return _check(
            system_pb2.Check.STATUS_WARNING,
            f"{status.previous} of the vault's secrets are still sealed with an earlier key.",
            "Run `bullpen vault rotate-key`.",
        )
    words = "The vault is empty." if not status.current else f"The vault opens ({status.current} kept)."
    return _check(system_pb2.Check.STATUS_OK, words)


def _check(status: system_pb2.Check.Status.ValueType, message: str, remedy: str = "") -> system_pb2.Check:
    return system_pb2.Check(name=NAME, status=status, message=message, remedy=remedy)
