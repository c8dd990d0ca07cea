"""Accounts of providers with their keys, and the trash of the universe."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import bible_pb2, vault_pb2
from bullpen_client.errors import VaultLocked
from bullpen_tui.bible.accounts import account_words, key_mark
from bullpen_tui.bible.kinds import PROVIDER_ACCOUNTS
from bullpen_tui.bible.needs import missing
from textual.widgets import Input

from tests.tui import story
from tests.tui.driving import Driver, studio
from tests.tui.fake import FakeDaemon

ACCOUNT = f"{story.PROJECT}/providerAccounts/openai"
MARA = f"{story.PROJECT}/characters/mara"
KEY = "sk-not-to-be-seen-anywhere"
Account = bible_pb2.ProviderAccount


def account(**fields: str) -> bible_pb2.ProviderAccount:
    return Account(
        name=ACCOUNT,
        title="Studio's OpenAI",
        provider=Account.PROVIDER_OPENAI,
        secret_names=fields or {"api_key": "openai-main"},
        create_time=story.at(900),
        revision=4,
    )


def with_account() -> FakeDaemon:
    fake = FakeDaemon()
    fake.entries[ACCOUNT] = account()
    return fake


async def tab(at: Driver, steps: int) -> None:
    """To a tab of the universe, counted backwards from the story."""
    await at.go("U", "universe")
    await at.until(lambda: at.app.snapshot.characters, "bible")
    await at.press(*["left_square_bracket"] * steps)
    await at.pilot.pause()


async def test_an_account_says_whether_the_vault_has_its_key_and_s_keeps_it_unseen() -> None:
    """Missing is told by sign and word; the key that is typed is on no screen and in nothing that the mirror holds."""
    async with studio(with_account(), size=(80, 24)) as at:
        await tab(at, 2)
        await at.until(lambda: "✗ missing" in at.screen_text())
        await at.press("s")
        await at.until(lambda: at.place == "KeyDialog")
        assert at.app.screen.query_one("#key-name", Input).value == "openai-main"
        await at.type(KEY)
        assert KEY not in at.screen_text()
        await at.press("enter")
        await at.until(lambda: at.place == "universe" and "✓ in the vault" in at.screen_text())
        assert at.fake.asked("set_secret") == [("secrets/openai-main", len(KEY))]
        assert not at.fake.asked("update_entry")
        assert KEY not in repr(at.app.snapshot) + at.screen_text()


async def test_a_key_that_the_vault_does_not_take_stays_in_the_dialog() -> None:
    """The daemon's words are shown; nothing has to be typed again."""
    async with studio(with_account(), size=(80, 24)) as at:
        at.fake.refuse["set_secret"] = VaultLocked("The vault is locked.", remedy="Give BULLPEN_VAULT_KEY.")
        await tab(at, 2)
        await at.press("s")
        await at.until(lambda: at.place == "KeyDialog")
        await at.press("enter")
        await at.until(lambda: "nothing was written" in at.words("#key-problem"))
        await at.type(KEY)
        await at.press("f5")
        await at.until(lambda: "BULLPEN_VAULT_KEY" in at.words("#key-problem"))
        assert at.app.screen.query_one("#key", Input).value == KEY
        await at.press("escape", "escape")
        await at.until(lambda: at.place == "universe")


async def test_the_trash_shows_what_lies_there_and_gives_it_back() -> None:
    """Kind and time of each; u takes back the row under the cursor, which then stands in its tab again."""
    fake = FakeDaemon()
    for name in (MARA, story.scene_name(1)):
        fake.entries[name].delete_time.CopyFrom(story.at(7200))
    async with studio(fake, size=(80, 24)) as at:
        await tab(at, 1)
        await at.until(lambda: "2 h ago" in at.screen_text() and "character" in at.screen_text())
        assert "scene" in at.screen_text()
        await at.press("G")
        key = at.app.screen.query_one("#universe").cursor_key  # type: ignore[attr-defined]
        await at.press("u")
        await at.until(lambda: at.fake.asked("restore") == [(key,)])
        footer = at.screen_text().splitlines()[-1]
        assert "n new  " not in footer
        assert "d trash" not in footer


@pytest.mark.parametrize(
    ("made", "kept", "word"),
    [
        (account(), None, "reading…"),
        (account(), {"openai-main"}, "in the vault"),
        (account(), {"other"}, "missing"),
        (account(organization="org"), set(), "not named"),
        (Account(provider=Account.PROVIDER_COMFYUI), set(), "none needed"),
    ],
)
def test_each_state_of_a_key_has_a_word_and_a_sign(
    made: bible_pb2.ProviderAccount, kept: set[str] | None, word: str
) -> None:
    """None is told by colour alone."""
    sign, _, said = key_mark(made, kept)
    assert said == word
    assert sign.strip()


def test_what_stops_an_account_is_said_with_what_to_do() -> None:
    """A missing key and a vault that cannot be used are sentences."""
    vault = vault_pb2.VaultStatus(problem="The key file is gone.", remedy="Put it back.")
    lines = " ".join(one.plain for one in account_words(account(), vault_pb2.ListSecretsResponse(), vault))
    assert "s keeps it" in lines
    assert "Put it back." in lines


def test_an_account_needs_what_its_provider_needs() -> None:
    """A key's name for one that charges, an address for one of your own; each is asked for by its field."""
    cases = [
        (Account(), "provider"),
        (Account(provider=Account.PROVIDER_OPENAI), "secret_names"),
        (Account(provider=Account.PROVIDER_COMFYUI), "base_url"),
    ]
    for made, field in cases:
        found = missing(PROVIDER_ACCOUNTS, made, ())
        assert found is not None
        assert found[0].name == field
    assert missing(PROVIDER_ACCOUNTS, account(), ()) is None
