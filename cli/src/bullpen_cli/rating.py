"""`bullpen assets rate`, `tag`, `note`, `trash`, `restore`, `purge`: what people say of pictures, and throw away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import asset_pb2
from bullpen_client import names
from google.protobuf.field_mask_pb2 import FieldMask

from bullpen_cli import output
from bullpen_cli.assets import stars
from bullpen_cli.command import Command, State, Whole, pass_state

if TYPE_CHECKING:
    from bullpen_client import Session

BEST = 5
_NAMES = click.argument("assets", nargs=-1, required=True, metavar="ASSET...")
Each = Callable[["Session", str], Awaitable[asset_pb2.Asset]]


@click.command(
    "rate",
    cls=Command,
    examples=["bullpen assets rate 4 projects/harbor_lights/assets/…", "bullpen assets rate 0 projects/…/assets/…"],
)
@click.argument("rating", type=Whole(0, BEST))
@_NAMES
@pass_state
def rate(state: State, rating: int, assets: Sequence[str]) -> None:
    """Give assets a rating from 1 to 5; 0 takes it away."""

    async def one(session: Session, name: str) -> asset_pb2.Asset:
        return await _update(session, asset_pb2.Asset(name=name, rating=rating), "rating")

    for asset in _each(state, assets, one):
        output.say(f"{names.ident(asset.name)[:12]}  {stars(asset) or 'no rating'}  {asset.display_name}")


@click.command(
    "tag",
    cls=Command,
    examples=[
        "bullpen assets tag projects/harbor_lights/assets/… --add cover --add 'wet street'",
        "bullpen assets tag projects/harbor_lights/assets/… --remove draft",
        "bullpen assets tag projects/harbor_lights/assets/… --clear --add keep",
    ],
)
@_NAMES
@click.option("--add", "added", multiple=True, metavar="TAG", help="Add this tag; may be repeated.")
@click.option("--remove", "removed", multiple=True, metavar="TAG", help="Take this tag away; may be repeated.")
@click.option("--clear", is_flag=True, help="Take all tags away first.")
@pass_state
def tag(state: State, assets: Sequence[str], added: Sequence[str], removed: Sequence[str], clear: bool) -> None:
    """Add tags to assets, or take them away."""
    if not (added or removed or clear):
        raise click.UsageError("give --add, --remove or --clear.")

    async def one(session: Session, name: str) -> asset_pb2.Asset:
        known = await session.assets.GetAsset(asset_pb2.GetAssetRequest(name=name))
        gone = {each.strip().casefold() for each in removed}
        kept = [] if clear else [each for each in known.tags if each.casefold() not in gone]
        have = {each.casefold() for each in kept}
        kept += [each for each in added if each.strip().casefold() not in have]
        return await _update(session, asset_pb2.Asset(name=name, etag=known.etag, tags=kept), "tags")

    for asset in _each(state, assets, one):
        output.say(f"{names.ident(asset.name)[:12]}  {', '.join(asset.tags) or 'no tags'}  {asset.display_name}")


@click.command(
    "note",
    cls=Command,
    examples=["bullpen assets note 'for the second issue' projects/…/assets/…", "bullpen assets note '' projects/…"],
)
@click.argument("text")
@_NAMES
@pass_state
def note(state: State, text: str, assets: Sequence[str]) -> None:
    """Write a note about assets; an empty one takes it away."""

    async def one(session: Session, name: str) -> asset_pb2.Asset:
        return await _update(session, asset_pb2.Asset(name=name, note=text), "note")

    for asset in _each(state, assets, one):
        output.say(f"{names.ident(asset.name)[:12]}  {asset.note or 'no note'}")


@click.command(
    "trash",
    cls=Command,
    examples=["bullpen assets trash projects/harbor_lights/assets/…", "bullpen assets list harbor_lights --trash"],
)
@_NAMES
@pass_state
def trash(state: State, assets: Sequence[str]) -> None:
    """Put assets into the trash. What refers to them keeps them."""

    async def one(session: Session, name: str) -> asset_pb2.Asset:
        return await session.assets.DeleteAsset(asset_pb2.DeleteAssetRequest(name=name))

    for asset in _each(state, assets, one):
        output.say(f"{asset.display_name} ({names.ident(asset.name)[:12]}) is in the trash.")
    if not state.json:
        output.note(f"back again   bullpen assets restore {' '.join(assets)}")


@click.command("restore", cls=Command, examples=["bullpen assets restore projects/harbor_lights/assets/…"])
@_NAMES
@pass_state
def restore(state: State, assets: Sequence[str]) -> None:
    """Take assets out of the trash, as they were."""

    async def one(session: Session, name: str) -> asset_pb2.Asset:
        return await session.assets.UndeleteAsset(asset_pb2.UndeleteAssetRequest(name=name))

    for asset in _each(state, assets, one):
        output.say(f"{asset.display_name} ({names.ident(asset.name)[:12]}) is back.")


@click.command("purge", cls=Command, examples=["bullpen assets purge projects/harbor_lights/assets/… --yes"])
@_NAMES
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def purge(state: State, assets: Sequence[str], yes: bool) -> None:
    """Remove the files of assets in the trash, for ever. Their entries stay, so that logs stay whole."""
    if not yes:
        if state.json:
            raise click.UsageError("with --json it cannot ask: give --yes.")
        click.confirm(f"Remove the files of {output.count(len(assets), 'asset')} for ever?", abort=True)

    async def one(session: Session, name: str) -> asset_pb2.Asset:
        return await session.assets.PurgeAsset(asset_pb2.PurgeAssetRequest(name=name))

    for asset in _each(state, assets, one):
        output.say(f"The files of {asset.display_name} ({names.ident(asset.name)[:12]}) are gone.")


async def _update(session: Session, asset: asset_pb2.Asset, field: str) -> asset_pb2.Asset:
    request = asset_pb2.UpdateAssetRequest(asset=asset, update_mask=FieldMask(paths=[field]))
    return await session.assets.UpdateAsset(request)


def _each(state: State, assets: Sequence[str], one: Each) -> list[asset_pb2.Asset]:
    """Does one thing to each, one after the other; as JSON it is told here, and nothing is left to be said."""

    async def body(session: Session) -> list[asset_pb2.Asset]:
        return [await one(session, name) for name in assets]

    changed = state.with_session(body)
    if state.json:
        output.emit({"assets": [output.as_dict(asset) for asset in changed]})
        return []
    return changed
