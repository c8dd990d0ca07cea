"""What is the same for everything in the bible: show, delete, restore, and changing what the command line names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import bible_pb2
from bullpen_client import names
from google.protobuf.field_mask_pb2 import FieldMask

from bullpen_cli import output
from bullpen_cli.command import Group, State, pass_state
from bullpen_cli.paging import everything

if TYPE_CHECKING:
    from bullpen_client import Session

# Two of each kind, as in the other examples of its family.
_SUCH_AS = {
    "styles": ("ink", "flat"),
    "characters": ("rosa", "mara"),
    "scenes": ("pier", "market"),
    "references": ("rosa", "look"),
    "templates": ("mood", "dusk"),
    "providers": ("paid", "box"),
}
# Said elsewhere, or nothing to a person.
_QUIET = ("name", "title", "etag", "revision", "delete_time")


@dataclass(frozen=True)
class Sort:
    """One kind of the bible: its message's name, its field in requests, its collection in names, its command."""

    camel: str
    singular: str
    collection: str
    command: str

    @property
    def title(self) -> str:
        """What a person calls it."""
        return self.singular.replace("_", " ")

    def name(self, project: str, slug: str) -> str:
        """Its resource name."""
        return names.child(names.project(project), self.collection, slug)

    async def call(self, session: Session, verb: str, **fields: Any) -> Any:
        """Calls `{verb}{Kind}`."""
        request = getattr(bible_pb2, f"{verb}{self.camel}Request")(**fields)
        return await getattr(session.bible, f"{verb}{self.camel}")(request)

    async def listed(self, session: Session, project: str, trash: bool, **more: Any) -> list[Any]:
        """Everything of the project; with `trash` only what is in the trash."""
        plural = f"{self.camel}s"
        parent = names.project(project)
        request = getattr(bible_pb2, f"List{plural}Request")(parent=parent, show_deleted=trash, **more)
        found = (await everything(getattr(session.bible, f"List{plural}"), request, f"{self.singular}s"))[0]
        return [item for item in found if item.HasField("delete_time")] if trash else found


trash_option = click.option("--trash", is_flag=True, help="List what is in the trash instead.")


def add_commands(group: Group, sort: Sort) -> None:
    """Gives a group of commands `show`, `delete` and `restore`."""
    said = f"bullpen {sort.command}"
    one, other = _SUCH_AS[sort.command]

    @group.command("show", examples=[f"{said} show noir_city {one}"])
    @click.argument("project")
    @click.argument("slug")
    @pass_state
    def show_one(state: State, project: str, slug: str) -> None:
        show(state, state.with_session(lambda session: sort.call(session, "Get", name=sort.name(project, slug))))

    @group.command("delete", examples=[f"{said} delete noir_city {one}", f"{said} delete noir_city {one} {other}"])
    @click.argument("project")
    @click.argument("slugs", nargs=-1, required=True, metavar="SLUG...")
    @pass_state
    def delete(state: State, project: str, slugs: tuple[str, ...]) -> None:
        moved = _each(state, sort, "Delete", project, slugs)
        if not state.json:
            for item in moved:
                output.say(f"{item.title} ({names.ident(item.name)}) is in the trash.")
            output.note(f"back again   {said} restore {project} {' '.join(slugs)}")

    @group.command("restore", examples=[f"{said} restore noir_city {one}", f"{said} list noir_city --trash"])
    @click.argument("project")
    @click.argument("slugs", nargs=-1, required=True, metavar="SLUG...")
    @pass_state
    def restore(state: State, project: str, slugs: tuple[str, ...]) -> None:
        for item in _each(state, sort, "Undelete", project, slugs):
            if not state.json:
                output.say(f"{item.title} ({names.ident(item.name)}) is back.")

    show_one.help = f"Show one {sort.title} with everything that it has."
    delete.help = f"Put {sort.title}s into the trash. Runs keep the values that they were started with."
    restore.help = f"Take {sort.title}s out of the trash, as they were."


def _each(state: State, sort: Sort, verb: str, project: str, slugs: Sequence[str]) -> list[Any]:
    async def body(session: Session) -> list[Any]:
        return [await sort.call(session, verb, name=sort.name(project, slug)) for slug in slugs]

    moved = state.with_session(body)
    if state.json:
        output.emit({f"{sort.collection}": [output.as_dict(item) for item in moved]})
    return moved


async def change(session: Session, sort: Sort, project: str, slug: str, edit: Callable[[Any], Iterable[str]]) -> Any:
    """Reads one, lets `edit` change it and say which fields it changed, and writes these, unless somebody else wrote
    in between. Raises a usage error when nothing is to be changed.
    """
    message = await sort.call(session, "Get", name=sort.name(project, slug))
    paths = list(edit(message))
    if not paths:
        raise click.UsageError("nothing to change.")
    return await sort.call(session, "Update", update_mask=FieldMask(paths=paths), **{sort.singular: message})


def put(message: Any, **values: Any) -> list[str]:
    """Sets the fields whose value is not None; gives their names."""
    given = {name: value for name, value in values.items() if value is not None}
    for name, value in given.items():
        setattr(message, name, value)
    return list(given)


def put_entries(target: Any, field: str, values: dict[str, str], removed: Sequence[str]) -> list[str]:
    """Sets and removes entries of a map; gives their paths."""
    for key in removed:
        target.pop(key, None)
    target.update(values)
    return [f"{field}.{key}" for key in dict.fromkeys((*values, *removed))]


def show(state: State, message: Any) -> None:
    """Writes one resource, whole."""
    if state.json:
        output.emit(message)
        return
    trashed = "  in the trash" if message.HasField("delete_time") else ""
    output.say(f"{message.title}  ({message.name}){trashed}", style="bold")
    rows = [
        (field.name.replace("_", " "), text)
        for field, value in message.ListFields()
        if field.name not in _QUIET and (text := _text(field, value))
    ]
    if rows:
        output.details(rows)


def _text(field: Any, value: Any) -> str:
    if field.enum_type is not None:
        name = str(field.enum_type.values_by_number[value].name)
        return name.removeprefix(str(field.enum_type.values[0].name).removesuffix("UNSPECIFIED")).lower()
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return "\n".join(f"{key}: {entry}" for key, entry in sorted(value.items()))
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
        return output.moment(value)
    if field.is_repeated:
        return "\n".join(f"{number}. {_item(item)}" for number, item in enumerate(value, 1))
    return str(value)


def _item(item: Any) -> str:
    if isinstance(item, str):
        return names.ident(item) if item.startswith("projects/") else item
    parts = []
    for field, value in item.ListFields():
        if field.is_repeated:
            text = " ".join(_item(one) for one in value)
        elif field.message_type is not None and "reason" in field.message_type.fields_by_name:
            text = f"({value.reason})"
        else:
            text = f"({_item(value)})" if field.message_type is not None else _item(str(value))
        parts.append(f"{field.name.replace('_', ' ')} {text}")
    return ", ".join(parts)
