"""`bullpen vault`: secrets by name. A value comes from standard input or a prompt, never from the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import vault_pb2

from bullpen_cli import output
from bullpen_cli.command import Group, State, pass_state
from bullpen_cli.paging import everything

if TYPE_CHECKING:
    from bullpen_client import Session

# One more than the daemon takes: what is longer is refused there, by its length, without reading on for ever.
_MOST = 2 * 1024 * 1024


def read_value(name: str) -> str:
    """The value from standard input, or asked for without showing it; a last line break is not part of it."""
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of {name}", hide_input=True, err=True))
    try:
        text = sys.stdin.read(_MOST + 1)
        text.encode()
    except UnicodeError:
        raise click.UsageError("the value on standard input is not UTF-8 text.") from None
    return text.removesuffix("\n").removesuffix("\r")


def _resource(name: str) -> str:
    return f"secrets/{name.removeprefix('secrets/')}"


def _ident(secret: vault_pb2.Secret) -> str:
    return secret.name.removeprefix("secrets/")


@click.group(
    cls=Group,
    examples=[
        "bullpen vault set openai-main                      asks for the value, and does not show it",
        "pass show openai | bullpen vault set openai-main   takes it from standard input",
        "bullpen vault list",
        "bullpen vault rotate openai-main                   a new value for one that is there",
        "bullpen vault rotate-key                           another master key for all of them",
    ],
)
def vault() -> None:
    """Secrets, such as the keys of providers: encrypted, named by provider accounts, never shown."""


@vault.command("set", examples=["bullpen vault set openai-main", "bullpen vault set openai-main < key.txt"])
@click.argument("name")
@pass_state
def set_secret(state: State, name: str) -> None:
    """Keep a secret, in place of the one of this name. The value comes from a prompt or from standard input."""
    _put(state, name, must_exist=False)


@vault.command("rotate", examples=["bullpen vault rotate openai-main"])
@click.argument("name")
@pass_state
def rotate(state: State, name: str) -> None:
    """Give a secret that is there a new value."""
    _put(state, name, must_exist=True)


def _put(state: State, name: str, *, must_exist: bool) -> None:
    value = read_value(name)

    async def body(session: Session) -> vault_pb2.Secret:
        request = vault_pb2.SetSecretRequest(name=_resource(name), value=value, must_exist=must_exist)
        return await session.vault.SetSecret(request)

    made = state.with_session(body)
    if state.json:
        output.emit(made)
        return
    output.say(f"The secret {_ident(made)} is kept, version {made.version}.")
    if not made.used_by:
        output.note(f"Name it in an account: bullpen providers add PROJECT ACCOUNT --secret api_key={_ident(made)} …")


@vault.command("list", examples=["bullpen vault list", "bullpen vault list --json"])
@pass_state
def list_secrets(state: State) -> None:
    """List the secrets, without their values."""

    async def body(session: Session) -> list[vault_pb2.Secret]:
        return (await everything(session.vault.ListSecrets, vault_pb2.ListSecretsRequest(), "secrets"))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"secrets": [output.as_dict(item) for item in found]})
        return
    output.table(
        ("secret", "version", "since", "used by"),
        (
            (
                _ident(item),
                item.version,
                output.moment(item.update_time),
                ", ".join(name.removeprefix("projects/").replace("/providerAccounts/", "/") for name in item.used_by)
                or "–",
            )
            for item in found
        ),
        empty="There is no secret here. `bullpen vault set NAME` keeps one.",
        right=("version",),
    )


@vault.command("delete", examples=["bullpen vault delete openai-main"])
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def delete(state: State, name: str, yes: bool) -> None:
    """Take a secret away for ever: there is no trash for it."""

    async def body(session: Session) -> vault_pb2.Secret:
        found = await session.vault.GetSecret(vault_pb2.GetSecretRequest(name=_resource(name)))
        if not yes:
            used = f" It is used by {', '.join(found.used_by)}." if found.used_by else ""
            if not sys.stdin.isatty():
                raise click.UsageError(f"this takes the secret {_ident(found)} away for ever; say --yes.{used}")
            click.confirm(f"Take the secret {_ident(found)} away for ever?{used}", abort=True, err=True)
        return await session.vault.DeleteSecret(vault_pb2.DeleteSecretRequest(name=found.name, etag=found.etag))

    gone = state.with_session(body)
    if state.json:
        output.emit(gone)
    else:
        output.say(f"The secret {_ident(gone)} is gone.")


@vault.command("status", examples=["bullpen vault status"])
@pass_state
def status(state: State) -> None:
    """Show where the master key is, and how many secrets it opens."""

    async def body(session: Session) -> vault_pb2.VaultStatus:
        return await session.vault.GetVaultStatus(vault_pb2.GetVaultStatusRequest())

    show_status(state, state.with_session(body))


@vault.command("rotate-key", examples=["bullpen vault rotate-key"])
@pass_state
def rotate_key(state: State) -> None:
    """Seal every secret with a new master key; their values stay."""

    async def body(session: Session) -> vault_pb2.VaultStatus:
        return await session.vault.RotateVaultKey(vault_pb2.RotateVaultKeyRequest())

    show_status(state, state.with_session(body))


def show_status(state: State, found: vault_pb2.VaultStatus) -> None:
    """Says which key there is, and what it opens."""
    if state.json:
        output.emit(found)
        return
    if found.problem:
        output.say(found.problem, style="red")
        output.say(found.remedy, wrap=0)
        return
    output.details(
        [
            ("master key", found.key_id or ("not here" if found.lost else "none yet: the first secret makes one")),
            ("kept in", found.key_source),
            ("sealed with it", output.count(found.current, "secret")),
            ("with an earlier one", output.count(found.previous, "secret")),
        ]
    )
    if found.previous:
        output.note("`bullpen vault rotate-key` brings them under the current key.")
    for key_id, count in sorted(found.lost.items()):
        output.say(f"{output.count(count, 'secret')} sealed with {key_id}, a key that is not here", style="red")
    if found.lost:
        output.note(f"Put the key back ({found.key_source}), or set these secrets anew: nothing else opens them.")
