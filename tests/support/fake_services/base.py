"""What the services of the fake daemon share: refusals, and resources that are kept and told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from tests.support.fake_daemon import Refusal

if TYPE_CHECKING:
    from tests.support.fake_daemon import FakeDaemon


async def refuse(context: Any, refusal: Refusal) -> NoReturn:
    """Ends the call with a typed error."""
    await context.abort(refusal.code, refusal.message, refusal.trailing())
    raise AssertionError("abort raises")


def absent(kind: str, name: str) -> Refusal:
    """A NOT_FOUND refusal."""
    reason = "PROJECT_NOT_FOUND" if kind == "project" else "RESOURCE_NOT_FOUND"
    return Refusal(reason, grpc.StatusCode.NOT_FOUND, f"There is no {kind} {name}.", "name", "Look at the list.")


class Service:
    def __init__(self, daemon: FakeDaemon) -> None:
        self.daemon = daemon

    async def the(self, context: Any, table: dict[str, Any], kind: str, name: str) -> Any:
        if name not in table:
            await refuse(context, absent(kind, name))
        return table[name]

    async def new(self, context: Any, table: dict[str, Any], kind: str, parent: str, part: str, item: Any) -> Any:
        if item.name in table:
            taken = Refusal("ALREADY_EXISTS", grpc.StatusCode.ALREADY_EXISTS, f"{item.name} exists.", f"{kind}_id")
            await refuse(context, taken)
        if parent:
            await self.the(context, self.daemon.projects, "project", parent)
        table[item.name] = item
        item.revision = self.daemon.publish(f"{kind}.created", item.name, **{part: item}).revision
        return item


async def _unserved(service: Any, request: Any, context: Any) -> Any:
    """What no test asks the fake for; the tests of these commands have a real daemon."""
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "The fake daemon does not do this.")


unserved: Any = _unserved
