"""`bullpen advise`: where a run is best done, and taking it there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import advisor_pb2, model_pb2, run_pb2
from bullpen_client import errors, names

from bullpen_cli import output
from bullpen_cli.command import Command, State, pass_state
from bullpen_cli.failure import OK
from bullpen_cli.resolve import run_named
from bullpen_cli.run import confirmed, run, spec_of

if TYPE_CHECKING:
    from bullpen_client import Session

_FITS = {
    advisor_pb2.ComputeOption.FIT_NOW: "fits",
    advisor_pb2.ComputeOption.FIT_AFTER_MAKING_ROOM: "after making room",
    advisor_pb2.ComputeOption.FIT_IN_PARTS: "in parts, slower",
    advisor_pb2.ComputeOption.FIT_NOT: "does not fit",
    advisor_pb2.ComputeOption.FIT_NOT_NEEDED: "–",
}
# What a comparison takes from the options of `bullpen run`: all that decides what is made, nothing about starting it.
_NOT_SHARED = ("device", "confirm_offload", "keep_alive", "replay", "dry_run", "yes", "confirm_spend", "detach")
_WHAT = [option for option in run.params if option.expose_value and option.name not in _NOT_SHARED]


@click.command(
    cls=Command,
    params=_WHAT,
    examples=[
        "bullpen advise --project harbor_lights --stage style --all-scenes",
        "bullpen advise last                                  where what is left of a run is best done",
        "bullpen advise r-0004-style --place cpu              take it there, after asking",
        "bullpen advise r-0004-style --place any              let any device in general use take it again",
    ],
)
@click.argument("name", metavar="[RUN]", default="")
@click.option("--place", "device", metavar="DEVICE", help="Take what is left of the run there; `any` takes it back.")
@click.option("--confirm-offload", is_flag=True, help="Agree to a device that is not in general use.")
@pass_state
def advise(state: State, /, name: str, device: str | None, confirm_offload: bool, **options: Any) -> int:
    """Compare devices and providers for a run that is planned, or for one that waits.

    Starts nothing. With a run's name, --place takes what is left of it to another device while it runs.
    """
    if not name and not (options["project"] and options["stage"]):
        raise click.UsageError("name a run, or say with --project and --stage what is to be planned.")
    if device is not None and not name:
        raise click.UsageError("--place needs the name of a run; a new one is started with `bullpen run --device`.")

    async def body(session: Session) -> int:
        if device is not None:
            await _place(state, session, await run_named(session, name), device, confirm_offload)
            return OK
        request = (
            advisor_pb2.AdviseRunRequest(run=await run_named(session, name))
            if name
            else advisor_pb2.AdviseRunRequest(
                parent=names.project(options["project"]), spec=spec_of(options["project"], options)
            )
        )
        _show(state, await session.advisor.AdviseRun(request))
        return OK

    return state.with_session(body)


async def _place(state: State, session: Session, run_name: str, device: str, agreed: bool) -> None:
    target = "" if device == "any" else device
    request = advisor_pb2.PlaceRunRequest(name=run_name, device=target, confirm_offload=agreed)
    try:
        moved: run_pb2.Run = await session.advisor.PlaceRun(request)
    except errors.OffloadNotConfirmed as error:
        if state.json or not sys.stdin.isatty() or not confirmed(f"{error.message} Take it there?"):
            raise
        request.confirm_offload = True
        moved = await session.advisor.PlaceRun(request)
    if state.json:
        output.emit(moved)
    elif target:
        output.say(f"{moved.name} goes on at {target} only")
    else:
        output.say(f"{moved.name} goes on at any device in general use")


def _show(state: State, advice: advisor_pb2.Advice) -> None:
    if state.json:
        output.emit(advice)
        return
    output.table(
        ("", "where", "memory", "a picture", "ahead", "wait", "in all", "costs", "note"),
        (
            (
                "→" if advice.recommended in (option.device, option.model) else "",
                option.model if option.kind == "remote" else names.ident(option.device),
                _FITS.get(option.fit, "not known"),
                _time(option, "picture_time"),
                output.count(option.jobs_ahead, "job") if option.jobs_ahead else "–",
                _time(option, "wait"),
                _time(option, "total"),
                output.money(option.cost.micros, option.cost.currency_code) if option.HasField("cost") else "–",
                option.problem or _note(option),
            )
            for option in advice.options
        ),
        empty="There is nothing that could do it.",
        right=("ahead",),
    )
    output.say(f"{output.count(advice.pictures, 'picture')} with {advice.model}. {advice.reason}")
    if advice.bound_to:
        output.say(f"It is placed on {advice.bound_to}; `--place any` takes that back.")


def _time(option: advisor_pb2.ComputeOption, field: str) -> str:
    if not option.HasField(field):  # type: ignore[arg-type]  # one of three names
        return "not measured"
    guess = field != "wait" and option.basis == run_pb2.Plan.ESTIMATE_BASIS_GUESS
    return f"{output.span(getattr(option, field))}{' (guess)' if guess else ''}"


def _note(option: advisor_pb2.ComputeOption) -> str:
    if option.kind == "remote":
        return "pictures leave this machine"
    if option.use == model_pb2.Device.USE_BOUND:
        return "asks for consent"
    return "model in memory" if option.resident else ""
