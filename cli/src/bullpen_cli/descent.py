"""`bullpen assets lineage`: what a picture was made from, and what was made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import asset_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.assets import kind_name, stars
from bullpen_cli.command import Command, State, pass_state

if TYPE_CHECKING:
    from bullpen_client import Session


@click.command("lineage", cls=Command, examples=["bullpen assets lineage projects/harbor_lights/assets/…"])
@click.argument("name")
@pass_state
def lineage(state: State, name: str) -> None:
    """The descent of an asset as a tree: sources, what runs made of them, and post-process of that.

    ▸ was asked for. `bullpen runs lineage` tells which pictures of a scene are accepted or out of date.
    """

    async def body(session: Session) -> asset_pb2.AssetLineage:
        return await session.assets.GetAssetLineage(asset_pb2.GetAssetLineageRequest(name=name))

    found = state.with_session(body)
    if state.json:
        output.emit(found)
        return
    for node in found.nodes:
        asset, made = node.asset, node.asset.making
        how = [kind_name(asset), made.stage, asset.display_name, names.ident(asset.name)[:12], stars(asset)]
        if asset.HasField("delete_time"):
            how.append("in the trash")
        sign = "▸" if node.asked else "└" if node.depth else "·"
        output.say(
            f"{'   ' * node.depth}{sign} {'  '.join(one for one in how if one)}", style="bold" if node.asked else None
        )
    if found.truncated:
        output.note("There are more; the farthest are left out.")
