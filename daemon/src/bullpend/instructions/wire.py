"""The wire forms of instructions, made from rows."""

from __future__ import annotations

import json

from bullpen_api.v1 import event_pb2, instruction_pb2, run_pb2
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from bullpend.db import Row
from bullpend.rpc.wire import etag, timestamp

pb = instruction_pb2


def pack(row: Row, plan: bool = False) -> pb.Instruction:
    """The wire form of an instruction's row; with its plan where that is asked for."""
    preview = pb.InstructionPreview.FromString(row["preview"])
    if plan and row["plan"]:
        preview.plan.MergeFromString(row["plan"])
    dispatch = pb.InstructionDispatch.FromString(row["dispatch"]) if row["dispatch"] else None
    return pb.Instruction(
        name=f"projects/{row['project']}/instructions/{row['slug']}",
        type=pb.Instruction.Type.Value(f"TYPE_{row['type']}"),
        state=pb.Instruction.State.Value(f"STATE_{row['state']}"),
        objective=row["objective"],
        method=row["method"],
        inputs=ParseDict(json.loads(row["inputs"]), Struct()),
        constraints=json.loads(row["constraints"]),
        execution=pb.InstructionExecution(
            max_attempts=row["max_attempts"],
            executor=pb.InstructionExecution.Executor.Value(f"EXECUTOR_{row['executor']}"),
        ),
        confirmation_required=bool(row["confirmation_required"]),
        requested_by=row["requested_by"],
        chat_session=row["chat_session"],
        preview=preview,
        digest=row["digest"],
        expire_time=timestamp(row["expire_time"]) if row["state"] == "DRAFT" else None,
        attempt=row["attempt"],
        failures=row["failures"],
        not_before=timestamp(row["not_before"]) if row["state"] == "QUEUED" and row["not_before"] else None,
        run=row["run"],
        result=row["result"],
        error=run_pb2.JobError(**json.loads(row["error"])) if row["error"] else None,
        retry_of=row["retry_of"],
        cancel_time=timestamp(row["cancel_time"]),
        create_time=timestamp(row["create_time"]),
        confirm_time=timestamp(row["confirm_time"]),
        start_time=timestamp(row["start_time"]),
        end_time=timestamp(row["end_time"]),
        dispatch=dispatch,
        etag=etag(row["id"], row["revision"]),
        revision=row["revision"],
    )


def event(row: Row) -> event_pb2.Event:
    """An event that carries the instruction as it is now."""
    return event_pb2.Event(instruction=pack(row))
