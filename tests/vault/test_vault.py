"""The vault: what goes in comes out for its user only, and refuses rather than gives garbage."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from bullpend import redaction
from bullpend.db import Database, Event
from bullpend.errors import (
    BullpenError,
    ContentLost,
    EtagMismatch,
    FieldInvalid,
    LimitExceeded,
    ResourceNotFound,
    SettingInvalid,
    StateConflict,
    VaultLocked,
)
from bullpend.vault import diagnosis
from bullpend.vault.keys import CURRENT, PREVIOUS
from bullpend.vault.vault import Vault
from bullpend.vault.wire import etag_of

from tests.vault.conftest import VALUE

OpenVault = Callable[..., Vault]
KEY, OTHER = "11" * 32, "22" * 32


async def test_what_was_put_in_is_revealed(vault: Vault) -> None:
    """The value comes back as it was given, by either form of its name."""
    await vault.put("openai-main", VALUE)
    assert (await vault.reveal("openai-main")).reveal() == VALUE
    assert (await vault.reveal("secrets/openai-main")).reveal() == VALUE


async def test_a_secret_shows_itself_to_nobody(vault: Vault) -> None:
    """Printing, formatting, copying through a pickle: none of it gives the value."""
    await vault.put("openai-main", VALUE)
    secret = await vault.reveal("openai-main")
    assert VALUE not in f"{secret} {secret!r} {secret:>40} {[secret]} %s" % (secret,)
    assert not hasattr(secret, "__dict__")
    for careless in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            careless(secret)


async def test_a_new_value_takes_the_place_of_the_old(vault: Vault) -> None:
    """Setting again makes the next version; an etag of an earlier one is refused and changes nothing."""
    first = await vault.put("openai-main", VALUE)
    second = await vault.put("openai-main", f"{VALUE}-two", etag=etag_of(first))
    assert (first["version"], second["version"]) == (1, 2)
    with pytest.raises(EtagMismatch):
        await vault.put("openai-main", f"{VALUE}-three", etag=etag_of(first))
    assert (await vault.reveal("openai-main")).reveal() == f"{VALUE}-two"


async def test_what_is_not_there_is_named(vault: Vault) -> None:
    """An unknown secret is refused with the command that sets it; the field is that of whoever named it."""
    for refused in (
        vault.reveal("openai-main", "secret_names.api_key"),
        vault.put("openai-main", VALUE, replace_only=True),
        vault.delete("openai-main"),
    ):
        with pytest.raises(ResourceNotFound) as error:
            await refused
        assert error.value.metadata["resource"] == "secrets/openai-main"
        assert "bullpen vault set openai-main" in error.value.remedy
    with pytest.raises(ResourceNotFound) as named:
        await vault.reveal("openai-main", "secret_names.api_key")
    assert named.value.field == "secret_names.api_key"


async def test_what_was_deleted_is_gone(vault: Vault, database: Database) -> None:
    """No row is left of a deleted secret, and its name is free."""
    await vault.put("openai-main", VALUE)
    await vault.delete("openai-main")
    assert await database.read(lambda view: view.value("SELECT count(*) FROM secrets")) == 0
    assert (await vault.put("openai-main", VALUE))["version"] == 1


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("", FieldInvalid),
        ("short", FieldInvalid),
        (f"{VALUE}\n", FieldInvalid),
        (f"{VALUE}\0{VALUE}", FieldInvalid),
        (VALUE * 50_000, LimitExceeded),
    ],
    ids=["empty", "short", "line break", "zero byte", "1 MB"],
)
async def test_what_is_no_secret_is_refused_unrepeated(
    vault: Vault, database: Database, value: str, error: type[BullpenError]
) -> None:
    """A value that cannot be kept is refused, and the refusal says nothing of it but its length."""
    with pytest.raises(error) as refused:
        await vault.put("openai-main", value)
    told = f"{refused.value.message} {refused.value.remedy} {refused.value.metadata}"
    assert VALUE not in told
    assert refused.value.field == "value"
    assert await database.read(lambda view: view.value("SELECT count(*) FROM secrets")) == 0


@pytest.mark.parametrize("name", ["", "Open AI", "sk-abcdef", "a1b2c3d4e5f6a7b8c9d0e1f2", "x" * 64, "../vault"])
async def test_a_name_that_may_be_the_secret_is_not_repeated(vault: Vault, name: str) -> None:
    """Whoever puts the key in the place of the name does not find it in the error."""
    with pytest.raises(FieldInvalid) as refused:
        await vault.put(name, VALUE)
    assert not name or name not in refused.value.message


async def test_r08_a_key_that_is_gone_is_named_and_no_other_is_made(vault: Vault, tmp_path: Path) -> None:
    """Without its key file the vault neither opens nor takes secrets; with it back, everything opens."""
    await vault.put("openai-main", VALUE)
    key = (tmp_path / "vault.key").read_bytes()
    (tmp_path / "vault.key").unlink()
    key_id = next(iter((await vault.status()).lost))
    for refused in (vault.reveal("openai-main"), vault.put("photoroom", VALUE), vault.rotate_key()):
        with pytest.raises(VaultLocked) as error:
            await refused
        assert error.value.metadata["key_id"] == key_id
    assert not (tmp_path / "vault.key").exists()
    (tmp_path / "vault.key").write_bytes(key)
    (tmp_path / "vault.key").chmod(0o600)
    assert (await vault.reveal("openai-main")).reveal() == VALUE


@pytest.mark.parametrize("spoilt", ["mode", "garbage", "empty", "folder"])
async def test_a_key_file_that_cannot_be_trusted_is_refused(vault: Vault, tmp_path: Path, spoilt: str) -> None:
    """A key that others can read, or that is none, is not used, and is left as it is."""
    await vault.put("openai-main", VALUE)
    file = tmp_path / "vault.key"
    if spoilt == "mode":
        file.chmod(0o640)
    elif spoilt == "folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_text("" if spoilt == "empty" else '{"schema": "bullpen.vault-key/1", "keys": ["AAAA"]}')
    with pytest.raises(VaultLocked) as error:
        await vault.reveal("openai-main")
    assert error.value.metadata["path"] == str(file)


async def test_the_key_file_is_for_its_user_only(vault: Vault, tmp_path: Path) -> None:
    """The key is made with the first secret, readable by nobody else."""
    assert not (tmp_path / "vault.key").exists()
    await vault.put("openai-main", VALUE)
    assert (tmp_path / "vault.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("column", ["content", "nonce", "version", "slug"])
async def test_a_changed_row_is_refused(vault: Vault, database: Database, column: str) -> None:
    """A changed byte, another version, or another secret's row under this name never opens."""
    await vault.put("openai-main", VALUE)
    await vault.put("photoroom", f"{VALUE}-two")
    change = {
        "content": "UPDATE secrets SET content = randomblob(length(content)) WHERE slug = 'openai-main'",
        "nonce": "UPDATE secrets SET nonce = randomblob(12) WHERE slug = 'openai-main'",
        "version": "UPDATE secrets SET version = 9 WHERE slug = 'openai-main'",
        "slug": "UPDATE secrets SET content = (SELECT content FROM secrets WHERE slug = 'photoroom'), "
        "nonce = (SELECT nonce FROM secrets WHERE slug = 'photoroom') WHERE slug = 'openai-main'",
    }
    await database.write(lambda tx: tx.run(change[column]))
    with pytest.raises(ContentLost):
        await vault.reveal("openai-main")


async def test_r08_a_rotation_brings_all_under_a_fresh_key(vault: Vault, tmp_path: Path) -> None:
    """Every secret opens after it, the old key is gone from the file, and the values are as they were."""
    for number in range(5):
        await vault.put(f"provider-{'abcde'[number]}", f"{VALUE}-{number}")
    before, old = await vault.status(), (tmp_path / "vault.key").read_bytes()
    after = await vault.rotate_key()
    assert (after.current, after.previous, after.lost) == (5, 0, {})
    assert after.key_id != before.key_id
    assert (await vault.reveal("provider-c")).reveal() == f"{VALUE}-2"
    (tmp_path / "vault.key").write_bytes(old)
    with pytest.raises(VaultLocked):
        await vault.reveal("provider-c")


async def test_r08_a_rotation_that_was_cut_off_is_ended_by_the_next(vault: Vault, tmp_path: Path) -> None:
    """Between the new key in the file and the re-sealed rows, all opens; the next rotation makes no third key."""
    await vault.put("openai-main", VALUE)
    vault._keys.rotate()
    between = await vault.status()
    assert (between.current, between.previous) == (0, 1)
    assert (await vault.reveal("openai-main")).reveal() == VALUE
    after = await vault.rotate_key()
    assert (after.key_id, after.current, after.previous) == (between.key_id, 1, 0)


async def test_r08_the_environment_gives_the_key_and_the_one_before(open_vault: OpenVault, tmp_path: Path) -> None:
    """A key of the environment makes no file; a new one takes over what the previous one sealed."""
    first = open_vault(**{CURRENT: KEY})
    await first.put("openai-main", VALUE)
    assert not (tmp_path / "vault.key").exists()
    with pytest.raises(StateConflict) as refused:
        await first.rotate_key()
    assert PREVIOUS in refused.value.remedy
    alone = open_vault(**{CURRENT: OTHER})
    with pytest.raises(VaultLocked):
        await alone.reveal("openai-main")
    both = open_vault(**{CURRENT: OTHER, PREVIOUS: KEY})
    assert (await both.status()).previous == 1
    assert (await both.rotate_key()).current == 1
    assert (await alone.reveal("openai-main")).reveal() == VALUE


@pytest.mark.parametrize("environment", [{CURRENT: "hush"}, {CURRENT: "11" * 31}, {PREVIOUS: KEY}])
def test_a_wrong_key_in_the_environment_is_refused_unrepeated(
    open_vault: OpenVault, environment: dict[str, str]
) -> None:
    """A key of the wrong length, or a previous one alone, ends the start, and is not in the error."""
    with pytest.raises(SettingInvalid) as refused:
        open_vault(**environment)
    assert not any(value in refused.value.message for value in environment.values())


async def test_changes_are_events_without_values(vault: Vault, events: list[Event]) -> None:
    """Setting, replacing, deleting and rotating are in the journal; the clear value is not."""
    await vault.put("openai-main", VALUE)
    await vault.put("openai-main", f"{VALUE}-two")
    await vault.rotate_key()
    await vault.delete("openai-main")
    assert [event.kind for event in events] == ["secret.created", "secret.replaced", "vault.rotated", "secret.deleted"]
    assert not any(VALUE.encode() in event.payload for event in events)


async def test_what_is_written_elsewhere_is_masked(vault: Vault, database: Database, tmp_path: Path) -> None:
    """A known value that gets into another row, as text or inside a packed message, is masked byte for byte."""
    await vault.put("openai-main", VALUE)
    await vault.reveal("openai-main")

    def careless(tx: object) -> None:
        from bullpend.db import Tx

        assert isinstance(tx, Tx)
        row = {"request_id": f"id {VALUE}", "method": "m", "digest": "d", "answer": "a", "time": 0.0}
        tx.insert("requests", row)
        tx.run("UPDATE requests SET answer = ?", f"Bearer {VALUE}!")
        tx.emit("", "x", "x.y", b"\x0a" + bytes([len(VALUE)]) + VALUE.encode())

    await database.write(careless)
    row = await database.read(lambda view: view.one("SELECT * FROM requests"))
    assert row is not None
    assert (row["request_id"], row["answer"]) == (f"id {'*' * len(VALUE)}", f"Bearer {'*' * len(VALUE)}!")
    payload = await database.read(lambda view: view.value("SELECT payload FROM journal ORDER BY revision DESC"))
    assert payload == b"\x0a" + bytes([len(VALUE)]) + b"*" * len(VALUE)
    for file in tmp_path.glob("b.sqlite3*"):
        assert VALUE.encode() not in file.read_bytes()


def test_errors_lose_what_is_secret() -> None:
    """A value that a provider repeats is not in the error that is made of its answer, in any usual form."""
    odd = 'pa"ss/w&ord-ü'
    redaction.remember(odd, "odd-one")
    error = FieldInvalid(f'said: {{"key": "pa\\"ss/w&ord-ü"}} {odd}', url="https://x/?k=pa%22ss%2Fw%26ord-%C3%BC")
    assert error.message == 'said: {"key": "[secret odd-one]"} [secret odd-one]'
    assert error.metadata["url"] == "https://x/?k=[secret odd-one]"


async def test_r08_the_doctor_tells_a_lost_key(vault: Vault, tmp_path: Path) -> None:
    """An empty vault and one that opens are well; an unfinished rotation is a warning, a lost or open key an error."""
    statuses = [(await diagnosis.check(vault)).status]
    await vault.put("openai-main", VALUE)
    statuses.append((await diagnosis.check(vault)).status)
    vault._keys.rotate()
    statuses.append((await diagnosis.check(vault)).status)
    file = tmp_path / "vault.key"
    file.chmod(0o644)
    readable = await diagnosis.check(vault)
    file.unlink()
    lost = await diagnosis.check(vault)
    assert [*statuses, readable.status, lost.status] == [1, 1, 2, 3, 3]
    assert "chmod 600" in readable.remedy
    assert (await vault.status()).lost.keys() == {lost.message.partition("(")[2].partition(")")[0]}


async def test_r08_the_key_may_lie_in_a_file_of_its_own(open_vault: OpenVault, tmp_path: Path) -> None:
    """A file that the environment names gives the key, where nobody else can read it; what it holds is not repeated."""
    file = tmp_path / "credential"
    file.write_text(f"{KEY}\n")
    file.chmod(0o600)
    vault = open_vault(BULLPEN_VAULT_KEY_FILE=str(file))
    await vault.put("openai-main", VALUE)
    assert not (tmp_path / "vault.key").exists()
    assert (await open_vault(**{CURRENT: KEY}).reveal("openai-main")).reveal() == VALUE
    assert (await vault.status()).source == "environment BULLPEN_VAULT_KEY_FILE"
    file.chmod(0o644)
    with pytest.raises(SettingInvalid) as readable:
        open_vault(BULLPEN_VAULT_KEY_FILE=str(file))
    with pytest.raises(SettingInvalid) as missing:
        open_vault(BULLPEN_VAULT_KEY_FILE=str(tmp_path / "nowhere"))
    assert {error.value.field for error in (readable, missing)} == {"BULLPEN_VAULT_KEY_FILE"}
    assert KEY not in readable.value.message
