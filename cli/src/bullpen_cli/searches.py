"""`bullpen assets searches`: searches that are kept under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import asset_pb2
from bullpen_client import names
from bullpen_client.errors import SearchInvalid
from google.protobuf.field_mask_pb2 import FieldMask

from bullpen_cli import output
from bullpen_cli.assets import explained
from bullpen_cli.command import Group, State, pass_state
from bullpen_cli.paging import everything

if TYPE_CHECKING:
    from bullpen_client import Session


@click.group(
    cls=Group,
    examples=[
        "bullpen assets searches list harbor_lights",
        "bullpen assets search harbor_lights 'rain rating:>3' --save best_rain",
        "bullpen assets search harbor_lights @best_rain",
    ],
)
def searches() -> None:
    """Searches that are kept under a name."""


@searches.command("list", examples=["bullpen assets searches list harbor_lights"])
@click.argument("project")
@pass_state
def list_searches(state: State, project: str) -> None:
    """List the saved searches of a project."""

    async def body(session: Session) -> list[asset_pb2.SavedSearch]:
        request = asset_pb2.ListSavedSearchesRequest(parent=names.project(project))
        return (await everything(session.assets.ListSavedSearches, request, "saved_searches"))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"savedSearches": [output.as_dict(one) for one in found]})
        return
    output.table(
        ("id", "title", "search"),
        ((f"@{names.ident(one.name)}", one.title, one.filter) for one in found),
        empty="No search is saved yet; `bullpen assets search … --save ID` keeps one.",
    )


@searches.command(
    "edit",
    examples=[
        "bullpen assets searches edit harbor_lights best_rain --search 'rain rating:5'",
        "bullpen assets searches edit harbor_lights best_rain --title 'Rain for the cover'",
    ],
)
@click.argument("project")
@click.argument("ident", metavar="ID")
@click.option("--search", "query", help="What is searched for from now on.")
@click.option("--title", help="Another title.")
@pass_state
def edit(state: State, project: str, ident: str, query: str | None, title: str | None) -> None:
    """Change a saved search."""
    paths = [key for key, value in (("filter", query), ("title", title)) if value is not None]
    if not paths:
        raise click.UsageError("give --search or --title.")
    name = names.child(names.project(project), "searches", ident)

    async def body(session: Session) -> asset_pb2.SavedSearch:
        request = asset_pb2.UpdateSavedSearchRequest(
            saved_search=asset_pb2.SavedSearch(name=name, filter=query or "", title=title or ""),
            update_mask=FieldMask(paths=paths),
        )
        try:
            return await session.assets.UpdateSavedSearch(request)
        except SearchInvalid as slip:
            if not state.json:
                explained(query or "", slip)
            raise

    changed = state.with_session(body)
    if state.json:
        output.emit(changed)
    else:
        output.say(f"@{names.ident(changed.name)}  {changed.title}: {changed.filter}")


@searches.command("delete", examples=["bullpen assets searches delete harbor_lights best_rain"])
@click.argument("project")
@click.argument("ident", metavar="ID")
@pass_state
def delete(state: State, project: str, ident: str) -> None:
    """Forget a saved search; how to make it again is said."""
    name = names.child(names.project(project), "searches", ident)

    async def body(session: Session) -> asset_pb2.SavedSearch:
        return await session.assets.DeleteSavedSearch(asset_pb2.DeleteSavedSearchRequest(name=name))

    gone = state.with_session(body)
    if state.json:
        output.emit(gone)
        return
    output.say(f"@{names.ident(gone.name)} is forgotten.")
    output.note(f"again   bullpen assets search {project} '{gone.filter}' --save {names.ident(gone.name)}")
