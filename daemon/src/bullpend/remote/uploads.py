"""The pictures of a job on their way to a provider: drawn anew by a worker, and gone when the job has ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2

from bullpend.clock import new_id
from bullpend.remote.catalogue import Entry
from bullpend.remote.model import Upload

RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]


@dataclass(frozen=True, slots=True)
class Uploads:
    """What goes along with an order: the size that is asked for, the picture to edit with what a worker says of it,
    where to paint in it, and the pictures that steer. Without a picture there is nothing but the size.
    """

    size: tuple[int, int]
    prepared: link_pb2.UploadPrepared | None = None
    source: Upload | None = None
    mask: Upload | None = None
    references: tuple[Upload, ...] = ()


async def prepare(run_task: RunTask, job: link_pb2.RunJob, entry: Entry, sent: list[Path]) -> Uploads:
    """Writes what may leave into the job's folder; every file is named in `sent`, also where a later one fails.

    Raises what the worker's tasks raise.
    """
    if not job.source_path:
        return Uploads(entry.size_for(job.width, job.height))

    async def write(task: link_pb2.PrepareUpload) -> link_pb2.UploadPrepared:
        sent.extend(Path(path) for path in (task.out_path, task.mask_path) if path)
        return (await run_task(link_pb2.Task(prepare_upload=task))).upload_prepared

    def place() -> str:
        return str(Path(job.out_folder) / f"upload-{new_id()}.png")

    size = entry.size_for(*await _head(run_task, job.source_path))
    task = link_pb2.PrepareUpload(path=job.source_path, out_path=place(), width=size[0], height=size[1])
    if job.method.HasField("mask"):
        task.mask.CopyFrom(job.method.mask)
        task.mask_path = place()
    prepared = await write(task)
    references = []
    for path in job.method.references.paths:
        shown = link_pb2.PrepareUpload(path=path, out_path=place(), most_pixels=entry.most_pixels)
        references.append(Upload(Path(shown.out_path), (await write(shown)).sha256))
    return Uploads(
        size,
        prepared,
        Upload(Path(task.out_path), prepared.sha256),
        Upload(Path(task.mask_path), prepared.mask_sha256) if prepared.mask_sha256 else None,
        tuple(references),
    )


async def _head(run_task: RunTask, path: str) -> tuple[int, int]:
    """Width and height of a picture, by a worker."""
    task = link_pb2.Task(inspect_pictures=link_pb2.InspectPictures(paths=[path]))
    (seen,) = (await run_task(task)).pictures_inspected.pictures
    return max(1, seen.width), max(1, seen.height)
