"""InstructionService: unpack, call, pack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bullpen_api.v1 import instruction_pb2 as pb
from bullpen_api.v1 import instruction_pb2_grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import FieldInvalid
from bullpend.instructions import store, wire
from bullpend.instructions.agent.callbacks import Callbacks
from bullpend.instructions.desk import Desk, Once
from bullpend.instructions.model import Executor
from bullpend.instructions.proposal import Proposal
from bullpend.projects import store as projects
from bullpend.rpc import masks, names, paging
from bullpend.rpc.wire import etag, once

NAME = "projects/*/instructions/*"


def once_for(request: Any) -> Once:
    """Runs the work once for the request's id."""

    def run(tx: Tx, work: Callable[[], str]) -> str:
        message: Message = request
        return once(tx, request.request_id, message, work)

    return run


class InstructionService(instruction_pb2_grpc.InstructionServiceServicer):
    """A person's door to the desk."""

    def __init__(self, desk: Desk, callbacks: Callbacks) -> None:
        self._desk = desk
        self._callbacks = callbacks

    async def CreateInstruction(self, request: pb.CreateInstructionRequest, context: Any) -> pb.Instruction:  # noqa: N802 -- gRPC's names from here on
        """A draft."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        given = request.instruction
        who = names.choice(
            pb.InstructionExecution.Executor.DESCRIPTOR, given.execution.executor, "instruction.execution.executor"
        )
        kind = names.choice(pb.Instruction.Type.DESCRIPTOR, given.type, "instruction.type") if given.type else ""
        proposal = Proposal(
            project,
            given.method,
            MessageToDict(given.inputs),
            given.objective,
            dict(given.constraints),
            given.requested_by,
            confirmation_required=given.confirmation_required,
            max_attempts=given.execution.max_attempts,
            for_agent=who == Executor.AGENT,
            type=kind,
        )
        return wire.pack(await self._desk.create(proposal, once_for(request)), plan=True)

    async def GetInstruction(self, request: pb.GetInstructionRequest, context: Any) -> pb.Instruction:  # noqa: N802
        """One instruction."""
        project, slug = names.parse(request.name, NAME)

        def read(view: View) -> Row:
            projects.get(view, project)
            return store.get(view, project, slug)

        return wire.pack(await self._desk.database.read(read), plan=True)

    async def ListInstructions(  # noqa: N802
        self, request: pb.ListInstructionsRequest, context: Any
    ) -> pb.ListInstructionsResponse:
        """Instructions, newest first."""
        project = "-" if request.parent == "projects/-" else names.parse(request.parent, "projects/*", "parent")[0]
        states = [names.choice(pb.Instruction.State.DESCRIPTOR, value, "states") for value in request.states]
        types = [names.choice(pb.Instruction.Type.DESCRIPTOR, value, "types") for value in request.types]
        scope = f"{project}/instructions/{','.join(states)}/{','.join(types)}"
        page = paging.page(request.page_size, request.page_token, scope, (int,))

        def read(view: View) -> tuple[list[Row], int]:
            if project != "-":
                projects.get(view, project, "parent")
            before = int(page.after[0]) if page.after else None
            return store.page(view, project, states, types, before, page.limit + 1), view.revision()

        rows, revision = await self._desk.database.read(read)
        shown, token = page.cut(rows, [(row["id"],) for row in rows])
        return pb.ListInstructionsResponse(
            instructions=[wire.pack(row) for row in shown], next_page_token=token, revision=revision
        )

    async def UpdateInstruction(self, request: pb.UpdateInstructionRequest, context: Any) -> pb.Instruction:  # noqa: N802
        """Another call, or another objective."""
        given = request.instruction
        project, slug = names.parse(given.name, NAME, "instruction.name")
        if not given.HasField("inputs") and not given.objective:
            raise FieldInvalid("Nothing is given that is to change.", field="instruction.inputs")
        row = await self._desk.database.read(lambda view: store.get(view, project, slug, "instruction.name"))
        masks.check_etag(given.etag, etag(row["id"], row["revision"]), given.name, "instruction.etag")
        inputs = MessageToDict(given.inputs) if given.HasField("inputs") else None
        return wire.pack(await self._desk.change(project, slug, inputs, given.objective), plan=True)

    async def ShowInstruction(self, request: pb.ShowInstructionRequest, context: Any) -> pb.Instruction:  # noqa: N802
        """A draft, looked at again."""
        return wire.pack(await self._desk.show(*names.parse(request.name, NAME)), plan=True)

    async def ConfirmInstruction(self, request: pb.ConfirmInstructionRequest, context: Any) -> pb.Instruction:  # noqa: N802
        """A person's word."""
        project, slug = names.parse(request.name, NAME)
        names.text(request.digest, "digest", 64, required=True)
        return wire.pack(await self._desk.confirm(project, slug, request.digest, request.confirm_spend), plan=True)

    async def CancelInstruction(self, request: pb.CancelInstructionRequest, context: Any) -> pb.Instruction:  # noqa: N802
        """The end of an instruction."""
        return wire.pack(await self._desk.cancel(*names.parse(request.name, NAME)))

    async def RetryInstruction(self, request: pb.RetryInstructionRequest, context: Any) -> pb.Instruction:  # noqa: N802
        """A new draft of one that failed."""
        project, slug = names.parse(request.name, NAME)
        return wire.pack(await self._desk.retry(project, slug, once_for(request)), plan=True)

    async def ReceiveCallback(self, request: pb.ReceiveCallbackRequest, context: Any) -> pb.ReceiveCallbackResponse:  # noqa: N802
        """What an agent says of an instruction."""
        name = await self._callbacks.receive(request.body, request.token, request.timestamp, request.signature)
        return pb.ReceiveCallbackResponse(instruction=name)

    async def ListInstructionMethods(  # noqa: N802
        self, request: pb.ListInstructionMethodsRequest, context: Any
    ) -> pb.ListInstructionMethodsResponse:
        """What can be an instruction."""
        methods = [
            pb.InstructionMethod(
                method=method.name, type=pb.Instruction.Type.Value(f"TYPE_{method.type}"), description=method.words
            )
            for method in self._desk.methods()
        ]
        return pb.ListInstructionMethodsResponse(methods=methods)
