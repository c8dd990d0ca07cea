"""What an agent is sent, what it sends back, and how both sides know each other. Pure; no I/O, no clock.

One key is known to both sides: the vault's secret that `agent.secret` names. It goes out as a bearer token, and signs
what comes back:

    token      what a dispatch's callback is good for: HMAC-SHA256(key, "bullpen callback token\\n" + idempotency key),
               in hex. Good once, until `callback.expire_time`.
    signature  HMAC-SHA256(key, token + "\\n" + timestamp + "\\n" + body), in hex.
               The timestamp is in seconds since 1970.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bullpend.db import Row
from bullpend.errors import CallbackRefused, FieldInvalid
from bullpend.instructions.agent.model import ANSWERS, Agent, Answer, Said

SCHEMA_VERSION = 1
MOST_BODY = 64 * 1024
MOST_TEXT = 2000
# How far the clock of a callback may be from this one's.
SKEW_SECONDS = 300.0


def token(key: str, idempotency_key: str) -> str:
    """The token that a dispatch's callback must carry."""
    return hmac.new(key.encode(), f"bullpen callback token\n{idempotency_key}".encode(), hashlib.sha256).hexdigest()


def digest(text: str) -> str:
    """What of a token is kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def signature(key: str, given: str, timestamp: str, body: bytes) -> str:
    """What a callback must be signed with."""
    return hmac.new(key.encode(), f"{given}\n{timestamp}\n".encode() + body, hashlib.sha256).hexdigest()


def check_signed(key: str, given: str, timestamp: str, signed: str, body: bytes, now: float) -> None:
    """Raises CallbackRefused where the signature or its time is not right."""
    wanted = signature(key, given, timestamp, body)
    if not hmac.compare_digest(wanted.encode(), signed.lower().encode("utf-8", "replace")):
        raise CallbackRefused("The callback's signature is not that of its body.", field="signature")
    try:
        off = abs(float(timestamp) - now)
    except ValueError:
        off = float("inf")
    # Written so that nan is refused too.
    if not off <= SKEW_SECONDS:
        raise CallbackRefused(
            f"The callback was signed at another time than now; {SKEW_SECONDS:.0f} seconds are allowed.",
            field="timestamp",
        )


def whole(row: Row, dispatch: Row, agent: Agent, key: str) -> dict[str, Any]:
    """The full payload of an instruction, the same for every delivery of one dispatch."""
    callback = {}
    if agent.callback:
        callback = {
            "url": agent.callback,
            "token": token(key, dispatch["key"]),
            "expire_time": _moment(dispatch["expire_time"]),
            "signature": "hmac-sha256",
        }
    return {
        "schema_version": SCHEMA_VERSION,
        "instruction_id": f"projects/{row['project']}/instructions/{row['slug']}",
        "idempotency_key": dispatch["key"],
        "project_slug": row["project"],
        "instruction_type": row["type"].lower(),
        "objective": row["objective"],
        "method": row["method"],
        "constraints": json.loads(row["constraints"]),
        "inputs": json.loads(row["inputs"]),
        "execution": {"max_attempts": row["max_attempts"], "expire_time": _moment(dispatch["expire_time"])},
        "confirmation_required": bool(row["confirmation_required"]),
        "confirm_time": _moment(row["confirm_time"] or row["create_time"]),
        "requested_by": row["requested_by"],
        "callback": callback,
    }


def read(body: bytes) -> Answer:
    """What an agent says, from JSON. Raises FieldInvalid for what is none of its words."""
    said = _object(body)
    try:
        status = Said(str(said.get("status", "")).lower())
    except ValueError:
        given, known = str(said.get("status"))[:60], ", ".join(Said)
        raise FieldInvalid(f"`status` is {given!r}; it is one of {known}.", field="status") from None
    error = said.get("error")
    reason = error.get("message", "") if isinstance(error, Mapping) else error
    return Answer(status, _plain(said.get("result")), _plain(reason))


def read_callback(body: bytes, instruction: str) -> Answer:
    """The answer of a callback about an instruction. Raises CallbackRefused or FieldInvalid."""
    if len(body) > MOST_BODY:
        raise FieldInvalid(f"A callback is longer than {MOST_BODY} bytes.", field="body")
    about = _object(body).get("instruction_id")
    if about != instruction:
        raise CallbackRefused("The callback is about another instruction than its token.", field="body")
    answer = read(body)
    if answer.said not in ANSWERS:
        raise FieldInvalid(
            f"`status` is {answer.said.value!r}; a callback says how it ended: {', '.join(ANSWERS)}.", field="status"
        )
    return answer


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FieldInvalid("What the agent sent is no JSON.", field="body") from error
    if not isinstance(said, dict):
        raise FieldInvalid("What the agent sent is no JSON object.", field="body")
    return said


def _plain(value: object) -> str:
    """A text as it can be shown: no control signs, and not longer than what is kept."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)
    kept = "".join(sign for sign in text[: MOST_TEXT * 2] if sign == "\n" or sign.isprintable())
    return kept if len(kept) <= MOST_TEXT else f"{kept[: MOST_TEXT - 1]}…"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
