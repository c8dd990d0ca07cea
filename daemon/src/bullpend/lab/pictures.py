"""The part of LabService for a person's own picture: taken in, processed by a worker, sent back, forgotten."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import IO, Any

from bullpen_api.v1 import lab_pb2_grpc, postprocess_pb2
from bullpen_api.worker.v1 import link_pb2

from bullpend.clock import new_id
from bullpend.db.database import mapped_disk_errors
from bullpend.errors import BullpenError, ExactlyOneOf, FieldInvalid, LimitExceeded
from bullpend.paths import allowed_file
from bullpend.postprocess.following import Following, RunLongTask, field_of, stop
from bullpend.postprocess.judged import findings
from bullpend.postprocess.resolving import Resolved, Resolver
from bullpend.remote.cutouts import PaidCutouts
from bullpend.rpc import names

CHUNK = 256 * 1024
UPLOAD_LIMIT = 256 * 1024 * 1024
HEAR_OUT_SECONDS = 10.0

Response = postprocess_pb2.ProcessPictureResponse
Parts = AsyncIterator[postprocess_pb2.ProcessPictureRequest]


class PictureLab(lab_pb2_grpc.LabServiceServicer):
    """Post-process of single pictures, without a project."""

    def __init__(
        self, resolver: Resolver, run: RunLongTask, roots: Sequence[Path], scratch: Path, paid: PaidCutouts
    ) -> None:
        """`roots` are the folders inside which a picture may be named; `scratch` holds what is on its way; `paid` has
        providers do what they are asked for.
        """
        self._paid = paid
        self._resolver = resolver
        self._run = run
        self._roots = tuple(roots)
        self._scratch = scratch

    async def ListColorProfiles(  # noqa: N802
        self, request: postprocess_pb2.ListColorProfilesRequest, context: Any
    ) -> postprocess_pb2.ListColorProfilesResponse:
        """The colour profiles of the settings."""
        known = await asyncio.to_thread(self._resolver.profiles)
        return postprocess_pb2.ListColorProfilesResponse(
            profiles=[
                postprocess_pb2.ColorProfile(
                    name=name,
                    title=one.profile.title,
                    description=one.profile.description,
                    source=str(one.source),
                )
                for name, one in known.items()
            ]
        )

    async def ProcessPicture(  # noqa: N802
        self, request_iterator: Parts, context: Any
    ) -> AsyncIterator[Response]:
        """One picture through the chain."""
        number = new_id()
        received, made = self._scratch / f"lab-{number}.in", self._scratch / f"lab-{number}.png"
        begun: list[Following] = []
        # A client that leaves while a message is on its way ends this generator late; the worker need not wait for it.
        context.add_done_callback(lambda _: stop(begun))
        try:
            head = await _head(request_iterator)
            resolved = await asyncio.to_thread(self._resolver.resolve, head.post_process, "head.post_process")
            consent = await self._paid.agreed(
                resolved,
                1,
                head.confirm_spend,
                field="head.confirm_spend",
                model_field="head.post_process.cutout",
            )
            cost = consent.cost_usd(1) if consent else 0.0
            run, behind = self._run, None
            if consent is not None and resolved.post_process.cutout.fallback:
                behind = self._paid.behind(consent, "lab", lambda _: None)
                run = behind.run
            elif consent is not None:
                run = self._paid.runner(consent, "lab")
            yield Response(
                started=postprocess_pb2.ProcessPictureStarted(
                    post_process=resolved.post_process,
                    estimated_cost_usd=0.0 if behind else cost,
                    fallback_cost_usd=cost if behind else 0.0,
                )
            )
            title = Path(names.text(head.display_name, "head.display_name", 200)).name or "the picture"
            path = await self._source(head, request_iterator, received)
            work = resolved.work
            work.path, work.out_path = str(path), str(made)
            following = Following(run, work)
            begun.append(following)
            async for frame in following.progress():
                yield Response(progress=postprocess_pb2.ProcessPictureProgress(step=frame.step, share=frame.share))
            try:
                done = following.result()
            except BullpenError as error:
                error.message = error.message.replace(str(received), title)
                error.field = error.field or field_of(error, "head.post_process")
                raise
            yield Response(picture=_pack(done, resolved, behind.reason if behind else ""))
            async for chunk in _content(made):
                yield Response(chunk=chunk)
        except BullpenError:
            await _hear_out(request_iterator)
            raise
        finally:
            stop(begun)
            received.unlink(missing_ok=True)
            made.unlink(missing_ok=True)

    async def _source(self, head: postprocess_pb2.ProcessPictureHead, parts: Parts, received: Path) -> Path:
        """Where the picture lies: at the path that was named, or received and put down."""
        if head.path:
            path = await asyncio.to_thread(allowed_file, head.path, self._roots, "head.path")
            async for part in parts:
                if part.chunk:
                    raise _both()
            return path
        size = 0
        file: IO[bytes] = await asyncio.to_thread(received.open, "wb")
        with file:
            async for part in parts:
                if part.HasField("head"):
                    raise FieldInvalid("The head goes first and once.", field="head")
                size += len(part.chunk)
                if size > UPLOAD_LIMIT:
                    raise LimitExceeded(f"A picture may have {UPLOAD_LIMIT >> 20} MiB at most.", field="chunk")
                with mapped_disk_errors():
                    await asyncio.to_thread(file.write, part.chunk)
            if not size:
                raise ExactlyOneOf(
                    "There is no picture: neither a path nor content was given.",
                    field="head.path",
                    remedy="Name the picture's path in the head, or send its content after the head.",
                    fields="head.path, chunk",
                )
            with mapped_disk_errors():
                await asyncio.to_thread(file.flush)
        return received


async def _head(parts: Parts) -> postprocess_pb2.ProcessPictureHead:
    async for part in parts:
        if not part.HasField("head"):
            break
        return part.head
    raise FieldInvalid("The first message must carry the head.", field="head")


async def _content(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


async def _hear_out(parts: Parts) -> None:
    """Reads and drops what a refused client still sends: one that cannot send on would not hear the reason."""
    left = UPLOAD_LIMIT
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEAR_OUT_SECONDS):
            async for part in parts:
                left -= len(part.chunk)
                if left < 0:
                    return


def _both() -> ExactlyOneOf:
    return ExactlyOneOf("A path was named and content was sent.", field="head.path", fields="head.path, chunk")


def _pack(
    done: link_pb2.PictureProcessed, resolved: Resolved, fallback_reason: str
) -> postprocess_pb2.ProcessedPicture:
    return postprocess_pb2.ProcessedPicture(
        width=done.width,
        height=done.height,
        has_alpha=done.has_alpha,
        mime_type="image/png",
        size_bytes=done.size_bytes,
        sha256=done.sha256,
        seconds=done.seconds,
        measures=done.measures,
        findings=findings(done.measures, resolved.limits),
        fallback_reason=fallback_reason,
    )
