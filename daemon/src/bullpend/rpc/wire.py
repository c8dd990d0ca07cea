"""Small conversions that every room's edge needs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from bullpend.db import Tx
from bullpend.errors import FieldInvalid, RequestIdReused


def timestamp(seconds: float | None) -> Timestamp | None:
    """Seconds since 1970 as a protobuf timestamp, to the microsecond; None stays None."""
    if seconds is None:
        return None
    micros = round(seconds * 1_000_000)
    return Timestamp(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)


def duration(seconds: float | None) -> Duration | None:
    """Seconds as a protobuf duration, to the microsecond; None stays None."""
    if seconds is None:
        return None
    micros = round(seconds * 1_000_000)
    return Duration(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)


def etag(*parts: object) -> str:
    """A short tag that changes with any of the parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def once(tx: Tx, request_id: str, request: Message, work: Callable[[], str]) -> str:
    """Runs `work`, which returns the name of what it made, once for a request_id; repeats give the same name.

    Raises RequestIdReused when the id was used for another request.
    """
    if not request_id:
        return work()
    if len(request_id) > 128:
        raise FieldInvalid("`request_id` is longer than 128 characters.", field="request_id")
    method = request.DESCRIPTOR.full_name
    digest = hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()
    known = tx.one("SELECT method, digest, answer FROM requests WHERE request_id = ?", request_id)
    if known is not None:
        if (known["method"], known["digest"]) != (method, digest):
            raise RequestIdReused(f"The request_id {request_id} was used for another request.", field="request_id")
        return str(known["answer"])
    answer = work()
    row = {"request_id": request_id, "method": method, "digest": digest, "answer": answer, "time": tx.now}
    tx.insert("requests", row)
    return answer
