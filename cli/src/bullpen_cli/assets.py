"""`bullpen assets`: the registry of pictures and files, and searching it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import asset_pb2, history_pb2, lineage_pb2
from bullpen_client import names
from bullpen_client.errors import SearchInvalid

from bullpen_cli import history, output
from bullpen_cli.command import Command, Group, State, Whole, pass_state
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
FIELDS = (
    *("character:", "date:", "height:", "is:", "kind:", "licence:", "model:", "name:", "note:", "prompt:", "rating:"),
    *("run:", "scene:", "stage:", "tag:", "width:"),
)
"""What parts of a search begin with, for the shell."""
TRAITS = ("is:accepted", "is:rejected", "is:rated", "is:tagged", "is:noted", "is:made")
PAGE = 500
_LEFT_OUT = re.compile(r"-[^-]{2,}|-[^-h]")


@click.group(
    cls=Group,
    lazy={
        "rate": "bullpen_cli.rating:rate",
        "tag": "bullpen_cli.rating:tag",
        "note": "bullpen_cli.rating:note",
        "trash": "bullpen_cli.rating:trash",
        "restore": "bullpen_cli.rating:restore",
        "purge": "bullpen_cli.rating:purge",
        "lineage": "bullpen_cli.descent:lineage",
        "searches": "bullpen_cli.searches:searches",
    },
    examples=[
        "bullpen assets list harbor_lights --kind candidate --limit 20",
        "bullpen assets search harbor_lights 'rain character:mara rating:>3'",
        "bullpen assets rate 4 projects/harbor_lights/assets/…",
        "bullpen assets save projects/harbor_lights/assets/… --out panel.png",
    ],
)
def assets() -> None:
    """Pictures and files, by the hash of their content."""


@assets.command(
    "list",
    examples=[
        "bullpen assets list harbor_lights",
        "bullpen assets list noir_city --kind source",
        "bullpen assets list noir_city --trash",
    ],
)
@click.argument("project")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Only this kind; may be repeated.")
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="At most so many.")
@click.option("--trash", is_flag=True, help="What is in the trash instead.")
@pass_state
def list_assets(state: State, project: str, kinds: tuple[str, ...], limit: int, trash: bool) -> None:
    """List the assets of a project, newest first."""

    async def body(session: Session) -> list[asset_pb2.Asset]:
        request = asset_pb2.ListAssetsRequest(
            parent=names.project(project), kinds=[KINDS[kind] for kind in kinds], in_trash=trash
        )
        return (await everything(session.assets.ListAssets, request, "assets", limit=limit))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"assets": [output.as_dict(asset) for asset in found]})
        return
    nothing = "The trash is empty." if trash else "The project has no assets of this kind yet."
    show_assets(found, nothing)


def show_assets(found: Iterable[asset_pb2.Asset], empty: str) -> None:
    """Writes a table of assets."""
    output.table(
        ("asset", "kind", "size", "bytes", "rating", "name", "tags", "made"),
        (
            (
                asset.name,
                kind_name(asset),
                f"{asset.width}×{asset.height}",
                output.size(asset.size_bytes),
                stars(asset),
                asset.display_name,
                ", ".join(asset.tags),
                output.moment(asset.create_time),
            )
            for asset in found
        ),
        empty=empty,
        right=("size", "bytes"),
    )


def stars(asset: asset_pb2.Asset) -> str:
    """The rating."""
    return "★" * max(0, asset.rating)


def kind_name(asset: asset_pb2.Asset) -> str:
    """The kind in lower case, such as `candidate`."""
    return asset_pb2.Asset.Kind.Name(asset.kind).removeprefix("KIND_").lower()


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    sign = incomplete[:1] if incomplete[:1] in ("-", "!") else ""
    begun = incomplete.removeprefix(sign)
    whole = TRAITS if begun.startswith("is:") else FIELDS
    return [sign + one for one in whole if one.startswith(begun)]


def explained(query: str, slip: SearchInvalid) -> None:
    """Shows where in a search the slip is."""
    column, length = int(slip.metadata.get("column", "1")), int(slip.metadata.get("length", "1"))
    output.note(f"  {query}", style=None)
    output.note(f"  {' ' * (column - 1)}{'^' * max(1, min(length, len(query) - column + 1))}", style="red")


class SearchCommand(Command):
    """A command whose words may begin with `-`, as in `-draft`: no option of one dash, but what is left out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Takes the line apart; `-word` becomes `!word`, which is the same."""
        return super().parse_args(ctx, [f"!{arg[1:]}" if _LEFT_OUT.match(arg) else arg for arg in args])


@assets.command(
    "search",
    cls=SearchCommand,
    examples=[
        "bullpen assets search harbor_lights rain character:mara stage:weather 'rating:>3' -draft",
        "bullpen assets search harbor_lights 'model:starter date:2026-11 \"wet street\"' --count",
        "bullpen assets search harbor_lights 'is:accepted (rain OR fog)'",
        "bullpen assets search harbor_lights tag:cover --facets",
        "bullpen assets search harbor_lights 'rain rating:>3' --save best_rain",
        "bullpen assets search harbor_lights @best_rain --limit 5",
    ],
)
@click.argument("project")
@click.argument("words", nargs=-1, metavar="[SEARCH]...", shell_complete=_complete)
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="At most so many.")
@click.option("--skip", type=Whole(0), default=0, help="Leave out the first so many.")
@click.option("--end", "from_end", is_flag=True, help="The last ones instead of the first.")
@click.option("--trash", is_flag=True, help="In the trash.")
@click.option("--count", "only_count", is_flag=True, help="Only how many there are.")
@click.option("--facets", is_flag=True, help="Only what they have: characters, stages, models, tags, kinds.")
@click.option("--save", "save_as", metavar="ID", help="Also keep the search under this id.")
@pass_state
def search(
    state: State,
    project: str,
    words: tuple[str, ...],
    limit: int,
    skip: int,
    from_end: bool,
    trash: bool,
    only_count: bool,
    facets: bool,
    save_as: str | None,
) -> None:
    """Search the assets of a project, newest first.

    Words, "phrases", field:value; all must fit; - or ! leaves out; OR between two parts. Quote what
    the shell would read, such as > and brackets.
    @ID is a saved search, alone or with more. docs/search.md has the whole language.
    """
    if skip and from_end:
        raise click.UsageError("--skip and --end: give one of them.")
    if limit > PAGE and from_end:
        raise click.UsageError(f"--end shows {PAGE} at most.")
    parent = names.project(project)

    async def body(session: Session) -> tuple[asset_pb2.SummarizeAssetsResponse, list[asset_pb2.Asset]]:
        query = await whole_query(session, parent, words)
        try:
            if save_as:
                kept = asset_pb2.SavedSearch(filter=query)
                request = asset_pb2.CreateSavedSearchRequest(parent=parent, saved_search_id=save_as, saved_search=kept)
                await session.assets.CreateSavedSearch(request)
            if only_count or facets:
                asked = asset_pb2.SummarizeAssetsRequest(parent=parent, filter=query, in_trash=trash)
                return await session.assets.SummarizeAssets(asked), []
            listing = asset_pb2.ListAssetsRequest(
                parent=parent, filter=query, in_trash=trash, skip=skip, from_end=from_end, count=True
            )
            return await _pages(session, listing, limit)
        except SearchInvalid as slip:
            if not state.json:
                explained(query, slip)
            raise

    summary, found = state.with_session(body)
    if facets or only_count:
        if state.json:
            output.emit(summary if facets else {"totalSize": str(summary.total_size)})
        elif only_count:
            output.say(str(summary.total_size))
        else:
            _show_facets(summary)
        return
    if state.json:
        output.emit(asset_pb2.ListAssetsResponse(assets=found, total_size=summary.total_size))
        return
    show_assets(found, "Nothing fits this search.")
    if found:
        first = summary.total_size - len(found) + 1 if from_end else skip + 1
        output.note(f"{first}–{first + len(found) - 1} of {summary.total_size}")


async def whole_query(session: Session, parent: str, words: Sequence[str]) -> str:
    """The search that was given, with what saved searches stand for."""
    parts = []
    for word in words:
        if not word.startswith("@"):
            parts.append(word)
            continue
        request = asset_pb2.ListSavedSearchesRequest(parent=parent)
        kept = (await everything(session.assets.ListSavedSearches, request, "saved_searches"))[0]
        known = {names.ident(one.name): one.filter for one in kept}
        if word[1:] not in known:
            there = ", ".join(f"@{one}" for one in known) or "none yet; --save ID keeps one"
            raise click.UsageError(f"there is no saved search {word}; there are {there}.")
        parts.append(known[word[1:]])
    return " ".join(parts)


async def _pages(
    session: Session, request: asset_pb2.ListAssetsRequest, limit: int
) -> tuple[asset_pb2.SummarizeAssetsResponse, list[asset_pb2.Asset]]:
    found: list[asset_pb2.Asset] = []
    total = 0
    while True:
        request.page_size = min(PAGE, limit - len(found))
        answer = await session.assets.ListAssets(request)
        found += answer.assets
        total = answer.total_size or total
        if not answer.next_page_token or len(found) >= limit:
            return asset_pb2.SummarizeAssetsResponse(total_size=total), found
        request.page_token, request.skip, request.count = answer.next_page_token, 0, False


def _show_facets(summary: asset_pb2.SummarizeAssetsResponse) -> None:
    output.say(output.count(summary.total_size, "asset"), style="bold")
    rows = [
        (facet.field, "  ".join(f"{value.value} {value.count}" for value in facet.values))
        for facet in summary.facets
        if facet.values
    ]
    if rows:
        output.details(rows)


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
    made = asset.making
    rows = [
        ("asset", asset.name),
        ("kind", kind_name(asset)),
        ("path", asset.path),
        ("content", f"{asset.width}×{asset.height} {asset.mime_type}, {output.size(asset.size_bytes)}"),
        ("sha256", asset.sha256),
        ("name", asset.display_name),
        ("origin", asset.origin),
        ("licence", asset.licence or "–"),
        ("rating", stars(asset) or "–"),
        ("tags", ", ".join(asset.tags) or "–"),
        ("note", asset.note or "–"),
        ("made by", "  ".join(one for one in (made.stage, names.ident(made.model), names.ident(made.scene)) if one)),
        ("prompt", made.prompt),
        ("seed", str(made.seed) if made.prompt else ""),
        ("made from", "\n".join(asset.derived_from) or "–"),
        ("made", output.moment(asset.create_time)),
    ]
    if asset.HasField("delete_time"):
        rows.append(("in the trash", output.moment(asset.delete_time)))
    if asset.HasField("purge_time"):
        rows.append(("files removed", output.moment(asset.purge_time)))
    output.details([(label, value) for label, value in rows if value])
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
