"""`bullpen providers`: accounts with providers. Secrets are named here, never given."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import bible_pb2
from bullpen_client import names

from bullpen_cli import keeping, output
from bullpen_cli.command import Group, State, pairs, pass_state

if TYPE_CHECKING:
    from bullpen_client import Session

SORT = keeping.Sort("ProviderAccount", "provider_account", "providerAccounts", "providers")
PROVIDERS = {
    "openai": bible_pb2.ProviderAccount.PROVIDER_OPENAI,
    "openai-compatible": bible_pb2.ProviderAccount.PROVIDER_OPENAI_COMPATIBLE,
    "photoroom": bible_pb2.ProviderAccount.PROVIDER_PHOTOROOM,
    "remove-bg": bible_pb2.ProviderAccount.PROVIDER_REMOVE_BG,
    "comfyui": bible_pb2.ProviderAccount.PROVIDER_COMFYUI,
}


@click.group(
    cls=Group,
    examples=[
        "bullpen providers add noir_city paid --with openai --secret api_key=openai-main",
        "bullpen providers add noir_city box --with comfyui --url http://192.168.1.20:8188",
    ],
)
def providers() -> None:
    """Accounts with providers. Secrets are named, never given."""


@providers.command("list", examples=["bullpen providers list noir_city"])
@click.argument("project")
@click.option("--with", "provider", type=click.Choice(list(PROVIDERS)), help="Only accounts with this provider.")
@keeping.trash_option
@pass_state
def list_accounts(state: State, project: str, provider: str | None, trash: bool) -> None:
    """List the provider accounts of a project."""
    only = {"provider": PROVIDERS[provider]} if provider else {}
    found = state.with_session(lambda session: SORT.listed(session, project, trash, **only))
    if state.json:
        output.emit({"providerAccounts": [output.as_dict(item) for item in found]})
        return
    called = {number: name for name, number in PROVIDERS.items()}
    output.table(
        ("account", "title", "provider", "address", "secrets"),
        (
            (
                names.ident(item.name),
                item.title,
                called.get(item.provider, str(item.provider)),
                item.base_url or "–",
                " ".join(f"{use}={name}" for use, name in sorted(item.secret_names.items())),
            )
            for item in found
        ),
        empty="There is no provider account here. `bullpen providers add PROJECT SLUG --with …` adds one.",
    )


@providers.command("add", examples=["bullpen providers add noir_city paid --with openai --secret api_key=openai-main"])
@click.argument("project")
@click.argument("slug")
@click.option("--with", "provider", type=click.Choice(list(PROVIDERS)), required=True, help="The provider.")
@click.option("--url", default="", help="Where it answers, where that is not the provider's own address.")
@click.option("--model", default="", help="Model to ask for, where nothing else is said.")
@click.option("--secret", "secrets", multiple=True, metavar="USE=NAME", help="The name that a secret is kept under.")
@click.option("--title", default="", help="Name that people read.")
@click.option("--description", default="", help="What the account is for.")
@pass_state
def add_account(
    state: State,
    project: str,
    slug: str,
    provider: str,
    url: str,
    model: str,
    secrets: tuple[str, ...],
    title: str,
    description: str,
) -> None:
    """Add a provider account."""
    message = bible_pb2.ProviderAccount(
        title=title,
        description=description,
        provider=PROVIDERS[provider],
        base_url=url,
        default_model=model,
        secret_names=pairs(secrets, "--secret"),
    )

    async def body(session: Session) -> bible_pb2.ProviderAccount:
        request = bible_pb2.CreateProviderAccountRequest(
            parent=names.project(project),
            provider_account_id=slug,
            provider_account=message,
            request_id=str(uuid.uuid4()),
        )
        return await session.bible.CreateProviderAccount(request)

    keeping.show(state, state.with_session(body))


@providers.command("edit", examples=["bullpen providers edit noir_city paid --model gpt-image-1"])
@click.argument("project")
@click.argument("slug")
@click.option("--url", help="Where it answers.")
@click.option("--model", help="Model to ask for, where nothing else is said.")
@click.option("--secret", "secrets", multiple=True, metavar="USE=NAME", help="The name that a secret is kept under.")
@click.option("--no-secret", "no_secrets", multiple=True, metavar="USE", help="Take a name away.")
@click.option("--title", help="Name that people read.")
@click.option("--description", help="What the account is for.")
@pass_state
def edit_account(
    state: State,
    project: str,
    slug: str,
    url: str | None,
    model: str | None,
    secrets: tuple[str, ...],
    no_secrets: tuple[str, ...],
    title: str | None,
    description: str | None,
) -> None:
    """Change a provider account; its provider stays."""
    values = pairs(secrets, "--secret")

    def edit(message: bible_pb2.ProviderAccount) -> list[str]:
        return [
            *keeping.put(message, title=title, description=description, base_url=url, default_model=model),
            *keeping.put_entries(message.secret_names, "secret_names", values, no_secrets),
        ]

    keeping.show(state, state.with_session(lambda session: keeping.change(session, SORT, project, slug, edit)))


keeping.add_commands(providers, SORT)
