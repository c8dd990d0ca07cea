"""`bullpen remote`: what was sent to providers for money, and saying what became of it where nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import remote_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Group, State, Whole, pass_state
from bullpen_cli.paging import everything

if TYPE_CHECKING:
    from bullpen_client import Session

PaidRequest = remote_pb2.PaidRequest


def request_name(text: str) -> str:
    """The resource name of a paid request, from its id or its name."""
    return text if "/" in text else f"paidRequests/{text}"


def usd(amount: float) -> str:
    """An amount of US dollars for a person."""
    return output.money(round(amount * 1_000_000), "USD")


def cost_words(request: PaidRequest) -> str:
    """What a request cost, as far as that is known."""
    if not request.HasField("charged"):
        estimate = f"about {usd(request.estimated_cost_usd)}"
        return f"{estimate}, or nothing" if request.state == PaidRequest.STATE_UNKNOWN else estimate
    return usd(request.actual_cost_usd) if request.charged else "nothing"


@click.group(
    cls=Group,
    examples=[
        "bullpen remote list --unknown",
        "bullpen remote show 4f0c2a91d3b7e856",
        "bullpen remote resolve 4f0c2a91d3b7e856 --charged --cost 0.042",
    ],
)
def remote() -> None:
    """What was sent to providers for money.

    Every request is written down before it is sent, and none is sent twice for one confirmation. Where an answer was
    lost nobody here knows whether it was charged; you look that up at the provider and say so with `resolve`.
    """


@remote.command("list", examples=["bullpen remote list", "bullpen remote list --unknown --json"])
@click.option("--project", metavar="SLUG", default="", help="Only this project.")
@click.option("--unknown", is_flag=True, help="Only those whose outcome is not known.")
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="At most so many.")
@pass_state
def list_requests(state: State, project: str, unknown: bool, limit: int) -> None:
    """List paid requests, the newest first."""

    async def body(session: Session) -> list[PaidRequest]:
        wanted = remote_pb2.ListPaidRequestsRequest(
            project=names.project(project) if project else "",
            states=[PaidRequest.STATE_UNKNOWN] if unknown else [],
        )
        return (await everything(session.remote.ListPaidRequests, wanted, "paid_requests", limit=limit))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"paid_requests": [output.as_dict(request) for request in found]})
        return
    output.table(
        ("request", "state", "model", "for", "cost", "sent"),
        (
            (
                names.ident(request.name),
                output.state_text(output.state_name(request)),
                request.model.removeprefix("models/"),
                request.subject.removeprefix("projects/"),
                cost_words(request),
                output.moment(request.send_time),
            )
            for request in found
        ),
        empty="Nothing of unknown outcome." if unknown else "Nothing was sent to a provider yet.",
        right=("cost",),
    )
    if any(request.state == PaidRequest.STATE_UNKNOWN for request in found):
        output.note("Unknown means that it may have been charged: look it up at the provider, then")
        output.note("  bullpen remote resolve REQUEST --charged|--not-charged", style=None)


@remote.command("show", examples=["bullpen remote show 4f0c2a91d3b7e856"])
@click.argument("request")
@pass_state
def show_request(state: State, request: str) -> None:
    """Show one paid request: what it was for, what became of it, and how the provider calls it."""

    async def body(session: Session) -> PaidRequest:
        wanted = remote_pb2.GetPaidRequestRequest(name=request_name(request))
        return await session.remote.GetPaidRequest(wanted)

    tell(state, state.with_session(body))


@remote.command(
    "resolve",
    examples=[
        "bullpen remote resolve 4f0c2a91d3b7e856 --not-charged",
        'bullpen remote resolve 4f0c2a91d3b7e856 --charged --cost 0.042 --note "on the bill of May"',
    ],
)
@click.argument("request")
@click.option("--charged/--not-charged", default=None, help="What the provider's list of usage says. Required.")
@click.option("--cost", type=float, metavar="USD", help="What it charged; the estimate if left out.")
@click.option("--note", default="", help="Kept with the decision.")
@pass_state
def resolve_request(state: State, request: str, charged: bool | None, cost: float | None, note: str) -> None:
    """Say what became of a request whose outcome is not known.

    It is never sent again by this: plan what is missing anew, which asks for a new confirmation.
    """
    if charged is None:
        raise click.UsageError("say --charged or --not-charged, as the provider's list of usage has it.")
    if cost is not None and not charged:
        raise click.UsageError("--cost belongs to --charged.")

    async def body(session: Session) -> PaidRequest:
        resolution = PaidRequest.RESOLUTION_CHARGED if charged else PaidRequest.RESOLUTION_NOT_CHARGED
        wanted = remote_pb2.ResolvePaidRequestRequest(
            name=request_name(request), resolution=resolution, cost_usd=cost, note=note
        )
        return await session.remote.ResolvePaidRequest(wanted)

    tell(state, state.with_session(body))


def tell(state: State, request: PaidRequest) -> None:
    """Writes one paid request."""
    if state.json:
        output.emit(request)
        return
    rows = [
        ("request", names.ident(request.name)),
        ("state", output.state_name(request).lower()),
        ("means", request.meaning),
        ("for", request.subject),
        ("model", request.model),
        ("account", request.account),
        ("cost", cost_words(request)),
        ("estimate", usd(request.estimated_cost_usd)),
        ("units", ", ".join(f"{count:g} {unit}" for unit, count in sorted(request.units.items())) or "–"),
        ("written", output.moment(request.create_time)),
        ("sent", f"{output.moment(request.send_time)}, {output.count(request.sendings, 'time')}"),
        ("ended", output.moment(request.end_time)),
        ("answer", f"HTTP {request.http_status}" if request.http_status else "–"),
        ("their id", request.provider_request_id or "–"),
        ("key", request.idempotency_key),
        *([("what", request.message)] if request.message else []),
    ]
    if request.resolution:
        word = "charged" if request.resolution == PaidRequest.RESOLUTION_CHARGED else "not charged"
        rows.append(("resolved", f"{word}{f': {request.resolution_note}' if request.resolution_note else ''}"))
    output.details(rows)
