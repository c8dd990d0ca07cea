"""R08: the master key is rotated, or lost: status, sealing anew, and a refusal instead of garbage."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bullpen_api.v1 import vault_pb2
from bullpen_client import Session, errors

from tests.support.daemon import Daemon

pytestmark = pytest.mark.e2e
VALUE = "zk-51d0c8f2a9b34e7d"


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose key may be lost."""
    with Daemon(tmp_path_factory.mktemp("r08") / "home") as running:
        yield running


async def status(session: Session) -> vault_pb2.VaultStatus:
    """How the vault stands."""
    return await session.vault.GetVaultStatus(vault_pb2.GetVaultStatusRequest())


async def test_r08_a_key_is_rotated_and_a_lost_one_is_said(own: Daemon) -> None:
    """A rotation seals everything anew; without the key the vault is locked, says so, and keeps what it has; with it
    back, all is there. The value is nowhere in clear.
    """
    key = own.home / "vault.key"
    async with Session(own.home) as session:
        await session.vault.SetSecret(vault_pb2.SetSecretRequest(name="secrets/openai-main", value=VALUE))
        first = await status(session)
        rotated = await session.vault.RotateVaultKey(vault_pb2.RotateVaultKeyRequest())
        assert first.key_id != rotated.key_id
        assert (await session.vault.GetSecret(vault_pb2.GetSecretRequest(name="secrets/openai-main"))).key_id == (
            rotated.key_id
        )
    own.stop()
    kept = key.read_bytes()
    key.unlink()
    own.start()
    async with Session(own.home) as session:
        assert (await status(session)).key_id != rotated.key_id
        with pytest.raises(errors.VaultLocked) as locked:
            await session.vault.SetSecret(vault_pb2.SetSecretRequest(name="secrets/other", value=VALUE))
        assert locked.value.remedy
        with pytest.raises(errors.VaultLocked):
            await session.vault.RotateVaultKey(vault_pb2.RotateVaultKeyRequest())
    own.stop()
    key.write_bytes(kept)
    key.chmod(0o600)
    own.start()
    async with Session(own.home) as session:
        assert (await status(session)).key_id == rotated.key_id
        listed = await session.vault.ListSecrets(vault_pb2.ListSecretsRequest())
        assert [secret.name for secret in listed.secrets] == ["secrets/openai-main"]
    own.stop()
    for path in own.home.rglob("*"):
        if path.is_file():
            assert VALUE.encode() not in path.read_bytes(), path
