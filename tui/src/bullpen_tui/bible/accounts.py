"""Accounts of providers and the trash, as rows and as paragraphs. Pure: a key is never part of it, only its name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bullpen_api.v1 import bible_pb2, vault_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.bible.draft import PROVIDERS
from bullpen_tui.bible.kinds import kind_of
from bullpen_tui.bible.needs import SELF_HOSTED
from bullpen_tui.snapshot import leaf
from bullpen_tui.widgets.layout import Column, Row

ACCOUNT_COLUMNS = (
    Column("account", minimum=12, weight=2),
    Column("provider", minimum=12, weight=2),
    Column("key", width=15),
    Column("model", minimum=8, weight=1, drop=2),
    Column("address", minimum=12, weight=2, drop=1),
)
TRASH_COLUMNS = (
    Column("in the trash", minimum=14, weight=2),
    Column("kind", width=16),
    Column("since", width=10, right=True),
    Column("name", minimum=10, weight=1, drop=1),
)


def key_name(account: bible_pb2.ProviderAccount) -> str:
    """What the key of an account is called in the vault; empty where it names none."""
    return account.secret_names.get("api_key", "")


def key_mark(account: bible_pb2.ProviderAccount, kept: Collection[str] | None) -> words.Mark:
    """Whether the vault has the key of an account; `kept` are the names that it has, nothing while that is not read."""
    name = key_name(account)
    if not name:
        return ("·", words.FAINT, "none needed") if account.provider in SELF_HOSTED else ("✗", words.BAD, "not named")
    if kept is None:
        return ("·", words.FAINT, "reading…")
    return ("✓", words.GOOD, "in the vault") if name in kept else ("✗", words.BAD, "missing")


def account_row(account: bible_pb2.ProviderAccount, kept: Collection[str] | None) -> Row:
    """An account for `ACCOUNT_COLUMNS`."""
    return Row(
        account.name,
        (
            Content(account.title or leaf(account.name)),
            words.text((PROVIDERS.get(account.provider, f"provider {account.provider}"), words.QUIET)),
            words.mark(key_mark(account, kept)),
            words.text((account.default_model or words.DASH, words.QUIET)),
            words.text((account.base_url or "the provider's own", words.QUIET)),
        ),
    )


def account_words(
    account: bible_pb2.ProviderAccount,
    secrets: vault_pb2.ListSecretsResponse | None,
    vault: vault_pb2.VaultStatus | None,
) -> list[Content]:
    """Everything about an account but its key."""
    rows = [words.text((account.title or leaf(account.name), words.STRONG))]
    rows += [Content(account.description)] if account.description else []
    for use, name in sorted(account.secret_names.items()):
        held = next((one for one in secrets.secrets if leaf(one.name) == name), None) if secrets is not None else None
        version = f"   version {held.version}" if held is not None else ""
        rows.append(words.text((f"{use:<11}", words.FAINT), name, (version, words.QUIET)))
    if key_mark(account, kept_names(secrets))[2] in ("missing", "not named"):
        rows.append(words.text(("✗ ", words.BAD), "Nothing can be sent to it without its key: s keeps it."))
    if vault is not None and vault.problem:
        rows.append(words.text(("⚑ ", words.WARN), f"The vault: {vault.problem} {vault.remedy}".strip()))
    return rows


def kept_names(secrets: vault_pb2.ListSecretsResponse | None) -> set[str] | None:
    """Names that the vault has; nothing while they were not read."""
    return {leaf(one.name) for one in secrets.secrets} if secrets is not None else None


def trash_row(entry: Any, now: float) -> Row:
    """Something in the trash for `TRASH_COLUMNS`."""
    return Row(
        entry.name,
        (
            Content(entry.title or leaf(entry.name)),
            words.text((kind_of(entry.name).title, words.QUIET)),
            words.text((words.ago(entry.delete_time, now), words.QUIET)),
            words.text((leaf(entry.name), words.FAINT)),
        ),
    )


def trash_words(entry: Any) -> list[Content]:
    """What taking it back means."""
    rows = [words.text((entry.title or leaf(entry.name), words.STRONG))]
    if entry.description:
        rows.append(Content(entry.description.strip()))
    told = "It lies here until somebody takes it back (u): nothing in this trash is removed by itself or for good, and "
    rows.append(words.text((told + "its name stays taken.", words.QUIET)))
    return rows
