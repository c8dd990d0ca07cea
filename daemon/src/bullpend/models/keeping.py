"""How long models stay in memory, what was measured of them, what devices may be given: what outlives the daemon.

The rules are the scheduler's (`scheduling/residency.py`); this reads what a request says and remembers it.
"""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from bullpend.db import Tx
from bullpend.db.database import View
from bullpend.errors import FieldInvalid
from bullpend.scheduling.model import Keeping, Use

# A year; a model that is to stay longer is pinned.
MOST_SECONDS = 366 * 86_400.0


def keep_alive(request: Message, field: str = "keep_alive") -> float | None:
    """Seconds of a request's Duration; None where it is not set. Raises FieldInvalid for a negative or endless one."""
    if not request.HasField(field):
        return None
    said: Duration = getattr(request, field)
    seconds = said.seconds + said.nanos / 1e9
    if seconds < 0:
        raise FieldInvalid(
            f"A model cannot be kept for {seconds:g} seconds.",
            field=field,
            remedy="Give 0 or more seconds; to keep a model in memory without end, pin it: `bullpen models pin`.",
        )
    if seconds > MOST_SECONDS:
        raise FieldInvalid(
            f"{seconds:g} seconds are more than a year.",
            field=field,
            remedy="To keep a model in memory without end, pin it: `bullpen models pin`.",
        )
    return seconds


def all_keepings(view: View) -> dict[str, Keeping]:
    """What was set, by model."""
    rows = view.all("SELECT model, pinned, keep_alive FROM model_keepings ORDER BY model")
    return {row["model"]: Keeping(bool(row["pinned"]), row["keep_alive"]) for row in rows}


def put(tx: Tx, model: str, keeping: Keeping) -> None:
    """Writes what holds for a model from now on; nothing stays of one for which nothing is set."""
    tx.run("DELETE FROM model_keepings WHERE model = ?", model)
    if keeping != Keeping():
        tx.insert("model_keepings", {"model": model, "pinned": int(keeping.pinned), "keep_alive": keeping.keep_alive})


def device_uses(view: View) -> dict[str, Use]:
    """What somebody decided that devices may be given, by device."""
    return {row["device"]: Use(row["use"]) for row in view.all("SELECT device, use FROM device_uses")}


def put_keep_alive(tx: Tx, run_id: int, request: Message) -> None:
    """Writes what a request says of a run's models; nothing where it says nothing."""
    if "keep_alive" in request.DESCRIPTOR.fields_by_name and (seconds := keep_alive(request)) is not None:
        tx.insert("run_keep_alives", {"run_id": run_id, "seconds": seconds})


def footprints(view: View) -> list[tuple[str, str, int, int]]:
    """Everything that was measured: digest of the model, kind of device, pixels, bytes."""
    rows = view.all("SELECT digest, device_kind, pixels, working_bytes FROM model_footprints")
    return [(row["digest"], row["device_kind"], row["pixels"], row["working_bytes"]) for row in rows]


def measured(tx: Tx, digest: str, device_kind: str, pixels: int, working_bytes: int) -> None:
    """Writes what a job took beside the weights; the most counts."""
    tx.run(
        "INSERT INTO model_footprints (digest, device_kind, pixels, working_bytes) VALUES (?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET working_bytes = max(working_bytes, excluded.working_bytes)",
        digest,
        device_kind,
        pixels,
        working_bytes,
    )
