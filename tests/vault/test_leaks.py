"""The clear value is nowhere: a real daemon is given a secret, made to stumble over it, and everything is searched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bullpen_api.v1 import (
    bible_pb2,
    bootstrap_pb2,
    event_pb2,
    project_pb2,
    run_pb2,
    system_pb2,
    vault_pb2,
)
from bullpen_client import Session
from bullpen_client.errors import BullpenError, VaultLocked

from tests.support.daemon import Daemon
from tests.support.studio import PATIENCE, Studio
from tests.vault.conftest import VALUE

pytestmark = pytest.mark.e2e

KEY = "ab" * 32


@pytest.fixture
def daemon(tmp_path: Path) -> Daemon:
    return Daemon(tmp_path / "home")


@pytest.fixture
async def studio(daemon: Daemon, tmp_path: Path) -> AsyncIterator[Studio]:
    with daemon:
        async with Session(daemon.home) as session:
            yield Studio(session, tmp_path)


async def journal(studio: Studio) -> list[event_pb2.Event]:
    """Every event from the first one to the bookmark at the end."""
    found: list[event_pb2.Event] = []
    async with asyncio.timeout(PATIENCE):
        async for item in studio.session.events.Watch(event_pb2.WatchRequest(after_revision=0)):
            if item.HasField("bookmark"):
                return found
            if item.HasField("event"):
                found.append(item.event)
    raise AssertionError("the watch ended")


async def refused(call: object) -> str:
    """Everything that a refusal says."""
    with pytest.raises(BullpenError) as error:
        await call  # type: ignore[misc]  # an awaitable of any stub
    return json.dumps(error.value.as_dict())


async def test_the_value_is_found_nowhere(studio: Studio, daemon: Daemon) -> None:
    """Neither files nor answers, events, errors or exports hold the value, even where it was put by mistake."""
    session = studio.session
    project = await studio.project("harbor")
    made = await session.vault.SetSecret(vault_pb2.SetSecretRequest(name="secrets/openai-main", value=VALUE))
    account = bible_pb2.ProviderAccount(
        provider=bible_pb2.ProviderAccount.PROVIDER_OPENAI, secret_names={"api_key": "openai-main"}
    )
    await session.bible.CreateProviderAccount(
        bible_pb2.CreateProviderAccountRequest(
            parent=project, provider_account_id="paid", provider_account=account, request_id="one"
        )
    )
    said: list[object] = [made]
    # By mistake: in a text that is kept, in the place of a name, in a path, in a page token.
    token = daemon.endpoint.token
    story = project_pb2.Project(title="x", story=f"The key is {VALUE}, the token {token}.")
    await session.projects.CreateProject(project_pb2.CreateProjectRequest(project_id="by-mistake", project=story))
    said.append(await session.projects.GetProject(project_pb2.GetProjectRequest(name="projects/by-mistake")))
    misplaced = bible_pb2.ProviderAccount(
        provider=bible_pb2.ProviderAccount.PROVIDER_OPENAI, secret_names={"api_key": VALUE}
    )
    said += [
        await refused(
            session.bible.CreateProviderAccount(
                bible_pb2.CreateProviderAccountRequest(
                    parent=project, provider_account_id="two", provider_account=misplaced
                )
            )
        ),
        await refused(session.vault.GetSecret(vault_pb2.GetSecretRequest(name=f"secrets/{VALUE}"))),
        await refused(session.vault.SetSecret(vault_pb2.SetSecretRequest(name="secrets/x", value=VALUE * 60_000))),
        await refused(session.projects.GetProject(project_pb2.GetProjectRequest(name=f"projects/{VALUE}"))),
        await refused(
            session.runs.PlanRun(
                run_pb2.PlanRunRequest(
                    parent=project, spec=run_pb2.RunSpec(stage="style", input_folder=f"/tmp/{VALUE}/../x")
                )
            )
        ),
    ]
    said += [
        await session.vault.ListSecrets(vault_pb2.ListSecretsRequest()),
        await session.vault.GetVaultStatus(vault_pb2.GetVaultStatusRequest()),
        await session.system.ListSettings(system_pb2.ListSettingsRequest()),
        await session.bible.ExportBootstrap(bootstrap_pb2.ExportBootstrapRequest(name=project)),
        await session.bible.ListProviderAccounts(bible_pb2.ListProviderAccountsRequest(parent=project)),
        *await journal(studio),
    ]
    said.append(await session.vault.RotateVaultKey(vault_pb2.RotateVaultKeyRequest()))
    assert made.used_by == []
    for answer in said:
        assert VALUE not in str(answer), answer
        assert token not in str(answer), answer
    search(daemon.home, token)
    daemon.stop()
    search(daemon.home, token)
    assert VALUE.encode() not in daemon.said


def search(home: Path, token: str) -> None:
    """Searches every file of the home: database, write-ahead log, logs, sidecars, key file."""
    files = [path for path in home.rglob("*") if path.is_file()]
    assert {"bullpen.sqlite3", "vault.key", "bullpend.log"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        assert VALUE.encode() not in content, path
        assert token.encode() not in content or path.name == "endpoint.json", path


async def test_r08_a_lost_key_is_told_and_nothing_opens_until_it_is_back(studio: Studio, daemon: Daemon) -> None:
    """Over a kill the secret stays; without its key the vault says which one is missing and takes nothing; with the key
    back everything opens, and a rotation puts another in its place. Who names a deleted secret keeps the name.
    """
    project = await studio.project("harbor")
    await studio.session.vault.SetSecret(vault_pb2.SetSecretRequest(name="secrets/openai-main", value=VALUE))
    account = bible_pb2.ProviderAccount(
        provider=bible_pb2.ProviderAccount.PROVIDER_OPENAI, secret_names={"api_key": "openai-main"}
    )
    await studio.session.bible.CreateProviderAccount(
        bible_pb2.CreateProviderAccountRequest(parent=project, provider_account_id="paid", provider_account=account)
    )
    key = (await studio.session.vault.GetVaultStatus(vault_pb2.GetVaultStatusRequest())).key_id
    daemon.kill()
    (daemon.home / "vault.key").rename(daemon.home / "elsewhere")
    daemon.start()
    async with Session(daemon.home) as again:
        vault = again.vault
        found = (await vault.ListSecrets(vault_pb2.ListSecretsRequest())).secrets
        assert [(item.name, item.version, list(item.used_by)) for item in found] == [
            ("secrets/openai-main", 1, [f"{project}/providerAccounts/paid"])
        ]
        assert dict((await vault.GetVaultStatus(vault_pb2.GetVaultStatusRequest())).lost) == {key: 1}
        for refused in (
            vault.SetSecret(vault_pb2.SetSecretRequest(name="secrets/photoroom", value=VALUE)),
            vault.RotateVaultKey(vault_pb2.RotateVaultKeyRequest()),
        ):
            with pytest.raises(VaultLocked) as error:
                await refused
            assert error.value.metadata["key_id"] == key
        checks = (await again.system.Diagnose(system_pb2.DiagnoseRequest())).checks
        assert [item.status for item in checks if item.name == "vault"] == [system_pb2.Check.STATUS_ERROR]
        (daemon.home / "elsewhere").rename(daemon.home / "vault.key")
        rotated = await vault.RotateVaultKey(vault_pb2.RotateVaultKeyRequest())
        assert (rotated.current, dict(rotated.lost)) == (1, {})
        assert rotated.key_id != key
        await vault.DeleteSecret(vault_pb2.DeleteSecretRequest(name="secrets/openai-main"))
        assert list((await vault.ListSecrets(vault_pb2.ListSecretsRequest())).secrets) == []
        accounts = await again.bible.ListProviderAccounts(bible_pb2.ListProviderAccountsRequest(parent=project))
        assert [dict(item.secret_names) for item in accounts.provider_accounts] == [{"api_key": "openai-main"}]


async def test_the_key_of_the_environment_is_not_passed_on(tmp_path: Path) -> None:
    """A daemon with a key in its environment makes no key file, and says where the key is, not what it is."""
    with Daemon(tmp_path / "home", environment={"BULLPEN_VAULT_KEY": KEY}) as daemon:
        async with Session(daemon.home) as session:
            await session.vault.SetSecret(vault_pb2.SetSecretRequest(name="secrets/openai-main", value=VALUE))
            status = await session.vault.GetVaultStatus(vault_pb2.GetVaultStatusRequest())
            settings = await session.system.ListSettings(system_pb2.ListSettingsRequest())
    assert (status.key_from_environment, status.current) == (True, 1)
    assert not (daemon.home / "vault.key").exists()
    assert KEY not in f"{status}{settings}{daemon.log()}{daemon.said.decode()}"
