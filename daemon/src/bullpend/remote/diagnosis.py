"""What `bullpen doctor` says of money: whether a person has to look something up at a provider, its prices among it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from bullpen_api.v1 import system_pb2

from bullpend.costs.model import Money
from bullpend.db import Database
from bullpend.errors import SettingInvalid
from bullpend.remote.catalogue import Catalogue

NAME = "paid requests"
# A price that was looked up longer ago may be another one by now.
OLD_DAYS = 180


async def check(database: Database, catalogue: Catalogue, now: float) -> system_pb2.Check:
    """One check: whether prices can be read, requests of unknown outcome with what they may have cost, and prices that
    are old. `now` is in seconds since 1970.
    """
    try:
        entries = await asyncio.to_thread(catalogue.entries)
    except SettingInvalid as error:
        status = system_pb2.Check.STATUS_ERROR
        return system_pb2.Check(name=NAME, status=status, message=error.message, remedy=error.remedy)
    sql = (
        "SELECT count(*) AS count, currency, sum(estimate_micros) AS micros FROM paid_requests "
        "WHERE state = 'UNKNOWN' GROUP BY currency ORDER BY currency"
    )
    rows = await database.read(lambda view: view.all(sql))
    if not rows and (old := aged({name: entry.price.as_of for name, entry in entries.items()}, now)):
        return system_pb2.Check(
            name=NAME,
            status=system_pb2.Check.STATUS_WARNING,
            message=f"Prices of {', '.join(old)} were looked up more than {OLD_DAYS} days ago.",
            remedy="See what the provider charges now, and put it with its day into remote.json in the daemon's home.",
        )
    if not rows:
        message = "No request to a provider waits to be resolved."
        return system_pb2.Check(name=NAME, status=system_pb2.Check.STATUS_OK, message=message)
    count = sum(row["count"] for row in rows)
    most = ", ".join(str(Money(row["currency"], row["micros"])) for row in rows)
    was = "request to a provider is" if count == 1 else "requests to providers are"
    return system_pb2.Check(
        name=NAME,
        status=system_pb2.Check.STATUS_WARNING,
        message=f"{count} {was} of unknown outcome; up to {most} may have been charged.",
        remedy="See `bullpen remote list --unknown`, look them up at the provider, and resolve them.",
    )


def aged(days: Mapping[str, str], now: float) -> list[str]:
    """The models whose price is old, by the day of each, such as `2026-11-20`."""
    last = datetime.fromtimestamp(now, UTC).date() - timedelta(days=OLD_DAYS)
    return sorted(name for name, day in days.items() if day < last.isoformat())
