"""What `bullpen doctor` says of money: whether a person has to look something up at a provider."""

from __future__ import annotations

import asyncio

from bullpen_api.v1 import system_pb2

from bullpend.costs.model import Money
from bullpend.db import Database
from bullpend.errors import SettingInvalid
from bullpend.remote.catalogue import Catalogue

NAME = "paid requests"


async def check(database: Database, catalogue: Catalogue) -> system_pb2.Check:
    """One check: whether prices can be read, and requests of unknown outcome, with what they may have cost."""
    try:
        await asyncio.to_thread(catalogue.entries)
    except SettingInvalid as error:
        status = system_pb2.Check.STATUS_ERROR
        return system_pb2.Check(name=NAME, status=status, message=error.message, remedy=error.remedy)
    sql = (
        "SELECT count(*) AS count, currency, sum(estimate_micros) AS micros FROM paid_requests "
        "WHERE state = 'UNKNOWN' GROUP BY currency ORDER BY currency"
    )
    rows = await database.read(lambda view: view.all(sql))
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
