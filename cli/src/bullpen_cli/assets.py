"""`bullpen assets`: the registry of pictures and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import asset_pb2, history_pb2, lineage_pb2
from bullpen_client import names

from bullpen_cli import history, output
from bullpen_cli.command import Group, State, Whole, pass_state
from bullpen_cli.paging import everything
from bullpen_cli.transfer import save

if TYPE_CHECKING:
    from bullpen_client import Session

KINDS = {
    "source": asset_pb2.Asset.KIND_SOURCE,
    "reference": asset_pb2.Asset.KIND_REFERENCE,
    "candidate": asset_pb2.Asset.KIND_CANDIDATE,
    "postprocess": asset_pb2.Asset.KIND_POSTPROCESS,
    "export": asset_pb2.Asset.KIND_EXPORT,
}


@click.group(
    cls=Group,
    examples=[
        "bullpen assets list harbor_lights --kind candidate --limit 20",
        "bullpen assets save projects/harbor_lights/assets/… --out panel.png",
    ],
)
def assets() -> None:
    """Pictures and files, by the hash of their content."""


@assets.command("list", examples=["bullpen assets list harbor_lights", "bullpen assets list noir_city --kind source"])
@click.argument("project")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Only this kind; may be repeated.")
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="At most so many.")
@pass_state
def list_assets(state: State, project: str, kinds: tuple[str, ...], limit: int) -> None:
    """List the assets of a project, newest first."""

    async def body(session: Session) -> list[asset_pb2.Asset]:
        request = asset_pb2.ListAssetsRequest(parent=names.project(project), kinds=[KINDS[kind] for kind in kinds])
        return (await everything(session.assets.ListAssets, request, "assets", limit=limit))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"assets": [output.as_dict(asset) for asset in found]})
        return
    output.table(
        ("asset", "kind", "size", "bytes", "name", "made"),
        (
            (
                asset.name,
                kind_name(asset),
                f"{asset.width}×{asset.height}",
                output.size(asset.size_bytes),
                asset.display_name,
                output.moment(asset.create_time),
            )
            for asset in found
        ),
        empty="The project has no assets of this kind yet.",
        right=("size", "bytes"),
    )


def kind_name(asset: asset_pb2.Asset) -> str:
    """The kind in lower case, such as `candidate`."""
    return asset_pb2.Asset.Kind.Name(asset.kind).removeprefix("KIND_").lower()


@assets.command("show", examples=["bullpen assets show projects/harbor_lights/assets/…"])
@click.argument("name")
@pass_state
def show_asset(state: State, name: str) -> None:
    """Show one asset: where it lies, what it was made from, and what was made of it."""

    async def body(session: Session) -> tuple[asset_pb2.Asset, list[lineage_pb2.LineageNode]]:
        asset = await session.assets.GetAsset(asset_pb2.GetAssetRequest(name=name))
        request = history_pb2.GetLineageRequest(name=asset.name)
        return asset, list((await session.history.GetLineage(request)).nodes)

    asset, descent = state.with_session(body)
    if state.json:
        output.emit(asset)
        return
    rows = [
        ("asset", asset.name),
        ("kind", kind_name(asset)),
        ("path", asset.path),
        ("content", f"{asset.width}×{asset.height} {asset.mime_type}, {output.size(asset.size_bytes)}"),
        ("sha256", asset.sha256),
        ("name", asset.display_name),
        ("origin", asset.origin),
        ("licence", asset.licence or "–"),
        ("tags", " ".join(asset.tags) or "–"),
        ("made from", "\n".join(asset.derived_from) or "–"),
        ("made", output.moment(asset.create_time)),
    ]
    output.details(rows)
    if descent:
        output.say()
        history.show_lineage(descent)


@assets.command(
    "save",
    examples=[
        "bullpen assets save projects/harbor_lights/assets/… --out panel.png",
        "bullpen assets save projects/harbor_lights/assets/… --out small.webp --thumbnail",
    ],
)
@click.argument("name")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
@click.option("--thumbnail", is_flag=True, help="The small WebP picture instead of the content.")
@pass_state
def save_asset(state: State, name: str, out: Path, thumbnail: bool) -> None:
    """Write an asset's content to a file here."""
    if not out.absolute().parent.is_dir():
        raise click.UsageError(f"the folder of {out} does not exist.")

    async def body(session: Session) -> int:
        return await save(session, name, out, thumbnail=thumbnail)

    count = state.with_session(body)
    if state.json:
        output.emit({"name": name, "path": str(out.absolute()), "bytes": count})
    else:
        output.say(f"{out.absolute()} ({output.size(count)})")
